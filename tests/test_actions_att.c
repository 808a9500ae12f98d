/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_actions_att.c: as test_actions.c: the actions of the attachment are what happens.
 */
#include "actions.h"

/* It is that of controller 0; commands come by controller 1. */

/* Another namespace 1 has left controller 0, whose host may have its disk yet: what comes is WANTED
 * while bit 8 is on, else FENCED. */
static void another_left(world *w, bool fenced)
{
  rig_ns *old = rig_ns_loose(w->r, 1);

  RIG_OK(rig_set_aec(w->c[0], fenced ? 0 : RIG_BIT4));
  RIG_MUST(rig_attach(old, w->c[0]) == 0);
  RIG_MUST(rig_unplug(old, NVMENS_ORDERLY, RIG_NEVER) == 0);
}

/* WANTED at controller 0 until controller 1 has drained. */
static void wanted_elsewhere(world *w)
{
  w->ns = rig_ns_new(w->r, &(nvmens_ns_config){.nsid = 1});
  w->ns->drain = RIG_DRAIN_PENDING;
  RIG_MUST(rig_attach(w->ns, w->c[1]) == 0);
  RIG_MUST(rig_detach(w->ns, w->c[1], NVMENS_ORDERLY, RIG_NEVER) == 0);
  RIG_MUST(rig_attach(w->ns, w->c[0]) == 0);
}

/* Returns the detach command that owns the drain, if there is one. */
static rig_cmd *attachment_into(world *w, unsigned event, unsigned state)
{
  const bool waits = state == NVMENS_ATT_WANTED || state == NVMENS_ATT_FENCED;

  if (event == NVMENS_EV_ATTACH && state == NVMENS_ATT_WANTED) {
    wanted_elsewhere(w);
    return NULL;
  }
  if (waits || event == NVMENS_EV_WANT)
    another_left(w, state == NVMENS_ATT_FENCED);
  w->ns = rig_ns_loose(w->r, 1);
  w->ns->drain = RIG_DRAIN_PENDING;
  if (state != NVMENS_ATT_DETACHED)
    RIG_MUST(rig_attach(w->ns, w->c[0]) == 0);
  if (state == NVMENS_ATT_ABORTING)
    RIG_MUST(rig_detach(w->ns, w->c[0], NVMENS_SURPRISE, RIG_NEVER) == 0);
  return state == NVMENS_ATT_DRAINING ? rig_host_detach(w->c[1], 1, w->c[0]) : NULL; /* 10 s */
}

static void attachment_waits(world *w, unsigned event)
{
  uint8_t page[NVMENS_PAGE];

  if (event == NVMENS_EV_WANT)
    RIG_MUST(rig_attach(w->ns, w->c[0]) == 0);
  else if (event != NVMENS_EV_ATTACH)
    RIG_OK(rig_set_aec(w->c[0], event == NVMENS_EV_HIDE ? RIG_BIT4 : 0));
  else if (attachment_of(w).state == NVMENS_ATT_FENCED)
    RIG_OK(rig_identify(w->c[0], NVMENS_CNS_NS_DESC_LIST, 1, page));
  else
    RIG_MUST(rig_drained(w->ns, w->c[1]) == 0);
}

static void attachment_event(world *w, unsigned event, uint64_t deadline)
{
  switch (event) {
  case NVMENS_EV_WANT:
  case NVMENS_EV_ATTACH:
  case NVMENS_EV_SHOW:
  case NVMENS_EV_HIDE:
    attachment_waits(w, event);
    break;
  case NVMENS_EV_DETACH:
    w->cmd = rig_host_detach(w->c[1], 1, w->c[0]);
    break;
  case NVMENS_EV_REMOVE:
    RIG_MUST(rig_unplug(w->ns, NVMENS_ORDERLY, deadline) == 0);
    break;
  case NVMENS_EV_ABORT:
    RIG_MUST(rig_detach(w->ns, w->c[0], NVMENS_SURPRISE, deadline) == 0);
    break;
  case NVMENS_EV_REMOVE_SURPRISE:
    RIG_MUST(rig_unplug(w->ns, NVMENS_SURPRISE, deadline) == 0);
    break;
  case NVMENS_EV_CTRL_GOES:
    rig_ctrl_del(w->c[0]);
    break;
  case NVMENS_EV_DRAINED:
    RIG_MUST(rig_drained(w->ns, w->c[0]) == 0);
    break;
  default:
    rig_pass(w->r, 10ull * RIG_SEC);
    break;
  }
}

static uint64_t deadline_of(world *w)
{
  const nvmens_att_info info = attachment_of(w);

  return info.state == NVMENS_ATT_DRAINING ? info.deadline : RIG_NEVER;
}

