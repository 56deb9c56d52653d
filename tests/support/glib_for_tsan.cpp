// SPDX-License-Identifier: BSD-3-Clause
// Tells the thread sanitizer what GLib's and GStreamer's locks and reference counts order. It knows what it has
// compiled or intercepted; these libraries' are futexes and atomic operations of their own, in code that it has
// not compiled. To be preloaded.
#include <glib-object.h>
#include <gst/gst.h>

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

/// The function of this name that ours hides.
template <typename Function>
Function* hidden(Function*, const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// A count that goes up or down is a read-modify-write in sequentially consistent order.
void count(void* object) noexcept {
    if (object == nullptr)
        return;
    __tsan_acquire(object);
    __tsan_release(object);
}

}  // namespace

#define HIDDEN(name) \
    static auto* const real = hidden(&name, #name)

extern "C" {

#undef g_object_ref
#undef g_object_unref
#undef g_once_init_leave
#undef gst_mini_object_ref

void g_mutex_lock(GMutex* mutex) {
    HIDDEN(g_mutex_lock);
    real(mutex);
    __tsan_acquire(mutex);
}

gboolean g_mutex_trylock(GMutex* mutex) {
    HIDDEN(g_mutex_trylock);
    const gboolean locked = real(mutex);
    if (locked)
        __tsan_acquire(mutex);
    return locked;
}

void g_mutex_unlock(GMutex* mutex) {
    HIDDEN(g_mutex_unlock);
    __tsan_release(mutex);
    real(mutex);
}

void g_cond_wait(GCond* condition, GMutex* mutex) {
    HIDDEN(g_cond_wait);
    __tsan_release(mutex);
    real(condition, mutex);
    __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond* condition, GMutex* mutex, gint64 end_time) {
    HIDDEN(g_cond_wait_until);
    __tsan_release(mutex);
    const gboolean signalled = real(condition, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}

void g_once_init_leave(volatile void* location, gsize result) {
    HIDDEN(g_once_init_leave);
    __tsan_release(const_cast<void*>(location));
    real(location, result);
}

gpointer g_object_ref(gpointer object) {
    HIDDEN(g_object_ref);
    count(object);
    return real(object);
}

void g_object_unref(gpointer object) {
    HIDDEN(g_object_unref);
    count(object);
    real(object);
}

gpointer gst_object_ref(gpointer object) {
    HIDDEN(gst_object_ref);
    count(object);
    return real(object);
}

void gst_object_unref(gpointer object) {
    HIDDEN(gst_object_unref);
    count(object);
    real(object);
}

GstMiniObject* gst_mini_object_ref(GstMiniObject* object) {
    HIDDEN(gst_mini_object_ref);
    count(object);
    return real(object);
}

void gst_mini_object_unref(GstMiniObject* object) {
    HIDDEN(gst_mini_object_unref);
    count(object);
    real(object);
}

}  // extern "C"
