// SPDX-License-Identifier: BSD-3-Clause
// Cyclone DDS in the race: reliable, the newest sample only.
#include "race.hpp"

#include <dds/dds.h>
#include <dds/ddsc/dds_opcodes.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace {

// What idlc makes of: struct Frame { sequence<octet> bytes; };
struct Sample {
    dds_sequence_t bytes;
};
constexpr std::uint32_t operations[] = {std::uint32_t{DDS_OP_ADR} | DDS_OP_TYPE_SEQ | DDS_OP_SUBTYPE_1BY,
                                        offsetof(Sample, bytes), DDS_OP_RTS};
const dds_topic_descriptor_t descriptor{.m_size = sizeof(Sample),
                                        .m_align = alignof(Sample),
                                        .m_flagset = DDS_TOPIC_NO_OPTIMIZE,
                                        .m_nkeys = 0,
                                        .m_typename = "race::Frame",
                                        .m_keys = nullptr,
                                        .m_nops = 2,
                                        .m_ops = operations,
                                        .m_meta = "",
                                        .type_information = {},
                                        .type_mapping = {},
                                        .restrict_data_representation = 0};

void send_frames(dds_entity_t writer, std::size_t size, double rate, double seconds) {
    std::vector<std::uint8_t> bytes(size);
    Sample sample{};
    sample.bytes._buffer = bytes.data();
    sample.bytes._length = sample.bytes._maximum = std::uint32_t(size);
    std::uint64_t published = 0;
    dds_publication_matched_status_t matched{};
    while (matched.current_count == 0 && !race::ended) {
        dds_get_publication_matched_status(writer, &matched);
        dds_sleepfor(DDS_MSECS(1));
    }
    const std::int64_t start = race::now();
    const auto frames = std::uint64_t(rate * seconds);
    while (published < frames && !race::ended) {
        race::sleep_until(start + std::int64_t(double(published) * 1e9 / rate));
        const race::Stamp stamp{++published, race::now()};
        std::memcpy(bytes.data(), &stamp, sizeof stamp);
        // Frames that were due while this waited count as published, and as missed.
        dds_write(writer, &sample);
        published =
            std::max(published, std::min(frames, std::uint64_t(double(race::now() - start) / 1e9 * rate)));
    }
    race::sleep_until(start + std::int64_t(seconds * 1e9) + 1'500'000'000);
    race::print_sent(published);
}

void receive_frames(dds_entity_t participant, dds_entity_t reader, std::size_t size) {
    race::Arrivals arrivals;
    std::vector<std::byte> tag(size);
    const dds_entity_t waitset = dds_create_waitset(participant);
    const dds_entity_t condition = dds_create_readcondition(reader, DDS_ANY_STATE);
    dds_waitset_attach(waitset, condition, 0);
    std::puts("ready");
    std::fflush(stdout);
    while (!race::ended) {
        dds_waitset_wait(waitset, nullptr, 0, DDS_MSECS(200));
        void* samples[1] = {nullptr};
        dds_sample_info_t info[1];
        while (dds_take(reader, samples, info, 1, 1) > 0) {
            const auto* sample = static_cast<Sample*>(samples[0]);
            if (info[0].valid_data && sample->bytes._length == size) {
                std::memcpy(tag.data(), sample->bytes._buffer, size);
                race::Stamp stamp;
                std::memcpy(&stamp, tag.data(), sizeof stamp);
                arrivals.add(stamp);
            }
            dds_return_loan(reader, samples, 1);
        }
    }
    arrivals.print();
}

}  // namespace

// send|receive ADDRESS BYTES RATE SECONDS; whom to talk to is in CYCLONEDDS_URI
int main(int argc, char** argv) {
    if (argc < 6)
        return 2;
    race::end_on_sigterm();
    const std::size_t size = std::strtoull(argv[3], nullptr, 10);
    const dds_entity_t participant = dds_create_participant(DDS_DOMAIN_DEFAULT, nullptr, nullptr);
    const dds_entity_t topic = dds_create_topic(participant, &descriptor, "frames", nullptr, nullptr);
    dds_qos_t* qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_MSECS(100));
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 1);
    if (participant < 0 || topic < 0)
        return 1;
    if (std::string(argv[1]) == "send")
        send_frames(dds_create_writer(participant, topic, qos, nullptr), size, std::atof(argv[4]),
                    std::atof(argv[5]));
    else
        receive_frames(participant, dds_create_reader(participant, topic, qos, nullptr), size);
    dds_delete_qos(qos);
    dds_delete(participant);
}
