// SPDX-License-Identifier: BSD-3-Clause
// URIs of tags, such as ndsh://cam0?mode=every: parsing them, setting an element by one, and making one.
#include "source/tag_uri.hpp"

#include <ndsharray/tag.hpp>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "owned.hpp"
#include "value.hpp"

namespace ndsharray::gst {
namespace {

struct FreeGLib {
    void operator()(GUri* uri) const noexcept { g_uri_unref(uri); }
    void operator()(GError* error) const noexcept { g_error_free(error); }
    void operator()(GParamSpec** specs) const noexcept { g_free(specs); }
};

template <class T>
using OwnedGLib = std::unique_ptr<T, FreeGLib>;

constexpr const char* form = "; the form is ndsh://TAG or ndsh://TAG?mode=every&on-disconnect=eos";

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

// --------------------------------------------------------------------------------------------- reading it

OwnedGLib<GUri> parsed(const std::string& uri) {
    GError* error = nullptr;
    constexpr auto flags = static_cast<GUriFlags>(G_URI_FLAGS_NON_DNS | G_URI_FLAGS_ENCODED_QUERY);
    OwnedGLib<GUri> result(g_uri_parse(uri.c_str(), flags, &error));
    if (!result) {
        const OwnedGLib<GError> owned(error);
        throw UriProblem(in_quotes(uri) + " is not a URI: " + error->message + form);
    }
    return result;
}

std::string text_or_empty(const char* text) {
    return text ? text : "";
}

std::string tag_of(GUri* uri, const std::string& given) {
    if (!g_uri_get_host(uri)) {  // ndsh:cam0
        throw UriProblem("The URI " + in_quotes(given) + " has no // before the tag" + form);
    }
    const std::string host = g_uri_get_host(uri);
    const std::string path = g_uri_get_path(uri);
    if (g_uri_get_userinfo(uri) || g_uri_get_port(uri) != -1 || g_uri_get_fragment(uri) ||
        (!host.empty() && !path.empty() && path != "/")) {
        throw UriProblem("The URI " + in_quotes(given) +
                         " has more than a tag and settings: no user, port, path or fragment is known" +
                         form);
    }
    const std::string tag = host.empty() && !path.empty() ? path.substr(1) : host;
    if (const std::string problem = tag_problem(tag); !problem.empty()) {
        throw UriProblem("In the URI " + in_quotes(given) + " " + problem + form);
    }
    return tag;
}

std::map<std::string, std::string> settings_of(const std::string& query) {
    std::map<std::string, std::string> settings;
    GUriParamsIter iterator;
    g_uri_params_iter_init(&iterator, query.c_str(), -1, "&", G_URI_PARAMS_NONE);
    char *attribute = nullptr, *text = nullptr;
    GError* error = nullptr;
    while (g_uri_params_iter_next(&iterator, &attribute, &text, &error)) {
        const Owned<char> key(attribute), value(text);
        if (!settings.emplace(key.get(), value.get()).second) {
            throw UriProblem(in_quotes(key.get()) + " occurs twice in the URI" + form);
        }
    }
    if (error) {
        const OwnedGLib<GError> owned(error);
        throw UriProblem("The part after the ? in the URI cannot be read: " + std::string(error->message) +
                         form);
    }
    return settings;
}

// ------------------------------------------------------------------------------------------- properties

/// The properties that a URI may set: those of the element's own class, without the tag.
std::vector<GParamSpec*> settable(GObject* element) {
    guint count = 0;
    const OwnedGLib<GParamSpec*> specs(g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count));
    std::vector<GParamSpec*> result;
    for (GParamSpec** spec = specs.get(); spec != specs.get() + count; ++spec) {
        const bool is_own = (*spec)->owner_type == G_OBJECT_TYPE(element);
        if (is_own && ((*spec)->flags & G_PARAM_WRITABLE) && std::string_view((*spec)->name) != "tag") {
            result.push_back(*spec);
        }
    }
    return result;
}

GParamSpec* spec_of(GObject* element, const std::string& key) {
    std::string names;
    for (GParamSpec* spec : settable(element)) {
        if (key == spec->name) {
            return spec;
        }
        names += (names.empty() ? "" : ", ") + std::string(spec->name);
    }
    throw UriProblem(in_quotes(key) + " is not a setting of a URI; the settings are: " + names);
}

/// Completes "the value is ...".
std::string allowed_values(GParamSpec* spec) {
    if (G_IS_PARAM_SPEC_ENUM(spec)) {
        const GEnumClass* choices = G_PARAM_SPEC_ENUM(spec)->enum_class;
        std::string nicks = "one of ";
        for (guint i = 0; i < choices->n_values; ++i) {
            nicks += (i == 0 ? "" : ", ") + std::string(choices->values[i].value_nick);
        }
        return nicks;
    }
    const std::string about = std::string(" (") + g_param_spec_get_blurb(spec) + ")";
    if (G_IS_PARAM_SPEC_UINT64(spec)) {
        return "a whole number from " + std::to_string(G_PARAM_SPEC_UINT64(spec)->minimum) + " to " +
               std::to_string(G_PARAM_SPEC_UINT64(spec)->maximum) + about;
    }
    if (G_IS_PARAM_SPEC_UINT(spec)) {
        return "a whole number from " + std::to_string(G_PARAM_SPEC_UINT(spec)->minimum) + " to " +
               std::to_string(G_PARAM_SPEC_UINT(spec)->maximum) + about;
    }
    return std::string("a ") + g_type_name(spec->value_type) + about;
}

/// \throws UriProblem if the text is not such a value, or the value is out of range.
Value value_of(GParamSpec* spec, const std::string& text) {
    Value value(spec->value_type);
    if (G_IS_PARAM_SPEC_STRING(spec)) {
        g_value_set_string(value.get(), text.empty() ? nullptr : text.c_str());
        return value;
    }
    if (text.empty() || !gst_value_deserialize(value.get(), text.c_str()) ||
        g_param_value_validate(spec, value.get())) {
        throw UriProblem(in_quotes(text) + " is not a value of " + spec->name + ", which is " +
                         allowed_values(spec));
    }
    return value;
}

std::string text_of(const GValue* value) {
    if (G_VALUE_HOLDS_STRING(value)) {
        return text_or_empty(g_value_get_string(value));
    }
    if (GST_VALUE_HOLDS_CAPS(value)) {
        return to_string(gst_value_get_caps(value)).get();  // gst_value_serialize() would put them in quotes
    }
    const Owned<char> text(gst_value_serialize(value));
    return text_or_empty(text.get());
}

/// Escapes the characters that end a value or have another meaning.
std::string escaped(const std::string& text) {
    const Owned<char> result(g_uri_escape_string(text.c_str(), "/,:;=()@!$*'", FALSE));
    return result.get();
}

}  // namespace

