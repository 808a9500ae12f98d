/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scan.c: what a host does, as far as it tells what it may still have: it enables and resets, reads
 * its log, lists and identifies, or does nothing (R61, R63-R66). Floor 3.
 */
#include "paths.h"

#include "attach.h"
#include "ctrl.h"

/* ---- newcomers ---- */

/* The same for a newcomer as a whole (R66). */
static void newcomer_step(nvmens_ctrl *ctrl, unsigned event)
{
  const nvmens_subject who = {ctrl->cntlid, 0, 0};

  nvmens_step(&ctrl->subsys->core, NVMENS_M_MARK, &ctrl->owes, event, who);
  ctrl->owes_latch = ctrl->changed[NVMENS_LOG_ATTACHED].latch;
}

/* What has been in the way of its host's other paths, before it came back. */
static void newcomer_lets_go(nvmens_ctrl *ctrl)
{
  nvmens_disk *disk;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&ctrl->host->disks, nsid, &nsid)) != NULL) {
    nvmens_disk_tell_refused(disk, ctrl);
    nvmens_disk_settle(disk);
  }
}

/* ---- what the host does ---- */

static void tell_again(nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att;
  const nvmens_disk *disk;
  uint32_t nsid = 0;

  for (att = ctrl->ntold ? ctrl->owed : NULL; att; att = att->owed_next)
    if (att->told)
      nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, att->nsid, true);
  for (att = ctrl->ntold ? ctrl->wanted : NULL; att; att = att->next)
    if (att->told && att->mark == NVMENS_MARK_NONE)
      nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, att->nsid, true);
  if (ctrl->owes == NVMENS_MARK_NONE)
    return;
  while ((disk = nvmens_nsid_set_next(&ctrl->host->disks, nsid, &nsid)) != NULL)
    if (nvmens_disk_refused(disk, ctrl))
      nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, nsid, true);
}

/* A host that looks only at what is listed has to look at all that it may still have, before a read
 * counts for it (C6). */
static void list_owed(nvmens_ctrl *ctrl)
{
  const nvmens_disk *disk;
  uint32_t nsid = 0;

  for (const nvmens_attachment *att = ctrl->owed; att; att = att->owed_next)
    nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, att->nsid, false);
  if (ctrl->owes == NVMENS_MARK_NONE)
    return;
  while ((disk = nvmens_nsid_set_next(&ctrl->host->disks, nsid, &nsid)) != NULL)
    if (nvmens_disk_may_have(disk, ctrl))
      nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, nsid, false);
}

void nvmens_path_ready(nvmens_ctrl *ctrl)
{
  list_owed(ctrl);
  nvmens_path_settle(ctrl);
  tell_again(ctrl);
}

void nvmens_path_reset(nvmens_ctrl *ctrl)
{
  for (nvmens_attachment *att = ctrl->owed; att; att = att->owed_next)
    nvmens_mark_step(att, NVMENS_EV_MARK_RESET);
  if (ctrl->owes != NVMENS_MARK_NONE)
    newcomer_step(ctrl, NVMENS_EV_MARK_RESET);
  if (ctrl->stranger == NVMENS_STRANGER_TOLD)
    ctrl->stranger = NVMENS_STRANGER_UNLISTED;
  ctrl->silent = 0;
  ctrl->reads_ids = 0;
  nvmens_path_settle(ctrl);
}

void nvmens_path_asks(nvmens_ctrl *ctrl)
{
  ctrl->silent = 0;
  nvmens_path_settle(ctrl);
}

static bool reported(const nvmens_ctrl *ctrl)
{
  return ctrl->notices.source[NVMENS_SOURCE_ATTACHED].state == NVMENS_NOTICE_REPORTED;
}

bool nvmens_path_read_begins(nvmens_ctrl *ctrl, bool latches)
{
  uint64_t latch = ctrl->changed[NVMENS_LOG_ATTACHED].latch;
  bool was_silent = ctrl->silent, lets_go;
  nvmens_attachment *att, *next;

  if (!reported(ctrl))
    return false;
  ctrl->silent = 0; /* with what it lets go: nobody begins to wait for that in between */
  lets_go = ctrl->owes == NVMENS_MARK_ONCE && (latches || latch > ctrl->owes_latch);
  if (lets_go)
    newcomer_step(ctrl, NVMENS_EV_READ_BEGINS);
  for (att = ctrl->owed; att; att = next) {
    next = att->owed_next;
    if (att->mark != NVMENS_MARK_ONCE || !(latches || latch > att->latch))
      continue;
    nvmens_mark_step(att, NVMENS_EV_READ_BEGINS);
    nvmens_disk_settle(att->disk);
  }
  if (lets_go) {
    newcomer_lets_go(ctrl);
    nvmens_paths_look(ctrl->host);
  }
  if (was_silent)
    nvmens_path_settle(ctrl);
  return true;
}

