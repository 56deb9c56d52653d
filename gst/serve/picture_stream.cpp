// SPDX-License-Identifier: BSD-3-Clause
// The pictures of one tag in one view, made once for all who look.
#include "serve/picture_stream.hpp"

#include <chrono>
#include <utility>

#include "serve/main_loop.hpp"
#include "serve/picture_file.hpp"

namespace ndsharray::serve {
namespace {

using namespace std::chrono_literals;

/// When nothing new came for so long, the last picture is sent again: so that a viewer who is gone is found
/// out, and one who only shows a picture when the next begins has seen it.
constexpr auto repeat = 1s;

}  // namespace

PictureStream::PictureStream(std::string tag, std::string owner, View view, Told told)
    : view_(std::move(view)),
      reader_(std::move(tag), {.mode = ReadMode::Latest, .max_leases = 1, .owner = std::move(owner)}),
      told_(std::make_shared<Told>(std::move(told))),
      thread_([this] { run(); }) {}

PictureStream::~PictureStream() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
    reader_.cancel();
    thread_.join();
    *told_ = nullptr;  // what is on its way in the main loop goes nowhere
}

void PictureStream::want() {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = true;
    }
    changed_.notify_all();
}

/// \returns false when stopped.
bool PictureStream::wait_until_wanted() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return wanted_ || stopped_; });
    return !stopped_;
}

void PictureStream::tell(std::shared_ptr<const Shot> shot) {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = false;
    }
    in_main_loop([told = told_, shot = std::move(shot)] {
        if (*told)
            (*told)(shot);
    });
}

void PictureStream::run() {
    const auto interval = std::chrono::nanoseconds(1s) / view_.fps;
    auto next = std::chrono::steady_clock::now();
    std::shared_ptr<const Shot> last;
    while (wait_until_wanted()) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait_until(lock, next, [this] { return stopped_; });
        }
        const auto asked = std::chrono::steady_clock::now();
        const Frame frame = reader_.read(repeat);
        if (frame) {
            try {
                // A frame comes at its time: half an interval less, so that none is left out for coming
                // early.
                next = std::chrono::steady_clock::now() + interval / 2;
                const Picture picture = picture_of(frame, view_, false);
                Shot shot{
                    .jpeg = jpeg(picture, view_.quality), .frame = frame.number(), .step = picture.step};
                shot.age_us = std::chrono::duration_cast<std::chrono::microseconds>(frame.age()).count();
                shot.missed = static_cast<std::int64_t>(frame.missed());
                last = std::make_shared<const Shot>(std::move(shot));
            } catch (const std::exception&) {
                // An array that cannot be shown, among others that can: the next one may.
                continue;
            }
        } else if (frame.status() == ReadStatus::Cancelled) {
            return;
        } else if (frame.status() == ReadStatus::Failed) {
            // That comes at once. Nothing is to be told more often than `repeat` says.
            std::unique_lock lock(mutex_);
            changed_.wait_until(lock, asked + repeat, [this] { return stopped_; });
        } else if (frame.status() != ReadStatus::Timeout) {
            continue;
        }
        tell(last);
    }
}

}  // namespace ndsharray::serve
