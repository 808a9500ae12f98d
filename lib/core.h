/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core.h: what every floor needs of a subsystem: the hooks, the allocator, the clock, the outbox.
 * Floor 1.
 */
#ifndef NVMENS_LIB_CORE_H
#define NVMENS_LIB_CORE_H

#include "mem.h"

typedef struct nvmens_effect nvmens_effect;

typedef struct nvmens_core { /* the first member of nvmens_subsys */
  nvmens_host host;
  nvmens_mem mem;
  void *user;
  uint64_t now;
  nvmens_effect *first, *last; /* effects in order; under the lock */
  bool flushing;               /* they are being run */
  uint32_t hooks;              /* under way, effects or not */
  /* Steps of work since the lock was taken, and the most in one piece: for tests of bounds. */
  uint64_t work, most;
} nvmens_core;

static inline void nvmens_lock(nvmens_core *core)
{
  if (core->host.lock)
    core->host.lock(core->user);
  core->work = 0;
}

static inline void nvmens_unlock(nvmens_core *core)
{
  if (core->work > core->most)
    core->most = core->work;
  if (core->host.unlock)
    core->host.unlock(core->user);
}

static inline void nvmens_wake(nvmens_core *core)
{
  if (core->host.wake)
    core->host.wake(core->user);
}

#endif
