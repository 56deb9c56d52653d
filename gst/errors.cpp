// SPDX-License-Identifier: BSD-3-Clause
// Posts errors of the library as bus messages, and keeps exceptions out of GObject.
#include "errors.hpp"

#include <new>

namespace ndsharray::gst {
namespace {

GstResourceError resource_error(ErrorCode code) {
    switch (code) {
        case ErrorCode::InvalidTag:
        case ErrorCode::InvalidArgument:
            return GST_RESOURCE_ERROR_SETTINGS;
        case ErrorCode::TagInUse:
            return GST_RESOURCE_ERROR_BUSY;
        case ErrorCode::PermissionDenied:
        case ErrorCode::WrongOwner:
        case ErrorCode::NotRegular:
            return GST_RESOURCE_ERROR_OPEN_READ_WRITE;
        case ErrorCode::NoSpace:
            return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
        case ErrorCode::None:
        case ErrorCode::NoSuchTag:
        case ErrorCode::UnsupportedVersion:
        case ErrorCode::Damaged:
        case ErrorCode::TooManyFiles:
        case ErrorCode::OutOfMemory:
        case ErrorCode::Forked:
        case ErrorCode::Closed:
        case ErrorCode::System:
            return GST_RESOURCE_ERROR_FAILED;
    }
    return GST_RESOURCE_ERROR_FAILED;
}

void post(GstElement* element, GstResourceError code, const char* sentence, const char* detail) noexcept {
    gst_element_message_full(element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, code, g_strdup(sentence),
                             g_strdup(detail), __FILE__, __func__, __LINE__);
}

}  // namespace

void post_error(GstElement* element, const Error& error, std::string_view tag) noexcept {
    // GLib's memory: there may be none of ours to say so with.
    const std::string_view code = name(error.code());
    char* detail = g_strdup_printf("%.*s%s%.*s%s", static_cast<int>(code.size()), code.data(),
                                   tag.empty() ? "" : ", tag \"", static_cast<int>(tag.size()), tag.data(),
                                   tag.empty() ? "" : "\"");
    post(element, resource_error(error.code()), error.what(), detail);
    g_free(detail);
}

void post_error(GstElement* element, const std::exception& error) noexcept {
    const bool out_of_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    post(element, GST_RESOURCE_ERROR_FAILED,
         out_of_memory ? "Out of memory." : "Something unexpected failed.", error.what());
}

}  // namespace ndsharray::gst
