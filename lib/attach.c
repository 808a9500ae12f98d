/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attach.c: one attachment (R18-R25, R51, C14). Floor 3.
 *
 * Invariants: `attached` and `detached` are called in pairs; a token is live from close to drained;
 * the gate is open iff ATTACHED and `attached` has returned; the drain's two halves are the
 * backend's answer to drain_begin and the gate's count.
 */
#include "attach.h"

#include "ctrl.h"
#include "ns.h"

nvmens_attachment *nvmens_att_of(const nvmens_ctrl *ctrl, uint32_t nsid)
{
  return nvmens_nsid_set_get(&ctrl->atts, nsid);
}

static nvmens_verdict verdict_of(const nvmens_cell *cell)
{
  return cell->kind == NVMENS_GO ? NVMENS_VERDICT_OK : NVMENS_VERDICT(cell->sf, cell->err);
}

/* ---- swap mark (C14) ---- */

/* 64 bits stand for 41 bytes: a chance of 2^-64 to miss a swap, for a sixth of the memory. */
static uint64_t identity_of(const nvmens_ns *ns)
{
  const uint8_t *byte = (const uint8_t *)&ns->ident;
  uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ ns->csi;

  for (size_t i = 0; i < sizeof(ns->ident); i++)
    hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* The controllers of a host by CNTLID: the first, and those after it until NULL. */
static nvmens_ctrl *first_path(nvmens_ctrl *ctrl)
{
  while (ctrl->peer->cntlid > ctrl->cntlid)
    ctrl = ctrl->peer;
  return ctrl->peer;
}

static nvmens_ctrl *next_path(const nvmens_ctrl *ctrl)
{
  return ctrl->peer->cntlid > ctrl->cntlid ? ctrl->peer : NULL;
}

/* Linux takes a new identity on one path only when no path of the same host has the old one: who
 * was through before this controller dropped it is to try again. */
static void tell_peers(const nvmens_attachment *att)
{
  for (nvmens_ctrl *peer = first_path(att->ctrl); peer; peer = next_path(peer)) {
    const nvmens_attachment *other = nvmens_att_of(peer, att->nsid);

    if (!other || other == att || other->state != NVMENS_ATT_ATTACHED ||
        other->mark != NVMENS_MARK_NONE)
      continue;
    nvmens_ctrl_record(peer, NVMENS_LOG_ATTACHED, att->nsid, true);
    nvmens_ctrl_deliver(peer);
  }
}

static void link_shown(nvmens_attachment *att)
{
  att->linked = 1;
  att->shown_next = att->ctrl->shown;
  att->ctrl->shown = att;
}

/* What is not listed any more is left out here, as a list of one direction cannot do it at once. */
nvmens_attachment *nvmens_att_shown(nvmens_attachment **at)
{
  nvmens_attachment *att;

  while ((att = *at) != NULL && !att->listed) {
    *at = att->shown_next;
    att->linked = 0;
  }
  return att;
}

void nvmens_att_mark(nvmens_attachment *att, unsigned event)
{
  nvmens_ctrl *ctrl = att->ctrl;
  const nvmens_cell *cell =
      nvmens_step(&ctrl->subsys->core, NVMENS_M_MARK, &att->mark, event, nvmens_about_att(att));

  if (cell->actions & NVMENS_DO_LIST) {
    ctrl->nshown++;
    att->listed = 1;
    if (!att->linked)
      link_shown(att);
  }
  if (cell->actions & NVMENS_DO_UNLIST) {
    ctrl->nshown--;
    att->listed = 0;
  }
  if (cell->actions & NVMENS_DO_FORGET)
    att->known = 0;
  if (cell->actions & NVMENS_DO_TELL)
    nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, att->nsid, true);
  if (cell->actions & NVMENS_DO_TELL_PEERS)
    tell_peers(att);
}

/* This host may still have a disk on a path that has left, and takes this one only if that is the
 * same and both may be shared. Its scan of that path drops it, but nothing else would have it scan
 * this one again after that. */
static void clear_the_way(const nvmens_attachment *att)
{
  for (nvmens_ctrl *peer = first_path(att->ctrl); peer; peer = next_path(peer)) {
    nvmens_attachment *other = nvmens_att_of(peer, att->nsid);
    bool fits;

    if (!other || !other->known || other->state == NVMENS_ATT_ATTACHED)
      continue;
    fits = other->identity == att->identity && other->shared && att->shared;
    nvmens_att_mark(other, fits ? NVMENS_EV_PATH_SAME : NVMENS_EV_PATH_OTHER);
  }
}

