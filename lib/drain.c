/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drain.c: one attachment, from its leaving on (R15, R51, R60). Floor 3.
 *
 * Invariants: `attached` and `detached` are called in pairs; a token is live from close to drained;
 * the drain's two halves are the backend's answer to drain_begin and the gate's count. Both are
 * asked for once the gate bars: before that a command may still begin, seen by neither.
 */
#include "attach.h"
#include "ctrl.h"
#include "ns.h"
#include "paths.h"

static void drain_begin_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, drain_begin);
  nvmens_token token = nvmens_tokens_last(&s->tokens, att->place);
  nvmens_wait wait = NVMENS_DONE;

  if (!nvmens_att_is_barred(att)) {
    s->look_due = 1;
    return;
  }
  att->begin_due = 0;
  if (s->core.host.drain_begin) {
    nvmens_hook_enter(&s->core);
    wait = s->core.host.drain_begin(att->ns->user, att->ctrl->user, token);
    nvmens_hook_leave(&s->core);
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

  if (att->state != NVMENS_ATT_ABORTING || !s->core.host.drain_abort ||
      (att->begin_due && s->core.host.drain_begin))
    return;
  nvmens_hook_enter(&s->core);
  s->core.host.drain_abort(att->ns->user, att->ctrl->user, token);
  nvmens_hook_leave(&s->core);
}

/* What this one was in the way of, once it has ended; itself, if it is to come again. */
static void make_way(nvmens_ns *ns, nvmens_attachment *att)
{
  nvmens_ctrl *ctrl = att->ctrl;

  if (!att->ns && nvmens_att_should(ns, ctrl))
    nvmens_att_want(ns, ctrl);
  else if (!att->ns) /* the hook has ended that */
    nvmens_nsid_set_remove(&ctrl->active, &ctrl->subsys->core.mem, att->nsid);
  nvmens_att_settle_private(ns);
  nvmens_att_let_in(ctrl);
}

/* It is at rest before the hook is called: the backend may attach it anew from there. */
static void detached_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_attachment *att = NVMENS_OBJECT(effect, nvmens_attachment, edge);
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_ns *ns = att->ns;

  nvmens_att_unlink_ns(att);
  s->attached--;
  ns->pins++;
  ctrl->pins++;
  if (s->core.host.detached) {
    nvmens_hook_enter(&s->core);
    s->core.host.detached(ns->user, ctrl->user);
    nvmens_hook_leave(&s->core);
  }
  make_way(ns, att);
  nvmens_deliver_all(s);
  ns->pins--;
  ctrl->pins--;
  nvmens_ns_quiet(ns);
  nvmens_ctrl_quiet(ctrl);
}

/* The answer comes first: at no moment is a command told not to try the other path. */
static void close_gate(nvmens_attachment *att)
{
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_subsys *s = ctrl->subsys;

  if (att->opening) {
    att->opening = 0;
    ctrl->opening--;
  }
  nvmens_disk_answer(att->disk);
  nvmens_att_answer(att);
  nvmens_slot_closing(att->slot);
  if (!att->slot->fence)
    s->barrier_due = 1;
  if (att->enables != ctrl->enables)
    nvmens_mark_step(att, NVMENS_EV_LEFT);
  nvmens_tokens_arm(&s->tokens, att->place, NVMENS_TOKEN_DRAIN, att);
  att->hook_done = 0;
  att->begin_due = 1;
  att->outcome = 0;
  nvmens_atts_link(&s->closing, att);
  nvmens_outbox_add(&s->core, &att->drain_begin, drain_begin_run);
}

static void end_drain(nvmens_attachment *att)
{
  nvmens_subsys *s = att->ctrl->subsys;

  nvmens_tokens_retire(&s->tokens, att->place);
  nvmens_slot_closed(att->slot);
  nvmens_atts_unlink(&s->closing, att);
  nvmens_outbox_add(&s->core, &att->edge, detached_run);
}

/* It never held anything, and refers to the namespace no more. */
static void unlink(nvmens_attachment *att, bool recorded)
{
  nvmens_ctrl *ctrl = att->ctrl;
  nvmens_ns *ns = att->ns;

  nvmens_atts_unlink(&ctrl->wanted, att);
  nvmens_nsid_set_remove(&ctrl->active, &ctrl->subsys->core.mem, att->nsid);
  nvmens_att_unlink_ns(att);
  if (recorded && ns->state == NVMENS_NS_ALLOCATED) /* else its removal is recorded (R40) */
    nvmens_ns_changed(ns);
  nvmens_att_settle_private(ns);
  nvmens_att_let_in(ctrl);
}

