#pragma once
#include <malloc.h>

/* Swift's module of the C library leaves this header out. */
static inline int shim_malloc_trim(void) { return malloc_trim(0); }
