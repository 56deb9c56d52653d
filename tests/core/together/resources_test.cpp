// SPDX-License-Identifier: BSD-3-Clause
// Running out of file descriptors and of address space: errors with names, after which all goes on.
#include "core_test.hpp"
#include "limits.hpp"
#include "scenes.hpp"

#include <support/thread_state.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <regex>
#include <string>

namespace ndsharray::test {
namespace {

/// No more file descriptors than are open now.
class NoMoreFiles {
  public:
    explicit NoMoreFiles(rlim_t but = 0) : limit_(RLIMIT_NOFILE, first_free() + but) {}

  private:
    static rlim_t first_free() {
        const int lowest = ::dup(STDERR_FILENO);
        ::close(lowest);
        return static_cast<rlim_t>(lowest);
    }

    Limit limit_;
};

/// Little more address space than is in use now.
class LittleMemory {
  public:
    LittleMemory() : limit_(RLIMIT_AS, in_use() + 10 * mebibyte) {}

  private:
    /// A thread that has just been started takes some for itself, much of it under a sanitizer.
    static rlim_t in_use() {
        wait_until(other_threads_are_blocked);
        std::ifstream file("/proc/self/statm");
        rlim_t pages = 0;
        file >> pages;
        return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
    }

    Limit limit_;
};

}  // namespace

const RegisteredScenes resources_scenes({
    {"any_number_of_files",
     [](const std::string& tag) {
         const auto before = open_files();
         std::string outcomes;
         for (rlim_t files = 0; files <= 20; ++files) {
             {
                 const NoMoreFiles all_but(files);
                 outcomes += outcome_of_starting(tag);
             }
             outcomes += left_behind(tag);
         }
         return outcomes + (open_files() <= before + 3 ? "" : ", some are left open");
     }},
    {"writer_without_files",
     [](const std::string& tag) {
         const NoMoreFiles limit;
         return code_of(error_of([&] { Writer writer(tag); }));
     }},
    {"layout_without_files",
     [](const std::string& tag) {
         Writer writer(tag);
         std::optional<NoMoreFiles> limit(std::in_place);
         const std::string failed = code_of(error_of([&] { writer.configure(bytes_spec(10)); }));
         limit.reset();
         return failed + ", then " + std::to_string(write_pattern(writer, bytes_spec(10)));
     }},
    {"reader_without_files",
     [](const std::string& tag) {
         Writer writer(tag);
         write_pattern(writer, bytes_spec(10));
         Reader reader(tag);
         std::optional<NoMoreFiles> limit(std::in_place);
         const Frame none = reader.read(patience);
         const std::string failed = std::string(name(none.status())) + ' ' + code_of(reader.error());
         limit.reset();
         return failed + ", then " + std::string(name(reader.read(patience).status()));
     }},
    {"writer_without_memory",
     [](const std::string& tag) {
         Writer writer(tag, {.slots = 3});
         const LittleMemory limit;
         return code_of(error_of([&] { writer.configure(bytes_spec(8 * mebibyte)); }));
     }},
    {"reader_without_memory",
     [](const std::string& tag) {
         Writer writer(tag, {.slots = 3});
         write_pattern(writer, bytes_spec(8 * mebibyte));
         Reader reader(tag);
         std::optional<LittleMemory> limit(std::in_place);
         const Frame none = reader.read(patience);
         const std::string failed = std::string(name(none.status())) + ' ' + code_of(reader.error());
         limit.reset();
         return failed + ", then " + std::string(name(reader.read(patience).status()));
     }},
});

namespace {

class Resources : public SceneTest {};

TEST_F(Resources, WithoutFileDescriptorsAWriterIsRefused) {
    EXPECT_EQ(outcome_of("writer_without_files"), "TooManyFiles");
}

TEST_F(Resources, WithoutFileDescriptorsALayoutIsRefused) {
    EXPECT_EQ(outcome_of("layout_without_files"), "TooManyFiles, then 1");
}

TEST_F(Resources, WithoutFileDescriptorsTheReaderFailsUntilThereAreSome) {
    EXPECT_EQ(outcome_of("reader_without_files"), "Failed TooManyFiles, then Frame");
}

TEST_F(Resources, WithAnyNumberOfFileDescriptorsAWriterAndAReaderWorkOrSayWhyNot) {
    const std::string outcomes = outcome_of("any_number_of_files");
    EXPECT_TRUE(std::regex_match(outcomes, std::regex("w+l*r*p+"))) << outcomes;
}

TEST_F(Resources, WithoutAddressSpaceALayoutIsRefused) {
    EXPECT_EQ(outcome_of("writer_without_memory"), "OutOfMemory");
}

TEST_F(Resources, WithoutAddressSpaceTheReaderFailsUntilThereIsSome) {
    EXPECT_EQ(outcome_of("reader_without_memory"), "Failed OutOfMemory, then Frame");
}

}  // namespace
}  // namespace ndsharray::test
