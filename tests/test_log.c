/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_log.c: the pages 04h and 1Ch: what a read takes and what it leaves (R42, R43, C5-C7, P4, P9;
 * design.md, log).
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

#include <stdio.h>

/* A listening controller with namespaces 1 .. n attached, nothing in its logs. */
static rig_ctrl *with(rig *r, unsigned n)
{
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  unsigned i;

  for (i = 1; i <= n; i++)
    rig_ns_auto(r, i);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  return c;
}

static void touch(rig *r, uint32_t nsid)
{
  ck_assert_int_eq(rig_resize(rig_find(r, nsid), 0x1000 + r->now++), 0);
}

/* A piece of page 04h as numbers: "1 2 0". */
static const char *piece(rig_ctrl *c, int rae, uint32_t lpo, uint32_t len)
{
  static char text[128];
  uint8_t buf[NVMENS_PAGE];
  uint32_t i;
  int at = 0;

  RIG_OK(rig_get_log(c, RIG_LID4, rae, lpo, len, buf));
  for (i = 0; i < len && i < 32; i += 4)
    at += sprintf(text + at, i ? " %u" : "%u", nvmens_get32(buf + i));
  return text;
}

/* ---- format ---- */

START_TEST(C5_a_log_without_changes_is_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  ck_assert_str_eq(rig_changed(c, RIG_LID1C, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(P9_the_list_is_ascending)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 5);

  touch(r, 5);
  touch(r, 1);
  touch(r, 3);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1 3 5");
  ck_assert_str_eq(rig_changed(c, RIG_LID1C, RIG_PEEK), "1 3 5");
  rig_end(r);
}
END_TEST

START_TEST(R42_a_namespace_is_listed_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 2);

  touch(r, 2);
  touch(r, 2);
  touch(r, 2);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "2");
  rig_end(r);
}
END_TEST

START_TEST(C6_a_removed_namespace_is_listed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  rig_unplug(rig_find(r, 2), NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "2");
  rig_end(r);
}
END_TEST

/* ---- consume and peek ---- */

START_TEST(R43_a_read_consumes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  touch(r, 2);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(C7_a_peek_consumes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1");
  touch(r, 2);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1 2");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R43_the_two_pages_are_consumed_apart)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  touch(r, 2);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert_str_eq(rig_changed(c, RIG_LID1C, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(R43_each_controller_has_logs_of_its_own)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  rig_changed(c0, RIG_LID4, RIG_CONSUME);
  ck_assert_str_eq(rig_changed(c1, RIG_LID4, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

START_TEST(P4_a_failed_transfer_consumes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  touch(r, 3);
  r->fail_transfer = 1;
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), r->transfer_sf);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 3");
  rig_end(r);
}
END_TEST

START_TEST(R43_the_status_of_a_failed_transfer_is_the_commands)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 1);
  uint8_t page[NVMENS_PAGE];

  r->fail_transfer = 1;
  r->transfer_sf = NVMENS_SC_NS_NOT_READY; /* whatever it is */
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), NVMENS_SC_NS_NOT_READY);
  rig_end(r);
}
END_TEST

START_TEST(P4_a_failed_second_piece_consumes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  touch(r, 2);
  ck_assert_str_eq(piece(c, RIG_PEEK, 0, 4), "1");
  r->fail_transfer = 1;
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_CONSUME, 4, 8, page), r->transfer_sf);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

/* ---- pieces ---- */

