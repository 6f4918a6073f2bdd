#pragma once
#include <stdint.h>

/* libgomp's entry point for a parallel region. GCC emits calls to it and ships no header for it. */
void GOMP_parallel(void (*function)(void *), void *data, unsigned thread_count, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);
void omp_set_num_threads(int count);

/* The instruction sets the compiler was allowed to use are predefined macros, which Swift cannot see. */
static inline int32_t shim_built_for_avx2(void) {
#ifdef __AVX2__
    return 1;
#else
    return 0;
#endif
}
static inline int32_t shim_built_for_fma(void) {
#ifdef __FMA__
    return 1;
#else
    return 0;
#endif
}
static inline int32_t shim_built_for_avx512(void) {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
    return 1;
#else
    return 0;
#endif
}

/* __builtin_cpu_supports takes a string literal and is not imported as a function. */
#if defined(__x86_64__)
static inline int32_t shim_cpu_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
static inline int32_t shim_cpu_has_fma(void) { return __builtin_cpu_supports("fma") != 0; }
static inline int32_t shim_cpu_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
static inline int32_t shim_cpu_has_avx512_bf16(void) { return __builtin_cpu_supports("avx512bf16") != 0; }
#else
static inline int32_t shim_cpu_has_avx2(void) { return 0; }
static inline int32_t shim_cpu_has_fma(void) { return 0; }
static inline int32_t shim_cpu_has_avx512(void) { return 0; }
static inline int32_t shim_cpu_has_avx512_bf16(void) { return 0; }
#endif
