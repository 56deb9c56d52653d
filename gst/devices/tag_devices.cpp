// SPDX-License-Identifier: BSD-3-Clause
// The devices of a provider. They follow the tags: each live tag with video has one.
#include "devices/tag_devices.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>
#include <ndsharray/tag_watch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "devices/ndshdevice.hpp"
#include "video/caps.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshdeviceprovider_debug);
#define GST_CAT_DEFAULT ndshdeviceprovider_debug

namespace ndsharray::gst {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Time until a tag is inspected again, if the first attempt failed for a temporary reason.
constexpr auto second_look = 500ms;

bool is_temporary(ErrorCode code) {
    return code == ErrorCode::TooManyFiles || code == ErrorCode::OutOfMemory || code == ErrorCode::System;
}

void log_unseen(const std::string& tag, const Error& error) {
    GstDebugLevel level = GST_LEVEL_WARNING;
    if (error.code() == ErrorCode::NoSuchTag) {
        level = GST_LEVEL_LOG;
    } else if (error.code() == ErrorCode::WrongOwner || error.code() == ErrorCode::PermissionDenied) {
        level = GST_LEVEL_DEBUG;  // tags of other users are common
    }
    GST_CAT_LEVEL_LOG(GST_CAT_DEFAULT, level, nullptr, "tag %s is no device: %s", tag.c_str(), error.what());
}

/// The device of a tag. Nothing if the tag is not live, has no frame yet, or has no video.
Owned<GstDevice> device_of(const TagInfo& info) {
    if (!info.alive || info.state == TagState::Closed || info.generation == 0) {
        GST_LOG("tag %s is no device: %s, %s", info.tag.c_str(), info.alive ? "alive" : "dead",
                info.generation == 0 ? "no frame yet" : std::string(name(info.state)).c_str());
        return nullptr;
    }
    try {
        return ndsh_device_new(info);
    } catch (const NoCaps& none) {
        GST_INFO("tag %s is no device: %s", info.tag.c_str(), none.what());
        return nullptr;
    }
}

}  // namespace

std::vector<Owned<GstDevice>> current_devices() {
    std::vector<Owned<GstDevice>> devices;
    for (const std::string& tag : tag_names()) {
        try {
            if (auto device = device_of(inspect(tag))) {
                devices.push_back(std::move(device));
            }
        } catch (const Error& error) {
            log_unseen(tag, error);
        }
    }
    return devices;
}