void nvmens_att_left(nvmens_attachment *att)
{
  const nvmens_ctrl *peer = att->ctrl->peer;

  while (peer != att->ctrl && !nvmens_nsid_set_get(&peer->active, att->nsid))
    peer = peer->peer;
  if (peer != att->ctrl)
    nvmens_att_mark(att, NVMENS_EV_PATH_SAME);
}

void nvmens_att_gone(const nvmens_attachment *att)
{
  if (att->mark != NVMENS_MARK_NONE)
    tell_peers(att);
}

/* ---- attach ---- */

nvmens_verdict nvmens_att_may(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  const nvmens_subsys *s = ns->subsys;
  const nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);
  uint8_t state = att ? att->state : NVMENS_ATT_DETACHED;
  const nvmens_cell *cell;
  uint16_t sf;

  if (ctrl->kind != NVMENS_CTRL_IO)
    return NVMENS_VERDICT(NVMENS_SC_INVALID_CTRL_LIST | NVMENS_SF_DNR, NVMENS_ERR_KIND);
  if (att && att->ns && state == NVMENS_ATT_DETACHED)
    state = NVMENS_ATT_DRAINING; /* `detached` has not been called yet */
  cell = nvmens_cell_of(NVMENS_M_ATTACHMENT, state, NVMENS_EV_ATTACH);
  if (cell->kind != NVMENS_GO)
    return verdict_of(cell);
  if (!ns->shared && ns->attachments)
    return NVMENS_VERDICT(NVMENS_SC_NS_IS_PRIVATE | NVMENS_SF_DNR, NVMENS_ERR_PRIVATE);
  if (!nvmens_ctrl_has_csi(ctrl, ns->csi)) {
    sf = NVMENS_SC_COMMAND_SET_NOT_ENABLED | NVMENS_SF_DNR;
    return NVMENS_VERDICT(sf, NVMENS_ERR_COMMAND_SET);
  }
  if ((s->config.maxdna && s->attached >= s->config.maxdna) ||
      (s->config.maxcna && ctrl->live >= s->config.maxcna))
    return NVMENS_VERDICT(NVMENS_SC_NS_ATTACH_LIMIT | NVMENS_SF_DNR, NVMENS_ERR_LIMIT);
  return NVMENS_VERDICT_OK;
}

static nvmens_attachment *att_new(nvmens_ctrl *ctrl, uint32_t nsid)
{
  nvmens_subsys *s = ctrl->subsys;
  const nvmens_mem *mem = &s->core.mem;
  nvmens_slot *slot = nvmens_gate_slot(ctrl->gate, nsid);
  nvmens_attachment *att;

  if (!slot)
    return NULL;
  att = nvmens_zalloc(mem, 1, sizeof(*att));
  if (!att)
    return NULL;
  if (nvmens_tokens_reserve(&s->tokens, mem, &att->place)) {
    nvmens_free(mem, att);
    return NULL;
  }
  if (nvmens_nsid_set_add(&ctrl->atts, mem, nsid, att)) {
    nvmens_tokens_release(&s->tokens, att->place);
    nvmens_free(mem, att);
    return NULL;
  }
  att->ctrl = ctrl;
  att->nsid = nsid;
  att->slot = slot;
  return att;
}

static void attached_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, edge);
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_frame frame;

  if (s->core.host.attached) {
    nvmens_hook_enter(&s->core, &frame);
    s->core.host.attached(att->ns->user, ctrl->user);
    nvmens_hook_leave(&s->core, &frame);
  }
  if (!att->opening)
    return; /* it left meanwhile */
  att->opening = 0;
  ctrl->opening--;
  nvmens_slot_open(att->slot, att->ns->user);
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
  att->ctrl->live++;
}

static void unlink_ns(nvmens_attachment *att)
{
  if (att->ns_prev)
    att->ns_prev->ns_next = att->ns_next;
  else
    att->ns->attachments = att->ns_next;
  if (att->ns_next)
    att->ns_next->ns_prev = att->ns_prev;
  att->ns->count[att->state]--;
  att->ns = NULL;
  att->ctrl->live--;
}

