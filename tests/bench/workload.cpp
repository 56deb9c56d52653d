// SPDX-License-Identifier: BSD-3-Clause
// What is measured: frame format, pace, what both sides do with a frame, and how many read it.
#include "workload.hpp"

#include <fmt/format.h>

#include <string_view>

namespace ndsharray::bench {
namespace {

constexpr double frame_rate = 60;

std::string video_caps(std::string_view format, unsigned width, unsigned height) {
    return fmt::format("video/x-raw,format={},width={},height={},framerate=60/1", format, width, height);
}

const VideoFormat vga{"640x480 GRAY8", video_caps("GRAY8", 640, 480), "", 640 * 480};
const VideoFormat full_hd{"1080p RGB", video_caps("RGB", 1920, 1080), video_caps("BGR", 1920, 1080),
                          1920 * 1080 * 3};
const VideoFormat ultra_hd{"4K NV12", video_caps("NV12", 3840, 2160), "", 3840 * 2160 * 3 / 2};

Workload paced(std::string name, const VideoFormat& format) {
    Workload workload;
    workload.name = std::move(name);
    workload.format = format;
    workload.rate = frame_rate;
    return workload;
}

Workload unpaced(std::string name, const VideoFormat& format) {
    Workload workload = paced(std::move(name), format);
    workload.rate = 0;
    workload.lossless = true;
    return workload;
}

Workload touching(Workload workload, Touch producer, Touch consumer) {
    workload.producer = producer;
    workload.consumer = consumer;
    return workload;
}

Workload touching_every_byte(Workload workload) {
    return touching(std::move(workload), Touch::EveryByte, Touch::EveryByte);
}

Workload with_readers(Workload workload, unsigned readers) {
    workload.readers = readers;
    return workload;
}

Workload with_slow_reader(Workload workload) {
    workload.readers = 3;
    workload.slow_readers = 1;
    return workload;
}

Workload lossy(Workload workload) {
    workload.lossless = false;
    return workload;
}

Workload stopped_reader() {
    Workload workload = lossy(unpaced("1080p-stopped-reader", full_hd));
    workload.readers = 2;
    workload.stopped_readers = 1;
    workload.least_seconds = 10;
    return workload;
}

Workload caps_changes() {
    Workload workload = paced("1080p-caps-changes", full_hd);
    workload.frames_per_caps = 6;
    workload.least_seconds = 3.2;
    return workload;
}

void add_default(std::vector<Workload>& all) {
    all.push_back(paced("vga-paced", vga));
    all.push_back(paced("4k-paced", ultra_hd));
    all.push_back(touching_every_byte(paced("1080p-paced-every-byte", full_hd)));
    all.push_back(unpaced("vga-unpaced", vga));
    all.push_back(unpaced("4k-unpaced", ultra_hd));
    all.push_back(touching_every_byte(unpaced("vga-unpaced-every-byte", vga)));
    all.push_back(touching_every_byte(unpaced("4k-unpaced-every-byte", ultra_hd)));
    all.push_back(lossy(unpaced("1080p-unpaced-lossy", full_hd)));
    all.push_back(with_readers(paced("1080p-paced-4-readers", full_hd), 4));
    all.push_back(with_readers(paced("1080p-paced-16-readers", full_hd), 16));
    all.push_back(with_slow_reader(paced("1080p-paced-slow-reader", full_hd)));
    all.push_back(stopped_reader());
    all.push_back(caps_changes());
}

void add_full(std::vector<Workload>& all) {
    all.push_back(touching_every_byte(paced("vga-paced-every-byte", vga)));
    all.push_back(touching_every_byte(paced("4k-paced-every-byte", ultra_hd)));
    all.push_back(touching(unpaced("1080p-unpaced-written", full_hd), Touch::EveryByte, Touch::Stamp));
    all.push_back(touching(unpaced("1080p-unpaced-read", full_hd), Touch::Stamp, Touch::EveryByte));
    all.push_back(touching(paced("1080p-paced-written", full_hd), Touch::EveryByte, Touch::Stamp));
    all.push_back(touching(paced("1080p-paced-read", full_hd), Touch::Stamp, Touch::EveryByte));
    for (const unsigned readers : {4U, 16U}) {
        all.push_back(
            with_readers(unpaced(fmt::format("1080p-unpaced-{}-readers", readers), full_hd), readers));
        all.push_back(touching_every_byte(with_readers(
            paced(fmt::format("1080p-paced-every-byte-{}-readers", readers), full_hd), readers)));
    }
    all.push_back(with_slow_reader(lossy(unpaced("1080p-unpaced-lossy-slow-reader", full_hd))));
    Workload lossless_pace = paced("1080p-paced-lossless", full_hd);
    lossless_pace.lossless = true;
    all.push_back(lossless_pace);
}

std::string_view text(Touch touch) {
    return touch == Touch::Stamp ? "stamp only" : "every byte";
}

}  // namespace

std::string describe(const Workload& workload) {
    std::string words = workload.format.name;
    words += workload.paced() ? fmt::format(", {} frames/s", workload.rate) : ", unpaced";
    words += workload.lossless ? ", lossless" : ", lossy";
    words += workload.producer == workload.consumer
                 ? fmt::format(", both sides touch {}", text(workload.producer))
                 : fmt::format(", producer touches {}, consumer {}", text(workload.producer),
                               text(workload.consumer));
    words += workload.readers == 1 ? ", 1 reader" : fmt::format(", {} readers", workload.readers);
    if (workload.slow_readers > 0)
        words += fmt::format(" ({} takes 50 ms per frame)", workload.slow_readers);
    if (workload.stopped_readers > 0)
        words += fmt::format(" ({} stopped)", workload.stopped_readers);
    if (workload.frames_per_caps > 0)
        words += fmt::format(", new caps every {} frames", workload.frames_per_caps);
    return words;
}

std::vector<Workload> workloads(Selection selection) {
    std::vector<Workload> all{
        paced("1080p-paced", full_hd),
        unpaced("1080p-unpaced", full_hd),
        touching_every_byte(unpaced("1080p-unpaced-every-byte", full_hd)),
    };
    if (selection != Selection::Quick)
        add_default(all);
    if (selection == Selection::Full)
        add_full(all);
    return all;
}

}  // namespace ndsharray::bench
