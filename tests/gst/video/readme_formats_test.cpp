// SPDX-License-Identifier: BSD-3-Clause
// The table of formats in gst/README.md says what the code does. $NDSHARRAY_README names the file.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <utility>

#include "format_table.hpp"
#include "gstreamer_is_ready.hpp"

namespace ndsharray::gst {
namespace {

using Forms = std::map<std::string, std::string>;  // "RGB" -> "uint8 | (H, W, 3)"
using Version = std::pair<int, int>;

std::string read_file(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
    const auto from = text.find(begin);
    const auto to = text.find(end);
    if (from == std::string::npos || to == std::string::npos || to < from)
        return {};
    return text.substr(from + begin.size(), to - from - begin.size());
}

Version version_of(const std::string& table) {
    std::smatch match;
    if (!std::regex_search(table, match, std::regex(R"(GStreamer (\d+)\.(\d+))")))
        return {};
    return {std::stoi(match[1]), std::stoi(match[2])};
}

Forms forms_of(const std::string& table) {
    static const std::regex row(R"(\n\| ([A-Za-z0-9_, ]+) \| ([a-z]+[0-9]+ \| \([^|]*\)) \|)");
    static const std::regex format("[A-Za-z0-9_]+");
    const std::sregex_iterator end;
    Forms forms;
    for (std::sregex_iterator r(table.begin(), table.end(), row); r != end; ++r) {
        const std::string names = (*r)[1];
        for (std::sregex_iterator f(names.begin(), names.end(), format); f != end; ++f)
            forms[f->str()] = (*r)[2];
    }
    return forms;
}

/// The table may have been made with another GStreamer, so a format only one side knows is an error only
/// where the other side should know it too.
class ReadmeFormats : public ::testing::Test {
  protected:
    void SetUp() override {
        const char* path = std::getenv("NDSHARRAY_README");
        if (path == nullptr)
            GTEST_SKIP() << "NDSHARRAY_README is not set";
        const std::string table = between(read_file(path), "<!-- formats:begin -->", "<!-- formats:end -->");
        ASSERT_NE(table, "") << path << " has no table between formats:begin and formats:end";
        listed_ = forms_of(table);
        listed_version_ = version_of(table);
        known_ = forms_of(format_table());
        known_version_ = version_of(format_table());
    }

    Forms listed_, known_;
    Version listed_version_, known_version_;
};

TEST_F(ReadmeFormats, HaveTheFormThatTheCodeGivesThem) {
    for (const auto& [format, form] : known_) {
        const auto row = listed_.find(format);
        EXPECT_TRUE(row == listed_.end() || row->second == form) << format << " is " << form;
    }
}

TEST_F(ReadmeFormats, NameEveryFormat) {
    if (listed_version_ < known_version_)
        GTEST_SKIP() << "made with an older GStreamer";
    for (const auto& [format, form] : known_)
        EXPECT_TRUE(listed_.contains(format)) << format << " is missing";
}

TEST_F(ReadmeFormats, NameNoFormatThatIsNone) {
    if (listed_version_ > known_version_)
        GTEST_SKIP() << "made with a newer GStreamer";
    for (const auto& [format, form] : listed_)
        EXPECT_TRUE(known_.contains(format)) << "there is no " << format;
}

TEST(FormatTable, HasEveryRawFormatOnce) {
    const Forms forms = forms_of(format_table());
    EXPECT_EQ(forms.size(), raw_formats().size());
    for (const GstVideoFormat format : raw_formats())
        EXPECT_EQ(forms.at(gst_video_format_to_string(format)), array_form(format));
}

}  // namespace
}  // namespace ndsharray::gst
