/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timer.h: deadlines, the earliest first; intrusive, so that nothing here can fail. Floor 0.
 *
 * Equal deadlines come in the order they were set; to set a running timer is to set it anew, even
 * to the deadline that it has.
 */
#ifndef NVMENS_LIB_TIMER_H
#define NVMENS_LIB_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nvmens_timer { /* zero-initialise; only at and running are for others to read */
  uint64_t at;
  uint64_t order;
  struct nvmens_timer *left, *right, *up;
  uint8_t rank;
  bool running;
} nvmens_timer;

typedef struct nvmens_timers { /* zero-initialise */
  nvmens_timer *first;         /* the earliest, or NULL */
  uint64_t sets;
} nvmens_timers;

/* Also when running: moves it. */
void nvmens_timer_set(nvmens_timers *, nvmens_timer *, uint64_t at);
/* Not running: nothing. */
void nvmens_timer_stop(nvmens_timers *, nvmens_timer *);

#endif
