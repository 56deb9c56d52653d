// SPDX-License-Identifier: BSD-3-Clause
// NdshDevice: a live tag as a device. The device makes an ndshsrc that reads the tag.
#include "devices/ndshdevice.hpp"

#include <memory>
#include <string>
#include <string_view>

#include "video/caps.hpp"

namespace ndsharray::gst {
namespace {

constexpr const char* source_factory = "ndshsrc";

/// The settings with which a source reads the tag.
struct DeviceState {
    std::string tag;
    std::string owner;
    bool has_written_caps = false;  // then the source ignores its caps property
};

struct NdshDevice {
    GstDevice parent;
    std::unique_ptr<DeviceState> state;
};

struct NdshDeviceClass {
    GstDeviceClass parent;
};

NdshDevice* to_self(gpointer instance) {
    return static_cast<NdshDevice*>(instance);
}

// ----------------------------------------------------------------------------------------------- elements

/// Only the tag has to be set: a tag that ndshsrc refuses by default (because of its owner, or without caps)
/// is not a device.
GstElement* create_element(GstDevice* device, const gchar* name) {
    GstElement* element = gst_element_factory_make(source_factory, name);
    if (element) {
        g_object_set(element, "tag", to_self(device)->state->tag.c_str(), nullptr);
    }
    return element;
}

bool is_source(GstElement* element) {
    GstElementFactory* factory = GST_IS_ELEMENT(element) ? gst_element_get_factory(element) : nullptr;
    return factory && std::string_view(GST_OBJECT_NAME(factory)) == source_factory;
}

/// Whether a source can read this tag with its present `owner` and `caps`. They may be meant for another tag,
/// and cannot change while the source plays.
bool fits(GstDevice* device, GstElement* source) {
    const DeviceState& state = *to_self(device)->state;
    gchar* found_owner = nullptr;
    GstCaps* found_caps = nullptr;
    g_object_get(source, "owner", &found_owner, "caps", &found_caps, nullptr);
    const Owned<char> owner(found_owner);
    const Owned<GstCaps> given(found_caps), caps(gst_device_get_caps(device));
    const bool owner_fits = !owner || state.owner == owner.get();
    const bool caps_fit = !given || state.has_written_caps || gst_caps_can_intersect(given.get(), caps.get());
    return owner_fits && caps_fit;
}

gboolean reconfigure_element(GstDevice* device, GstElement* element) {
    if (!is_source(element) || !fits(device, element)) {
        return FALSE;
    }
    g_object_set(element, "tag", to_self(device)->state->tag.c_str(), nullptr);
    return TRUE;
}

// ------------------------------------------------------------------------------------------------ GObject

G_DEFINE_TYPE(NdshDevice, ndsh_device, GST_TYPE_DEVICE)

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(ndsh_device_parent_class)->finalize(object);
}

void ndsh_device_init(NdshDevice* self) {
    std::construct_at(&self->state, std::make_unique<DeviceState>());
}

void ndsh_device_class_init(NdshDeviceClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GST_DEVICE_CLASS(klass)->create_element = GST_DEBUG_FUNCPTR(create_element);
    GST_DEVICE_CLASS(klass)->reconfigure_element = GST_DEBUG_FUNCPTR(reconfigure_element);
}

// -------------------------------------------------------------------------------------------- description

/// As NumPy prints it: "(1080, 1920, 3)".
std::string shape_text(const ArraySpec& spec) {
    std::string text = "(";
    for (std::uint32_t i = 0; i < spec.ndim; ++i) {
        text += (i > 0 ? ", " : "") + std::to_string(spec.shape[i]);
    }
    return text + (spec.ndim == 1 ? ",)" : ")");
}

Owned<GstStructure> properties(const TagInfo& info) {
    return Owned<GstStructure>(
        gst_structure_new("ndshdeviceprovider",                                        //
                          "device.api", G_TYPE_STRING, "ndsh",                         //
                          "ndsh.tag", G_TYPE_STRING, info.tag.c_str(),                 //
                          "ndsh.shape", G_TYPE_STRING, shape_text(info.spec).c_str(),  //
                          "ndsh.dtype", G_TYPE_STRING, name(info.spec.dtype).data(),   //
                          "ndsh.writer-pid", G_TYPE_UINT, guint{info.writer_pid},      //
                          "ndsh.segment", G_TYPE_STRING, info.segment.c_str(), nullptr));
}

/// "cam0 (1280x720 RGB, process 1234)".
std::string display_name(const TagInfo& info, const GstVideoInfo& video) {
    return info.tag + " (" + std::to_string(GST_VIDEO_INFO_WIDTH(&video)) + "x" +
           std::to_string(GST_VIDEO_INFO_HEIGHT(&video)) + " " + GST_VIDEO_INFO_NAME(&video) + ", process " +
           std::to_string(info.writer_pid) + ")";
}

}  // namespace

Owned<GstDevice> ndsh_device_new(const TagInfo& info) {
    const FrameCaps format = frame_caps(info.spec, info.attributes, nullptr);
    const std::string name = display_name(info, format.info);
    const Owned<GstStructure> extra = properties(info);
    gpointer object =
        g_object_new(ndsh_device_get_type(), "display-name", name.c_str(), "device-class", "Video/Source",
                     "caps", format.caps.get(), "properties", extra.get(), nullptr);
    *to_self(object)->state = {info.tag, info.owner, info.attributes.contains(caps_attribute)};
    return Owned<GstDevice>(GST_DEVICE(gst_object_ref_sink(object)));
}

bool are_alike(GstDevice* one, GstDevice* other) {
    const Owned<GstCaps> caps(gst_device_get_caps(one)), other_caps(gst_device_get_caps(other));
    const Owned<GstStructure> extra(gst_device_get_properties(one));
    const Owned<GstStructure> other_extra(gst_device_get_properties(other));
    return gst_caps_is_equal(caps.get(), other_caps.get()) &&
           gst_structure_is_equal(extra.get(), other_extra.get());
}

}  // namespace ndsharray::gst
