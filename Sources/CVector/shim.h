#pragma once
#include <stdint.h>

/* Vector operations of the compiler that Swift's SIMD types have no spelling for, or spell as a call per lane. Each is one
   or two instructions where the target has them, and the same value by other ones where it has not. */
typedef float shim_float16 __attribute__((ext_vector_type(16)));
typedef uint16_t shim_uint16x16 __attribute__((ext_vector_type(16)));
typedef uint32_t shim_uint32x16 __attribute__((ext_vector_type(16)));

/* a * b + c, rounded once. */
static inline __attribute__((always_inline)) shim_float16 shim_fused_multiply_add(
    shim_float16 a, shim_float16 b, shim_float16 c) {
    return __builtin_elementwise_fma(a, b, c);
}

/* Sixteen bfloat16 as floats. */
static inline __attribute__((always_inline)) shim_float16 shim_bfloat16_to_float(shim_uint16x16 bits) {
    return (shim_float16)(__builtin_convertvector(bits, shim_uint32x16) << 16);
}

/* Sixteen floats as bfloat16, rounded to nearest even. Half of the last place kept, less one where that place is even: the
   carry rounds. What an operation returns for "not a number" has an empty lower half, so no carry leaves it. */
static inline __attribute__((always_inline)) shim_uint16x16 shim_float_to_bfloat16(shim_float16 value) {
    shim_uint32x16 bits = (shim_uint32x16)value;
    return __builtin_convertvector((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, shim_uint16x16);
}

/* How many vectors of sixteen floats the processor's registers hold: AVX-512 has 32 registers of one, AVX2 16 of half a
   one. */
static inline __attribute__((always_inline)) int shim_vectors_in_registers(void) {
#ifdef __AVX512F__
    return 32;
#else
    return 8;
#endif
}
