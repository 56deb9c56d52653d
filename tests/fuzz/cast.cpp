// SPDX-License-Identifier: BSD-3-Clause
// The processes of ours that meet the files of a tag.
#include "cast.hpp"

#include "sandbox.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace ndsharray::fuzz {
namespace {

using namespace std::chrono_literals;

/// The promises of a frame, reckoned without what the core reckons with.
void check(const Frame& frame) {
    const ArraySpec& spec = frame.spec();
    require(spec.ndim <= max_dimensions, "a frame has at most 32 dimensions");
    require(item_size(spec.dtype) > 0, "a frame has a known dtype");
    unsigned __int128 extent = item_size(spec.dtype);
    for (std::size_t i = 0; i < spec.ndim; ++i) {
        require(spec.strides[i] >= 0, "no stride of a frame is negative");
        if (spec.shape[i] > 0)
            extent += static_cast<unsigned __int128>(spec.shape[i] - 1) *
                      static_cast<std::uint64_t>(spec.strides[i]);
    }
    const auto end = spec.shape.begin() + spec.ndim;
    if (std::find(spec.shape.begin(), end, 0) != end)
        extent = 0;
    require(extent <= spec.bytes, "the elements of a frame lie within its bytes");
    require(reinterpret_cast<std::uintptr_t>(frame.data()) % 4096 == 0, "a frame is page-aligned");
    require(!frame.segment_name().empty() && frame.generation() != 0, "a frame has a segment");
    require(frame.number() > 0, "frame numbers start at 1");

    // All of it can be read: else the address sanitizer, or nothing that is mapped there, ends it here.
    const auto sum = [](std::span<const std::byte> bytes) {
        return std::accumulate(bytes.begin(), bytes.end(), 0U, [](unsigned all, std::byte byte) {
            return all + static_cast<unsigned>(byte);
        });
    };
    volatile unsigned all = sum({frame.data(), static_cast<std::size_t>(spec.bytes)}) + sum(frame.metadata());
    for (const auto& [key, text] : frame.attributes())
        all = all + static_cast<unsigned>(key.size() + text.size());
    static_cast<void>(frame.age());
    static_cast<void>(spec.to_string());
    static_cast<void>(spec.is_contiguous());
}

void check(const Error& error) {
    require(error.code() != ErrorCode::None, "an error has a code");
    require(std::string_view(error.what()).size() > 10, "an error has a sentence");
}

/// Calls what may throw an Error, and nothing else.
template <typename Call>
bool succeeds(Call&& call) {
    try {
        call();
        return true;
    } catch (const Error& error) {
        check(error);
        return false;
    }
}

ArraySpec some_spec(Script& script) {
    const std::uint64_t shape[] = {1 + std::uint64_t{script.get<std::uint8_t>()}, 3};
    return ArraySpec::contiguous(script.flip() ? DType::UInt8 : DType::Float64, shape);
}

}  // namespace

void Cast::act(Script& script) {
    when_waiting_too_long([] {});
    switch (script.below(10)) {
        case 0:
        case 1:
        case 2:
            return read(script);
        case 3:
            return let_go(script);
        case 4:
            return start_writer(script);
        case 5:
            return write(script);
        case 6:
            return wait_for_readers(script);
        case 7:
            return inspect_all();
        case 8:
            return prune(script.flip());
        default:
            return watch();
    }
}

void Cast::read_anew(Script& script) {
    when_waiting_too_long([] {});
    read(script);
    leave();
}

void Cast::leave() {
    for (Actor& actor : actors_) {
        // In either order: frames outlive their reader.
        if (actor.frames.size() % 2 == 0)
            actor.reader.reset();
        actor.frames.clear();
        actor.reader.reset();
    }
    writer_.reset();
    watch_.reset();
}

// ---- a reader

void Cast::read(Script& script) {
    Actor& actor = actors_[script.below(2)];
    const unsigned how = script.below(8);
    if (!actor.reader) {
        actor.mode = (how & 1) != 0 ? ReadMode::Every : ReadMode::Latest;
        ReaderOptions options;
        options.mode = actor.mode;
        options.max_leases = (how & 2) != 0 ? 2 : 0;
        actor.reader.emplace(tag_name, options);
    }
    if ((how & 4) != 0)
        tell_watchers();
    // Some more than a look, of which the waits pass at once.
    const auto timeout = script.below(4) == 0 ? 3ms : 0ms;
    Frame frame = actor.reader->read(timeout);
    if (frame) {
        check(frame);
        constexpr std::size_t most = 4;
        if (actor.frames.size() < most)
            actor.frames.push_back(std::move(frame));
    } else if (frame.status() == ReadStatus::Failed) {
        check(actor.reader->error());
    } else {
        require(frame.status() != ReadStatus::Cancelled, "nobody cancelled");
    }
    static_cast<void>(actor.reader->stats());
}

void Cast::let_go(Script& script) {
    Actor& actor = actors_[script.below(2)];
    switch (script.below(4)) {
        case 0:
            actor.frames.clear();
            return;
        case 1:
            for (const Frame& frame : actor.frames)
                check(frame);  // as good as when it was read
            return;
        case 2:
            if (actor.reader)
                actor.reader->suspend(script.flip());
            return;
        default:
            actor.reader.reset();
            return;
    }
}

