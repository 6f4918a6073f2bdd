#pragma once
#include <mpi.h>

/* Open MPI defines its handles as casts of the addresses of globals, and its markers as cast integers. Swift imports
   neither kind of macro ("structure not supported"), so each one used has a function here. */

static inline MPI_Comm shim_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Datatype shim_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype shim_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Op shim_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Errhandler shim_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Status *shim_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Status *shim_mpi_statuses_ignore(void) { return MPI_STATUSES_IGNORE; }
static inline void *shim_mpi_in_place(void) { return MPI_IN_PLACE; }
