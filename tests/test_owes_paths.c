/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_owes_paths.c: several paths of one host: what one of them may still have is in the way of
 * the others (R62 b, R65; H1 to H4). Other hosts do not wait. Private ones: test_owes_private.c.
 */
#include "disks.h"

/* Two listening paths of these hosts that have seen A under NSID 1. */
static rig *two(const nvmens_subsys_config *config, uint8_t host_p, uint8_t host_q, rig_ctrl **p,
                rig_ctrl **q)
{
  rig *r = disks_rig(config);

  *p = disks_path(r, host_p);
  *q = disks_path(r, host_q);
  disks_put(r, 1, 'A');
  HEARS(*p, "1");
  HEARS(*q, "1");
  SILENT(*p);
  SILENT(*q);
  return r;
}

START_TEST(R62_a_path_waits_for_another_path_of_its_host)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 1, 1, &p, &q);
  rig_ns *b = disks_swap(r, 1, 'B');

  WANTED(b, p, HOST);
  WANTED(b, q, HOST);
  HEARS(p, "1");
  HEARS(p, "1");
  WANTED(b, p, HOST); /* p has let go; q has not */
  IDS(p, "");
  SILENT(p);
  HEARS(q, "1");
  WANTED(b, p, HOST);
  SILENT(p);
  ck_assert_uint_eq(rig_heard(q), RIG_EV4);
  rig_log_clear(r);
  ck_assert_str_eq(disks_log(q), "1");
  ck_assert_str_eq(rig_log(r), "attached n2 c0; attached n2 c1; complete c1");
  ATTACHED(b, p);
  ATTACHED(b, q);
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

START_TEST(R62_another_host_is_not_waited_for)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 1, _i ? 0 : 2, &p, &q);
  rig_ns *b = disks_swap(r, 1, 'B');

  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  WANTED(b, q, HOST);
  SILENT(p);
  HEARS(q, "1");
  HEARS(q, "1");
  ATTACHED(b, q);
  SILENT(p); /* nor is it told */
  rig_end(r);
}
END_TEST

START_TEST(R62_controllers_of_unknown_hosts_are_hosts_of_their_own)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 0, 0, &p, &q);
  rig_ns *b = disks_swap(r, 1, 'B');

  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  WANTED(b, q, HOST);
  rig_end(r);
}
END_TEST

START_TEST(R62_a_path_that_never_had_it_waits_for_one_that_had)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *b;

  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'A'), q), 0);
  HEARS(q, "1");
  disks_take(r, 1);
  b = disks_put(r, 1, 'B');
  WANTED(b, p, HOST);
  SILENT(p); /* it owes nothing itself */
  HEARS(q, "1");
  HEARS(q, "1");
  ATTACHED(b, p);
  ATTACHED(b, q);
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

/* ---- who does not answer is not waited for (R63) ---- */

static void stop(rig_ctrl *q, int how)
{
  if (how == 0)
    rig_reset(q);
  else if (how == 1)
    rig_shutdown(q);
  else if (how == 2)
    RIG_OK(rig_set_aec(q, 0));
  else
    rig_ctrl_del(q);
}

START_TEST(R63_a_path_that_does_not_answer_is_not_waited_for)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 1, 1, &p, &q);
  rig_ns *b;

  stop(q, _i);
  b = disks_swap(r, 1, 'B');
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  if (_i < 2)
    WANTED(b, q, HOST);
  else if (_i == 2)
    FENCED(b, q);
  rig_end(r);
}
END_TEST

START_TEST(R63_what_waits_for_a_path_that_stops_to_answer_is_attached_in_that_call)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 1, 1, &p, &q);
  rig_ns *b = disks_swap(r, 1, 'B');

  HEARS(p, "1");
  HEARS(p, "1");
  WANTED(b, p, HOST);
  rig_log_clear(r);
  stop(q, _i);
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 1);
  ATTACHED(b, p);
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

/* H3: it was not waited for, and has A still; what p has refused meanwhile p is told again. */
START_TEST(R65_the_other_paths_are_told_when_a_path_lets_go)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 1, 1, &p, &q);
  rig_ns *b;

  rig_reset(q);
  b = disks_swap(r, 1, 'B');
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  SILENT(p);
  rig_enable(q);
  FENCED(b, q);
  RIG_OK(rig_set_aec(q, RIG_BIT4));
  WANTED(b, q, HOST);
  HEARS(q, "1");
  SILENT(p);
  HEARS(q, "1");
  ATTACHED(b, q);
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

