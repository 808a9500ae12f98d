/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_owes_reads.c: which reads of log 04h count as scans (R61), and when the host is told that
 * something waits for them (R65).
 */
#include "disks.h"

/* A listening path that has seen A under NSID 1. */
static rig_ctrl *with_a(rig *r)
{
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  SILENT(c);
  return c;
}

/* Two scans and no fewer are needed from here until what waits under NSID 1 is attached. */
static void needs_two(rig_ctrl *c)
{
  rig_ns *ns = rig_find(c->rig, 1);

  WANTED(ns, c, HOST);
  HEARS(c, "1");
  WANTED(ns, c, HOST);
  HEARS(c, "1");
  ATTACHED(ns, c);
  SILENT(c);
}

static void needs_one(rig_ctrl *c)
{
  rig_ns *ns = rig_find(c->rig, 1);

  WANTED(ns, c, HOST);
  HEARS(c, "1");
  ATTACHED(ns, c);
  SILENT(c);
}

static void swap_in_transfer(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  disks_swap(r, 1, 'B');
}

START_TEST(R61_a_read_of_before_the_leave_does_not_count)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_put(r, 2, 'X');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  r->react_on = RIG_BIT(RIG_TRANSFER);
  r->react = swap_in_transfer;
  ck_assert_str_eq(disks_log(c), "2");
  ck_assert(!r->react);
  needs_two(c);
  rig_end(r);
}
END_TEST

static void reset_in_transfer(rig *r, const rig_event *e)
{
  r->react = NULL;
  rig_reset(e->ctrl);
}

START_TEST(R61_a_read_of_another_epoch_does_not_count)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.aec_default = RIG_BIT4});
  rig_ctrl *c = with_a(r);
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  disks_swap(r, 1, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  r->react_on = RIG_BIT(RIG_TRANSFER);
  r->react = reset_in_transfer;
  cmd = rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
  ck_assert_uint_eq(cmd->dropped, 1);
  rig_enable(c);
  needs_two(c);
  rig_end(r);
}
END_TEST

static void fail_read(rig_ctrl *c)
{
  uint8_t page[NVMENS_PAGE];

  c->rig->fail_transfer = 1;
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), c->rig->transfer_sf);
}

START_TEST(R61_a_first_read_that_fails_does_not_count)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  fail_read(c);
  SILENT(c); /* still reported */
  ck_assert_str_eq(disks_log(c), "1");
  needs_one(c);
  rig_end(r);
}
END_TEST

START_TEST(R61_a_second_read_that_fails_has_begun_all_the_same)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  HEARS(c, "1");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_log_clear(r);
  fail_read(c);
  ck_assert_str_eq(rig_log(r), "attached n2 c0; complete c0 sf=4004");
  ATTACHED(rig_find(r, 1), c);
  ck_assert_str_eq(disks_log(c), "1"); /* the host has not been told: it is still there */
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R61_a_peek_counts_for_nothing)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1");
  SILENT(c);
  ck_assert_str_eq(disks_log(c), "1");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1");
  WANTED(rig_find(r, 1), c, HOST);
  ck_assert_str_eq(disks_log(c), "1");
  ATTACHED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

START_TEST(R61_a_read_with_no_event_sent_counts_for_nothing)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  ck_assert_str_eq(disks_log(c), "1"); /* no AER was parked: PENDING */
  ck_assert_str_eq(disks_log(c), "1"); /* R65: it is told all the same */
  needs_two(c);
  rig_end(r);
}
END_TEST

START_TEST(R61_a_second_read_with_no_event_sent_does_not_begin_a_scan)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  HEARS(c, "1");
  ck_assert_str_eq(disks_log(c), "1");
  needs_one(c);
  rig_end(r);
}
END_TEST

