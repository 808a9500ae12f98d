/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctrl.c: one controller: its commands, its logs and events, its end (R26-R37). Floor 3.
 *
 * Invariants: a taken command is on the list until its one hook is called; a controller that is not
 * ready has no event, an empty log and the default feature 0Bh; it goes after its last attachment
 * and its last command.
 */
#include "ctrl.h"

#include <string.h>

#include "attach.h"
#include "kinds.h"
#include "paths.h"
#include "unanswered.h"

void nvmens_cmd_take(nvmens_ctrl *ctrl, nvmens_cmd *cmd, uint16_t cid)
{
  memset(cmd, 0, sizeof(*cmd));
  cmd->ctrl = ctrl;
  cmd->cid = cid;
  cmd->epoch = ctrl->epoch;
  cmd->state = NVMENS_CMD_RUNNING;
  cmd->next = ctrl->cmds;
  if (cmd->next)
    cmd->next->prev = cmd;
  ctrl->cmds = cmd;
  ctrl->ncmds++;
}

static void unlink(nvmens_cmd *cmd)
{
  if (cmd->prev)
    cmd->prev->next = cmd->next;
  else
    cmd->ctrl->cmds = cmd->next;
  if (cmd->next)
    cmd->next->prev = cmd->prev;
}

void nvmens_cmd_give_back(nvmens_cmd *cmd)
{
  unlink(cmd);
  cmd->ctrl->ncmds--;
}

bool nvmens_cmd_old(const nvmens_cmd *cmd)
{
  return cmd->epoch != cmd->ctrl->epoch;
}

void nvmens_cmd_uncount(nvmens_ctrl *ctrl, uint32_t epoch)
{
  if (epoch == ctrl->epoch)
    ctrl->ncmds--;
  else
    ctrl->ncmds_old--;
  nvmens_ctrl_settle_reset(ctrl);
  nvmens_ctrl_quiet(ctrl);
}

static void cmd_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_cmd *cmd = NVMENS_OBJECT(effect, nvmens_cmd, effect);
  nvmens_ctrl *ctrl = cmd->ctrl;
  const nvmens_host *host = &s->core.host;
  const nvmens_status status = {cmd->sf};
  uint32_t epoch = cmd->epoch; /* the command is the backend's again when the hook returns */
  bool old = nvmens_cmd_old(cmd);

  unlink(cmd);
  nvmens_hook_enter(&s->core);
  if (old)
    host->cmd_drop(ctrl->user, cmd);
  else
    host->cmd_complete(ctrl->user, cmd, status, cmd->dw0, cmd->error_info);
  nvmens_hook_leave(&s->core);
  nvmens_cmd_uncount(ctrl, epoch);
}

static void cmd_result(nvmens_cmd *cmd, uint16_t sf, uint32_t dw0, uint64_t error_info)
{
  cmd->sf = sf;
  cmd->dw0 = dw0;
  cmd->error_info = error_info;
  cmd->state = NVMENS_CMD_ENDING;
}

void nvmens_cmd_end(nvmens_cmd *cmd, uint16_t sf, uint32_t dw0, uint64_t error_info)
{
  cmd_result(cmd, sf, dw0, error_info);
  nvmens_outbox_add(&cmd->ctrl->subsys->core, &cmd->effect, cmd_run);
}

void nvmens_cmd_owe(nvmens_cmd *cmd, nvmens_debt *debt)
{
  debt->owner = cmd;
  debt->prev = NULL;
  debt->next = cmd->debts;
  if (debt->next)
    debt->next->prev = debt;
  cmd->debts = debt;
  cmd->waits++;
}

void nvmens_debt_settle(nvmens_debt *debt)
{
  nvmens_cmd *owner = debt->owner;

  if (!owner)
    return;
  if (debt->prev)
    debt->prev->next = debt->next;
  else
    owner->debts = debt->next;
  if (debt->next)
    debt->next->prev = debt->prev;
  debt->owner = NULL;
  if (--owner->waits == 0)
    nvmens_cmd_end(owner, owner->sf, owner->dw0, owner->error_info);
}

