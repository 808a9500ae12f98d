/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_actions.c: the tables tell the truth about what happens. Each cell that goes is taken from
 * outside, what can be seen to happen is noted as action bits, and these are the bits of the cell:
 * none is missing and none is there for show. (Those of the swap mark are what the library reads.)
 */
#include "cells.h"
#include "rig_more.h"

/* ---- the one step of a call ---- */

static struct {
  nvmens_trace want; /* machine, detail (notices: DW0) */
  unsigned steps, others;
  uint8_t event, from;
} step;

static void on_step(rig *r, const nvmens_trace *t)
{
  (void)r;
  step.others += t->machine == NVMENS_M_ATTACHMENT;
  if (t->machine != step.want.machine || (t->cntlid != 0 && t->cntlid != NVMENS_CNTLID_ANY) ||
      (t->machine == NVMENS_M_NOTICE && t->detail != step.want.detail))
    return;
  step.steps++;
  step.event = t->event;
  step.from = t->from;
}

static void watch(rig *r, nvmens_machine machine, uint32_t detail)
{
  memset(&step, 0, sizeof(step));
  step.want.machine = (uint8_t)machine;
  step.want.detail = detail;
  rig_log_clear(r);
  r->on_trace = on_step;
}

static void judge(rig *r, unsigned event, unsigned state, unsigned seen)
{
  const unsigned m = step.want.machine;
  const nvmens_cell *cell = nvmens_cell_of((nvmens_machine)m, (uint8_t)state, event);

  RIG_SAY(step.steps == 1 && step.event == event && step.from == state, "%s: %u steps, of %u in %u",
          cells_name(m, event, state), step.steps, step.event, step.from);
  for (unsigned i = 0; i < 16; i++)
    RIG_SAY(!((cell->actions ^ seen) >> i & 1), "%s: \"%s\" is %s the table, but was %s",
            cells_name(m, event, state), nvmens_tables[m].action[i],
            cell->actions >> i & 1 ? "in" : "not in", seen >> i & 1 ? "seen" : "not seen");
  r->on_trace = NULL;
  rig_end(r);
}

static bool goes(nvmens_machine machine, unsigned event, unsigned state)
{
  return nvmens_cell_of(machine, (uint8_t)state, event)->kind == NVMENS_GO;
}

#define EACH_CELL(machine, run)                                                                    \
  for (unsigned e_ = 0; e_ < nvmens_tables[machine].events; e_++)                                  \
    for (unsigned s_ = 0; s_ < nvmens_tables[machine].states; s_++)                                \
      if (goes((machine), e_, s_))                                                                 \
  run(e_, s_)

/* ---- namespace: 1 is attached to controller 0, and not to 1 ---- */

typedef struct world {
  rig *r;
  rig_ctrl *c[2];
  rig_ns *ns;
  rig_cmd *cmd; /* of the call */
} world;

static world two_controllers(void)
{
  world w = {.r = rig_new(&(nvmens_subsys_config){.tnvmcap = {UINT64_C(1) << 40, 0}})};

  w.c[0] = rig_ctrl_on(w.r);
  w.c[1] = rig_ctrl_on(w.r);
  return w;
}

/* Whether the log of both, or of none, has namespace 1; then it has not. */
static bool logged_at_both(world *w)
{
  const bool first = *rig_changed(w->c[0], RIG_LID1C, RIG_CONSUME);

  RIG_MUST(first == (*rig_changed(w->c[1], RIG_LID1C, RIG_CONSUME) != 0));
  return first;
}

static bool logged_at_0(world *w)
{
  return w->c[0]->c && *rig_changed(w->c[0], RIG_LID4, RIG_CONSUME);
}

static nvmens_att_info attachment_of(world *w)
{
  nvmens_att_info info;

  if (!w->ns || !w->c[0]->c || nvmens_att_query(w->r->s, w->ns->ref, w->c[0]->c, &info) != 0)
    memset(&info, 0, sizeof(info));
  return info;
}

