#pragma once
#include <cblas.h>
#include <stddef.h>

/* LAPACK is in the OpenBLAS library, but cblas.h does not declare it. The last two arguments are the lengths of the
   two strings, which Fortran passes by value after all the others. */
void dsyev_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *info, size_t jobz_length, size_t uplo_length);
