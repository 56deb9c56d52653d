// SPDX-License-Identifier: BSD-3-Clause
// Metadata that no sink of ours wrote: whatever it is, frames arrive, and damaged metadata adds nothing.
#include <ndsharray/writer.hpp>

#include <gst/video/video-anc.h>
#include <gst/video/video.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "gst_test.hpp"
#include "metadata/decoder.hpp"
#include "metadata/encoder.hpp"
#include "metadata/structure_bytes.hpp"
#include "metas.hpp"
#include "video/crop.hpp"

#include <support/child_process.hpp>

namespace ndsharray::test {
namespace {

using gst::ByteWriter;
using gst::MetadataKind;
using Bytes = std::vector<std::byte>;
using Fill = std::function<void(ByteWriter&)>;

/// Whatever `fill` writes.
Bytes bytes_of(const Fill& fill) {
    Bytes area(gst::most_metadata);
    ByteWriter writer(area);
    fill(writer);
    area.resize(writer.size());
    return area;
}

void put_record(ByteWriter& to, std::uint32_t kind, const Fill& content) {
    const Bytes bytes = bytes_of(content);
    to.put(kind);
    to.put(static_cast<std::uint32_t>(bytes.size()));
    to.put_bytes(bytes);
}

/// One record after a good one.
Bytes with_record(MetadataKind kind, const Fill& content) {
    return bytes_of([&](ByteWriter& to) {
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Crop), [](ByteWriter& crop) {
            for (const std::uint32_t number : {1U, 1U, 2U, 2U})
                crop.put(number);
        });
        put_record(to, static_cast<std::uint32_t>(kind), content);
    });
}

template <class... Number>
Fill numbers(Number... values) {
    return [=](ByteWriter& to) { (to.put(values), ...); };
}

Fill in_order(std::vector<Fill> parts) {
    return [parts = std::move(parts)](ByteWriter& to) {
        for (const Fill& part : parts)
            part(to);
    };
}

Fill text(const std::string& value) {
    return [value](ByteWriter& to) { to.put_text(value); };
}

/// A region whose one parameter has the field "f" with this value.
Bytes with_parameter(const Fill& value) {
    return with_record(MetadataKind::RegionOfInterest,
                       in_order({numbers(0, 0, 1U, 2U, 3U, 4U), text("face"), text("params"), numbers(1U),
                                 text("f"), value}));
}

constexpr std::uint8_t integer = 2, string = 8, fraction = 10, nested = 11, array = 12, list = 13;

/// A value inside of so many lists.
Fill in_lists(unsigned depth) {
    return [depth](ByteWriter& to) {
        for (unsigned i = 0; i < depth; ++i) {
            to.put(list);
            to.put(1U);
        }
        to.put(integer);
        to.put(5);
    };
}

struct DamagedCase {
    std::string name;
    Bytes bytes;
};

