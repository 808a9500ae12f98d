/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * subsys.c: changes that concern several objects, in phases (R38-R41, R51, R56-R59). Floor 4.
 *
 * Invariants: an allocated event goes to every ready controller; what should be attached is
 * ATTACHED, WANTED, FENCED, or wanted when it has drained.
 */
#include "subsys.h"

#include "always.h"
#include "attach.h"
#include "ctrl.h"
#include "ns.h"
#include "paths.h"

/* ---- calls ---- */

void nvmens_enter(nvmens_subsys *s)
{
  nvmens_lock(&s->core);
}

void nvmens_commit(nvmens_subsys *s)
{
  uint64_t next;

  nvmens_bar(s);
  nvmens_outbox_flush(&s->core);
  next = nvmens_earliest(s);
  if (next < s->told)
    nvmens_wake(&s->core);
  s->told = next;
  nvmens_unlock(&s->core);
}

void nvmens_fan_deliver(nvmens_subsys *s)
{
  nvmens_deliver_all(s);
}

/* ---- attach ---- */

/* At ctrl, what is remembered of its host included. Only memory can fail. */
static int reserve(const nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  bool asks = ns->state != NVMENS_NS_DELETING && ctrl->kind == NVMENS_CTRL_IO;
  uint8_t wish = asks ? nvmens_paths_wish(ctrl, ns) : NVMENS_WISH_NONE;
  int err;

  if (!wish && !nvmens_att_should(ns, ctrl))
    return 0;
  err = nvmens_att_reserve(ns, ctrl);
  if (err || !wish)
    return err;
  nvmens_att_wish(ns, ctrl, wish);
  if (wish == NVMENS_WISH_DETACH)
    nvmens_att_unreserve(ns, ctrl);
  return 0;
}

static int reserve_everywhere(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;
  int err = 0;

  nvmens_ns_find_keeper(ns);
  for (uint32_t i = 0; i < s->nctrl && !err; i++)
    err = reserve(ns, s->ctrl[i]);
  for (uint32_t i = 0; i < s->nctrl && err; i++)
    nvmens_att_unreserve(ns, s->ctrl[i]);
  return err;
}

/* After reserve_everywhere. */
static void want_everywhere(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;

  for (uint32_t i = 0; i < s->nctrl; i++)
    if (nvmens_att_should(ns, s->ctrl[i]))
      nvmens_att_want(ns, s->ctrl[i]);
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
  nvmens_ns_changed(*out);
  want_everywhere(*out);
  return NVMENS_VERDICT_OK;
}

static void unwant_others(nvmens_ns *ns)
{
  const nvmens_subsys *s = ns->subsys;

  for (uint32_t i = 0; i < s->nctrl; i++)
    if (!nvmens_att_should(ns, s->ctrl[i]))
      nvmens_att_unwant(ns, s->ctrl[i]);
}

static bool is_covered(const nvmens_ns *ns)
{
  const nvmens_subsys *s = ns->subsys;

  for (uint32_t i = 0; i < s->nctrl; i++)
    if (nvmens_att_covers(ns, s->ctrl[i]))
      return true;
  return false;
}

/* A keeper that has no controller for it now is forgotten (R56). */
static void look_for_keeper(nvmens_ns *ns)
{
  ns->auto_attach = 1;
  if (!is_covered(ns)) {
    ns->keeper = NULL;
    if (ns->home_found)
      ns->home = NVMENS_CNTLID_ANY;
    ns->home_found = 0;
  }
  nvmens_ns_find_keeper(ns);
}

static int reserve_covered(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;
  int err = 0;

  for (uint32_t i = 0; i < s->nctrl && !err; i++)
    if (nvmens_att_covers(ns, s->ctrl[i]))
      err = nvmens_att_reserve(ns, s->ctrl[i]);
  return err;
}

