/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_log_race.c: what else may happen while a log page is on its way: resets, deletes,
 * another read, failures (R41, R43, R44, P4, P6; design.md: log, notice).
 */
#include "rig.h"
#include "rig_main.h"

static uint8_t inner_page[NVMENS_PAGE];

static void touch(rig *r, uint32_t nsid)
{
  ck_assert_int_eq(rig_resize(rig_find(r, nsid), 0x1000 + r->now++), 0);
}

/* A listening controller with namespaces 1 .. 3, nothing in its logs. */
static rig_ctrl *with_three(rig *r)
{
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  unsigned i;

  for (i = 1; i <= 3; i++)
    rig_ns_auto(r, i);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  return c;
}

static rig_cmd *read_with(rig_ctrl *c, int rae, void *page,
                          void (*during)(rig *, const rig_event *))
{
  c->rig->react = during;
  c->rig->react_on = RIG_BIT(RIG_TRANSFER);
  return rig_get_log(c, RIG_LID4, rae, 0, NVMENS_PAGE, page);
}

static void reset_now(rig *r, const rig_event *e)
{
  r->react = NULL;
  nvmens_ctrl_reset(e->ctrl->c);
}

static void reset_enable_change(rig *r, const rig_event *e)
{
  r->react = NULL;
  nvmens_ctrl_reset(e->ctrl->c);
  ck_assert_int_eq(nvmens_ctrl_enable(e->ctrl->c, 0), 0);
  touch(r, 1);
  touch(r, 2);
}

static void delete_two(rig *r, const rig_event *e)
{
  r->react = NULL;
  rig_host_delete(e->ctrl, 2);
}

static void touch_two_and_fail_a_read(rig *r, const rig_event *e)
{
  r->react = NULL;
  touch(r, 2);
  r->fail_transfer = 1;
  rig_get_log(e->ctrl, RIG_LID4, RIG_CONSUME, 0, NVMENS_PAGE, inner_page);
}

static void touch_two_and_peek(rig *r, const rig_event *e)
{
  r->react = NULL;
  touch(r, 2);
  rig_get_log(e->ctrl, RIG_LID4, RIG_PEEK, 0, 4, inner_page);
}

static void read_it_all(rig *r, const rig_event *e)
{
  r->react = NULL;
  rig_get_log(e->ctrl, RIG_LID4, RIG_CONSUME, 0, NVMENS_PAGE, inner_page);
}

static void touch_two(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  touch(r, 2);
}

static void turn_off(rig *r, const rig_event *e)
{
  r->react = NULL;
  rig_set_aec(e->ctrl, 0);
}

static void shut_down(rig *r, const rig_event *e)
{
  r->react = NULL;
  nvmens_ctrl_shutdown(e->ctrl->c);
}

START_TEST(R35_a_read_that_a_reset_overtakes_is_dropped)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  touch(r, 1);
  cmd = read_with(c, RIG_CONSUME, page, reset_now);
  ck_assert_uint_eq(cmd->dropped, 1);
  rig_end(r);
}
END_TEST

START_TEST(R35_a_read_of_an_old_epoch_consumes_nothing_of_the_new_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  touch(r, 1);
  cmd = read_with(c, RIG_CONSUME, page, reset_enable_change);
  ck_assert_uint_eq(cmd->dropped, 1);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R37_a_read_that_a_shutdown_overtakes_ends_once)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];
  rig_cmd *cmd;

  touch(r, 1);
  cmd = read_with(c, RIG_CONSUME, page, shut_down);
  ck_assert_uint_eq(cmd->done + cmd->dropped, 1);
  rig_end(r);
}
END_TEST

START_TEST(R41_a_quiet_change_during_the_read_is_in_the_next_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(read_with(c, RIG_CONSUME, page, delete_two));
  ck_assert_str_eq(rig_list_text(r, page), "1");
  ck_assert_uint_eq(rig_heard(c), 0); /* R40: its own delete */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(R43_what_a_failed_read_took_up_stays_for_the_next)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(read_with(c, RIG_CONSUME, page, touch_two_and_fail_a_read));
  ck_assert_str_eq(rig_list_text(r, page), "1");
  ck_assert_uint_eq(rig_heard(c), RIG_EV4); /* 2 has never reached the host */
  ck_assert_ptr_nonnull(strstr(rig_changed(c, RIG_LID4, RIG_CONSUME), "2"));
  rig_end(r);
}
END_TEST

START_TEST(R43_what_a_short_peek_took_up_stays_for_the_next)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(read_with(c, RIG_CONSUME, page, touch_two_and_peek));
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_ptr_nonnull(strstr(rig_changed(c, RIG_LID4, RIG_CONSUME), "2"));
  rig_end(r);
}
END_TEST

START_TEST(P6_two_reads_at_once_leave_no_stale_event)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(read_with(c, RIG_CONSUME, page, read_it_all));
  ck_assert_str_eq(rig_list_text(r, page), "1");
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "");
  rig_end(r);
}
END_TEST

START_TEST(R44_a_change_during_a_failing_read_is_in_the_next)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  r->fail_transfer = 1;
  RIG_FAILS(read_with(c, RIG_CONSUME, page, touch_two), r->transfer_sf);
  ck_assert_uint_eq(rig_heard(c), 0); /* still masked: nothing was read */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R44_a_change_during_a_peek_is_in_the_next)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  RIG_OK(read_with(c, RIG_PEEK, page, touch_two));
  ck_assert_str_eq(rig_list_text(r, page), "1");
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  ck_assert_uint_eq(rig_heard(c), 0); /* P6 */
  rig_end(r);
}
END_TEST

START_TEST(R32_the_bit_may_go_off_during_the_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);
  uint8_t page[NVMENS_PAGE];

  touch(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(read_with(c, RIG_CONSUME, page, turn_off));
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0); /* the log was read */
  rig_end(r);
}
END_TEST

START_TEST(P6_no_stale_event_after_the_read)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_three(r);

  touch(r, 1);
  touch(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  touch(r, 3);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2 3");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "log_race", R35_a_read_that_a_reset_overtakes_is_dropped,
      R35_a_read_of_an_old_epoch_consumes_nothing_of_the_new_one,
      R37_a_read_that_a_shutdown_overtakes_ends_once,
      R41_a_quiet_change_during_the_read_is_in_the_next_read,
      R43_what_a_failed_read_took_up_stays_for_the_next,
      R43_what_a_short_peek_took_up_stays_for_the_next, P6_two_reads_at_once_leave_no_stale_event,
      R44_a_change_during_a_failing_read_is_in_the_next, R44_a_change_during_a_peek_is_in_the_next,
      R32_the_bit_may_go_off_during_the_read, P6_no_stale_event_after_the_read);
}
