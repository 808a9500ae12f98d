/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_newcomers.c: a host that reconnects may have kept the disks of the controller that went
 * (R66, R67 a; H2); and hosts of which nothing is known (strangers).
 */
#include "disks.h"

/* A path of host 1 that has seen A under NSID 1 has gone, and B is there. */
static rig *away(rig_ns **b)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  rig_ctrl_del(c);
  ck_assert_int_eq(c->released, 1);
  rig_poll(r);
  *b = disks_swap(r, 1, 'B');
  return r;
}

START_TEST(R66_a_newcomer_waits_for_what_its_host_may_have)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n = disks_down(r, 1);
  nvmens_lane *lane = rig_lane(n);

  WANTED(b, n, HOST);
  rig_log_clear(r);
  disks_listen(n);
  WANTED(b, n, HOST);
  IDS(n, "");
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  HEARS(n, "1"); /* R65 */
  WANTED(b, n, HOST);
  HEARS(n, "1");
  ATTACHED(b, n);
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 1);
  IDS(n, "1");
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  SILENT(n);
  rig_end(r);
}
END_TEST

START_TEST(R66_a_newcomer_gets_at_once_what_its_host_has)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n;

  disks_take(r, 1);
  b = disks_put(r, 1, 'A');
  n = disks_down(r, 1);
  ATTACHED(b, n);
  disks_listen(n);
  IDS(n, "1");
  SILENT(n);
  rig_end(r);
}
END_TEST

/* _i: another host; an unknown one; the same, by PCI Express. */
START_TEST(R66_who_is_no_newcomer_waits_for_nothing)
{
  static const nvmens_ctrl_config config[] = {
      {.hostid = {2}}, {.pci = 0}, {.hostid = {1}, .pci = 1}};
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n = rig_ctrl_new(r, &config[_i]);

  ATTACHED(b, n);
  disks_listen(n);
  IDS(n, "1");
  SILENT(n);
  rig_end(r);
}
END_TEST

/* _i: by PCI Express, or of an unknown host: the disks go with the controller. */
START_TEST(R67_some_disks_go_with_the_controller)
{
  const nvmens_ctrl_config config = {.hostid = {_i ? 0 : 1}, .pci = _i ? 0 : 1};
  rig *r = disks_rig(NULL);
  rig_ctrl *c = rig_ctrl_new(r, &config);
  rig_ns *b;

  disks_listen(c);
  disks_put(r, 1, 'A');
  HEARS(c, "1");
  rig_ctrl_del(c);
  b = disks_swap(r, 1, 'B');
  ATTACHED(b, rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {config.hostid[0]}}));
  rig_end(r);
}
END_TEST

START_TEST(R67_what_was_not_seen_is_not_remembered)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  rig_ctrl_del(c);
  b = disks_swap(r, 1, 'B');
  ATTACHED(b, disks_path(r, 1));
  rig_end(r);
}
END_TEST

START_TEST(R67_what_was_owed_is_remembered)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  disks_take(r, 1);
  HEARS(c, "1");
  if (_i) {
    disks_put(r, 2, 'X');
    HEARS(c, "2"); /* it has let go */
  }
  rig_ctrl_del(c);
  b = disks_put(r, 1, 'B');
  c = disks_path(r, 1);
  if (_i) {
    ATTACHED(b, c);
  } else {
    WANTED(b, c, HOST);
    HEARS(c, "1"); /* the scans of the path that went do not count */
    WANTED(b, c, HOST);
    HEARS(c, "1");
    ATTACHED(b, c);
  }
  rig_end(r);
}
END_TEST

/* What is removed by surprise and drains while its controller goes was seen too. */
START_TEST(R67_a_disk_is_remembered_when_its_commands_come_back_late)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_io io;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  io = rig_io_begin(r, rig_lane(c), 1);
  rig_ctrl_del(c);
  disks_take(r, 1);
  rig_io_end_remote(&io);
  rig_rest(r);
  ck_assert_int_eq(c->released, 1);
  disks_put(r, 1, 'B');
  WANTED(rig_find(r, 1), disks_path(r, 1), HOST);
  rig_end(r);
}
END_TEST

