// SPDX-License-Identifier: BSD-3-Clause
// The model of memory against what is known of C++20: small programs, and which results of theirs are
// possible. That a result is found shows that the model is weak enough, that another one is not shows that it
// is not too weak.
#include "explorer.hpp"
#include "kernel.hpp"
#include "memory.hpp"

#include <set>

#include <gtest/gtest.h>

namespace {

using namespace ndsharray::model;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

using Number = std::atomic<std::uint32_t>;

/// What the threads of a program share.
struct Shared {
    Number& x;
    Number& y;
    Number& z;
    std::array<unsigned, 6> seen{};  // results, one per place
};

using Part = std::function<void(Shared&)>;
using Results = std::set<std::string>;

class Program final : public Scene {
  public:
    Program(std::vector<Part> parts, Results& results)
        : parts_(std::move(parts)), results_(results), shared_(make_shared_words()) {
        keep_as_beginning();
        keep_memory(4096, 4096, 1);
    }
    void begin() override {
        shared_.seen = {};
        for (const Part& part : parts_)
            play("part", [this, &part] { part(shared_); });
    }
    void end() override {
        std::string result;
        for (const unsigned seen : shared_.seen)
            result += std::to_string(seen);
        results_.insert(result.substr(0, result.find_last_not_of('0') + 1));
    }

  private:
    static Shared make_shared_words() {
        forget_files();
        const auto word = [](std::size_t at) -> Number& { return *new (arena() + 64 * at) Number(0); };
        return {word(0), word(1), word(2)};
    }

