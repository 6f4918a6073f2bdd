#pragma once
#include <zlib.h>

/* inflateInit2 is a macro that adds the version and the size of the structure; Swift does not see such macros. */
static inline int shim_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, MAX_WBITS + 16); }