/* The command that waited for this drain is one nearer to its end; a delete may be late. */
static void settle(nvmens_attachment *att)
{
  nvmens_debt_settle(&att->debt);
  nvmens_ns_late(att->ns);
}

static void act(nvmens_attachment *att, uint16_t actions, nvmens_cmd *owner, bool loud)
{
  nvmens_subsys *s = att->ctrl->subsys;

  if (actions & NVMENS_DO_CLOSE)
    close_gate(att);
  if (actions & NVMENS_DO_RECORD)
    nvmens_att_record(att, loud);
  if ((actions & NVMENS_DO_TIMER) ||
      ((actions & NVMENS_DO_TIMER_MIN) && s->deadline < att->timer.at))
    nvmens_timer_set(&s->timers, &att->timer, s->deadline);
  if (actions & NVMENS_DO_TIMER_STOP)
    nvmens_timer_stop(&s->timers, &att->timer);
  if ((actions & NVMENS_DO_OWN) && owner)
    nvmens_cmd_owe(owner, &att->debt);
  if (actions & NVMENS_DO_ABORT)
    nvmens_outbox_add(&s->core, &att->drain_abort, drain_abort_run);
  if (actions & NVMENS_DO_DETACH)
    end_drain(att);
  if (actions & NVMENS_DO_SETTLE)
    settle(att);
  if (actions & NVMENS_DO_UNWANT)
    unlink(att, actions & NVMENS_DO_RECORD);
}

nvmens_verdict nvmens_att_leave(nvmens_attachment *att, unsigned event, nvmens_cmd *owner,
                                bool loud)
{
  const nvmens_cell *cell;

  if (!att)
    return nvmens_verdict_of(nvmens_cell_of(NVMENS_M_ATTACHMENT, NVMENS_ATT_DETACHED, event));
  cell = nvmens_att_step(att, event);
  if (cell->kind == NVMENS_GO)
    act(att, cell->actions, owner, loud);
  if (att->ns && !nvmens_att_should(att->ns, att->ctrl)) /* it does not come again */
    nvmens_nsid_set_remove(&att->ctrl->active, &att->ctrl->subsys->core.mem, att->nsid);
  return nvmens_verdict_of(cell);
}

void nvmens_att_late(nvmens_attachment *att)
{
  act(att, nvmens_att_step(att, NVMENS_EV_DEADLINE)->actions, NULL, true);
}

void nvmens_att_drained(nvmens_attachment *att)
{
  bool drains = att->state == NVMENS_ATT_DRAINING || att->state == NVMENS_ATT_ABORTING;

  att->ctrl->subsys->core.work++;
  if (!drains)
    return; /* it was listed for an earlier drain */
  if (!nvmens_att_is_barred(att))
    att->ctrl->subsys->look_due = 1;
  else if (att->hook_done && nvmens_gate_holders(att->ctrl->gate, att->slot) == 0)
    act(att, nvmens_att_step(att, NVMENS_EV_DRAINED)->actions, NULL, true);
}

/* ---- the barrier ---- */

/* Where the controller has no lanes nobody can begin: who owned one has handed its counts over.
 * What bars once does so, whatever becomes of a later barrier, or of lanes. */
bool nvmens_att_is_barred(const nvmens_attachment *att)
{
  return !att->begin_due || !att->ctrl->subsys->barrier_due || att->slot->fence ||
         !att->ctrl->gate->lanes;
}

static void barrier_over(nvmens_subsys *s)
{
  s->barrier_due = 0;
  s->barrier_at = UINT64_MAX;
}

void nvmens_look_at_drains(nvmens_subsys *s)
{
  bool needed = false;
  nvmens_attachment *next;

  s->look_due = 0;
  for (nvmens_attachment *att = s->closing; att; att = next) {
    next = att->next;
    needed |= !att->slot->fence;
    if (att->begin_due && nvmens_att_is_barred(att)) {
      nvmens_outbox_add(&s->core, &att->drain_begin, drain_begin_run);
      if (s->core.host.drain_begin) /* else it was called at once */
        nvmens_outbox_add(&s->core, &att->drain_abort, drain_abort_run);
    }
    nvmens_att_drained(att);
  }
  if (!needed)
    barrier_over(s);
}

void nvmens_bar(nvmens_subsys *s)
{
  if (!s->barrier_due)
    return;
  if (!nvmens_gate_barrier(&s->bell)) {
    if (s->barrier_at == UINT64_MAX) /* else poll is to come then, however many calls come before */
      s->barrier_at = nvmens_after(s, NVMENS_BARRIER_RETRY);
    return;
  }
  barrier_over(s);
  if (s->look_due)
    nvmens_look_at_drains(s);
}
