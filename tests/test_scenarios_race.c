/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_scenarios_race.c: given, when, then: what else may come while a namespace drains: another
 * attach, another remover, the end of the controller, late answers (scenarios 13-16).
 */
#include "rig.h"
#include "rig_main.h"

/* n1 at c0, draining by nvmens_ns_detach until rig_drained. */
static rig_ns *draining(rig *r, rig_ctrl **c)
{
  rig_ns *ns;

  *c = rig_ctrl_on(r);
  ns = rig_ns_auto(r, 1);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, *c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(rig_att(ns, *c).state, NVMENS_ATT_DRAINING);
  return ns;
}

/* ---- 13: the same NSID again ---- */

START_TEST(S13_attach_while_draining_follows_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  RIG_OK(rig_host_attach(c, 1, c)); /* R58 */
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DRAINING);
  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  ck_assert_uint_eq(rig_att(ns, c).open, 1);
  rig_end(r);
}
END_TEST

START_TEST(S13_plug_while_draining_follows_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  ck_assert_int_eq(rig_plug(ns), 0);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DRAINING);
  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(S13_delete_while_draining_waits_for_that_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);
  rig_cmd *cmd = rig_host_delete(c, 1);

  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  ck_assert_uint_eq(rig_count(r, RIG_DRAIN), 1); /* no second drain */
  rig_drained(ns, c);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S13_a_removal_takes_the_earlier_deadline)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ns->drain = RIG_DRAIN_PENDING;
  rig_detach(ns, c, NVMENS_ORDERLY, 5 * (uint64_t)RIG_SEC);
  rig_unplug(ns, NVMENS_ORDERLY, 9 * (uint64_t)RIG_SEC);
  ck_assert_uint_eq(nvmens_next_deadline(r->s), r->now + 5 * (uint64_t)RIG_SEC);
  rig_unplug(ns, NVMENS_ORDERLY, 2 * (uint64_t)RIG_SEC);
  rig_pass(r, 5 * (uint64_t)RIG_SEC);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), 1);
  rig_end(r);
}
END_TEST

START_TEST(S13_while_it_is_deleted_nothing_else_can_be_done_with_it)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1), *same;

  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_plug(ns), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_resize(ns, 0x100), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_ns_try(r, &(nvmens_ns_config){.nsid = 1}, &same), NVMENS_ERR_BUSY);
  RIG_FAILS(rig_host_attach(c, 1, c), RIG_DNR(NVMENS_SC_INVALID_FIELD)); /* R19: unallocated */
  RIG_FAILS(rig_host_detach(c, 1, c), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  RIG_FAILS(rig_host_delete(c, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  ck_assert_uint_eq(rig_ns_auto(r, 0)->ref.nsid, 2); /* an automatic NSID skips it */
  rig_end(r);
}
END_TEST

/* ---- 14: two removers ---- */

START_TEST(S14_two_unplugs_are_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0); /* joins */
  ck_assert_uint_eq(rig_count(r, RIG_DRAIN), 1);
  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_STALE);
  rig_end(r);
}
END_TEST

START_TEST(S14_a_surprise_unplug_aborts_an_orderly_one)
{
  rig *r = rig_new(NULL);
  rig_ns *ns;

  rig_ctrl_on(r);
  ns = rig_ns_auto(r, 1);
  ns->drain = RIG_DRAIN_PENDING;
  rig_log_clear(r);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_SEC);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_SURPRISE, RIG_SEC), 0);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0");
  rig_pass(r, 2 * (uint64_t)RIG_SEC);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), 1); /* once */
  rig_end(r);
}
END_TEST

START_TEST(S14_delete_and_unplug_meet)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_delete(c, 1);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert(rig_is_open(cmd)); /* a joiner does not take over the owner */
  rig_drained(ns, c);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S14_the_second_host_detach_fails)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_detach(c0, 1, c0);
  RIG_FAILS(rig_host_detach(c1, 1, c0), RIG_DNR(NVMENS_SC_NS_NOT_ATTACHED));
  ck_assert_int_eq(rig_detach(ns, c0, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_BUSY);
  ck_assert(rig_is_open(cmd));
  rig_drained(ns, c0);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_int_eq(rig_detach(ns, c0, NVMENS_ORDERLY, RIG_NEVER), NVMENS_ERR_NOT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(S14_a_surprise_detach_aborts_an_orderly_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_detach(c, 1, c);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, 0), 0);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), 1);
  RIG_OK(cmd); /* settle: its count of drains goes down */
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_ABORTING);
  rig_end(r);
}
END_TEST

/* ---- 15: the controller ends ---- */

START_TEST(S15_a_reset_leaves_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  rig_reset(c);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DRAINING);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(S15_a_shutdown_leaves_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  rig_shutdown(c);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(S15_removal_of_the_controller_aborts_and_waits)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  rig_log_clear(r);
  rig_ctrl_del(c);
  rig_rest(r);
  ck_assert_str_eq(rig_log(r), "abort n1 c0");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_str_eq(rig_log(r), "abort n1 c0; detached n1 c0; ctrl_released c0");
  rig_end(r);
}
END_TEST

START_TEST(S15_removal_of_the_controller_with_io_in_flight)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_io io = rig_io_begin(r, lane, 1);

  rig_ctrl_del(c);
  rig_rest(r);
  ck_assert_int_eq(c->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(c->released, 1);
  ck_assert_uint_eq(ns->on[0], 0);
  ck_assert_int_eq(ns->released, 0); /* the namespace is still there */
  rig_lane_del(r, lane);             /* also after nvmens_ctrl_del */
  rig_end(r);
}
END_TEST

