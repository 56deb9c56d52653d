// SPDX-License-Identifier: BSD-3-Clause
// A .npy file that grows frame by frame and can be read at any time.
#include "npy_writer.hpp"

#include "npy.hpp"

#include <span>
#include <string>
#include <utility>

namespace ndsharray::cli {
namespace {

constexpr std::chrono::seconds between_headers{1};

ArraySpec packed(const ArraySpec& spec) {
    return ArraySpec::contiguous(spec.dtype, std::span(spec.shape.data(), spec.ndim), spec.byte_order);
}

}  // namespace

NpyWriter::NpyWriter(File file, const ArraySpec& frame) : file_(std::move(file)), frame_(packed(frame)) {
    write_header();
}

void NpyWriter::write_header() {
    const std::string header = make_npy_header(frame_, frames_);
    header_bytes_ = header.size();
    file_.write(0, std::as_bytes(std::span(header)));
    header_due_ = std::chrono::steady_clock::now() + between_headers;
}

void NpyWriter::finish() {
    write_header();
    file_.cut(header_bytes_ + bytes());
}

bool NpyWriter::accepts(const ArraySpec& frame) const {
    return packed(frame) == frame_;
}

void NpyWriter::append(const ArrayView& frame) {
    std::span<const std::byte> elements(static_cast<const std::byte*>(frame.data),
                                        static_cast<std::size_t>(frame_.bytes));
    if (!frame.spec.is_contiguous()) {
        packed_.resize(elements.size());
        copy_elements(packed_.data(), frame);
        elements = packed_;
    }
    file_.write(header_bytes_ + bytes(), elements);
    ++frames_;
    if (std::chrono::steady_clock::now() >= header_due_)
        write_header();
}

}  // namespace ndsharray::cli
