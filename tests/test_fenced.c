/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_fenced.c: a host that asks for no events is shown the new namespace at once, and is barred
 * from it until it has looked who it is (R64; H1, H4).
 */
#include "disks.h"

START_TEST(R64_without_events_it_is_visible_and_barred)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);
  rig_ns *b = rig_find(r, 1);
  uint8_t page[NVMENS_PAGE];

  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; released n1");
  FENCED(b, c);
  ck_assert_int_eq(rig_att(b, c).open, 0);
  ck_assert_uint_eq(rig_info(c).fenced, 1);
  ck_assert_uint_eq(rig_info(c).attached + rig_info(c).wanted, 0);
  ck_assert_uint_eq(more_ns(b).fenced, 1);
  IDS(c, "1");
  ck_assert_str_eq(
      rig_list_text(r, (RIG_OK(rig_identify(c, NVMENS_CNS_CSI_ACTIVE_NS_LIST, 0, page)), page)),
      "1");
  ck_assert_str_eq(more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "1: 0");
  RIG_OK(rig_identify(c, NVMENS_CNS_NS_INDEPENDENT, 1, page));
  ck_assert_uint_eq(page[14] & NVMENS_NSTAT_NRDY, NVMENS_NSTAT_NRDY);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  FENCED(b, c);
  rig_log_clear(r);
  ck_assert_int_eq(disks_who(c, 1), 'B'); /* it looks */
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 1);
  ATTACHED(b, c);
  ck_assert_int_eq(rig_att(b, c).open, 1);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

START_TEST(R64_a_look_that_failed_does_not_open)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);
  uint8_t page[NVMENS_PAGE];

  r->fail_transfer = 1;
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page), r->transfer_sf);
  FENCED(rig_find(r, 1), c);
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  ck_assert_int_eq(disks_who(c, 1), 'B');
  ATTACHED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

/* A host that does not know CNS 03h looks by CNS 00h. */
START_TEST(R64_cns_00h_opens_where_no_cns_03h_was_sent)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);
  uint8_t page[NVMENS_PAGE];

  if (_i == 1)
    disks_who(c, 2); /* of any NSID, active or not: it knows CNS 03h */
  if (_i == 2) {
    disks_who(c, 2);
    rig_reenable(c); /* another driver, perhaps */
  }
  FENCED(rig_find(r, 1), c);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, page));
  if (_i == 1) {
    FENCED(rig_find(r, 1), c);
    ck_assert_int_eq(disks_who(c, 1), 'B');
  }
  ATTACHED(rig_find(r, 1), c);
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  rig_end(r);
}
END_TEST

START_TEST(R64_nothing_else_opens)
{
  static const uint8_t cns[] = {NVMENS_CNS_ACTIVE_NS_LIST,     NVMENS_CNS_CSI_NS,
                                NVMENS_CNS_CSI_ACTIVE_NS_LIST, NVMENS_CNS_NS_INDEPENDENT,
                                NVMENS_CNS_ALLOCATED_NS,       NVMENS_CNS_ALLOCATED_NS_LIST,
                                NVMENS_CNS_CSI_ALLOCATED_NS};
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);
  uint8_t page[NVMENS_PAGE];
  unsigned i;

  for (i = 0; i < sizeof(cns); i++) {
    rig_identify(c, cns[i], 1, page);
    FENCED(rig_find(r, 1), c);
  }
  disks_log(c);
  FENCED(rig_find(r, 1), c);
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, NVMENS_NSID_ALL, page));
  FENCED(rig_find(r, 1), c);
  rig_pass(r, 1000 * WAIT_NS);
  FENCED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

