/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_drain_owner.c: who waits for a drain: commands of the host, several removers, joiners, and
 * what a reset, a shutdown or the end of a controller does to them (R15, R20, R51, C17, P18;
 * scenarios 12-15, 17-19).
 */
#include "rig_more.h"

#define SEC          ((uint64_t)RIG_SEC)
#define NOT_ATTACHED RIG_DNR(NVMENS_SC_NS_NOT_ATTACHED)

/* Two controllers, and a namespace attached to both that drains when told to. */
typedef struct pair {
  rig *r;
  rig_ctrl *a, *b;
  rig_ns *ns;
} pair;

static pair pair_new(void)
{
  pair p = {.r = rig_new(NULL)};

  p.a = rig_ctrl_on(p.r);
  p.b = rig_ctrl_on(p.r);
  p.ns = more_pending(p.r, p.a, 1);
  ck_assert_int_eq(rig_attach(p.ns, p.b), 0);
  rig_log_clear(p.r);
  return p;
}

/* ---- a command of the host: scenario 19 ---- */

START_TEST(R51_a_hosts_detach_completes_after_the_drain)
{
  pair p = pair_new();
  nvmens_lane *lane = rig_lane(p.a);
  rig_io io = rig_io_begin(p.r, lane, 1);
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  rig_poll(p.r);
  ck_assert(rig_is_open(cmd));
  rig_io_end(&io);
  rig_poll(p.r);
  RIG_OK(cmd);
  rig_end(p.r);
}
END_TEST

START_TEST(R20_a_detach_of_two_waits_for_both)
{
  pair p = pair_new();
  rig_cmd *cmd = MORE_DETACH(p.a, 1, 0, 1);

  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  RIG_OK(cmd);
  rig_end(p.r);
}
END_TEST

START_TEST(C17_a_hosts_detach_completes_at_its_deadline)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  ck_assert_uint_eq(more_next(p.r), p.r->now + 10 * SEC); /* the default */
  rig_pass(p.r, 10 * SEC - 1);
  ck_assert(rig_is_open(cmd));
  rig_pass(p.r, 1);
  RIG_OK(cmd);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_ABORTING);
  ck_assert_uint_eq(rig_count(p.r, RIG_ABORT), 1);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_DETACHED);
  rig_end(p.r);
}
END_TEST

START_TEST(R51_the_detach_is_published_before_it_completes)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.b, 1, p.a);

  ck_assert(rig_is_open(cmd));
  ck_assert_str_eq(rig_ids(p.a, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_str_eq(more_ctrls(p.b, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "1: 1");
  rig_end(p.r);
}
END_TEST

START_TEST(R51_new_io_is_barred_while_a_detach_waits)
{
  pair p = pair_new();
  nvmens_lane *lane = rig_lane(p.a);
  rig_io io = rig_io_begin(p.r, lane, 1);
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  for (int i = 0; i < 1000; i++) /* scenario 12: nothing is queued */
    ck_assert_uint_eq(more_begin(p.r, lane, 1), DNR02);
  rig_io_end(&io);
  rig_poll(p.r);
  RIG_OK(cmd);
  rig_end(p.r);
}
END_TEST

START_TEST(R35_after_a_reset_the_detach_is_dropped_and_the_drain_goes_on)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  rig_reenable(p.a);
  ck_assert_uint_eq(cmd->dropped, 1);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_DRAINING);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_DETACHED);
  rig_end(p.r);
}
END_TEST

START_TEST(R35_after_a_reset_the_delete_is_dropped_and_goes_on)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_delete(p.a, 1);

  rig_reenable(p.a);
  ck_assert_uint_eq(cmd->dropped, 1);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(p.ns->released, 0);
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  ck_assert_int_eq(p.ns->released, 1);
  ck_assert_int_eq(p.ns->reason, NVMENS_HOST_DELETED);
  rig_end(p.r);
}
END_TEST