void nvmens_cmd_abandon(nvmens_cmd *cmd)
{
  for (; cmd->debts; cmd->debts = cmd->debts->next)
    cmd->debts->owner = NULL;
  if (cmd->prep) {
    nvmens_timer_stop(&cmd->ctrl->subsys->prep_timers, &cmd->prep->timer);
    nvmens_prep_leave(cmd->prep);
  }
}

void nvmens_ctrl_record(nvmens_ctrl *ctrl, int log, uint32_t nsid, bool loud)
{
  const uint8_t lid =
      log == NVMENS_LOG_ATTACHED ? NVMENS_LID_CHANGED_ATTACHED_NS : NVMENS_LID_CHANGED_ALLOCATED_NS;

  if (ctrl->state != NVMENS_CTRL_READY || !nvmens_kind_has(nvmens_kinds[ctrl->kind].lids, lid))
    return;
  nvmens_changed_add(&ctrl->changed[log], nsid);
  nvmens_notice_change(
      &ctrl->notices, log == NVMENS_LOG_ATTACHED ? NVMENS_SOURCE_ATTACHED : NVMENS_SOURCE_ALLOCATED,
      loud);
  ctrl->subsys->deliver_due = 1;
}

/* The issuer of a delete finds the entry in its log, but no event (R41). */
void nvmens_record_allocated(nvmens_subsys *s, uint32_t nsid, const nvmens_cmd *deleter)
{
  for (uint32_t i = 0; i < s->nctrl; i++)
    nvmens_ctrl_record(s->ctrl[i], NVMENS_LOG_ALLOCATED, nsid,
                       !deleter || deleter->ctrl != s->ctrl[i]);
}

void nvmens_deliver_all(nvmens_subsys *s)
{
  while (s->changed) {
    nvmens_ns *ns = s->changed;

    s->changed = ns->changed_next;
    ns->changed = 0;
    nvmens_record_allocated(s, ns->nsid, NULL);
  }
  if (!s->deliver_due)
    return;
  s->deliver_due = 0;
  for (uint32_t i = 0; i < s->nctrl; i++)
    nvmens_ctrl_deliver(s->ctrl[i]);
}

static int deliverable(const nvmens_ctrl *ctrl, bool held)
{
  if (ctrl->state != NVMENS_CTRL_READY || !ctrl->notices.parked)
    return -1;
  return nvmens_notice_next(&ctrl->notices, held);
}

/* Here, not by effects of their own, so that they come before the completion of who caused them. A
 * namespace is announced once its gate is open (opening is 0): the host may send I/O at once. AERs
 * that come meanwhile are another effect, for park, or who unmasks, has it queued. */
static void deliver_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_ctrl *ctrl = NVMENS_OBJECT(effect, nvmens_ctrl, deliver);
  uint32_t most = ctrl->notices.parked_count;
  int source;

  while (most-- && (source = deliverable(ctrl, ctrl->opening)) >= 0) {
    uint32_t dw0 = nvmens_notice_deliver(&ctrl->notices, (uint16_t)source);
    nvmens_cmd *aer = nvmens_notice_unpark(&ctrl->notices);

    cmd_result(aer, 0, dw0, 0);
    cmd_run(s, &aer->effect);
  }
}

/* Also for what is held: `attached` is queued before, and this keeps its place. */
void nvmens_ctrl_deliver(nvmens_ctrl *ctrl)
{
  if (deliverable(ctrl, false) >= 0)
    nvmens_outbox_add(&ctrl->subsys->core, &ctrl->deliver, deliver_run);
}

uint32_t nvmens_ctrl_aec_supported(const nvmens_ctrl *ctrl)
{
  return ctrl->subsys->config.aec_supported & nvmens_kinds[ctrl->kind].aec;
}

uint32_t nvmens_ctrl_aec_default(const nvmens_ctrl *ctrl)
{
  return ctrl->subsys->config.aec_default & nvmens_kinds[ctrl->kind].aec;
}

