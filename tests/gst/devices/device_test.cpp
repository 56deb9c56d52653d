// SPDX-License-Identifier: BSD-3-Clause
// A tag as a device: which tags are devices, what they say, and the sources made for them.
#include "gst_test.hpp"

#include <ndsharray/tag_info.hpp>
#include <ndsharray/writer.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <random>

#include "devices.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

/// Publishes one frame without the elements: of any layout, with any attributes.
void publish(Writer& writer, DType dtype, std::vector<std::uint64_t> shape,
             const Attributes& attributes = {}) {
    writer.configure(ArraySpec::contiguous(dtype, shape), attributes);
    writer.publish(writer.acquire());
}

class Device : public GstTest {
  protected:
    static std::string writing_to(const std::string& tag) {
        return "appsrc name=in format=time ! ndshsink sync=false tag=" + tag;
    }

    /// Waits until these tags, and no others, are devices: a frame that was pushed is still on its way.
    bool lists(const Tags& tags) {
        return wait_until([&] { return monitor_.tags() == tags; });
    }

    Monitor monitor_;
};

// ----------------------------------------------------------------------------------------------- listing

TEST_F(Device, OfALiveTagSaysWhatTheTagHolds) {
    RemotePipeline writer(writing());
    writer.push_random(caps_text("NV12", 64, 48), 0);
    ASSERT_TRUE(lists({tag_}));
    for (const bool started : {false, true}) {
        SCOPED_TRACE(started ? "started" : "probed");
        if (started) {
            ASSERT_TRUE(monitor_.start());
        }
        const Held<GstDevice> device = monitor_.device(tag_);
        ASSERT_TRUE(device);
        const std::string pid = std::to_string(writer.pid());
        EXPECT_EQ(display_name_of(device.get()), "cam0 (64x48 NV12, process " + pid + ")");
        EXPECT_TRUE(gst_device_has_classes(device.get(), "Video/Source"));
        const Held<GstCaps> caps(gst_device_get_caps(device.get()));
        const Held<GstCaps> expected(gst_caps_from_string(caps_text("NV12", 64, 48).c_str()));
        EXPECT_TRUE(gst_caps_is_subset(caps.get(), expected.get())) << caps_of(device.get());
        EXPECT_EQ(text_of(device.get(), "ndsh.shape"), "(72, 64)");
        EXPECT_EQ(text_of(device.get(), "ndsh.dtype"), "uint8");
        EXPECT_EQ(text_of(device.get(), "ndsh.segment"), inspect(tag_).segment);
        EXPECT_EQ(writer_pid_of(device.get()), static_cast<unsigned>(writer.pid()));
    }
    writer.stop();
}

TEST_F(Device, IsThereFromTheFirstFrameToTheWritersDeath) {
    RemotePipeline writer(writing());
    EXPECT_EQ(monitor_.tags(), Tags{});
    writer.push_random(caps_, 0);
    EXPECT_TRUE(lists({tag_}));
    writer.kill();
    EXPECT_EQ(monitor_.tags(), Tags{});
    directory_.clear();
}

TEST_F(Device, StaysWhenTheStreamEndsAsLongAsTheWriterLives) {
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    writer.end();
    ASSERT_TRUE(writer.ends());
    EXPECT_EQ(monitor_.tags(), Tags{tag_});
    writer.stop();
    EXPECT_EQ(monitor_.tags(), Tags{});
}

TEST_F(Device, OfArraysWithoutCapsHasTheDefaultOfTheirShape) {
    Writer writer(tag_);
    publish(writer, DType::UInt8, {6, 4, 3});
    const Held<GstDevice> device = monitor_.device(tag_);
    ASSERT_TRUE(device);
    EXPECT_TRUE(contains(caps_of(device.get()), "format=(string)RGB, width=(int)4, height=(int)6"))
        << caps_of(device.get());
}

TEST_F(Device, IsNoTagThatHoldsNoVideo) {
    Writer matrix("matrix"), liar("liar"), sound("sound"), empty("empty"), picture("picture");
    publish(matrix, DType::Float64, {6, 4, 3});
    publish(liar, DType::UInt8, {6, 4}, {{"caps", caps_text("RGB", 640, 480)}});
    publish(sound, DType::UInt8, {6, 4}, {{"caps", "audio/x-raw,format=S8,rate=44100,channels=2"}});
    publish(empty, DType::UInt8, {0, 0});
    publish(picture, DType::UInt8, {6, 4});
    EXPECT_EQ(monitor_.tags(), Tags{"picture"});
}

