// SPDX-License-Identifier: BSD-3-Clause
// NdshDeviceProvider: shows live tags to device monitors.

/**
 * SECTION:provider-ndshdeviceprovider
 * @title: ndshdeviceprovider
 * @short_description: Lists the tags that are written now as video sources
 *
 * A tag is a device of the class Video/Source if its writer lives and its frames are raw video. It needs at
 * least one frame. The device has the caps of the frames, and the properties `ndsh.tag`, `ndsh.shape`,
 * `ndsh.dtype`, `ndsh.writer-pid` and `ndsh.segment`. Tags of users other than root and the own user are not
 * shown: ndshsrc refuses them unless `owner` names the user. A provider that is started reports devices that
 * appear, change and disappear, and sleeps meanwhile. It watches `$NDSHARRAY_DIR`, or `/dev/shm`.
 *
 * gst_device_create_element() makes an ndshsrc. gst_device_reconfigure_element() lets an ndshsrc read the
 * device's tag instead, in any state. It refuses an ndshsrc with an `owner` or `caps` that do not fit.
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

/// Ends the thread, if the provider was not stopped before.
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
