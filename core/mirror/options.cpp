// SPDX-License-Identifier: BSD-3-Clause
#include "options.hpp"

#include <ndsharray/tag.hpp>

#include <file_mode.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ndsharray::mirror {
namespace {

constexpr int usage = 2;

std::string check_tag(const std::string& tag) {
    return tag_problem(tag);
}

std::string check_address(const std::string& text) {
    try {
        Address::parse(text);
        return {};
    } catch (const Error& error) {
        return error.what();
    }
}

bool parsed(CLI::App& app, int argc, char** argv, int& exit_code) {
    try {
        app.parse(argc, argv);
        return true;
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : usage;
        return false;
    }
}

int wrong(const std::string& program, const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), what.c_str());
    return usage;
}

}  // namespace

std::string tag_here(const Address& address, const std::string& tag) {
    std::string host = address.host;
    std::replace_if(
        host.begin(), host.end(), [](char c) { return c == ':' || c == '%'; }, '-');
    host.erase(0, host.find_first_not_of('.'));
    return (address.port == Address().port ? host : host + "-" + address.port) + "." + tag;
}

std::optional<ShareCommand> parse_share(int argc, char** argv, int& exit_code) {
    ShareCommand command;
    std::string listen = "127.0.0.1", key_file, keys_to;
    bool open = false;
    CLI::App app("Lets other machines mirror tags of this one.", "ndsh share");
    app.set_version_flag("-V,--version", "ndsh-share " NDSHARRAY_VERSION, "prints the version");
    app.get_formatter()->column_width(28);
    app.add_option("TAG", command.share.tags, "the tags to share")->check(check_tag);
    app.add_flag("--all", command.share.all, "all tags, also those that come later");
    app.add_option("--listen", listen, "the address to listen on (default: 127.0.0.1:7447; port 0: any)")
        ->type_name("HOST:PORT")
        ->check(check_address);
    auto* const keys_made = app.add_option("--make-keys", keys_to,
                                           "makes share.key and mirror.key, in FOLDER or ~/.config/ndsharray")
                                ->type_name("FOLDER")
                                ->expected(0, 1);
    app.add_option("--keys", key_file, "the keys to use (default: ~/.config/ndsharray/share.key)")
        ->type_name("FILE");
    app.add_flag("--open", open, "uses no keys: everybody who reaches the address has access");
    app.add_option("--owner", command.share.owner, "whose tags (default: yours and root's)")
        ->type_name("USER");
    app.footer(
        "Examples:\n"
        "  ndsh share --make-keys\n"
        "  ndsh share cam0 thermal --listen 10.0.0.7:7447");
    if (!parsed(app, argc, argv, exit_code))
        return std::nullopt;
    command.make_keys = keys_made->count() > 0;
    command.key_folder = keys_to.empty() ? key_folder() : keys_to;
    if (command.make_keys)
        return command;
    if (command.share.all == !command.share.tags.empty()) {
        exit_code = wrong("ndsh-share", "name the tags to share, or use --all");
        return std::nullopt;
    }
    command.share.listen = Address::parse(listen);
    if (!open)
        command.share.keys =
            read_share_keys(key_file.empty() ? key_folder() + "/share.key" : key_file, !key_file.empty());
    if (!command.share.keys && !open && !command.share.listen.is_local()) {
        exit_code =
            wrong("ndsh-share",
                  fmt::format("--listen {} lets everybody who reaches this machine read the tags; make keys "
                              "with ndsh share --make-keys, or use --open",
                              listen));
        return std::nullopt;
    }
    return command;
}

std::optional<MirrorCommand> parse_mirror(int argc, char** argv, int& exit_code) {
    MirrorCommand command;
    FollowerOptions common;
    std::vector<std::string> tags;
    std::string address = "127.0.0.1", as, key_file, compression, permissions = "0600";
    double max_rate = 0;
    bool open = false;
    CLI::App app("Mirrors tags of another machine, or lists what it shares.", "ndsh mirror");
    app.set_version_flag("-V,--version", "ndsh-mirror " NDSHARRAY_VERSION, "prints the version");
    app.get_formatter()->column_width(28);
    app.add_option("HOST", address, "the machine that shares (default: 127.0.0.1:7447)")
        ->type_name("HOST:PORT")
        ->check(check_address);
    app.add_option("TAG", tags, "the tags to mirror; none: lists the tags")->check(check_tag);
    app.add_option("--as", as, "the tag here, for one tag (default: HOST.TAG)")
        ->type_name("TAG")
        ->check(check_tag);
    app.add_flag("--every", common.here.every,
                 "each frame once, in order; the writer there waits for readers here");
    app.add_option("--every-nth", common.every_nth, "one frame of N")
        ->type_name("N")
        ->check(CLI::Range(1U, 1'000'000U));
    app.add_option("--max-rate", max_rate, "at most FPS frames a second")
        ->type_name("FPS")
        ->check(CLI::Range(0.001, 1e6));
    app.add_option("--compress", compression, "lossless, for a link that is too small")
        ->type_name("zstd")
        ->check(CLI::IsMember({"zstd"}));
    app.add_option("--max-bytes", common.here.max_bytes, "refuses larger arrays (default: 268435456)")
        ->type_name("BYTES");
    app.add_option("--permissions", permissions, "mode of the tag's files here (default: 0600)")
        ->type_name("MODE")
        ->check(cli::check_mode);
    app.add_option("--interval", command.interval,
                   "seconds between two lines about a tag (default: 10; 0: none)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 1e6));
    app.add_option("--keys", key_file, "the keys to use (default: ~/.config/ndsharray/mirror.key)")
        ->type_name("FILE");
    app.add_flag("--open", open, "uses no keys");
    app.footer(
        "Examples:\n"
        "  ndsh mirror 10.0.0.7:7447\n"
        "  ndsh mirror 10.0.0.7:7447 cam0 --as edge-7.cam0");
    if (!parsed(app, argc, argv, exit_code))
        return std::nullopt;
    command.address = Address::parse(address);
    common.max_millihertz = static_cast<std::uint32_t>(std::lround(max_rate * 1000));
    common.compression = compression.empty() ? Compression::None : Compression::Zstd;
    common.here.permissions = static_cast<unsigned>(std::stoul(permissions, nullptr, 8));
    if (!as.empty() && tags.size() != 1) {
        exit_code = wrong("ndsh-mirror", "--as is for one tag");
        return std::nullopt;
    }
    for (const std::string& tag : tags) {
        FollowerOptions follower = common;
        follower.tag = tag;
        follower.here.tag = as.empty() ? tag_here(command.address, tag) : as;
        if (const std::string problem = tag_problem(follower.here.tag); !problem.empty()) {
            exit_code = wrong("ndsh-mirror", problem + "; choose another with --as");
            return std::nullopt;
        }
        command.tags.push_back(std::move(follower));
    }
    if (!open)
        command.keys =
            read_mirror_keys(key_file.empty() ? key_folder() + "/mirror.key" : key_file, !key_file.empty());
    return command;
}

}  // namespace ndsharray::mirror
