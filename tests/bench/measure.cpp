// SPDX-License-Identifier: BSD-3-Clause
// What the kernel and the clock say: processor time, page faults, memory, latencies.
#include "measure.hpp"

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "stamp.hpp"

namespace ndsharray::bench {
namespace {

/// Few enough to fit into one message between processes.
constexpr std::size_t most_samples = 4096;

using FileIdentity = std::pair<dev_t, ino_t>;
using FileSizes = std::map<FileIdentity, std::uint64_t>;

std::filesystem::path process_folder(pid_t process) {
    return std::filesystem::path("/proc") / std::to_string(process);
}

void add_if_shared_memory(FileSizes& sizes, const std::string& path) {
    struct stat status {};
    struct statfs file_system {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
        ::statfs(path.c_str(), &file_system) != 0 || file_system.f_type != TMPFS_MAGIC)
        return;
    sizes[{status.st_dev, status.st_ino}] = static_cast<std::uint64_t>(status.st_blocks) * 512;
}

void add_open_files(FileSizes& sizes, pid_t process) {
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(process_folder(process) / "fd", gone))
        add_if_shared_memory(sizes, entry.path());
}

/// Files that were closed after they were mapped.
void add_mapped_files(FileSizes& sizes, pid_t process) {
    std::ifstream maps(process_folder(process) / "maps");
    std::string line;
    while (std::getline(maps, line)) {
        const auto path = line.find('/');
        if (path != std::string::npos)
            add_if_shared_memory(sizes, line.substr(path));
    }
}

}  // namespace

Usage usage_now() noexcept {
    rusage resources{};
    ::getrusage(RUSAGE_SELF, &resources);
    timespec processor{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
    return {now(), processor.tv_sec * std::int64_t{1'000'000'000} + processor.tv_nsec, resources.ru_minflt};
}

Usage operator-(const Usage& end, const Usage& start) noexcept {
    return {end.time - start.time, end.processor - start.processor, end.minor_faults - start.minor_faults};
}

LatencySamples::LatencySamples() {
    sample_.resize(most_samples);  // so that its pages are there
    clear();
}

void LatencySamples::clear() noexcept {
    sample_.clear();
    step_ = 1;
    until_next_ = 1;
    greatest_ = 0;
}

void LatencySamples::record(std::int64_t latency) noexcept {
    greatest_ = std::max(greatest_, latency);
    if (--until_next_ > 0)
        return;
    if (sample_.size() == most_samples) {
        for (std::size_t i = 0; i < most_samples / 2; ++i)
            sample_[i] = sample_[2 * i];
        sample_.resize(most_samples / 2);
        step_ *= 2;
    }
    until_next_ = step_;
    sample_.push_back(latency);
}

ProcessMemory memory_of(pid_t process) {
    ProcessMemory memory;
    std::ifstream status(process_folder(process) / "status");
    std::string field;
    while (status >> field) {
        std::uint64_t kibibytes = 0;
        if (field == "VmHWM:" && status >> kibibytes)
            memory.peak = kibibytes * 1024;
        else if (field == "RssAnon:" && status >> kibibytes)
            memory.anonymous = kibibytes * 1024;
    }
    return memory;
}

std::uint64_t shared_memory_of(std::span<const pid_t> processes) {
    FileSizes sizes;
    for (const pid_t process : processes) {
        add_open_files(sizes, process);
        add_mapped_files(sizes, process);
    }
    std::uint64_t sum = 0;
    for (const auto& [identity, size] : sizes)
        sum += size;
    return sum;
}

double quantile(std::vector<double> values, double q) {
    if (values.empty())
        return 0;
    const auto rank = static_cast<std::ptrdiff_t>(std::ceil(q * static_cast<double>(values.size()))) - 1;
    const auto place = values.begin() + std::max<std::ptrdiff_t>(rank, 0);
    std::ranges::nth_element(values, place);
    return *place;
}

}  // namespace ndsharray::bench
