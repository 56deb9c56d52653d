// SPDX-License-Identifier: BSD-3-Clause
// The devices of a provider, which follow the tags: what is live is there, what is not goes.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <thread>
#include <vector>

#include "owned.hpp"

namespace ndsharray::gst {

/// A device for each live tag that holds video, of this process's user or root; sorted by tag.
std::vector<Owned<GstDevice>> current_devices();

/// Adds devices to a provider, changes and removes them, in a thread that sleeps until a tag changes.
///
/// The thread holds no lock while it sleeps. It keeps the provider only while it adds, changes or removes, so
/// the provider may go at any time, and takes its TagDevices with it.
class TagDevices {
  public:
    /// Adds the devices that are there now, then goes on in its thread. A directory that does not exist is
    /// waited for.
    /// \throws Error TooManyFiles, PermissionDenied, System; std::system_error if there can be no thread.
    explicit TagDevices(GstDeviceProvider* provider);

    /// When this returns, the thread is gone. Called by the thread itself, which happens where a message is
    /// handled as it is posted, it cannot wait: then the thread does nothing more and ends by itself.
    ~TagDevices();
    TagDevices(const TagDevices&) = delete;
    TagDevices& operator=(const TagDevices&) = delete;

  private:
    class Run;

    std::shared_ptr<Run> run_;
    std::thread thread_;
};

}  // namespace ndsharray::gst