START_TEST(R65_who_has_the_same_is_not_told)
{
  rig_ctrl *p, *q;
  rig *r = two(NULL, 1, 1, &p, &q);

  ck_assert_int_eq(rig_detach(rig_find(r, 1), q, NVMENS_ORDERLY, RIG_NEVER), 0);
  disks_put(r, 2, 'X');
  HEARS(p, "2");
  HEARS(q, "1 2");
  disks_put(r, 3, 'Y');
  HEARS(q, "3"); /* it lets go of A, which p has too */
  HEARS(p, "3");
  SILENT(p);
  rig_end(r);
}
END_TEST

START_TEST(R65_another_host_is_not_told)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 2);
  rig_ns *a = disks_loose(r, 1, 'A');

  ck_assert_int_eq(rig_attach(a, q), 0);
  HEARS(q, "1");
  disks_take(r, 1);
  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'B'), p), 0);
  HEARS(p, "1");
  HEARS(q, "1");
  disks_put(r, 2, 'X');
  HEARS(q, "2");
  HEARS(p, "2");
  SILENT(p);
  rig_end(r);
}
END_TEST

/* q was not waited for, as it was down, and keeps A. Nothing waits for q when it is up again, but
 * what p has was refused there, until q has dropped A: q has to be told. */
START_TEST(H2_a_path_that_owes_is_told_while_another_has_what_it_is_in_the_way_of)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  nvmens_ns_config config = disks_config(1, 'A');

  config.auto_attach = 0;
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), q), 0);
  HEARS(q, "1");
  if (_i)
    rig_ctrl_del(q);
  else
    rig_reset(q);
  disks_take(r, 1);
  memset(config.ident.uuid, 'B', 16);
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), p), 0);
  ATTACHED(rig_find(r, 1), p);
  HEARS(p, "1"); /* refused: the host has A by q */
  SILENT(p);
  if (_i)
    q = disks_path(r, 1);
  else
    disks_listen(q);
  HEARS(q, "1");
  SILENT(p);
  HEARS(q, "1"); /* it lets go */
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

START_TEST(R65_a_pci_path_that_goes_is_gone_for_good)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .pci = 1});
  rig_ctrl *c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .pci = 1});

  disks_listen(p);
  disks_listen(c);
  disks_put(r, 1, 'A');
  HEARS(p, "1");
  HEARS(c, "1");
  rig_reset(c);
  disks_swap(r, 1, 'B');
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(rig_find(r, 1), p);
  SILENT(p);
  rig_ctrl_del(c); /* with A, for which nobody waited */
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

/* ---- in the midst ---- */

START_TEST(R61_a_reset_of_one_path_is_no_reset_of_another)
{
  rig_ctrl *p, *q;
  rig *r = two(&(nvmens_subsys_config){.aec_default = RIG_BIT4}, 1, 1, &p, &q);
  rig_ns *b = disks_swap(r, 1, 'B');

  HEARS(p, "1");
  HEARS(q, "1");
  rig_reenable(q);
  HEARS(p, "1"); /* p's second; while q was down b waited for p */
  WANTED(b, p, HOST);
  HEARS(q, "1");
  WANTED(b, q, HOST);
  HEARS(q, "1");
  ATTACHED(b, p);
  ATTACHED(b, q);
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

START_TEST(R62_a_path_that_is_made_while_another_owes_waits_for_it)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_settled(r, 1), *q;
  rig_ns *b;

  disks_put(r, 1, 'A');
  disks_settle(p);
  b = disks_swap(r, 1, 'B');
  q = disks_path(r, 1);
  WANTED(b, q, HOST);
  SILENT(q);
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, p);
  ATTACHED(b, q);
  HEARS(q, "1");
  SILENT(q);
  rig_end(r);
}
END_TEST

/* Three paths, as different as they can be: with A, without, and with A but away. */
START_TEST(R62_three_paths_each_for_its_reason)
{
  rig_ctrl *p, *q, *o;
  rig *r = two(NULL, 1, 1, &p, &q);
  rig_ns *b;

  o = disks_settled(r, 1);
  ck_assert_int_eq(rig_detach(rig_find(r, 1), o, NVMENS_ORDERLY, RIG_NEVER), 0);
  disks_put(r, 2, 'X');
  HEARS(o, "1 2");
  disks_put(r, 3, 'Y');
  HEARS(o, "3"); /* o has let go of A */
  disks_settle(p);
  disks_settle(q);
  rig_reset(q);
  b = disks_swap(r, 1, 'B');
  WANTED(b, o, HOST);
  HEARS(p, "1");
  HEARS(p, "1");
  ATTACHED(b, o);
  ATTACHED(b, p);
  WANTED(b, q, HOST);
  HEARS(o, "1");
  SILENT(o);
  disks_listen(q);
  HEARS(q, "1");
  SILENT(o);
  HEARS(q, "1");
  ATTACHED(b, q);
  HEARS(p, "1");
  HEARS(o, "1");
  rig_end(r);
}
END_TEST

