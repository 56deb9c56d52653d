// SPDX-License-Identifier: BSD-3-Clause
// What happened to tags between two looks: frames per second and losses, from their counters.
#include "rates.hpp"

#include <algorithm>
#include <utility>

namespace ndsharray::cli {
namespace {

double per_second(std::uint64_t before, std::uint64_t now, double seconds) {
    return now > before && seconds > 0 ? static_cast<double>(now - before) / seconds : 0;
}

}  // namespace

TagRates RateMeter::compare(TagInfo info, std::chrono::steady_clock::time_point now) const {
    const auto found = before_.find(info.tag);
    const bool known = found != before_.end() && found->second.info.epoch == info.epoch &&
                       found->second.info.writer_pid == info.writer_pid &&
                       found->second.info.published <= info.published;
    const double seconds = known ? std::chrono::duration<double>(now - found->second.when).count() : 0;
    TagRates rates;
    rates.frames = known ? per_second(found->second.info.published, info.published, seconds) : info.rate;
    for (const TagReader& reader : info.readers) {
        ReaderRates reader_rates;
        reader_rates.now = reader;
        const std::uint64_t taken = reader.cursor > 0 ? reader.cursor - 1 : 0;
        reader_rates.behind = info.published > taken ? info.published - taken : 0;
        if (known) {
            const auto& earlier = found->second.info.readers;
            const auto same = std::find_if(earlier.begin(), earlier.end(), [&](const TagReader& other) {
                return other.pid == reader.pid && other.mode == reader.mode && other.frames <= reader.frames;
            });
            if (same != earlier.end()) {
                reader_rates.frames = per_second(same->frames, reader.frames, seconds);
                reader_rates.missed = per_second(same->missed, reader.missed, seconds);
                reader_rates.copied = per_second(same->copied, reader.copied, seconds);
            }
        }
        rates.readers.push_back(reader_rates);
    }
    rates.now = std::move(info);
    return rates;
}

std::vector<TagRates> RateMeter::measure(std::vector<TagInfo> tags) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<TagRates> all;
    std::map<std::string, Look> looks;
    for (TagInfo& info : tags) {
        looks[info.tag] = {now, info};
        all.push_back(compare(std::move(info), now));
    }
    before_ = std::move(looks);
    return all;
}

}  // namespace ndsharray::cli