START_TEST(R64_it_is_in_the_logs_as_an_attach_is)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_deaf(r, 1), *d = disks_down(r, 2);

  rig_enable(d);
  RIG_OK(rig_set_aec(d, RIG_BIT1C));
  disks_put(r, 1, 'A');
  ck_assert_int_eq(rig_detach(rig_find(r, 1), c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_detach(rig_find(r, 1), d, NVMENS_ORDERLY, RIG_NEVER), 0);
  disks_take(r, 1);
  disks_loose(r, 1, 'B');
  disks_log(c);
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C);
  rig_changed(d, RIG_LID1C, RIG_CONSUME);
  ck_assert_int_eq(rig_attach(rig_find(r, 1), c), 0);
  FENCED(rig_find(r, 1), c);
  ck_assert_str_eq(disks_log(c), "1");
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C);
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "1");
  ck_assert_int_eq(disks_who(c, 1), 'B');
  ATTACHED(rig_find(r, 1), c);
  ck_assert_str_eq(disks_log(c), ""); /* opening is no change */
  SILENT(d);
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R64_events_that_are_asked_for_hide_it_again)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);
  rig_ns *b = rig_find(r, 1);

  rig_log_clear(r);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED) + rig_count(r, RIG_DETACHED), 0);
  WANTED(b, c, HOST);
  IDS(c, "");
  ck_assert_int_eq(disks_who(c, 1), 0);
  ck_assert_str_eq(more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "0:");
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  HEARS(c, "1");
  HEARS(c, "1");
  ATTACHED(b, c);
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R64_a_reset_hides_it_again)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_deaf(r, 1), *d = disks_down(r, 2);
  rig_ns *b;

  disks_put(r, 1, 'A');
  b = disks_swap(r, 1, 'B');
  rig_enable(d);
  RIG_OK(rig_set_aec(d, RIG_BIT1C));
  FENCED(b, c);
  if (_i)
    rig_shutdown(c);
  else
    rig_reset(c);
  WANTED(b, c, HOST);
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C); /* as of a detach */
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "1");
  if (_i)
    rig_reset(c);
  rig_enable(c);
  FENCED(b, c);
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C);
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

/* The driver turns bit 8 on, off and on. */
START_TEST(R64_events_that_are_not_asked_for_any_more_show_it)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  b = disks_swap(r, 1, 'B');
  WANTED(b, c, HOST);
  RIG_OK(rig_set_aec(c, 0));
  FENCED(b, c);
  IDS(c, "1");
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  WANTED(b, c, HOST);
  IDS(c, "");
  RIG_OK(rig_set_aec(c, 0));
  FENCED(b, c);
  ck_assert_int_eq(disks_who(c, 1), 'B');
  ATTACHED(b, c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ATTACHED(b, c);
  rig_end(r);
}
END_TEST

START_TEST(R64_detach_of_what_is_fenced_is_done_at_once_and_told)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);
  rig_ns *b = rig_find(r, 1);

  disks_log(c);
  ck_assert_int_eq(rig_attach(b, c), NVMENS_ERR_EXISTS);
  RIG_FAILS(rig_host_attach(c, 1, c), RIG_DNR(NVMENS_SC_NS_ALREADY_ATTACHED));
  rig_log_clear(r);
  if (_i) {
    RIG_OK(rig_host_detach(c, 1, c));
    ck_assert_str_eq(rig_log(r), "complete c0");
  } else {
    ck_assert_int_eq(rig_detach(b, c, NVMENS_ORDERLY, RIG_NEVER), 0);
    ck_assert_str_eq(rig_log(r), "");
  }
  DETACHED(b, c);
  IDS(c, "");
  ck_assert_str_eq(disks_log(c), "1");
  ck_assert_int_eq(rig_attach(b, c), 0);
  FENCED(b, c); /* the path owes still */
  rig_end(r);
}
END_TEST

START_TEST(R64_what_is_fenced_can_be_removed)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);

  disks_log(c);
  rig_log_clear(r);
  if (_i) {
    RIG_OK(rig_host_delete(c, 1));
    ck_assert_str_eq(rig_log(r), "released n2 deleted; complete c0");
  } else {
    disks_take(r, 1);
    ck_assert_str_eq(rig_log(r), "released n2");
  }
  IDS(c, "");
  ck_assert_str_eq(disks_log(c), "1");
  ck_assert_int_eq(more_att(disks_put(r, 1, 'A'), c), NVMENS_ATT_ATTACHED);
  rig_end(r);
}
END_TEST

