// SPDX-License-Identifier: BSD-3-Clause
// gst-inspect-1.0 is the manual page: what it shows of both elements is complete and leads further.
#include <gst/gst.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gst_test.hpp"

namespace ndsharray::test {
namespace {

/// What a command prints; fails the test if it fails.
std::string output_of(const std::string& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    std::array<char, 4096> part;
    while (const std::size_t count = std::fread(part.data(), 1, part.size(), pipe.get()))
        text.append(part.data(), count);
    EXPECT_EQ(::pclose(pipe.release()), 0) << command;
    return text;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), g_ascii_tolower);
    return text;
}

class Inspect : public GstTest, public ::testing::WithParamInterface<const char*> {
  protected:
    Inspect() : element_(gst_element_factory_make(GetParam(), nullptr)) {
        gst_object_ref_sink(element_.get());
    }

    /// The properties of the element itself, not of what it is made from.
    std::vector<GParamSpec*> properties() const {
        guint count = 0;
        GParamSpec** all = g_object_class_list_properties(G_OBJECT_GET_CLASS(element_.get()), &count);
        std::vector<GParamSpec*> own;
        std::copy_if(all, all + count, std::back_inserter(own),
                     [&](GParamSpec* spec) { return spec->owner_type == G_OBJECT_TYPE(element_.get()); });
        g_free(all);
        return own;
    }

    const gchar* metadata(const char* key) const {
        return gst_element_class_get_metadata(GST_ELEMENT_GET_CLASS(element_.get()), key);
    }

    Held<GstElement> element_;
};

TEST_P(Inspect, EachPropertySaysItsDefault) {
    ASSERT_GE(properties().size(), 8U);
    for (GParamSpec* spec : properties()) {
        SCOPED_TRACE(spec->name);
        const std::string blurb = g_param_spec_get_blurb(spec);
        ASSERT_TRUE(contains(lower(blurb), "default")) << blurb;
        if (!(spec->flags & G_PARAM_WRITABLE))
            continue;
        const std::string said = blurb.substr(lower(blurb).find("default"));
        const GValue* value = g_param_spec_get_default_value(spec);
        if (G_VALUE_HOLDS_ENUM(value)) {
            const auto* klass = G_ENUM_CLASS(g_type_class_peek(G_VALUE_TYPE(value)));
            EXPECT_TRUE(contains(
                said, g_enum_get_value(const_cast<GEnumClass*>(klass), g_value_get_enum(value))->value_nick))
                << blurb;
        } else if (!G_VALUE_HOLDS_STRING(value) && !G_VALUE_HOLDS_BOXED(value)) {
            const gst::Owned<char> text(gst_value_serialize(value));
            EXPECT_TRUE(contains(said, text.get())) << blurb;
        }
    }
}

TEST_P(Inspect, EachNumberSaysItsUnit) {
    for (GParamSpec* spec : properties()) {
        const std::string blurb = lower(g_param_spec_get_blurb(spec));
        const bool is_number = spec->value_type == G_TYPE_UINT || spec->value_type == G_TYPE_UINT64 ||
                               spec->value_type == G_TYPE_INT || spec->value_type == G_TYPE_DOUBLE;
        const auto units = {"nanoseconds", "number of", "octal", "bytes", "percent"};
        EXPECT_TRUE(!is_number || std::any_of(units.begin(), units.end(),
                                              [&](const char* unit) { return contains(blurb, unit); }))
            << spec->name << ": " << blurb;
    }
}

TEST_P(Inspect, EachChoiceHasANickAndAnExplanation) {
    for (GParamSpec* spec : properties()) {
        if (!G_IS_PARAM_SPEC_ENUM(spec))
            continue;
        SCOPED_TRACE(spec->name);
        const GEnumClass* klass = G_PARAM_SPEC_ENUM(spec)->enum_class;
        for (guint i = 0; i < klass->n_values; ++i) {
            const GEnumValue& value = klass->values[i];
            const std::string nick = value.value_nick;
            EXPECT_TRUE(std::all_of(nick.begin(), nick.end(), [](char letter) {
                return g_ascii_islower(letter) || letter == '-';
            })) << nick;
            EXPECT_TRUE(contains(value.value_name, " ")) << value.value_name;  // a sentence, no identifier
        }
    }
}

TEST_P(Inspect, TheDocumentationIsWhatIsInstalled) {
    const gchar* uri = metadata(GST_ELEMENT_METADATA_DOC_URI);
    ASSERT_TRUE(uri);
    const std::string text = uri;
    EXPECT_TRUE(text.starts_with("file:///")) << text;
    EXPECT_TRUE(text.ends_with(std::string("/doc/ndsharray/gst/README.md#") + GetParam())) << text;
    std::stringstream readme;
    readme << std::ifstream(std::getenv("NDSHARRAY_README")).rdbuf();
    EXPECT_TRUE(contains(readme.str(), std::string("\n### `") + GetParam() + "`\n"));
    for (const GParamSpec* spec : properties())
        EXPECT_TRUE(contains(readme.str(), std::string("\n| `") + spec->name + "` |")) << spec->name;
}

TEST_P(Inspect, TheToolShowsAllOfIt) {
    const std::string text = output_of(std::string("gst-inspect-1.0 --no-colors ") + GetParam());
    EXPECT_TRUE(contains(text, metadata(GST_ELEMENT_METADATA_DOC_URI)));
    EXPECT_TRUE(contains(text, metadata(GST_ELEMENT_METADATA_LONGNAME)));
    for (GParamSpec* spec : properties()) {
        EXPECT_TRUE(contains(text, std::string("\n  ") + spec->name + " ")) << spec->name;
        EXPECT_TRUE(contains(text, g_param_spec_get_blurb(spec))) << spec->name;
    }
    for (const std::string signal : {"reader-added", "reader-removed"})
        EXPECT_EQ(contains(text, "\"" + signal + "\""), std::string(GetParam()) == "ndshsink") << signal;
}

INSTANTIATE_TEST_SUITE_P(Elements, Inspect, ::testing::Values("ndshsink", "ndshsrc"),
                         [](const auto& info) { return std::string(info.param); });

TEST(InspectPlugin, TheToolShowsBothElements) {
    const std::string text = output_of("gst-inspect-1.0 --no-colors ndsharray");
    EXPECT_TRUE(contains(text, "ndshsink: "));
    EXPECT_TRUE(contains(text, "ndshsrc: "));
}

}  // namespace
}  // namespace ndsharray::test
