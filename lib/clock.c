/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.c: the time as the backend tells it, and what is due (R15, R63, R67). Floor 4.
 */
#include "attach.h"
#include "ctrl.h"
#include "paths.h"
#include "subsys.h"

void nvmens_set_now(nvmens_subsys *s, uint64_t now_ns)
{
  if (now_ns > s->core.now)
    s->core.now = now_ns;
  if (s->strangers_until == UINT64_MAX)
    s->strangers_until = nvmens_after(s, s->config.host_memory_ns);
}

void nvmens_set_deadline(nvmens_subsys *s, uint64_t now_ns, uint64_t after_ns)
{
  nvmens_set_now(s, now_ns);
  s->deadline = nvmens_after(s, after_ns);
}

uint64_t nvmens_earliest(const nvmens_subsys *s)
{
  const nvmens_timers *const all[] = {&s->timers, &s->prep_timers, &s->patience, &s->forgetting};
  uint64_t at = s->barrier_at;

  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
    if (all[i]->first && all[i]->first->at < at)
      at = all[i]->first->at;
  return at;
}

static nvmens_timer *due(nvmens_subsys *s, nvmens_timers *timers)
{
  nvmens_timer *timer = timers->first;

  if (!timer || timer->at == UINT64_MAX || timer->at > s->core.now)
    return NULL;
  nvmens_timer_stop(timers, timer);
  return timer;
}

enum { PIECE = 256 }; /* timers, under the lock */

bool nvmens_run_timers(nvmens_subsys *s)
{
  nvmens_timer *timer;
  int left = PIECE;
  bool silent = false;

  while (left && (timer = due(s, &s->timers)) != NULL) {
    nvmens_att_late(NVMENS_OBJECT(timer, nvmens_attachment, timer));
    left--;
  }
  while (left && (timer = due(s, &s->prep_timers)) != NULL) {
    nvmens_cmd *cmd = NVMENS_OBJECT(timer, nvmens_prep, timer)->cmd;

    nvmens_cmd_abandon(cmd);
    nvmens_cmd_end(cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
    left--;
  }
  if (!left) {
    nvmens_deliver_all(s);
    return true;
  }
  while ((timer = due(s, &s->patience)) != NULL)
    silent |= nvmens_path_silent(NVMENS_OBJECT(timer, nvmens_ctrl, patience));
  if (silent)
    nvmens_paths_silent(s);
  while ((timer = due(s, &s->forgetting)) != NULL)
    nvmens_paths_expire(NVMENS_OBJECT(timer, nvmens_paths, timer));
  nvmens_deliver_all(s);
  return false;
}