std::vector<DamagedCase> damaged_cases() {
    using enum MetadataKind;
    const auto crop = [](guint x, guint y, guint width, guint height) {
        return with_record(Crop, numbers(x, y, width, height));
    };
    const auto time_code = [](std::vector<guint> values, const Fill& jam) {
        return with_record(TimeCode, [=](ByteWriter& to) {
            for (const guint value : values)
                to.put(value);
            jam(to);
        });
    };
    const Fill no_jam = numbers(std::uint8_t{0});
    const auto jam = [](std::int64_t seconds, std::int32_t microseconds, std::int32_t offset) {
        return numbers(std::uint8_t{1}, seconds, microseconds, offset);
    };
    const Fill one = numbers(integer, 5);
    return {
        {"half a number", bytes_of(numbers(std::uint16_t{1}))},
        {"a kind without a length", bytes_of(numbers(1U))},
        {"longer than the area", bytes_of(numbers(99U, 1U))},
        {"as long as can be", bytes_of(numbers(99U, 0xffffffffU, 0U))},
        {"orientation that is none", with_record(Orientation, numbers(8U))},
        {"orientation without content", with_record(Orientation, numbers())},
        {"crop too wide", crop(1, 0, 64, 48)},
        {"crop too high", crop(0, 1, 64, 48)},
        {"crop beyond numbers", crop(0xffffffff, 0, 2, 2)},
        {"crop of nothing", crop(0, 0, 0, 1)},
        {"time code without rate", time_code({25, 0, 0, 1, 1, 1, 1, 0}, no_jam)},
        {"time code of no rate", time_code({0, 1, 0, 1, 1, 1, 1, 0}, no_jam)},
        {"time code of hour 24", time_code({25, 1, 0, 24, 1, 1, 1, 0}, no_jam)},
        {"time code of a huge rate", time_code({2'000'000'000, 1, 0, 1, 1, 1, 1, 0}, no_jam)},
        {"daily jam of a far year", time_code({25, 1, 0, 1, 1, 1, 1, 0}, jam(G_MAXINT64, 0, 0))},
        {"daily jam with a long second", time_code({25, 1, 0, 1, 1, 1, 1, 0}, jam(0, 1'000'000, 0))},
        {"daily jam in a far zone", time_code({25, 1, 0, 1, 1, 1, 1, 0}, jam(0, 0, 1'000'000))},
        {"daily jam cut off", time_code({25, 1, 0, 1, 1, 1, 1, 0}, numbers(std::uint8_t{1}, 5))},
        {"no reference timestamp",
         with_record(ReferenceTimestamp, in_order({numbers(GST_CLOCK_TIME_NONE, guint64{0}),
                                                   text("timestamp/x-a"), numbers(0U)}))},
        {"region cut off", with_record(RegionOfInterest, numbers(0, 0, 1U, 2U, 3U))},
        {"region of a type with a zero",
         with_record(RegionOfInterest,
                     in_order({numbers(0, 0, 1U, 2U, 3U, 4U), text(std::string("a\0b", 3))}))},
        {"parameters that are no structure",
         with_record(RegionOfInterest,
                     in_order({numbers(0, 0, 1U, 2U, 3U, 4U), text("face"), text("1 2"), numbers(0U)}))},
        {"caption of no type", with_record(Caption, numbers(0U, 2U, std::uint16_t{7}))},
        {"caption of an unknown type", with_record(Caption, numbers(5U, 2U, std::uint16_t{7}))},
        {"caption without bytes", with_record(Caption, numbers(1U, 0U))},
        {"caption longer than its record", with_record(Caption, numbers(1U, 3U, std::uint16_t{7}))},
        {"structure without a name", with_record(Custom, in_order({text(""), numbers(0U)}))},
        {"field without a name",
         with_record(Custom, in_order({text("NdshTest"), numbers(1U), text(""), one}))},
        {"more fields than there are",
         with_record(Custom, in_order({text("NdshTest"), numbers(0xffffffffU), text("a"), one}))},
        {"value of no type", with_parameter(numbers(std::uint8_t{200}))},
        {"text that is no UTF-8", with_parameter(in_order({numbers(string), text("\xff\xfe")}))},
        {"text beyond the end", with_parameter(numbers(string, 0xfffffff0U))},
        {"fraction of nothing", with_parameter(numbers(fraction, 1, 0))},
        {"fraction of the least", with_parameter(numbers(fraction, G_MININT, 1))},
        {"negative denominator", with_parameter(numbers(fraction, 1, -1))},
        {"array of more than there is", with_parameter(numbers(array, 0xffffffffU, integer, 5))},
        {"array of two types",
         with_parameter(in_order({numbers(array, 2U), one, numbers(string), text("a")}))},
        {"array of arrays of two types", with_parameter(in_order({numbers(array, 2U, array, 1U), one,
                                                                  numbers(array, 1U, string), text("a")}))},
        {"lists without end", with_parameter(in_lists(1000))},
        {"lists one too deep", with_parameter(in_lists(9))},
        {"structures without end", with_parameter([](ByteWriter& to) {
             for (int i = 0; i < 1000; ++i) {
                 to.put(nested);
                 to.put_text("n");
                 to.put(1U);
                 to.put_text("f");
             }
         })},
    };
}

class MetadataGarbage : public GstTest {
  protected:
    MetadataGarbage() : writer_(tag_, options()) {
        reader_.play();
        writer_.configure(ArraySpec::contiguous(DType::UInt8, std::vector<std::uint64_t>{48, 64, 3}),
                          {{"caps", caps_}});
    }

    static WriterOptions options() {
        WriterOptions result;
        result.metadata_capacity = 2 * gst::most_metadata;
        result.backpressure = true;
        return result;
    }

    /// What the reader makes of a frame with these bytes beside it.
    Sample read(const Bytes& metadata) {
        WritableFrame frame = writer_.acquire();
        EXPECT_TRUE(frame);
        EXPECT_NE(writer_.publish(std::move(frame), {}, metadata), 0U);
        return pull(reader_["out"]);
    }

    std::uint64_t dropped() { return counter(reader_["src"], "metas-dropped"); }

    Pipeline reader_{reading("mode=every")};
    Writer writer_;
};

std::size_t number_of_metas(GstBuffer* buffer) {
    std::size_t count = 0;
    gpointer state = nullptr;
    while (gst_buffer_iterate_meta(buffer, &state))
        ++count;
    return count;
}

TEST_F(MetadataGarbage, DamagedMetadataAddsNothingAndIsCounted) {
    std::uint64_t frames = 0;
    for (const auto& [name, bytes] : damaged_cases()) {
        SCOPED_TRACE(name);
        const Sample sample = read(bytes);
        ASSERT_TRUE(sample);
        EXPECT_EQ(number_of_metas(sample.buffer()), 0U);
        EXPECT_EQ(dropped(), ++frames);
    }
    // More than anybody needs.
    ASSERT_TRUE(read(Bytes(gst::most_metadata + 8)));  // records of kind 0, of no bytes
    EXPECT_EQ(dropped(), frames + 1);
}

TEST_F(MetadataGarbage, AfterDamagedMetadataTheNextIsRead) {
    ASSERT_TRUE(read(bytes_of(numbers(1U))));
    const Sample sample = read(with_record(MetadataKind::Crop, numbers(0U, 0U, 64U, 48U)));
    ASSERT_TRUE(sample);
    EXPECT_EQ(number_of_metas(sample.buffer()), 2U);
}

TEST_F(MetadataGarbage, UnknownKindsAndUnknownNamesAreSkippedAndCounted) {
    // Which lets them be known by their names.
    ASSERT_TRUE(GST_VIDEO_META_INFO && GST_REFERENCE_TIMESTAMP_META_INFO);
    const Bytes bytes = bytes_of([](ByteWriter& to) {
        put_record(to, 99, numbers(1, 2, 3));
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Serialized),
                   in_order({text("NdshNoSuchMeta"), numbers(std::uint8_t{0}, 1, 2, 3)}));
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Custom),
                   in_order({text("NdshNoSuchMeta"), numbers(0U)}));
        // A type that is no meta, and a meta that is about memory.
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Serialized),
                   in_order({text("GstElement"), numbers(std::uint8_t{0})}));
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Custom),
                   in_order({text("GstVideoMeta"), numbers(0U)}));
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Serialized),
                   in_order({text("GstVideoMeta"), numbers(std::uint8_t{0}, 1, 2, 3)}));
        // What has a kind of its own is not believed in another's form.
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Serialized),
                   in_order({text("GstReferenceTimestampMeta"),
                             numbers(std::uint8_t{0}, guint64{1}, guint64{2}), text("timestamp/x-a")}));
        put_record(to, static_cast<std::uint32_t>(MetadataKind::Crop), numbers(0U, 0U, 64U, 48U));
    });
    const Sample sample = read(bytes);
    ASSERT_TRUE(sample);
    EXPECT_EQ(number_of_metas(sample.buffer()), 1U);
    EXPECT_TRUE(gst_buffer_get_video_crop_meta(sample.buffer()));
    EXPECT_EQ(dropped(), 7U);
}

