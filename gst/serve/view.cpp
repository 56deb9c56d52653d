// SPDX-License-Identifier: BSD-3-Clause
// How somebody wants to look at an array: what the query of a URL says.
#include "serve/view.hpp"

#include <glib.h>

#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace ndsharray::serve {
namespace {

/// As many as an array may have dimensions.
constexpr std::size_t most_indices = 32;

using Query = std::map<std::string, std::string, std::less<>>;

Query parse_query(const char* query) {
    Query found;
    if (query == nullptr)
        return found;
    GUriParamsIter iterator;
    g_uri_params_iter_init(&iterator, query, -1, "&", G_URI_PARAMS_NONE);
    gchar* key = nullptr;
    gchar* value = nullptr;
    GError* error = nullptr;
    while (g_uri_params_iter_next(&iterator, &key, &value, &error)) {
        found.insert_or_assign(key, value);
        g_free(key);
        g_free(value);
    }
    if (error != nullptr) {
        g_error_free(error);
        throw std::invalid_argument("the query is damaged");
    }
    return found;
}

template <class Number>
Number number(std::string_view key, std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument(std::string(key) + " needs a number");
    return value;
}

template <class Choice>
Choice choice(std::string_view key, std::string_view text,
              const std::map<std::string_view, Choice>& choices) {
    const auto found = choices.find(text);
    if (found != choices.end())
        return found->second;
    std::string sentence(key);
    sentence.append(" is one of");
    for (const auto& [name, value] : choices)
        sentence.append(" ").append(name);
    throw std::invalid_argument(sentence);
}

double percentile(std::string_view key, std::string_view text) {
    const auto value = number<double>(key, text);
    if (!(value >= 0 && value <= 100))
        throw std::invalid_argument(std::string(key) + " is a percentile, from 0 to 100");
    return value;
}

unsigned bounded(std::string_view key, std::string_view text, unsigned least, unsigned most) {
    const auto value = number<unsigned>(key, text);
    if (value < least || value > most)
        throw std::invalid_argument(std::string(key) + " is from " + std::to_string(least) + " to " +
                                    std::to_string(most));
    return value;
}

std::vector<std::uint64_t> indices(std::string_view text) {
    std::vector<std::uint64_t> found;
    while (!text.empty()) {
        const auto comma = text.find(',');
        found.push_back(number<std::uint64_t>("index", text.substr(0, comma)));
        if (found.size() > most_indices)
            throw std::invalid_argument("index has too many numbers");
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return found;
}

void set(View& view, std::string_view key, std::string_view text) {
    if (key == "index")
        view.index = indices(text);
    else if (key == "low")
        view.low = percentile(key, text);
    else if (key == "high")
        view.high = percentile(key, text);
    else if (key == "map")
        view.map = choice<ColourMap>(key, text,
                                     {{"gray", ColourMap::Gray},
                                      {"viridis", ColourMap::Viridis},
                                      {"inferno", ColourMap::Inferno},
                                      {"turbo", ColourMap::Turbo}});
    else if (key == "bayer")
        view.bayer = choice<Bayer>(key, text,
                                   {{"auto", Bayer::Auto},
                                    {"none", Bayer::None},
                                    {"rggb", Bayer::Rggb},
                                    {"bggr", Bayer::Bggr},
                                    {"grbg", Bayer::Grbg},
                                    {"gbrg", Bayer::Gbrg}});
    else if (key == "channels")
        view.channels = choice<Channels>(key, text,
                                         {{"auto", Channels::Auto},
                                          {"none", Channels::None},
                                          {"first", Channels::First},
                                          {"last", Channels::Last}});
    else if (key == "width")
        view.width = bounded(key, text, 1, 16384);
    else if (key == "quality")
        view.quality = bounded(key, text, 1, 100);
    else if (key == "fps")
        view.fps = bounded(key, text, 1, 240);
}

}  // namespace

View view_of(const char* query) {
    View view;
    for (const auto& [key, text] : parse_query(query))
        set(view, key, text);
    return view;
}

std::optional<std::uint64_t> number_in(const char* query, const char* key) {
    const Query all = parse_query(query);
    const auto found = all.find(key);
    if (found == all.end())
        return std::nullopt;
    return number<std::uint64_t>(key, found->second);
}

}  // namespace ndsharray::serve
