// SPDX-License-Identifier: BSD-3-Clause
// The public class Reader. Each call goes to its Implementation.
#include <ndsharray/reader.hpp>

#include "process/fork_guard.hpp"
#include "process/only_errors.hpp"
#include "reader/reader_implementation.hpp"

#include <utility>

namespace ndsharray {

using Timeout = std::optional<std::chrono::nanoseconds>;

namespace {

Error moved_from() {
    return {ErrorCode::Closed, "this Reader was moved from: use the one that it was moved to"};
}

}  // namespace

Reader::Reader(std::string tag, ReaderOptions options)
    : implementation_(only_errors([&] { return new Implementation(tag, std::move(options)); })) {}
Reader::~Reader() = default;

/// An inherited Implementation is not destroyed: at the time of fork(), a thread of the parent may have been
/// changing it or holding its mutex.
void Reader::Delete::operator()(Implementation* implementation) const noexcept {
    if (implementation->inherited())
        leave_alone(implementation);
    else
        delete implementation;  // NOLINT(cppcoreguidelines-owning-memory): this is what owns it
}

Reader::Reader(Reader&& other) noexcept = default;
Reader& Reader::operator=(Reader&& other) noexcept = default;

Frame Reader::read(Timeout timeout) noexcept {
    return implementation_ ? implementation_->read(timeout) : Frame(ReadStatus::Failed);
}
void Reader::cancel() noexcept {
    if (implementation_)
        implementation_->cancel();
}
void Reader::resume() noexcept {
    if (implementation_)
        implementation_->resume();
}
void Reader::suspend(bool suspended) noexcept {
    if (implementation_)
        implementation_->suspend(suspended);
}
const std::string& Reader::tag() const noexcept {
    static const std::string none;
    return implementation_ ? implementation_->tag() : none;
}
ReadMode Reader::mode() const noexcept {
    return implementation_ ? implementation_->mode() : ReadMode::Latest;
}
bool Reader::attached() const noexcept {
    return implementation_ && implementation_->attached();
}
bool Reader::writer_has_backpressure() const noexcept {
    return implementation_ && implementation_->backpressure();
}
std::string Reader::segment_name() const {
    return stats().segment;
}
ReaderStats Reader::stats() const {
    return only_errors([&] { return implementation_ ? implementation_->stats() : ReaderStats(); });
}
Error Reader::error() const {
    return only_errors([&] { return implementation_ ? implementation_->error() : moved_from(); });
}
Error Reader::obstacle() const {
    return only_errors([&] { return implementation_ ? implementation_->obstacle() : moved_from(); });
}

}  // namespace ndsharray
