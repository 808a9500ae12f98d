/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox.c: effects in order, one at a time, by a loop with a budget. Floor 1.
 *
 * Invariants: an effect is linked at most once; its next is NULL when it is not queued, and itself
 * when it is the last; whoever set `flushing` clears it; when it is clear
 * and the lock is free, either nothing is queued or wake was called.
 */
#include "outbox.h"

enum {
  BUDGET = 4096
}; /* hooks in a row for one caller: a hook that feeds itself ends up in poll */

void nvmens_hook_enter(nvmens_core *core)
{
  core->hooks++;
  nvmens_unlock(core);
}

void nvmens_hook_leave(nvmens_core *core)
{
  nvmens_lock(core);
  core->hooks--;
}

void nvmens_outbox_init(nvmens_core *core)
{
  core->first = NULL;
  core->last = NULL;
}

void nvmens_outbox_add(nvmens_core *core, nvmens_effect *effect, nvmens_run *run)
{
  if (effect->next)
    return;
  effect->run = run;
  effect->next = effect;
  if (core->last)
    core->last->next = effect;
  else
    core->first = effect;
  core->last = effect;
}

static nvmens_effect *take_first(nvmens_core *core)
{
  nvmens_effect *effect = core->first;

  if (effect == core->last)
    core->first = core->last = NULL;
  else
    core->first = effect->next;
  effect->next = NULL;
  return effect;
}

void nvmens_outbox_flush(nvmens_core *core)
{
  int budget = BUDGET;

  if (core->flushing)
    return;
  core->flushing = true;
  while (core->first && budget-- > 0) {
    nvmens_effect *effect = take_first(core);

    effect->run((nvmens_subsys *)core, effect);
  }
  core->flushing = false;
  if (core->first)
    nvmens_wake(core);
}