    std::vector<Part> parts_;
    Results& results_;
    Shared shared_;
};

/// All results, each as digits without the zeros at its end; or the promise that is broken.
Results results_of(std::vector<Part> parts, unsigned deviations = 4) {
    Results results;
    const Outcome outcome =
        explore([&] { return std::make_unique<Program>(parts, results); }, {.deviations = deviations});
    if (!outcome.broken.empty())
        results.insert(outcome.broken);
    return results;
}

// ---- message passing: 10 is the message without what it is about

Results message_passing(std::memory_order store, std::memory_order load) {
    return results_of({[=](Shared& s) {
                           s.x.store(1, relaxed);
                           s.y.store(1, store);
                       },
                       [=](Shared& s) {
                           s.seen[0] = s.y.load(load);
                           s.seen[1] = s.x.load(relaxed);
                       }});
}

TEST(Litmus, AMessageMayPassItsContentWithoutReleaseOrAcquire) {
    EXPECT_EQ(message_passing(relaxed, acquire), (Results{"", "01", "1", "11"}));
    EXPECT_EQ(message_passing(release, relaxed), (Results{"", "01", "1", "11"}));
}

TEST(Litmus, AMessageBringsItsContentWithReleaseAndAcquire) {
    EXPECT_EQ(message_passing(release, acquire), (Results{"", "01", "11"}));
}

TEST(Litmus, FencesDoTheSameForRelaxedOperations) {
    const auto results = results_of({[](Shared& s) {
                                         s.x.store(1, relaxed);
                                         std::atomic_thread_fence(release);
                                         s.y.store(1, relaxed);
                                     },
                                     [](Shared& s) {
                                         s.seen[0] = s.y.load(relaxed);
                                         std::atomic_thread_fence(acquire);
                                         s.seen[1] = s.x.load(relaxed);
                                     }});
    EXPECT_EQ(results, (Results{"", "01", "11"}));
}

TEST(Litmus, AReadModifyWriteKeepsWhatItReadWasReleasedWith) {
    const auto third = [](Shared& s) {
        s.seen[0] = s.y.load(acquire);
        s.seen[1] = s.x.load(relaxed);
    };
    const auto first = [](Shared& s) {
        s.x.store(1, relaxed);
        s.y.store(1, release);
    };
    const auto adds = results_of({first, [](Shared& s) { s.y.fetch_add(1, relaxed); }, third});
    EXPECT_EQ(adds.count("2"), 0U) << "the release sequence goes on";
    EXPECT_EQ(adds.count("1"), 1U) << "it was added to 0, before the release";
    const auto stores = results_of({first, [](Shared& s) { s.y.store(2, relaxed); }, third});
    EXPECT_EQ(stores.count("2"), 1U) << "a store of another thread ends it";
}

// ---- store buffering: no one sees the other

Results store_buffering(std::memory_order fence) {
    return results_of({[=](Shared& s) {
                           s.x.store(1, relaxed);
                           std::atomic_thread_fence(fence);
                           s.seen[0] = s.y.load(relaxed);
                       },
                       [=](Shared& s) {
                           s.y.store(1, relaxed);
                           std::atomic_thread_fence(fence);
                           s.seen[1] = s.x.load(relaxed);
                       }});
}

TEST(Litmus, OneSeesTheOtherWithSequentiallyConsistentFencesOnly) {
    EXPECT_EQ(store_buffering(seq_cst), (Results{"01", "1", "11"}));
    EXPECT_EQ(store_buffering(acq_rel), (Results{"", "01", "1", "11"}));
}

Results store_buffering_without_fences(std::memory_order of_store, std::memory_order of_load) {
    return results_of({[=](Shared& s) {
                           s.x.store(1, seq_cst);
                           s.seen[0] = s.y.load(seq_cst);
                       },
                       [=](Shared& s) {
                           s.y.exchange(1, of_store);
                           s.seen[1] = s.x.load(of_load);
                       }});
}

TEST(Litmus, OrWithAllFourAccessesSequentiallyConsistent) {
    EXPECT_EQ(store_buffering_without_fences(seq_cst, seq_cst), (Results{"01", "1", "11"}));
    EXPECT_EQ(store_buffering_without_fences(acq_rel, seq_cst), (Results{"", "01", "1", "11"}));
    EXPECT_EQ(store_buffering_without_fences(seq_cst, acquire), (Results{"", "01", "1", "11"}));
}

// ---- one word

TEST(Litmus, AWordDoesNotGoBack) {
    const auto results = results_of({[](Shared& s) {
                                         s.x.store(1, relaxed);
                                         s.x.store(2, relaxed);
                                     },
                                     [](Shared& s) {
                                         s.seen[0] = s.x.load(relaxed);
                                         s.seen[1] = s.x.load(relaxed);
                                     }});
    EXPECT_EQ(results, (Results{"", "01", "02", "11", "12", "22"}));
}

TEST(Litmus, ReadModifyWritesLoseNothing) {
    const auto add = [](Shared& s) { s.x.fetch_add(1, relaxed); };
    const auto results = results_of({add, add, [add](Shared& s) {
                                         add(s);
                                         s.seen[0] = s.x.load(relaxed);
                                     }});
    EXPECT_EQ(results, (Results{"1", "2", "3"}));
}

TEST(Litmus, OfTwoExchangesOneSucceeds) {
    const auto take = [](unsigned place) {
        return [place](Shared& s) {
            std::uint32_t expected = 0;
            s.seen[place] = s.x.compare_exchange_strong(expected, 1, relaxed, relaxed) ? 1 : 2;
        };
    };
    EXPECT_EQ(results_of({take(0), take(1)}), (Results{"12", "21"}));
}

/// Each stores to both words, in other orders; what is there in the end?
TEST(Litmus, StoresOfTwoThreadsMayPassEachOther) {
    const auto last = [](Shared& s) {
        if (s.z.load(acquire) != 2)
            return;
        s.seen[0] = s.x.load(relaxed);
        s.seen[1] = s.y.load(relaxed);
    };
    const auto results = results_of({[](Shared& s) {
                                         s.x.store(1, relaxed);
                                         s.y.store(2, relaxed);
                                         s.z.fetch_add(1, acq_rel);
                                     },
                                     [](Shared& s) {
                                         s.y.store(1, relaxed);
                                         s.x.store(2, relaxed);
                                         s.z.fetch_add(1, acq_rel);
                                     },
                                     last});
    EXPECT_EQ(results.count("11"), 1U) << "relaxed: both first stores are last";
}

/// Two readers see two writers' stores in different orders.
Results independent_reads(bool fenced) {
    const auto reader = [=](unsigned place, bool x_first) {
        return [=](Shared& s) {
            s.seen[place] = (x_first ? s.x : s.y).load(acquire);
            if (fenced)
                std::atomic_thread_fence(seq_cst);
            s.seen[place + 1] = (x_first ? s.y : s.x).load(acquire);
        };
    };
    return results_of({[](Shared& s) { s.x.store(1, release); }, [](Shared& s) { s.y.store(1, release); },
                       reader(0, true), reader(2, false)});
}

TEST(Litmus, TwoReadersAgreeOnTheOrderOfTwoWritersWithFencesOnly) {
    EXPECT_EQ(independent_reads(false).count("101"), 1U);
    EXPECT_EQ(independent_reads(true).count("101"), 0U);
}

// ---- bytes

Results plain(std::memory_order store, std::memory_order load) {
    return results_of({[=](Shared& s) {
                           write_plain(arena() + 1024, 8, "bytes");
                           s.x.store(1, store);
                       },
                       [=](Shared& s) {
                           if (s.x.load(load) == 1)
                               read_plain(arena() + 1024, 8, "bytes");
                       }});
}

TEST(Litmus, BytesNeedReleaseAndAcquire) {
    EXPECT_EQ(plain(release, acquire), (Results{""}));
    EXPECT_EQ(plain(release, relaxed).count("bytes are whole when they are read"), 1U);
    EXPECT_EQ(plain(relaxed, acquire).count("bytes are whole when they are read"), 1U);
}

TEST(Litmus, BytesAreNotWrittenUnderAReader) {
    const auto results = results_of({[](Shared& s) {
                                         read_plain(arena() + 1024, 8, "bytes");
                                         s.x.store(1, relaxed);
                                     },
                                     [](Shared& s) {
                                         if (s.x.load(acquire) == 1)
                                             write_plain(arena() + 1024, 8, "bytes");
                                     }});
    EXPECT_EQ(results.count("bytes are not written while others use them"), 1U);
}

// ---- sleeping

TEST(Litmus, WhoSleepsUnwokenIsFound) {
    const auto results = results_of({[](Shared& s) {
                                         while (s.x.load(acquire) == 0)
                                             sleep(&s.x);
                                     },
                                     [](Shared& s) { s.x.store(1, release); }});
    EXPECT_EQ(results.count("nobody sleeps for ever (part)"), 1U);
}

}  // namespace
