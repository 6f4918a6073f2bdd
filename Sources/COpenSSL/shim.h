#pragma once
#include <openssl/evp.h>

/* No shims: every name used from here is a function. */
