/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_scenarios_drain.c: given, when, then: removal while I/O is in flight (S10-S12, S17-S19).
 */
#include "rig_more.h"

/* A controller of host `h` (0: unknown), ready, listening. */
static rig_ctrl *of_host(rig *r, uint8_t h)
{
  rig_ctrl *c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {h}});

  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  return c;
}

/* ---- 10: released only when the last command is back ---- */

START_TEST(S10_removal_waits_for_every_command)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_io io[3];
  unsigned i;

  for (i = 0; i < 3; i++)
    io[i] = rig_io_begin(r, lane, 1);
  rig_log_clear(r);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  for (i = 0; i < 3; i++) {
    rig_rest(r);
    ck_assert_int_eq(ns->released, 0);
    ck_assert_uint_eq(rig_att(ns, c).in_flight, 3 - i);
    rig_io_end(&io[i]);
  }
  rig_rest(r);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; released n1");
  rig_end(r);
}
END_TEST

START_TEST(S10_the_end_of_the_last_command_wakes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);
  unsigned wakes;

  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  wakes = r->wakes;
  rig_io_end(&io);
  ck_assert_uint_gt(r->wakes, wakes); /* G3 */
  rig_poll(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S10_both_halves_must_end_the_hook_last)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);

  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 0);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S10_both_halves_must_end_the_gate_last)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);

  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S10_a_remote_end_without_its_lane_counts)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c);
  rig_io io = rig_io_begin(r, lane, 1);

  rig_lane_del(r, lane);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end_remote(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

/* ---- 11: a backend that never completes ---- */

START_TEST(S11_the_host_is_told_at_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *aer;

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  aer = rig_aer(c);
  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  RIG_OK(aer);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1");
  ck_assert_int_eq(ns->released, 0);
  rig_end(r);
}
END_TEST

START_TEST(S11_the_abort_hook_runs_at_the_deadline)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  uint64_t start = r->now;

  ns->drain = RIG_DRAIN_PENDING;
  rig_log_clear(r);
  rig_unplug(ns, NVMENS_ORDERLY, 5 * (uint64_t)RIG_SEC); /* relative to now */
  ck_assert_uint_eq(nvmens_next_deadline(r->s), start + 5 * (uint64_t)RIG_SEC);
  rig_pass(r, 5 * (uint64_t)RIG_SEC - 1);
  ck_assert_str_eq(rig_log(r), "drain n1 c0");
  rig_pass(r, 1);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0");
  ck_assert_uint_eq(nvmens_next_deadline(r->s), UINT64_MAX);
  ck_assert_uint_eq(rig_att(ns, c).state, NVMENS_ATT_ABORTING);
  rig_end(r);
}
END_TEST

START_TEST(S11_released_only_when_the_last_command_is_back)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);

  rig_log_clear(r);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_SEC);
  rig_pass(r, 100 * (uint64_t)RIG_SEC); /* the deadline ends no I/O by itself */
  rig_rest(r);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0");
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0; detached n1 c0; released n1");
  rig_end(r);
}
END_TEST

START_TEST(S11_others_notice_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_listening(r, RIG_BIT4);
  rig_ns *stuck = rig_ns_loose(r, 1), *other = rig_ns_auto(r, 2);
  nvmens_lane *lane = rig_lane(c0);

  ck_assert_int_eq(rig_attach(stuck, c0), 0);
  rig_changed(c1, RIG_LID4, RIG_CONSUME);
  stuck->drain = RIG_DRAIN_PENDING;
  rig_unplug(stuck, NVMENS_ORDERLY, RIG_SEC);
  rig_pass(r, 2 * (uint64_t)RIG_SEC);
  ck_assert_uint_eq(more_begin(r, lane, 2), 0);
  ck_assert_uint_eq(rig_heard(c1), 0);
  ck_assert_int_eq(rig_unplug(other, NVMENS_ORDERLY, RIG_SEC), 0);
  rig_rest(r);
  ck_assert_int_eq(other->released, 1);
  ck_assert_int_eq(stuck->released, 0);
  rig_end(r);
}
END_TEST

