// SPDX-License-Identifier: BSD-3-Clause
// What a viewer offers over WHEP, and the answer to it.
#include "serve/whep_offer.hpp"

#include <gio/gio.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>

namespace ndsharray::serve {
namespace {

constexpr std::size_t most_candidates = 64;
constexpr const char* playout_delay_uri = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
constexpr std::string_view mid_characters = "-_.+!#$%&'*^`{|}~";

using Parameters = std::map<std::string, std::string>;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return g_ascii_tolower(c); });
    return text;
}

std::optional<unsigned> number_of(std::string_view text, unsigned most) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > most)
        return std::nullopt;
    return number;
}

/// "a=1;b=2" of a format, as `name` says it behind its payload type.
Parameters parameters_of(const SdpSection& section, std::string_view format) {
    Parameters found;
    for (const std::string& line : section.values("fmtp")) {
        const auto space = line.find(' ');
        if (line.substr(0, space) != format || space == std::string::npos)
            continue;
        for (std::string_view rest = std::string_view(line).substr(space + 1); !rest.empty();) {
            const auto end = rest.find(';');
            std::string_view one = rest.substr(0, end);
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
            one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
            const auto equals = one.find('=');
            if (equals != std::string_view::npos)
                found[lower(std::string(one.substr(0, equals)))] = one.substr(equals + 1);
        }
    }
    return found;
}

std::string text_in(const Parameters& parameters, const char* name) {
    const auto found = parameters.find(name);
    return found != parameters.end() ? lower(found->second) : std::string();
}

/// How well the viewer takes the constrained baseline in fragments under these parameters; 0: not at all.
int rank_of_h264(const Parameters& parameters) {
    const std::string mode = text_in(parameters, "packetization-mode");
    const std::string profile = text_in(parameters, "profile-level-id");
    if ((!mode.empty() && mode != "1") || (!profile.empty() && !is_token(profile, 6, 6, "")))
        return 0;
    const int by_mode = mode.empty() ? 1 : 10;
    return by_mode + (profile.starts_with("42e0") ? 3 : profile.starts_with("42") || profile.empty() ? 2 : 1);
}

std::string rtpmap_of(const SdpSection& section, const std::string& format) {
    for (const std::string& line : section.values("rtpmap"))
        if (line.starts_with(format + ' '))
            return lower(line.substr(format.size() + 1));
    return {};
}

bool takes_pictures(const SdpSection& section) {
    return !section.has("sendonly") && !section.has("inactive");
}

/// RFC 8839. A name instead of an address is not looked up: who hides behind one is found by its own checks.
bool is_candidate(const std::string& text) {
    const auto words = words_of(text);
    constexpr std::size_t fixed = 8;  // up to the type
    if (words.size() < fixed || words.size() > 40)
        return false;
    GInetAddress* address = g_inet_address_new_from_string(words[4].c_str());
    const bool has_address = address != nullptr;
    g_clear_object(&address);
    return has_address && is_token(words[0], 1, 32, "+/") && number_of(words[1], 256) &&
           lower(words[2]) == "udp" && number_of(words[3], 0xffffffff) && number_of(words[5], 0xffff) &&
           words[6] == "typ" && is_token(words[7], 1, 16, "");
}

void add_candidates(IceFragment& ice, const SdpSection& section) {
    for (std::string& candidate : section.values("candidate")) {
        if (!is_candidate(candidate))
            continue;
        if (ice.candidates.size() == most_candidates)
            throw std::invalid_argument("there are too many candidates");
        ice.candidates.push_back(std::move(candidate));
    }
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += ' ' + word;
    return text;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// What belongs to the transport, and not to the medium that it carries.
bool is_of_transport(const std::string& attribute) {
    for (const char* name : {"ice-ufrag:", "ice-pwd:", "fingerprint:", "setup:", "candidate:"})
        if (attribute.starts_with(name))
            return true;
    return attribute == "rtcp-mux" || attribute == "end-of-candidates";
}

std::string line(std::string_view attribute) {
    return "a=" + std::string(attribute) + "\r\n";
}

}  // namespace

const char* name_of(Codec codec) {
    return codec == Codec::H264 ? "H264" : "VP8";
}

