// SPDX-License-Identifier: BSD-3-Clause
// NdshDeviceProvider: shows live tags to device monitors.

/**
 * SECTION:provider-ndshdeviceprovider
 * @title: ndshdeviceprovider
 * @short_description: Lists the tags that are written now as video sources
 *
 * Each tag that has a living writer, at least one frame, and frames that are raw video is a device of the
 * class Video/Source. Its caps are those of the frames; its properties are `ndsh.tag`, `ndsh.shape`,
 * `ndsh.dtype`, `ndsh.writer-pid` and `ndsh.segment`. Tags of other users than root and the one of this
 * process are not shown: ndshsrc refuses them unless told their owner. While the provider is started it tells
 * of devices that come, go and change; it sleeps meanwhile. The tags are those in `$NDSHARRAY_DIR`, or in
 * `/dev/shm`.
 *
 * gst_device_create_element() makes an ndshsrc; gst_device_reconfigure_element() lets one that is there, in
 * any state, read the device's tag instead. It refuses one whose `owner` or `caps` do not fit.
 *
 * ## Example launch line
 * |[
 * gst-device-monitor-1.0 --follow Video/Source
 * ]|
 */

#include "devices/ndshdeviceprovider.hpp"

#include <memory>
#include <utility>

#include "devices/tag_devices.hpp"

GST_DEBUG_CATEGORY(ndshdeviceprovider_debug);
#define GST_CAT_DEFAULT ndshdeviceprovider_debug

namespace ndsharray::gst {
namespace {

struct NdshDeviceProvider {
    GstDeviceProvider parent;
    std::unique_ptr<TagDevices> watch;  // while started
};

struct NdshDeviceProviderClass {
    GstDeviceProviderClass parent;
};

NdshDeviceProvider* to_self(gpointer instance) {
    return static_cast<NdshDeviceProvider*>(instance);
}

GList* probe(GstDeviceProvider* provider) {
    GList* devices = nullptr;
    try {
        for (auto& device : current_devices()) {
            devices = g_list_append(devices, device.release());
        }
    } catch (const std::exception& error) {
        GST_WARNING_OBJECT(provider, "cannot look for tags: %s", error.what());
    }
    return devices;
}

gboolean start(GstDeviceProvider* provider) {
    try {
        to_self(provider)->watch = std::make_unique<TagDevices>(provider);
        return TRUE;
    } catch (const std::exception& error) {
        GST_WARNING_OBJECT(provider, "cannot watch tags: %s", error.what());
        return FALSE;
    }
}

void stop(GstDeviceProvider* provider) {
    to_self(provider)->watch.reset();
}

// ------------------------------------------------------------------------------------------------ GObject

G_DEFINE_TYPE(NdshDeviceProvider, ndsh_device_provider, GST_TYPE_DEVICE_PROVIDER)

/// Ends the thread of a provider that was let go without being stopped.
void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->watch);
    G_OBJECT_CLASS(ndsh_device_provider_parent_class)->finalize(object);
}

void ndsh_device_provider_init(NdshDeviceProvider* self) {
    std::construct_at(&self->watch);
}

void ndsh_device_provider_class_init(NdshDeviceProviderClass* klass) {
    GST_DEBUG_CATEGORY_INIT(ndshdeviceprovider_debug, "ndshdeviceprovider", 0,
                            "Shared array device provider");
    G_OBJECT_CLASS(klass)->finalize = finalize;

    GstDeviceProviderClass* provider = GST_DEVICE_PROVIDER_CLASS(klass);
    provider->probe = GST_DEBUG_FUNCPTR(probe);
    provider->start = GST_DEBUG_FUNCPTR(start);
    provider->stop = GST_DEBUG_FUNCPTR(stop);
    gst_device_provider_class_set_static_metadata(
        provider, "Shared array device provider", "Source/Video",
        "Lists the tags that other processes write raw video frames under", "The ndsharray authors");
}

}  // namespace

GST_DEVICE_PROVIDER_REGISTER_DEFINE(ndshdeviceprovider, "ndshdeviceprovider", GST_RANK_PRIMARY,
                                    ndsh_device_provider_get_type())

}  // namespace ndsharray::gst
