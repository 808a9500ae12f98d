/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_log_page.c: Get Log Page as a command, the overflow of a log, and changes that land while a
 * page is on its way (R42, R44, R45).
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

static void touch(rig *r, uint32_t nsid)
{
  ck_assert_int_eq(rig_resize(rig_find(r, nsid), 0x1000 + r->now++), 0);
}

/* ---- the command ---- */

START_TEST(R45_numd_is_0s_based)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t buf[16];

  ck_assert_uint_eq(RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, 4, buf))->moved, 4);
  ck_assert_uint_eq(RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, 16, buf))->moved, 16);
  rig_end(r);
}
END_TEST

START_TEST(R45_no_more_than_the_rest_of_the_page_is_moved)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t buf[2 * NVMENS_PAGE];

  ck_assert_uint_eq(RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, sizeof(buf), buf))->moved, 4096);
  ck_assert_uint_eq(RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 4092, 4096, buf))->moved, 4);
  ck_assert_uint_eq(RIG_OK(rig_get_log(c, RIG_LID1C, RIG_PEEK, 96, 4096, buf))->moved, 4000);
  rig_end(r);
}
END_TEST

START_TEST(R45_the_largest_numd_is_cut_too)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t page[NVMENS_PAGE];

  ck_assert_uint_eq(RIG_OK(rig_admin(c, .opcode = NVMENS_OP_GET_LOG_PAGE, .nsid = NVMENS_NSID_ALL,
                                     .cdw10 = 0xFFFF0000 | RIG_LID4, .cdw11 = 0xFFFF, .data = page,
                                     .size = sizeof(page)))
                        ->moved,
                    4096);
  rig_end(r);
}
END_TEST

START_TEST(R45_an_offset_past_the_end_is_an_invalid_field)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint64_t lpo[] = {4100, 8192, UINT64_C(1) << 32, UINT64_MAX - 3};
  uint8_t buf[16];
  unsigned i;

  rig_ns_auto(r, 1);
  for (i = 0; i < sizeof(lpo) / sizeof(*lpo); i++) {
    rig_cmd *cmd = rig_get_log(c, RIG_LID4, RIG_CONSUME, lpo[i], 16, buf);

    RIG_FAILS(cmd, RIG_DNR(NVMENS_SC_INVALID_FIELD));
    ck_assert_uint_eq(cmd->transfers, 0);
  }
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK),
                   "1"); /* R29: a failed command clears nothing */
  rig_end(r);
}
END_TEST

/* Base specification, Get Log Page: only an offset greater than the page's size is an error. */
START_TEST(R45_at_the_end_of_the_page_there_is_nothing_to_be_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t buf[16] = {1};
  const rig_cmd *cmd;

  rig_ns_auto(r, 1);
  cmd = RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 4096, sizeof(buf), buf));
  ck_assert_uint_eq(cmd->transfers, 0);
  ck_assert_uint_eq(cmd->moved, 0);
  ck_assert_uint_eq(buf[0], 1);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "1");
  rig_end(r);
}
END_TEST

START_TEST(R45_an_offset_within_a_dword_is_an_invalid_field)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint64_t lpo[] = {1, 2, 3, 4095, 5};
  uint8_t buf[16];
  unsigned i;

  for (i = 0; i < sizeof(lpo) / sizeof(*lpo); i++)
    RIG_FAILS(rig_get_log(c, RIG_LID1C, RIG_PEEK, lpo[i], 4, buf),
              RIG_DNR(NVMENS_SC_INVALID_FIELD));
  rig_end(r);
}
END_TEST

START_TEST(R45_the_last_dword_can_be_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t buf[4] = {1, 2, 3, 4};

  RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 4092, 4, buf));
  ck_assert_uint_eq(nvmens_get32(buf), 0);
  rig_end(r);
}
END_TEST

static rig_cmd *log_of_nsid(rig_ctrl *c, uint8_t lid, uint32_t nsid, void *page)
{
  return rig_admin(c, .opcode = NVMENS_OP_GET_LOG_PAGE, .nsid = nsid,
                   .cdw10 = lid | UINT32_C(1023) << 16, .data = page, .size = NVMENS_PAGE);
}

