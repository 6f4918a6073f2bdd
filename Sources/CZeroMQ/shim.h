#pragma once
#include <zmq.h>

/* zmq_msg_t is a union Swift imports without a usable initialiser of its own: these keep it in C. */
static inline int shim_zmq_receive_frame(void *socket, zmq_msg_t *frame, int flags) {
    if (zmq_msg_init(frame) != 0) return -1;
    int size = zmq_msg_recv(frame, socket, flags);
    if (size < 0) {
        int failure = zmq_errno();
        zmq_msg_close(frame);
        errno = failure;
    }
    return size;
}

/* zmq_setsockopt takes an untyped pointer and a size; these two fix the type, so neither can be wrong in Swift. */
static inline int shim_zmq_set_integer(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static inline int shim_zmq_set_long(void *socket, int option, int64_t value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* zmq_poll's item has a field named socket next to a platform-dependent file descriptor type. */
static inline int shim_zmq_wait(void *socket, short events, long timeout_milliseconds) {
    zmq_pollitem_t item = {socket, 0, events, 0};
    return zmq_poll(&item, 1, timeout_milliseconds);
}
