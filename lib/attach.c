/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attach.c: one attachment, until it is attached (R18-R25, R56-R60). Floor 3.
 *
 * Invariants: the gate is open iff ATTACHED and `attached` has returned; what should be attached
 * is in the controller's `active`, so that attaching it later takes no memory.
 */
#include "attach.h"

#include "ctrl.h"
#include "ns.h"
#include "paths.h"

nvmens_attachment *nvmens_att_of(const nvmens_ctrl *ctrl, uint32_t nsid)
{
  return nvmens_nsid_set_get(&ctrl->atts, nsid);
}

/* ---- what should be attached (R56) ---- */

bool nvmens_att_covers(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  if (ctrl->state == NVMENS_CTRL_GOING || ctrl->kind != NVMENS_CTRL_IO)
    return false;
  if (!ns->auto_attach || ns->shared)
    return ns->auto_attach;
  return ns->home == NVMENS_CNTLID_ANY ? ns->keeper == ctrl->host : ns->home == ctrl->cntlid;
}

bool nvmens_att_should(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);

  if (ns->state == NVMENS_NS_DELETING || ctrl->state == NVMENS_CTRL_GOING)
    return false;
  if (att && att->wish && att->wish_gen == ns->gen)
    return att->wish == NVMENS_WISH_ATTACH;
  return nvmens_att_covers(ns, ctrl);
}

bool nvmens_att_wish_is_alive(const nvmens_attachment *att)
{
  const nvmens_ns *ns = nvmens_ns_of(att->ctrl->subsys, att->nsid);

  return ns && ns->gen == att->wish_gen && ns->state == NVMENS_NS_ALLOCATED;
}

void nvmens_att_wish(const nvmens_ns *ns, nvmens_ctrl *ctrl, uint8_t wish)
{
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);

  att->wish = wish;
  att->wish_gen = ns->gen;
}

/* ---- attach ---- */

bool nvmens_att_full(const nvmens_ctrl *ctrl)
{
  const nvmens_subsys_config *config = &ctrl->subsys->config;

  return (config->maxdna && ctrl->subsys->attached >= config->maxdna) ||
         (config->maxcna && ctrl->live - ctrl->count[NVMENS_ATT_WANTED] >= config->maxcna);
}

/* Some controller has it, or will. */
static bool asked_for(const nvmens_ns *ns)
{
  for (const nvmens_attachment *att = ns->attachments; att; att = att->ns_next)
    if (!nvmens_att_holds(att) || nvmens_att_visible(att) || nvmens_att_should(ns, att->ctrl))
      return true;
  return false;
}

bool nvmens_att_is_elsewhere(const nvmens_ns *ns, const nvmens_attachment *att)
{
  bool is_explicit = att->wish == NVMENS_WISH_ATTACH && att->wish_gen == ns->gen;

  return !ns->shared && att->state == NVMENS_ATT_WANTED && !is_explicit &&
         ns->count[NVMENS_ATT_ATTACHED] + ns->count[NVMENS_ATT_FENCED] > 0;
}

nvmens_verdict nvmens_att_may(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);
  bool leaves = att && nvmens_att_holds(att) && !nvmens_att_visible(att);
  const nvmens_cell *cell;
  uint16_t sf;

  if (ctrl->kind != NVMENS_CTRL_IO)
    return NVMENS_VERDICT(NVMENS_SC_INVALID_CTRL_LIST | NVMENS_SF_DNR, NVMENS_ERR_KIND);
  if (att && nvmens_att_is_elsewhere(ns, att))
    return NVMENS_VERDICT(NVMENS_SC_NS_IS_PRIVATE | NVMENS_SF_DNR, NVMENS_ERR_EXISTS);
  cell =
      nvmens_cell_of(NVMENS_M_ATTACHMENT, att ? att->state : NVMENS_ATT_DETACHED, NVMENS_EV_WANT);
  if (leaves && nvmens_att_should(ns, ctrl))
    cell = nvmens_cell_of(NVMENS_M_ATTACHMENT, NVMENS_ATT_WANTED, NVMENS_EV_WANT);
  if (cell->kind != NVMENS_GO)
    return nvmens_verdict_of(cell);
  if (!ns->shared && asked_for(ns))
    return NVMENS_VERDICT(NVMENS_SC_NS_IS_PRIVATE | NVMENS_SF_DNR, NVMENS_ERR_PRIVATE);
  if (!nvmens_ctrl_has_csi(ctrl, ns->csi)) {
    sf = NVMENS_SC_COMMAND_SET_NOT_ENABLED | NVMENS_SF_DNR;
    return NVMENS_VERDICT(sf, NVMENS_ERR_COMMAND_SET);
  }
  if (!leaves && nvmens_att_full(ctrl))
    return NVMENS_VERDICT(NVMENS_SC_NS_ATTACH_LIMIT | NVMENS_SF_DNR, NVMENS_ERR_LIMIT);
  return NVMENS_VERDICT_OK;
}

