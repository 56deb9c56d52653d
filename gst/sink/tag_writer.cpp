// SPDX-License-Identifier: BSD-3-Clause
// A Writer that other threads can interrupt. They can also read its counters, even if no Writer is open.
#include "sink/tag_writer.hpp"

#include <chrono>
#include <utility>

namespace ndsharray::gst {

using std::chrono_literals::operator""s;

void TagWriter::open(const std::string& tag, const WriterOptions& options,
                     std::function<void(const ReaderChange&)> readers_changed) {
    auto writer = std::make_shared<Writer>(tag, options);
    writer->on_reader_change(std::move(readers_changed));
    const std::lock_guard lock(mutex_);
    writer_ = std::move(writer);
    format_.reset();
    past_ = {};
    unlocks_ = 0;
}

bool TagWriter::close() {
    constexpr auto patience = 5s;
    if (!is_open()) {
        return true;
    }
    writer_->on_reader_change({});
    writer_->resume();
    const bool drained = !writer_->options().backpressure || writer_->drain(patience) == WriteStatus::Ok;
    WriterStats last;
    try {
        last = writer_->stats();
        last.readers = 0;
    } catch (const Error&) {
        // Without memory for the segment's name nothing was counted, but it is closed.
    }
    writer_->close();
    const std::lock_guard lock(mutex_);
    past_ = std::move(last);
    format_.reset();
    writer_.reset();
    return drained;
}

bool TagWriter::is_open() const {
    const std::lock_guard lock(mutex_);
    return writer_ != nullptr;
}

void TagWriter::set_format(std::shared_ptr<const SlotFormat> format) {
    const std::lock_guard lock(mutex_);
    format_ = std::move(format);
}

std::shared_ptr<const SlotFormat> TagWriter::format() const {
    const std::lock_guard lock(mutex_);
    return format_;
}

WriteStatus TagWriter::configure(const std::shared_ptr<const SlotFormat>& format, unsigned slots,
                                 std::optional<std::chrono::nanoseconds> timeout) {
    const std::lock_guard configuring(configuring_);
    const auto writer = writer_of(format);
    if (!writer) {
        return WriteStatus::Ok;
    }
    const bool chosen_by_user = writer->options().slots != 0;
    return writer->configure(format->layout.array, format->attributes, chosen_by_user ? 0 : slots, timeout);
}

WritableFrame TagWriter::acquire_pinned(const std::shared_ptr<const SlotFormat>& format,
                                        std::chrono::nanoseconds timeout) {
    const auto writer = writer_of(format);
    WritableFrame frame = writer ? writer->acquire_pinned(timeout) : WritableFrame(WriteStatus::Closed);
    if (frame && frame.spec() != format->layout.array) {
        return WritableFrame(WriteStatus::Closed);  // another thread has set another format meanwhile
    }
    return frame;
}

/// nullptr if the format is not the present one. A pool may outlive the format and the TagWriter.
std::shared_ptr<Writer> TagWriter::writer_of(const std::shared_ptr<const SlotFormat>& format) const {
    const std::lock_guard lock(mutex_);
    return format && format == format_ ? writer_ : nullptr;
}

void TagWriter::unlock() {
    const std::lock_guard lock(mutex_);
    ++unlocks_;
    if (writer_) {
        writer_->cancel();
    }
}

void TagWriter::lock() {
    const std::lock_guard lock(mutex_);
    if (unlocks_ > 0) {
        --unlocks_;
    }
    if (writer_ && unlocks_ == 0) {
        writer_->resume();
    }
}

bool TagWriter::unlocked() const {
    const std::lock_guard lock(mutex_);
    return unlocks_ > 0;
}

WriterStats TagWriter::stats() const {
    const std::lock_guard lock(mutex_);
    return writer_ ? writer_->stats() : past_;
}

}  // namespace ndsharray::gst
