/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * subsys.c: changes that concern several objects, in phases (R38-R41, R51). Floor 4.
 *
 * Invariants: an allocated event goes to every ready controller; whom auto attach serves is decided
 * in nvmens_fan_new_ctrl and nvmens_fan_plug only; the answer for barred I/O follows from who is
 * attached.
 */
#include "subsys.h"

#include "always.h"
#include "attach.h"
#include "ctrl.h"
#include "ns.h"

/* ---- calls ---- */

void nvmens_enter(nvmens_subsys *s)
{
  nvmens_lock(&s->core);
}

void nvmens_commit(nvmens_subsys *s)
{
  uint64_t next;

  if (s->barrier_due) {
    s->barrier_due = 0;
    nvmens_gate_barrier(&s->bell);
  }
  nvmens_outbox_flush(&s->core);
  next = nvmens_earliest(s);
  if (next < s->told)
    nvmens_wake(&s->core);
  s->told = next;
  nvmens_unlock(&s->core);
}

void nvmens_set_deadline(nvmens_subsys *s, uint64_t now_ns, uint64_t after_ns)
{
  if (now_ns > s->core.now)
    s->core.now = now_ns;
  s->deadline = after_ns > UINT64_MAX - s->core.now ? UINT64_MAX : s->core.now + after_ns;
}

uint64_t nvmens_earliest(const nvmens_subsys *s)
{
  uint64_t at = s->timers.first ? s->timers.first->at : UINT64_MAX;

  return s->prep_timers.first && s->prep_timers.first->at < at ? s->prep_timers.first->at : at;
}

static nvmens_timer *due(nvmens_subsys *s, nvmens_timers *timers)
{
  nvmens_timer *timer = timers->first;

  if (!timer || timer->at == UINT64_MAX || timer->at > s->core.now)
    return NULL;
  nvmens_timer_stop(timers, timer);
  return timer;
}