/// The state of the thread. The thread owns it, too, because it may outlive its TagDevices for a moment.
class TagDevices::Run {
  public:
    explicit Run(GstDeviceProvider* provider) { g_weak_ref_init(&provider_, provider); }
    ~Run() { g_weak_ref_clear(&provider_); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// Starts to watch, and adds the present devices.
    void open(GstDeviceProvider* provider);

    /// Removes all devices.
    void clear(GstDeviceProvider* provider);

    /// Follows the tags until cancelled.
    void follow() noexcept;
    void cancel();

  private:
    /// A device as it was announced, and the state of its writer at that time.
    struct Known {
        Owned<GstDevice> device;
        std::uint32_t epoch = 0;
        std::uint64_t published = 0;
    };

    void tell_obstacle();
    std::optional<Clock::duration> time_to_second_look() const;
    std::set<std::string> tags_to_look_at(TagChanges changes);
    void add_all(std::set<std::string>& tags);
    void look_at(GstDeviceProvider* provider, const std::set<std::string>& tags);
    void look_at(GstDeviceProvider* provider, const std::string& tag);
    bool is_between_segments(const TagInfo& info) const;
    bool is_abandoned(const TagInfo& info);
    void show(GstDeviceProvider* provider, Owned<GstDevice> device, const TagInfo& info);
    void hide(GstDeviceProvider* provider, const std::string& tag);

    GWeakRef provider_;
    // Release and acquire: a thread that sees the flag sees everything before cancel().
    std::atomic<bool> cancelled_{false};

    TagWatch watch_;

    // For the thread that calls open(), then for the thread that calls follow().
    std::map<std::string, Known> known_;
    std::map<std::string, std::string> abandoned_;  // the segments of dead writers, by tag
    std::set<std::string> unclear_;                 // tags that could not be inspected
    bool all_unclear_ = false;                      // the directory could not be listed
    Clock::time_point second_look_;
};

// ------------------------------------------------------------------------------------------------ watching

void TagDevices::Run::open(GstDeviceProvider* provider) {
    tell_obstacle();
    look_at(provider, tags_to_look_at({WatchStatus::Changed, {}, true}));
}

void TagDevices::Run::cancel() {
    cancelled_.store(true, std::memory_order_release);
    watch_.cancel();
}

/// Logs why there can be no tags now.
void TagDevices::Run::tell_obstacle() {
    if (const Error obstacle = watch_.obstacle(); obstacle.code() != ErrorCode::None) {
        GST_WARNING("%s", obstacle.what());
    }
}

void TagDevices::Run::follow() noexcept {
    try {
        for (;;) {
            TagChanges changes = watch_.wait(time_to_second_look());
            if (cancelled_.load(std::memory_order_acquire)) {
                return;
            }
            if (changes.all) {
                tell_obstacle();
            }
            const auto tags = tags_to_look_at(std::move(changes));
            const Owned<GstDeviceProvider> provider(
                static_cast<GstDeviceProvider*>(g_weak_ref_get(&provider_)));
            if (!provider) {
                return;
            }
            look_at(provider.get(), tags);
        }
    } catch (const std::exception& error) {
        GST_ERROR("the tags are not watched any longer: %s", error.what());
    }
}

std::optional<Clock::duration> TagDevices::Run::time_to_second_look() const {
    if (unclear_.empty() && !all_unclear_) {
        return std::nullopt;
    }
    return std::max(second_look_ - Clock::now(), Clock::duration::zero());
}

std::set<std::string> TagDevices::Run::tags_to_look_at(TagChanges changes) {
    std::set<std::string> tags(changes.tags.begin(), changes.tags.end());
    const bool again = Clock::now() >= second_look_;
    if (changes.all || (again && all_unclear_)) {
        add_all(tags);
    }
    if (again) {
        tags.merge(unclear_);
        unclear_.clear();
    }
    return tags;
}

/// Adds the present tags, and those of the present devices.
void TagDevices::Run::add_all(std::set<std::string>& tags) {
    try {
        for (std::string& tag : tag_names()) {
            tags.insert(std::move(tag));
        }
        all_unclear_ = false;
    } catch (const Error& error) {
        GST_WARNING("%s", error.what());
        all_unclear_ = true;
        second_look_ = Clock::now() + second_look;
    }
    for (const auto& [tag, known] : known_) {
        tags.insert(tag);
    }
}

// ------------------------------------------------------------------------------------------------- devices

void TagDevices::Run::look_at(GstDeviceProvider* provider, const std::set<std::string>& tags) {
    for (const std::string& tag : tags) {
        // After cancel(), stop() removes the devices. No device may be added behind its back.
        if (cancelled_.load(std::memory_order_acquire)) {
            return;
        }
        look_at(provider, tag);
    }
}

void TagDevices::Run::look_at(GstDeviceProvider* provider, const std::string& tag) {
    try {
        const TagInfo info = inspect(tag);
        if (!is_between_segments(info)) {
            show(provider, is_abandoned(info) ? nullptr : device_of(info), info);
        }
    } catch (const Error& error) {
        log_unseen(tag, error);
        if (is_temporary(error.code())) {
            unclear_.insert(tag);
            second_look_ = Clock::now() + second_look;
            return;
        }
        hide(provider, tag);
        abandoned_.erase(tag);
    }
}

/// Whether the writer is between two segments. TagWatch reports the new segment.
bool TagDevices::Run::is_between_segments(const TagInfo& info) const {
    const auto known = known_.find(info.tag);
    return known != known_.end() && info.alive && info.generation == 0 && info.epoch == known->second.epoch &&
           info.published >= known->second.published;
}

/// Whether the segment is that of a dead writer. Its successor has the tag for a moment before it has a
/// segment of its own. TagWatch reports that segment, too.
bool TagDevices::Run::is_abandoned(const TagInfo& info) {
    if (!info.alive) {
        abandoned_[info.tag] = info.segment;
        return true;
    }
    const auto abandoned = abandoned_.find(info.tag);
    return abandoned != abandoned_.end() && abandoned->second == info.segment;
}

void TagDevices::Run::show(GstDeviceProvider* provider, Owned<GstDevice> device, const TagInfo& info) {
    const auto known = known_.find(info.tag);
    if (!device) {
        hide(provider, info.tag);
    } else if (known == known_.end()) {
        GstDevice* added = device.get();
        known_.emplace(info.tag, Known{std::move(device), info.epoch, info.published});
        GST_INFO_OBJECT(provider, "tag %s appeared", info.tag.c_str());
        gst_device_provider_device_add(provider, added);
    } else if (are_alike(known->second.device.get(), device.get())) {
        known->second.epoch = info.epoch;
        known->second.published = info.published;
    } else {
        GstDevice* changed = device.get();
        const Known before =
            std::exchange(known->second, Known{std::move(device), info.epoch, info.published});
        GST_INFO_OBJECT(provider, "tag %s changed", info.tag.c_str());
        gst_device_provider_device_changed(provider, changed, before.device.get());
    }
}

void TagDevices::Run::hide(GstDeviceProvider* provider, const std::string& tag) {
    if (const auto known = known_.extract(tag)) {
        GST_INFO_OBJECT(provider, "tag %s is gone", tag.c_str());
        gst_device_provider_device_remove(provider, known.mapped().device.get());
    }
}

void TagDevices::Run::clear(GstDeviceProvider* provider) {
    while (!known_.empty()) {
        const std::string tag = known_.begin()->first;
        hide(provider, tag);
    }
}

// ----------------------------------------------------------------------------------------------- TagDevices

TagDevices::TagDevices(GstDeviceProvider* provider) : run_(std::make_shared<Run>(provider)) {
    try {
        run_->open(provider);
        thread_ = std::thread([run = run_] { run->follow(); });
    } catch (...) {
        run_->clear(provider);
        throw;
    }
}

TagDevices::~TagDevices() {
    run_->cancel();
    if (thread_.get_id() == std::this_thread::get_id()) {
        thread_.detach();
    } else {
        thread_.join();
    }
}

}  // namespace ndsharray::gst