TEST_F(MetadataGarbage, WhatALaterVersionAddsToARecordIsNotLookedAt) {
    const Sample sample = read(
        with_record(MetadataKind::ReferenceTimestamp,
                    in_order({numbers(guint64{5}, guint64{6}), text("timestamp/x-a"), numbers(0U, 1, 2)})));
    ASSERT_TRUE(sample);
    EXPECT_EQ(number_of_metas(sample.buffer()), 2U);
    EXPECT_EQ(dropped(), 0U);
}

/// Everything that crosses, as the sink writes it.
Bytes everything(const GstVideoInfo& info) {
    const Held<GstBuffer> buffer(gst_buffer_new());
    set(*gst_buffer_add_video_crop_meta(buffer.get()), {3, 5, 40, 20});
    const Held<GDateTime> jam(g_date_time_new_from_iso8601("2024-02-29T23:59:58+05:30", nullptr));
    gst_buffer_add_video_time_code_meta_full(buffer.get(), 30000, 1001, jam.get(),
                                             GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME, 10, 11, 12, 29, 0);
    const auto clock = caps("timestamp/x-ntp, port=(int)123");
    gst_buffer_add_reference_timestamp_meta(buffer.get(), clock.get(), 5, 6);
    add_parameter(add_region(buffer.get(), "face", {1, 2, 30, 40}),
                  "detection, label=(string)face, confidence=(double)0.75, aspect=(fraction)4/3, "
                  "landmarks=(int)<1,2,3>, names=(string){a,b}, nested=(structure)[inner, a=(int)<>]");
    const guint8 caption[] = {0xfc, 0x94, 0x2c};
    gst_buffer_add_video_caption_meta(buffer.get(), GST_VIDEO_CAPTION_TYPE_CEA708_RAW, caption,
                                      sizeof caption);
    gst::MetadataEncoder encoder;
    const auto bytes = encoder.encode(buffer.get(), info, std::nullopt, GST_VIDEO_ORIENTATION_90R);
    EXPECT_EQ(encoder.left_out(), 0U);
    return {bytes.begin(), bytes.end()};
}