TagUri TagUri::parse(const std::string& uri) {
    const OwnedGLib<GUri> parts = parsed(uri);
    if (std::string_view(g_uri_get_scheme(parts.get())) != uri_scheme) {
        throw UriProblem(in_quotes(uri) + " is not a URI of a tag" + form);
    }
    return {tag_of(parts.get(), uri), settings_of(text_or_empty(g_uri_get_query(parts.get())))};
}

void set_from_uri(GObject* element, const TagUri& uri) {
    std::vector<std::pair<const char*, Value>> values;
    for (const auto& [key, text] : uri.settings) {
        GParamSpec* spec = spec_of(element, key);
        values.emplace_back(spec->name, value_of(spec, text));
    }
    for (auto& [name, value] : values) {
        g_object_set_property(element, name, value.get());
    }
    g_object_set(element, "tag", uri.tag.c_str(), nullptr);
}

std::string uri_of(GObject* element) {
    Value tag(G_TYPE_STRING);
    g_object_get_property(element, "tag", tag.get());
    std::string uri = text_of(tag.get());
    if (uri.empty()) {
        return uri;
    }
    uri = std::string(uri_scheme) + "://" + escaped(uri);
    char separator = '?';
    for (GParamSpec* spec : settable(element)) {
        Value value(spec->value_type);
        g_object_get_property(element, spec->name, value.get());
        if (!g_param_value_defaults(spec, value.get())) {
            uri += separator + std::string(spec->name) + "=" + escaped(text_of(value.get()));
            separator = '&';
        }
    }
    return uri;
}

}  // namespace ndsharray::gst