START_TEST(R45_these_logs_are_the_controllers)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  static const uint8_t lid[] = {RIG_LID4, RIG_LID1C};
  uint8_t page[NVMENS_PAGE];
  unsigned i;

  rig_ns_auto(r, 1);
  for (i = 0; i < 2; i++) {
    RIG_FAILS(log_of_nsid(c, lid[i], 1, page), RIG_DNR(NVMENS_SC_INVALID_FIELD));
    RIG_FAILS(log_of_nsid(c, lid[i], 7, page), RIG_DNR(NVMENS_SC_INVALID_FIELD));
    RIG_FAILS(log_of_nsid(c, lid[i], 0xFFFFFFFE, page), RIG_DNR(NVMENS_SC_INVALID_FIELD));
    RIG_OK(log_of_nsid(c, lid[i], 0, page));
    ck_assert_str_eq(rig_list_text(r, page), "1");
    RIG_OK(log_of_nsid(c, lid[i], NVMENS_NSID_ALL, page));
  }
  rig_end(r);
}
END_TEST

START_TEST(R45_other_pages_are_not_ours)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t page[NVMENS_PAGE];
  unsigned lid;

  for (lid = 0; lid < 256; lid++)
    if (lid != RIG_LID4 && lid != RIG_LID1C)
      ck_assert_int_eq(rig_get_log(c, (uint8_t)lid, RIG_PEEK, 0, 4096, page)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(S24_a_log_read_without_memory_fails_and_consumes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t page[NVMENS_PAGE];

  rig_ns_auto(r, 1);
  r->fail_alloc = 1;
  rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
  if (r->fail_alloc == 0) { /* it needed memory */
    RIG_FAILS(r->cmds, NVMENS_SC_INTERNAL_ERROR);
    ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  }
  r->fail_alloc = 0;
  rig_end(r);
}
END_TEST

/* ---- overflow ---- */

/* A controller with this many changes in both logs. */
static rig_ctrl *flooded(rig *r, unsigned n)
{
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  unsigned i;

  r->no_check = 1;
  for (i = n; i > 0; i--)
    rig_ns_auto(r, i);
  r->no_check = 0;
  rig_check(r);
  return c;
}

START_TEST(R42_1024_entries_fit)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1024);
  uint8_t page[NVMENS_PAGE];
  unsigned i;

  RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 0, sizeof(page), page));
  for (i = 0; i < 1024; i++)
    ck_assert_uint_eq(nvmens_get32(page + 4 * i), i + 1);
  rig_end(r);
}
END_TEST

START_TEST(R42_a_full_list_is_consumed_by_one_read)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1024);
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R42_more_than_1024_overflow)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);

  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "overflow");
  ck_assert_str_eq(rig_changed(c, RIG_LID1C, RIG_PEEK), "overflow");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R42_a_repeated_change_of_a_full_list_does_not_overflow)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1024);

  touch(r, 1);
  touch(r, 1024);
  ck_assert_str_ne(rig_changed(c, RIG_LID4, RIG_PEEK), "overflow");
  touch(r, 7); /* now in both halves of the log */
  ck_assert_str_ne(rig_changed(c, RIG_LID4, RIG_PEEK), "overflow");
  rig_end(r);
}
END_TEST

START_TEST(R42_a_change_after_a_full_snapshot_overflows_the_next)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1024);
  uint8_t buf[4];

  ck_assert_str_ne(rig_changed(c, RIG_LID4, RIG_PEEK), "overflow");
  rig_ns_auto(r, 1500);
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_PEEK, 4092, 4, buf)); /* the snapshot is as it was */
  ck_assert_uint_eq(nvmens_get32(buf), 1024);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  rig_end(r);
}
END_TEST