/* The state, and what is counted by it. */
static const nvmens_cell *step(nvmens_attachment *att, unsigned event)
{
  uint8_t from = att->state;
  const nvmens_cell *cell = nvmens_step(&att->ctrl->subsys->core, NVMENS_M_ATTACHMENT, &att->state,
                                        event, nvmens_about_att(att));

  if (att->ns) {
    att->ns->count[from]--;
    att->ns->count[att->state]++;
  }
  return cell;
}

int nvmens_att_reserve(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ns->subsys;
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);

  if (nvmens_changed_reserve(&ctrl->changed[NVMENS_LOG_ATTACHED], &s->core.mem, ctrl->atts.count) ||
      (!att && !(att = att_new(ctrl, ns->nsid))) ||
      nvmens_nsid_set_add(&ctrl->active, &s->core.mem, ns->nsid, att))
    return NVMENS_ERR_NOMEM;
  return 0;
}

void nvmens_att_unreserve(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_nsid_set_remove(&ctrl->active, &ns->subsys->core.mem, ns->nsid);
}

bool nvmens_att_reserved(const nvmens_ns *ns, const nvmens_ctrl *ctrl)
{
  const nvmens_attachment *att = nvmens_nsid_set_get(&ctrl->active, ns->nsid);

  return att && att->state == NVMENS_ATT_DETACHED;
}

void nvmens_att_attach(nvmens_ns *ns, nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ns->subsys;
  nvmens_attachment *att = nvmens_att_of(ctrl, ns->nsid);
  uint64_t identity = identity_of(ns);
  bool same;

  link_ns(att, ns);
  ns->count[att->state]++;
  s->attached++;
  step(att, NVMENS_EV_ATTACH);
  same = !att->known || att->identity == identity;
  nvmens_att_mark(att, same ? NVMENS_EV_ATTACH_SAME : NVMENS_EV_ATTACH_OTHER);
  att->identity = identity;
  att->known = 1;
  att->shared = ns->shared;
  clear_the_way(att);
  att->opening = 1;
  ctrl->opening++;
  nvmens_slot_answer(att->slot,
                     NVMENS_SC_INTERNAL_PATH_ERROR); /* to be tried again: it opens soon */
  nvmens_outbox_add(&s->core, &att->edge, attached_run);
  nvmens_ctrl_record(ctrl, NVMENS_LOG_ATTACHED, ns->nsid, true);
}

/* ---- drain ---- */

static void drain_begin_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, drain_begin);
  nvmens_token token = nvmens_tokens_last(&s->tokens, att->place);
  nvmens_wait wait = NVMENS_DONE;
  nvmens_frame frame;

  if (s->core.host.drain_begin) {
    nvmens_hook_enter(&s->core, &frame);
    wait = s->core.host.drain_begin(att->ns->user, att->ctrl->user, token);
    nvmens_hook_leave(&s->core, &frame);
  }
  if (wait != NVMENS_DONE || nvmens_tokens_find(&s->tokens, token, NVMENS_TOKEN_DRAIN) != att)
    return;
  att->hook_done = 1;
  nvmens_att_drained(att);
}

static void drain_abort_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, drain_abort);
  nvmens_token token = nvmens_tokens_last(&s->tokens, att->place);
  nvmens_frame frame;

  if (att->state != NVMENS_ATT_ABORTING || !s->core.host.drain_abort)
    return;
  nvmens_hook_enter(&s->core, &frame);
  s->core.host.drain_abort(att->ns->user, att->ctrl->user, token);
  nvmens_hook_leave(&s->core, &frame);
}

/* It is at rest before the hook is called: the backend may attach it anew from there. */
static void detached_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, edge);
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_ns *ns = att->ns;
  nvmens_frame frame;

  unlink_ns(att);
  s->attached--;
  ns->pins++;
  ctrl->pins++;
  if (s->core.host.detached) {
    nvmens_hook_enter(&s->core, &frame);
    s->core.host.detached(ns->user, ctrl->user);
    nvmens_hook_leave(&s->core, &frame);
  }
  ns->pins--;
  ctrl->pins--;
  nvmens_ns_quiet(ns);
  nvmens_ctrl_quiet(ctrl);
}