TEST_F(MetadataGarbage, BytesChangedAtRandomDoNoHarm) {
    const auto info = video_info(caps_);
    const Bytes good = everything(info);
    gst::MetadataDecoder decoder;
    std::mt19937 random(1);
    std::uint64_t damaged = 0;
    constexpr unsigned rounds = 20'000;
    for (unsigned i = 0; i < rounds; ++i) {
        Bytes bytes = good;
        for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
            // Half of them among the values that numbers break at.
            const std::size_t at = random() % bytes.size();
            constexpr unsigned edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
            bytes[at] = static_cast<std::byte>(random() % 2 ? edges[random() % 6] : random());
        }
        bytes.resize(random() % 8 == 0 ? random() % bytes.size() : bytes.size());
        const Held<GstBuffer> buffer(gst_buffer_new());
        const std::uint64_t before = decoder.dropped();
        decoder.take(bytes);
        decoder.attach(buffer.get(), info);
        if (const GstVideoCropMeta* crop = gst_buffer_get_video_crop_meta(buffer.get())) {
            EXPECT_TRUE(gst::is_within(*crop, info));
        }
        damaged += decoder.dropped() - before;
    }
    EXPECT_GT(damaged, rounds / 10);
    EXPECT_LT(damaged, rounds);
}

/// In a process of its own, since such texts stay.
const RegisteredRole quarks_role(
    "new-quarks", +[](Channel&, const Arguments&) {
        gst_init(nullptr, nullptr);
        gst::MetadataDecoder decoder;
        const auto info = video_info(caps_text("RGB", 64, 48));
        for (int i = 0; i < 10'000; ++i) {
            decoder.take(with_record(
                MetadataKind::RegionOfInterest,
                in_order({numbers(0, 0, 1U, 2U, 3U, 4U), text("unheard-of-" + std::to_string(i))})));
            const Held<GstBuffer> buffer(gst_buffer_new());
            decoder.attach(buffer.get(), info);
        }
        return g_quark_try_string("unheard-of-9") != 0 && g_quark_try_string("unheard-of-9999") == 0 ? 0 : 1;
    });

TEST_F(MetadataGarbage, TextsThatStayInMemoryAreBounded) {
    ChildProcess process("new-quarks");
    EXPECT_EQ(process.wait_for_exit(), 0);
}

}  // namespace
}  // namespace ndsharray::test