/* What the timer did, by the time that it runs to. late: the call came with a later one. */
static unsigned timer_seen(world *w, uint64_t before, bool late)
{
  const uint64_t after = deadline_of(w);
  const bool ran = before != RIG_NEVER && before > w->r->now;

  if (after == RIG_NEVER)
    return ran ? NVMENS_DO_TIMER_STOP : 0;
  if (!ran)
    return NVMENS_DO_TIMER;
  if (late)
    return after > before ? NVMENS_DO_TIMER : 0;
  return after < before ? NVMENS_DO_TIMER_MIN : 0;
}

static bool hook_at_0(const world *w, rig_kind kind)
{
  for (size_t i = 0; i < w->r->nlog; i++)
    if (w->r->log[i].kind == kind && w->r->log[i].ctrl == w->c[0])
      return true;
  return false;
}

/* What its log, its notice say of a change: an entry, or one more change that joins. (While a host
 * is waited for it is told by itself, R65, so that the entry alone proves nothing.) */
typedef struct logged {
  bool entry;
  uint64_t joined;
} logged;

static logged look_at_log(world *w)
{
  if (!w->c[0]->c)
    return (logged){true, 0};
  return (logged){*rig_changed(w->c[0], RIG_LID4, RIG_PEEK) != 0, rig_info(w->c[0]).coalesced};
}

static bool recorded(world *w, unsigned event, logged before)
{
  const logged after = look_at_log(w);

  if (!w->c[0]->c)
    return false;
  if (event == NVMENS_EV_HIDE || event == NVMENS_EV_WANT) /* it is waited for from then on */
    return after.joined > before.joined;
  return (after.entry && !before.entry) || after.joined > before.joined;
}

static unsigned attachment_seen(world *w, unsigned event, unsigned state, bool late)
{
  rig_cmd *owner = attachment_into(w, event, state);
  const uint64_t before = deadline_of(w);
  logged log;
  unsigned seen;

  RIG_MUST(attachment_of(w).state == state);
  logged_at_0(w);
  logged_at_both(w); /* so that nothing joins there */
  log = look_at_log(w);
  watch(w->r, NVMENS_M_ATTACHMENT, 0);
  attachment_event(w, event, (late ? 20ull : 1ull) * RIG_SEC);
  seen = timer_seen(w, before, late);
  if (hook_at_0(w, RIG_ATTACHED) && attachment_of(w).open)
    seen |= NVMENS_DO_ATTACH;
  if (recorded(w, event, log))
    seen |= NVMENS_DO_RECORD;
  if (hook_at_0(w, RIG_DRAIN))
    seen |= NVMENS_DO_CLOSE;
  if (w->cmd && rig_is_open(w->cmd))
    seen |= NVMENS_DO_OWN;
  if (owner && owner->done)
    seen |= NVMENS_DO_SETTLE;
  if (hook_at_0(w, RIG_ABORT))
    seen |= NVMENS_DO_ABORT;
  if (hook_at_0(w, RIG_DETACHED))
    seen |= NVMENS_DO_DETACH;
  if ((state == NVMENS_ATT_WANTED || state == NVMENS_ATT_FENCED) &&
      (w->ns->released || w->c[0]->released || attachment_of(w).state == NVMENS_ATT_DETACHED))
    seen |= NVMENS_DO_UNWANT;
  return seen;
}

/* Some cells are not stepped into from outside: what is at rest hears of the end of others only
 * between its own end and `detached`, and what drains is only noted to be attached after that. They
 * have nothing left that could act. */
static bool only_noted(unsigned event, unsigned state)
{
  if (state == NVMENS_ATT_DETACHED)
    return event != NVMENS_EV_WANT;
  return event == NVMENS_EV_WANT;
}

static void attachment_cell(unsigned event, unsigned state)
{
  world early = two_controllers(), late = two_controllers();
  unsigned seen;

  if (only_noted(event, state)) {
    RIG_MUST(nvmens_cell_of(NVMENS_M_ATTACHMENT, (uint8_t)state, event)->actions == 0);
    rig_end(late.r);
    rig_end(early.r);
    return;
  }
  seen = attachment_seen(&late, event, state, true);
  rig_end(late.r);
  seen |= attachment_seen(&early, event, state, false);
  judge(early.r, event, state, seen);
}

START_TEST(R22_R40_R51_actions_of_the_attachment)
{
  EACH_CELL(NVMENS_M_ATTACHMENT, attachment_cell);
}
END_TEST

int main(void)
{
  return RIG_RUN("actions_att", R22_R40_R51_actions_of_the_attachment);
}
