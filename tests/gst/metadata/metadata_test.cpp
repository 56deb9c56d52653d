// SPDX-License-Identifier: BSD-3-Clause
// What is attached to a buffer crosses: crop, regions of interest, time codes, reference times, captions,
// custom metas.
#include <gst/video/video-anc.h>
#include <gst/video/video.h>

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gst_test.hpp"
#include "metas.hpp"

#if GST_CHECK_VERSION(1, 24, 0)
#include <gst/video/video-sei.h>
#endif

namespace ndsharray::test {
namespace {

class Metadata : public GstTest {
  protected:
    Metadata() { play("", "mode=every"); }

    /// A writer and a reader that takes each frame.
    void play(const std::string& writer, const std::string& reader) {
        reader_.reset();
        writer_.emplace(writing("backpressure=true wait-for-reader=true " + writer));
        reader_.emplace(reading(reader));
        reader_->play();
        writer_->play();
    }

    /// Sends one buffer. \returns what the reader makes of it.
    Sample cross(Held<GstBuffer> buffer) {
        EXPECT_TRUE(push(in(), caps_, std::move(buffer)));
        return pull(out());
    }

    Held<GstBuffer> frame() const { return random_frame(video_info(caps_)); }
    GstElement* in() { return (*writer_)["in"]; }
    GstElement* out() { return (*reader_)["out"]; }

    /// Waits until the sink has counted so many metas that it did not send. It counts them when the frame is
    /// out, which the reader may be faster than.
    bool drops(std::uint64_t count) {
        return wait_until([&] { return counter((*writer_)["sink"], "metas-dropped") == count; });
    }

