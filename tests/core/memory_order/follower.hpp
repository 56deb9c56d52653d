// SPDX-License-Identifier: BSD-3-Clause
// A reader as the core has it, in a scene: its attachment, and the loop around it.
#pragma once

#include "world.hpp"

#include "reader/attachment.hpp"

namespace ndsharray::model {

class FollowedWorld : public World {
  public:
    /// \param joined whether the reader has joined at the beginning and has read the first frame. Otherwise
    /// it joins when it first looks.
    FollowedWorld(const Layout& layout, bool joined);
    void clear() override;

  protected:
    void prepare() override;

    // ---- the writer

    /// Makes the next segment. It is announced with its first frame. Where there is no room for it beside the
    /// old one, that goes first.
    void make_segment();

    /// Claims, fills and publishes in the newest segment, waits for readers if it must, and announces the
    /// segment if that is to be done.
    void publish_next(std::uint64_t frame);

    // ---- the reader

    /// A frame as a program has it: looks at all of it. Empty at the end of the stream, or if the writer
    /// left.
    Frame read();

    /// Reads until the last frame, or until there are no more. With mode Every none is missed, but for those
    /// that were published before the reader came or went on.
    void follow(std::uint64_t last);

    /// Keeps the frame that follow() reads first until it is done.
    void keep_first_frame() { keeps_first_ = true; }

    /// As Reader::suspend().
    void suspend(bool suspended);

  private:
    void join();

    const bool joined_;
    Owner owner_ = Owner::self();
    ReaderOptions reader_options_;
    DeliveryCounts counts_;
    std::unique_ptr<Attachment> attachment_;
    std::optional<Segments> segments_;
    bool keeps_first_ = false;
    Frame kept_;
    std::uint64_t first_expected_ = 1;
    std::uint64_t read_before_ = 0;
};

}  // namespace ndsharray::model
