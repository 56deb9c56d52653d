// SPDX-License-Identifier: BSD-3-Clause
// Names of errors and statuses.
#include <ndsharray/error.hpp>
#include <ndsharray/frame.hpp>
#include <ndsharray/writer.hpp>

#include "process/only_errors.hpp"

namespace ndsharray {

Error::~Error() = default;

namespace {

const Error& out_of_memory_once() noexcept {
    static const Error the_one(
        ErrorCode::OutOfMemory,
        "out of memory: close programs or raise the limit (ulimit -v), then try again");
    return the_one;
}

[[maybe_unused]] const Error& error_made_at_load = out_of_memory_once();

}  // namespace

const Error& out_of_memory() noexcept {
    return out_of_memory_once();
}

std::string_view name(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::None:
            return "None";
        case ErrorCode::InvalidTag:
            return "InvalidTag";
        case ErrorCode::InvalidArgument:
            return "InvalidArgument";
        case ErrorCode::TagInUse:
            return "TagInUse";
        case ErrorCode::NoSuchTag:
            return "NoSuchTag";
        case ErrorCode::PermissionDenied:
            return "PermissionDenied";
        case ErrorCode::WrongOwner:
            return "WrongOwner";
        case ErrorCode::NotRegular:
            return "NotRegular";
        case ErrorCode::UnsupportedVersion:
            return "UnsupportedVersion";
        case ErrorCode::Damaged:
            return "Damaged";
        case ErrorCode::NoSpace:
            return "NoSpace";
        case ErrorCode::TooManyFiles:
            return "TooManyFiles";
        case ErrorCode::OutOfMemory:
            return "OutOfMemory";
        case ErrorCode::Forked:
            return "Forked";
        case ErrorCode::Closed:
            return "Closed";
        case ErrorCode::System:
            return "System";
    }
    return "invalid";
}

std::string_view name(ReadStatus status) noexcept {
    switch (status) {
        case ReadStatus::Frame:
            return "Frame";
        case ReadStatus::Timeout:
            return "Timeout";
        case ReadStatus::Cancelled:
            return "Cancelled";
        case ReadStatus::EndOfStream:
            return "EndOfStream";
        case ReadStatus::Disconnected:
            return "Disconnected";
        case ReadStatus::Failed:
            return "Failed";
    }
    return "invalid";
}

std::string_view name(WriteStatus status) noexcept {
    switch (status) {
        case WriteStatus::Ok:
            return "Ok";
        case WriteStatus::NoSlot:
            return "NoSlot";
        case WriteStatus::Timeout:
            return "Timeout";
        case WriteStatus::Cancelled:
            return "Cancelled";
        case WriteStatus::Closed:
            return "Closed";
    }
    return "invalid";
}

}  // namespace ndsharray
