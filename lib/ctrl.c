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
}

void nvmens_cmd_untake(nvmens_cmd *cmd)
{
  if (cmd->prev)
    cmd->prev->next = cmd->next;
  else
    cmd->ctrl->cmds = cmd->next;
  if (cmd->next)
    cmd->next->prev = cmd->prev;
}

bool nvmens_cmd_old(const nvmens_cmd *cmd)
{
  return cmd->epoch != cmd->ctrl->epoch;
}

static void cmd_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_cmd *cmd = NVMENS_OBJECT(effect, nvmens_cmd, effect);
  nvmens_ctrl *ctrl = cmd->ctrl;
  const nvmens_host *host = &s->core.host;
  const nvmens_status status = {cmd->sf};
  bool old = nvmens_cmd_old(cmd);
  nvmens_frame frame;

  nvmens_cmd_untake(cmd);
  ctrl->calling = 1;
  ctrl->calling_epoch = cmd->epoch;
  nvmens_hook_enter(&s->core, &frame);
  if (old)
    host->cmd_drop(ctrl->user, cmd);
  else
    host->cmd_complete(ctrl->user, cmd, status, cmd->dw0, cmd->error_info);
  nvmens_hook_leave(&s->core, &frame);
  ctrl->calling = 0;
  nvmens_ctrl_quiet(ctrl);
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

void nvmens_cmd_abandon(nvmens_cmd *cmd)
{
  nvmens_subsys *s = cmd->ctrl->subsys;

  for (nvmens_attachment *att = s->closing; att; att = att->next)
    if (att->owner == cmd)
      att->owner = NULL;
  for (nvmens_ns *ns = s->deleting; ns; ns = ns->next)
    if (ns->owner == cmd)
      ns->owner = NULL;
  if (cmd->prep) {
    nvmens_timer_stop(&s->prep_timers, &cmd->prep->timer);
    cmd->prep->cmd = NULL;
    cmd->prep = NULL;
  }
}

bool nvmens_ctrl_settled(const nvmens_ctrl *ctrl)
{
  for (const nvmens_cmd *cmd = ctrl->cmds; cmd; cmd = cmd->next)
    if (nvmens_cmd_old(cmd))
      return false;
  return !ctrl->calling || ctrl->calling_epoch == ctrl->epoch;
}

void nvmens_ctrl_record(nvmens_ctrl *ctrl, int log, uint32_t nsid, bool loud)
{
  if (ctrl->state != NVMENS_CTRL_READY)
    return;
  nvmens_changed_add(&ctrl->changed[log], nsid);
  nvmens_notice_change(
      &ctrl->notices, log == NVMENS_LOG_ATTACHED ? NVMENS_SOURCE_ATTACHED : NVMENS_SOURCE_ALLOCATED,
      loud);
}

static int deliverable(const nvmens_ctrl *ctrl, bool held)
{
  if (ctrl->state != NVMENS_CTRL_READY || !ctrl->notices.parked)
    return -1;
  return nvmens_notice_next(&ctrl->notices, held);
}

