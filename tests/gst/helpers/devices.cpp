// SPDX-License-Identifier: BSD-3-Clause
// Device monitors and providers, and what they tell of tags.
#include "devices.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace ndsharray::test {

void publish_gray(Writer& writer, std::uint64_t width) {
    const std::uint64_t shape[] = {6, width};
    writer.configure(ArraySpec::contiguous(DType::UInt8, shape));
    writer.publish(writer.acquire());
}

std::string text_of(GstDevice* device, const char* property) {
    const Held<GstStructure> properties(gst_device_get_properties(device));
    const char* text = properties ? gst_structure_get_string(properties.get(), property) : nullptr;
    return text ? text : "";
}

unsigned writer_pid_of(GstDevice* device) {
    const Held<GstStructure> properties(gst_device_get_properties(device));
    guint pid = 0;
    gst_structure_get_uint(properties.get(), "ndsh.writer-pid", &pid);
    return pid;
}

std::string caps_of(GstDevice* device) {
    const Held<GstCaps> caps(gst_device_get_caps(device));
    return gst::to_string(caps.get()).get();
}

std::string display_name_of(GstDevice* device) {
    return Held<char>(gst_device_get_display_name(device)).get();
}

std::string Announcement::text() const {
    switch (type) {
        case GST_MESSAGE_DEVICE_ADDED:
            return "added " + text_of(device.get(), "ndsh.tag");
        case GST_MESSAGE_DEVICE_CHANGED:
            return "changed " + text_of(device.get(), "ndsh.tag");
        case GST_MESSAGE_DEVICE_REMOVED:
            return "removed " + text_of(device.get(), "ndsh.tag");
        default:
            return "nothing";
    }
}

Announcement next_announcement(GstBus* bus, std::chrono::nanoseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::max(std::chrono::nanoseconds(0), deadline - std::chrono::steady_clock::now());
        const Held<GstMessage> message(
            gst_bus_timed_pop(bus, static_cast<GstClockTime>(std::chrono::nanoseconds(left).count())));
        if (!message)
            return {};
        GstDevice* device = nullptr;
        GstDevice* before = nullptr;
        const GstMessageType type = GST_MESSAGE_TYPE(message.get());
        if (type == GST_MESSAGE_DEVICE_ADDED)
            gst_message_parse_device_added(message.get(), &device);
        else if (type == GST_MESSAGE_DEVICE_REMOVED)
            gst_message_parse_device_removed(message.get(), &device);
        else if (type == GST_MESSAGE_DEVICE_CHANGED)
            gst_message_parse_device_changed(message.get(), &device, &before);
        Announcement result{type, Held<GstDevice>(device), Held<GstDevice>(before)};
        if (device && !text_of(device, "ndsh.tag").empty())
            return result;
    }
}

Monitor::Monitor() {
    gst_init(nullptr, nullptr);
    monitor_.reset(gst_device_monitor_new());
    bus_.reset(gst_device_monitor_get_bus(monitor_.get()));
    gst_device_monitor_add_filter(monitor_.get(), "Video/Source", nullptr);
}

Monitor::~Monitor() {
    stop();
}

std::vector<Held<GstDevice>> Monitor::devices() {
    std::vector<Held<GstDevice>> result;
    GList* found = gst_device_monitor_get_devices(monitor_.get());
    for (GList* item = found; item; item = item->next) {
        Held<GstDevice> device(GST_DEVICE(item->data));
        if (!text_of(device.get(), "ndsh.tag").empty())
            result.push_back(std::move(device));
    }
    g_list_free(found);
    std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
        return text_of(a.get(), "ndsh.tag") < text_of(b.get(), "ndsh.tag");
    });
    return result;
}

Tags Monitor::tags() {
    Tags result;
    for (const auto& device : devices())
        result.push_back(text_of(device.get(), "ndsh.tag"));
    return result;
}

Held<GstDevice> Monitor::device(const std::string& tag) {
    for (auto& device : devices())
        if (text_of(device.get(), "ndsh.tag") == tag)
            return std::move(device);
    return nullptr;
}

Held<GstDeviceProvider> new_provider() {
    gst_init(nullptr, nullptr);
    GstDeviceProviderFactory* factory = gst_device_provider_factory_find("ndshdeviceprovider");
    if (!factory)
        throw std::runtime_error("no ndshdeviceprovider");
    GstPluginFeature* loaded = gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory));
    gst_object_unref(factory);
    const GType type =
        gst_device_provider_factory_get_device_provider_type(GST_DEVICE_PROVIDER_FACTORY(loaded));
    gst_object_unref(loaded);
    return Held<GstDeviceProvider>(GST_DEVICE_PROVIDER(gst_object_ref_sink(g_object_new(type, nullptr))));
}

Held<GstBus> bus_of(GstDeviceProvider* provider) {
    return Held<GstBus>(gst_device_provider_get_bus(provider));
}

}  // namespace ndsharray::test