void nvmens_run_timers(nvmens_subsys *s)
{
  nvmens_timer *timer;

  while ((timer = due(s, &s->timers)) != NULL)
    nvmens_att_late(NVMENS_OBJECT(timer, nvmens_attachment, timer));
  while ((timer = due(s, &s->prep_timers)) != NULL) {
    nvmens_cmd *cmd = NVMENS_OBJECT(timer, nvmens_prep, timer)->cmd;

    nvmens_cmd_abandon(cmd);
    nvmens_cmd_end(cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
  }
}

/* ---- answers for barred I/O (R51, C16) ---- */

static bool ready_with(const nvmens_ctrl *ctrl, uint32_t nsid)
{
  return ctrl->state == NVMENS_CTRL_READY && nvmens_nsid_set_get(&ctrl->active, nsid);
}

/* Each controller of this host that ever had the NSID answers by whether the host has another path.
 * ctrl: one of them, the one that changed. */
static void answer(const nvmens_ctrl *ctrl, uint32_t nsid)
{
  const nvmens_ctrl *at = ctrl;
  uint32_t count = 0;

  if (ctrl->peer == ctrl || ctrl->subsys->config.inactive_io == NVMENS_IO_SPEC)
    return;
  do {
    count += ready_with(at, nsid);
    at = at->peer;
  } while (at != ctrl);
  do {
    const nvmens_attachment *att = nvmens_att_of(at, nsid);

    if (att && !att->opening)
      nvmens_slot_answer(att->slot, count > ready_with(at, nsid)
                                        ? NVMENS_SC_INTERNAL_PATH_ERROR
                                        : NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR);
    at = at->peer;
  } while (at != ctrl);
}

static void answer_all(const nvmens_ctrl *ctrl)
{
  uint32_t nsid = 0;

  if (ctrl->peer != ctrl)
    while (nvmens_nsid_set_next(&ctrl->active, nsid, &nsid))
      answer(ctrl, nsid);
}

/* ---- events ---- */

/* The issuer of a delete finds the entry in its log, but no event (R41). */
static void record_allocated(nvmens_subsys *s, uint32_t nsid, const nvmens_cmd *deleter)
{
  for (uint32_t i = 0; i < s->nctrl; i++)
    nvmens_ctrl_record(s->ctrl[i], NVMENS_LOG_ALLOCATED, nsid,
                       !deleter || deleter->ctrl != s->ctrl[i]);
}

void nvmens_fan_deliver(nvmens_subsys *s)
{
  for (uint32_t i = 0; i < s->nctrl; i++)
    nvmens_ctrl_deliver(s->ctrl[i]);
}

/* ---- attach ---- */

static bool lowest(const nvmens_ctrl *ctrl)
{
  const nvmens_subsys *s = ctrl->subsys;

  for (uint32_t i = 0; s->ctrl[i] != ctrl; i++)
    if (s->ctrl[i]->kind == NVMENS_CTRL_IO && s->ctrl[i]->state != NVMENS_CTRL_GOING)
      return false;
  return true;
}

/* Auto attach gives this namespace to this controller, if the controller can take it. */
static bool meant_for(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  if (ns->state == NVMENS_NS_DELETING || !ns->auto_attach || ctrl->state == NVMENS_CTRL_GOING)
    return false;
  if (ns->shared)
    return true;
  return ns->home == NVMENS_CNTLID_ANY ? lowest(ctrl) : ns->home == ctrl->cntlid;
}

/* Auto attach passes by what cannot be attached; only memory and a drain stop it. more: attachments
 * that are reserved. */
static int reserve(nvmens_ns *ns, nvmens_ctrl *ctrl, uint64_t *more)
{
  const nvmens_subsys *s = ns->subsys;
  nvmens_verdict verdict;

  if (!meant_for(ns, ctrl))
    return 0;
  verdict = nvmens_att_may(ns, ctrl);
  if (verdict.err == NVMENS_ERR_PRIVATE && !ns->count[NVMENS_ATT_ATTACHED])
    return NVMENS_ERR_BUSY; /* its one attachment is on its way out */
  if (verdict.err)
    return verdict.err == NVMENS_ERR_BUSY ? NVMENS_ERR_BUSY : 0;
  if ((s->config.maxdna && s->attached + *more >= s->config.maxdna) ||
      (s->config.maxcna && ctrl->active.count >= s->config.maxcna))
    return 0;
  ++*more;
  return nvmens_att_reserve(ns, ctrl);
}

static void attach_reserved(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;

  for (uint32_t i = 0; i < s->nctrl; i++)
    if (nvmens_att_reserved(ns, s->ctrl[i])) {
      nvmens_att_attach(ns, s->ctrl[i]);
      answer(s->ctrl[i], ns->nsid);
    }
}

static int reserve_everywhere(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;
  uint64_t more = 0;
  int err = 0;

  for (uint32_t i = 0; i < s->nctrl && !err; i++)
    err = reserve(ns, s->ctrl[i], &more);
  for (uint32_t i = 0; i < s->nctrl && err; i++)
    if (nvmens_att_reserved(ns, s->ctrl[i]))
      nvmens_att_unreserve(ns, s->ctrl[i]);
  return err;
}

nvmens_verdict nvmens_fan_create(nvmens_subsys *s, const nvmens_ns_config *config, void *user,
                                 nvmens_ns **out)
{
  nvmens_verdict verdict = nvmens_ns_prepare(s, config, user, out);

  if (verdict.err)
    return verdict;
  if (reserve_everywhere(*out)) {
    nvmens_ns_forget(*out);
    return NVMENS_VERDICT_NOMEM;
  }
  nvmens_ns_publish(*out);
  attach_reserved(*out);
  record_allocated(s, (*out)->nsid, NULL);
  return NVMENS_VERDICT_OK;
}

int nvmens_fan_plug(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;
  uint8_t before = ns->auto_attach;
  uint64_t attached = s->attached;
  int err;

  ns->auto_attach = 1;
  err = reserve_everywhere(ns);
  if (err) {
    ns->auto_attach = before;
    return err;
  }
  attach_reserved(ns);
  if (s->attached != attached)
    record_allocated(s, ns->nsid, NULL);
  return 0;
}

nvmens_verdict nvmens_fan_attach(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_verdict verdict = nvmens_att_may(ns, ctrl);

  if (verdict.err)
    return verdict;
  if (nvmens_att_reserve(ns, ctrl))
    return NVMENS_VERDICT_NOMEM;
  nvmens_att_attach(ns, ctrl);
  answer(ctrl, ns->nsid);
  return NVMENS_VERDICT_OK;
}

/* ---- detach and remove ---- */

nvmens_verdict nvmens_fan_detach(nvmens_ns *ns, nvmens_ctrl *ctrl, unsigned event,
                                 nvmens_cmd *owner)
{
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);
  nvmens_verdict verdict = nvmens_att_leave(att, event, owner, true);

  if (verdict.err)
    return verdict;
  nvmens_att_left(att);
  answer(ctrl, ns->nsid);
  return verdict;
}

void nvmens_fan_changed(const nvmens_ns *ns)
{
  record_allocated(ns->subsys, ns->nsid, NULL);
}

nvmens_verdict nvmens_fan_remove(nvmens_ns *ns, unsigned event, nvmens_cmd *owner)
{
  nvmens_subsys *s = ns->subsys;
  uint16_t actions;
  nvmens_verdict verdict = nvmens_ns_leave(ns, event, owner, &actions);
  nvmens_attachment *att, *next;

  if (NVMENS_NEVER(verdict.err))
    return verdict;
  for (att = ns->attachments; att; att = next) {
    next = att->ns_next;
    nvmens_att_leave(att,
                     actions & NVMENS_DO_ABORT_EACH ? NVMENS_EV_REMOVE_SURPRISE : NVMENS_EV_REMOVE,
                     NULL, !owner || owner->ctrl != att->ctrl);
  }
  for (att = ns->attachments; att; att = att->ns_next)
    answer(att->ctrl, ns->nsid);
  if (actions & NVMENS_DO_RECORD_ALLOCATED)
    record_allocated(s, ns->nsid, owner);
  nvmens_ns_late(ns);
  nvmens_ns_quiet(ns);
  return verdict;
}