int nvmens_fan_plug(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;
  const nvmens_ns before = *ns;

  look_for_keeper(ns);
  if (reserve_covered(ns)) {
    ns->auto_attach = before.auto_attach;
    ns->keeper = before.keeper;
    ns->home = before.home;
    ns->home_found = before.home_found;
    unwant_others(ns);
    return NVMENS_ERR_NOMEM;
  }
  nvmens_paths_forget_wishes(s, ns);
  for (uint32_t i = 0; i < s->nctrl; i++) { /* what is attached stays so */
    const nvmens_attachment *att = nvmens_att_of(s->ctrl[i], ns->nsid);

    if (att && (!nvmens_att_visible(att) || nvmens_att_covers(ns, s->ctrl[i])))
      nvmens_att_wish(ns, s->ctrl[i], NVMENS_WISH_NONE);
  }
  want_everywhere(ns); /* first: whom the others wait for may be waited for on (R63) */
  unwant_others(ns);
  return 0;
}

nvmens_verdict nvmens_fan_attach(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_verdict verdict = nvmens_att_may(ns, ctrl);

  if (verdict.err)
    return verdict;
  if (nvmens_att_reserve(ns, ctrl))
    return NVMENS_VERDICT_NOMEM;
  nvmens_att_wish(ns, ctrl, NVMENS_WISH_ATTACH);
  nvmens_att_want(ns, ctrl);
  return NVMENS_VERDICT_OK;
}

/* ---- detach and remove ---- */

/* Nobody else has it: auto attach gives it to nobody now (R56). */
static bool ends_auto_attach(const nvmens_ns *ns, const nvmens_attachment *att)
{
  uint32_t others = (uint32_t)ns->count[NVMENS_ATT_ATTACHED] + ns->count[NVMENS_ATT_FENCED];

  return !ns->shared && ns->auto_attach && others == nvmens_att_visible(att);
}

nvmens_verdict nvmens_fan_detach(nvmens_ns *ns, nvmens_ctrl *ctrl, unsigned event,
                                 nvmens_cmd *owner)
{
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);
  bool leaves = att && att->state != NVMENS_ATT_WANTED && !nvmens_att_visible(att);
  bool again = leaves && nvmens_nsid_set_get(&ctrl->active, ns->nsid); /* also from `detached` */
  bool was = att && nvmens_att_visible(att), ends;
  nvmens_verdict verdict;

  if (owner && att && nvmens_att_is_elsewhere(ns, att))
    return nvmens_att_leave(NULL, event, owner, true);
  if (!att || (leaves && !again))
    return nvmens_att_leave(att, event, owner, true); /* refused, or a drain is aborted */
  ends = ends_auto_attach(ns, att);
  if (ends)
    ns->auto_attach = 0;
  nvmens_att_wish(ns, ctrl, NVMENS_WISH_DETACH);
  verdict = nvmens_att_leave(att, event, owner, true);
  if (again) { /* it will not be attached when it has drained */
    nvmens_att_unwant(ns, ctrl);
    verdict = NVMENS_VERDICT_OK;
  }
  if (was)
    nvmens_ns_changed(ns);
  if (ends)
    unwant_others(ns);
  nvmens_disk_settle(att->disk);
  return verdict;
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
    nvmens_disk_due(att->disk);
  }
  nvmens_disks_settle(s);
  if (actions & NVMENS_DO_RECORD_ALLOCATED)
    nvmens_record_allocated(s, ns->nsid, owner);
  nvmens_ns_late(ns);
  nvmens_ns_quiet(ns);
  return verdict;
}

