#pragma once
#include <sys/prctl.h>

/* prctl takes a variable number of arguments, which Swift cannot call. */
static inline int shim_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
