/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bell.h: what a command that ends at a closing gate leaves for poll, and the call that makes poll
 * run. Floor 2.
 */
#ifndef NVMENS_LIB_BELL_H
#define NVMENS_LIB_BELL_H

#include <nvmens/gate.h>

typedef struct nvmens_bell { /* what a command that ends needs of the subsystem */
  uint32_t rung;             /* wake was called and poll has not looked since */
  uint32_t inside;           /* remote ends under way */
  nvmens_slot *ended;        /* slots that may be drained, the last first */
  nvmens_slot *taken;        /* the rest of those that were taken at once; under the lock */
  void (*wake)(void *user);
  int (*barrier)(void *user);
  void *user;
  int fence; /* gates are opened FENCED; 1 once the kernel has refused a barrier; under the lock */
} nvmens_bell;

/* A command of this closing slot has ended, and is counted so. Any thread. */
void nvmens_bell_ring(nvmens_bell *, nvmens_slot *);
/* A wake may be due again; returns whether one was rung since. */
bool nvmens_bell_clear(nvmens_bell *);
/* A slot for which it was rung, to be counted now; NULL: there are no more. Under the lock. */
nvmens_slot *nvmens_bell_next(nvmens_bell *);

#endif
