// SPDX-License-Identifier: BSD-3-Clause
// The pictures of one tag in one view, made once for all who look: a thread that reads while somebody wants
// the next one.
#pragma once

#include <ndsharray/reader.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "serve/view.hpp"

namespace ndsharray::serve {

/// A JPEG and where it comes from.
struct Shot {
    std::string jpeg;
    std::uint64_t frame = 0;
    std::uint64_t step = 1;   ///< as Picture has it
    std::int64_t age_us = 0;  ///< from its publication until it was encoded
    std::int64_t missed = 0;  ///< frames before it that nobody saw
};

class PictureStream {
  public:
    using Told = std::function<void(std::shared_ptr<const Shot>)>;

    /// \param told gets each picture, in the main loop, until this is destroyed; nullptr where there is none
    /// yet
    PictureStream(std::string tag, std::string owner, View view, Told told);

    /// From the main loop. Waits for a picture that is being made.
    ~PictureStream();
    PictureStream(const PictureStream&) = delete;
    PictureStream& operator=(const PictureStream&) = delete;

    /// Somebody can take another picture; of those that are asked for until it comes there is one.
    void want();

  private:
    void run();
    bool wait_until_wanted();
    void tell(std::shared_ptr<const Shot> shot);

    View view_;
    Reader reader_;
    std::shared_ptr<Told> told_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    bool wanted_ = false;
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace ndsharray::serve
