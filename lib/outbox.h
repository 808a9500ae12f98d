/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox.h: effects, that is hooks to be called once the objects are consistent. Floor 1.
 */
#ifndef NVMENS_LIB_OUTBOX_H
#define NVMENS_LIB_OUTBOX_H

#include "core.h"

typedef void nvmens_run(nvmens_subsys *, nvmens_effect *);

void nvmens_outbox_init(nvmens_core *);
/* Last in order. An effect that is queued already keeps its place. */
void nvmens_outbox_add(nvmens_core *, nvmens_effect *, nvmens_run *);
/* Runs what is queued, unless a thread is doing so. Lock held; released around each hook. */
void nvmens_outbox_flush(nvmens_core *);
/* Every call of a hook that may call back stands between these: the lock is released meanwhile. */
void nvmens_hook_enter(nvmens_core *);
void nvmens_hook_leave(nvmens_core *);

#endif