/* Principle 5: whoever was made first, and whoever ends the wait. */
START_TEST(R57_the_attachments_that_follow_come_in_the_order_of_CNTLIDs)
{
  static const uint16_t made[] = {7, 1, 9};
  rig *r = disks_rig(NULL);
  rig_ctrl *c[3];
  int i;

  for (i = 0; i < 3; i++) {
    c[i] =
        rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = made[i], .cntlid_given = 1, .hostid = {1}});
    disks_listen(c[i]);
  }
  disks_put(r, 1, 'A');
  for (i = 0; i < 3; i++)
    HEARS(c[i], "1");
  disks_swap(r, 1, 'B');
  for (i = 0; i < 3; i++)
    HEARS(c[i], "1");
  for (i = 0; i < 3; i++)
    if (i != _i)
      HEARS(c[i], "1");
  ck_assert_uint_eq(rig_heard(c[_i]), RIG_EV4);
  for (i = 0; i < 3; i++)
    if (i != _i)
      rig_aer(c[i]);
  rig_log_clear(r);
  r->log_mask = RIG_BIT(RIG_ATTACHED);
  ck_assert_str_eq(disks_log(c[_i]), "1");
  ck_assert_str_eq(rig_log(r), "attached n2 c1; attached n2 c0; attached n2 c2");
  rig_end(r);
}
END_TEST

START_TEST(R62_many_hosts_do_not_wait_for_one_another)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c[20];
  rig_ns *b;
  uint8_t i;

  for (i = 0; i < 20; i++)
    c[i] = disks_path(r, (uint8_t)(1 + i / 2));
  disks_put(r, 1, 'A');
  for (i = 0; i < 20; i++)
    HEARS(c[i], "1");
  b = disks_swap(r, 1, 'B');
  for (i = 0; i < 20; i++) {
    WANTED(b, c[i], HOST);
    HEARS(c[i], "1");
    HEARS(c[i], "1");
    if (i % 2) {
      ATTACHED(b, c[i - 1]);
      ATTACHED(b, c[i]);
    } else {
      WANTED(b, c[i], HOST);
    }
    ck_assert_uint_eq(more_ns(b).attached, (i + 1u) / 2 * 2);
  }
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("owes_paths");
  TCase *t = tcase_create("owes_paths");

  tcase_add_test(t, R62_a_path_waits_for_another_path_of_its_host);
  tcase_add_loop_test(t, R62_another_host_is_not_waited_for, 0, 2);
  tcase_add_test(t, R62_controllers_of_unknown_hosts_are_hosts_of_their_own);
  tcase_add_test(t, R62_a_path_that_never_had_it_waits_for_one_that_had);
  tcase_add_loop_test(t, R63_a_path_that_does_not_answer_is_not_waited_for, 0, 4);
  tcase_add_loop_test(t, R63_what_waits_for_a_path_that_stops_to_answer_is_attached_in_that_call, 0,
                      4);
  tcase_add_test(t, R65_the_other_paths_are_told_when_a_path_lets_go);
  tcase_add_test(t, R65_who_has_the_same_is_not_told);
  tcase_add_test(t, R65_a_pci_path_that_goes_is_gone_for_good);
  tcase_add_test(t, R65_another_host_is_not_told);
  tcase_add_loop_test(t, H2_a_path_that_owes_is_told_while_another_has_what_it_is_in_the_way_of, 0,
                      2);
  tcase_add_test(t, R61_a_reset_of_one_path_is_no_reset_of_another);
  tcase_add_test(t, R62_a_path_that_is_made_while_another_owes_waits_for_it);
  tcase_add_test(t, R62_three_paths_each_for_its_reason);
  tcase_add_loop_test(t, R57_the_attachments_that_follow_come_in_the_order_of_CNTLIDs, 0, 3);
  tcase_add_test(t, R62_many_hosts_do_not_wait_for_one_another);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
