/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_barrier_fails.c: what follows for drains when the kernel refuses its barrier after the
 * subsystem was made (G1, G2): nothing that depends on it ends or begins, it is tried again, the
 * backend may stand in, and what is opened from then on has fences. Here the kernel refuses because
 * this program's syscall() says so; test_barrier_filter.c has a real filter, and threads.
 */
#include "barrier.h"

START_TEST(G1_a_drain_does_not_end_before_its_barrier)
{
  world w = setup(0);
  unsigned wakes = w.r->wakes;

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "");
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_DRAINING);
  ck_assert_uint_eq(rig_att(w.ns, w.c).in_flight, 0);
  ck_assert_uint_gt(w.r->wakes, wakes); /* there is something to be done, and when */
  ck_assert_uint_eq(next(&w), w.r->now + RETRY);
  ck_assert_uint_eq(begin_end(&w, 1), DNR02); /* who sees it closed is refused */
  rig_pass(w.r, RETRY - 1);
  rig_pass(w.r, 1);
  ck_assert_uint_eq(next(&w), w.r->now + RETRY); /* later than now: a loop does not spin */
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_DRAINING);
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_DETACHED);
  ck_assert_uint_eq(next(&w), UINT64_MAX);
  rig_end(w.r);
}
END_TEST

START_TEST(G1_the_backend_makes_the_barrier)
{
  world w = setup(0);

  w.r->s->bell.barrier = on_barrier; /* test_barrier.c: it is the host's */
  backend.answer = -1;
  ck_assert_int_eq(rig_detach(w.ns, w.c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(backend.calls, 0); /* the kernel has not refused */
  ck_assert_int_eq(rig_attach(w.ns, w.c), 0);
  rig_log_clear(w.r);
  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_uint_ge(backend.calls, 1);
  ck_assert_str_eq(rig_log(w.r), "");
  backend.answer = 0;
  rig_pass(w.r, RETRY);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  ck_assert_uint_eq(next(&w), UINT64_MAX);
  backend.calls = 0;
  ck_assert_int_eq(rig_attach(w.ns, w.c), 0);
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_uint_eq(backend.calls, 0); /* with fences none is needed */
  rig_end(w.r);
}
END_TEST

/* What opens after a failure needs no barrier, what was open before does. */
START_TEST(G1_gates_that_open_later_have_fences)
{
  world w = setup(0);
  rig_ns *second = rig_ns_auto(w.r, 2), *third;
  const nvmens_slot *slot = nvmens_att_of(w.c->c, 2)->slot;

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  third = rig_ns_auto(w.r, 3);
  ck_assert_uint_eq(slot->word & 7, NVMENS_GATE_OPEN_);
  ck_assert_uint_eq(nvmens_att_of(w.c->c, 3)->slot->word & 7, NVMENS_GATE_FENCED_);
  ck_assert_uint_eq(begin_end(&w, 2), 0);
  ck_assert_uint_eq(begin_end(&w, 3), 0);
  rig_log_clear(w.r);
  ck_assert_int_eq(rig_unplug(third, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "drain n3 c0; detached n3 c0; released n3");
  rig_log_clear(w.r);
  ck_assert_int_eq(rig_detach(second, w.c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "");
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_uint_eq(rig_count(w.r, RIG_DETACHED), 2);
  ck_assert_int_eq(rig_attach(second, w.c), 0); /* the same slot, with fences */
  ck_assert_uint_eq(slot->word & 7, NVMENS_GATE_FENCED_);
  refuses = 1;
  rig_log_clear(w.r);
  ck_assert_int_eq(rig_detach(second, w.c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "drain n2 c0; detached n2 c0");
  rig_end(w.r);
}
END_TEST

/* Its end was not noticed: perhaps it did not see the gate closed. */
START_TEST(G3_the_count_is_looked_at_when_the_barrier_has_worked)
{
  world w = setup(RIG_NO_DRAIN);
  rig_io io = rig_io_begin(w.r, w.lane, 1), late;

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  rig_rest(w.r);
  io.ns->held[0]--;
  nvmens_att_of(w.c->c, 1)->slot->remote++; /* as nvmens_io_end_remote, but it does not look */
  rig_poll(w.r);
  ck_assert_str_eq(rig_log(w.r), "");
  refuses = 0;
  late = rig_io_begin(w.r, w.lane, 1); /* data path: no barrier is made here */
  ck_assert_uint_eq(late.sf, DNR02);
  ck_assert_str_eq(rig_log(w.r), "");
  rig_lane(w.c); /* any control call does */
  ck_assert_str_eq(rig_log(w.r), "detached n1 c0");
  rig_end(w.r);
}
END_TEST

/* Once the barrier is done a drain waits for its commands alone. */
START_TEST(G1_a_command_that_is_out_then_ends_it)
{
  world w = setup(0);
  rig_io io = rig_io_begin(w.r, w.lane, 1);

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0");
  ck_assert_uint_eq(next(&w), UINT64_MAX);
  rig_io_end(&io);
  rig_rest(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  rig_end(w.r);
}
END_TEST

/* The host is answered at the deadline; drain_begin, then drain_abort, when no begin succeeds. */
START_TEST(C17_the_deadline_holds_without_a_barrier)
{
  world w = setup(0);
  rig_io io = rig_io_begin(w.r, w.lane, 1);
  rig_cmd *cmd;

  refuses = 1;
  w.r->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_detach(w.c, 1, w.c);
  rig_log_clear(w.r);
  ck_assert(rig_is_open(cmd));
  rig_pass(w.r, UINT64_C(10) * RIG_SEC);
  ck_assert_uint_eq(cmd->sf, 0);
  ck_assert_str_eq(rig_log(w.r), "complete c0");
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_ABORTING);
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_str_eq(rig_log(w.r), "complete c0; drain n1 c0; abort n1 c0");
  rig_io_end(&io);
  ck_assert_int_eq(rig_drained(w.ns, w.c), 0);
  rig_rest(w.r);
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_DETACHED);
  rig_end(w.r);
}
END_TEST

/* Without drain_begin nothing has to come before drain_abort. */
static unsigned aborts;

static void on_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  (void)ns_user, (void)ctrl_user, (void)token;
  aborts++;
}

START_TEST(R15_a_surprise_without_drain_begin_aborts_at_once)
{
  world w = setup(RIG_NO_DRAIN);
  rig_io io = rig_io_begin(w.r, w.lane, 1);

  w.r->s->core.host.drain_abort = on_abort;
  refuses = 1;
  ck_assert_int_eq(rig_detach(w.ns, w.c, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_uint_eq(aborts, 1);
  rig_io_end(&io);
  rig_rest(w.r);
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_ABORTING);
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_DETACHED);
  ck_assert_uint_eq(aborts, 1);
  rig_end(w.r);
}
END_TEST

/* Nobody can begin without a lane, and nobody's begin can be unseen. */
START_TEST(G1_a_controller_without_lanes_needs_no_barrier)
{
  world w = setup(0);
  rig_ctrl *other = rig_ctrl_on(w.r);
  rig_io io = rig_io_begin(w.r, w.lane, 1);

  refuses = 1;
  ck_assert_int_eq(rig_detach(w.ns, other, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "attached n1 c1; drain n1 c1; detached n1 c1");
  rig_log_clear(w.r);
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "");
  rig_lane_del(w.r, w.lane);
  rig_poll(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0"); /* the lane's counts are still there */
  rig_io_end_remote(&io);
  rig_rest(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  rig_rest(w.r);
  ck_assert_uint_eq(next(&w), UINT64_MAX); /* nothing waits for it */
  rig_end(w.r);
}
END_TEST

START_TEST(G1_a_subsystem_is_deleted_without_a_barrier)
{
  world w = setup(0);

  refuses = 1;
  rig_end(w.r);
  w = setup(0);
  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  rig_lane_del(w.r, w.lane);
  rig_poll(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  rig_end(w.r);
}
END_TEST

/* The end of time: there is no later moment. */
START_TEST(T8_the_time_of_the_retry_saturates)
{
  world w = setup(0);

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  w.r->now = UINT64_MAX - RETRY;
  rig_poll(w.r);
  ck_assert_uint_eq(next(&w), UINT64_MAX);
  refuses = 0;
  rig_poll(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  rig_end(w.r);
}
END_TEST

static void detach_in_attached(rig *r, const rig_event *e)
{
  ck_assert_int_eq(
      nvmens_ns_detach(r->s, e->ns->ref, e->ctrl->c, NVMENS_ORDERLY, r->now, RIG_NEVER), 0);
}

/* There has never been a barrier to be had; or there is none any more. */
START_TEST(G1_a_gate_that_was_not_opened_needs_no_barrier)
{
  for (refuses = 0; refuses < 2; refuses++) {
    const int never = refuses;
    rig *r = rig_new(NULL);
    rig_ctrl *c = rig_ctrl_on(r);
    rig_ns *ns = rig_ns_loose(r, 1);

    rig_lane(c);
    r->react = detach_in_attached;
    r->react_on = RIG_BIT(RIG_ATTACHED);
    refuses = 1;
    ck_assert_int_eq(rig_attach(ns, c), 0);
    ck_assert_str_eq(rig_log(r), "attached n1 c0; drain n1 c0; detached n1 c0");
    ck_assert_uint_eq(nvmens_next_deadline(r->s), UINT64_MAX);
    rig_end(r);
    refuses = never;
  }
}
END_TEST

START_TEST(I29_the_check_notices)
{
  static const char lost[] = "drain_begin is to be called, and nothing leads to it";
  static const char none[] = "a barrier is to be tried again, and none is missing";
  static const char soon[] = "a barrier is missing, and is not tried again soon";
  static const char fence[] = "a barrier has failed, and gates are opened without fences";
  static const char drains[] = "drain_begin is to be called for what does not drain";
  world w = setup(0);
  nvmens_subsys *s = w.r->s;
  nvmens_attachment *att = nvmens_att_of(w.c->c, 1);
  const char *why;

#define NOTICES(lvalue, value, what)                                                               \
  do {                                                                                             \
    __typeof__((lvalue) + 0) kept_ = (lvalue);                                                     \
    (lvalue) = (value);                                                                            \
    ck_assert_int_eq(nvmens_subsys_check(s, &why), 29);                                            \
    ck_assert_str_eq(why, what);                                                                   \
    (lvalue) = kept_;                                                                              \
  } while (0)
  NOTICES(att->begin_due, 1, drains);
  NOTICES(s->barrier_at, 5, none);
  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_int_eq(nvmens_subsys_check(s, &why), 0);
  NOTICES(s->barrier_at, w.r->now + RETRY + 1, soon);
  NOTICES(s->bell.fence, 0, fence);
  NOTICES(s->look_due, 0, lost);
  rig_end(w.r);
}
END_TEST

/* What nvmens_io_begin has counted, when the gate had closed, is undone by the library. */
START_TEST(G3_a_begin_that_was_counted_too_late)
{
  world w = setup(0);
  nvmens_slot *slot = nvmens_att_of(w.c->c, 1)->slot;
  nvmens_counter *c = nvmens_gate_counter_(w.lane, slot->index);
  const uint32_t open = slot->word;
  nvmens_begun b;

  c->begun++;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0");
  b = nvmens_gate_begin_(w.lane, 1, slot, open);
  ck_assert_uint_eq(b.status.sf, DNR02);
  ck_assert_ptr_null(b.ticket.slot);
  rig_rest(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  rig_end(w.r);
}
END_TEST

static void check_inside(rig *r, const rig_event *e)
{
  (void)e;
  ck_assert_int_eq(nvmens_subsys_check(r->s, NULL), 0);
}

/* While one drain begins the other is queued. */
START_TEST(I29_holds_inside_drain_begin)
{
  world w = setup(0);

  rig_ctrl_on(w.r);
  w.r->react = check_inside;
  w.r->react_on = RIG_BIT(RIG_DRAIN);
  ck_assert_int_eq(rig_unplug(w.ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(rig_count(w.r, RIG_DRAIN), 2);
  rig_end(w.r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      G1_a_drain_does_not_end_before_its_barrier,
      G1_the_backend_makes_the_barrier,
      G1_gates_that_open_later_have_fences,
      G3_the_count_is_looked_at_when_the_barrier_has_worked,
      G1_a_command_that_is_out_then_ends_it,
      C17_the_deadline_holds_without_a_barrier,
      R15_a_surprise_without_drain_begin_aborts_at_once,
      G1_a_controller_without_lanes_needs_no_barrier,
      G1_a_subsystem_is_deleted_without_a_barrier,
      T8_the_time_of_the_retry_saturates,
      G1_a_gate_that_was_not_opened_needs_no_barrier,
      G3_a_begin_that_was_counted_too_late,
      I29_the_check_notices,
      I29_holds_inside_drain_begin,
  };
  return BARRIER_RUN("barrier_fails", tests);
}
