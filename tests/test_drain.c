/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_drain.c: one drain: its two halves, tokens, deadlines, abort (the table "attachment" of
 * docs/states.md; T7, T8, C17, P13, P15, P18, P21; scenarios 10-12, 16). Who waits for it is in
 * test_drain_owner.c.
 */
#include "rig_more.h"

#define SEC ((uint64_t)RIG_SEC)

static int detach(rig_ns *ns, rig_ctrl *c, uint64_t deadline)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, deadline);
}

static int surprise(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_SURPRISE, RIG_NEVER);
}

/* ---- two halves ---- */

START_TEST(P21_detached_waits_for_the_gate)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);

  rig_log_clear(r);
  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  rig_poll(r);
  ck_assert_str_eq(rig_log(r), "drain n1 c0"); /* the hook's half is done */
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
  rig_io_end(&io);
  rig_poll(r);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0");
  rig_end(r);
}
END_TEST

START_TEST(P21_detached_waits_for_the_hook)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  rig_log_clear(r);
  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  rig_poll(r);
  ck_assert_str_eq(rig_log(r), "drain n1 c0");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0");
  rig_end(r);
}
END_TEST

START_TEST(P21_detached_waits_for_both_halves)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);

  for (unsigned k = 0; k < 2; k++) {
    rig_ns *ns = more_pending(r, c, 1 + k);
    rig_io io = rig_io_begin(r, lane, 1 + k);

    ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
    if (k)
      rig_io_end(&io);
    else
      ck_assert_int_eq(rig_drained(ns, c), 0);
    rig_poll(r);
    ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
    if (k)
      ck_assert_int_eq(rig_drained(ns, c), 0);
    else
      rig_io_end(&io);
    rig_poll(r);
    ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  }
  rig_end(r);
}
END_TEST

START_TEST(P13_every_command_of_every_lane_counts)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io[6];

  for (unsigned i = 0; i < 6; i++)
    io[i] = rig_io_begin(r, i % 2 ? r->lane[i / 2] : rig_lane(c), 1);
  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  for (unsigned i = 0; i < 6; i++) {
    rig_poll(r);
    ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
    ck_assert_uint_eq(rig_att(ns, c).in_flight, 6 - i);
    rig_io_end(&io[i]);
  }
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(T8_the_end_of_the_last_command_wakes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);
  unsigned wakes;

  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  rig_rest(r);
  wakes = r->wakes;
  rig_io_end(&io);
  ck_assert_uint_gt(r->wakes, wakes); /* G3 */
  rig_end(r);
}
END_TEST

START_TEST(T7_done_inside_the_hook)
{
  static const rig_drain how[] = {RIG_DRAIN_EARLY, RIG_DRAIN_DOUBLE};

  for (unsigned k = 0; k < 2; k++) {
    rig *r = rig_new(NULL);
    rig_ctrl *c = rig_ctrl_on(r);
    rig_ns *ns = rig_ns_auto(r, 1);

    r->drain = how[k];
    rig_log_clear(r);
    ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
    ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0");
    ck_assert_int_eq(rig_drained(ns, c), NVMENS_ERR_STALE);
    rig_end(r);
  }
}
END_TEST

START_TEST(T7_without_a_drain_hook_the_gate_is_the_drain)
{
  rig *r = rig_new_without(NULL, RIG_NO_DRAIN);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_int_eq(surprise(ns, c), 0); /* no abort hook either */
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  rig_io_end(&io);
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(P15_a_second_drain_starts_from_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = more_pending(r, c, 1);
  nvmens_token first;
  rig_io io;

  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  first = ns->token[0];
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  io = rig_io_begin(r, lane, 1);
  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  ck_assert_uint_ne(ns->token[0], first); /* never reused */
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING); /* the gate's half is not done */
  rig_io_end(&io);
  rig_poll(r);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

/* ---- tokens: scenario 16 ---- */

START_TEST(T7_a_second_answer_is_refused)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = more_pending(r, c, 1);
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_drained(ns, c), NVMENS_ERR_STALE); /* still draining */
  rig_io_end(&io);
  rig_poll(r);
  ck_assert_int_eq(rig_drained(ns, c), NVMENS_ERR_STALE); /* detached */
  rig_end(r);
}
END_TEST