/* C6: an event with an empty list would say that nothing changed, and these may have been read. */
static void list_shown(nvmens_ctrl *ctrl)
{
  nvmens_attachment *att, **at;

  for (at = &ctrl->shown; (att = nvmens_att_shown(at)) != NULL; at = &att->shown_next)
    nvmens_changed_add(&ctrl->changed[NVMENS_LOG_ATTACHED], att->nsid);
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

    if (source == NVMENS_SOURCE_ATTACHED)
      list_shown(ctrl);
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

bool nvmens_ctrl_marks_read(nvmens_ctrl *ctrl)
{
  bool reported = ctrl->notices.source[NVMENS_SOURCE_ATTACHED].state == NVMENS_NOTICE_REPORTED;
  nvmens_attachment *att, **at;

  for (at = &ctrl->shown; (att = nvmens_att_shown(at)) != NULL; at = &att->shown_next)
    nvmens_att_mark(att, reported ? NVMENS_EV_READ_REPORTED : NVMENS_EV_READ_PENDING);
  return ctrl->nshown != 0;
}

void nvmens_ctrl_marks_ready(nvmens_ctrl *ctrl)
{
  nvmens_attachment *att, **at;

  for (at = &ctrl->shown; (att = nvmens_att_shown(at)) != NULL; at = &att->shown_next)
    nvmens_att_mark(att, NVMENS_EV_MARK_READY);
}

void nvmens_ctrl_epoch(nvmens_ctrl *ctrl)
{
  nvmens_cmd *cmd, *next;
  nvmens_attachment *att, **at;

  ctrl->epoch++;
  while (nvmens_notice_unpark(&ctrl->notices))
    continue;
  for (cmd = ctrl->cmds; cmd; cmd = next) {
    next = cmd->next;
    if (cmd->state == NVMENS_CMD_RUNNING || cmd->state == NVMENS_CMD_ENDING)
      continue;
    nvmens_cmd_abandon(cmd);
    nvmens_cmd_end(cmd, NVMENS_SC_ABORTED_SQ_DELETED, 0, 0);
  }
  for (at = &ctrl->shown; (att = nvmens_att_shown(at)) != NULL; at = &att->shown_next) {
    nvmens_att_mark(att, NVMENS_EV_MARK_RESET);
    if (att->state != NVMENS_ATT_ATTACHED)
      nvmens_att_left(att);
  }
  nvmens_changed_reset(&ctrl->changed[NVMENS_LOG_ATTACHED]);
  nvmens_changed_reset(&ctrl->changed[NVMENS_LOG_ALLOCATED]);
  nvmens_notice_reset(&ctrl->notices, ctrl->subsys->config.aec_default);
}

void nvmens_ctrl_free(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  nvmens_attachment *att;
  uint32_t nsid = 0;

  while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL) {
    nvmens_tokens_release(&s->tokens, att->place);
    nvmens_free(&s->core.mem, att);
  }
  nvmens_nsid_set_clear(&ctrl->atts, &s->core.mem);
  nvmens_nsid_set_clear(&ctrl->active, &s->core.mem);
  nvmens_changed_free(&ctrl->changed[NVMENS_LOG_ATTACHED], &s->core.mem);
  nvmens_changed_free(&ctrl->changed[NVMENS_LOG_ALLOCATED], &s->core.mem);
  if (ctrl->gate)
    ctrl->gate->ctrl = NULL;
  nvmens_free(&s->core.mem, ctrl);
}

void nvmens_ctrl_join_peers(nvmens_ctrl *ctrl)
{
  static const uint8_t unknown[sizeof(ctrl->hostid)];
  const nvmens_subsys *s = ctrl->subsys;
  nvmens_ctrl *before = NULL, *last = NULL;

  ctrl->peer = ctrl;
  if (memcmp(ctrl->hostid, unknown, sizeof(unknown)) == 0)
    return;
  for (uint32_t i = 0; i < s->nctrl; i++)
    if (memcmp(s->ctrl[i]->hostid, ctrl->hostid, sizeof(ctrl->hostid)) == 0) {
      last = s->ctrl[i];
      if (last->cntlid < ctrl->cntlid)
        before = last;
    }
  if (!before)
    before = last;
  if (!before)
    return;
  ctrl->peer = before->peer;
  before->peer = ctrl;
}

void nvmens_ctrl_unlist(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  nvmens_ctrl *peer = ctrl;
  uint32_t i = 0;

  while (peer->peer != ctrl)
    peer = peer->peer;
  peer->peer = ctrl->peer;

  while (s->ctrl[i] != ctrl)
    i++;
  memmove(&s->ctrl[i], &s->ctrl[i + 1], (--s->nctrl - i) * sizeof(*s->ctrl));
}

static void released_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_ctrl *ctrl = NVMENS_OBJECT(effect, nvmens_ctrl, released);
  void *user = ctrl->user;
  nvmens_attachment *att;
  nvmens_frame frame;
  uint32_t nsid = 0;

  while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL)
    nvmens_att_gone(att);
  nvmens_ctrl_unlist(ctrl);
  nvmens_ctrl_free(ctrl);
  if (!s->core.host.ctrl_released)
    return;
  nvmens_hook_enter(&s->core, &frame);
  s->core.host.ctrl_released(user);
  nvmens_hook_leave(&s->core, &frame);
}

void nvmens_ctrl_quiet(nvmens_ctrl *ctrl)
{
  if (ctrl->state == NVMENS_CTRL_GOING && !ctrl->live && !ctrl->pins && !ctrl->cmds &&
      !ctrl->calling)
    nvmens_outbox_add(&ctrl->subsys->core, &ctrl->released, released_run);
}

bool nvmens_ctrl_has_csi(const nvmens_ctrl *ctrl, uint8_t csi)
{
  if (ctrl->state == NVMENS_CTRL_DISABLED || ctrl->css == NVMENS_CSS_ALL)
    return true;
  return ctrl->css == NVMENS_CSS_NVM && csi == NVMENS_CSI_NVM;
}