START_TEST(P4_a_short_read_consumes_only_what_it_served)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  touch(r, 2);
  touch(r, 3);
  ck_assert_str_eq(piece(c, RIG_CONSUME, 0, 8), "1 2");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "3");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(P4_a_short_read_leaves_the_event_owed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  touch(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  piece(c, RIG_CONSUME, 0, 4); /* entries unserved: REPORTED to PENDING */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(P4_a_short_read_does_not_take_an_owed_event_away)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  touch(r, 2);
  piece(c, RIG_CONSUME, 0, 4); /* PENDING stays */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R43_a_read_of_all_entries_but_no_zero_clears)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  touch(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(piece(c, RIG_CONSUME, 0, 8), "1 2"); /* nothing is unserved */
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R43_consuming_pieces_serve_every_entry_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 5);
  unsigned i;

  for (i = 1; i <= 5; i++)
    touch(r, i);
  ck_assert_str_eq(piece(c, RIG_CONSUME, 0, 8), "1 2");
  ck_assert_str_eq(piece(c, RIG_CONSUME, 8, 8), "3 4"); /* of the same snapshot */
  ck_assert_str_eq(piece(c, RIG_CONSUME, 16, 8), "5 0");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R43_peeks_and_a_last_consuming_piece_consume_all)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);
  unsigned i;

  for (i = 1; i <= 3; i++)
    touch(r, i);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(piece(c, RIG_PEEK, 0, 8), "1 2"); /* nvme-cli: RAE but in the last piece */
  ck_assert_str_eq(piece(c, RIG_CONSUME, 8, 8), "3 0");
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R43_later_pieces_are_of_the_snapshot)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 9);

  touch(r, 2);
  touch(r, 4);
  touch(r, 6);
  ck_assert_str_eq(piece(c, RIG_PEEK, 0, 4), "2");
  touch(r, 1);
  touch(r, 5);
  ck_assert_str_eq(piece(c, RIG_PEEK, 4, 12), "4 6 0");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1 2 4 5 6"); /* LPO 0 latches */
  rig_end(r);
}
END_TEST

START_TEST(R44_a_change_between_two_pieces_is_told_again)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with(r, 3);

  touch(r, 1);
  touch(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(piece(c, RIG_CONSUME, 0, 4), "1");
  touch(r, 1); /* it was just consumed */
  ck_assert_str_eq(piece(c, RIG_CONSUME, 4, 8), "2 0");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

START_TEST(R43_a_later_piece_without_a_latch_latches)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  rig_ns_auto(r, 2);
  ck_assert_str_eq(piece(c, RIG_PEEK, 4, 8), "2 0");
  rig_ns_auto(r, 3);
  ck_assert_str_eq(piece(c, RIG_PEEK, 4, 8), "2 0"); /* still that snapshot */
  rig_end(r);
}
END_TEST

START_TEST(P4_an_offset_read_does_not_consume_what_it_skipped)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  rig_ns_auto(r, 2);
  rig_ns_auto(r, 3);
  ck_assert_str_eq(piece(c, RIG_CONSUME, 8, 8), "3 0"); /* 1 and 2 never reached the host */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(P4_an_offset_read_past_all_entries_consumes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_str_eq(piece(c, RIG_CONSUME, 2048, 4), "0");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "log", C5_a_log_without_changes_is_zero, P9_the_list_is_ascending,
      R42_a_namespace_is_listed_once, C6_a_removed_namespace_is_listed, R43_a_read_consumes,
      C7_a_peek_consumes_nothing, R43_the_two_pages_are_consumed_apart,
      R43_each_controller_has_logs_of_its_own, P4_a_failed_transfer_consumes_nothing,
      R43_the_status_of_a_failed_transfer_is_the_commands,
      P4_a_failed_second_piece_consumes_nothing, P4_a_short_read_consumes_only_what_it_served,
      P4_a_short_read_leaves_the_event_owed, P4_a_short_read_does_not_take_an_owed_event_away,
      R43_a_read_of_all_entries_but_no_zero_clears, R43_consuming_pieces_serve_every_entry_once,
      R43_peeks_and_a_last_consuming_piece_consume_all, R43_later_pieces_are_of_the_snapshot,
      R44_a_change_between_two_pieces_is_told_again, R43_a_later_piece_without_a_latch_latches,
      P4_an_offset_read_does_not_consume_what_it_skipped,
      P4_an_offset_read_past_all_entries_consumes_nothing);
}
