#pragma once
#include <png.h>

/* Swift imports the message, a char[64], as a tuple of 64 values: this hands it out as a C string. */
static inline const char *shim_png_message(const png_image *image) { return image->message; }