/* A stranger's first scan has ended: whom it was in the way of tries again (R66). */
static void stranger_through(nvmens_ctrl *ctrl)
{
  nvmens_attachment *att;
  uint32_t nsid = 0;

  ctrl->stranger = NVMENS_STRANGER_NO;
  if (ctrl->host->first->path_next)
    while ((att = nvmens_nsid_set_next(&ctrl->active, nsid, &nsid)) != NULL)
      for (nvmens_attachment *other = att->disk->atts; other; other = other->path_next)
        if (other != att && nvmens_att_visible(att) && nvmens_att_visible(other))
          nvmens_ctrl_record(other->ctrl, NVMENS_LOG_ATTACHED, nsid, true);
}

void nvmens_path_read_done(nvmens_ctrl *ctrl, uint64_t latch)
{
  if (!reported(ctrl))
    return;
  for (nvmens_attachment *att = ctrl->owed; att; att = att->owed_next)
    if (latch > att->latch)
      nvmens_mark_step(att, NVMENS_EV_READ_DONE);
  if (ctrl->owes != NVMENS_MARK_NONE && latch > ctrl->owes_latch)
    newcomer_step(ctrl, NVMENS_EV_READ_DONE);
  if (ctrl->stranger == NVMENS_STRANGER_TOLD && latch > ctrl->listed_latch)
    stranger_through(ctrl);
  nvmens_timer_stop(&ctrl->subsys->patience, &ctrl->patience);
  nvmens_path_be_patient(ctrl);
}

void nvmens_path_read_over(nvmens_ctrl *ctrl)
{
  tell_again(ctrl);
}

void nvmens_path_listed(nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att;
  uint32_t nsid = 0;

  if (ctrl->stranger != NVMENS_STRANGER_UNLISTED)
    return;
  ctrl->stranger = NVMENS_STRANGER_TOLD;
  ctrl->listed_latch = ctrl->changed[NVMENS_LOG_ATTACHED].latch;
  while ((att = nvmens_nsid_set_next(&ctrl->active, nsid, &nsid)) != NULL)
    if (nvmens_att_visible(att))
      nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, nsid, true);
}

void nvmens_path_identified(nvmens_ctrl *ctrl, nvmens_nsref ref, uint8_t cns)
{
  nvmens_attachment *att = nvmens_att_of(ctrl, ref.nsid);

  if (cns != NVMENS_CNS_NS_DESC_LIST && (cns != NVMENS_CNS_NS || ctrl->reads_ids))
    return;
  if (att->state != NVMENS_ATT_FENCED || att->ns->gen != ref.gen)
    return;
  if (att->mark != NVMENS_MARK_NONE)
    nvmens_mark_step(att, NVMENS_EV_IDENTIFIED);
  if (ctrl->owes != NVMENS_MARK_NONE)
    nvmens_disk_tell_refused(att->disk, ctrl);
  nvmens_att_decide(att, NVMENS_WAIT_NOTHING);
  nvmens_disk_settle(att->disk);
}

/* Begun by the first poll after it was set, as calls without a time do not know it. Counting until
 * what follows from its silence has been done. */
bool nvmens_path_silent(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;

  if (!ctrl->counting) {
    ctrl->counting = 1;
    nvmens_timer_set(&s->patience, &ctrl->patience, nvmens_after(s, s->config.host_wait_ns));
    return false;
  }
  ctrl->silent = 1;
  return true;
}

void nvmens_paths_silent(const nvmens_subsys *s)
{
  for (uint32_t i = 0; i < s->nctrl; i++) {
    nvmens_ctrl *ctrl = s->ctrl[i];

    if (!ctrl->silent || !ctrl->counting)
      continue;
    ctrl->counting = 0;
    nvmens_path_settle(ctrl);
  }
}