static void namespace_event(world *w, unsigned event)
{
  const nvmens_ns_attrs attrs = {.set = NVMENS_SET_OTHER};

  switch (event) {
  case NVMENS_EV_CREATE:
    w->ns = rig_ns_loose(w->r, 1);
    break;
  case NVMENS_EV_DELETE:
    w->cmd = rig_host_delete(w->c[1], 1);
    break;
  case NVMENS_EV_UNPLUG:
    RIG_MUST(rig_unplug(w->ns, NVMENS_ORDERLY, RIG_SEC) == 0);
    break;
  case NVMENS_EV_UNPLUG_SURPRISE:
    RIG_MUST(rig_unplug(w->ns, NVMENS_SURPRISE, RIG_SEC) == 0);
    break;
  case NVMENS_EV_UPDATE:
    RIG_MUST(nvmens_ns_update(w->r->s, w->ns->ref, &attrs) == 0);
    break;
  default: /* quiet */
    RIG_MUST(rig_drained(w->ns, w->c[0]) == 0);
    break;
  }
}

static void namespace_cell(unsigned event, unsigned state)
{
  world w = two_controllers();
  nvmens_att_info before, after;
  uint64_t free_before, free_after;
  unsigned seen = 0;

  if (state != NVMENS_NS_ABSENT)
    w.ns = more_pending(w.r, w.c[0], 1);
  if (state == NVMENS_NS_DELETING)
    RIG_MUST(rig_unplug(w.ns, NVMENS_ORDERLY, 10ull * RIG_SEC) == 0);
  logged_at_both(&w), logged_at_0(&w);
  before = attachment_of(&w);
  free_before = more_unvmcap(w.c[0]).lo;
  watch(w.r, NVMENS_M_NS, 0);
  namespace_event(&w, event);
  after = attachment_of(&w);
  free_after = more_unvmcap(w.c[0]).lo;
  if (free_after < free_before)
    seen |= NVMENS_DO_DEBIT;
  if (free_after > free_before)
    seen |= NVMENS_DO_CREDIT;
  if (logged_at_both(&w))
    seen |= NVMENS_DO_RECORD_ALLOCATED;
  if (logged_at_0(&w) && !step.others) /* else it is the attachment's own */
    seen |= NVMENS_DO_RECORD_ATTACHED;
  if (after.state == NVMENS_ATT_DRAINING && after.deadline < before.deadline)
    seen |= NVMENS_DO_REMOVE_EACH;
  if (rig_count(w.r, RIG_ABORT))
    seen |= NVMENS_DO_ABORT_EACH;
  if (w.cmd && rig_is_open(w.cmd))
    seen |= NVMENS_DO_OWN_NS;
  if (w.ns->released)
    seen |= NVMENS_DO_RELEASE;
  judge(w.r, event, state, seen);
}

START_TEST(R15_R40_R54_actions_of_the_namespace)
{
  EACH_CELL(NVMENS_M_NS, namespace_cell);
}
END_TEST

/* ---- attachment of controller 0; commands come by controller 1 ---- */

