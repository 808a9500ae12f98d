/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_fenced.c: a host that asks for no events is shown the new namespace at once, and is barred
 * from it until it has looked who it is (R64; H1, H4).
 */
#include "disks.h"

static rig_ctrl *deaf(rig *r, uint8_t host)
{
  rig_ctrl *c = disks_down(r, host);

  rig_enable(c);
  return c;
}

/* A was under NSID 1, and B is; the host asks for no events. */
static rig *fenced(rig_ctrl **c, nvmens_lane **lane)
{
  rig *r = disks_rig(NULL);

  *c = deaf(r, 1);
  *lane = rig_lane(*c);
  disks_put(r, 1, 'A');
  rig_log_clear(r);
  disks_swap(r, 1, 'B');
  return r;
}

START_TEST(R64_without_events_it_is_visible_and_barred)
{
  rig_ctrl *c;
  nvmens_lane *lane;
  rig *r = fenced(&c, &lane);
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
  rig *r = fenced(&c, &lane);
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
  rig *r = fenced(&c, &lane);
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
  rig *r = fenced(&c, &lane);
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
  rig_ctrl *c = deaf(r, 1), *d = disks_down(r, 2);

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
  rig *r = fenced(&c, &lane);
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
  rig_ctrl *c = deaf(r, 1), *d = disks_down(r, 2);
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
  rig *r = fenced(&c, &lane);
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
  rig *r = fenced(&c, &lane);

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
  rig *r = fenced(&c, &lane);

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
  rig_ctrl *c = deaf(r, 1);

  disks_put(r, 1, 'A');
  ATTACHED(disks_swap(r, 1, 'A'), c);
  rig_end(r);
}
END_TEST

START_TEST(R64_what_waits_for_a_limit_too_is_not_shown)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxcna = 1});
  rig_ctrl *c = deaf(r, 1);
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

/* q asks for events, p does not. p waits for q as well, so it is not shown before q has let go. */
START_TEST(R64_what_waits_for_another_path_too_is_not_shown)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = deaf(r, 1), *q = disks_path(r, 1);
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

/* R51, C16: it is not attached on this path; on another it is. */
START_TEST(R64_a_barred_command_is_answered_as_for_an_inactive_nsid)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = deaf(r, 1), *q = disks_path(r, 1);
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

START_TEST(R64_a_private_one_that_is_fenced_elsewhere_is_refused)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = deaf(r, 1), *q = deaf(r, 2);
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
  nvmens_ns_config config = disks_config(1, 'B');
  rig *r = disks_rig(NULL);
  rig_ctrl *x = disks_path(r, 1), *p, *q;
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(x, "1");
  rig_ctrl_del(x);
  disks_take(r, 1);
  disks_down(r, 1);
  p = deaf(r, 1);
  q = disks_path(r, 1);
  config.shared = config.auto_attach = 0;
  b = rig_ns_new(r, &config);
  ck_assert_int_eq(rig_attach(b, p), 0);
  FENCED(b, p);
  ck_assert_int_eq(rig_plug(b), 0);
  WANTED(b, q, DRAIN);
  FENCED(b, p);
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

/* It ends here as an attachment does: who deletes is told nothing (R40), and finds it (R41). */
START_TEST(R40_who_deletes_what_is_fenced_elsewhere_is_not_told)
{
  rig_ctrl *c, *other;
  nvmens_lane *lane;
  rig *r = fenced(&c, &lane);

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
  rig_ctrl *p = deaf(r, 1), *q = disks_path(r, 1);

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
  tcase_add_test(t, R64_what_waits_for_another_path_too_is_not_shown);
  tcase_add_test(t, R64_a_barred_command_is_answered_as_for_an_inactive_nsid);
  tcase_add_test(t, R64_a_private_one_that_is_fenced_elsewhere_is_refused);
  tcase_add_test(t, R62_what_is_fenced_is_in_the_way_of_a_newcomer);
  tcase_add_test(t, R62_a_place_that_hiding_frees_does_not_overtake_a_newcomer);
  tcase_add_test(t, R40_who_deletes_what_is_fenced_elsewhere_is_not_told);
  tcase_add_test(t, R64_a_read_that_ends_silence_and_lets_go_hides_nothing);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
