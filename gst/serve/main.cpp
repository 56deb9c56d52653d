// SPDX-License-Identifier: BSD-3-Clause
// ndsh-serve: shows every live tag to browsers and players.
#include <glib-unix.h>
#include <gst/gst.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <optional>

#include "serve/encoded_tag.hpp"
#include "serve/options.hpp"
#include "serve/rtsp_server.hpp"
#include "serve/site.hpp"
#include "serve/tag_list.hpp"
#include "source/ndshsrc.hpp"

namespace {

using namespace ndsharray::serve;

gboolean quit(gpointer loop) {
    g_main_loop_quit(static_cast<GMainLoop*>(loop));
    return G_SOURCE_CONTINUE;
}

struct UnrefLoop {
    void operator()(GMainLoop* loop) const { g_main_loop_unref(loop); }
};

/// Where no encoder works there is all but RTSP and WHEP, unless it was asked for by name.
std::unique_ptr<EncodedTags> encoded_tags(const Options& options) {
    try {
        return std::make_unique<EncodedTags>(Encoder(options.encoder), options.encoder, options.owner);
    } catch (const std::exception& error) {
        if (!options.encoder.element.empty())
            throw;
        std::fprintf(stderr, "ndsh-serve: no RTSP and no WHEP: %s\n", error.what());
        return nullptr;
    }
}

int run(const Options& options) {
    const std::unique_ptr<GMainLoop, UnrefLoop> loop(g_main_loop_new(nullptr, FALSE));
    g_unix_signal_add(SIGINT, quit, loop.get());
    g_unix_signal_add(SIGTERM, quit, loop.get());
    const auto tags = encoded_tags(options);
    std::unique_ptr<RtspServer> rtsp;
    if (tags && !options.no_rtsp)
        rtsp = std::make_unique<RtspServer>(options, *tags);
    Site site(options, tags.get(), rtsp.get());
    std::printf("%s\n", site.address().c_str());
    if (rtsp)
        std::printf("%sTAG\n", rtsp->address().c_str());
    if (!options.is_local() && options.open)
        std::printf("open: everybody who reaches this machine sees every tag\n");
    std::fflush(stdout);
    tell_obstacle();
    g_main_loop_run(loop.get());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    int exit_code = 0;
    const auto options = parse(argc, argv, exit_code);
    if (!options)
        return exit_code;
    gst_init(nullptr, nullptr);
    // Its own, wherever the plugin is.
    ndsharray::gst::gst_element_register_ndshsrc(nullptr);
    try {
        return run(*options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ndsh-serve: %s\n", error.what());
        return 1;
    }
}
