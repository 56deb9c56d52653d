// SPDX-License-Identifier: BSD-3-Clause
// A program of GStreamer's, such as gst-inspect-1.0, and what it prints.
#include "program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace ndsharray::test {
namespace {

int run_program(Channel&, const Arguments& arguments) {
    const int output = ::open(arguments.at(0).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (output < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0)
        return 126;
    std::vector<std::string> words(arguments.begin() + 1, arguments.end());
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    std::perror(argv[0]);
    return 127;
}

const RegisteredRole program_role("program", run_program);

std::filesystem::path new_file() {
    static std::atomic<unsigned> number = 0;
    return std::filesystem::temp_directory_path() /
           ("ndsh-output-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
}

Arguments with_output(const std::filesystem::path& file, const std::vector<std::string>& words) {
    Arguments arguments{file.string()};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return arguments;
}

}  // namespace

Program::Program(const std::vector<std::string>& words)
    : file_(new_file()), process_("program", with_output(file_, words)) {}

Program::~Program() {
    process_.kill();
    std::filesystem::remove(file_);
}

std::string Program::output() const {
    std::ifstream stream(file_);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

bool Program::prints(const std::string& text) const {
    return wait_until([&] { return output().find(text) != std::string::npos; });
}

std::string Program::to_its_end() {
    EXPECT_EQ(process_.wait_for_exit(2 * patience), 0) << output();
    return output();
}

}  // namespace ndsharray::test
