// SPDX-License-Identifier: BSD-3-Clause
// A Reader that other threads can interrupt, pause and move to another tag while it reads.
#include "source/tag_reader.hpp"

#include <exception>
#include <utility>

namespace ndsharray::gst {
namespace {

ReaderStats added(const ReaderStats& past, ReaderStats now) {
    now.frames += past.frames;
    now.missed += past.missed;
    now.copied += past.copied;
    now.reconnects += past.reconnects;
    return now;
}

bool equal(const ReaderOptions& a, const ReaderOptions& b) {
    return a.mode == b.mode && a.max_leases == b.max_leases && a.owner == b.owner;
}

}  // namespace

void TagReader::open(const std::string& tag, const ReaderOptions& options) {
    auto reader = std::make_unique<Reader>(tag, options);
    const std::lock_guard lock(mutex_);
    reader_ = std::move(reader);
    tag_ = tag;
    options_ = options;
    past_ = {};
    read_tag_ = tag;
    read_options_ = options;
    unlocked_ = flushed_ = ended_ = interrupted_ = false;
    apply();
}

void TagReader::close() {
    const std::lock_guard lock(mutex_);
    if (!reader_) {
        return;
    }
    try {
        past_ = added(past_, reader_->stats());
    } catch (const std::exception&) {
        // Without memory for the segment's name the last reader is not counted, but it goes.
    }
    reader_.reset();
}

bool TagReader::is_open() const {
    const std::lock_guard lock(mutex_);
    return reader_ != nullptr;
}

void TagReader::move_to(const std::string& tag, const ReaderOptions& options) {
    const std::lock_guard lock(mutex_);
    tag_ = tag;
    options_ = options;
    apply();
}

std::string TagReader::tag() const {
    const std::lock_guard lock(mutex_);
    return tag_;
}

void TagReader::interrupt() {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;  // open() and the next Cancelled reset it
    apply();
}

void TagReader::set_unlocked(bool unlocked) {
    const std::lock_guard lock(mutex_);
    unlocked_ = unlocked;
    apply();
}

void TagReader::set_paused(bool paused) {
    const std::lock_guard lock(mutex_);
    paused_ = paused;
    apply();
}

bool TagReader::unlocked() const {
    const std::lock_guard lock(mutex_);
    return unlocked_;
}

void TagReader::set_flushed(bool flushed) {
    const std::lock_guard lock(mutex_);
    flushed_ = flushed;
    apply();
}

void TagReader::set_ended() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    apply();
}

Frame TagReader::read(std::optional<std::chrono::nanoseconds> timeout) {
    Frame frame = follow_tag().read(timeout);
    if (frame.status() == ReadStatus::Cancelled) {
        const std::lock_guard lock(mutex_);
        interrupted_ = false;
        apply();
    }
    return frame;
}

bool TagReader::writer_has_backpressure() const {
    const std::lock_guard lock(mutex_);
    return reader_ && reader_->writer_has_backpressure();
}

Error TagReader::error() const {
    const std::lock_guard lock(mutex_);
    return reader_ ? reader_->error() : Error(ErrorCode::Closed, "Nothing is being read.");
}

Error TagReader::obstacle() const {
    const std::lock_guard lock(mutex_);
    return reader_ ? reader_->obstacle() : Error(ErrorCode::None, "");
}

ReaderStats TagReader::stats() const {
    const std::lock_guard lock(mutex_);
    return reader_ ? added(past_, reader_->stats()) : past_;
}

/// Only the thread that reads replaces the Reader. So this thread may use it without the lock.
Reader& TagReader::follow_tag() {
    std::unique_lock lock(mutex_);
    if (std::exchange(ended_, false)) {
        apply();
    }
    if (has_moved()) {
        const std::string tag = tag_;
        const ReaderOptions options = options_;
        lock.unlock();
        auto reader = std::make_unique<Reader>(tag, options);
        lock.lock();
        past_ = added(past_, reader_->stats());
        std::swap(reader_, reader);
        read_tag_ = tag;
        read_options_ = options;
        apply();
        lock.unlock();  // the old Reader is destroyed without the lock, and detaches
    }
    return *reader_;
}

bool TagReader::has_moved() const {
    return read_tag_ != tag_ || !equal(read_options_, options_);
}

void TagReader::apply() {
    if (!reader_) {
        return;
    }
    if (unlocked_ || paused_ || interrupted_ || has_moved()) {
        reader_->cancel();
    } else {
        reader_->resume();
    }
    reader_->suspend(flushed_ || ended_ || has_moved());
}

}  // namespace ndsharray::gst
