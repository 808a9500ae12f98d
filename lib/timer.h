/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * timer.h: deadlines, the earliest first; intrusive, so that nothing here can fail. Floor 0.
 */
#ifndef NVMENS_LIB_TIMER_H
#define NVMENS_LIB_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nvmens_timer { /* zero-initialise */
  uint64_t at;
  struct nvmens_timer *child, *next, *prev;
  bool running;
} nvmens_timer;

typedef struct nvmens_timers {
  nvmens_timer *first; /* the earliest, or NULL */
} nvmens_timers;

void nvmens_timer_set(nvmens_timers *, nvmens_timer *,
                      uint64_t at);                      /* also when running: moves it */
void nvmens_timer_stop(nvmens_timers *, nvmens_timer *); /* not running: nothing */

#endif
