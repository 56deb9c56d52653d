// SPDX-License-Identifier: BSD-3-Clause
// The devices of a provider. They follow the tags: each live tag with video has one.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <thread>
#include <vector>

#include "owned.hpp"

namespace ndsharray::gst {

/// A device for each live tag with video that belongs to this user or to root. Sorted by tag.
std::vector<Owned<GstDevice>> current_devices();

/// Adds, changes and removes devices of a provider, in a thread that sleeps until a tag changes.
///
/// The thread holds no lock while it sleeps. It holds a reference to the provider only while it adds, changes
/// or removes devices. So the provider may be freed at any time, and its TagDevices with it.
class TagDevices {
  public:
    /// Adds the present devices, then continues in its thread. Waits there for the directory if that does not
    /// exist.
    /// \throws Error TooManyFiles, PermissionDenied, System; std::system_error if there can be no thread.
    explicit TagDevices(GstDeviceProvider* provider);

    /// Ends the thread and waits for its end. It cannot wait if the thread itself calls it, in a synchronous
    /// bus handler. Then the thread does nothing more, and ends later.
    ~TagDevices();
    TagDevices(const TagDevices&) = delete;
    TagDevices& operator=(const TagDevices&) = delete;

  private:
    class Run;

    std::shared_ptr<Run> run_;
    std::thread thread_;
};

}  // namespace ndsharray::gst
