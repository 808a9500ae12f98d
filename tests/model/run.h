/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.h: doing runs, one or many, and making a run that fails small.
 */
#ifndef NVMENS_TESTS_MODEL_RUN_H
#define NVMENS_TESTS_MODEL_RUN_H

#include "gen.h"

typedef struct run_shared { /* what a child leaves behind */
  uint64_t seed;            /* of the run at work */
  unsigned at;              /* its step */
  int failed;
  char why[600];
  w_stats stats;
} run_shared;
enum { RUN_JOBS = 16 };
extern run_shared *run_of; /* of each job */

void run_init(void);
/* A run, in a child, so that it may crash. 0: library and model agree; else run_of->why. */
int run_try(const gen_run *, int verbose);
/* Takes out of a run that failed so whatever it fails without. */
void run_shrink(gen_run *, const char *why);
/* Shrinks it, and prints it as a file, and as it happens. */
void run_report(uint64_t seed, gen_run *);
/* Seeds from `seed` on, until so many steps (0: no limit) or runs (0: no limit) are done, by many
 * processes. 0, or 1 with *failed the lowest seed that one stopped at. */
int run_many(uint64_t seed, uint64_t steps, uint64_t runs, unsigned jobs, uint64_t *failed);
uint64_t run_clock(void); /* nanoseconds */
double run_worked(void);  /* seconds of CPU of all children so far */

#endif