// ---- a writer

void Cast::start_writer(Script& script) {
    writer_.reset();
    const unsigned how = script.get<std::uint8_t>();
    WriterOptions options;
    options.slots = (how & 1) != 0 ? 3 : 0;
    options.backpressure = (how & 2) != 0;
    options.compat = (how & 4) != 0;
    options.permissions = (how & 8) != 0 ? 0666 : 0600;
    options.metadata_capacity = (how & 16) != 0 ? 64 : 0;
    if ((how & 32) == 0)
        folder_.unlock_all();
    folder_.is_disturbed = is_ambush_pending();
    note_orphans();
    if (!succeeds([&] { writer_.emplace(tag_name, options); }))
        return;
    if (!folder_.is_disturbed && !options.backpressure && !folder_.holds_locks() && nobody_reads())
        expect_round_trip();
}

/// A writer that meets a tag without a reader table makes a new tag. It does not search the folder for files
/// that an earlier one may have left: `ndsh prune` does.
void Cast::note_orphans() {
    orphans_.clear();
    const std::vector<std::string> names = folder_.entries();
    if (std::find(names.begin(), names.end(), "ndsh." + std::string(tag_name) + ".readers") == names.end())
        orphans_ = names;
}

bool Cast::nobody_reads() const noexcept {
    return std::none_of(actors_.begin(), actors_.end(),
                        [](const Actor& actor) { return actor.reader || !actor.frames.empty(); });
}

bool Cast::is_orphan(const std::string& name) const {
    return std::find(orphans_.begin(), orphans_.end(), name) != orphans_.end();
}

/// Whatever the files were that a writer took over: what it writes is read.
void Cast::expect_round_trip() {
    const std::uint64_t shape[] = {100};
    const ArraySpec spec = ArraySpec::contiguous(DType::UInt8, shape);
    Reader reader(tag_name);
    for (unsigned i = 0; i < 2; ++i) {
        WritableFrame frame = writer_->acquire(spec, 0s);
        require(static_cast<bool>(frame), "a writer that took over has a slot");
        std::fill_n(frame.data(), spec.bytes, std::byte{0x5a});
        const std::uint64_t number = writer_->publish(std::move(frame));
        require(number != 0, "a writer that took over publishes");
        const Frame got = reader.read(0s);
        require(static_cast<bool>(got), "what a writer that took over publishes is read");
        check(got);
        require(got.number() == number && got.spec() == spec &&
                    std::all_of(got.data(), got.data() + spec.bytes,
                                [](std::byte byte) { return byte == std::byte{0x5a}; }),
                "what is read is what was published");
    }
}

void Cast::write(Script& script) {
    if (!writer_)
        return;
    const ArraySpec spec = some_spec(script);
    const bool pinned = script.flip();
    when_waiting_too_long([this] { writer_->cancel(); });
    succeeds([&] {
        WritableFrame frame;
        if (pinned) {
            writer_->configure(spec);
            frame = writer_->acquire_pinned(50ms);
        } else {
            frame = writer_->acquire(spec, 50ms);
        }
        if (!frame)
            return;
        std::fill_n(frame.data(), frame.spec().bytes, std::byte{1});
        const std::vector<std::byte> metadata(script.get<std::uint8_t>(), std::byte{2});
        if (pinned)
            writer_->publish_pinned(frame, {}, metadata);
        else
            writer_->publish(std::move(frame), {}, metadata);
    });
    writer_->resume();
}

void Cast::wait_for_readers(Script& script) {
    if (!writer_)
        return;
    when_waiting_too_long([this] { writer_->cancel(); });
    switch (script.below(4)) {
        case 0:
            writer_->drain(300ms);
            break;
        case 1:
            writer_->wait_for_reader(1ms);
            break;
        case 2:
            writer_->end_of_stream();
            break;
        default: {
            const bool closed_whole = !folder_.is_disturbed && !is_ambush_pending();
            writer_.reset();
            // But not what no writer can have made.
            for (const std::string& name : folder_.entries())
                require(
                    !closed_whole || !name.starts_with("ndsh.") || !folder_.is_file(name) || is_orphan(name),
                    "a clean end leaves nothing behind");
            break;
        }
    }
    if (writer_) {
        writer_->resume();
        static_cast<void>(writer_->stats());
    }
}

// ---- those who only look

void Cast::inspect_all() {
    for (const std::string& name : tag_names())
        succeeds([&] {
            const TagInfo info = inspect(name);
            require(info.generation == 0 || info.spec.problem().empty(),
                    "inspect() tells of arrays that can be");
            require(info.rate >= 0, "a rate is a number");
            for (const TagReader& reader : info.readers)
                require(reader.leased <= max_slots, "a reader leases slots that can be");
        });
}

void Cast::prune(bool remove) {
    for (const Leftovers& found : find_leftovers())
        if (remove)
            succeeds([&] { remove_leftovers(found.tag); });
}

void Cast::watch() {
    if (!watch_)
        watch_.emplace();
    static_cast<void>(watch_->wait(0s));
}

}  // namespace ndsharray::fuzz