START_TEST(S11_without_a_deadline_it_waits_for_ever)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  (void)c;
  ns->drain = RIG_DRAIN_PENDING;
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(nvmens_next_deadline(r->s), UINT64_MAX);
  rig_pass(r, UINT64_MAX - 1 - r->now);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), 0);
  rig_end(r);
}
END_TEST

START_TEST(S11_surprise_aborts_at_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);

  ns->drain = RIG_DRAIN_PENDING;
  rig_log_clear(r);
  rig_unplug(ns, NVMENS_SURPRISE, RIG_NEVER);
  ck_assert_str_eq(rig_log(r), "drain n1 c0; abort n1 c0");
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(S11_a_delete_of_the_hosts_ends_at_its_deadline)
{
  rig *r = rig_new(&(nvmens_subsys_config){.deadline_ns = 3 * (uint64_t)RIG_SEC});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_delete(c, 1);
  rig_pass(r, 3 * (uint64_t)RIG_SEC - 1);
  ck_assert(rig_is_open(cmd));
  rig_pass(r, 1);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 0);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 2); /* R15: NSID 1 stays reserved */
  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_int_eq(ns->reason, NVMENS_HOST_DELETED);
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 3); /* R69: the host has a disk of 1 */
  more_hear(c);
  RIG_OK(rig_host_attach(c, 2, c));
  more_hear(c); /* a second scan begins */
  ck_assert_uint_eq(RIG_OK(rig_host_create(c, 8, 1))->dw0, 1);
  rig_end(r);
}
END_TEST

START_TEST(C17_the_default_deadline_is_well_inside_the_hosts_timeout)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *cmd;

  ns->drain = RIG_DRAIN_PENDING;
  cmd = rig_host_detach(c, 1, c);
  ck_assert(rig_is_open(cmd));
  rig_pass(r, 10 * (uint64_t)RIG_SEC);
  RIG_OK(cmd);
  rig_end(r);
}
END_TEST

/* ---- 12: new I/O while draining ---- */

