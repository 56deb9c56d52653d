// SPDX-License-Identifier: BSD-3-Clause
// Reads a tag that the Python package ndsharray 1.x writes.
#include "v1/reader.hpp"

#include "frame/frame_owner.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <span>
#include <utility>

namespace ndsharray::v1 {
namespace {

using namespace std::chrono_literals;

constexpr auto look_while_frames_come = 1ms;
constexpr auto look_otherwise = 20ms;
constexpr auto until_otherwise = 1s;

/// No machine has been up for so long. A larger number is not a time.
constexpr double max_time = 9e9;

FrameInfo describe(std::uint64_t number, double time) noexcept {
    FrameInfo info;
    info.number = number;
    info.published = std::min(static_cast<std::int64_t>(time * 1e9), platform::monotonic_now());
    return info;
}

}  // namespace

/// The layout of a data file. Its frames are copies, because the next frame may replace them in the file at
/// any moment.
class Frames final : public detail::FrameOwner {
  public:
    Frames(const ArraySpec& spec, std::uint32_t generation, std::string name)
        : spec_(spec), generation_(generation), name_(std::move(name)) {}

    const ArraySpec& spec() const noexcept override { return spec_; }
    const Attributes& attributes() const noexcept override { return attributes_; }
    std::uint32_t generation() const noexcept override { return generation_; }
    const std::string& name() const noexcept override { return name_; }

    /// A frame that `fill(std::byte*)` has filled. An empty one if `fill` returns false.
    template <typename Fill>
    Frame copied(const FrameInfo& info, const detail::Arrival& arrival, Fill&& fill) {
        Block block = take_block(spec_.bytes);
        if (fill(block.get()))
            return copied_frame(std::move(block), info, arrival);
        keep_block(std::move(block));
        return {};
    }

  private:
    const ArraySpec spec_;
    const Attributes attributes_;
    const std::uint32_t generation_;
    const std::string name_;
};

/// Never mapped: 1.x may make the file shorter at any moment.
struct Reader::DataFile {
    std::string name;
    platform::Descriptor file;
    v1::DataLayout layout;
    std::shared_ptr<Frames> source;

    /// The time of the frame, if the frame is complete.
    std::optional<double> time() const noexcept {
        const auto start = time_at(0);
        const auto end = time_at(layout.end_time_offset());
        return start && start == end && *start > 0 && *start < max_time ? start : std::nullopt;
    }

    std::optional<double> time_at(std::uint64_t offset) const noexcept {
        double time = 0;
        const auto bytes = std::as_writable_bytes(std::span(&time, 1));
        return platform::read_at(file, offset, bytes) == bytes.size() ? std::optional(time) : std::nullopt;
    }

    /// Copies the elements. \returns whether they belong to the frame of this time.
    bool copy_elements(std::byte* to, double expected) const noexcept {
        const std::span<std::byte> elements(to, static_cast<std::size_t>(layout.spec.bytes));
        if (platform::read_at(file, layout.data_offset, elements) != elements.size())
            return false;
        // The system calls load in this order. The writer stores in the opposite order.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (time() != expected)
            return false;
        // 1.x writes both times and the elements with one memcpy, in any order. So the times may be old
        // although the elements are new already.
        return is_unchanged(elements) && time() == expected;
    }

    bool is_unchanged(std::span<const std::byte> elements) const noexcept {
        std::array<std::byte, 32 * 1024> piece;
        for (std::size_t at = 0; at < elements.size(); at += piece.size()) {
            const std::size_t bytes = std::min(piece.size(), elements.size() - at);
            if (platform::read_at(file, layout.data_offset + at, std::span(piece.data(), bytes)) != bytes ||
                std::memcmp(piece.data(), elements.data() + at, bytes) != 0)
                return false;
        }
        return true;
    }
};

Reader::Reader(const TagFiles& files, const Owner& owner) : files_(files), owner_(owner) {}
Reader::~Reader() = default;

void Reader::ignore_until_now() noexcept {
    ignored_until_ = static_cast<double>(platform::monotonic_now()) * 1e-9;
}

platform::Deadline Reader::next_look(const platform::Deadline& deadline) const noexcept {
    if (!is_there_)
        return deadline;
    const bool frames_come = std::chrono::steady_clock::now() - last_frame_ < until_otherwise;
    return platform::no_later_than(deadline, frames_come ? look_while_frames_come : look_otherwise);
}

Frame Reader::take(bool first_of_writer) {
    const auto name = announced();
    if (!name || !open(*name))
        return {};
    // If a frame is overwritten during the copy, there may be enough time to copy the next one.
    constexpr int tries = 3;
    for (int i = 0; i < tries; ++i)
        if (Frame frame = copy_newest(first_of_writer))
            return frame;
    return {};
}

/// The name of the data file of 1.x. Nothing if the file with the name of the tag is not a file of 1.x. Then
/// it belongs to another program, and we wait for a writer.
std::optional<std::string> Reader::announced() {
    const std::string path = v1::control_path(files_);
    const platform::Opened control = platform::open_existing(path, platform::Access::ReadOnly);
    const auto status = control.file ? platform::status_of(control.file) : std::nullopt;
    is_there_ = status && status->regular && status->bytes <= v1::control_bytes(files_);
    if (!is_there_)
        return std::nullopt;
    auto name = v1::read_control(files_, control.file);
    if (name && !owner_.accepts(status->owner))
        throw_wrong_owner(path, status->owner, owner_);
    // Frames that our writer wrote for 1.x do not count. They are read through its own files. It may have
    // started after we looked for these, or it has just left.
    return name && v1::is_our_data_name(files_, *name) ? std::nullopt : name;
}

/// \returns false if the file is gone or has no frame yet.
bool Reader::open(const std::string& name) {
    if (data_ && data_->name == name)
        return true;
    const std::string path = v1::data_path(files_, name);
    auto file = open_checked(path, platform::Access::ReadOnly, owner_);
    if (!file)
        return false;
    DataFile data{name, *std::move(file), {}, nullptr};
    if (data.time_at(0).value_or(0) == 0)
        return false;
    std::array<std::byte, v1::max_header_bytes> start;
    const std::size_t bytes = platform::read_at(data.file, 0, start);
    const auto status = platform::status_of(data.file);
    const auto layout =
        v1::parse_header(std::span(start.data(), bytes), status ? status->bytes : std::uint64_t{0});
    if (!layout)
        throw Error(ErrorCode::Damaged,
                    path +
                        " is damaged: its size and its header, in the layout of ndsharray 1.x, do not "
                        "agree; restart the writer");
    data.layout = *layout;
    data.source = std::make_shared<Frames>(layout->spec, ++generation_, name);
    data_ = std::make_unique<DataFile>(std::move(data));
    last_time_ = 0;
    return true;
}

Frame Reader::copy_newest(bool first_of_writer) {
    const auto time = data_->time();
    if (!time || *time <= last_time_ || *time <= ignored_until_)
        return {};
    Frame frame = data_->source->copied(describe(frames_ + 1, *time), {0, first_of_writer},
                                        [&](std::byte* block) { return data_->copy_elements(block, *time); });
    if (frame) {
        last_time_ = *time;
        last_frame_ = std::chrono::steady_clock::now();
        ++frames_;
    }
    return frame;
}

}  // namespace ndsharray::v1
