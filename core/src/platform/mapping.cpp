// SPDX-License-Identifier: BSD-3-Clause
// Files mapped into memory.
#include "platform/mapping.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

/// More than this at once is not worth what making room for it takes: with base pages of 16 KiB a huge page
/// has 32 MiB.
constexpr std::uint64_t most_bytes_of_huge_page = std::uint64_t{4} << 20;

/// 0 where there are none that we would use.
std::uint64_t find_huge_page_bytes() noexcept {
    const Opened file = open_existing("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", Access::ReadOnly);
    std::array<char, 24> text{};
    std::uint64_t bytes = 0;
    if (file.error == 0)
        std::from_chars(text.data(),
                        text.data() + read_at(file.file, 0, std::as_writable_bytes(std::span(text))), bytes);
    const bool is_usable = bytes != 0 && (bytes & (bytes - 1)) == 0 && bytes <= most_bytes_of_huge_page;
    return is_usable ? bytes : 0;
}

std::uint64_t huge_page_bytes() noexcept {
    static const std::uint64_t bytes = find_huge_page_bytes();
    return bytes;
}

/// Like mmap, at an address that is a multiple of huge pages. nullptr where that cannot be had.
void* map_aligned(int file, std::size_t bytes, int protection, std::size_t alignment) noexcept {
    if (alignment == 0 || bytes < alignment || bytes > std::numeric_limits<std::size_t>::max() - alignment)
        return nullptr;
    void* const room = mmap(nullptr, bytes + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return nullptr;
    auto* const begin = static_cast<std::byte*>(room);
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(room) & (alignment - 1);
    void* const mapped = mmap(begin + before, bytes, protection, MAP_SHARED | MAP_FIXED, file, 0);
    if (mapped == MAP_FAILED) {
        munmap(room, bytes + alignment);
        return nullptr;
    }
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t end = (before + bytes + page - 1) & ~(page - 1);
    if (before > 0)
        munmap(begin, before);
    if (end < bytes + alignment)
        munmap(begin + end, bytes + alignment - end);
    return mapped;
}

}  // namespace

Mapping::Mapping(Mapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      access_(other.access_),
      range_(std::exchange(other.range_, nullptr)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    std::swap(access_, other.access_);
    std::swap(range_, other.range_);
    return *this;
}

Mapping::~Mapping() {
    if (range_ != nullptr)
        range_->release();
    if (address_ != nullptr)
        munmap(address_, bytes_);
}

Mapping Mapping::of(const Descriptor& file, std::uint64_t bytes, Access access,
                    std::string_view tag) noexcept {
    if (bytes == 0 || bytes > std::numeric_limits<std::size_t>::max()) {
        errno = ENOMEM;
        return {};
    }
    const int protection = access == Access::ReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
    const auto size = static_cast<std::size_t>(bytes);
    void* address = map_aligned(file.number(), size, protection, static_cast<std::size_t>(huge_page_bytes()));
    if (address == nullptr)
        address = mmap(nullptr, size, protection, MAP_SHARED, file.number(), 0);
    if (address == MAP_FAILED)
        return {};
    Mapping mapping;
    mapping.address_ = static_cast<std::byte*>(address);
    mapping.bytes_ = bytes;
    mapping.access_ = access;
    mapping.range_ = GuardedRange::guard(mapping.address_, size, access, tag);
    if (mapping.range_ == nullptr) {
        mapping = {};
        errno = ENOMEM;
    }
    return mapping;
}

bool Mapping::is_cut() const noexcept {
    if (address_ != nullptr)
        static_cast<void>(*reinterpret_cast<const volatile std::byte*>(address_ + bytes_ - 1));
    return was_cut();
}

void Mapping::populate(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    constexpr int populate_read = 22;  // MADV_POPULATE_*, Linux 5.14; the C library's headers may be older
    constexpr int populate_write = 23;
    constexpr std::uint64_t page = 4096;  // the smallest there is; madvise rounds the end up by itself
    const std::uint64_t begin = offset / page * page;
    const bool writable = access_ == Access::ReadWrite;
    if (madvise(address_ + begin, static_cast<std::size_t>(offset + bytes - begin),
                writable ? populate_write : populate_read) == 0 ||
        errno != EINVAL)
        return;
    for (std::uint64_t at = offset; at < offset + bytes; at = at / page * page + page) {
        auto* byte = reinterpret_cast<volatile std::byte*>(address_ + at);
        if (writable)
            *byte = std::byte{0};
        else
            static_cast<void>(*byte);
    }
}

bool Mapping::discard(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    // Inwards: the pages at either end may hold something else as well.
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t begin = (offset + page - 1) / page * page;
    const std::uint64_t end = (offset + bytes) / page * page;
    return begin >= end || madvise(address_ + begin, static_cast<std::size_t>(end - begin), MADV_REMOVE) == 0;
}

std::optional<std::uint64_t> Mapping::use_huge_page(std::uint64_t offset) const noexcept {
    constexpr int collapse = 25;  // MADV_COLLAPSE, Linux 6.1; the C library's headers may be older
    const std::uint64_t huge = huge_page_bytes();
    if (huge == 0)
        return std::nullopt;
    const std::uint64_t begin = (offset + huge - 1) / huge * huge;
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(address_) % huge == 0;
    if (!is_aligned || begin > bytes_ || bytes_ - begin < huge)
        return std::nullopt;
    // EAGAIN, EBUSY: not this one, maybe the next. ENOMEM, EINVAL: none.
    const int result = madvise(address_ + begin, static_cast<std::size_t>(huge), collapse);
    if (result != 0 && errno != EAGAIN && errno != EBUSY)
        return std::nullopt;
    return begin + huge;
}

}  // namespace ndsharray::platform