nvmens_verdict nvmens_fan_update(nvmens_ns *ns, const nvmens_ns_attrs *attrs)
{
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
  nvmens_step(&ns->subsys->core, NVMENS_M_NS, &ns->state, NVMENS_EV_UPDATE, nvmens_about_ns(ns));
  for (nvmens_attachment *att = ns->attachments; att; att = att->ns_next)
    if (nvmens_att_visible(att))
      nvmens_ctrl_record(att->ctrl, NVMENS_LOG_ATTACHED, ns->nsid, true);
  nvmens_ns_changed(ns);
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

/* Private namespaces that had no keeper have one now; or again none, as the controller with which
 * it was looked for never was. */
static void settle_keepers(nvmens_subsys *s, bool keep)
{
  nvmens_ns *ns;
  uint32_t nsid = 0;

  while ((ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL) {
    if (!ns->keeper_found)
      continue;
    ns->keeper_found = 0;
    if (keep) {
      want_everywhere(ns);
      continue;
    }
    ns->keeper = NULL;
    if (ns->home_found)
      ns->home = NVMENS_CNTLID_ANY;
    ns->home_found = 0;
    for (uint32_t i = 0; i < s->nctrl; i++)
      nvmens_att_unreserve(ns, s->ctrl[i]);
  }
}

int nvmens_fan_new_ctrl(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  uint32_t nsid = 0;
  nvmens_ns *ns;

  while ((ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL) {
    if (nvmens_ns_find_keeper(ns))
      ns->keeper_found = 1;
    if (ns->keeper_found ? reserve_everywhere(ns) : reserve(ns, ctrl)) {
      settle_keepers(s, false);
      return NVMENS_ERR_NOMEM;
    }
  }
  if (ctrl->kind == NVMENS_CTRL_IO)
    nvmens_paths_take_wishes(ctrl);
  settle_keepers(s, true);
  for (nsid = 0; nvmens_nsid_set_next(&ctrl->active, nsid, &nsid);)
    nvmens_att_want(nvmens_ns_of(s, nsid), ctrl);
  return 0;
}

/* What CC.CSS does not enable is not there (R59). */
static void leave_disabled_sets(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  nvmens_attachment *att;
  uint32_t nsid = 0;

  if (ctrl->css == NVMENS_CSS_ALL ||
      (ctrl->css == NVMENS_CSS_NVM && s->config.csi_supported == 1 << NVMENS_CSI_NVM))
    return;
  s->deadline = UINT64_MAX;
  while ((att = nvmens_nsid_set_next(&ctrl->active, nsid, &nsid)) != NULL)
    if (att->state == NVMENS_ATT_ATTACHED && !nvmens_ctrl_has_csi(ctrl, att->ns->csi)) {
      nvmens_att_leave(att, NVMENS_EV_REMOVE, NULL, false);
      nvmens_ns_changed(att->ns);
      nvmens_disk_settle(att->disk);
    }
}

/* Whether it is READY decides what its attachments' hosts are answered elsewhere. */
static void answer_all(const nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att;
  uint32_t nsid = 0;

  while ((att = nvmens_nsid_set_next(&ctrl->active, nsid, &nsid)) != NULL)
    if (att->state == NVMENS_ATT_ATTACHED) {
      att->disk->serving += ctrl->state == NVMENS_CTRL_READY ? 1 : -1;
      nvmens_disk_answer(att->disk);
    }
}

static void all_go(nvmens_ctrl *ctrl)
{
  nvmens_attachment *att;
  uint32_t nsid = 0;

  while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL) {
    nvmens_att_leave(att, NVMENS_EV_CTRL_GOES, NULL, false);
    nvmens_disk_settle(att->disk);
  }
  nvmens_ctrl_quiet(ctrl);
}

int nvmens_fan_ctrl(nvmens_ctrl *ctrl, unsigned event)
{
  const nvmens_subject who = {ctrl->cntlid, 0, 0};
  const nvmens_cell *cell =
      nvmens_step(&ctrl->subsys->core, NVMENS_M_CTRL, &ctrl->state, event, who);

  if (cell->kind != NVMENS_GO)
    return cell->err;
  if (cell->actions & NVMENS_DO_ABORT_ALL) {
    ctrl->went = ++ctrl->subsys->serial;
    ctrl->resetting = 0; /* ctrl_released says it */
  }
  if (cell->actions & (NVMENS_DO_READY | NVMENS_DO_UNREADY)) {
    nvmens_gate_ready(ctrl->gate, cell->actions & NVMENS_DO_READY);
    answer_all(ctrl);
  }
  if (cell->actions & NVMENS_DO_READY) {
    ctrl->configured = 1;
    leave_disabled_sets(ctrl); /* this host has not seen them */
    ctrl->enables++;
    nvmens_path_ready(ctrl);
  }
  if (cell->actions & NVMENS_DO_UNREADY)
    nvmens_path_settle(ctrl);
  if (cell->actions & NVMENS_DO_EPOCH)
    nvmens_ctrl_epoch(ctrl);
  if (cell->actions & NVMENS_DO_RESET_DONE) {
    ctrl->resetting = 1;
    nvmens_ctrl_settle_reset(ctrl);
  }
  if (cell->actions & NVMENS_DO_ABORT_ALL)
    all_go(ctrl);
  return 0;
}
