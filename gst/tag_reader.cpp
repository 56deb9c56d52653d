// SPDX-License-Identifier: BSD-3-Clause
// A Reader that other threads can interrupt, pause and point at another tag while it reads.
#include "tag_reader.hpp"

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

}  // namespace

void TagReader::open(const std::string& tag, const ReaderOptions& options) {
    auto reader = std::make_unique<Reader>(tag, options);
    const std::lock_guard lock(mutex_);
    reader_ = std::move(reader);
    tag_ = tag;
    options_ = options;
    past_ = {};
    unlocked_ = flushed_ = ended_ = false;
    apply();
}

void TagReader::close() {
    const std::lock_guard lock(mutex_);
    if (reader_) {
        past_ = added(past_, reader_->stats());
        reader_.reset();
    }
}

void TagReader::set_tag(const std::string& tag) {
    const std::lock_guard lock(mutex_);
    tag_ = tag;
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
    return follow_tag().read(timeout);
}

bool TagReader::writer_has_backpressure() const {
    const std::lock_guard lock(mutex_);
    return reader_ && reader_->writer_has_backpressure();
}

Error TagReader::error() const {
    const std::lock_guard lock(mutex_);
    return reader_ ? reader_->error() : Error(ErrorCode::Closed, "Nothing is being read.");
}

ReaderStats TagReader::stats() const {
    const std::lock_guard lock(mutex_);
    return reader_ ? added(past_, reader_->stats()) : past_;
}

/// Only the thread that reads replaces the Reader, so it may go on using it without the lock.
Reader& TagReader::follow_tag() {
    std::unique_lock lock(mutex_);
    if (std::exchange(ended_, false)) {
        apply();
    }
    if (reader_->tag() != tag_) {
        const std::string tag = tag_;
        lock.unlock();
        auto reader = std::make_unique<Reader>(tag, options_);
        lock.lock();
        past_ = added(past_, reader_->stats());
        reader_ = std::move(reader);
        apply();
    }
    return *reader_;
}

void TagReader::apply() {
    if (!reader_) {
        return;
    }
    if (unlocked_ || paused_ || reader_->tag() != tag_) {
        reader_->cancel();
    } else {
        reader_->resume();
    }
    reader_->suspend(flushed_ || ended_);
}

}  // namespace ndsharray::gst
