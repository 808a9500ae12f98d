/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unanswered.c: what the backend was asked to prepare, when the command that asked has ended (R71).
 * Floor 3.
 *
 * Commands end (reset, deadline), but their tokens stay with the backend until it answers: a host
 * that tries again and again must not make them many, nor stop the others. What stays is small.
 *
 * Invariants: a prep without a command that is not answered counts in the subsystem and in one of
 * its host, all without a host ID, or all that were forgotten; it has no data of the host's.
 */
#include "unanswered.h"

enum { MOST_OF_HOST = 64, MOST_OF_ALL = 1024 };

static uint32_t *count_of(const nvmens_ctrl *ctrl)
{
  return ctrl->host->known ? &ctrl->host->unanswered : &ctrl->subsys->unanswered_unknown;
}

void nvmens_prep_forget_data(nvmens_prep *prep)
{
  nvmens_free(&prep->subsys->core.mem, prep->data);
  prep->data = NULL;
}

void nvmens_prep_part(nvmens_prep *prep)
{
  prep->cmd->prep = NULL;
  prep->cmd = NULL;
  if (!prep->in_hook)
    nvmens_prep_forget_data(prep);
}

void nvmens_prep_leave(nvmens_prep *prep)
{
  prep->count = count_of(prep->ctrl);
  ++*prep->count;
  prep->subsys->unanswered++;
  nvmens_prep_part(prep);
}

void nvmens_prep_count_off(nvmens_prep *prep)
{
  if (!prep->count)
    return;
  --*prep->count;
  prep->subsys->unanswered--;
  prep->count = NULL;
}

bool nvmens_unanswered_many(const nvmens_ctrl *ctrl)
{
  return *count_of(ctrl) >= MOST_OF_HOST || ctrl->subsys->unanswered >= MOST_OF_ALL;
}

void nvmens_unanswered_forget(nvmens_paths *host)
{
  nvmens_subsys *s = host->subsys;

  if (!host->unanswered)
    return;
  for (nvmens_prep *prep = s->preps; prep; prep = prep->next)
    if (prep->count == &host->unanswered)
      prep->count = &s->unanswered_forgotten;
  s->unanswered_forgotten += host->unanswered;
}