/* RAE is 1 but for the last piece: the snapshot of the first is of after the leave. */
START_TEST(R61_the_last_piece_of_a_read_counts_for_its_snapshot)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  uint8_t page[NVMENS_PAGE];

  disks_swap(r, 1, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, 2048, page));
  WANTED(rig_find(r, 1), c, HOST);
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 2048, 2048, page));
  needs_one(c);
  rig_end(r);
}
END_TEST

/* The first piece is of before the leave, the last one ends after it. */
START_TEST(R61_the_last_piece_of_a_read_of_before_does_not_count)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  uint8_t page[NVMENS_PAGE];

  disks_put(r, 2, 'X');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, 2048, page));
  disks_swap(r, 1, 'B');
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 2048, 2048, page));
  WANTED(rig_find(r, 1), c, HOST);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  disks_log(c);
  WANTED(rig_find(r, 1), c, HOST);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  disks_log(c);
  ATTACHED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

/* In two pieces, RAE 1 but for the last: such a host is slow, and gets there (H2). */
START_TEST(H2_a_host_that_reads_in_pieces_ends_with_the_new_one)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  uint8_t page[NVMENS_PAGE];
  unsigned n;

  disks_swap(r, 1, 'B');
  for (n = 0; rig_heard(c); n++) {
    ck_assert_uint_lt(n, 6);
    RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, 2048, page));
    RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 2048, 2048, page + 2048));
  }
  ATTACHED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

START_TEST(R61_a_reset_begins_anew)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.aec_default = RIG_BIT4});
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  if (_i)
    HEARS(c, "1");
  rig_reset(c);
  WANTED(rig_find(r, 1), c, HOST);
  rig_enable(c);
  needs_two(c); /* R65: told of it, as the path is READY again */
  rig_end(r);
}
END_TEST

START_TEST(R61_the_active_list_does_not_count)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  IDS(c, "");
  IDS(c, "");
  HEARS(c, "1");
  IDS(c, "");
  IDS(c, "");
  needs_one(c);
  rig_end(r);
}
END_TEST

START_TEST(R61_a_read_of_the_other_log_does_not_count)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.mask_scope = NVMENS_MASK_EVENT});
  rig_ctrl *c = disks_down(r, 1);
  uint32_t first, second;

  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4 | RIG_BIT1C));
  disks_put(r, 1, 'A');
  first = rig_heard(c);
  second = rig_heard(c);
  ck_assert_uint_eq(first ^ second, RIG_EV4 ^ RIG_EV1C);
  disks_log(c);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  disks_swap(r, 1, 'B');
  first = rig_heard(c);
  second = rig_heard(c);
  ck_assert_uint_eq(first ^ second, RIG_EV4 ^ RIG_EV1C);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  ck_assert_str_eq(disks_log(c), "1");
  WANTED(rig_find(r, 1), c, HOST);
  HEARS(c, "1");
  ATTACHED(rig_find(r, 1), c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV1C);
  rig_end(r);
}
END_TEST

/* With the first in ONCE and the second in TWICE, one read is for both. */
START_TEST(R61_one_read_may_end_one_wait_and_count_for_another)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_ns *b, *y;

  disks_put(r, 2, 'X');
  HEARS(c, "2");
  b = disks_swap(r, 1, 'B');
  HEARS(c, "1");
  y = disks_swap(r, 2, 'Y');
  HEARS(c, "1 2");
  ATTACHED(b, c);
  WANTED(y, c, HOST);
  IDS(c, "1");
  HEARS(c, "2");
  ATTACHED(y, c);
  IDS(c, "1 2");
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R61_scans_count_before_anything_waits)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_ns *b;

  disks_take(r, 1);
  HEARS(c, "1");
  SILENT(c); /* R65: nothing waits, and the host is left alone */
  disks_put(r, 2, 'X');
  HEARS(c, "2");
  SILENT(c);
  b = disks_put(r, 1, 'B');
  ATTACHED(b, c);
  HEARS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R65_the_beginning_of_a_wait_is_told)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_cmd *aer;

  disks_take(r, 1);
  HEARS(c, "1");
  aer = rig_aer(c);
  ck_assert(rig_is_open(aer));
  disks_put(r, 1, 'B');
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  IDS(c, ""); /* nothing has changed but that something waits */
  ck_assert_str_eq(disks_log(c), "1");
  ATTACHED(rig_find(r, 1), c);
  SILENT(c);
  rig_end(r);
}
END_TEST

