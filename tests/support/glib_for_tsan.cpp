// SPDX-License-Identifier: BSD-3-Clause
// Tells the thread sanitizer what GLib's and GStreamer's locks and reference counts order. It knows what it
// has compiled or intercepted; these libraries' are futexes and atomic operations of their own, in code that
// it has not compiled. To be preloaded.
#include <glib-object.h>
#include <gst/gst.h>

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <initializer_list>

/// Of the sanitizer's runtime; GCC comes without the header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*after_malloc)(const volatile void*, size_t),
                                                         void (*before_free)(const volatile void*));

namespace {

/// The function of this name that ours hides. Programs that load the libraries only when they run, like
/// Python, keep them to themselves.
template <typename Function>
Function* hidden(Function*, const char* name) noexcept {
    void* found = ::dlsym(RTLD_NEXT, name);
    for (const char* library : {"libglib-2.0.so.0", "libgobject-2.0.so.0", "libgstreamer-1.0.so.0"}) {
        if (found != nullptr)
            break;
        if (void* const loaded = ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD))
            found = ::dlsym(loaded, name);
    }
    return reinterpret_cast<Function*>(found);
}

/// A count that goes up or down is a read-modify-write in sequentially consistent order.
void count(void* object) noexcept {
    if (object == nullptr)
        return;
    __tsan_acquire(object);
    __tsan_release(object);
}

int names;  // stands for GLib's table of them

/// A pool's function, with what pushing the task has released.
struct PoolFunction {
    GFunc function;
    gpointer user_data;
};

/// \param pool_function a PoolFunction
void run_task(gpointer data, gpointer pool_function) {
    __tsan_acquire(data);
    const auto& [function, user_data] = *static_cast<PoolFunction*>(pool_function);
    function(data, user_data);
}

/// The last reference is often dropped within the library, where it does not pass us. What is freed has none
/// left.
[[gnu::constructor]] void order_frees_after_counts() noexcept {
    __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, size_t) {},
        [](const volatile void* block) { __tsan_acquire(const_cast<void*>(block)); });
}

}  // namespace

#define HIDDEN(name) static auto* const real = hidden(&name, #name)

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

/// Pools last as long as the program, near enough: what is allocated here is not freed.
GThreadPool* g_thread_pool_new(GFunc function, gpointer user_data, gint most, gboolean exclusive,
                               GError** error) {
    HIDDEN(g_thread_pool_new);
    return real(run_task, new PoolFunction{function, user_data}, most, exclusive, error);
}

gboolean g_thread_pool_push(GThreadPool* pool, gpointer data, GError** error) {
    HIDDEN(g_thread_pool_push);
    __tsan_release(data);
    return real(pool, data, error);
}

GMainContext* g_main_context_ref(GMainContext* context) {
    HIDDEN(g_main_context_ref);
    count(context);
    return real(context);
}

void g_main_context_unref(GMainContext* context) {
    HIDDEN(g_main_context_unref);
    count(context);
    real(context);
}

/// The table of all names has a lock of the library's own.
GQuark g_quark_from_string(const gchar* name) {
    HIDDEN(g_quark_from_string);
    count(&names);
    const GQuark quark = real(name);
    count(&names);
    return quark;
}

const gchar* g_intern_string(const gchar* name) {
    HIDDEN(g_intern_string);
    count(&names);
    const gchar* interned = real(name);
    count(&names);
    return interned;
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