/* Another ready controller of this host has it (R51, C16). */
static bool elsewhere(const nvmens_attachment *att)
{
  const nvmens_ctrl *peer = att->ctrl->peer;

  if (peer->subsys->config.inactive_io == NVMENS_IO_SPEC)
    return false;
  while (peer != att->ctrl &&
         (peer->state != NVMENS_CTRL_READY || !nvmens_nsid_set_get(&peer->active, att->nsid)))
    peer = peer->peer;
  return peer != att->ctrl;
}

/* The answer comes first: at no moment is a command told not to try the other path. */
static void close_gate(nvmens_attachment *att)
{
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_subsys *s = ctrl->subsys;

  nvmens_slot_answer(att->slot, elsewhere(att) ? NVMENS_SC_INTERNAL_PATH_ERROR
                                               : NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR);
  nvmens_slot_closing(att->slot);
  s->barrier_due = 1;
  if (att->opening) {
    att->opening = 0;
    ctrl->opening--;
  }
  nvmens_nsid_set_remove(&ctrl->active, &s->core.mem, att->nsid);
  nvmens_tokens_arm(&s->tokens, att->place, NVMENS_TOKEN_DRAIN, att);
  att->hook_done = 0;
  att->outcome = 0;
  att->prev = NULL;
  att->next = s->closing;
  if (att->next)
    att->next->prev = att;
  s->closing = att;
  nvmens_outbox_add(&s->core, &att->drain_begin, drain_begin_run);
}

static void end_drain(nvmens_attachment *att)
{
  nvmens_subsys *s = att->ctrl->subsys;

  nvmens_tokens_retire(&s->tokens, att->place);
  nvmens_slot_closed(att->slot);
  if (att->prev)
    att->prev->next = att->next;
  else
    s->closing = att->next;
  if (att->next)
    att->next->prev = att->prev;
  nvmens_outbox_add(&s->core, &att->edge, detached_run);
}

/* The command that waited for this drain is one nearer to its end; a delete may be late. */
static void settle(nvmens_attachment *att)
{
  nvmens_cmd *owner = att->owner;

  att->owner = NULL;
  if (owner && --owner->waits == 0)
    nvmens_cmd_end(owner, owner->sf, owner->dw0, owner->error_info);
  nvmens_ns_late(att->ns);
}

static void act(nvmens_attachment *att, uint16_t actions, nvmens_cmd *owner, bool loud)
{
  nvmens_subsys *s = att->ctrl->subsys;

  if (actions & NVMENS_DO_CLOSE)
    close_gate(att);
  if (actions & NVMENS_DO_RECORD)
    nvmens_ctrl_record(att->ctrl, NVMENS_LOG_ATTACHED, att->nsid, loud);
  if ((actions & NVMENS_DO_TIMER) ||
      ((actions & NVMENS_DO_TIMER_MIN) && s->deadline < att->timer.at))
    nvmens_timer_set(&s->timers, &att->timer, s->deadline);
  if (actions & NVMENS_DO_TIMER_STOP)
    nvmens_timer_stop(&s->timers, &att->timer);
  if ((actions & NVMENS_DO_OWN) && owner) {
    att->owner = owner;
    owner->waits++;
  }
  if (actions & NVMENS_DO_ABORT)
    nvmens_outbox_add(&s->core, &att->drain_abort, drain_abort_run);
  if (actions & NVMENS_DO_DETACH)
    end_drain(att);
  if (actions & NVMENS_DO_SETTLE)
    settle(att);
}

nvmens_verdict nvmens_att_leave(nvmens_attachment *att, unsigned event, nvmens_cmd *owner,
                                bool loud)
{
  const nvmens_cell *cell;

  if (!att)
    return verdict_of(nvmens_cell_of(NVMENS_M_ATTACHMENT, NVMENS_ATT_DETACHED, event));
  cell = step(att, event);
  if (cell->kind == NVMENS_GO)
    act(att, cell->actions, owner, loud);
  return verdict_of(cell);
}

void nvmens_att_late(nvmens_attachment *att)
{
  act(att, step(att, NVMENS_EV_DEADLINE)->actions, NULL, true);
}

void nvmens_att_drained(nvmens_attachment *att)
{
  if (att->hook_done && nvmens_gate_holders(att->ctrl->gate, att->slot) == 0)
    act(att, step(att, NVMENS_EV_DRAINED)->actions, NULL, true);
}