START_TEST(R66_a_newcomer_without_events_is_fenced)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n = disks_down(r, 1);
  nvmens_lane *lane = rig_lane(n);

  rig_enable(n);
  FENCED(b, n);
  IDS(n, "1");
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  ck_assert_int_eq(disks_who(n, 1), 'B');
  ATTACHED(b, n);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

/* It has let go of this NSID, not of another. */
START_TEST(R66_a_look_at_one_nsid_is_not_one_at_another)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b, *y;

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'X');
  disks_settle(c);
  rig_ctrl_del(c);
  b = disks_swap(r, 1, 'B');
  y = disks_swap(r, 2, 'Y');
  c = disks_down(r, 1);
  rig_enable(c);
  ck_assert_int_eq(disks_who(c, 1), 'B');
  ATTACHED(b, c);
  FENCED(y, c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ATTACHED(b, c);
  WANTED(y, c, HOST);
  IDS(c, "1");
  HEARS(c, "1 2");
  HEARS(c, "2");
  ATTACHED(y, c);
  rig_end(r);
}
END_TEST

START_TEST(R66_a_reset_begins_anew)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n = disks_path(r, 1);

  HEARS(n, "1");
  rig_reset(n);
  disks_listen(n);
  HEARS(n, "1");
  WANTED(b, n, HOST);
  HEARS(n, "1");
  ATTACHED(b, n);
  rig_end(r);
}
END_TEST

START_TEST(R66_a_newcomer_lets_go_of_everything)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'X');
  disks_settle(c);
  rig_ctrl_del(c);
  b = disks_swap(r, 1, 'B');
  disks_take(r, 2);
  c = disks_path(r, 1);
  HEARS(c, "1 2"); /* what it may have is listed (R65) */
  HEARS(c, "1");
  ATTACHED(b, c);
  ATTACHED(disks_put(r, 2, 'Y'), c);
  HEARS(c, "2");
  SILENT(c);
  rig_end(r);
}
END_TEST

/* Nothing waits when it comes; it counts from its first READY, and what comes later profits. */
START_TEST(R66_scans_count_before_anything_waits)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n;

  disks_take(r, 1);
  n = disks_path(r, 1);
  disks_put(r, 2, 'X');
  HEARS(n, "1 2"); /* what it may have is listed (R65) */
  WANTED(disks_put(r, 1, 'B'), n, HOST);
  HEARS(n, "1");
  ATTACHED(rig_find(r, 1), n);
  rig_end(r);
}
END_TEST

START_TEST(R67_a_disk_is_forgotten_in_time)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n;

  ck_assert_uint_eq(more_next(r), r->now + MEMORY_NS);
  if (_i == 0) {
    rig_pass(r, MEMORY_NS - 1);
    n = disks_path(r, 1);
    WANTED(b, n, HOST);
  } else {
    rig_pass(r, MEMORY_NS);
    ck_assert_uint_eq(more_next(r), RIG_NEVER);
    n = disks_path(r, 1);
    ATTACHED(b, n);
    IDS(n, "1");
    SILENT(n); /* nor is it a stranger */
  }
  rig_end(r);
}
END_TEST

START_TEST(R67_a_disk_is_not_forgotten_while_a_newcomer_owes)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n = disks_path(r, 1);

  HEARS(n, "1");
  rig_pass(r, 3 * MEMORY_NS);
  WANTED(b, n, HOST);
  HEARS(n, "1");
  ATTACHED(b, n);
  SILENT(n);
  rig_end(r);
}
END_TEST

/* Its time is over, and then another newcomer is there: a poll has nothing to do. */
START_TEST(R67_what_is_over_waits_for_the_next_newcomer_too)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n = disks_path(r, 1), *m;

  HEARS(n, "1");
  rig_pass(r, MEMORY_NS);
  HEARS(n, "1");
  ATTACHED(b, n);
  ck_assert_uint_le(more_next(r), r->now); /* to forget it */
  m = disks_down(r, 1);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  WANTED(b, m, HOST);
  rig_ctrl_del(m);
  ck_assert_uint_le(more_next(r), r->now);
  rig_end(r);
}
END_TEST