START_TEST(T7_unknown_tokens_are_refused)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(rig_done(r, 0), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_done(r, 1), NVMENS_ERR_STALE);
  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  ck_assert_int_eq(rig_done(r, ns->token[0] + 1), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_done(r, ns->token[0] ^ UINT64_C(1) << 63), NVMENS_ERR_STALE);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
  rig_end(r);
}
END_TEST

START_TEST(T7_an_old_token_does_not_end_a_new_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);
  nvmens_token old;

  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  old = ns->token[0];
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(rig_done(r, old), NVMENS_ERR_STALE);
  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  ck_assert_int_eq(rig_done(r, old), NVMENS_ERR_STALE);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
  rig_end(r);
}
END_TEST

START_TEST(T7_the_status_of_done_does_not_matter)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);
  const nvmens_status bad = {SF06};

  ck_assert_int_eq(detach(ns, c, RIG_NEVER), 0);
  ck_assert_int_eq(nvmens_done(r->s, ns->token[0], bad), 0); /* a drain cannot fail */
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

/* ---- the table, from DRAINING and ABORTING ---- */

START_TEST(attachment_detach_of_draining_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(detach(ns, c, 5 * SEC), 0);
  ck_assert_int_eq(detach(ns, c, 2 * SEC), NVMENS_ERR_BUSY);
  ck_assert_uint_eq(more_next(r), r->now + 5 * SEC); /* nothing has changed */
  rig_end(r);
}
END_TEST

START_TEST(attachment_detach_of_aborting_is_busy)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(surprise(ns, c), 0);
  ck_assert_int_eq(detach(ns, c, 2 * SEC), NVMENS_ERR_BUSY);
  ck_assert_uint_eq(more_next(r), UINT64_MAX);
  rig_end(r);
}
END_TEST

START_TEST(attachment_abort_of_draining)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(detach(ns, c, 5 * SEC), 0);
  rig_log_clear(r);
  ck_assert_int_eq(surprise(ns, c), 0);
  ck_assert_str_eq(rig_log(r), "abort n1 c0");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  ck_assert_uint_eq(more_next(r), UINT64_MAX); /* the timer is stopped */
  rig_end(r);
}
END_TEST

START_TEST(attachment_abort_of_aborting_stays)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(surprise(ns, c), 0);
  rig_log_clear(r);
  ck_assert_int_eq(surprise(ns, c), 0);
  ck_assert_str_eq(rig_log(r), "");
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_ABORTING);
  rig_end(r);
}
END_TEST

START_TEST(attachment_remove_of_draining_has_the_earlier_deadline)
{
  static const uint64_t first[] = {5 * SEC, 5 * SEC, RIG_NEVER}, second[] = {2, 9, 1},
                        due[] = {2, 5, 1};

  for (unsigned k = 0; k < 3; k++) {
    rig *r = rig_new(NULL);
    rig_ctrl *c = rig_ctrl_on(r);
    rig_ns *ns = more_pending(r, c, 1);

    ck_assert_int_eq(detach(ns, c, first[k]), 0);
    rig_log_clear(r);
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, second[k] * SEC), 0);
    ck_assert_str_eq(rig_log(r), ""); /* stay */
    ck_assert_uint_eq(more_next(r), r->now + due[k] * SEC);
    ck_assert_int_eq(rig_drained(ns, c), 0);
    ck_assert_str_eq(rig_log(r), "detached n1 c0; released n1");
    rig_end(r);
  }
}
END_TEST

START_TEST(attachment_remove_of_aborting_stays)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(surprise(ns, c), 0);
  rig_log_clear(r);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, SEC), 0);
  rig_pass(r, 2 * SEC);
  ck_assert_str_eq(rig_log(r), "");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_str_eq(rig_log(r), "detached n1 c0; released n1");
  rig_end(r);
}
END_TEST

/* ---- deadlines: scenario 11 ---- */

START_TEST(P18_at_the_deadline_the_drain_is_aborted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(detach(ns, c, 3 * SEC), 0);
  ck_assert_uint_eq(more_next(r), r->now + 3 * SEC);
  ck_assert_uint_eq(rig_att(ns, c).deadline, r->now + 3 * SEC);
  rig_log_clear(r);
  rig_pass(r, 3 * SEC - 1);
  ck_assert_str_eq(rig_log(r), "");
  rig_pass(r, 1);
  ck_assert_str_eq(rig_log(r), "abort n1 c0");
  ck_assert_uint_eq(rig_att(ns, c).deadline, UINT64_MAX);
  rig_pass(r, 100 * SEC);
  ck_assert_str_eq(rig_log(r), "abort n1 c0"); /* once */
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_str_eq(rig_log(r), "abort n1 c0; detached n1 c0");
  rig_end(r);
}
END_TEST

