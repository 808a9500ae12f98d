/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paths.c: what a host may still have, and who waits for it (H1-H5, R60-R66). Floor 3.
 *
 * One routine, nvmens_disk_settle, derives everything about one NSID of one host from the states of
 * its attachments, marks and paths: who waits, what is told, what barred I/O is answered. Whatever
 * changes one of these calls it; hosts.c has what is remembered of paths that went away.
 *
 * Invariants: a mark only on what is not ATTACHED; a gate is open only if nothing in the way is
 * known (R62); patience runs iff the path answers and something waits for it.
 */
#include "paths.h"

#include "attach.h"
#include "ctrl.h"

/* ---- in the way (R62) ---- */

static bool asks(const nvmens_ctrl *ctrl)
{
  return ctrl->notices.aec & NVMENS_AEC_ATTACHED_NS;
}

/* The host can be waited for on this path (R63). */
static bool answers(const nvmens_ctrl *ctrl)
{
  return ctrl->state == NVMENS_CTRL_READY && asks(ctrl) && !ctrl->silent;
}

/* What `owes` may have and ns cannot be two paths to one disk of their host. */
static bool clash(const nvmens_attachment *owes, const nvmens_ns *ns)
{
  return owes->identity != ns->identity || !owes->shared || !ns->shared;
}

/* Owed by a controller that is going, and was when the newcomer came. */
static bool is_left(const nvmens_attachment *att, const nvmens_ctrl *newcomer)
{
  return att->mark != NVMENS_MARK_NONE && att->ctrl->state == NVMENS_CTRL_GOING &&
         !att->ctrl->pci && att->ctrl->went < newcomer->born;
}

/* A newcomer may have what paths had that went away before: another identity than ns, or
 * (paths) one that cannot be another path to it. */
static bool may_have_other(const nvmens_disk *disk, const nvmens_ctrl *newcomer,
                           const nvmens_ns *ns, bool paths)
{
  for (const nvmens_past *past = disk->past; past; past = past->next)
    if (past->has_disk && past->serial < newcomer->born &&
        (paths ? nvmens_past_clashes(past, ns) : past->any || past->identity != ns->identity))
      return true;
  for (const nvmens_attachment *att = disk->atts; att; att = att->path_next)
    if (is_left(att, newcomer) && (paths ? clash(att, ns) : att->identity != ns->identity))
      return true;
  return false;
}

bool nvmens_disk_may_have(const nvmens_disk *disk, const nvmens_ctrl *newcomer)
{
  const nvmens_attachment *att = disk->atts;
  const nvmens_past *past = disk->past;

  while (past && (!past->has_disk || past->serial >= newcomer->born))
    past = past->next;
  while (att && !is_left(att, newcomer))
    att = att->path_next;
  return past || att;
}

static bool owed_by_past(const nvmens_attachment *att, const nvmens_ns *ns)
{
  return att->ctrl->owes != NVMENS_MARK_NONE && may_have_other(att->disk, att->ctrl, ns, false);
}

static bool owed_here(const nvmens_attachment *att)
{
  return att->mark != NVMENS_MARK_NONE && att->identity != att->ns->identity;
}

/* It waits, or will when the call under way comes to it, for its host alone (R62 d). */
static bool waits_too(const nvmens_attachment *other, const nvmens_ns *ns)
{
  bool settles = !other->ns || other->state == NVMENS_ATT_WANTED ||
                 other->state == NVMENS_ATT_FENCED; /* to be hidden, where this asks */

  if (!settles || !owed_by_past(other, ns))
    return false;
  return nvmens_att_hindered(ns, other->ctrl) == NVMENS_WAIT_NOTHING;
}

static bool owed_elsewhere(const nvmens_attachment *att)
{
  for (const nvmens_attachment *other = att->disk->atts; other; other = other->path_next)
    if (other != att && answers(other->ctrl) &&
        ((other->mark != NVMENS_MARK_NONE && clash(other, att->ns)) || waits_too(other, att->ns)))
      return true;
  return false;
}

/* By the host alone: NOTHING, DISK or FENCE. */
static uint8_t hindered_by_host(const nvmens_attachment *att)
{
  if (owed_elsewhere(att))
    return NVMENS_WAIT_DISK;
  if (!owed_here(att) && !owed_by_past(att, att->ns))
    return NVMENS_WAIT_NOTHING;
  return att->ctrl->state == NVMENS_CTRL_READY && !asks(att->ctrl) ? NVMENS_WAIT_FENCE
                                                                   : NVMENS_WAIT_DISK;
}

/* The first reason in the order of R57. What is FENCED has passed the others. */
static uint8_t hindrance(const nvmens_attachment *att)
{
  bool wanted = att->state == NVMENS_ATT_WANTED;
  uint8_t waits = wanted ? nvmens_att_hindered(att->ns, att->ctrl) : NVMENS_WAIT_NOTHING;

  if (waits == NVMENS_WAIT_NOTHING)
    waits = hindered_by_host(att);
  if (wanted && nvmens_att_full(att->ctrl)) {
    if (waits == NVMENS_WAIT_FENCE)
      return NVMENS_WAIT_DISK; /* not to be shown */
    if (waits == NVMENS_WAIT_NOTHING)
      return NVMENS_WAIT_LIMIT;
  }
  return waits;
}