/* n owes when it goes: what was remembered before it came may be where n was. */
START_TEST(R67_a_newcomer_that_goes_begins_the_time_anew)
{
  rig_ns *b;
  rig *r = away(&b);
  rig_ctrl *n;

  rig_pass(r, MEMORY_NS / 2);
  n = disks_path(r, 1);
  WANTED(b, n, HOST);
  rig_ctrl_del(n);
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), r->now + MEMORY_NS);
  rig_pass(r, MEMORY_NS - 1);
  WANTED(b, disks_path(r, 1), HOST);
  rig_end(r);
}
END_TEST

START_TEST(R67_the_memory_is_of_the_configuration)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.host_memory_ns = 55});
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  rig_ctrl_del(c);
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), r->now + 55);
  disks_swap(r, 1, 'B');
  rig_pass(r, 55);
  ATTACHED(rig_find(r, 1), disks_path(r, 1));
  rig_end(r);
}
END_TEST

/* Gone, back with another, gone: both may be there. */
START_TEST(R66_two_disks_of_one_nsid_are_remembered)
{
  rig_ns *ns;
  rig *r = away(&ns);
  rig_ctrl *n = disks_path(r, 1);

  HEARS(n, "1");
  HEARS(n, "1"); /* B */
  rig_ctrl_del(n);
  if (_i)
    ns = disks_swap(r, 1, 'A');
  n = disks_path(r, 1);
  WANTED(ns, n, HOST);
  HEARS(n, "1");
  HEARS(n, "1");
  ATTACHED(ns, n);
  rig_end(r);
}
END_TEST

/* R62 d: p owes nothing, but Linux would refuse B there while the newcomer has A: H3. */
START_TEST(R62_a_path_that_stayed_waits_for_a_newcomer_that_answers)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1), *p = disks_settled(r, 1), *n;
  rig_ns *b;

  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'A'), c), 0);
  HEARS(c, "1");
  rig_ctrl_del(c);
  disks_take(r, 1);
  SILENT(p);
  n = disks_path(r, 1);
  b = disks_put(r, 1, 'B');
  WANTED(b, n, HOST);
  WANTED(b, p, HOST);
  HEARS(n, "1");
  WANTED(b, p, HOST);
  if (_i) {
    ck_assert_uint_le(more_next(r), r->now);
    rig_poll(r);
    rig_pass(r, WAIT_NS); /* it is silent: H4 */
    ATTACHED(b, p);
    WANTED(b, n, HOST);
  }
  HEARS(n, "1");
  ATTACHED(b, n);
  ATTACHED(b, p);
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("newcomers");
  TCase *t = tcase_create("newcomers");

  tcase_add_test(t, R66_a_newcomer_waits_for_what_its_host_may_have);
  tcase_add_test(t, R66_a_newcomer_gets_at_once_what_its_host_has);
  tcase_add_loop_test(t, R66_who_is_no_newcomer_waits_for_nothing, 0, 3);
  tcase_add_loop_test(t, R67_some_disks_go_with_the_controller, 0, 2);
  tcase_add_test(t, R67_what_was_not_seen_is_not_remembered);
  tcase_add_loop_test(t, R67_what_was_owed_is_remembered, 0, 2);
  tcase_add_test(t, R67_a_disk_is_remembered_when_its_commands_come_back_late);
  tcase_add_test(t, R66_a_newcomer_without_events_is_fenced);
  tcase_add_test(t, R66_a_look_at_one_nsid_is_not_one_at_another);
  tcase_add_test(t, R66_a_reset_begins_anew);
  tcase_add_test(t, R66_a_newcomer_lets_go_of_everything);
  tcase_add_test(t, R66_scans_count_before_anything_waits);
  tcase_add_loop_test(t, R67_a_disk_is_forgotten_in_time, 0, 2);
  tcase_add_test(t, R67_a_disk_is_not_forgotten_while_a_newcomer_owes);
  tcase_add_test(t, R67_what_is_over_waits_for_the_next_newcomer_too);
  tcase_add_test(t, R67_a_newcomer_that_goes_begins_the_time_anew);
  tcase_add_test(t, R67_the_memory_is_of_the_configuration);
  tcase_add_loop_test(t, R66_two_disks_of_one_nsid_are_remembered, 0, 2);
  tcase_add_loop_test(t, R62_a_path_that_stayed_waits_for_a_newcomer_that_answers, 0, 2);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