IceFragment IceFragment::parse(const std::string& text) {
    const Sdp sdp = Sdp::parse(text);
    IceFragment found;
    found.ufrag = sdp.session.value("ice-ufrag").value_or("");
    add_candidates(found, sdp.session);
    for (const SdpSection& section : sdp.sections) {
        if (found.ufrag.empty())
            found.ufrag = section.value("ice-ufrag").value_or("");
        add_candidates(found, section);
    }
    return found;
}

Offer::Offer(const std::string& text) : offer_(Sdp::parse(text)) {
    if (!text.starts_with("v=0"))
        throw std::invalid_argument("a session description begins with v=0");
    for (const SdpSection& section : offer_.sections) {
        const auto words = section.words();
        const std::string mid = section.value("mid").value_or("");
        if (words.size() < 4 || !is_token(words[0], 1, 32, "") || !number_of(words[1], 0xffff) ||
            !is_token(words[2], 1, 32, "/") || !is_token(mid, 0, 64, mid_characters))
            throw std::invalid_argument("a medium of the session description is damaged");
        const bool is_offered = words[1] != "0" || section.has("bundle-only");
        if (video_ == nullptr && words[0] == "video" && words[2].ends_with("RTP/SAVPF") && is_offered &&
            takes_pictures(section))
            video_ = &section;
    }
    if (video_ == nullptr)
        throw std::invalid_argument("an offer to receive video over UDP/TLS/RTP/SAVPF is needed");
    mid_ = video_->value("mid").value_or("");
    for (const std::string& group : offer_.session.values("group")) {
        auto mids = words_of(group);
        if (mids[0] == "BUNDLE" && contains(mids, mid_))
            bundle_.assign(mids.begin() + 1, mids.end());
    }
    ice_.ufrag = transport("ice-ufrag");
    pwd_ = transport("ice-pwd");
    fingerprint_ = transport("fingerprint");
    setup_ = transport("setup");
    if (!is_token(ice_.ufrag, 4, 256, "+/-_=") || !is_token(pwd_, 22, 256, "+/-_="))
        throw std::invalid_argument("ice-ufrag and ice-pwd are needed");
    if (!is_token(fingerprint_, 8, 256, "-: "))
        throw std::invalid_argument("a fingerprint is needed");
    if (setup_ != "actpass" && setup_ != "active" && setup_ != "passive")
        throw std::invalid_argument("setup is one of actpass, active and passive");
    if (!video_->has("rtcp-mux"))
        throw std::invalid_argument("rtcp-mux is needed");
    add_candidates(ice_, offer_.session);
    for (const SdpSection& section : offer_.sections)
        if (&section == video_ || (!bundle_.empty() && section.value("mid") == bundle_[0]))
            add_candidates(ice_, section);
}

std::string Offer::transport(std::string_view name) const {
    if (const auto own = video_->value(name))
        return *own;
    for (const SdpSection& section : offer_.sections) {
        const auto mid = section.value("mid");
        if (!bundle_.empty() && mid && *mid == bundle_[0])
            if (const auto shared = section.value(name))
                return *shared;
    }
    return offer_.session.value(name).value_or("");
}

std::optional<unsigned> Offer::payload(Codec codec) const {
    std::optional<unsigned> best;
    int best_rank = 0;
    const auto words = video_->words();
    for (auto format = words.begin() + 3; format != words.end(); ++format) {
        const auto type = number_of(*format, 127);
        if (!type || rtpmap_of(*video_, *format) != lower(name_of(codec)) + "/90000")
            continue;
        const int rank = codec == Codec::H264 ? rank_of_h264(parameters_of(*video_, *format)) : 1;
        if (rank > best_rank) {
            best = type;
            best_rank = rank;
        }
    }
    return best;
}

std::optional<unsigned> Offer::playout_delay() const {
    constexpr unsigned most_of_one_byte = 14;
    for (const std::string& extension : video_->values("extmap")) {
        const auto words = words_of(extension);
        const auto number = number_of(words[0], most_of_one_byte);
        if (number && *number != 0 && words.size() == 2 && words[1] == playout_delay_uri)
            return number;
    }
    return std::nullopt;
}