START_TEST(P18_a_drain_whose_command_was_dropped_still_has_its_deadline)
{
  pair p = pair_new();

  rig_host_detach(p.a, 1, p.a);
  rig_reenable(p.a);
  rig_pass(p.r, 10 * SEC);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_ABORTING);
  rig_end(p.r);
}
END_TEST

START_TEST(R35_the_reset_of_another_controller_drops_nothing)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.b); /* issued at a, drains at b */

  rig_reenable(p.b);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  RIG_OK(cmd);
  rig_end(p.r);
}
END_TEST

/* ---- scenario 15: the drain ends whatever happens to the controller ---- */

START_TEST(R37_a_drain_ends_after_a_shutdown)
{
  pair p = pair_new();

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_shutdown(p.a);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_DRAINING);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_DETACHED);
  rig_end(p.r);
}
END_TEST

START_TEST(R37_a_hosts_detach_ends_once_in_spite_of_a_shutdown)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  rig_shutdown(p.a);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_uint_eq(cmd->done, 1);
  rig_end(p.r);
}
END_TEST

START_TEST(attachment_controller_goes_while_attached)
{
  pair p = pair_new();

  rig_ctrl_del(p.a);
  ck_assert_str_eq(rig_log(p.r), "drain n1 c0; abort n1 c0");
  ck_assert_int_eq(p.a->released, 0);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_str_eq(rig_log(p.r), "drain n1 c0; abort n1 c0; detached n1 c0; ctrl_released c0");
  ck_assert_int_eq(more_att(p.ns, p.b), NVMENS_ATT_ATTACHED);
  rig_end(p.r);
}
END_TEST

START_TEST(attachment_controller_goes_while_draining)
{
  pair p = pair_new();

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_ORDERLY, 5 * SEC), 0);
  rig_log_clear(p.r);
  rig_ctrl_del(p.a);
  ck_assert_str_eq(rig_log(p.r), "abort n1 c0");
  ck_assert_uint_eq(more_next(p.r), UINT64_MAX);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_str_eq(rig_log(p.r), "abort n1 c0; detached n1 c0; ctrl_released c0");
  rig_end(p.r);
}
END_TEST

START_TEST(attachment_controller_goes_while_aborting)
{
  pair p = pair_new();

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_SURPRISE, RIG_NEVER), 0);
  rig_log_clear(p.r);
  rig_ctrl_del(p.a);
  ck_assert_str_eq(rig_log(p.r), "");
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_str_eq(rig_log(p.r), "detached n1 c0; ctrl_released c0");
  rig_end(p.r);
}
END_TEST

START_TEST(R35_the_end_of_a_controller_drops_its_commands)
{
  pair p = pair_new();
  rig_cmd *own = rig_host_detach(p.a, 1, p.b); /* issued by the one that goes */

  rig_ctrl_del(p.a);
  ck_assert_uint_eq(own->dropped, 1);
  ck_assert_int_eq(more_att(p.ns, p.b), NVMENS_ATT_DRAINING);
  rig_end(p.r);
}
END_TEST

START_TEST(P18_a_detach_from_a_controller_that_goes_completes)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.b, 1, p.a);

  rig_ctrl_del(p.a); /* ABORTING settles its owner */
  RIG_OK(cmd);
  rig_end(p.r);
}
END_TEST

START_TEST(R15_a_delete_waits_for_a_controller_that_goes)
{
  pair p = pair_new();

  rig_ctrl_del(p.a);
  ck_assert_int_eq(rig_unplug(p.ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  ck_assert_int_eq(p.ns->released, 0); /* still aborting at a */
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(p.ns->released, 1);
  rig_end(p.r);
}
END_TEST

/* ---- scenarios 13, 14: several removers ---- */

START_TEST(attachment_a_second_detach_of_the_host_fails)
{
  pair p = pair_new();
  rig_cmd *first = rig_host_detach(p.a, 1, p.a);

  RIG_FAILS(rig_host_detach(p.b, 1, p.a), NOT_ATTACHED);
  ck_assert(rig_is_open(first));
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  RIG_OK(first);
  RIG_FAILS(rig_host_detach(p.b, 1, p.a), NOT_ATTACHED);
  rig_end(p.r);
}
END_TEST

START_TEST(attachment_a_hosts_detach_of_aborting_fails)
{
  pair p = pair_new();

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_SURPRISE, RIG_NEVER), 0);
  RIG_FAILS(rig_host_detach(p.b, 1, p.a), NOT_ATTACHED);
  rig_end(p.r);
}
END_TEST