static nvmens_attachment *att_new(nvmens_ctrl *ctrl, uint32_t nsid)
{
  nvmens_subsys *s = ctrl->subsys;
  const nvmens_mem *mem = &s->core.mem;
  nvmens_slot *slot = nvmens_gate_slot(ctrl->gate, nsid);
  nvmens_attachment *att = slot ? nvmens_zalloc(mem, 1, sizeof(*att)) : NULL;

  if (!att)
    return NULL;
  att->ctrl = ctrl;
  att->nsid = nsid;
  att->slot = slot;
  if (nvmens_tokens_reserve(&s->tokens, mem, &att->place)) {
    nvmens_free(mem, att);
    return NULL;
  }
  if (nvmens_nsid_set_add(&ctrl->atts, mem, nsid, att)) {
    nvmens_tokens_release(&s->tokens, att->place);
    nvmens_free(mem, att);
    return NULL;
  }
  if (nvmens_disk_reserve(att)) {
    nvmens_nsid_set_remove(&ctrl->atts, mem, nsid);
    nvmens_tokens_release(&s->tokens, att->place);
    nvmens_free(mem, att);
    return NULL;
  }
  nvmens_slot_own(slot, att);
  return att;
}

int nvmens_att_reserve(const nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  const nvmens_mem *mem = &ns->subsys->core.mem;
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);
  int err;

  if (!att && !(att = att_new(ctrl, ns->nsid)))
    return NVMENS_ERR_NOMEM;
  err = nvmens_nsid_set_add(&ctrl->active, mem, ns->nsid, att);
  return err == NVMENS_ERR_EXISTS ? 0 : err;
}

void nvmens_att_unreserve(const nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);

  if (att && !att->ns)
    nvmens_nsid_set_remove(&ctrl->active, &ns->subsys->core.mem, ns->nsid);
}

static void attached_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, edge);
  nvmens_ctrl *ctrl = att->ctrl;

  if (s->core.host.attached) {
    nvmens_hook_enter(&s->core);
    s->core.host.attached(att->ns->user, ctrl->user);
    nvmens_hook_leave(&s->core);
  }
  if (!att->opening)
    return; /* it left meanwhile */
  att->opening = 0;
  ctrl->opening--;
  nvmens_slot_open(att->slot, &s->bell, att->ns->user);
  nvmens_ctrl_deliver(ctrl);
}

static void link_ns(nvmens_attachment *att, nvmens_ns *ns)
{
  att->ns = ns;
  att->ns_prev = NULL;
  att->ns_next = ns->attachments;
  if (att->ns_next)
    att->ns_next->ns_prev = att;
  ns->attachments = att;
  ns->count[att->state]++;
  att->ctrl->count[att->state]++;
  att->ctrl->live++;
}

void nvmens_att_unlink_ns(nvmens_attachment *att)
{
  if (att->ns_prev)
    att->ns_prev->ns_next = att->ns_next;
  else
    att->ns->attachments = att->ns_next;
  if (att->ns_next)
    att->ns_next->ns_prev = att->ns_prev;
  att->ns->count[att->state]--;
  att->ctrl->count[att->state]--;
  att->ns = NULL;
  att->ctrl->live--;
}

void nvmens_atts_link(nvmens_attachment **first, nvmens_attachment *att)
{
  att->prev = NULL;
  att->next = *first;
  if (att->next)
    att->next->prev = att;
  *first = att;
}

void nvmens_atts_unlink(nvmens_attachment **first, nvmens_attachment *att)
{
  if (att->prev)
    att->prev->next = att->next;
  else
    *first = att->next;
  if (att->next)
    att->next->prev = att->prev;
}

/* The state, and what is counted by it. */
const nvmens_cell *nvmens_att_step(nvmens_attachment *att, unsigned event)
{
  nvmens_ctrl *ctrl = att->ctrl;
  uint8_t from = att->state;
  const nvmens_cell *cell;

  nvmens_disk_uncount(att);
  cell = nvmens_step(&ctrl->subsys->core, NVMENS_M_ATTACHMENT, &att->state, event,
                     nvmens_about_att(att));
  nvmens_disk_count(att);

  if (att->ns) {
    att->ns->count[from]--;
    att->ns->count[att->state]++;
    ctrl->count[from]--;
    ctrl->count[att->state]++;
  }
  if (from == NVMENS_ATT_WANTED)
    ctrl->subsys->attached += nvmens_att_visible(att);
  else if (from == NVMENS_ATT_FENCED)
    ctrl->subsys->attached -= !nvmens_att_visible(att);
  return cell;
}