static void attachment_event(world *w, unsigned event, uint64_t deadline)
{
  switch (event) {
  case NVMENS_EV_ATTACH:
    RIG_MUST(rig_attach(w->ns, w->c[0]) == 0);
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

/* What the timer did, by the time that it runs to. late: the call came with a later one. */
static unsigned timer_seen(const rig *r, uint64_t before, bool late)
{
  const uint64_t after = more_next(r);
  const bool ran = before != RIG_NEVER && before > r->now;

  if (after == RIG_NEVER)
    return ran ? NVMENS_DO_TIMER_STOP : 0;
  if (!ran)
    return NVMENS_DO_TIMER;
  if (late)
    return after > before ? NVMENS_DO_TIMER : 0;
  return after < before ? NVMENS_DO_TIMER_MIN : 0;
}

static unsigned attachment_seen(world *w, unsigned event, unsigned state, bool late)
{
  rig_cmd *owner = NULL; /* of the drain that there is */
  unsigned seen;
  uint64_t before;

  w->ns = rig_ns_loose(w->r, 1);
  w->ns->drain = RIG_DRAIN_PENDING;
  if (state != NVMENS_ATT_DETACHED)
    RIG_MUST(rig_attach(w->ns, w->c[0]) == 0);
  if (state == NVMENS_ATT_DRAINING)
    owner = rig_host_detach(w->c[1], 1, w->c[0]); /* 10 s */
  if (state == NVMENS_ATT_ABORTING)
    RIG_MUST(rig_detach(w->ns, w->c[0], NVMENS_SURPRISE, RIG_NEVER) == 0);
  logged_at_0(w);
  before = more_next(w->r);
  watch(w->r, NVMENS_M_ATTACHMENT, 0);
  attachment_event(w, event, (late ? 20ull : 1ull) * RIG_SEC);
  seen = timer_seen(w->r, before, late);
  if (rig_count(w->r, RIG_ATTACHED) && attachment_of(w).open)
    seen |= NVMENS_DO_ATTACH;
  if (logged_at_0(w))
    seen |= NVMENS_DO_RECORD;
  if (rig_count(w->r, RIG_DRAIN))
    seen |= NVMENS_DO_CLOSE;
  if (w->cmd && rig_is_open(w->cmd))
    seen |= NVMENS_DO_OWN;
  if (owner && owner->done)
    seen |= NVMENS_DO_SETTLE;
  if (rig_count(w->r, RIG_ABORT))
    seen |= NVMENS_DO_ABORT;
  if (rig_count(w->r, RIG_DETACHED))
    seen |= NVMENS_DO_DETACH;
  return seen;
}

static void attachment_cell(unsigned event, unsigned state)
{
  world early = two_controllers(), late = two_controllers();
  unsigned seen;

  /* What is at rest hears of the end of others only between its own end and `detached`: it has
   * nothing left that could act. */
  if (state == NVMENS_ATT_DETACHED && event != NVMENS_EV_ATTACH) {
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

/* ---- notice: that of log 1Ch, beside another that is owed ---- */

enum { AEC = NVMENS_AEC_ALLOCATED_NS | 1, SMART = 0x00020001, IMMEDIATE = 0x00000103 };

static void notice_into(rig_ctrl *c, unsigned event, unsigned state)
{
  RIG_OK(rig_set_aec(c, AEC));
  rig_ns_loose(c->rig, 0);
  rig_ns_loose(c->rig, 0);
  if (state == NVMENS_NOTICE_REPORTED)
    RIG_MUST(rig_event_now(c) == RIG_EV1C);
  if (state == NVMENS_NOTICE_CLEAR)
    rig_changed(c, RIG_LID1C, RIG_CONSUME);
  if (event == NVMENS_EV_DELIVER_SELF) {
    rig_changed(c, RIG_LID1C, RIG_CONSUME);
    RIG_MUST(rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0) == 0);
  }
  if (event == NVMENS_EV_BIT_ON)
    RIG_OK(rig_set_aec(c, 1));
  if (event == NVMENS_EV_READ_PART)
    RIG_OK(rig_host_delete(c, c->rig->ns->ref.nsid)); /* quiet, but there is something to read */
  RIG_MUST(rig_post(c, NVMENS_AER_SMART, 0, 2, 1) == 0);
}

/* Returns DW0 of what it completed, or 0. */
static uint32_t notice_event(rig_ctrl *c, unsigned event)
{
  uint8_t page[NVMENS_PAGE];

  switch (event) {
  case NVMENS_EV_CHANGE:
    rig_ns_loose(c->rig, 0);
    return 0;
  case NVMENS_EV_QUIET_CHANGE:
    RIG_OK(rig_host_delete(c, c->rig->ns->ref.nsid));
    return 0;
  case NVMENS_EV_DELIVER:
  case NVMENS_EV_DELIVER_SELF:
    return rig_heard(c);
  case NVMENS_EV_READ:
  case NVMENS_EV_PEEK:
    rig_changed(c, RIG_LID1C, event == NVMENS_EV_READ ? RIG_CONSUME : RIG_PEEK);
    return 0;
  case NVMENS_EV_READ_PART:
    RIG_OK(rig_get_log(c, RIG_LID1C, RIG_CONSUME, 0x400, 4, page));
    return 0;
  case NVMENS_EV_BIT_ON:
  case NVMENS_EV_BIT_OFF:
    RIG_OK(rig_set_aec(c, event == NVMENS_EV_BIT_ON ? AEC : 1));
    return 0;
  default:
    rig_reset(c);
    return 0;
  }
}

static void notice_cell(unsigned event, unsigned state)
{
  const uint32_t own = event == NVMENS_EV_DELIVER_SELF ? IMMEDIATE : RIG_EV1C;
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint32_t completed, next[2];
  uint64_t coalesced;
  unsigned seen = 0;

  notice_into(c, event, state);
  coalesced = rig_info(c).coalesced;
  watch(r, NVMENS_M_NOTICE, own);
  completed = notice_event(c, event);
  r->on_trace = NULL;
  if (rig_info(c).coalesced != coalesced)
    seen |= NVMENS_DO_JOIN;
  if (completed == own)
    seen |= NVMENS_DO_COMPLETE;
  if (rig_info(c).state == NVMENS_CTRL_DISABLED)
    rig_enable(c);
  RIG_OK(rig_set_aec(c, AEC));
  next[0] = rig_heard(c);
  next[1] = rig_heard(c);
  if (next[1] == own)
    seen |= NVMENS_DO_QUEUE; /* last, behind the other */
  if (state == NVMENS_NOTICE_PENDING && next[0] != own && next[1] != own)
    seen |= NVMENS_DO_UNQUEUE;
  judge(r, event, state, seen);
}

START_TEST(R28_R30_R32_R35_actions_of_the_notice)
{
  EACH_CELL(NVMENS_M_NOTICE, notice_cell);
}
END_TEST

/* ---- controller ---- */

static void controller_event(nvmens_ctrl *c, unsigned event)
{
  if (event == NVMENS_EV_ENABLE)
    RIG_MUST(nvmens_ctrl_enable(c, 0) == 0);
  else if (event == NVMENS_EV_RESET)
    nvmens_ctrl_reset(c);
  else if (event == NVMENS_EV_SHUTDOWN)
    nvmens_ctrl_shutdown(c);
  else
    nvmens_ctrl_del(c);
}

static void controller_cell(unsigned event, unsigned state)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  nvmens_lane *lane = rig_lane(c);
  nvmens_ctrl *ctrl = c->c;
  uint64_t epoch;
  uint16_t sf;
  unsigned seen = 0;

  more_pending(r, c, 1); /* so that it goes slowly */
  if (state == NVMENS_CTRL_READY || state == NVMENS_CTRL_SHUTDOWN)
    rig_enable(c);
  if (state == NVMENS_CTRL_SHUTDOWN)
    rig_shutdown(c);
  if (state == NVMENS_CTRL_GOING)
    rig_ctrl_del(c);
  sf = more_begin(r, lane, 1);
  epoch = nvmens_log_latch(ctrl, 2) >> 32; /* it is in the stamp that a log is read with */
  watch(r, NVMENS_M_CTRL, 0);
  controller_event(ctrl, event);
  if (event == NVMENS_EV_CTRL_REMOVE)
    c->c = NULL;
  if (sf && more_begin(r, lane, 1) == 0)
    seen |= NVMENS_DO_READY;
  if (!sf && more_begin(r, lane, 1))
    seen |= NVMENS_DO_UNREADY;
  if (nvmens_log_latch(ctrl, 2) >> 32 != epoch)
    seen |= NVMENS_DO_EPOCH;
  if (rig_count(r, RIG_ABORT))
    seen |= NVMENS_DO_ABORT_ALL;
  judge(r, event, state, seen);
}

START_TEST(R35_R37_R51_actions_of_the_controller)
{
  EACH_CELL(NVMENS_M_CTRL, controller_cell);
}
END_TEST

int main(void)
{
  return RIG_RUN("actions", R35_R37_R51_actions_of_the_controller,
                 R15_R40_R54_actions_of_the_namespace, R22_R40_R51_actions_of_the_attachment,
                 R28_R30_R32_R35_actions_of_the_notice);
}
