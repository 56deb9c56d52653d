// SPDX-License-Identifier: BSD-3-Clause
// Pictures as files: JPEG and PNG.
#include "serve/picture_file.hpp"

#include <png.h>
#include <turbojpeg.h>

#include <bit>
#include <csetjmp>
#include <memory>
#include <stdexcept>

namespace ndsharray::serve {
namespace {

/// Small pictures are shown large, and of colour maps each pixel counts: these have a colour for each pixel,
/// not for four.
constexpr unsigned most_pixels_with_all_colours = 640 * 512;

struct DestroyCompressor {
    void operator()(void* handle) const { tjDestroy(handle); }
};
struct FreeJpeg {
    void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

/// libpng's writing structures.
struct PngWriter {
    png_structp writer = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = writer != nullptr ? png_create_info_struct(writer) : nullptr;

    PngWriter() = default;
    ~PngWriter() { png_destroy_write_struct(&writer, &info); }
    PngWriter(const PngWriter&) = delete;
    PngWriter& operator=(const PngWriter&) = delete;
};

void append(png_structp writer, png_bytep bytes, png_size_t count) {
    static_cast<std::string*>(png_get_io_ptr(writer))->append(reinterpret_cast<char*>(bytes), count);
}

/// libpng jumps out of here on an error: nothing in here has a destructor.
bool write_png(png_structp writer, png_infop info, const Picture& picture, std::string* text) {
    if (setjmp(png_jmpbuf(writer)) != 0)
        return false;
    png_set_write_fn(writer, text, append, nullptr);
    png_set_compression_level(writer, 3);
    png_set_IHDR(writer, info, picture.width, picture.height, static_cast<int>(picture.depth),
                 picture.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer, info);
    if (picture.depth == 16 && std::endian::native == std::endian::little)
        png_set_swap(writer);
    const std::size_t row = std::size_t{picture.width} * picture.channels * picture.depth / 8;
    for (unsigned y = 0; y < picture.height; ++y)
        png_write_row(writer, picture.bytes.data() + y * row);
    png_write_end(writer, info);
    return true;
}

}  // namespace

std::string jpeg(const Picture& picture, unsigned quality) {
    const std::unique_ptr<void, DestroyCompressor> compressor(tjInitCompress());
    unsigned char* bytes = nullptr;
    unsigned long count = 0;
    const bool colour = picture.channels == 3;
    const bool is_small = picture.width * picture.height <= most_pixels_with_all_colours;
    const int subsampling = !colour ? TJSAMP_GRAY : is_small ? TJSAMP_444 : TJSAMP_420;
    const int failed = tjCompress2(compressor.get(), picture.bytes.data(), static_cast<int>(picture.width), 0,
                                   static_cast<int>(picture.height), colour ? TJPF_RGB : TJPF_GRAY, &bytes,
                                   &count, subsampling, static_cast<int>(quality), 0);
    const std::unique_ptr<unsigned char, FreeJpeg> owned(bytes);
    if (failed != 0)
        throw std::runtime_error("the picture cannot be written as JPEG");
    return {reinterpret_cast<const char*>(bytes), count};
}

std::string png(const Picture& picture) {
    std::string text;
    const PngWriter png;
    if (png.info == nullptr || !write_png(png.writer, png.info, picture, &text))
        throw std::runtime_error("the picture cannot be written as PNG");
    return text;
}

}  // namespace ndsharray::serve
