#pragma once
#include <zmq.h>
#include <sys/eventfd.h>

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

/* zmq_poll's item has a field named socket next to a platform-dependent file descriptor type. Waits for the socket's
   events, and for the descriptor to be readable unless it is negative; returns 1 if the socket is ready, plus 2 if the
   descriptor is, 0 when time is up, -1 on failure. */
static inline int shim_zmq_wait(void *socket, short events, int descriptor, long timeout_milliseconds) {
    zmq_pollitem_t items[2] = {{socket, 0, events, 0}, {NULL, descriptor, ZMQ_POLLIN, 0}};
    if (zmq_poll(items, descriptor < 0 ? 1 : 2, timeout_milliseconds) < 0) return -1;
    return (items[0].revents != 0) + 2 * (items[1].revents != 0);
}