START_TEST(S15_the_issuer_of_a_delete_may_go)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_delete(c0, 1);
  rig_ctrl_del(c0);
  rig_rest(r);
  ck_assert_uint_eq(cmd->dropped, 1);
  rig_drained(ns, c0);
  rig_drained(ns, c1);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(c0->released, 1);
  rig_end(r);
}
END_TEST

/* ---- 16: answers ---- */

START_TEST(S16_an_answer_counts_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(rig_drained(ns, c), NVMENS_ERR_STALE);
  rig_rest(r);
  ck_assert_int_eq(rig_drained(ns, c), NVMENS_ERR_STALE);
  ck_assert_uint_eq(rig_count(r, RIG_DETACHED), 1);
  rig_end(r);
}
END_TEST

START_TEST(S16_unknown_tokens_are_refused)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  ck_assert_int_eq(rig_done(r, 0), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_done(r, ns->token[0] + 1), NVMENS_ERR_STALE);
  ck_assert_int_eq(rig_done(r, UINT64_MAX), NVMENS_ERR_STALE);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DRAINING);
  rig_end(r);
}
END_TEST

START_TEST(S16_an_old_token_does_not_end_a_new_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);
  nvmens_token old = ns->token[0];

  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_ne(ns->token[0], old); /* T7 */
  ck_assert_int_eq(rig_done(r, old), NVMENS_ERR_STALE);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_DRAINING);
  rig_end(r);
}
END_TEST

START_TEST(S16_an_answer_after_done_was_returned_is_late)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1); /* keeps the drain from ending */

  rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_int_eq(rig_drained(ns, c), NVMENS_ERR_STALE);
  rig_io_end(&io);
  rig_end(r);
}
END_TEST

START_TEST(S16_an_answer_may_come_before_the_hook_returns)
{
  rig *r = rig_new(NULL);
  rig_ns *n1, *n2;

  rig_ctrl_on(r);
  n1 = rig_ns_auto(r, 1);
  n2 = rig_ns_auto(r, 2);
  n1->drain = RIG_DRAIN_EARLY;
  n2->drain = RIG_DRAIN_DOUBLE;
  rig_unplug(n1, NVMENS_ORDERLY, RIG_NEVER);
  rig_unplug(n2, NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  ck_assert_int_eq(n1->released, 1);
  ck_assert_int_eq(n2->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S16_after_the_deadline_the_answer_still_counts)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_SEC);
  rig_pass(r, RIG_SEC);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S16_a_prepared_that_comes_twice_is_refused)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd;
  rig_ns *ns;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = rig_host_create(c, 64, 1);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_prepared(r, 0, &ns), 0);
  ck_assert_uint_eq(RIG_OK(cmd)->dw0, 1);
  ck_assert_int_eq(rig_prepared(r, 0, &ns), NVMENS_ERR_STALE); /* ns_user stays the caller's */
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(S16_a_prepared_after_a_reset_creates_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *cmd;
  rig_ns *ns;

  r->prepare = RIG_PREPARE_PENDING;
  cmd = rig_host_create(c, 64, 1);
  rig_reenable(c);
  ck_assert_uint_eq(cmd->dropped, 1);
  if (rig_prepared(r, 0, &ns) == 0) { /* else STALE: ns_user stays the caller's */
    ck_assert_int_eq(ns->released, 1);
    ck_assert_int_eq(ns->reason, NVMENS_CREATE_FAILED);
  }
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

/* ---- surroundings ---- */

START_TEST(S10_without_a_drain_hook_the_gate_alone_counts)
{
  rig *r = rig_new_without(NULL, RIG_NO_DRAIN | RIG_NO_LOCK | RIG_NO_IDENTIFY);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);

  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S11_an_earlier_deadline_wakes)
{
  rig *r = rig_new(NULL);
  rig_ns *n1, *n2;
  unsigned wakes;

  rig_ctrl_on(r);
  n1 = rig_ns_auto(r, 1);
  n2 = rig_ns_auto(r, 2);
  r->drain = RIG_DRAIN_PENDING;
  wakes = r->wakes;
  rig_unplug(n1, NVMENS_ORDERLY, 9 * (uint64_t)RIG_SEC);
  ck_assert_uint_gt(r->wakes, wakes); /* T8 */
  wakes = r->wakes;
  rig_unplug(n2, NVMENS_ORDERLY, 5 * (uint64_t)RIG_SEC);
  ck_assert_uint_gt(r->wakes, wakes);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "scenarios_race", S13_attach_while_draining_follows_the_drain,
      S13_plug_while_draining_follows_the_drain, S13_delete_while_draining_waits_for_that_drain,
      S13_a_removal_takes_the_earlier_deadline,
      S13_while_it_is_deleted_nothing_else_can_be_done_with_it, S14_two_unplugs_are_one,
      S14_a_surprise_unplug_aborts_an_orderly_one, S14_delete_and_unplug_meet,
      S14_the_second_host_detach_fails, S14_a_surprise_detach_aborts_an_orderly_one,
      S15_a_reset_leaves_the_drain, S15_a_shutdown_leaves_the_drain,
      S15_removal_of_the_controller_aborts_and_waits,
      S15_removal_of_the_controller_with_io_in_flight, S15_the_issuer_of_a_delete_may_go,
      S16_an_answer_counts_once, S16_unknown_tokens_are_refused,
      S16_an_old_token_does_not_end_a_new_drain, S16_an_answer_after_done_was_returned_is_late,
      S16_an_answer_may_come_before_the_hook_returns,
      S16_after_the_deadline_the_answer_still_counts, S16_a_prepared_that_comes_twice_is_refused,
      S16_a_prepared_after_a_reset_creates_nothing, S10_without_a_drain_hook_the_gate_alone_counts,
      S11_an_earlier_deadline_wakes);
}
