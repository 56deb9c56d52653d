// SPDX-License-Identifier: BSD-3-Clause
// Publishes frames also in the layout of the Python package ndsharray 1.x.
#include "v1/writer.hpp"

#include "frame/copy.hpp"
#include "testing/faults.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

namespace ndsharray::v1 {
namespace {

/// Whether arrays are in memory as they must be in the file.
bool is_as_in_file(const ArraySpec& spec) noexcept {
    return spec.is_contiguous() && spec.byte_order == native_byte_order;
}

bool is_complex(DType dtype) noexcept {
    return dtype == DType::Complex64 || dtype == DType::Complex128 || dtype == DType::Complex256;
}

void swap_byte_order(std::span<std::byte> elements, DType dtype) noexcept {
    const std::size_t number = item_size(dtype) / (is_complex(dtype) ? 2 : 1);
    for (std::size_t at = 0; at < elements.size(); at += number)
        std::reverse(elements.begin() + static_cast<std::ptrdiff_t>(at),
                     elements.begin() + static_cast<std::ptrdiff_t>(at + number));
}

/// Another process sees this write after the writes before, and before the writes after it. The writes are
/// system calls on this processor, so fences of this thread order them.
void write_time(const platform::Descriptor& file, std::uint64_t offset, double time) noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    platform::write_at(file, offset, std::as_bytes(std::span(&time, 1)));
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

[[noreturn]] void throw_no_space(const TagFiles& files, const v1::DataLayout& layout, std::uint64_t free) {
    throw Error(ErrorCode::NoSpace,
                "no room for a frame of " + layout.spec.to_string() + " in the layout of ndsharray 1.x in " +
                    files.directory() + ": " + std::to_string(layout.file_bytes()) + " bytes needed, " +
                    std::to_string(free) +
                    " free; enlarge it (mount -o remount,size=...), or do not use compat");
}

}  // namespace

Writer::Writer(const TagFiles& files, unsigned permissions)
    : files_(files),
      permissions_(0600 | (permissions & 0444)),
      control_path_(v1::control_path(files)),
      led_to_(v1::data_path(files, std::string(v1::control_bytes(files), '\0'))) {
    if (files_.tag().starts_with(file_prefix))
        throw Error(ErrorCode::InvalidArgument, "the tag \"" + files_.tag() +
                                                    "\" cannot be shared with ndsharray 1.x: its files could "
                                                    "be those of another tag; use one without \"ndsh.\"");
    open_control();
}

void Writer::open_control() {
    const std::string& path = control_path_;
    while (!control_) {
        if (auto existing = open_checked(path, platform::Access::ReadWrite, Owner::self()))
            take_control(*std::move(existing), path);
        else
            create_control(path);
    }
}

/// Uses a control file that readers of 1.x have mapped.
void Writer::take_control(platform::Descriptor existing, const std::string& path) {
    // While 1.x starts, its file is empty, then has zeros. Later it names a data file.
    const std::size_t bytes = v1::control_bytes(files_);
    std::vector<char> content(bytes + 1);
    const std::size_t found = platform::read_at(existing, 0, std::as_writable_bytes(std::span(content)));
    const bool blank = std::all_of(content.begin(), content.end(), [](char c) { return c == '\0'; });
    if (found > bytes || !(blank || v1::read_control(files_, existing)))
        throw Error(ErrorCode::Damaged, path +
                                            " is not a file of ndsharray 1.x, and compat needs a file of "
                                            "this name; remove it or use another tag");
    if (const int error = platform::reserve(existing, 0, bytes); error != 0)
        throw_errno(error, "reserve space in", path);
    control_ = std::move(existing);
    make_ours();
}

/// If a signal ends the process, the file is removed by the rule of close(): if it names one of our files, or
/// a file that does not exist, or if we made it and it never named a file.
void Writer::make_ours() {
    platform::own_files::adopt(control_path_, control_, {v1::control_bytes(files_), made_control_});
}

void Writer::inherit_control() {
    made_control_ = true;
    make_ours();
}

/// Makes a control file of zeros, which is complete when it appears: readers of 1.x may attach and wait. Does
/// nothing if there is a file by now.
void Writer::create_control(const std::string& path) {
    const std::string temporary = files_.temporary();
    platform::Opened created = platform::create_new(temporary, permissions_);
    if (created.error != 0)
        throw_errno(created.error, "create", temporary);
    const RemoveAtEnd half_made(temporary);
    if (const int error = platform::reserve(created.file, 0, v1::control_bytes(files_)); error != 0)
        throw_errno(error, "reserve space in", path);
    NDSHARRAY_FAULT_POINT(CompatControlReserved);
    const int error = platform::link_file(temporary, path);
    NDSHARRAY_FAULT_POINT(CompatControlLinked);
    if (error == EEXIST)
        return;
    if (error != 0)
        throw_errno(error, "create", path);
    RemoveAtEnd undo(path);
    control_ = std::move(created.file);
    made_control_ = true;
    make_ours();
    undo.keep();
}

bool Writer::DataFile::holds(const ArraySpec& spec) const noexcept {
    const ArraySpec& mine = layout.spec;
    return mine.dtype == spec.dtype && mine.ndim == spec.ndim &&
           std::equal(spec.shape.begin(), spec.shape.begin() + spec.ndim, mine.shape.begin());
}

void Writer::configure(const ArraySpec& spec) {
    const v1::DataLayout layout = v1::layout_for(spec);
    if (!is_as_in_file(spec))
        scratch_.resize(static_cast<std::size_t>(layout.spec.bytes));
    if (next_ && next_->holds(spec))
        return;
    remove(next_);
    if (!current_ || !current_->holds(spec))
        next_ = make_data_file(layout);
}

Writer::DataFile Writer::make_data_file(const v1::DataLayout& layout) const {
    DataFile made{v1::new_data_name(files_), {}, {}, layout};
    made.path = v1::data_path(files_, made.name);
    const std::string& path = made.path;
    platform::Opened created = platform::create_new(path, permissions_);
    if (created.error != 0)
        throw_errno(created.error, "create", path);
    RemoveAtEnd half_made(path);
    made.file = std::move(created.file);
    if (const int error = platform::reserve(made.file, 0, layout.file_bytes()); error != 0) {
        if (error == ENOSPC)
            throw_no_space(files_, layout, platform::free_bytes(made.file));
        throw_errno(error, "reserve space in", path);
    }
    NDSHARRAY_FAULT_POINT(CompatDataReserved);
    platform::write_at(made.file, 0, v1::make_header(layout));
    NDSHARRAY_FAULT_POINT(CompatDataMade);
    half_made.keep();
    return made;
}

/// Readers of 1.x load the time at the start, copy the elements, and compare with the time at the end. So the
/// time at the end becomes invalid before the elements change, and the time at the start changes last.
void Writer::publish(const ArrayView& array, std::int64_t published) noexcept {
    const bool moves = next_ && next_->holds(array.spec);
    if (!moves && !(current_ && current_->holds(array.spec)))
        return;  // configure() failed for this layout
    const DataFile& file = moves ? *next_ : *current_;
    const double time = next_time(published);
    write_time(file.file, file.layout.end_time_offset(), 0);
    NDSHARRAY_FAULT_POINT(CompatEndCleared);
    if (platform::write_at(file.file, file.layout.data_offset, elements(array))) {
        NDSHARRAY_FAULT_POINT(CompatElementsWritten);
        write_time(file.file, file.layout.end_time_offset(), time);
        NDSHARRAY_FAULT_POINT(CompatEndWritten);
        write_time(file.file, 0, time);
        NDSHARRAY_FAULT_POINT(CompatStartWritten);
    }
    point_to(file);
    NDSHARRAY_FAULT_POINT(CompatControlWritten);
    if (moves) {
        remove(current_);
        current_ = std::exchange(next_, std::nullopt);
    }
}

std::span<const std::byte> Writer::elements(const ArrayView& array) noexcept {
    const std::size_t bytes = static_cast<std::size_t>(array.spec.size()) * item_size(array.spec.dtype);
    if (is_as_in_file(array.spec))
        return {static_cast<const std::byte*>(array.data), bytes};
    copy_elements(scratch_.data(), array);
    const std::span<std::byte> copied(scratch_.data(), bytes);
    if (array.spec.byte_order != native_byte_order)
        swap_byte_order(copied, array.spec.dtype);
    return copied;
}

/// To readers, a frame is new only if its time is later.
double Writer::next_time(std::int64_t published) noexcept {
    const double least = std::nextafter(last_time_, std::numeric_limits<double>::infinity());
    last_time_ = std::max(static_cast<double>(published) * 1e-9, least);
    return last_time_;
}

/// Written after each frame, as 1.x does: a writer of 1.x that starts makes the file empty.
void Writer::point_to(const DataFile& file) const noexcept {
    platform::write_at(control_, 0, std::as_bytes(std::span(file.name)));
}

void Writer::remove(std::optional<DataFile>& file) const noexcept {
    if (file) {
        platform::unlink_file(file->path);
        NDSHARRAY_FAULT_POINT(CompatDataRemoved);
    }
    file.reset();
}

void Writer::close() noexcept {
    const auto opened = platform::status_of(control_);
    const auto named = platform::status_of(control_path_);
    // Uses memory that was allocated before: no file may stay because there is no memory.
    const std::span<char> name(led_to_.data() + led_to_.size() - v1::control_bytes(files_),
                               v1::control_bytes(files_));
    const std::string_view said(name.data(), name.size());
    const bool leads = platform::read_at(control_, 0, std::as_writable_bytes(name)) == name.size() &&
                       v1::is_data_name(files_, said);
    // The file stays if another writer of 1.x uses it now, or used it before and we published nothing.
    const bool leads_nowhere = leads && !platform::status_of(led_to_);
    const bool ours = current_ ? leads && said == current_->name : (made_control_ && !leads) || leads_nowhere;
    if (ours && opened && named && opened->same_file(*named)) {
        platform::unlink_file(control_path_);
        NDSHARRAY_FAULT_POINT(CompatControlRemoved);
    }
    remove(current_);
    remove(next_);
    platform::own_files::forget(platform::own_files::Change(), control_path_);
}

}  // namespace ndsharray::v1
