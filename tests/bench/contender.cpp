// SPDX-License-Identifier: BSD-3-Clause
// Who is measured: a pair of elements that carries frames between processes, or something to compare with.
#include "contender.hpp"

#include <fmt/format.h>
#include <gst/gst.h>

namespace ndsharray::bench {
namespace {

const std::string ndsh = "ndsh";
const std::string shm = "shm";
const std::string unixfd = "unixfd";

bool is_available(const std::string& element) {
    g_autoptr(GstElementFactory) factory = gst_element_factory_find(element.c_str());
    return factory != nullptr;
}

std::filesystem::path socket_in(const std::filesystem::path& folder) {
    return folder / "socket";
}

std::string sink(const Contender& contender, const Workload& workload, const std::filesystem::path& folder) {
    const std::string socket = socket_in(folder);
    if (contender.name == ndsh)
        return fmt::format("ndshsink tag=bench sync=false backpressure={}", workload.lossless);
    if (contender.name == shm) {
        // Room for all frames in flight twice over, so that the area is never what limits it.
        const std::size_t area = workload.format.bytes * 2 * frames_in_flight + (std::size_t{1} << 20);
        return fmt::format(
            "shmsink socket-path={} shm-size={} wait-for-connection=false sync=false async=false", socket,
            area);
    }
    if (contender.name == unixfd)
        return fmt::format("unixfdsink socket-path={} sync=false async=false", socket);
    return "fakesink sync=false async=false";
}

std::string source(const Contender& contender, const Workload& workload,
                   const std::filesystem::path& folder) {
    const std::string socket = socket_in(folder);
    if (contender.name == ndsh)
        return fmt::format("ndshsrc tag=bench mode={}", workload.lossless ? "every" : "latest");
    if (contender.name == shm)
        return fmt::format("shmsrc socket-path={} is-live=true ! {}", socket, workload.format.caps);
    if (contender.name == unixfd)
        return fmt::format("unixfdsrc socket-path={}", socket);
    return "benchsrc name=source";
}

}  // namespace

const std::vector<Contender>& contenders() {
    static const std::vector<Contender> all{
        {ndsh, Kind::Elements, {"ndshsink", "ndshsrc"}},
        {shm, Kind::Elements, {"shmsink", "shmsrc"}},
        {unixfd, Kind::Elements, {"unixfdsink", "unixfdsrc"}},
        {"baseline", Kind::Baseline, {"fakesink"}},
        {"core", Kind::Core, {}},
        {"futex", Kind::Futex, {}},
        {"memcpy", Kind::Memcpy, {}},
        {"memcpy-warm", Kind::Memcpy, {}},
    };
    return all;
}

std::string problem(const Contender& contender) {
    for (const std::string& element : contender.elements)
        if (!is_available(element))
            return fmt::format("GStreamer {}.{} here has no {}", GST_VERSION_MAJOR, GST_VERSION_MINOR,
                               element);
    return {};
}

bool applies(const Contender& contender, const Workload& workload) {
    const bool plain = workload.slow_readers + workload.stopped_readers + workload.frames_per_caps == 0;
    switch (contender.kind) {
        case Kind::Elements:
            return workload.frames_per_caps == 0 || contender.name != shm;  // which carries no caps
        case Kind::Core:
            return plain && workload.format.name == "1080p RGB" && workload.readers == 1;
        case Kind::Baseline:
        case Kind::Futex:
            return plain && workload.paced();
        case Kind::Memcpy:
            return plain && workload.paced() && workload.readers == 1 && workload.producer == Touch::Stamp &&
                   workload.consumer == Touch::Stamp;
    }
    return false;
}

std::string producer_launch(const Contender& contender, const Workload& workload,
                            const std::filesystem::path& folder) {
    return "benchsrc name=source ! " + sink(contender, workload, folder);
}

std::string consumer_launch(const Contender& contender, const Workload& workload,
                            const std::filesystem::path& folder) {
    return source(contender, workload, folder) + " ! benchsink name=sink";
}

}  // namespace ndsharray::bench
