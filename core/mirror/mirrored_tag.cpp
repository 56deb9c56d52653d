// SPDX-License-Identifier: BSD-3-Clause
#include "mirrored_tag.hpp"

#include "clock_watch.hpp"
#include "long_double.hpp"
#include "place.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/leftovers.hpp>
#include <ndsharray/tag_info.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace ndsharray::mirror {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 100ms;
constexpr std::int64_t highest_age = 1'000'000'000'000'000;  // 11 days, whatever the other side says

[[noreturn]] void malformed(const std::string& what) {
    throw WireError(Refusal::Malformed, "the other side breaks the protocol: " + what);
}

}  // namespace

MirroredTag::MirroredTag(MirroredTagOptions options, std::string place)
    : options_(std::move(options)), place_(std::move(place)) {}

void MirroredTag::set_layout(const Layout& layout) {
    if (has_been_at(layout.attributes, place_))
        throw WireError(
            Refusal::Failed,
            "a loop: the tag comes from this machine, or came through it; it is not mirrored back");
    if (layout.spec.bytes > options_.max_bytes)
        throw WireError(Refusal::Failed, "its arrays of " + layout.spec.to_string() + " have " +
                                             std::to_string(layout.spec.bytes) +
                                             " bytes, and --max-bytes allows " +
                                             std::to_string(options_.max_bytes));
    if (const std::string problem = long_double_problem(layout.attributes, layout.spec); !problem.empty())
        throw WireError(Refusal::Failed, problem);
    if (head_)
        malformed("a layout in the middle of a frame");
    is_configured_ =
        is_configured_ && layout_ && layout_->spec == layout.spec && layout_->attributes == layout.attributes;
    layout_ = layout;
}

bool MirroredTag::is_repeated(const FrameHead& head) const {
    return writer_ && layout_->writer == writer_id_ && head.info.number == last_number_ &&
           head.info.published == last_published_;
}

/// A writer for this frame, and its layout. The writer is made anew where the one over there is another one.
bool MirroredTag::prepare_writer(const FrameHead& head) {
    const bool is_another = layout_->writer != writer_id_ || head.info.number <= last_number_ ||
                            head.metadata.size() > metadata_capacity_;
    if (writer_ && is_another && !leave())
        return false;
    if (!writer_) {
        try {
            // Files of a mirror that died, whose numbers are those of another writer.
            const TagInfo left = inspect(options_.tag);
            if (!left.alive && left.published >= head.info.number)
                remove_leftovers(options_.tag);
        } catch (const Error&) {
            // There are none; or the Writer says what is wrong with them.
        }
        WriterOptions options;
        options.permissions = options_.permissions;
        options.backpressure = options_.every;
        options.metadata_capacity = static_cast<std::size_t>(layout_->metadata_capacity);
        options.forwards = true;
        writer_.emplace(options_.tag, options);
        metadata_capacity_ = options.metadata_capacity;
        writer_id_ = layout_->writer;
        is_configured_ = false;
        last_number_ = counts_.number = 0;
        published_ = pts_ = dts_ = {};
    }
    if (!is_configured_) {
        // The first frame of a new layout waits in publish() for readers that have not begun with the old
        // one.
        if (options_.every && writer_->drain(patience) == WriteStatus::Timeout)
            return false;
        if (writer_->configure(layout_->spec, layout_->attributes, 0, patience) != WriteStatus::Ok)
            return false;
        is_configured_ = true;
    }
    return true;
}

bool MirroredTag::begin(const FrameHead& head, NearTimes* times) {
    if (head_ || !layout_ || head.layout != layout_->number || head.bytes != layout_->spec.bytes ||
        head.metadata.size() > layout_->metadata_capacity || head.info.number == 0)
        malformed("a frame that does not fit its layout");
    if (is_repeated(head)) {
        frame_ = {};
    } else {
        if (!prepare_writer(head))
            return false;
        frame_ = writer_->acquire(patience);
        if (!frame_ && frame_.status() == WriteStatus::Closed) {
            writer_.reset();  // a file was removed, and could not be made again
            return false;
        }
        if (!frame_ && options_.every)
            return false;
        last_number_ = head.info.number;
        last_published_ = head.info.published;
    }
    head_ = head;
    info_ = head.info;
    info_.published = times ? times->next(published_, head.info.published) : no_time;
    info_.pts = times ? times->next(pts_, head.info.pts) : no_time;
    info_.dts = times ? times->next(dts_, head.info.dts) : no_time;
    filled_ = 0;
    if (head.bytes == 0)
        publish();
    return true;
}

void MirroredTag::add(const Data& data, std::span<const std::byte> bytes) {
    if (!head_ || data.item != head_->item || data.offset != filled_ ||
        data.raw_bytes > head_->bytes - filled_)
        malformed("a part of an array that is not the next one");
    const bool is_plain = bytes.size() == data.raw_bytes;
    if (!is_plain && (head_->compression == Compression::None || bytes.size() > data.raw_bytes))
        malformed("a part of an array has another length");
    if (frame_) {
        const std::span<std::byte> to(frame_.data() + filled_, data.raw_bytes);
        if (is_plain) {
            std::memcpy(to.data(), bytes.data(), bytes.size());
        } else {
            if (!decompressor_)
                decompressor_.emplace();
            if (!decompressor_->decompress(to, bytes, neighbours_of(layout_->spec)))
                malformed("a part of an array cannot be decompressed");
        }
    }
    filled_ += data.raw_bytes;
    if (filled_ == head_->bytes)
        publish();
}

void MirroredTag::publish() {
    if (frame_) {
        const std::span metadata(reinterpret_cast<const std::byte*>(head_->metadata.data()),
                                 head_->metadata.size());
        const bool is_published = writer_->publish(std::move(frame_), info_, metadata) != 0;
        if (!is_published && options_.every) {
            writer_.reset();
            throw Error(ErrorCode::System,
                        "the files of \"" + options_.tag +
                            "\" were removed while a frame came; the frame is requested again");
        }
        if (is_published) {
            ++counts_.frames;
            if (counts_.number != 0)
                counts_.missed += head_->info.number - counts_.number - 1;
            counts_.number = head_->info.number;
            counts_.published = head_->info.published;
            if (info_.published != no_time) {
                const std::int64_t age =
                    std::clamp<std::int64_t>(monotonic_now() - info_.published, 0, highest_age);
                counts_.age_sum += static_cast<std::uint64_t>(age);
                counts_.age_max = std::max(counts_.age_max, age);
            }
        }
    }
    frame_ = {};
    head_.reset();
}

void MirroredTag::break_off() {
    if (head_ && frame_) {
        // The same frame may come again.
        last_published_ = no_time;
        --last_number_;
    }
    frame_ = {};
    head_.reset();
}

bool MirroredTag::end_of_stream() {
    if (!writer_)
        return true;
    if (options_.every && writer_->drain(patience) == WriteStatus::Timeout)
        return false;
    writer_->end_of_stream();
    return true;
}

bool MirroredTag::leave() {
    if (writer_ && options_.every && writer_->drain(patience) == WriteStatus::Timeout)
        return false;
    frame_ = {};
    writer_.reset();
    is_configured_ = false;
    writer_id_ = 0;
    last_number_ = 0;
    return true;
}

}  // namespace ndsharray::mirror