// --------------------------------------------------------------------------------------- files from anyone

/// What the provider warns of while it lives.
class Warnings {
  public:
    Warnings() {
        gst_debug_set_threshold_for_name("ndshdeviceprovider", GST_LEVEL_WARNING);
        (gst_debug_add_log_function)(note, this, nullptr);  // the macro is not ISO C++
    }
    ~Warnings() {
        gst_debug_remove_log_function_by_data(this);
        gst_debug_unset_threshold_for_name("ndshdeviceprovider");
    }
    Warnings(const Warnings&) = delete;
    Warnings& operator=(const Warnings&) = delete;

    bool name(const std::string& path) const {
        const std::lock_guard lock(mutex_);
        return contains(text_, path);
    }

  private:
    static void note(GstDebugCategory* category, GstDebugLevel level, const char*, const char*, int, GObject*,
                     GstDebugMessage* message, gpointer self) {
        const std::string name = gst_debug_category_get_name(category);
        if (level != GST_LEVEL_WARNING || name != "ndshdeviceprovider")
            return;
        auto* warnings = static_cast<Warnings*>(self);
        const std::lock_guard lock(warnings->mutex_);
        warnings->text_ += std::string(gst_debug_message_get(message)) + "\n";
    }

    mutable std::mutex mutex_;
    std::string text_;
};

TEST_F(Device, IsNoFileThatOnlyLooksLikeATag) {
    const auto path = [&](const std::string& tag) { return (directory_.path() / ("ndsh." + tag)).string(); };
    std::ofstream(path("empty")).close();
    std::ofstream(path("garbage")) << std::string(8192, 'x');
    std::filesystem::create_directory(path("folder"));
    std::filesystem::create_symlink(path("good"), path("link"));
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    Writer good("good");
    publish(good, DType::UInt8, {6, 4});
    for (const bool started : {false, true}) {
        const Warnings warnings;
        if (started) {
            ASSERT_TRUE(monitor_.start());
        }
        EXPECT_EQ(monitor_.tags(), Tags{"good"});
        for (const char* tag : {"empty", "garbage", "folder", "link", "fifo"})
            EXPECT_TRUE(warnings.name(path(tag))) << tag;
        EXPECT_FALSE(warnings.name(path("good")));
    }
    monitor_.stop();
    for (const char* tag : {"empty", "garbage", "folder", "link", "fifo"})
        std::filesystem::remove(path(tag));
}

TEST_F(Device, OfATagWithRandomBytesAnywhereIsNoneOrSaysSomething) {
    Writer writer(tag_);
    publish(writer, DType::UInt8, {48, 64, 3}, {{"caps", caps_}});
    ASSERT_TRUE(monitor_.start());
    std::mt19937 random(11);
    for (int round = 0; round < 150; ++round) {
        const auto names = directory_.entries();
        std::fstream file(directory_.path() / names[random() % names.size()],
                          std::ios::binary | std::ios::in | std::ios::out);
        const auto at = static_cast<std::streamoff>(random() % 2000);
        std::string before(8, '\0'), bytes(8, '\0');
        file.seekg(at).read(before.data(), 8);
        for (char& byte : bytes)
            byte = random() % 3 == 0 ? '\xff' : static_cast<char>(random());
        file.seekp(at).write(bytes.data(), 8).flush();
        for (const auto& device : monitor_.devices())
            EXPECT_FALSE(display_name_of(device.get()).empty());
        // As a probe, which the shared provider does only for who has not started it.
        const Held<GstDeviceProvider> provider = new_provider();
        g_list_free_full(gst_device_provider_get_devices(provider.get()), gst_object_unref);
        file.clear();
        file.seekp(at).write(before.data(), 8).flush();
    }
    EXPECT_TRUE(lists({tag_}));
}

TEST_F(Device, IsNoTagOfAnotherUser) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can give files away";
    RemotePipeline other(writing("permissions=0644")), own(writing_to("own"));
    other.push_random(caps_, 0);
    own.push_random(caps_, 0);
    ASSERT_TRUE(lists({tag_, "own"}));
    for (const auto& name : directory_.entries()) {
        if (name.starts_with("ndsh." + tag_)) {
            ASSERT_EQ(::chown((directory_.path() / name).c_str(), 12345, 12345), 0);
        }
    }
    EXPECT_EQ(monitor_.tags(), Tags{"own"});
    other.stop();
    own.stop();
}