START_TEST(P18_an_aborted_namespace_is_released_when_the_last_command_is_back)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, SEC), 0);
  rig_pass(r, SEC);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), 1);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_poll(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(P18_a_stuck_namespace_leaves_the_others_alone)
{
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_on(r), *b = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(b);
  rig_ns *stuck = more_pending(r, a, 1), *well = rig_ns_auto(r, 2);

  ck_assert_int_eq(rig_unplug(stuck, NVMENS_ORDERLY, SEC), 0);
  rig_pass(r, 50 * SEC);
  ck_assert_uint_eq(more_begin(r, lane, 2), 0);
  ck_assert_str_eq(rig_ids(a, NVMENS_CNS_ACTIVE_NS_LIST), "2");
  ck_assert_int_eq(detach(well, a, RIG_NEVER), 0);
  ck_assert_int_eq(more_att(well, a), NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(T8_deadlines_saturate)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = more_pending(r, c, 1);

  ck_assert_int_eq(detach(ns, c, UINT64_MAX - 1), 0); /* now is above 1 */
  rig_pass(r, 1000 * SEC);
  ck_assert_int_eq(more_att(ns, c), NVMENS_ATT_DRAINING);
  rig_end(r);
}
END_TEST

START_TEST(T8_an_earlier_deadline_wakes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *a = more_pending(r, c, 1), *b = more_pending(r, c, 2);
  unsigned wakes = r->wakes;

  ck_assert_int_eq(detach(a, c, 5 * SEC), 0);
  ck_assert_uint_gt(r->wakes, wakes);
  wakes = r->wakes;
  ck_assert_int_eq(detach(b, c, 2 * SEC), 0);
  ck_assert_uint_gt(r->wakes, wakes);
  ck_assert_uint_eq(more_next(r), r->now + 2 * SEC);
  rig_end(r);
}
END_TEST

START_TEST(T8_the_next_deadline_is_the_earliest)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns[3];
  static const uint64_t due[] = {7, 3, 5};

  for (uint32_t i = 0; i < 3; i++) {
    ns[i] = more_pending(r, c, 1 + i);
    ck_assert_int_eq(detach(ns[i], c, due[i] * SEC), 0);
  }
  ck_assert_uint_eq(more_next(r), 1000 + 3 * SEC);
  ck_assert_int_eq(rig_drained(ns[1], c), 0);
  ck_assert_uint_eq(more_next(r), 1000 + 5 * SEC);
  rig_pass(r, 6 * SEC); /* late: both that are due */
  ck_assert_int_eq(more_att(ns[2], c), NVMENS_ATT_ABORTING);
  ck_assert_uint_eq(more_next(r), 1000 + 7 * SEC);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      P21_detached_waits_for_the_gate,
      P21_detached_waits_for_the_hook,
      P21_detached_waits_for_both_halves,
      P13_every_command_of_every_lane_counts,
      T8_the_end_of_the_last_command_wakes,
      T7_done_inside_the_hook,
      T7_without_a_drain_hook_the_gate_is_the_drain,
      P15_a_second_drain_starts_from_nothing,
      T7_a_second_answer_is_refused,
      T7_unknown_tokens_are_refused,
      T7_an_old_token_does_not_end_a_new_drain,
      T7_the_status_of_done_does_not_matter,
      attachment_detach_of_draining_is_busy,
      attachment_detach_of_aborting_is_busy,
      attachment_abort_of_draining,
      attachment_abort_of_aborting_stays,
      attachment_remove_of_draining_has_the_earlier_deadline,
      attachment_remove_of_aborting_stays,
      P18_at_the_deadline_the_drain_is_aborted,
      P18_an_aborted_namespace_is_released_when_the_last_command_is_back,
      P18_a_stuck_namespace_leaves_the_others_alone,
      T8_deadlines_saturate,
      T8_an_earlier_deadline_wakes,
      T8_the_next_deadline_is_the_earliest,
  };

  return MORE_RUN("drain", tests);
}
