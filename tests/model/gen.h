/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gen.h: random runs. Each run has its own configuration and its own weights, so that each stresses
 * other features (swarm); all of it follows from the seed of the run.
 */
#ifndef NVMENS_TESTS_MODEL_GEN_H
#define NVMENS_TESTS_MODEL_GEN_H

#include "world.h"

enum { GEN_STEPS = 1500 }; /* most steps of a run */

typedef struct gen_run {
  m_config conf;
  unsigned n;
  w_step step[GEN_STEPS];
} gen_run;

void gen_make(gen_run *, uint64_t seed);
void gen_print(FILE *, const gen_run *);
int gen_read(FILE *, gen_run *); /* 0, or the number of the line that makes no sense */
void gen_simpler(gen_run *, const char *why, int (*fails)(const gen_run *, const char *why));

#endif