// ----------------------------------------------------------------------------------------------- elements

TEST_F(Device, MakesASourceThatPlays) {
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    ASSERT_TRUE(lists({tag_}));
    const Held<GstDevice> device = monitor_.device(tag_);
    GstElement* source = gst_device_create_element(device.get(), "camera");
    ASSERT_NE(source, nullptr);
    EXPECT_TRUE(g_object_is_floating(source));
    EXPECT_STREQ(GST_OBJECT_NAME(source), "camera");
    Pipeline reader("appsink name=out sync=false async=false");
    gst_bin_add(GST_BIN(reader.get()), source);
    ASSERT_TRUE(gst_element_link(source, reader["out"]));
    reader.play();
    const Sample sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    EXPECT_TRUE(sample.is_random_frame(caps_));
    reader.set_state(GST_STATE_NULL);
    writer.stop();
}

TEST_F(Device, SwitchesAPlayingSourceOver) {
    const std::string gray = caps_text("GRAY8", 32, 20);
    RemotePipeline first(writing()), second(writing_to("other"));
    first.push_random(caps_, 0);
    second.push_random(gray, 0);
    ASSERT_TRUE(lists({tag_, "other"}));
    Pipeline reader(reading());
    reader.play();
    ASSERT_TRUE(pull(reader["out"]).is_random_frame(caps_));
    EXPECT_TRUE(gst_device_reconfigure_element(monitor_.device("other").get(), reader["src"]));
    Sample sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    EXPECT_TRUE(sample.is_random_frame(gray));
    EXPECT_TRUE(sample.is_discont());
    EXPECT_TRUE(gst_device_reconfigure_element(monitor_.device(tag_).get(), reader["src"]));
    sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    EXPECT_TRUE(sample.is_random_frame(caps_));
    reader.set_state(GST_STATE_NULL);
    first.stop();
    second.stop();
}

/// Whether the device takes an element made by this line, and the tag that it has then.
std::pair<bool, std::string> reconfigured(const Held<GstDevice>& device, const std::string& line) {
    const Held<GstElement> element(GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(line.c_str(), nullptr))));
    const bool taken = gst_device_reconfigure_element(device.get(), element.get());
    char* tag = nullptr;
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), "tag"))
        g_object_get(element.get(), "tag", &tag, nullptr);
    const Held<char> owned(tag);
    return {taken, tag ? tag : ""};
}

TEST_F(Device, RefusesElementsOfOtherTypes) {
    Writer writer(tag_);
    publish(writer, DType::UInt8, {6, 4});
    const Held<GstDevice> device = monitor_.device(tag_);
    for (const char* line : {"fakesrc", "ndshsink tag=mine", "videotestsrc ! fakesink"}) {
        SCOPED_TRACE(line);
        EXPECT_FALSE(reconfigured(device, line).first);
        EXPECT_NE(reconfigured(device, line).second, tag_);
    }
}

TEST_F(Device, RefusesSourcesThatWouldNotReadItAsItSays) {
    Writer array(tag_), video("video");
    publish(array, DType::UInt8, {6, 4, 3});
    publish(video, DType::UInt8, {48, 64, 3}, {{"caps", caps_}});
    const Held<GstDevice> of_array = monitor_.device(tag_), of_video = monitor_.device("video");
    using Answer = std::pair<bool, std::string>;
    const std::string owner = inspect(tag_).owner;
    EXPECT_EQ(reconfigured(of_array, "ndshsrc tag=mine"), Answer(true, tag_));
    EXPECT_EQ(reconfigured(of_array, "ndshsrc tag=mine owner=" + owner), Answer(true, tag_));
    EXPECT_EQ(reconfigured(of_array, "ndshsrc tag=mine owner=54321"), Answer(false, "mine"));
    EXPECT_EQ(reconfigured(of_array, "ndshsrc tag=mine caps=video/x-raw,format=RGB"), Answer(true, tag_));
    EXPECT_EQ(reconfigured(of_array, "ndshsrc tag=mine caps=video/x-raw,format=BGR"), Answer(false, "mine"));
    // Its own caps count, not those of the source.
    EXPECT_EQ(reconfigured(of_video, "ndshsrc tag=mine caps=video/x-raw,format=BGR"), Answer(true, "video"));
}

}  // namespace
}  // namespace ndsharray::test
