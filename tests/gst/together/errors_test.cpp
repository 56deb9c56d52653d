// SPDX-License-Identifier: BSD-3-Clause
// What goes wrong ends as an ERROR message with a sentence that says what is wrong and what to do.
#include "gst_test.hpp"

#include <ndsharray/writer.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

#include "remote_pipeline.hpp"
#include "variable.hpp"

namespace ndsharray::test {
namespace {

/// Every error's sentence is one for a user: starts with a capital letter or a name, and ends.
void expect_sentence(const PipelineError& error) {
    EXPECT_GT(error.sentence.size(), 15U);
    EXPECT_FALSE(contains(error.sentence, "terminate")) << error.sentence;
    EXPECT_FALSE(error.source.empty());
    EXPECT_FALSE(error.detail.empty());
}

class Errors : public GstTest {
  protected:
    /// The error of a pipeline that cannot even start.
    static PipelineError error_at_start(const std::string& description) {
        Pipeline pipeline(description);
        EXPECT_FALSE(pipeline.set_state(GST_STATE_PLAYING)) << description;
        PipelineError error = pipeline.error(0s);
        expect_sentence(error);
        return error;
    }

    /// The error of a pipeline that reads while it plays.
    static PipelineError error_while_playing(const std::string& description) {
        Pipeline pipeline(description);
        pipeline.play();
        PipelineError error = pipeline.error();
        expect_sentence(error);
        return error;
    }

    void make_file(const std::string& name, const std::string& content) const {
        std::ofstream(directory_.path() / name) << content;
    }
};

const std::string too_long(129, 'a');
const std::string bad_tags[] = {"\"\"", ".hidden", "a/b", "\"white space\"", "\"caf\xc3\xa9\"", too_long};

TEST_F(Errors, MissingTagIsSaidToBeMissing) {
    for (const std::string line : {"ndshsink", "ndshsrc ! fakesink"}) {
        SCOPED_TRACE(line);
        const PipelineError error = error_at_start(line);
        EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_SETTINGS));
        EXPECT_TRUE(contains(error.sentence, "tag")) << error.sentence;
    }
}

TEST_F(Errors, MalformedTagIsToldWhatIsAllowed) {
    for (const std::string& tag : bad_tags) {
        for (const std::string& line : {"ndshsink tag=" + tag, "ndshsrc tag=" + tag + " ! fakesink"}) {
            SCOPED_TRACE(line);
            const PipelineError error = error_at_start(line);
            EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_SETTINGS));
            EXPECT_TRUE(contains(error.sentence, "128")) << error.sentence;
        }
    }
}

TEST_F(Errors, SecondSinkOnATagIsToldWhichTag) {
    Pipeline first(writing());
    first.play();
    const PipelineError error = error_at_start("ndshsink tag=" + tag_);
    EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_BUSY));
    EXPECT_TRUE(contains(error.sentence, "\"" + tag_ + "\"")) << error.sentence;
}

TEST_F(Errors, SecondSinkIsToldTheProcessOfTheFirst) {
    RemotePipeline first(writing());
    const PipelineError error = error_at_start("ndshsink tag=" + tag_);
    EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_BUSY));
    EXPECT_TRUE(contains(error.sentence, std::to_string(first.pid()))) << error.sentence;
    first.stop();
}

TEST_F(Errors, SinkStartsOnceTheOtherLeft) {
    std::optional<Pipeline> first(std::in_place, writing());
    first->play();
    Pipeline second(writing());
    EXPECT_FALSE(second.set_state(GST_STATE_PLAYING));
    first.reset();
    second.set_state(GST_STATE_NULL);
    EXPECT_TRUE(second.set_state(GST_STATE_PLAYING));
}