/* ---- telling (R63, R65) ---- */

static bool waits(const nvmens_attachment *att)
{
  return att->state == NVMENS_ATT_WANTED && att->waits == NVMENS_WAIT_DISK;
}

/* Something waits for what this path owes for this NSID. */
static bool waited_for(const nvmens_attachment *att)
{
  if (waits(att) && (owed_here(att) || owed_by_past(att, att->ns)))
    return true;
  if (att->mark == NVMENS_MARK_NONE || !att->disk->pending || !answers(att->ctrl))
    return false;
  for (const nvmens_attachment *other = att->disk->atts; other; other = other->path_next)
    if (other != att && waits(other) && clash(att, other->ns))
      return true;
  return false;
}

void nvmens_path_be_patient(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;

  if (!ctrl->nwaited || !answers(ctrl)) {
    nvmens_timer_stop(&s->patience, &ctrl->patience);
  } else if (!ctrl->patience.running) {
    ctrl->counting = 0;
    nvmens_timer_set(&s->patience, &ctrl->patience, s->core.now);
  }
}

/* Its host may have refused another path to this NSID, for what this path owes. */
static bool refused_for(const nvmens_attachment *att)
{
  if (att->mark == NVMENS_MARK_NONE || !att->disk->visible)
    return false;
  for (const nvmens_attachment *other = att->disk->atts; other; other = other->path_next)
    if (other != att && nvmens_att_visible(other) && clash(att, other->ns))
      return true;
  return false;
}

static void tell(nvmens_attachment *att)
{
  nvmens_ctrl *ctrl = att->ctrl;
  bool waited = waited_for(att), told = waited || refused_for(att);

  ctrl->subsys->core.work++;
  ctrl->nwaited += (uint32_t)waited - att->waited;
  ctrl->ntold += (uint32_t)told - att->told;
  if (told && !att->told)
    nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, att->nsid, true);
  att->disk->told += (uint16_t)told - att->told;
  att->waited = waited;
  att->told = told;
  nvmens_path_be_patient(ctrl);
}

/* The same for what a newcomer may have: this NSID is shown on another path under another
 * identity. */
bool nvmens_disk_refused(const nvmens_disk *disk, const nvmens_ctrl *newcomer)
{
  for (const nvmens_attachment *att = disk->atts; att; att = att->path_next)
    if (att->ctrl != newcomer && nvmens_att_visible(att) &&
        may_have_other(disk, newcomer, att->ns, true))
      return true;
  return false;
}

void nvmens_disk_tell_refused(const nvmens_disk *disk, const nvmens_ctrl *newcomer)
{
  for (nvmens_attachment *att = disk->atts; att; att = att->path_next)
    if (att->ctrl != newcomer && nvmens_att_visible(att) &&
        may_have_other(disk, newcomer, att->ns, true))
      nvmens_ctrl_record(att->ctrl, NVMENS_LOG_ATTACHED, disk->nsid, true);
}

void nvmens_disk_shown(const nvmens_attachment *att)
{
  for (nvmens_ctrl *ctrl = att->disk->host->first; ctrl; ctrl = ctrl->path_next)
    if (ctrl != att->ctrl && ctrl->owes != NVMENS_MARK_NONE && nvmens_disk_refused(att->disk, ctrl))
      nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, att->nsid, true);
}

/* The paths that may have been refused while this one had another disk: to be tried again. */
static void tell_others(const nvmens_attachment *att)
{
  for (nvmens_attachment *other = att->disk->atts; other; other = other->path_next)
    if (other != att && nvmens_att_visible(other) && clash(att, other->ns))
      nvmens_ctrl_record(other->ctrl, NVMENS_LOG_ATTACHED, att->nsid, true);
}

static bool serves(const nvmens_attachment *att)
{
  return att->state == NVMENS_ATT_ATTACHED && att->ctrl->state == NVMENS_CTRL_READY;
}

void nvmens_disk_uncount(const nvmens_attachment *att)
{
  nvmens_disk *disk = att->disk;

  disk->pending -= att->state == NVMENS_ATT_WANTED || att->state == NVMENS_ATT_FENCED;
  disk->visible -= nvmens_att_visible(att);
  disk->serving -= serves(att);
}

void nvmens_disk_count(const nvmens_attachment *att)
{
  nvmens_disk *disk = att->disk;

  disk->pending += att->state == NVMENS_ATT_WANTED || att->state == NVMENS_ATT_FENCED;
  disk->visible += nvmens_att_visible(att);
  disk->serving += serves(att);
}

uint16_t nvmens_att_answer_of(const nvmens_attachment *att)
{
  bool other = att->disk->answers > serves(att);

  return att->had && other && att->ctrl->subsys->config.inactive_io == NVMENS_IO_AUTO
             ? NVMENS_SC_INTERNAL_PATH_ERROR
             : NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;
}

