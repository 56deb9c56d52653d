// SPDX-License-Identifier: BSD-3-Clause
// Many caps and many tags through the elements: what the tests bear for a moment and tests/load for long.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline.hpp"

namespace ndsharray::test {

/// A pipeline from an appsrc into a tag and one from there into an appsink, which play.
class TagPipelines {
  public:
    explicit TagPipelines(const std::string& tag);

    /// One frame through the tag. \returns whether it came out as it went in, with these caps.
    bool pass(const std::string& caps, unsigned offset);

    Pipeline& writer() noexcept { return writer_; }
    Pipeline& reader() noexcept { return reader_; }

  private:
    Pipeline writer_;
    Pipeline reader_;
};

/// One frame after the other, each with other caps than the one before. \returns how many came through.
std::uint64_t pass_caps(TagPipelines& pipelines, std::uint64_t count);

}  // namespace ndsharray::test