START_TEST(attachment_the_backends_detach_of_a_hosts_drain_is_busy)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_ORDERLY, SEC), NVMENS_ERR_BUSY);
  ck_assert_uint_eq(more_next(p.r), p.r->now + 10 * SEC);
  ck_assert(rig_is_open(cmd));
  rig_end(p.r);
}
END_TEST

START_TEST(attachment_abort_settles_the_owner)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_SURPRISE, RIG_NEVER), 0);
  RIG_OK(cmd);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_ABORTING);
  rig_end(p.r);
}
END_TEST

START_TEST(namespace_surprise_settles_a_delete)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_delete(p.a, 1);

  ck_assert_int_eq(rig_unplug(p.ns, NVMENS_SURPRISE, RIG_NEVER), 0);
  RIG_OK(cmd);
  ck_assert_int_eq(p.ns->released, 0);
  rig_end(p.r);
}
END_TEST

START_TEST(namespace_a_joiner_does_not_take_over_a_detach)
{
  pair p = pair_new();
  rig_cmd *cmd = rig_host_detach(p.a, 1, p.a);

  ck_assert_int_eq(rig_unplug(p.ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert(rig_is_open(cmd));
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  RIG_OK(cmd); /* without waiting for b */
  ck_assert_int_eq(p.ns->released, 0);
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  ck_assert_int_eq(p.ns->released, 1);
  rig_end(p.r);
}
END_TEST

START_TEST(R15_a_delete_waits_for_drains_it_did_not_start)
{
  pair p = pair_new();
  rig_cmd *del;

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_detach(p.ns, p.b, NVMENS_ORDERLY, RIG_NEVER), 0);
  del = rig_host_delete(p.a, 1);
  ck_assert(rig_is_open(del));
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert(rig_is_open(del));
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  RIG_OK(del);
  ck_assert_int_eq(p.ns->reason, NVMENS_HOST_DELETED);
  rig_end(p.r);
}
END_TEST

START_TEST(P18_a_delete_of_an_aborting_namespace_ends_by_its_deadline)
{
  pair p = pair_new();
  rig_cmd *del;

  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_int_eq(rig_detach(p.ns, p.b, NVMENS_SURPRISE, RIG_NEVER), 0);
  del = rig_host_delete(p.a, 1); /* nothing is left to wait for but what was given up */
  rig_pass(p.r, 10 * SEC);
  RIG_OK(del);
  ck_assert_int_eq(p.ns->released, 0);
  rig_end(p.r);
}
END_TEST

START_TEST(P18_a_delete_that_joins_an_older_drain_has_a_deadline)
{
  pair p = pair_new();
  rig_cmd *detach = MORE_DETACH(p.a, 1, 0, 1), *del;

  rig_pass(p.r, 4 * SEC);
  del = rig_host_delete(p.a, 1);
  rig_pass(p.r, 6 * SEC);
  RIG_OK(detach); /* its deadline; both drains are ABORTING now */
  rig_pass(p.r, 4 * SEC);
  RIG_OK(del);
  rig_end(p.r);
}
END_TEST

START_TEST(R14_two_delete_alls_both_end)
{
  pair p = pair_new();
  rig_ns *second = more_pending(p.r, p.a, 2);
  rig_cmd *first = rig_host_delete(p.a, NVMENS_NSID_ALL);

  RIG_OK(rig_host_delete(p.b, NVMENS_NSID_ALL));
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  ck_assert(rig_is_open(first));
  ck_assert_int_eq(rig_drained(second, p.a), 0);
  RIG_OK(first);
  rig_end(p.r);
}
END_TEST

/* ---- scenarios 17, 18: other controllers ---- */

START_TEST(R51_a_detach_from_one_controller_leaves_the_other_alone)
{
  pair p = pair_new();
  nvmens_lane *a = rig_lane(p.a), *b = rig_lane(p.b);
  rig_io io = rig_io_begin(p.r, b, 1);

  RIG_OK(rig_set_aec(p.a, NVMENS_AEC_ATTACHED_NS));
  RIG_OK(rig_set_aec(p.b, NVMENS_AEC_ATTACHED_NS));
  rig_changed(p.a, RIG_LID4, RIG_CONSUME);
  rig_changed(p.b, RIG_LID4, RIG_CONSUME);
  ck_assert_int_eq(rig_detach(p.ns, p.a, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_drained(p.ns, p.a), 0);
  ck_assert_int_eq(more_att(p.ns, p.a), NVMENS_ATT_DETACHED); /* the I/O of b does not matter */
  ck_assert_uint_eq(more_begin(p.r, a, 1), DNR02);
  ck_assert_uint_eq(more_begin(p.r, b, 1), 0);
  ck_assert_str_eq(rig_changed(p.a, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_str_eq(rig_changed(p.b, RIG_LID4, RIG_CONSUME), "");
  rig_io_end(&io);
  rig_end(p.r);
}
END_TEST

START_TEST(P18_a_slow_controller_does_not_block_the_others)
{
  pair p = pair_new();

  RIG_OK(rig_set_aec(p.b, NVMENS_AEC_ATTACHED_NS));
  rig_changed(p.b, RIG_LID4, RIG_CONSUME);
  ck_assert_int_eq(rig_unplug(p.ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_drained(p.ns, p.b), 0);
  ck_assert_int_eq(p.ns->on[p.b->id], 0); /* detached there */
  ck_assert_uint_eq(rig_event_now(p.b), RIG_EV4);
  ck_assert_str_eq(rig_changed(p.b, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_int_eq(p.ns->released, 0);
  rig_end(p.r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      R51_a_hosts_detach_completes_after_the_drain,
      R20_a_detach_of_two_waits_for_both,
      C17_a_hosts_detach_completes_at_its_deadline,
      R51_the_detach_is_published_before_it_completes,
      R51_new_io_is_barred_while_a_detach_waits,
      R35_after_a_reset_the_detach_is_dropped_and_the_drain_goes_on,
      R35_after_a_reset_the_delete_is_dropped_and_goes_on,
      P18_a_drain_whose_command_was_dropped_still_has_its_deadline,
      R35_the_reset_of_another_controller_drops_nothing,
      R37_a_drain_ends_after_a_shutdown,
      R37_a_hosts_detach_ends_once_in_spite_of_a_shutdown,
      attachment_controller_goes_while_attached,
      attachment_controller_goes_while_draining,
      attachment_controller_goes_while_aborting,
      R35_the_end_of_a_controller_drops_its_commands,
      P18_a_detach_from_a_controller_that_goes_completes,
      R15_a_delete_waits_for_a_controller_that_goes,
      attachment_a_second_detach_of_the_host_fails,
      attachment_a_hosts_detach_of_aborting_fails,
      attachment_the_backends_detach_of_a_hosts_drain_is_busy,
      attachment_abort_settles_the_owner,
      namespace_surprise_settles_a_delete,
      namespace_a_joiner_does_not_take_over_a_detach,
      R15_a_delete_waits_for_drains_it_did_not_start,
      P18_a_delete_of_an_aborting_namespace_ends_by_its_deadline,
      P18_a_delete_that_joins_an_older_drain_has_a_deadline,
      R14_two_delete_alls_both_end,
      R51_a_detach_from_one_controller_leaves_the_other_alone,
      P18_a_slow_controller_does_not_block_the_others,
  };

  return MORE_RUN("drain_owner", tests);
}
