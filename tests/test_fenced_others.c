/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_fenced_others.c: what is FENCED on one path, and the other controllers (R40, R62, R64).
 */
#include "disks.h"

/* q asks for events, p does not. p waits for q as well, so it is not shown before q has let go. */
START_TEST(R64_what_waits_for_another_path_too_is_not_shown)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_deaf(r, 1), *q = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(q, "1");
  b = disks_swap(r, 1, 'B');
  WANTED(b, p, HOST);
  WANTED(b, q, HOST);
  HEARS(q, "1");
  WANTED(b, p, HOST);
  HEARS(q, "1");
  ATTACHED(b, q); /* p does not answer: it is not waited for */
  FENCED(b, p);
  SILENT(q);
  ck_assert_int_eq(disks_who(p, 1), 'B');
  ATTACHED(b, p);
  HEARS(q, "1"); /* R65: p has let go */
  SILENT(q);
  rig_end(r);
}
END_TEST

START_TEST(R64_a_private_one_that_is_fenced_elsewhere_is_refused)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_deaf(r, 1), *q = disks_deaf(r, 2);
  rig_ns *b;

  disks_private(r, 1, 'A');
  disks_take(r, 1);
  b = disks_private(r, 1, 'B');
  FENCED(b, p);
  ck_assert_int_eq(rig_attach(b, q), NVMENS_ERR_PRIVATE);
  RIG_FAILS(rig_host_attach(q, 1, q), RIG_DNR(NVMENS_SC_NS_IS_PRIVATE));
  rig_end(r);
}
END_TEST

/* q will wait too, but as p has it (R57), not for what it may have itself (R62 d). */
START_TEST(R62_what_is_fenced_is_in_the_way_of_a_newcomer)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *x = disks_path(r, 1), *p, *q;
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(x, "1");
  rig_ctrl_del(x);
  disks_take(r, 1);
  disks_down(r, 1);
  p = disks_deaf(r, 1);
  q = disks_path(r, 1);
  b = disks_loose_private(r, 1, 'B');
  ck_assert_int_eq(rig_attach(b, p), 0);
  FENCED(b, p);
  ck_assert_int_eq(rig_plug(b), 0);
  WANTED(b, q, DRAIN);
  FENCED(b, p);
  rig_end(r);
}
END_TEST

/* It ends here as an attachment does: who deletes is told nothing (R40), and finds it (R41). */
START_TEST(R40_who_deletes_what_is_fenced_elsewhere_is_not_told)
{
  rig_ctrl *c, *other;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);

  other = disks_down(r, 2);
  rig_enable(other);
  RIG_OK(rig_set_aec(other, RIG_BIT1C));
  RIG_OK(rig_host_delete(other, 1));
  SILENT(other);
  ck_assert_str_eq(rig_changed(other, RIG_LID1C, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

/* Another path is silent, and its read lets go: nothing was in the way in between. */
START_TEST(R64_a_read_that_ends_silence_and_lets_go_hides_nothing)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_deaf(r, 1), *q = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(q, "1");
  disks_take(r, 1);
  HEARS(q, "1");
  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'B'), p), 0); /* nothing comes to q */
  ck_assert_uint_eq(rig_heard(q), RIG_EV4);
  WANTED(rig_find(r, 1), p, HOST);
  rig_poll(r);
  rig_pass(r, WAIT_NS);
  FENCED(rig_find(r, 1), p);
  rig_changed(q, RIG_LID1C, RIG_CONSUME);
  ck_assert_str_eq(disks_log(q), "1");
  FENCED(rig_find(r, 1), p);
  ck_assert_str_eq(rig_changed(q, RIG_LID1C, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

/* n asks for events now: it waits for both, though the one is hidden before the other. */
START_TEST(R62_a_place_that_hiding_frees_does_not_overtake_a_newcomer)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = 2});
  rig_ctrl *x = disks_path(r, 1), *n, *p;
  rig_ns *b, *d;

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'C');
  disks_settle(x);
  rig_ctrl_del(x);
  disks_take(r, 1);
  disks_take(r, 2);
  n = rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = 5, .cntlid_given = 1, .hostid = {1}});
  rig_enable(n);
  b = disks_put(r, 1, 'B');
  d = disks_put(r, 2, 'D');
  FENCED(b, n);
  FENCED(d, n);
  p = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .pci = 1}); /* owes nothing */
  WANTED(b, p, LIMIT);
  RIG_OK(rig_set_aec(n, RIG_BIT4));
  WANTED(b, n, HOST);
  WANTED(d, n, HOST);
  WANTED(b, p, HOST);
  WANTED(d, p, HOST);
  rig_end(r);
}
END_TEST

/* C22, C23: while q was away its host kept A there, and refused B by p. */
START_TEST(H2_the_path_that_was_refused_is_told_when_a_newcomer_has_looked)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_deaf(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  rig_ctrl_del(q);
  b = disks_swap(r, 1, 'B');
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  SILENT(p);
  q = disks_deaf(r, 1);
  FENCED(b, q);
  SILENT(p);
  ck_assert_int_eq(disks_who(q, 1), 'B');
  ATTACHED(b, q);
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

/* What is hidden again gives its place to the next. */
START_TEST(R57_hiding_lets_in_the_next)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = 1});
  rig_ctrl *c = disks_deaf(r, 1), *other;
  rig_ns *b;

  disks_put(r, 1, 'A');
  b = disks_swap(r, 1, 'B');
  FENCED(b, c);
  other = disks_path(r, 2);
  WANTED(b, other, LIMIT);
  rig_reset(c);
  ATTACHED(b, other);
  WANTED(b, c, HOST);
  rig_end(r);
}
END_TEST

/* p, a newcomer, may have A, and refuse it for the B that q shows. */
START_TEST(R65_a_newcomer_is_told_of_what_is_shown_elsewhere)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_deaf(r, 1);

  disks_put(r, 1, 'A');
  HEARS(p, "1");
  rig_ctrl_del(p);
  disks_take(r, 1);
  p = disks_deaf(r, 1);
  ck_assert_str_eq(disks_log(p), "1");
  ck_assert_str_eq(disks_log(p), "");
  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'B'), q), 0);
  FENCED(rig_find(r, 1), q);
  ck_assert_str_eq(disks_log(p), "1");
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("fenced others");
  TCase *t = tcase_create("fenced others");

  tcase_add_test(t, R64_what_waits_for_another_path_too_is_not_shown);
  tcase_add_test(t, R64_a_private_one_that_is_fenced_elsewhere_is_refused);
  tcase_add_test(t, R62_what_is_fenced_is_in_the_way_of_a_newcomer);
  tcase_add_test(t, R40_who_deletes_what_is_fenced_elsewhere_is_not_told);
  tcase_add_test(t, R64_a_read_that_ends_silence_and_lets_go_hides_nothing);
  tcase_add_test(t, R62_a_place_that_hiding_frees_does_not_overtake_a_newcomer);
  tcase_add_test(t, H2_the_path_that_was_refused_is_told_when_a_newcomer_has_looked);
  tcase_add_test(t, R57_hiding_lets_in_the_next);
  tcase_add_test(t, R65_a_newcomer_is_told_of_what_is_shown_elsewhere);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
