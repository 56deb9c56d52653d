// SPDX-License-Identifier: BSD-3-Clause
// Who may ask for what: the password, the page that asks, and the headers that tell browsers so. One place
// for HTTP and RTSP.
#include "serve/guard.hpp"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "owned.hpp"

namespace ndsharray::serve {
namespace {

/// A session description has a few kilobytes.
constexpr goffset most_body = 64 * 1024;

constexpr const char* realm = "ndsh serve";

/// Whom guard() lets see media over RTSP.
constexpr const char* viewer_role = "viewer";

constexpr const char* content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' "
    "blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void add_headers(SoupMessageHeaders* headers, bool is_trustworthy) {
    soup_message_headers_replace(headers, "Content-Security-Policy", content_policy);
    soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
    soup_message_headers_replace(headers, "X-Frame-Options", "DENY");
    soup_message_headers_replace(headers, "Referrer-Policy", "no-referrer");
    soup_message_headers_replace(headers, "Cross-Origin-Resource-Policy", "same-origin");
    soup_message_headers_replace(headers, "Cache-Control", "no-store");
    // libsoup keeps no connection that it did not accept itself.
    soup_message_headers_replace(headers, "Connection", "close");
    if (is_trustworthy)  // else browsers ignore it, and say that it is a mistake
        soup_message_headers_replace(headers, "Cross-Origin-Opener-Policy", "same-origin");
}

std::string_view header(SoupMessageHeaders* headers, const char* name) {
    const char* value = soup_message_headers_get_one(headers, name);
    return value != nullptr ? value : std::string_view();
}

/// The one Host; empty where there is none, or a second.
std::string_view host_of(SoupMessageHeaders* headers) {
    const char* all = soup_message_headers_get_list(headers, "Host");
    return all != nullptr && std::strchr(all, ',') == nullptr ? all : std::string_view();
}

/// A page of another host whose name was made to lead here has that name in Host. Only a server that just
/// this machine reaches knows what it is called.
bool is_own_name(std::string_view host) {
    const std::string name(without_port(host));
    if (name == "localhost" || name == "[::1]")
        return true;
    // As a number: 127.example.org is a name as any other.
    GInetAddress* address = g_inet_address_new_from_string(name.c_str());
    const bool is_loopback = address != nullptr && g_inet_address_get_is_loopback(address) != FALSE;
    g_clear_object(&address);
    return is_loopback;
}

bool is_same_origin(SoupMessageHeaders* headers, std::string_view host) {
    const std::string_view origin = header(headers, "Origin");
    if (!origin.empty() && origin != "http://" + std::string(host) &&
        origin != "https://" + std::string(host))
        return false;
    const std::string_view site = header(headers, "Sec-Fetch-Site");
    const bool foreign = site == "cross-site" || site == "same-site";
    return !foreign || header(headers, "Sec-Fetch-Mode") == "navigate";
}

void refuse(SoupServerMessage* message, unsigned status) {
    soup_server_message_set_status(message, status, nullptr);
}

struct Credentials {
    std::string user, password;
};

gboolean is_known(SoupAuthDomain*, SoupServerMessage*, const char* user, const char* password,
                  gpointer data) {
    const auto* known = static_cast<const Credentials*>(data);
    const bool same_user = same_secret(known->user, user);
    const bool same_password = same_secret(known->password, password);
    return same_user && same_password;
}

/// What is asked of each request over HTTP. libsoup runs no early handler where it asks for the password
/// itself.
struct Rules {
    explicit Rules(const Options& options) : is_local(options.is_local()), has_tls(options.has_tls()) {
        if (options.user.empty())
            return;
        password.reset(G_OBJECT(soup_auth_domain_basic_new("realm", realm, nullptr)));
        soup_auth_domain_basic_set_auth_callback(
            SOUP_AUTH_DOMAIN(password.get()), is_known,
            std::make_unique<Credentials>(Credentials{options.user, options.password}).release(),
            [](gpointer known) { delete static_cast<Credentials*>(known); });
    }

    bool lets_in(SoupServerMessage* message) const {
        if (!password)
            return true;
        gchar* user = soup_auth_domain_accepts(SOUP_AUTH_DOMAIN(password.get()), message);
        const bool is_let_in = user != nullptr;
        g_free(user);
        return is_let_in;
    }