TEST_F(Errors, MissingDirectoryIsAWarningAndAwaited) {
    const std::filesystem::path later = directory_.path() / "its" / "parents" / "tags";
    const Variable directory("NDSHARRAY_DIR", later.string());
    Pipeline reader(reading());
    reader.play();
    const auto message = reader.message(GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
    ASSERT_TRUE(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_WARNING);
    GError* warning = nullptr;
    gst_message_parse_warning(message.get(), &warning, nullptr);
    EXPECT_TRUE(contains(warning->message, later.string())) << warning->message;
    EXPECT_TRUE(contains(warning->message, "NDSHARRAY_DIR")) << warning->message;
    EXPECT_TRUE(g_error_matches(warning, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
    g_error_free(warning);
    std::filesystem::create_directories(later);
    {
        Writer writer(tag_);
        const std::uint64_t picture[] = {48, 64, 3};
        writer.configure(ArraySpec::contiguous(DType::UInt8, picture));
        writer.publish(writer.acquire());
        EXPECT_TRUE(wait_until([&] { return counter(reader["src"], "frames") > 0; }));
    }
    reader.set_state(GST_STATE_NULL);
    std::filesystem::remove_all(directory_.path() / "its");
}

TEST_F(Errors, OwnerWhoDoesNotExistIsNamed) {
    const PipelineError error = error_at_start(reading("owner=no-such-user-here"));
    EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_SETTINGS));
    EXPECT_TRUE(contains(error.sentence, "no-such-user-here")) << error.sentence;
}

TEST_F(Errors, TagOfAnotherOwnerIsRefused) {
    Pipeline writer(writing());
    writer.play();
    const PipelineError error = error_while_playing(reading("owner=12345"));
    EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_OPEN_READ_WRITE));
    EXPECT_TRUE(contains(error.sentence, "ndsh." + tag_)) << error.sentence;
}

TEST_F(Errors, GarbageAtTheTagIsNamed) {
    for (const std::string& content : {std::string(), std::string("garbage"), std::string(8192, 'x')}) {
        make_file("ndsh." + tag_, content);
        const PipelineError error = error_while_playing(reading());
        EXPECT_EQ(error.domain, GST_RESOURCE_ERROR);
        EXPECT_TRUE(contains(error.sentence, "ndsh." + tag_)) << error.sentence;
    }
    directory_.clear();
}

TEST_F(Errors, SymlinkAtTheTagIsRefusedByBoth) {
    make_file("elsewhere", "");
    std::filesystem::create_symlink("elsewhere", directory_.path() / ("ndsh." + tag_));
    EXPECT_TRUE(error_while_playing(reading()).is(GST_RESOURCE_ERROR_OPEN_READ_WRITE));
    EXPECT_TRUE(error_at_start("ndshsink tag=" + tag_).is(GST_RESOURCE_ERROR_OPEN_READ_WRITE));
    directory_.clear();
}

TEST_F(Errors, DirectoryThatDoesNotExistIsNamed) {
    ASSERT_EQ(::setenv("NDSHARRAY_DIR", "/no/such/folder", 1), 0);
    const PipelineError error = error_at_start("ndshsink tag=" + tag_);
    ::setenv("NDSHARRAY_DIR", directory_.path().c_str(), 1);
    EXPECT_EQ(error.domain, GST_RESOURCE_ERROR);
    EXPECT_TRUE(contains(error.sentence, "/no/such/folder")) << error.sentence;
}

/// One caps event, then one small buffer: enough to make the sink configure itself.
PipelineError error_of_caps(const std::string& sink, const std::string& caps) {
    Pipeline writer("appsrc name=in format=time ! " + sink);
    writer.play();
    push(writer["in"], caps, Held<GstBuffer>(gst_buffer_new_allocate(nullptr, 64, nullptr)));
    return writer.error();
}