/// The line that says under which parameters the video is sent, where there are any: as they were offered.
std::string Offer::fmtp(Codec codec) const {
    const std::string format = std::to_string(payload(codec).value());
    const Parameters parameters = parameters_of(*video_, format);
    std::string text;
    if (codec == Codec::H264)
        for (const char* name : {"level-asymmetry-allowed", "packetization-mode", "profile-level-id"}) {
            const std::string value = text_in(parameters, name);
            if (is_token(value, 1, 6, ""))
                text += (text.empty() ? "" : ";") + std::string(name) + '=' + value;
        }
    return text.empty() ? "" : line("fmtp:" + format + ' ' + text);
}

std::string Offer::reduced(Codec codec) const {
    const std::string format = std::to_string(payload(codec).value());
    std::string text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    if (!mid_.empty())
        text += line("group:BUNDLE " + mid_);
    text += "m=video 9 UDP/TLS/RTP/SAVPF " + format + "\r\nc=IN IP4 0.0.0.0\r\n";
    if (!mid_.empty())
        text += line("mid:" + mid_);
    text += line("recvonly") + line("rtcp-mux") + line("rtcp-rsize");
    text += line("ice-ufrag:" + ice_.ufrag) + line("ice-pwd:" + pwd_) + line("ice-options:trickle");
    text += line("fingerprint:" + fingerprint_) + line("setup:" + setup_);
    text += line("rtpmap:" + format + ' ' + name_of(codec) + "/90000");
    text += fmtp(codec);
    for (const char* feedback : {"nack pli", "ccm fir"})
        if (contains(video_->values("rtcp-fb"), format + ' ' + feedback) ||
            contains(video_->values("rtcp-fb"), std::string("* ") + feedback))
            text += line("rtcp-fb:" + format + ' ' + feedback);
    return text;
}

/// A medium that is not sent. Where it is the one that states the transport of the bundle, it does so in the
/// answer, too.
std::string Offer::declined(const SdpSection& section, const SdpSection& video) const {
    const auto words = section.words();
    const std::string mid = section.value("mid").value_or("");
    const bool states_transport = !bundle_.empty() && mid == bundle_[0] && words[2].ends_with("RTP/SAVPF");
    std::string text = "m=" + words[0] + (states_transport ? " 9 " : " 0 ") + words[2] + ' ' + words[3] +
                       "\r\nc=IN IP4 0.0.0.0\r\n";
    if (!mid.empty())
        text += line("mid:" + mid);
    text += line("inactive");
    if (!states_transport)
        return text;
    for (const std::string& map : section.values("rtpmap"))
        if (map.starts_with(words[3] + ' '))
            text += line("rtpmap:" + map);
    for (const std::string& attribute : video.attributes)
        if (is_of_transport(attribute))
            text += line(attribute);
    return text;
}

std::string Offer::answer(const std::string& local, Codec codec) const {
    const Sdp sdp = Sdp::parse(local);
    if (sdp.sections.size() != 1)
        throw std::runtime_error("the answer has no video");
    const SdpSection& video = sdp.sections[0];
    std::string media;
    std::vector<std::string> bundled;
    for (const SdpSection& section : offer_.sections) {
        const std::string mid = section.value("mid").value_or("");
        if (&section == video_) {
            media += "m=" + video.media + "\r\nc=IN IP4 0.0.0.0\r\n";
            // webrtcbin leaves out what it knows better of the stream itself.
            for (const std::string& attribute : video.attributes)
                if (!attribute.starts_with("fmtp:"))
                    media += line(attribute);
            media += fmtp(codec);
            if (const auto number = playout_delay())
                media += line("extmap:" + std::to_string(*number) + ' ' + playout_delay_uri);
        } else {
            media += declined(section, video);
        }
        const bool is_first = !bundle_.empty() && mid == bundle_[0];
        if (!bundle_.empty() && (&section == video_ || (is_first && section.words()[2].ends_with("SAVPF"))))
            bundled.push_back(mid);
    }
    std::string text =
        "v=0\r\no=- " + std::to_string(g_get_real_time()) + " 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    if (!bundled.empty())
        text += line("group:BUNDLE" + joined(bundled));
    return text + media;
}

}  // namespace ndsharray::serve
