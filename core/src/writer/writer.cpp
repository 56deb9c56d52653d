// SPDX-License-Identifier: BSD-3-Clause
// The public class Writer. Each call goes to its Implementation.
#include <ndsharray/writer.hpp>

#include "frame/copy.hpp"
#include "process/fork_guard.hpp"
#include "process/only_errors.hpp"
#include "writer/writer_implementation.hpp"

#include <string>
#include <utility>

namespace ndsharray {

using Timeout = std::optional<std::chrono::nanoseconds>;

namespace {

/// \throws Error Closed if it was moved from.
template <typename Pointer>
auto& of_an_open_one(const Pointer& implementation) {
    if (!implementation)
        throw Error(ErrorCode::Closed, "this Writer was moved from: use the one that it was moved to");
    return *implementation;
}

}  // namespace

Writer::Writer(std::string tag, WriterOptions options)
    : implementation_(only_errors([&] { return new Implementation(tag, options); })) {}
Writer::~Writer() = default;

/// An inherited Implementation is not destroyed: at the time of fork(), a thread of the parent may have been
/// changing it.
void Writer::Delete::operator()(Implementation* implementation) const noexcept {
    if (implementation->inherited())
        leave_alone(implementation);
    else
        delete implementation;  // NOLINT(cppcoreguidelines-owning-memory): this is what owns it
}

Writer::Writer(Writer&& other) noexcept = default;
Writer& Writer::operator=(Writer&& other) noexcept = default;

void Writer::configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots) {
    if (configure(spec, attributes, slots, std::nullopt) == WriteStatus::Cancelled)
        throw Error(ErrorCode::NoSpace, "there is no room for another layout of tag \"" + tag() +
                                            "\" while readers take frames of the one before, and the wait "
                                            "for them was cancelled");
}

WriteStatus Writer::configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
                              Timeout timeout) {
    return only_errors(
        [&] { return of_an_open_one(implementation_).configure(spec, attributes, slots, timeout); });
}

WritableFrame Writer::acquire(Timeout timeout) noexcept {
    return implementation_ ? implementation_->acquire(timeout) : WritableFrame(WriteStatus::Closed);
}

WritableFrame Writer::acquire(const ArraySpec& spec, Timeout timeout) {
    return only_errors([&] { return of_an_open_one(implementation_).acquire(spec, timeout); });
}

std::uint64_t Writer::publish(WritableFrame&& frame, const FrameInfo& info,
                              std::span<const std::byte> metadata) noexcept {
    WritableFrame used_up = std::move(frame);  // it is used up in any case
    return implementation_ ? implementation_->publish(used_up, info, metadata) : 0;
}

WritableFrame Writer::acquire_pinned(Timeout timeout) noexcept {
    return implementation_ ? implementation_->acquire_pinned(timeout) : WritableFrame(WriteStatus::Closed);
}

std::uint64_t Writer::publish_pinned(WritableFrame& frame, const FrameInfo& info,
                                     std::span<const std::byte> metadata) noexcept {
    return implementation_ ? implementation_->publish(frame, info, metadata) : 0;
}

std::uint64_t Writer::write(const ArrayView& array, const FrameInfo& info) {
    const ArraySpec spec = contiguous_like(array.spec);
    WritableFrame frame = acquire(spec);
    if (!frame)
        return 0;
    copy_elements(frame.data(), array);
    return publish(std::move(frame), info);
}

WriteStatus Writer::wait_for_reader(Timeout timeout) noexcept {
    return implementation_ ? implementation_->wait_for_reader(timeout) : WriteStatus::Closed;
}
WriteStatus Writer::drain(Timeout timeout) noexcept {
    return implementation_ ? implementation_->drain(timeout) : WriteStatus::Closed;
}
void Writer::end_of_stream() noexcept {
    if (implementation_)
        implementation_->end_of_stream();
}
void Writer::cancel() noexcept {
    if (implementation_)
        implementation_->cancel();
}
void Writer::resume() noexcept {
    if (implementation_)
        implementation_->resume();
}
void Writer::close() noexcept {
    if (implementation_)
        implementation_->close();
}

void Writer::on_reader_change(std::function<void(const ReaderChange&)> changed) {
    only_errors([&] { of_an_open_one(implementation_).on_reader_change(std::move(changed)); });
}

const std::string& Writer::tag() const noexcept {
    static const std::string none;
    return implementation_ ? implementation_->tag() : none;
}
const WriterOptions& Writer::options() const noexcept {
    static const WriterOptions none;
    return implementation_ ? implementation_->options() : none;
}
std::string Writer::segment_name() const {
    return only_errors([&] { return implementation_ ? implementation_->segment_name() : std::string(); });
}
WriterStats Writer::stats() const {
    return only_errors([&] { return implementation_ ? implementation_->stats() : WriterStats(); });
}
unsigned Writer::missing_slots() const noexcept {
    return implementation_ ? implementation_->missing_slots() : 0;
}
Error Writer::error() const try {
    return only_errors([&] { return of_an_open_one(implementation_).error(); });
} catch (const Error& error) {
    return error;
}

}  // namespace ndsharray
