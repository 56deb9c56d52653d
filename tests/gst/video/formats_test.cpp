// SPDX-License-Identifier: BSD-3-Clause
// Frames of every format and kind of size come out of ndshsrc as they went into ndshsink, without a copy.
#include "gst_test.hpp"

#include <set>

#include "format_table.hpp"

namespace ndsharray::test {
namespace {

struct Size {
    int width, height;
};
constexpr Size sizes[] = {{1, 1}, {5, 3}, {17, 9}, {64, 48}};

/// The formats of the element's pad template.
std::set<std::string> template_formats(const char* element) {
    const Held<GstElementFactory> factory(gst_element_factory_find(element));
    std::set<std::string> formats;
    for (const GList* item = gst_element_factory_get_static_pad_templates(factory.get()); item;
         item = item->next) {
        const Held<GstCaps> caps(
            gst_static_pad_template_get_caps(static_cast<GstStaticPadTemplate*>(item->data)));
        const GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
        const GValue* list = gst_structure_get_value(structure, "format");
        for (guint i = 0; i < gst_value_list_get_size(list); ++i)
            formats.insert(g_value_get_string(gst_value_list_get_value(list, i)));
    }
    return formats;
}

/// The caps that a writer of such frames has, with every field that video caps usually have.
std::string full_caps(const std::string& format, Size size) {
    const GstVideoInfo info = video_info(caps_text(format, size.width, size.height));
    const Held<GstCaps> caps(gst_video_info_to_caps(&info));
    return gst::to_string(caps.get()).get();
}

/// A writer and a reader; each frame that is pushed is pulled before the next.
class Formats : public GstTest {
  protected:
    Formats() {
        writer_.play();
        reader_.play();
    }

    void downstream_takes_video_meta() { take_video_meta(reader_["out"]); }

    Sample carried(const std::string& caps, GstBuffer* frame) {
        EXPECT_TRUE(push(writer_["in"], caps, Held<GstBuffer>(gst_buffer_ref(frame))));
        return pull(reader_["out"]);
    }

    void expect_equal_on_the_other_side(const std::string& format, Size size) {
        const std::string caps = full_caps(format, size);
        SCOPED_TRACE(caps);
        const GstVideoInfo info = video_info(caps);
        const Held<GstBuffer> frame = random_frame(info);
        const Sample sample = carried(caps, frame.get());
        ASSERT_TRUE(sample);
        EXPECT_STREQ(gst::to_string(sample.caps()).get(), caps.c_str());
        EXPECT_TRUE(pixels(sample.buffer(), info) == pixels(frame.get(), info));
    }

    void expect_all_equal_on_the_other_side() {
        for (const std::string& format : template_formats("ndshsink"))
            for (const Size size : sizes) {
                expect_equal_on_the_other_side(format, size);
                if (HasFatalFailure())
                    return;
            }
    }

