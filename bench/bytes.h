/* SPDX-License-Identifier: BSD-3-Clause */
/* bytes.h: what the library's objects cost, by an allocator that counts. */
#ifndef NVMENS_BENCH_BYTES_H
#define NVMENS_BENCH_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef enum spread { SPREAD_LOW, SPREAD_HIGH, SPREAD_SPARSE, SPREADS } spread;
extern const char *const spread_name[SPREADS];
/* The i-th NSID of count: 1, 2, ...; ... FFFFFFFEh; anywhere up to FFFFFFFEh. */
uint32_t spread_nsid(spread, uint32_t i, uint32_t count);

typedef struct bytes { /* as they were asked for, without the allocator's own */
  double idle;         /* a subsystem with one controller that is ready, and nothing else */
  double controller;   /* one more of them */
  double ns;           /* a namespace */
  double attached;     /* an attachment, nothing under way */
  double draining;     /* while all of them drain */
  double detached;     /* what is kept of it */
  double lane;         /* a lane of a controller without attachments */
  double lane_each;    /* more for each attachment */
} bytes;

void bytes_measure(bytes *, spread, uint32_t count);
/* Each value the larger of the two. */
void bytes_most(bytes *, const bytes *);

typedef struct bytes_goal {
  const char *what;
  size_t value; /* its offset in bytes */
  double limit;
  double held; /* where the limit is missed: what it is not to grow beyond; else 0 */
} bytes_goal;
enum { BYTES_GOALS = 5 };
extern const bytes_goal bytes_goals[BYTES_GOALS];
double bytes_value(const bytes *, const bytes_goal *);

#endif
