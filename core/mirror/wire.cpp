// SPDX-License-Identifier: BSD-3-Clause
// Each message is written by encode_body() and read by decode_body() in the same order of fields.
#include "wire.hpp"

#include <random>
#include <type_traits>
#include <utility>

#include "wire_bytes.hpp"

namespace ndsharray::mirror {
namespace {

constexpr std::string_view magic = "NDSM";

/// The type numbers; their order is not that of Message.
enum class Type : std::uint16_t {
    Hello = 1,
    Credit = 2,
    Ping = 3,
    List = 4,
    Bye = 5,
    Welcome = 65,
    Layout = 66,
    Frame = 67,
    Data = 68,
    State = 69,
    Pong = 70,
    Listing = 71,
    Refused = 72,
};

// ---- the bodies, from byte 16

constexpr std::size_t longest_host = 255;
constexpr std::size_t longest_sentence = 1000;

void encode_body(ByteWriter& out, const Hello& hello) {
    out.number(static_cast<std::uint32_t>(hello.mode));
    out.number(static_cast<std::uint32_t>(hello.compression));
    out.number(hello.every_nth);
    out.number(hello.max_millihertz);
    out.number(hello.done);
    out.number(hello.id);
    out.text(hello.tag);
}

void decode_body(ByteReader& in, Hello& hello) {
    hello.mode = in.one_of(Mode::Every, "the mode");
    hello.compression = in.one_of(Compression::Zstd, "the compression");
    hello.every_nth = in.number<std::uint32_t>();
    if (hello.every_nth == 0)
        malformed("every 0th frame is none");
    hello.max_millihertz = in.number<std::uint32_t>();
    hello.done = in.number<std::uint64_t>();
    hello.id = in.number<std::uint64_t>();
    hello.tag = in.tag();
}

void encode_body(ByteWriter& out, const Credit& credit) {
    out.number(credit.wanted);
    out.number(credit.done);
}

void decode_body(ByteReader& in, Credit& credit) {
    credit.wanted = in.number<std::uint64_t>();
    credit.done = in.number<std::uint64_t>();
    if (credit.done > credit.wanted)
        malformed("more is done than was wanted");
}

void encode_body(ByteWriter& out, const Ping& ping) {
    out.number(ping.sent);
}

void decode_body(ByteReader& in, Ping& ping) {
    ping.sent = in.number<std::int64_t>();
}

void encode_body(ByteWriter&, const List&) {}
void decode_body(ByteReader&, List&) {}
void encode_body(ByteWriter&, const Bye&) {}
void decode_body(ByteReader&, Bye&) {}

void encode_body(ByteWriter& out, const Welcome& welcome) {
    out.number(welcome.id);
    out.number(static_cast<std::uint32_t>((welcome.resumed ? 1 : 0) | (welcome.backpressure ? 2 : 0)));
    out.text(welcome.host);
}

void decode_body(ByteReader& in, Welcome& welcome) {
    welcome.id = in.number<std::uint64_t>();
    const auto flags = in.up_to<std::uint32_t>(3, "the flags");
    welcome.resumed = (flags & 1) != 0;
    welcome.backpressure = (flags & 2) != 0;
    welcome.host = in.text(longest_host, "the host's name");
}

std::string attribute_bytes(const Attributes& attributes) {
    ByteWriter out;
    for (const auto& [key, value] : attributes) {
        out.number(static_cast<std::uint32_t>(key.size()));
        out.number(static_cast<std::uint32_t>(value.size()));
        out.raw(key);
        out.raw(value);
    }
    return out.take();
}

void encode_body(ByteWriter& out, const Layout& layout) {
    const std::string attributes = attribute_bytes(layout.attributes);
    out.number(layout.writer);
    out.number(layout.number);
    out.number(static_cast<std::uint32_t>(layout.spec.dtype));
    out.number(static_cast<std::uint32_t>(layout.spec.byte_order));
    out.number(layout.spec.ndim);
    out.number(layout.spec.bytes);
    out.number(layout.metadata_capacity);
    for (std::uint32_t i = 0; i < layout.spec.ndim; ++i)
        out.number(layout.spec.shape[i]);
    for (std::uint32_t i = 0; i < layout.spec.ndim; ++i)
        out.number(layout.spec.strides[i]);
    out.number(static_cast<std::uint32_t>(attributes.size()));
    out.raw(attributes);
}

void decode_body(ByteReader& in, Layout& layout) {
    layout.writer = in.number<std::uint64_t>();
    layout.number = in.number<std::uint32_t>();
    layout.spec.dtype = in.one_of(static_cast<DType>(dtype_count - 1), "the dtype");
    layout.spec.byte_order = in.one_of(ByteOrder::Big, "the byte order");
    layout.spec.ndim = in.up_to<std::uint32_t>(max_dimensions, "the number of dimensions");
    layout.spec.bytes = in.up_to(max_array_bytes, "the array");
    layout.metadata_capacity = in.up_to<std::uint64_t>(max_metadata_bytes, "the room for metadata");
    for (std::uint32_t i = 0; i < layout.spec.ndim; ++i)
        layout.spec.shape[i] = in.number<std::uint64_t>();
    for (std::uint32_t i = 0; i < layout.spec.ndim; ++i)
        layout.spec.strides[i] = in.number<std::int64_t>();
    if (const std::string problem = layout.spec.problem(); !problem.empty())
        malformed(problem);
    const auto attributes = in.number<std::uint32_t>();
    if (attributes != in.left())
        malformed("its attributes have another length");
    std::size_t bytes = 0;
    while (in.left() > 0) {
        const auto key_bytes = in.number<std::uint32_t>();
        const auto value_bytes = in.number<std::uint32_t>();
        std::string key(in.raw(key_bytes));
        std::string value(in.raw(value_bytes));
        bytes += key.size() + value.size();
        if (bytes > max_attribute_bytes)
            malformed("its attributes are too long");
        if (!layout.attributes.emplace(std::move(key), std::move(value)).second)
            malformed("an attribute is there twice");
    }
}

void encode_body(ByteWriter& out, const FrameHead& frame) {
    const FrameInfo& info = frame.info;
    out.number(frame.item);
    out.number(frame.layout);
    out.number(info.flags);
    out.number(info.number);
    for (const std::int64_t time :
         {info.published, info.pts, info.dts, info.stream_pts, info.stream_dts, info.duration})
        out.number(time);
    out.number(info.offset);
    out.number(info.offset_end);
    out.number(static_cast<std::uint32_t>(frame.compression));
    out.number(static_cast<std::uint32_t>(frame.metadata.size()));
    out.number(frame.bytes);
    out.raw(frame.metadata);
}

void decode_body(ByteReader& in, FrameHead& frame) {
    FrameInfo& info = frame.info;
    frame.item = in.number<std::uint64_t>();
    frame.layout = in.number<std::uint32_t>();
    info.flags = in.number<std::uint32_t>();
    info.number = in.up_to(max_frame_number, "the frame number");
    for (std::int64_t* time :
         {&info.published, &info.pts, &info.dts, &info.stream_pts, &info.stream_dts, &info.duration})
        *time = in.number<std::int64_t>();
    info.offset = in.number<std::uint64_t>();
    info.offset_end = in.number<std::uint64_t>();
    frame.compression = in.one_of(Compression::Zstd, "the compression");
    const auto metadata = in.up_to<std::uint32_t>(max_metadata_bytes, "the metadata");
    frame.bytes = in.up_to(max_array_bytes, "the array");
    frame.metadata = in.raw(metadata);
}

void encode_body(ByteWriter& out, const Data& data) {
    out.number(data.item);
    out.number(data.offset);
    out.number(data.raw_bytes);
}

void decode_body(ByteReader& in, Data& data) {
    data.item = in.number<std::uint64_t>();
    data.offset = in.up_to(max_array_bytes, "the offset");
    data.raw_bytes = in.up_to<std::uint32_t>(max_chunk_bytes, "the part of an array");
    if (data.raw_bytes == 0)
        malformed("a part of an array has no bytes");
}

void encode_body(ByteWriter& out, const State& state) {
    out.number(state.item);
    out.number(static_cast<std::uint32_t>(state.kind));
}

void decode_body(ByteReader& in, State& state) {
    state.item = in.number<std::uint64_t>();
    state.kind = in.one_of(State::Kind::Left, "the state");
    if (state.item != 0 && state.kind != State::Kind::Ended && state.kind != State::Kind::Left)
        malformed("this state is no item");
}

void encode_body(ByteWriter& out, const Pong& pong) {
    out.number(pong.sent);
    out.number(pong.received);
    out.number(pong.answered);
}

void decode_body(ByteReader& in, Pong& pong) {
    pong.sent = in.number<std::int64_t>();
    pong.received = in.number<std::int64_t>();
    pong.answered = in.number<std::int64_t>();
}

void encode_body(ByteWriter& out, const Listing& listing) {
    const std::size_t count = std::min(listing.tags.size(), max_listed_tags);
    out.text(listing.host);
    out.number(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        const Listed& tag = listing.tags[i];
        out.text(tag.tag);
        out.text(tag.array);
        out.number(tag.millihertz);
        out.number(tag.bytes);
    }
}

void decode_body(ByteReader& in, Listing& listing) {
    listing.host = in.text(longest_host, "the host's name");
    const auto count = in.up_to<std::uint32_t>(max_listed_tags, "the list");
    for (std::uint32_t i = 0; i < count; ++i) {
        Listed tag;
        tag.tag = in.tag();
        tag.array = in.text(longest_sentence, "an array's description");
        tag.millihertz = in.number<std::uint32_t>();
        tag.bytes = in.number<std::uint64_t>();
        listing.tags.push_back(std::move(tag));
    }
}

void encode_body(ByteWriter& out, const Refused& refused) {
    out.number(static_cast<std::uint32_t>(refused.refusal));
    out.text(refused.sentence.substr(0, longest_sentence));
}

void decode_body(ByteReader& in, Refused& refused) {
    refused.refusal = in.one_of(Refusal::Failed, "the refusal");
    refused.sentence = in.text(longest_sentence, "the sentence");
}

// ---- the head, 16 bytes

template <typename Kind>
constexpr Type type_of() {
    if constexpr (std::is_same_v<Kind, Hello>)
        return Type::Hello;
    if constexpr (std::is_same_v<Kind, Credit>)
        return Type::Credit;
    if constexpr (std::is_same_v<Kind, Ping>)
        return Type::Ping;
    if constexpr (std::is_same_v<Kind, List>)
        return Type::List;
    if constexpr (std::is_same_v<Kind, Bye>)
        return Type::Bye;
    if constexpr (std::is_same_v<Kind, Welcome>)
        return Type::Welcome;
    if constexpr (std::is_same_v<Kind, Layout>)
        return Type::Layout;
    if constexpr (std::is_same_v<Kind, FrameHead>)
        return Type::Frame;
    if constexpr (std::is_same_v<Kind, Data>)
        return Type::Data;
    if constexpr (std::is_same_v<Kind, State>)
        return Type::State;
    if constexpr (std::is_same_v<Kind, Pong>)
        return Type::Pong;
    if constexpr (std::is_same_v<Kind, Listing>)
        return Type::Listing;
    if constexpr (std::is_same_v<Kind, Refused>)
        return Type::Refused;
}

/// The word at byte 8: the session, or the sharing process for Pong.
template <typename Kind>
std::uint64_t word_of(const Kind& message) {
    if constexpr (requires { message.session; })
        return message.session;
    else if constexpr (requires { message.instance; })
        return message.instance;
    else
        return 0;
}

template <typename Kind>
Message read(ByteReader& in, std::uint64_t word) {
    Kind message;
    if constexpr (requires { message.session; })
        message.session = word;
    else if constexpr (requires { message.instance; })
        message.instance = word;
    decode_body(in, message);
    if (in.left() > 0)
        malformed("it goes on after its end");
    return message;
}

template <std::size_t index = 0>
Message read_type(std::uint16_t type, ByteReader& in, std::uint64_t word) {
    if constexpr (index < std::variant_size_v<Message>) {
        using Kind = std::variant_alternative_t<index, Message>;
        if (type == static_cast<std::uint16_t>(type_of<Kind>()))
            return read<Kind>(in, word);
        return read_type<index + 1>(type, in, word);
    } else {
        malformed("its type " + std::to_string(type) + " is unknown");
    }
}

}  // namespace

std::uint64_t random_id() {
    std::random_device device;
    const std::uint64_t id = std::uint64_t{device()} << 32 | device();
    return id != 0 ? id : 1;
}

std::string encode(const Message& message) {
    ByteWriter out;
    std::visit(
        [&](const auto& kind) {
            out.raw(magic);
            out.number(wire_major);
            out.number(wire_minor);
            out.number(static_cast<std::uint16_t>(type_of<std::decay_t<decltype(kind)>>()));
            out.number(word_of(kind));
            encode_body(out, kind);
        },
        message);
    return out.take();
}

Message decode(std::span<const std::byte> bytes) {
    ByteReader in(bytes);
    if (in.raw(magic.size()) != magic)
        malformed("it does not begin with NDSM");
    const auto major = in.number<std::uint8_t>();
    in.number<std::uint8_t>();  // a minor version only adds types
    if (major != wire_major)
        throw WireError(Refusal::Version, "the other side speaks version " + std::to_string(major) +
                                              " of the format, this one version " +
                                              std::to_string(wire_major) +
                                              "; install the same version of ndsharray on both machines");
    const auto type = in.number<std::uint16_t>();
    const auto word = in.number<std::uint64_t>();
    return read_type(type, in, word);
}

}  // namespace ndsharray::mirror
