// SPDX-License-Identifier: BSD-3-Clause
// Finds out whether a pipeline reads the tag that it writes.
#include "sink/loopback.hpp"

#include "owned.hpp"
#include "value.hpp"

namespace ndsharray::gst {

bool is_read_in_pipeline_of(GstElement* element, const std::string& tag) {
    Owned<GstObject> top(GST_OBJECT(gst_object_ref(element)));
    while (GstObject* parent = gst_object_get_parent(top.get())) {
        top.reset(parent);
    }
    if (!GST_IS_BIN(top.get())) {
        return false;
    }
    const auto reads_tag = [](gconstpointer item, gconstpointer wanted) -> gint {
        const auto* value = static_cast<const GValue*>(item);
        gchar* found = nullptr;
        g_object_get(g_value_get_object(value), "tag", &found, nullptr);
        const Owned<char> owned(found);
        return g_strcmp0(found, static_cast<const char*>(wanted));
    };
    GstIterator* sources = gst_bin_iterate_all_by_element_factory_name(GST_BIN(top.get()), "ndshsrc");
    Value match;
    const bool found =
        gst_iterator_find_custom(sources, reads_tag, match.get(), const_cast<char*>(tag.c_str()));
    gst_iterator_free(sources);
    return found;
}

}  // namespace ndsharray::gst