START_TEST(S12_without_another_path_it_is_an_invalid_field)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = of_host(r, 1);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c);

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(more_begin(r, lane, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_drained(ns, c);
  rig_rest(r);
  ck_assert_uint_eq(more_begin(r, lane, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD)); /* R51: and after */
  rig_end(r);
}
END_TEST

START_TEST(S12_with_another_ready_path_it_may_fail_over)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = of_host(r, 1), *c1 = of_host(r, 1);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane = rig_lane(c0);

  ns->drain = RIG_DRAIN_PENDING;
  rig_detach(ns, c0, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(more_begin(r, lane, 1), NVMENS_SC_INTERNAL_PATH_ERROR); /* C16: no DNR */
  rig_reset(c1); /* the other path is not ready any more */
  ck_assert_uint_eq(more_begin(r, lane, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_enable(c1);
  ck_assert_uint_eq(more_begin(r, lane, 1), NVMENS_SC_INTERNAL_PATH_ERROR);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(more_begin(r, lane, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(S12_another_hosts_controller_is_no_path)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = of_host(r, 1), *c1 = of_host(r, 2), *c2 = of_host(r, 0), *c3 = of_host(r, 0);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane0 = rig_lane(c0), *lane2 = rig_lane(c2);

  (void)c1;
  (void)c3;
  rig_detach(ns, c0, NVMENS_ORDERLY, RIG_NEVER);
  rig_detach(ns, c2, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(more_begin(r, lane0, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  ck_assert_uint_eq(more_begin(r, lane2, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD)); /* unknown hosts */
  rig_end(r);
}
END_TEST

START_TEST(S12_the_letter_of_the_specification_is_an_option)
{
  rig *r = rig_new(&(nvmens_subsys_config){.inactive_io = NVMENS_IO_SPEC});
  rig_ctrl *c0 = of_host(r, 1), *c1 = of_host(r, 1);
  rig_ns *ns = rig_ns_auto(r, 1);

  (void)c1;
  rig_detach(ns, c0, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(more_begin(r, rig_lane(c0), 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(S12_a_controller_that_is_not_ready_says_so)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = of_host(r, 1);
  nvmens_lane *lane = rig_lane(c);

  rig_ns_auto(r, 1);
  rig_reset(c);
  ck_assert_uint_eq(more_begin(r, lane, 1), NVMENS_SC_ABORTED_SQ_DELETED);
  rig_enable(c);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

/* ---- 17, 18: several controllers ---- */

START_TEST(S17_a_detach_concerns_one_controller)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = of_host(r, 1), *c1 = of_host(r, 2);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_lane *lane0 = rig_lane(c0), *lane1 = rig_lane(c1);
  rig_io io = rig_io_begin(r, lane1, 1);

  rig_changed(c0, RIG_LID4, RIG_CONSUME);
  rig_changed(c1, RIG_LID4, RIG_CONSUME);
  rig_detach(ns, c0, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(ns->on[0], 0); /* c1's command does not hold it up */
  ck_assert_uint_eq(more_begin(r, lane0, 1), RIG_DNR(NVMENS_SC_INVALID_FIELD));
  ck_assert_uint_eq(more_begin(r, lane1, 1), 0);
  ck_assert_uint_eq(rig_heard(c1), 0);
  ck_assert_str_eq(rig_changed(c0, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_str_eq(rig_changed(c1, RIG_LID4, RIG_CONSUME), "");
  rig_io_end(&io);
  rig_end(r);
}
END_TEST

START_TEST(S18_a_slow_controller_blocks_none)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c[4];
  rig_ns *ns;
  rig_io io;
  unsigned i;

  for (i = 0; i < 4; i++)
    c[i] = of_host(r, (uint8_t)i);
  ns = rig_ns_auto(r, 1);
  for (i = 0; i < 4; i++)
    rig_changed(c[i], RIG_LID4, RIG_CONSUME);
  io = rig_io_begin(r, rig_lane(c[1]), 1);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  for (i = 0; i < 4; i++) {
    ck_assert_uint_eq(rig_heard(c[i]), RIG_EV4);
    ck_assert_str_eq(rig_changed(c[i], RIG_LID4, RIG_CONSUME), "1");
    ck_assert_uint_eq(ns->on[i], i == 1);
  }
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

/* ---- 19: the host's own commands ---- */

START_TEST(S19_a_detach_completes_after_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);
  rig_cmd *cmd = rig_host_detach(c, 1, c);

  (void)ns;
  ck_assert(rig_is_open(cmd));
  rig_log_clear(r);
  rig_io_end(&io);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_str_eq(rig_log(r), "detached n1 c0; complete c0");
  rig_end(r);
}
END_TEST

START_TEST(S19_a_delete_completes_after_the_drain)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  ck_assert(rig_is_open(cmd));
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), ""); /* R15: published at once */
  rig_io_end(&io);
  rig_rest(r);
  RIG_OK(cmd);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_HOST_DELETED);
  rig_end(r);
}
END_TEST

START_TEST(S19_after_a_reset_the_command_is_dropped_and_the_drain_goes_on)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);
  rig_cmd *cmd = rig_host_delete(c, 1);

  rig_reenable(c);
  ck_assert_uint_eq(cmd->dropped, 1);
  ck_assert_int_eq(ns->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(ns->released, 1);
  ck_assert_int_eq(ns->reason, NVMENS_HOST_DELETED);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "scenarios_drain", S10_removal_waits_for_every_command, S10_the_end_of_the_last_command_wakes,
      S10_both_halves_must_end_the_hook_last, S10_both_halves_must_end_the_gate_last,
      S10_a_remote_end_without_its_lane_counts, S11_the_host_is_told_at_once,
      S11_the_abort_hook_runs_at_the_deadline, S11_released_only_when_the_last_command_is_back,
      S11_others_notice_nothing, S11_without_a_deadline_it_waits_for_ever,
      S11_surprise_aborts_at_once, S11_a_delete_of_the_hosts_ends_at_its_deadline,
      C17_the_default_deadline_is_well_inside_the_hosts_timeout,
      S12_without_another_path_it_is_an_invalid_field, S12_with_another_ready_path_it_may_fail_over,
      S12_another_hosts_controller_is_no_path, S12_the_letter_of_the_specification_is_an_option,
      S12_a_controller_that_is_not_ready_says_so, S17_a_detach_concerns_one_controller,
      S18_a_slow_controller_blocks_none, S19_a_detach_completes_after_the_drain,
      S19_a_delete_completes_after_the_drain,
      S19_after_a_reset_the_command_is_dropped_and_the_drain_goes_on);
}
