// SPDX-License-Identifier: BSD-3-Clause
// Many caps and many tags through the elements: what the tests bear for a moment and tests/load for long.
#include "load.hpp"

#include "frames.hpp"

namespace ndsharray::test {

TagPipelines::TagPipelines(const std::string& tag)
    : writer_(
          "appsrc name=in format=time ! ndshsink name=sink sync=false backpressure=true "
          "wait-for-reader=true tag=" +
          tag),
      reader_("ndshsrc name=src mode=every tag=" + tag +
              " ! appsink name=out sync=false async=false max-buffers=1") {
    writer_.play();
    reader_.play();
}

bool TagPipelines::pass(const std::string& caps, unsigned offset) {
    if (!push_random(writer_["in"], caps, offset))
        return false;
    const Sample sample = pull(reader_["out"]);
    return sample && sample.offset() == offset && sample.is_random_frame(caps);
}

std::uint64_t pass_caps(TagPipelines& pipelines, std::uint64_t count) {
    const std::string formats[] = {"RGB", "I420", "GRAY8", "NV12", "BGRx"};
    std::uint64_t passed = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string caps = caps_text(formats[i % 5], 32 + static_cast<int>(i % 7), 24);
        passed += pipelines.pass(caps, static_cast<unsigned>(i)) ? 1 : 0;
    }
    return passed;
}

}  // namespace ndsharray::test