void nvmens_att_answer(const nvmens_attachment *att)
{
  att->ctrl->subsys->core.work++;
  if (!att->opening) /* else it is to be tried again: it opens soon */
    nvmens_slot_answer(att->slot, nvmens_att_answer_of(att));
}

void nvmens_disk_answer(nvmens_disk *disk)
{
  uint8_t answers = disk->serving < 2 ? (uint8_t)disk->serving : 2;

  if (answers == disk->answers)
    return;
  disk->answers = answers;
  for (const nvmens_attachment *att = disk->atts; att; att = att->path_next)
    nvmens_att_answer(att);
}

/* ---- settle ---- */

static bool has_it_next(const nvmens_attachment *att)
{
  uint8_t waits = hindrance(att);

  return waits == NVMENS_WAIT_NOTHING || waits == NVMENS_WAIT_FENCE;
}

/* Of several that wait for a private namespace the lowest CNTLID gets it, be it another host's
 * (R57). That one gives way to nobody. Where one has it next, all others are WANTED too. */
static void give_way(const nvmens_attachment *att)
{
  const nvmens_attachment *lowest = att;

  if (att->ns->shared || att->state != NVMENS_ATT_WANTED || !has_it_next(att))
    return;
  for (const nvmens_attachment *other = att->ns->attachments; other; other = other->ns_next)
    if (other->ctrl->cntlid < lowest->ctrl->cntlid && has_it_next(other))
      lowest = other;
  if (lowest->disk != att->disk)
    nvmens_disk_settle(lowest->disk);
}

/* Whether one has changed its state: then the others may have another reason. */
static bool decide(const nvmens_disk *disk)
{
  bool changed = false;

  for (nvmens_attachment *att = disk->atts; att; att = att->path_next) {
    uint8_t before = att->state;

    att->ctrl->subsys->core.work++;
    if (before == NVMENS_ATT_WANTED || before == NVMENS_ATT_FENCED) {
      give_way(att);
      nvmens_att_decide(att, hindrance(att));
    }
    changed |= att->state != before;
  }
  return changed;
}

void nvmens_disk_settle(nvmens_disk *disk)
{
  while (disk->pending && decide(disk)) /* each round attaches one, or there are no more */
    continue;
  if (disk->pending || disk->told || (disk->owed && disk->visible))
    for (nvmens_attachment *att = disk->atts; att; att = att->path_next)
      tell(att);
  nvmens_disk_answer(disk);
}

void nvmens_disk_due(nvmens_disk *disk)
{
  nvmens_subsys *s = disk->host->subsys;

  if (disk->due)
    return;
  disk->due = 1;
  disk->next_due = s->due;
  s->due = disk;
}

void nvmens_disks_settle(nvmens_subsys *s)
{
  while (s->due) {
    nvmens_disk *disk = s->due;

    s->due = disk->next_due;
    disk->due = 0;
    nvmens_disk_settle(disk);
  }
}

bool nvmens_disk_is_settled(const nvmens_attachment *att)
{
  bool pends = att->state == NVMENS_ATT_WANTED || att->state == NVMENS_ATT_FENCED;

  return (!pends || (att->waits != NVMENS_WAIT_NOTHING && att->waits == hindrance(att))) &&
         att->waited == waited_for(att) && att->told == (att->waited || refused_for(att)) &&
         att->ctrl->patience.running == (att->ctrl->nwaited && answers(att->ctrl));
}

void nvmens_path_settle(nvmens_ctrl *ctrl)
{
  nvmens_attachment *att, *next;

  for (att = ctrl->owed; att; att = next) {
    next = att->owed_next;
    nvmens_disk_settle(att->disk);
  }
  for (att = ctrl->wanted; att; att = next) {
    next = att->next;
    nvmens_disk_settle(att->disk);
  }
}

/* ---- marks ---- */

static void link_owed(nvmens_attachment *att)
{
  att->owed_prev = NULL;
  att->owed_next = att->ctrl->owed;
  if (att->owed_next)
    att->owed_next->owed_prev = att;
  att->ctrl->owed = att;
  att->disk->owed++;
}

static void unlink_owed(nvmens_attachment *att)
{
  if (att->owed_prev)
    att->owed_prev->owed_next = att->owed_next;
  else
    att->ctrl->owed = att->owed_next;
  if (att->owed_next)
    att->owed_next->owed_prev = att->owed_prev;
  att->disk->owed--;
}

void nvmens_mark_step(nvmens_attachment *att, unsigned event)
{
  nvmens_ctrl *ctrl = att->ctrl;
  uint8_t before = att->mark;
  const nvmens_cell *cell =
      nvmens_step(&ctrl->subsys->core, NVMENS_M_MARK, &att->mark, event, nvmens_about_att(att));

  if (before == NVMENS_MARK_NONE) /* it left: nothing else is asked of NONE */
    link_owed(att);
  else if (att->mark == NVMENS_MARK_NONE)
    unlink_owed(att);
  att->latch = ctrl->changed[NVMENS_LOG_ATTACHED].latch;
  if (cell->actions & NVMENS_DO_LET_GO)
    tell_others(att);
}
