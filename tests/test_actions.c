/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_actions.c: the tables tell the truth about what happens. Each cell that goes is taken from
 * outside, what can be seen to happen is noted as action bits, and these are the bits of the cell:
 * none is missing and none is there for show. Those of the attachment are in test_actions_att.c,
 * that of the mark is in test_tables_mark.c.
 */
#include "actions.h"

/* ---- namespace: 1 is attached to controller 0, and not to 1 ---- */

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
  uint64_t stamp;
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
  stamp = nvmens_log_latch(ctrl, 2); /* a new epoch counts, and nothing else here does */
  watch(r, NVMENS_M_CTRL, 0);
  controller_event(ctrl, event);
  if (event == NVMENS_EV_CTRL_REMOVE)
    c->c = NULL;
  if (sf && more_begin(r, lane, 1) == 0)
    seen |= NVMENS_DO_READY;
  if (!sf && more_begin(r, lane, 1))
    seen |= NVMENS_DO_UNREADY;
  if (nvmens_log_latch(ctrl, 2) != stamp)
    seen |= NVMENS_DO_EPOCH;
  if (rig_count(r, RIG_ABORT))
    seen |= NVMENS_DO_ABORT_ALL;
  if (c->resets)
    seen |= NVMENS_DO_RESET_DONE;
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
                 R15_R40_R54_actions_of_the_namespace, R28_R30_R32_R35_actions_of_the_notice);
}