    std::optional<Pipeline> writer_, reader_;
};

TEST_F(Metadata, CropCrosses) {
    auto buffer = frame();
    set(*gst_buffer_add_video_crop_meta(buffer.get()), {3, 5, 40, 20});
    const Sample sample = cross(std::move(buffer));
    const GstVideoCropMeta* crop = gst_buffer_get_video_crop_meta(sample.buffer());
    ASSERT_TRUE(crop);
    EXPECT_EQ(place_of(*crop), (Place{3, 5, 40, 20}));
    EXPECT_TRUE(drops(0U));
}

TEST_F(Metadata, EachRegionOfInterestCrossesWithItsParameters) {
    auto buffer = frame();
    const char* parameters =
        "detection, label=(string)\"a \\\"face\\\"\", confidence=(double)0.75, weight=(float)0.5, "
        "seen=(boolean)true, count=(int)-3, mask=(uint)4000000000, far=(gint64)-9000000000, "
        "farther=(guint64)18000000000000000000, aspect=(fraction)-4/3, "
        "landmarks=(int)<1,2,3>, names=(string){a,b}, rows=<<1,2>,<3>>, "
        "nested=(structure)[inner, empty=(string)\"\", empties=(int)<>]";
    auto* face = add_region(buffer.get(), "face", {1, 2, 30, 40});
    face->id = 7;
    face->parent_id = -1;
    add_parameter(face, parameters);
    add_parameter(face, "second");
    add_region(buffer.get(), "pedestrian/child", {0, 0, 4000000000, 1})->parent_id = 7;

    const Sample sample = cross(std::move(buffer));
    const auto regions = regions_of(sample.buffer());
    ASSERT_EQ(regions.size(), 2U);
    EXPECT_STREQ(g_quark_to_string(regions[0]->roi_type), "face");
    EXPECT_EQ(regions[0]->id, 7);
    EXPECT_EQ(regions[0]->parent_id, -1);
    EXPECT_EQ(place_of(*regions[0]), (Place{1, 2, 30, 40}));
    ASSERT_EQ(g_list_length(regions[0]->params), 2U);
    EXPECT_TRUE(gst_structure_is_equal(static_cast<GstStructure*>(regions[0]->params->data),
                                       structure(parameters).get()));
    EXPECT_STREQ(gst_structure_get_name(static_cast<GstStructure*>(regions[0]->params->next->data)),
                 "second");
    EXPECT_STREQ(g_quark_to_string(regions[1]->roi_type), "pedestrian/child");
    EXPECT_EQ(regions[1]->parent_id, 7);
    EXPECT_EQ(place_of(*regions[1]), (Place{0, 0, 4000000000, 1}));
    EXPECT_EQ(regions[1]->params, nullptr);
    EXPECT_TRUE(drops(0U));
}

TEST_F(Metadata, AParameterThatMeansNothingElsewhereIsLeftOutAndCounted) {
    auto buffer = frame();
    auto* region = add_region(buffer.get(), "face", {1, 2, 3, 4});
    gst_video_region_of_interest_meta_add_param(
        region, gst_structure_new("pointers", "address", G_TYPE_POINTER, region, nullptr));
    add_parameter(region, "kept, value=1");
    const Sample sample = cross(std::move(buffer));
    const auto regions = regions_of(sample.buffer());
    ASSERT_EQ(regions.size(), 1U);
    ASSERT_EQ(g_list_length(regions[0]->params), 1U);
    EXPECT_TRUE(gst_structure_has_name(static_cast<GstStructure*>(regions[0]->params->data), "kept"));
    EXPECT_TRUE(drops(1U));
}

TEST_F(Metadata, TimeCodesCrossWithTheirConfiguration) {
    const Held<GDateTime> jam(g_date_time_new_from_iso8601("2024-02-29T23:59:58.250+05:30", nullptr));
    auto buffer = frame();
    gst_buffer_add_video_time_code_meta_full(buffer.get(), 30000, 1001, jam.get(),
                                             GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME, 10, 11, 12, 29, 0);
    gst_buffer_add_video_time_code_meta_full(buffer.get(), 25, 1, nullptr,
                                             GST_VIDEO_TIME_CODE_FLAGS_INTERLACED, 23, 59, 59, 24, 2);
    const Sample sample = cross(std::move(buffer));
    const auto codes = metas_of<GstVideoTimeCodeMeta>(sample.buffer(), GST_VIDEO_TIME_CODE_META_API_TYPE);
    ASSERT_EQ(codes.size(), 2U);
    EXPECT_EQ(text_of(codes[0]->tc), "10:11:12;29 0 30000/1001 2024-02-29T23:59:58.250000+05:30");
    EXPECT_EQ(text_of(codes[1]->tc), "23:59:59:24 2 25/1 -");
    EXPECT_EQ(codes[1]->tc.config.flags, GST_VIDEO_TIME_CODE_FLAGS_INTERLACED);
    EXPECT_TRUE(drops(0U));
}

TEST_F(Metadata, ReferenceTimestampsCrossWithTheirReference) {
    auto buffer = frame();
    const auto clock = caps("timestamp/x-ntp, host=(string)\"pool \\\"a\\\"\", port=(int)123");
    const auto sensor = caps("timestamp/x-sensor");
    gst_buffer_add_reference_timestamp_meta(buffer.get(), clock.get(), 3900000000 * GST_SECOND, 40);
    gst_buffer_add_reference_timestamp_meta(buffer.get(), sensor.get(), 0, GST_CLOCK_TIME_NONE);
    const Sample sample = cross(std::move(buffer));
    const auto times =
        metas_of<GstReferenceTimestampMeta>(sample.buffer(), GST_REFERENCE_TIMESTAMP_META_API_TYPE);
    ASSERT_EQ(times.size(), 2U);
    EXPECT_TRUE(gst_caps_is_equal(times[0]->reference, clock.get()));
    EXPECT_EQ(times[0]->timestamp, 3900000000 * GST_SECOND);
    EXPECT_EQ(times[0]->duration, 40U);
    EXPECT_TRUE(gst_caps_is_equal(times[1]->reference, sensor.get()));
    EXPECT_EQ(times[1]->timestamp, 0U);
    EXPECT_EQ(times[1]->duration, GST_CLOCK_TIME_NONE);
    EXPECT_TRUE(drops(0U));
}

TEST_F(Metadata, CustomMetasCross) {
    static const gchar* tags[] = {nullptr};
    static const GstMetaInfo* const info =
        gst_meta_register_custom("NdshTestMeta", tags, nullptr, nullptr, nullptr);
    ASSERT_TRUE(info);
    auto buffer = frame();
    gst_structure_set(gst_custom_meta_get_structure(gst_buffer_add_custom_meta(buffer.get(), "NdshTestMeta")),
                      "exposure", G_TYPE_UINT64, guint64{5'000'000'000}, nullptr);
    const Sample sample = cross(std::move(buffer));
    GstCustomMeta* meta = gst_buffer_get_custom_meta(sample.buffer(), "NdshTestMeta");
    ASSERT_TRUE(meta);
    guint64 exposure = 0;
    EXPECT_TRUE(gst_structure_get_uint64(gst_custom_meta_get_structure(meta), "exposure", &exposure));
    EXPECT_EQ(exposure, 5'000'000'000U);
    EXPECT_TRUE(drops(0U));
}

TEST_F(Metadata, ClosedCaptionsOfEveryTypeCross) {
    // As they may come, two on a frame: pairs of CEA-608, triplets, and a whole packet.
    std::vector<guint8> packet(200);
    std::iota(packet.begin(), packet.end(), guint8{0});
    const std::vector<std::pair<GstVideoCaptionType, std::vector<guint8>>> sent{
        {GST_VIDEO_CAPTION_TYPE_CEA608_RAW, {0x94, 0x2c}},
        {GST_VIDEO_CAPTION_TYPE_CEA608_S334_1A, {0x80, 0x94, 0x2c}},
        {GST_VIDEO_CAPTION_TYPE_CEA708_RAW, {0xfc, 0x94, 0x2c, 0xfe, 0x00, 0x00}},
        {GST_VIDEO_CAPTION_TYPE_CEA708_CDP, packet},
    };
    auto buffer = frame();
    for (const auto& [type, data] : sent)
        gst_buffer_add_video_caption_meta(buffer.get(), type, data.data(), data.size());
    const Sample sample = cross(std::move(buffer));
    const auto received = metas_of<GstVideoCaptionMeta>(sample.buffer(), GST_VIDEO_CAPTION_META_API_TYPE);
    ASSERT_EQ(received.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(received[i]->caption_type, sent[i].first);
        EXPECT_EQ(std::vector<guint8>(received[i]->data, received[i]->data + received[i]->size),
                  sent[i].second);
    }
    EXPECT_TRUE(drops(0U));
}

#if GST_CHECK_VERSION(1, 24, 0)
TEST_F(Metadata, UserDataOfSeiCrossesWhereGStreamerSerializesItElseIsCounted) {
    auto buffer = frame();
    guint8 uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    guint8 data[] = {'h', 'e', 'l', 'l', 'o'};
    const auto* sent =
        gst_buffer_add_video_sei_user_data_unregistered_meta(buffer.get(), uuid, data, sizeof data);
    const bool serializes = sent->meta.info->serialize_func != nullptr;
    const Sample sample = cross(std::move(buffer));
    const auto received = metas_of<GstVideoSEIUserDataUnregisteredMeta>(
        sample.buffer(), GST_VIDEO_SEI_USER_DATA_UNREGISTERED_META_API_TYPE);
    ASSERT_EQ(received.size(), serializes ? 1U : 0U);
    if (serializes) {
        EXPECT_TRUE(std::equal(uuid, uuid + 16, received[0]->uuid));
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(received[0]->data), received[0]->size), "hello");
    }
    EXPECT_TRUE(drops(unsigned{!serializes}));
}

/// A meta of this test that says how it is to be sent.
struct NumberMeta {
    GstMeta meta;
    guint32 number;
};

const GstMetaInfo* number_meta() {
    static const GstMetaInfo* const registered = [] {
        static const gchar* tags[] = {nullptr};
        const GType api = gst_meta_api_type_register("NdshNumberMetaAPI", tags);
        GstMetaInfo* info =
            const_cast<GstMetaInfo*>(gst_meta_info_new(api, "NdshNumberMeta", sizeof(NumberMeta)));
        info->init_func = [](GstMeta*, gpointer, GstBuffer*) -> gboolean { return TRUE; };
        info->serialize_func = [](const GstMeta* meta, GstByteArrayInterface* data,
                                  guint8* version) -> gboolean {
            *version = 3;
            const auto number = reinterpret_cast<const NumberMeta*>(meta)->number;
            // As many bytes as the number says, each of which is 7.
            guint8* bytes = gst_byte_array_interface_append(data, number);
            if (!bytes)
                return FALSE;
            std::fill_n(bytes, number, guint8{7});
            return TRUE;
        };
        info->deserialize_func = [](const GstMetaInfo* info, GstBuffer* buffer, const guint8* data,
                                    gsize size, guint8 version) -> GstMeta* {
            if (version != 3 || std::count(data, data + size, guint8{7}) != static_cast<gssize>(size))
                return nullptr;
            GstMeta* meta = gst_buffer_add_meta(buffer, info, nullptr);
            reinterpret_cast<NumberMeta*>(meta)->number = static_cast<guint32>(size);
            return meta;
        };
        return gst_meta_info_register(info);
    }();
    return registered;
}

TEST_F(Metadata, WhatSerializesItselfCrossesWithItsVersionOrIsCounted) {
    const auto numbers = [&](std::vector<guint32> sent) {
        auto buffer = frame();
        for (const guint32 number : sent)
            reinterpret_cast<NumberMeta*>(gst_buffer_add_meta(buffer.get(), number_meta(), nullptr))->number =
                number;
        const Sample sample = cross(std::move(buffer));
        std::vector<guint32> result;
        for (const auto* meta : metas_of<NumberMeta>(sample.buffer(), number_meta()->api))
            result.push_back(meta->number);
        return result;
    };
    EXPECT_EQ(numbers({0, 5, 1000}), (std::vector<guint32>{0, 5, 1000}));
    EXPECT_TRUE(drops(0U));
    EXPECT_EQ(numbers({5, 100'000'000, 8100, 8100, 6}), (std::vector<guint32>{5, 8100, 6}));
    EXPECT_TRUE(drops(2U));
}
#endif

TEST_F(Metadata, CrossesARelay) {
    const std::string next = "cam1";
    play("",
         "mode=every ! ndshsink name=relay sync=false async=false backpressure=true wait-for-reader=true "
         "tag=" +
             next + " videotestsrc num-buffers=0");
    Pipeline last("ndshsrc mode=every tag=" + next +
                  " ! appsink name=out sync=false async=false max-buffers=1");
    last.play();
    auto buffer = frame();
    set(*gst_buffer_add_video_crop_meta(buffer.get()), {3, 5, 40, 20});
    add_parameter(add_region(buffer.get(), "face", {1, 2, 30, 40}), "detection, confidence=0.5");
    ASSERT_TRUE(push(in(), caps_, std::move(buffer)));
    const Sample sample = pull(last["out"]);
    ASSERT_TRUE(sample);
    ASSERT_TRUE(gst_buffer_get_video_crop_meta(sample.buffer()));
    const auto regions = regions_of(sample.buffer());
    ASSERT_EQ(regions.size(), 1U);
    EXPECT_EQ(g_list_length(regions[0]->params), 1U);
}

TEST_F(Metadata, CrossesWithFramesThatAreCopied) {
    // Leases are refused; downstream cannot take padded rows.
    const std::vector<std::pair<std::string, std::string>> cases{
        {"mode=every max-leases=0", caps_text("RGB", 64, 48)}, {"mode=every", caps_text("I420", 6, 4)}};
    for (const auto& [properties, caps] : cases) {
        SCOPED_TRACE(caps);
        play("", properties);
        const auto info = video_info(caps);
        auto buffer = random_frame(info);
        set(*gst_buffer_add_video_crop_meta(buffer.get()), {2, 2, 4, 2});
        ASSERT_TRUE(push(in(), caps, std::move(buffer)));
        const Sample sample = pull(out());
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.pixels(), pixels(random_frame(info).get(), info));
        EXPECT_EQ(counter((*reader_)["src"], "copied"), 1U);
        const GstVideoCropMeta* crop = gst_buffer_get_video_crop_meta(sample.buffer());
        ASSERT_TRUE(crop);
        EXPECT_EQ(place_of(*crop), (Place{2, 2, 4, 2}));
    }
}

TEST_F(Metadata, CrossesWithFramesThatAreNotCopied) {
    reader_.reset();
    writer_.emplace(
        "videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=64,height=48 ! identity name=in ! "
        "ndshsink name=sink sync=false backpressure=true wait-for-reader=true tag=" +
        tag_);
    const Held<GstPad> pad(gst_element_get_static_pad(in(), "src"));
    const auto add = [](GstPad*, GstPadProbeInfo* info, gpointer) {
        info->data = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
        add_region(GST_PAD_PROBE_INFO_BUFFER(info), "face", {1, 2, 30, 40});
        return GST_PAD_PROBE_OK;
    };
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, add, nullptr, nullptr);
    reader_.emplace(reading("mode=every"));
    reader_->play();
    writer_->play();
    const Sample sample = pull(out());
    ASSERT_TRUE(sample);
    EXPECT_EQ(regions_of(sample.buffer()).size(), 1U);
    EXPECT_TRUE(has_counted_all((*writer_)["sink"]));
    EXPECT_EQ(counter((*writer_)["sink"], "zero-copied"), 1U);
}

TEST_F(Metadata, NothingStaysForTheNextFrame) {
    for (int i = 0; i < 40; ++i) {
        auto buffer = frame();
        if (i % 2 == 0)
            set(*gst_buffer_add_video_crop_meta(buffer.get()), {3, 5, 40, 20});
        const Sample sample = cross(std::move(buffer));
        ASSERT_TRUE(sample);
        EXPECT_EQ(gst_buffer_get_video_crop_meta(sample.buffer()) != nullptr, i % 2 == 0) << i;
    }
}

TEST_F(Metadata, WhatDoesNotFitIsDroppedWholeLeastImportantFirst) {
    constexpr unsigned many = 1000;
    auto buffer = frame();
    for (unsigned i = 0; i < many; ++i)
        add_region(buffer.get(), "pedestrian", {i, 0, 1, 1});
    set(*gst_buffer_add_video_crop_meta(buffer.get()), {3, 5, 40, 20});
    const Sample sample = cross(std::move(buffer));
    EXPECT_TRUE(gst_buffer_get_video_crop_meta(sample.buffer()));
    const auto regions = regions_of(sample.buffer());
    EXPECT_GE(regions.size(), 100U);
    EXPECT_TRUE(drops(many - regions.size()));
    for (unsigned i = 0; i < regions.size(); ++i)
        EXPECT_EQ(place_of(*regions[i]), (Place{i, 0, 1, 1}));
}

TEST_F(Metadata, ACropThatIsNoneIsNotSent) {
    for (const Place place :
         {Place{0, 0, 65, 48}, Place{64, 0, 1, 1}, Place{4294967295, 0, 2, 2}, Place{0, 0, 0, 0}}) {
        auto buffer = frame();
        set(*gst_buffer_add_video_crop_meta(buffer.get()), place);
        const Sample sample = cross(std::move(buffer));
        ASSERT_TRUE(sample);
        EXPECT_FALSE(gst_buffer_get_video_crop_meta(sample.buffer()));
    }
    EXPECT_TRUE(drops(4U));
}

TEST_F(Metadata, UpstreamIsToldWhatCrosses) {
    ASSERT_TRUE(cross(frame()));  // so that there are caps
    const Held<GstPad> pad(gst_element_get_static_pad((*writer_)["sink"], "sink"));
    const auto wanted = caps(caps_.c_str());
    const Held<GstQuery> query(gst_query_new_allocation(wanted.get(), TRUE));
    ASSERT_TRUE(gst_pad_query(pad.get(), query.get()));
    for (const GType api : {GST_VIDEO_META_API_TYPE, GST_VIDEO_CROP_META_API_TYPE,
                            GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE, GST_VIDEO_TIME_CODE_META_API_TYPE,
                            GST_REFERENCE_TIMESTAMP_META_API_TYPE, GST_VIDEO_CAPTION_META_API_TYPE})
        EXPECT_TRUE(gst_query_find_allocation_meta(query.get(), api, nullptr)) << g_type_name(api);
}

}  // namespace
}  // namespace ndsharray::test