void nvmens_att_want(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);

  if (att->ns)
    return; /* it is, or will be when it has drained */
  link_ns(att, ns);
  att->had = 1;
  nvmens_att_answer(att);
  nvmens_att_step(att, NVMENS_EV_WANT);
  nvmens_atts_link(&ctrl->wanted, att);
  nvmens_disk_settle(att->disk);
}

void nvmens_att_unwant(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);

  if (!att)
    return;
  if (att->state == NVMENS_ATT_WANTED)
    nvmens_att_leave(att, NVMENS_EV_REMOVE, NULL, true);
  else
    nvmens_nsid_set_remove(&ctrl->active, &ctrl->subsys->core.mem, ns->nsid);
  nvmens_disk_settle(att->disk);
}

uint8_t nvmens_att_hindered(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  if (!nvmens_att_should(ns, ctrl))
    return NVMENS_WAIT_DRAINING; /* the call under way is about to end it */
  if (!ns->shared)
    for (const nvmens_attachment *other = ns->attachments; other; other = other->ns_next)
      if (nvmens_att_holds(other))
        return NVMENS_WAIT_DRAINING;
  return nvmens_ctrl_enables_csi(ctrl, ns->csi) ? NVMENS_WAIT_NOTHING : NVMENS_WAIT_COMMAND_SET;
}

void nvmens_att_let_in(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  nvmens_attachment *att, *next;

  if (!s->config.maxdna && !s->config.maxcna)
    return;
  for (uint32_t i = 0; i < s->nctrl; i++)
    for (att = s->ctrl[i]->wanted; att; att = next) {
      next = att->next;
      if ((att->waits != NVMENS_WAIT_LIMIT && att->waits != NVMENS_WAIT_DISK) ||
          (!s->config.maxdna && s->ctrl[i] != ctrl))
        continue;
      if (nvmens_att_full(s->ctrl[i]))
        break;
      nvmens_disk_settle(att->disk);
    }
}

void nvmens_att_record(const nvmens_attachment *att, bool loud)
{
  nvmens_ctrl_record(att->ctrl, NVMENS_LOG_ATTACHED, att->nsid, loud);
}

/* What it knows of the host from now on: READY since then iff the counts differ (R60). */
static uint32_t unseen(const nvmens_attachment *att)
{
  const nvmens_ctrl *ctrl = att->ctrl;
  bool seen = ctrl->state == NVMENS_CTRL_READY || att->mark != NVMENS_MARK_NONE;

  return ctrl->enables - seen;
}

void nvmens_att_settle_private(const nvmens_ns *ns)
{
  const nvmens_subsys *s = ns->subsys;

  for (uint32_t i = 0; i < s->nctrl && !ns->shared && ns->count[NVMENS_ATT_WANTED]; i++) {
    const nvmens_attachment *att = nvmens_att_of(s->ctrl[i], ns->nsid);

    if (att && att->state == NVMENS_ATT_WANTED)
      nvmens_disk_settle(att->disk);
  }
}

static void attach(nvmens_attachment *att)
{
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_subsys *s = ctrl->subsys;
  const nvmens_cell *cell = nvmens_att_step(att, NVMENS_EV_ATTACH);

  nvmens_atts_unlink(&ctrl->wanted, att);
  att->enables = unseen(att);
  if (att->mark != NVMENS_MARK_NONE)
    nvmens_mark_step(att, NVMENS_EV_BACK);
  att->identity = att->ns->identity;
  att->shared = att->ns->shared;
  att->opening = 1;
  ctrl->opening++;
  nvmens_slot_answer(att->slot,
                     NVMENS_SC_INTERNAL_PATH_ERROR); /* to be tried again: it opens soon */
  nvmens_outbox_add(&s->core, &att->edge, attached_run);
  if (cell->actions & NVMENS_DO_RECORD) {
    nvmens_att_record(att, true);
    nvmens_ns_changed(att->ns);
    nvmens_disk_shown(att);
  }
  nvmens_att_settle_private(att->ns);
}

static void disclose(nvmens_attachment *att, unsigned event)
{
  nvmens_att_step(att, event);
  nvmens_att_record(att, true);
  if (att->ctrl->state != NVMENS_CTRL_GOING) /* that is no detach */
    nvmens_ns_changed(att->ns);
  if (event == NVMENS_EV_HIDE)
    nvmens_att_let_in(att->ctrl);
  else
    nvmens_disk_shown(att);
  nvmens_att_settle_private(att->ns);
}

void nvmens_att_decide(nvmens_attachment *att, uint8_t waits)
{
  att->waits = waits;
  if (waits == NVMENS_WAIT_NOTHING)
    attach(att);
  else if (waits == NVMENS_WAIT_FENCE && att->state == NVMENS_ATT_WANTED)
    disclose(att, NVMENS_EV_SHOW);
  else if (waits != NVMENS_WAIT_FENCE && att->state == NVMENS_ATT_FENCED)
    disclose(att, NVMENS_EV_HIDE);
}
