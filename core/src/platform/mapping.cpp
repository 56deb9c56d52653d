// SPDX-License-Identifier: BSD-3-Clause
// Files mapped into memory.
#include "platform/mapping.hpp"

#include <cerrno>
#include <limits>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace ndsharray::platform {

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
    void* const address = mmap(nullptr, size, protection, MAP_SHARED, file.number(), 0);
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

bool Mapping::is_cut_before(std::uint64_t end) const noexcept {
    if (address_ != nullptr && end != 0)
        static_cast<void>(*reinterpret_cast<const volatile std::byte*>(address_ + end - 1));
    return was_cut();
}

void Mapping::populate(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    constexpr int populate_read = 22;  // MADV_POPULATE_*, Linux 5.14; the headers may not have it
    constexpr int populate_write = 23;
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));  // madvise rounds the end up itself
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
    // The pages at both ends may also hold other data.
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t begin = (offset + page - 1) / page * page;
    const std::uint64_t end = (offset + bytes) / page * page;
    return begin >= end || madvise(address_ + begin, static_cast<std::size_t>(end - begin), MADV_REMOVE) == 0;
}

}  // namespace ndsharray::platform
