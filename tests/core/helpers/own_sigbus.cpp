// SPDX-License-Identifier: BSD-3-Clause
// Tests are about SIGBUS: a sanitizer leaves the signal alone.

extern "C" const char* __asan_default_options() {
    return "handle_sigbus=0";
}
extern "C" const char* __tsan_default_options() {
    return "handle_sigbus=0";
}