    bool is_local;
    bool has_tls;
    gst::Owned<GObject> password;
};

void look_at(SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer data) {
    const auto* rules = static_cast<const Rules*>(data);
    add_headers(soup_server_message_get_response_headers(message), rules->is_local || rules->has_tls);
    SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
    const std::string_view host = host_of(headers);
    if (host.empty() || (rules->is_local && !is_own_name(host)) || !is_same_origin(headers, host))
        return refuse(message, SOUP_STATUS_FORBIDDEN);
    const SoupEncoding encoding = soup_message_headers_get_encoding(headers);
    if (encoding == SOUP_ENCODING_CHUNKED || encoding == SOUP_ENCODING_EOF)
        return refuse(message, SOUP_STATUS_LENGTH_REQUIRED);
    if (encoding == SOUP_ENCODING_CONTENT_LENGTH &&
        soup_message_headers_get_content_length(headers) > most_body)
        return refuse(message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE);
    if (!rules->lets_in(message))
        soup_auth_domain_challenge(SOUP_AUTH_DOMAIN(rules->password.get()), message);
}

/// Asks for the password at each request but OPTIONS, which says nothing of a tag, and not only where it
/// turned out that there is such a tag.
struct Auth {
    GstRTSPAuth parent;
    GstRTSPMediaFactory* any;  // which viewers may see
};

struct AuthClass {
    GstRTSPAuthClass parent;
};

G_DEFINE_TYPE(Auth, ndsh_rtsp_auth, GST_TYPE_RTSP_AUTH)

gboolean check(GstRTSPAuth* auth, GstRTSPContext* context, const gchar* what) {
    const auto check_parent = GST_RTSP_AUTH_CLASS(ndsh_rtsp_auth_parent_class)->check;
    if (g_str_equal(what, GST_RTSP_AUTH_CHECK_URL) && context->method != GST_RTSP_OPTIONS) {
        context->factory = reinterpret_cast<Auth*>(auth)->any;
        const gboolean is_known = check_parent(auth, context, GST_RTSP_AUTH_CHECK_MEDIA_FACTORY_ACCESS);
        context->factory = nullptr;
        if (!is_known)
            return FALSE;
    }
    return check_parent(auth, context, what);
}

void dispose(GObject* auth) {
    g_clear_object(&reinterpret_cast<Auth*>(auth)->any);
    G_OBJECT_CLASS(ndsh_rtsp_auth_parent_class)->dispose(auth);
}

void ndsh_rtsp_auth_class_init(AuthClass* type) {
    G_OBJECT_CLASS(type)->dispose = dispose;
    type->parent.check = check;
}

void ndsh_rtsp_auth_init(Auth* auth) {
    auth->any = gst_rtsp_media_factory_new();
    allow_viewers(auth->any);
}

}  // namespace

std::string_view without_port(std::string_view host) {
    if (host.starts_with('['))
        return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

bool same_secret(const std::string& one, const std::string& other) {
    unsigned difference = one.size() != other.size() ? 1 : 0;
    for (std::size_t i = 0; i < other.size(); ++i)
        difference |= static_cast<unsigned char>(one[one.empty() ? 0 : i % one.size()]) ^
                      static_cast<unsigned char>(other[i]);
    return difference == 0;
}

void guard(SoupServer* server, const Options& options) {
    soup_server_add_early_handler(server, nullptr, look_at, std::make_unique<Rules>(options).release(),
                                  [](gpointer rules) { delete static_cast<Rules*>(rules); });
}

GTlsCertificate* certificate_of(const Options& options) {
    if (!options.has_tls())
        return nullptr;
    GError* error = nullptr;
    GTlsCertificate* certificate =
        g_tls_certificate_new_from_files(options.certificate.c_str(), options.key.c_str(), &error);
    if (certificate == nullptr) {
        const std::string sentence = std::string("cannot use the certificate: ") + error->message;
        g_error_free(error);
        throw std::runtime_error(sentence);
    }
    return certificate;
}

void guard(GstRTSPServer* server, const Options& options) {
    GTlsCertificate* certificate = certificate_of(options);
    auto* auth = GST_RTSP_AUTH(g_object_new(ndsh_rtsp_auth_get_type(), nullptr));
    gst_rtsp_auth_set_realm(auth, realm);
    // It has no permission to choose where packets go.
    GstRTSPToken* viewer =
        gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, viewer_role, nullptr);
    if (options.user.empty()) {
        gst_rtsp_auth_set_default_token(auth, viewer);
    } else {
        gst_rtsp_auth_set_supported_methods(
            auth, static_cast<GstRTSPAuthMethod>(GST_RTSP_AUTH_DIGEST | GST_RTSP_AUTH_BASIC));
        gst_rtsp_auth_add_digest(auth, options.user.c_str(), options.password.c_str(), viewer);
        gchar* basic = gst_rtsp_auth_make_basic(options.user.c_str(), options.password.c_str());
        gst_rtsp_auth_add_basic(auth, basic, viewer);
        g_free(basic);
    }
    gst_rtsp_token_unref(viewer);
    if (certificate != nullptr)
        gst_rtsp_auth_set_tls_certificate(auth, certificate);
    g_clear_object(&certificate);
    gst_rtsp_server_set_auth(server, auth);
    g_object_unref(auth);
}

void allow_viewers(GstRTSPMediaFactory* factory) {
    gst_rtsp_media_factory_add_role(factory, viewer_role, GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN,
                                    TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE,
                                    nullptr);
}

}  // namespace ndsharray::serve
