// SPDX-License-Identifier: BSD-3-Clause
// Many frames, many layouts, many tags: what the tests bear for a moment and tests/load for long.
#include "load.hpp"

#include "core_test.hpp"
#include "remote.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace ndsharray::test {
namespace {

/// Ages of some of the first and of the last tenth of the frames.
class Latencies {
  public:
    explicit Latencies(std::uint64_t expected) : tenth_(expected / 10), step_(tenth_ / most_kept + 1) {}

    void add(std::uint64_t index, std::chrono::nanoseconds age) {
        if (index % step_ != 0)
            return;
        if (index < tenth_)
            first_.push_back(age);
        else if (index >= 9 * tenth_ && index < 10 * tenth_)
            last_.push_back(age);
    }

    std::chrono::nanoseconds first() { return median(first_); }
    std::chrono::nanoseconds last() { return median(last_); }

  private:
    static constexpr std::uint64_t most_kept = 100'000;

    static std::chrono::nanoseconds median(std::vector<std::chrono::nanoseconds>& ages) {
        if (ages.empty())
            return {};
        const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
        std::nth_element(ages.begin(), middle, ages.end());
        return *middle;
    }

    std::uint64_t tenth_;
    std::uint64_t step_;
    std::vector<std::chrono::nanoseconds> first_ = reserved();
    std::vector<std::chrono::nanoseconds> last_ = reserved();

    /// So that what they take is there from the start.
    static std::vector<std::chrono::nanoseconds> reserved() {
        std::vector<std::chrono::nanoseconds> ages(2 * most_kept);
        ages.clear();
        return ages;
    }
};

std::ostream& operator<<(std::ostream& out, const ProcessState& state) {
    return out << state.descriptors << ' ' << state.threads << ' ' << state.mappings << ' '
               << state.tag_mappings << ' ' << state.private_bytes << ' ' << state.resident_bytes;
}

std::istream& operator>>(std::istream& in, ProcessState& state) {
    return in >> state.descriptors >> state.threads >> state.mappings >> state.tag_mappings >>
           state.private_bytes >> state.resident_bytes;
}

std::string to_text(const Sight& sight) {
    std::ostringstream text;
    text << sight.frames << ' ' << sight.missed << ' ' << sight.copies << ' ' << sight.torn << ' '
         << sight.out_of_order << ' ' << sight.first_latency.count() << ' ' << sight.last_latency.count()
         << ' ' << sight.early << ' ' << sight.late;
    return text.str();
}

Sight to_sight(const std::string& text) {
    std::istringstream words(text);
    Sight sight;
    std::int64_t first = 0, last = 0;
    words >> sight.frames >> sight.missed >> sight.copies >> sight.torn >> sight.out_of_order >> first >>
        last >> sight.early >> sight.late;
    if (!words)
        throw std::runtime_error("no report of a reader: " + text);
    sight.first_latency = std::chrono::nanoseconds(first);
    sight.last_latency = std::chrono::nanoseconds(last);
    return sight;
}

int read_load(Channel& channel, const Arguments& arguments) {
    ReaderOptions options;
    options.mode = arguments.at(1) == "every" ? ReadMode::Every : ReadMode::Latest;
    options.max_leases = static_cast<unsigned>(std::stoul(arguments.at(2)));
    Reader reader(arguments.at(0), options);
    if (!attach(reader))
        return 1;
    channel.send("attached");
    channel.send(to_text(read_to_the_end(reader, std::stoull(arguments.at(3)))));
    channel.receive(std::nullopt);  // what it holds is looked at from outside, too
    return 0;
}
const RegisteredRole read_load_role("read_load", read_load);

}  // namespace

Sight read_to_the_end(Reader& reader, std::uint64_t expected) {
    // By then all slots were seen, and what is allocated at first is.
    const std::uint64_t warm = std::clamp<std::uint64_t>(expected / 10, 1, 1000);
    Sight sight;
    Latencies latencies(expected);
    std::uint64_t last = 0;
    for (;;) {
        const Frame frame = reader.read(3 * patience);
        if (frame.status() == ReadStatus::EndOfStream)
            break;
        if (!frame)
            throw std::runtime_error("after frame " + std::to_string(last) + ": " +
                                     std::string(name(frame.status())));
        latencies.add(sight.frames, frame.age());
        ++sight.frames;
        sight.missed += frame.missed();
        sight.copies += frame.is_copy() ? 1 : 0;
        sight.torn += is_intact(frame) ? 0 : 1;
        sight.out_of_order += frame.number() > last ? 0 : 1;
        last = frame.number();
        if (sight.frames == warm)
            sight.early = process_state();
    }
    sight.late = process_state();
    sight.first_latency = latencies.first();
    sight.last_latency = latencies.last();
    return sight;
}

ChildProcess start_reading(const std::string& tag, const ReaderOptions& options, std::uint64_t expected) {
    return ChildProcess("read_load", {tag, options.mode == ReadMode::Every ? "every" : "latest",
                                      std::to_string(options.max_leases), std::to_string(expected)});
}

Sight sight_of(ChildProcess& reading, std::chrono::milliseconds timeout) {
    return to_sight(reading.channel().receive(timeout).value_or("it ended"));
}

std::uint64_t write_to_the_end(Writer& writer, const ArraySpec& spec, std::uint64_t count) {
    std::uint64_t published = 0;
    for (std::uint64_t i = 0; i < count; ++i)
        published += write_pattern(writer, spec) != 0 ? 1 : 0;
    writer.drain(patience);
    writer.end_of_stream();
    return published;
}

std::uint64_t pass_layouts(Writer& writer, Reader& reader, std::uint64_t count) {
    std::uint64_t passed = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t bytes = 1 + i % 4999;
        if (write_pattern(writer, bytes_spec(bytes)) == 0)
            continue;
        const Frame frame = reader.read(patience);
        passed += frame && frame.spec().bytes == bytes && is_intact(frame) ? 1 : 0;
    }
    return passed;
}

}  // namespace ndsharray::test
