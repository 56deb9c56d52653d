// SPDX-License-Identifier: BSD-3-Clause
// What all lives share: the tag they are about, readers that outlive everybody, and what must hold after a
// death.
#include "stage.hpp"

#include "protocol/layout.hpp"

#include <support/background_call.hpp>

#include <cstddef>
#include <fstream>

namespace ndsharray::test {

void Stage::publish(Writer& writer, const ArraySpec& spec) {
    // With backpressure, publish() waits for as long as a reader does not follow.
    BackgroundCall<std::uint64_t> writing([&] { return write_pattern(writer, spec); },
                                          [&] { writer.cancel(); });
    require(writing.result() != 0, "no frame could be published");
}

void Stage::expect_goes_on(Writer& writer) {
    ++mark_;
    publish(writer, bytes_spec(mark_));
    latest_.await_mark(mark_);
    every_.await_mark(mark_);
    expect_new_reader_gets(mark_);
}

void Stage::expect_new_reader_gets(std::uint64_t mark) const {
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    require(static_cast<bool>(frame), "a new reader got no frame");
    require(frame.spec().bytes == mark && is_intact(frame), "a new reader got another frame");
    require(!frame.is_copy(), "a new reader got no lease");
}

void Stage::expect_no_slot_lost(Writer& writer) {
    const unsigned free = writer.stats().slots - 1;
    // Followers take frames for a moment.
    const bool all = wait_until([&] {
        std::vector<WritableFrame> taken;
        while (taken.size() < free) {
            taken.push_back(writer.acquire(0ns));
            if (!taken.back())
                return false;
        }
        return true;
    });
    require(all, "a slot is lost");
}

void Stage::expect_nobody_waits() const {
    std::ifstream table(file(".readers"), std::ios::binary);
    std::uint32_t waiting = 1;
    table.seekg(offsetof(layout::ReaderTable, writer_waiting));
    table.read(reinterpret_cast<char*>(&waiting), sizeof waiting);
    require(table.good() && waiting == 0, "a dead writer seems to wait for readers");
}

void Stage::expect_no_files() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        const std::string name = entry.path().filename();
        require(name.find(tag_) == std::string::npos, name + " was left behind");
    }
}

}  // namespace ndsharray::test