nvmens_verdict nvmens_fan_update(nvmens_ns *ns, const nvmens_ns_attrs *attrs)
{
  nvmens_subsys *s = ns->subsys;
  bool size = attrs->set & NVMENS_SET_SIZE;
  uint64_t nsze = size ? attrs->nsze : ns->nsze;
  uint64_t ncap = size ? (attrs->ncap ? attrs->ncap : attrs->nsze) : ns->ncap;
  const nvmens_cell *cell = nvmens_cell_of(NVMENS_M_NS, ns->state, NVMENS_EV_UPDATE);
  nvmens_verdict verdict;

  if (cell->kind != NVMENS_GO)
    return NVMENS_VERDICT(cell->sf, cell->err);
  verdict =
      nvmens_ns_resize(ns, nsze, ncap, attrs->set & NVMENS_SET_FORMAT ? attrs->flbas : ns->flbas);
  if (verdict.err)
    return verdict;
  if (attrs->set & NVMENS_SET_WRITE_PROTECT)
    ns->write_protected = attrs->write_protected != 0;
  nvmens_step(&s->core, NVMENS_M_NS, &ns->state, NVMENS_EV_UPDATE, nvmens_about_ns(ns));
  for (nvmens_attachment *att = ns->attachments; att; att = att->ns_next)
    if (att->state == NVMENS_ATT_ATTACHED)
      nvmens_ctrl_record(att->ctrl, NVMENS_LOG_ATTACHED, ns->nsid, true);
  record_allocated(s, ns->nsid, NULL);
  return verdict;
}

/* ---- controllers ---- */

nvmens_ctrl *nvmens_ctrl_of(const nvmens_subsys *s, uint16_t cntlid)
{
  uint32_t low = 0, high = s->nctrl;

  while (low < high) {
    uint32_t mid = (low + high) / 2;

    if (s->ctrl[mid]->cntlid < cntlid)
      low = mid + 1;
    else
      high = mid;
  }
  if (low == s->nctrl || s->ctrl[low]->cntlid != cntlid || s->ctrl[low]->state == NVMENS_CTRL_GOING)
    return NULL;
  return s->ctrl[low];
}

nvmens_gate *nvmens_gate_take(nvmens_subsys *s, nvmens_ctrl *ctrl)
{
  nvmens_gate *gate;

  for (gate = s->gates; gate && (gate->ctrl || gate->lanes); gate = gate->next)
    continue;
  if (!gate) {
    gate = nvmens_gate_new(&s->core.mem, &s->bell, s->config.nn);
    if (!gate)
      return NULL;
    gate->subsys = s;
    gate->next = s->gates;
    s->gates = gate;
  }
  nvmens_gate_recycle(gate);
  gate->ctrl = ctrl;
  return gate;
}

int nvmens_fan_new_ctrl(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  const nvmens_attachment *att;
  uint32_t nsid = 0;
  uint64_t more = 0;
  nvmens_ns *ns;

  while ((ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL)
    if (reserve(ns, ctrl, &more) == NVMENS_ERR_NOMEM)
      return NVMENS_ERR_NOMEM;
  for (nsid = 0; (att = nvmens_nsid_set_next(&ctrl->active, nsid, &nsid)) != NULL;) {
    nvmens_att_attach(nvmens_ns_of(s, nsid), ctrl);
    answer(ctrl, nsid);
    record_allocated(s, nsid, NULL);
  }
  return 0;
}

int nvmens_fan_ctrl(nvmens_ctrl *ctrl, unsigned event)
{
  const nvmens_subject who = {ctrl->cntlid, 0, 0};
  const nvmens_cell *cell =
      nvmens_step(&ctrl->subsys->core, NVMENS_M_CTRL, &ctrl->state, event, who);
  nvmens_attachment *att;
  uint32_t nsid = 0;

  if (cell->kind != NVMENS_GO)
    return cell->err;
  if (cell->actions & (NVMENS_DO_READY | NVMENS_DO_UNREADY)) {
    nvmens_gate_ready(ctrl->gate, cell->actions & NVMENS_DO_READY);
    answer_all(ctrl);
  }
  if (cell->actions & NVMENS_DO_READY)
    nvmens_ctrl_marks_ready(ctrl);
  if (cell->actions & NVMENS_DO_EPOCH)
    nvmens_ctrl_epoch(ctrl);
  if (cell->actions & NVMENS_DO_ABORT_ALL) {
    while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL)
      nvmens_att_leave(att, NVMENS_EV_CTRL_GOES, NULL, false);
    nvmens_ctrl_quiet(ctrl);
  }
  return 0;
}