    Pipeline writer_{writing("wait-for-reader=true")};
    Pipeline reader_{reading("mode=every")};
};

TEST_F(Formats, TemplatesHaveEveryRawFormatOfThisGStreamer) {
    std::set<std::string> known;
    for (const GstVideoFormat format : gst::raw_formats())
        known.insert(gst_video_format_to_string(format));
    EXPECT_GT(known.size(), 100U);
    EXPECT_EQ(template_formats("ndshsink"), known);
    EXPECT_EQ(template_formats("ndshsrc"), known);
}

TEST_F(Formats, CapsAndPixelsAreEqualWhereDownstreamTakesVideoMeta) {
    downstream_takes_video_meta();
    expect_all_equal_on_the_other_side();
    EXPECT_EQ(counter(reader_["src"], "copied"), 0U);
}

TEST_F(Formats, CapsAndPixelsAreEqualWhereDownstreamTakesNoVideoMeta) {
    expect_all_equal_on_the_other_side();
}

TEST_F(Formats, BufferWithoutVideoMetaIsInTheDefaultLayout) {
    for (const std::string& format : template_formats("ndshsink")) {
        const std::string caps = full_caps(format, {17, 9});
        SCOPED_TRACE(caps);
        const GstVideoInfo info = video_info(caps);
        const Sample sample = carried(caps, random_frame(info).get());
        ASSERT_TRUE(sample);
        EXPECT_EQ(gst_buffer_get_size(sample.buffer()), info.size);
        EXPECT_EQ(gst_buffer_get_video_meta(sample.buffer()), nullptr);
    }
}

TEST_F(Formats, FrameInAnUnusualLayoutKeepsItsPixels) {
    const std::string caps = full_caps("I420", {6, 4});
    const GstVideoInfo info = video_info(caps);
    // Rows of 10 and 7 bytes, the planes in another order and apart.
    gsize offset[GST_VIDEO_MAX_PLANES] = {100, 20, 50};
    gint stride[GST_VIDEO_MAX_PLANES] = {10, 7, 7};
    const Held<GstBuffer> frame(gst_buffer_new_allocate(nullptr, 150, nullptr));
    for (gsize i = 0; i < 150; ++i) {
        const auto byte = static_cast<guint8>(i);
        gst_buffer_fill(frame.get(), i, &byte, 1);
    }
    gst_buffer_add_video_meta_full(frame.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, 6, 4, 3,
                                   offset, stride);
    const Sample sample = carried(caps, frame.get());
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample.pixels(), pixels(frame.get(), info));
    EXPECT_EQ(sample.pixels().at(0), 100);
}

TEST_F(Formats, CapsFieldsThatAreNotOursCross) {
    const std::string caps =
        "video/x-raw, format=(string)I420, width=(int)320, height=(int)240, framerate=(fraction)0/1, "
        "max-framerate=(fraction)60/1, interlace-mode=(string)mixed, colorimetry=(string)bt709, "
        "pixel-aspect-ratio=(fraction)16/15, x-note=(string)\"with \\\"quotes\\\"\\, and more\"";
    const GstVideoInfo info = video_info(caps);
    const Sample sample = carried(caps, random_frame(info).get());
    ASSERT_TRUE(sample);
    const Held<GstCaps> expected(gst_caps_from_string(caps.c_str()));
    EXPECT_TRUE(gst_caps_is_equal(sample.caps(), expected.get())) << gst::to_string(sample.caps()).get();
}

TEST_F(Formats, AlternatingFieldsCross) {
    const std::string caps =
        "video/x-raw(format:Interlaced), format=(string)NV12, width=(int)320, height=(int)240, "
        "interlace-mode=(string)alternate, framerate=(fraction)25/1";
    const GstVideoInfo info = video_info(caps);
    const Held<GstBuffer> field = random_frame(info);
    const Sample sample = carried(caps, field.get());
    ASSERT_TRUE(sample);
    const Held<GstCaps> expected(gst_caps_from_string(caps.c_str()));
    EXPECT_TRUE(gst_caps_is_equal(sample.caps(), expected.get())) << gst::to_string(sample.caps()).get();
    EXPECT_EQ(pixels(sample.buffer(), info), pixels(field.get(), info));
}

TEST_F(Formats, BufferIsTheSharedMemoryItself) {
    const Sample sample = carried(caps_, random_frame(video_info(caps_)).get());
    ASSERT_TRUE(sample);
    ASSERT_EQ(gst_buffer_n_memory(sample.buffer()), 1U);
    EXPECT_TRUE(mapped_file(sample.buffer()).starts_with(directory_.path().string() + "/ndsh." + tag_ + "."));
    EXPECT_EQ(counter(reader_["src"], "copied"), 0U);
}

TEST_F(Formats, BufferCannotBeWritten) {
    Sample sample = carried(caps_, random_frame(video_info(caps_)).get());
    ASSERT_TRUE(sample);
    GstMemory* memory = gst_buffer_peek_memory(sample.buffer(), 0);
    EXPECT_TRUE(GST_MEMORY_IS_READONLY(memory));
    GstMapInfo map;
    EXPECT_FALSE(gst_memory_map(memory, &map, GST_MAP_WRITE));
}

TEST_F(Formats, WritableCopyOfABufferLeavesTheFrameAlone) {
    const Sample sample = carried(caps_, random_frame(video_info(caps_)).get());
    ASSERT_TRUE(sample);
    const auto original = sample.pixels();
    Held<GstBuffer> copy(gst_buffer_make_writable(gst_buffer_ref(sample.buffer())));
    ASSERT_NE(copy.get(), sample.buffer());
    GstMapInfo map;
    ASSERT_TRUE(gst_buffer_map(copy.get(), &map, GST_MAP_READWRITE));
    EXPECT_EQ(std::vector(map.data, map.data + map.size).size(), sample.info().size);
    std::fill(map.data, map.data + map.size, std::uint8_t{7});
    gst_buffer_unmap(copy.get(), &map);
    EXPECT_EQ(pixels(copy.get(), sample.info()), std::vector<std::uint8_t>(original.size(), 7));
    EXPECT_EQ(sample.pixels(), original);
}

TEST_F(Formats, PartOfABufferIsThePartOfTheFrame) {
    const Sample sample = carried(caps_, random_frame(video_info(caps_)).get());
    ASSERT_TRUE(sample);
    const Held<GstBuffer> part(gst_buffer_copy_region(sample.buffer(), GST_BUFFER_COPY_MEMORY, 192, 384));
    const auto whole = sample.pixels();
    GstMapInfo map;
    ASSERT_TRUE(gst_buffer_map(part.get(), &map, GST_MAP_READ));
    EXPECT_EQ(std::vector(map.data, map.data + map.size), std::vector(&whole[192], &whole[192 + 384]));
    gst_buffer_unmap(part.get(), &map);
}

TEST_F(Formats, BufferOutlivesBothPipelines) {
    const Held<GstBuffer> frame = random_frame(video_info(caps_));
    const Sample sample = carried(caps_, frame.get());
    ASSERT_TRUE(sample);
    writer_.set_state(GST_STATE_NULL);
    reader_.set_state(GST_STATE_NULL);
    EXPECT_EQ(sample.pixels(), pixels(frame.get(), video_info(caps_)));
}

TEST_F(Formats, SinkCopiesOnceWhatUpstreamAllocated) {
    for (unsigned i = 0; i < 5; ++i)
        ASSERT_TRUE(carried(caps_, random_frame(video_info(caps_), i).get()));
    EXPECT_EQ(counter(writer_["sink"], "published"), 5U);
    EXPECT_TRUE(has_counted_all(writer_["sink"]));
    EXPECT_EQ(counter(writer_["sink"], "copied"), 5U);
    EXPECT_EQ(counter(writer_["sink"], "dropped"), 0U);
}

}  // namespace
}  // namespace ndsharray::test