START_TEST(R64_a_third_one_is_fenced_for_the_first)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = disks_fenced(&c, &lane);

  FENCED(disks_swap(r, 1, 'C'), c);
  ck_assert_int_eq(disks_who(c, 1), 'C');
  ATTACHED(rig_find(r, 1), c);
  FENCED(disks_swap(r, 1, 'A'), c); /* C was there */
  rig_end(r);
}
END_TEST

START_TEST(R64_the_same_one_is_not_fenced)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_deaf(r, 1);

  disks_put(r, 1, 'A');
  ATTACHED(disks_swap(r, 1, 'A'), c);
  rig_end(r);
}
END_TEST

START_TEST(R64_what_waits_for_a_limit_too_is_not_shown)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxcna = 1});
  rig_ctrl *c = disks_deaf(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'X');
  b = disks_swap(r, 1, 'B');
  ATTACHED(rig_find(r, 2), c);
  WANTED(b, c, HOST);
  IDS(c, "2");
  disks_take(r, 2);
  FENCED(b, c);
  IDS(c, "1");
  WANTED(disks_put(r, 3, 'Z'), c, LIMIT); /* FENCED counts */
  rig_end(r);
}
END_TEST

/* R51, C16: it is not attached on this path; on another it is. */
START_TEST(R64_a_barred_command_is_answered_as_for_an_inactive_nsid)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_deaf(r, 1), *q = disks_path(r, 1);
  nvmens_lane *lane = rig_lane(p);

  disks_put(r, 1, 'A');
  HEARS(q, "1");
  disks_swap(r, 1, 'B');
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  HEARS(q, "1");
  HEARS(q, "1");
  FENCED(rig_find(r, 1), p);
  ATTACHED(rig_find(r, 1), q);
  ck_assert_uint_eq(more_begin(r, lane, 1), NVMENS_SC_INTERNAL_PATH_ERROR);
  rig_end(r);
}
END_TEST

/* Hiding them is a change of log 1Ch, which nobody reads any more. Another drain is pending. */
START_TEST(R15_what_is_fenced_is_released_with_the_subsystem)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_deaf(r, 1);
  rig_ns *b[3];
  uint32_t i;

  for (i = 0; i < 3; i++)
    disks_put(r, i + 1, (char)('A' + i));
  for (i = 0; i < 3; i++) {
    b[i] = disks_swap(r, i + 1, (char)('K' + i));
    FENCED(b[i], c);
  }
  more_pending(r, c, 9);
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
  for (i = 0; i < 3; i++)
    ck_assert_int_eq(b[i]->released, 1);
  ck_assert_int_eq(c->released, 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("fenced");
  TCase *t = tcase_create("fenced");

  tcase_add_test(t, R64_without_events_it_is_visible_and_barred);
  tcase_add_test(t, R64_a_look_that_failed_does_not_open);
  tcase_add_loop_test(t, R64_cns_00h_opens_where_no_cns_03h_was_sent, 0, 3);
  tcase_add_test(t, R64_nothing_else_opens);
  tcase_add_test(t, R64_it_is_in_the_logs_as_an_attach_is);
  tcase_add_test(t, R64_events_that_are_asked_for_hide_it_again);
  tcase_add_loop_test(t, R64_a_reset_hides_it_again, 0, 2);
  tcase_add_test(t, R64_events_that_are_not_asked_for_any_more_show_it);
  tcase_add_loop_test(t, R64_detach_of_what_is_fenced_is_done_at_once_and_told, 0, 2);
  tcase_add_loop_test(t, R64_what_is_fenced_can_be_removed, 0, 2);
  tcase_add_test(t, R64_a_third_one_is_fenced_for_the_first);
  tcase_add_test(t, R64_the_same_one_is_not_fenced);
  tcase_add_test(t, R64_what_waits_for_a_limit_too_is_not_shown);
  tcase_add_test(t, R64_a_barred_command_is_answered_as_for_an_inactive_nsid);
  tcase_add_test(t, R15_what_is_fenced_is_released_with_the_subsystem);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