/* R38: the issuer is not told of its own delete, but of what waits. */
START_TEST(R65_who_has_deleted_it_is_told_that_something_waits)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  RIG_OK(rig_host_delete(c, 1));
  SILENT(c);
  disks_put(r, 1, 'B');
  needs_two(c);
  rig_end(r);
}
END_TEST

START_TEST(R65_the_end_of_a_wait_without_an_attachment_is_the_end_of_the_telling)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  HEARS(c, "1");
  disks_take(r, 1);
  HEARS(c, "1"); /* owed from before */
  SILENT(c);
  ck_assert_str_eq(disks_log(c), "");
  rig_end(r);
}
END_TEST

START_TEST(R61_an_overflow_is_a_read_as_any)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = with_a(r);
  unsigned i;

  disks_swap(r, 1, 'B');
  r->no_check = 1;
  for (i = 2; i < 1100; i++)
    rig_ns_auto(r, i);
  r->no_check = 0;
  HEARS(c, "overflow");
  needs_one(c);
  rig_end(r);
}
END_TEST

static void peek_in_transfer(rig *r, const rig_event *e)
{
  r->react = NULL;
  ck_assert_str_eq(rig_changed(e->ctrl, RIG_LID4, RIG_PEEK), "1");
}

/* R43: it consumes nothing, as it is not the newest any more; but a scan has begun with it. */
START_TEST(R61_a_read_that_a_peek_has_overtaken_counts)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_swap(r, 1, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  r->react_on = RIG_BIT(RIG_TRANSFER);
  r->react = peek_in_transfer;
  ck_assert_str_eq(disks_log(c), "1");
  ck_assert(!r->react);
  needs_one(c);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("owes_reads");
  TCase *t = tcase_create("owes_reads");

  tcase_add_test(t, R61_a_read_of_before_the_leave_does_not_count);
  tcase_add_test(t, R61_a_read_of_another_epoch_does_not_count);
  tcase_add_test(t, R61_a_first_read_that_fails_does_not_count);
  tcase_add_test(t, R61_a_second_read_that_fails_has_begun_all_the_same);
  tcase_add_test(t, R61_a_peek_counts_for_nothing);
  tcase_add_test(t, R61_a_read_with_no_event_sent_counts_for_nothing);
  tcase_add_test(t, R61_a_second_read_with_no_event_sent_does_not_begin_a_scan);
  tcase_add_test(t, R61_the_last_piece_of_a_read_counts_for_its_snapshot);
  tcase_add_test(t, R61_the_last_piece_of_a_read_of_before_does_not_count);
  tcase_add_test(t, H2_a_host_that_reads_in_pieces_ends_with_the_new_one);
  tcase_add_loop_test(t, R61_a_reset_begins_anew, 0, 2);
  tcase_add_test(t, R61_the_active_list_does_not_count);
  tcase_add_test(t, R61_a_read_of_the_other_log_does_not_count);
  tcase_add_test(t, R61_one_read_may_end_one_wait_and_count_for_another);
  tcase_add_test(t, R61_scans_count_before_anything_waits);
  tcase_add_test(t, R65_the_beginning_of_a_wait_is_told);
  tcase_add_test(t, R65_who_has_deleted_it_is_told_that_something_waits);
  tcase_add_test(t, R65_the_end_of_a_wait_without_an_attachment_is_the_end_of_the_telling);
  tcase_add_test(t, R61_an_overflow_is_a_read_as_any);
  tcase_add_test(t, R61_a_read_that_a_peek_has_overtaken_counts);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