void nvmens_ctrl_epoch(nvmens_ctrl *ctrl)
{
  nvmens_cmd *cmd, *next;

  ctrl->epoch++;
  ctrl->ncmds_old += ctrl->ncmds;
  ctrl->ncmds = 0;
  while (nvmens_notice_unpark(&ctrl->notices))
    continue;
  for (cmd = ctrl->cmds; cmd; cmd = next) {
    next = cmd->next;
    if (cmd->state == NVMENS_CMD_RUNNING || cmd->state == NVMENS_CMD_ENDING)
      continue;
    nvmens_cmd_abandon(cmd);
    nvmens_cmd_end(cmd, NVMENS_SC_ABORTED_SQ_DELETED, 0, 0);
  }
  nvmens_changed_reset(&ctrl->changed[NVMENS_LOG_ATTACHED]);
  nvmens_changed_reset(&ctrl->changed[NVMENS_LOG_ALLOCATED]);
  nvmens_notice_reset(&ctrl->notices, nvmens_ctrl_aec_default(ctrl));
  nvmens_path_reset(ctrl);
}

static void reset_done_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_ctrl *ctrl = NVMENS_OBJECT(effect, nvmens_ctrl, reset_done);

  if (!ctrl->resetting || ctrl->ncmds_old)
    return;
  ctrl->resetting = 0;
  if (!s->core.host.reset_done)
    return;
  nvmens_hook_enter(&s->core);
  s->core.host.reset_done(ctrl->user);
  nvmens_hook_leave(&s->core);
}

void nvmens_ctrl_settle_reset(nvmens_ctrl *ctrl)
{
  if (ctrl->resetting && !ctrl->ncmds_old)
    nvmens_outbox_add(&ctrl->subsys->core, &ctrl->reset_done, reset_done_run);
}

void nvmens_ctrl_free(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;

  nvmens_nsid_set_clear(&ctrl->atts, &s->core.mem);
  nvmens_nsid_set_clear(&ctrl->active, &s->core.mem);
  nvmens_changed_free(&ctrl->changed[NVMENS_LOG_ATTACHED], &s->core.mem);
  nvmens_changed_free(&ctrl->changed[NVMENS_LOG_ALLOCATED], &s->core.mem);
  if (ctrl->gate)
    ctrl->gate->ctrl = NULL;
  nvmens_free(&s->core.mem, ctrl);
}

void nvmens_ctrl_unlist(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  uint32_t i = 0;

  while (s->ctrl[i] != ctrl)
    i++;
  memmove(&s->ctrl[i], &s->ctrl[i + 1], (--s->nctrl - i) * sizeof(*s->ctrl));
}

static void released_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_ctrl *ctrl = NVMENS_OBJECT(effect, nvmens_ctrl, released);
  void *user = ctrl->user;

  nvmens_ctrl_unlist(ctrl);
  nvmens_paths_leave(ctrl);
  nvmens_ctrl_free(ctrl);
  if (s->core.host.ctrl_released) {
    nvmens_hook_enter(&s->core);
    s->core.host.ctrl_released(user);
    nvmens_hook_leave(&s->core);
  }
  nvmens_deliver_all(s);
}

void nvmens_ctrl_quiet(nvmens_ctrl *ctrl)
{
  if (ctrl->state == NVMENS_CTRL_GOING && !ctrl->live && !ctrl->pins && !ctrl->ncmds &&
      !ctrl->ncmds_old)
    nvmens_outbox_add(&ctrl->subsys->core, &ctrl->released, released_run);
}

bool nvmens_ctrl_enables_csi(const nvmens_ctrl *ctrl, uint8_t csi)
{
  if (!ctrl->configured || ctrl->css == NVMENS_CSS_ALL)
    return true;
  return ctrl->css == NVMENS_CSS_NVM && csi == NVMENS_CSI_NVM;
}

bool nvmens_ctrl_has_csi(const nvmens_ctrl *ctrl, uint8_t csi)
{
  return ctrl->state == NVMENS_CTRL_DISABLED || nvmens_ctrl_enables_csi(ctrl, csi);
}