START_TEST(R42_the_first_dword_of_an_overflow_is_all_of_it)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);
  uint8_t buf[4];

  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, 4, buf));
  ck_assert_uint_eq(nvmens_get32(buf), NVMENS_NSID_ALL);
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(P4_a_failed_read_keeps_an_overflow)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);
  uint8_t page[NVMENS_PAGE];

  r->fail_transfer = 1;
  rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
  touch(r, 3);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  rig_end(r);
}
END_TEST

START_TEST(R35_reset_forgets_an_overflow)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);

  rig_reenable(c);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  touch(r, 9);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "9");
  rig_end(r);
}
END_TEST

/* ---- changes while a page is on its way ---- */

static void touch_one(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  touch(r, 1);
}

static void touch_two(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  touch(r, 2);
}

static void during_transfer(rig *r, void (*what)(rig *, const rig_event *))
{
  r->react = what;
  r->react_on = RIG_BIT(RIG_TRANSFER);
}

START_TEST(R44_a_change_during_the_transfer_raises_a_new_event)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  rig_ns_auto(r, 2);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  during_transfer(r, touch_two);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R44_a_change_during_the_transfer_of_an_owed_log_stays_owed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  during_transfer(r, touch_one); /* the very namespace that is on its way */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

START_TEST(R44_with_an_aer_parked_the_change_is_told_too)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *aer;

  rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  aer = rig_aer(c);
  during_transfer(r, touch_one); /* of an empty list */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  rig_end(r);
}
END_TEST

/* ---- overflow in the halves of the log ---- */

START_TEST(P4_an_offset_read_does_not_consume_an_overflow)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);
  uint8_t buf[8];

  RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 4, 8, buf)); /* zeroes: entry 0 was not served */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  rig_end(r);
}
END_TEST

static void flood_all(rig *r, const rig_event *e)
{
  unsigned i;

  (void)e;
  r->react = NULL;
  for (i = 1; i <= 1025; i++)
    touch(r, i);
}

START_TEST(R42_an_overflow_during_a_read_is_in_the_next)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  touch(r, 3);
  during_transfer(r, flood_all);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "3");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "overflow");
  touch(r, 4); /* a peek has taken it up: it stays an overflow */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  touch(r, 5);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "5");
  rig_end(r);
}
END_TEST

START_TEST(R42_a_change_during_the_read_of_an_overflow_is_listed_normally)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);

  during_transfer(r, touch_two);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(R35_reset_forgets_an_overflow_that_was_peeked_at)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = flooded(r, 1025);

  rig_changed(c, RIG_LID4, RIG_PEEK);
  flood_all(r, NULL);
  rig_reenable(c);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "");
  touch(r, 9);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "9");
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "log_page", R45_numd_is_0s_based, R45_no_more_than_the_rest_of_the_page_is_moved,
      R45_the_largest_numd_is_cut_too, R45_an_offset_past_the_end_is_an_invalid_field,
      R45_at_the_end_of_the_page_there_is_nothing_to_be_read,
      R45_an_offset_within_a_dword_is_an_invalid_field, R45_the_last_dword_can_be_read,
      R45_these_logs_are_the_controllers, R45_other_pages_are_not_ours,
      S24_a_log_read_without_memory_fails_and_consumes_nothing, R42_1024_entries_fit,
      R42_a_full_list_is_consumed_by_one_read, R42_more_than_1024_overflow,
      R42_a_repeated_change_of_a_full_list_does_not_overflow,
      R42_a_change_after_a_full_snapshot_overflows_the_next,
      R42_the_first_dword_of_an_overflow_is_all_of_it, P4_a_failed_read_keeps_an_overflow,
      R35_reset_forgets_an_overflow, R44_a_change_during_the_transfer_raises_a_new_event,
      R44_a_change_during_the_transfer_of_an_owed_log_stays_owed,
      R44_with_an_aer_parked_the_change_is_told_too, P4_an_offset_read_does_not_consume_an_overflow,
      R42_an_overflow_during_a_read_is_in_the_next,
      R42_a_change_during_the_read_of_an_overflow_is_listed_normally,
      R35_reset_forgets_an_overflow_that_was_peeked_at);
}
