// SPDX-License-Identifier: BSD-3-Clause
// Device monitors and providers, and what they tell of tags.
#pragma once

#include <ndsharray/writer.hpp>

#include <gst/gst.h>

#include <support/wait.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "held.hpp"

namespace ndsharray::test {

using Tags = std::vector<std::string>;

/// Publishes a gray frame of this width without the elements.
void publish_gray(Writer& writer, std::uint64_t width = 4);

/// A text property of a device, such as "ndsh.tag"; empty if there is none.
std::string text_of(GstDevice* device, const char* property);
unsigned writer_pid_of(GstDevice* device);
std::string caps_of(GstDevice* device);
std::string display_name_of(GstDevice* device);

/// One message about a device. Without one, `type` is GST_MESSAGE_UNKNOWN.
struct Announcement {
    GstMessageType type = GST_MESSAGE_UNKNOWN;
    Held<GstDevice> device;
    Held<GstDevice> before;  ///< of a device that changed

    /// "added cam0", "changed cam0", "removed cam0" or "nothing".
    std::string text() const;
};

/// The next message on this bus about one of our devices; other providers' are passed over.
Announcement next_announcement(GstBus* bus, std::chrono::nanoseconds timeout = patience);

/// A GstDeviceMonitor for Video/Source. Stopped when destroyed.
class Monitor {
  public:
    Monitor();
    ~Monitor();
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    bool start() { return gst_device_monitor_start(monitor_.get()); }
    void stop() { gst_device_monitor_stop(monitor_.get()); }

    /// Our devices, sorted by tag.
    std::vector<Held<GstDevice>> devices();
    Tags tags();

    /// The device of a tag; empty if there is none.
    Held<GstDevice> device(const std::string& tag);

    Announcement next(std::chrono::nanoseconds timeout = patience) {
        return next_announcement(bus_.get(), timeout);
    }

  private:
    Held<GstDeviceMonitor> monitor_;
    Held<GstBus> bus_;
};

/// A provider of its own, not the one that all monitors of a process share.
Held<GstDeviceProvider> new_provider();
Held<GstBus> bus_of(GstDeviceProvider* provider);

}  // namespace ndsharray::test