TEST_F(Errors, FrameThatDoesNotFitIsToldBothNumbersAndWhatToDo) {
    const std::uint64_t frame = std::uint64_t{16384} * 16384 * 8;  // 2 GiB, of which 32 fit nowhere
    const std::string caps = caps_text("ARGB64", 16384, 16384);
    const PipelineError error = error_of_caps("ndshsink slots=32 tag=" + tag_, caps);
    expect_sentence(error);
    EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_NO_SPACE_LEFT)) << error.sentence;
    EXPECT_TRUE(contains(error.sentence, std::to_string(32 * frame / 1'000'000'000).substr(0, 1)));
    EXPECT_TRUE(contains(error.sentence, "free")) << error.sentence;
    EXPECT_TRUE(contains(error.sentence, directory_.path().string())) << error.sentence;
}

TEST_F(Errors, AbsurdlyLargeFrameIsAnErrorNotACrash) {
    const PipelineError error =
        error_of_caps("ndshsink slots=32 tag=" + tag_, caps_text("ARGB64", 32767, 32767));
    EXPECT_NE(error.domain, 0U);
    EXPECT_FALSE(error.sentence.empty());
}

TEST_F(Errors, TooManySlotsAreRefused) {
    const PipelineError error = error_at_start("ndshsink slots=2 tag=" + tag_);
    EXPECT_TRUE(error.is(GST_RESOURCE_ERROR_SETTINGS));
    EXPECT_TRUE(contains(error.sentence, "3")) << error.sentence;
}

/// A writer without the elements, whose frames may claim anything.
class ForeignWriter {
  public:
    ForeignWriter(const std::string& tag, DType dtype, std::vector<std::uint64_t> shape,
                  const Attributes& attributes = {})
        : writer_(tag) {
        writer_.configure(ArraySpec::contiguous(dtype, shape), attributes);
        writer_.publish(writer_.acquire());
    }

  private:
    Writer writer_;
};

TEST_F(Errors, CapsThatDoNotFitTheArrayAreNamed) {
    const ForeignWriter writer(tag_, DType::UInt8, {10, 10}, {{"caps", caps_text("RGB", 640, 480)}});
    const PipelineError error = error_while_playing(reading());
    EXPECT_TRUE(error.is(GST_STREAM_ERROR_FORMAT));
    EXPECT_TRUE(contains(error.sentence, "640")) << error.sentence;
    EXPECT_TRUE(contains(error.sentence, "uint8 (10, 10)")) << error.sentence;
}

/// At the start as well as when a camera comes back with another size.
TEST_F(Errors, CapsThatDownstreamDoesNotTakeAreNamedWithWhatItTakes) {
    const std::array<std::uint64_t, 2> small{24, 40}, large{48, 80};
    Writer writer("cam0");
    const auto publish = [&](const std::array<std::uint64_t, 2>& shape) {
        writer.configure(ArraySpec::contiguous(DType::UInt8, shape));
        writer.publish(writer.acquire());
    };
    publish(small);
    Pipeline reader("ndshsrc name=src tag=cam0 ! video/x-raw,width=40 ! fakesink name=sink sync=false");
    reader.play();
    ASSERT_TRUE(wait_until([&] { return counter(reader["src"], "frames") == 1; }));
    publish(large);
    const PipelineError error = reader.error();
    expect_sentence(error);
    EXPECT_TRUE(error.is(GST_STREAM_ERROR_FORMAT)) << error.sentence;
    EXPECT_TRUE(contains(error.sentence, "width=(int)80")) << error.sentence;
    EXPECT_TRUE(contains(error.detail, "width=(int)40")) << error.detail;
}

TEST_F(Errors, CapsThatAreNoRawVideoAreNamed) {
    for (const std::string caps :
         {"image/jpeg", "video/x-raw", "video/x-raw,format=RGB,width=[1,5],height=3", "no caps at all, (",
          "video/x-raw(memory:DMABuf),format=RGB,width=5,height=3,framerate=0/1", "", "\xff\xfe"}) {
        SCOPED_TRACE(caps);
        const ForeignWriter writer(tag_, DType::UInt8, {10, 10}, {{"caps", caps}});
        EXPECT_TRUE(error_while_playing(reading()).is(GST_STREAM_ERROR_FORMAT));
    }
}

TEST_F(Errors, CompressedFramesAreToldToBeDecodedBefore) {
    const ForeignWriter writer(tag_, DType::UInt8, {5000}, {{"caps", "image/jpeg,width=64,height=48"}});
    const PipelineError error = error_while_playing(reading());
    EXPECT_TRUE(error.is(GST_STREAM_ERROR_FORMAT));
    EXPECT_TRUE(contains(error.sentence, "image/jpeg")) << error.sentence;
    EXPECT_TRUE(contains(error.sentence, "decode them before they are written")) << error.sentence;
}

TEST_F(Errors, ArrayThatCouldBeManyThingsIsToldAboutTheCapsProperty) {
    const ForeignWriter writer(tag_, DType::Float32, {4, 10, 10});
    const PipelineError error = error_while_playing(reading());
    EXPECT_TRUE(error.is(GST_STREAM_ERROR_FORMAT));
    EXPECT_TRUE(contains(error.sentence, "caps property")) << error.sentence;
    EXPECT_TRUE(contains(error.sentence, "float32 (4, 10, 10)")) << error.sentence;
}

TEST_F(Errors, CapsPropertyThatDoesNotFitIsNamed) {
    const ForeignWriter writer(tag_, DType::UInt8, {10, 12});
    const PipelineError error = error_while_playing(reading("caps=video/x-raw,format=RGB"));
    EXPECT_TRUE(error.is(GST_STREAM_ERROR_FORMAT));
    EXPECT_TRUE(contains(error.sentence, "RGB")) << error.sentence;
}

TEST_F(Errors, ArraysWithoutCapsHaveTheDefaultOfTheirShape) {
    struct Known {
        DType dtype;
        std::vector<std::uint64_t> shape;
        const char* format;
    };
    const bool little = native_byte_order == ByteOrder::Little;
    for (const Known& known : {Known{DType::UInt8, {6, 4}, "GRAY8"},
                               {DType::UInt16, {6, 4}, little ? "GRAY16_LE" : "GRAY16_BE"},
                               {DType::UInt8, {6, 4, 3}, "RGB"},
                               {DType::UInt8, {6, 4, 4}, "RGBA"},
                               {DType::UInt16, {6, 4, 4}, little ? "RGBA64_LE" : "RGBA64_BE"}}) {
        SCOPED_TRACE(known.format);
        const ForeignWriter writer(tag_, known.dtype, known.shape);
        Pipeline reader(reading());
        reader.play();
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample);
        const GstVideoInfo info = sample.info();
        EXPECT_STREQ(GST_VIDEO_INFO_NAME(&info), known.format);
        EXPECT_EQ(info.width, 4);
        EXPECT_EQ(info.height, 6);
    }
}

TEST_F(Errors, CapsPropertySaysWhatAnArrayIs) {
    const ForeignWriter writer(tag_, DType::UInt8, {9, 6});
    Pipeline reader(reading("caps=video/x-raw,format=I420,framerate=15/1"));
    reader.play();
    const Sample sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    const GstVideoInfo info = sample.info();
    EXPECT_STREQ(GST_VIDEO_INFO_NAME(&info), "I420");
    EXPECT_EQ(info.width, 6);
    EXPECT_EQ(info.height, 6);
    EXPECT_EQ(info.fps_n, 15);
}

TEST_F(Errors, SourceGoesOnAfterAnErrorWasCorrected) {
    const ForeignWriter writer(tag_, DType::UInt8, {10, 12});
    Pipeline reader(reading("caps=video/x-raw,format=RGB"));
    reader.play();
    EXPECT_NE(reader.error().domain, 0U);
    reader.set_state(GST_STATE_NULL);
    g_object_set(reader["src"], "caps", nullptr, nullptr);
    reader.play();
    EXPECT_TRUE(pull(reader["out"]));
}

}  // namespace
}  // namespace ndsharray::test
