/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_event.c: when an event is sent: the mask, clearing, keeping (R28-R30, R44).
 */
#include "rig.h"
#include "rig_main.h"

static const uint32_t both = RIG_EV4 ^ RIG_EV1C;

static uint8_t lid_of(uint32_t dw0)
{
  return (uint8_t)(dw0 >> 16);
}

/* The host reads the backend's own log with RAE=0. */
static void read_own(rig_ctrl *c, uint8_t lid)
{
  nvmens_log_was_read(c->c, lid, nvmens_log_latch(c->c, lid));
  rig_check(c->rig);
}

/* ---- the mask ---- */

START_TEST(R28_a_reported_notice_masks_the_others_of_its_type)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4 | RIG_BIT1C);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);

  rig_ns_auto(r, 1); /* changes both pages */
  RIG_OK(one);
  ck_assert(rig_is_open(two));
  rig_changed(c, lid_of(one->dw0), RIG_CONSUME);
  ck_assert_uint_eq(RIG_OK(two)->dw0 ^ one->dw0, both);
  rig_end(r);
}
END_TEST

START_TEST(R28_types_do_not_mask_each_other)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00020101);
  rig_post(c, NVMENS_AER_ERROR, 3, NVMENS_LID_ERROR, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00010300);
  rig_end(r);
}
END_TEST

START_TEST(R28_a_posted_notice_masks_the_namespace_notices)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_post(c, NVMENS_AER_NOTICE, 0x01, NVMENS_LID_FIRMWARE, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00030102);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), 0);
  read_own(c, NVMENS_LID_FIRMWARE);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R28_event_scope_masks_each_event_on_its_own)
{
  rig *r = rig_new(&(nvmens_subsys_config){.mask_scope = NVMENS_MASK_EVENT});
  rig_ctrl *c = rig_listening(r, RIG_BIT4 | RIG_BIT1C);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(RIG_OK(one)->dw0 ^ RIG_OK(two)->dw0, both);
  rig_ns_auto(r, 2); /* both are masked now */
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R28_immediate_and_one_shot_events_are_never_masked)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0);
  ck_assert_uint_eq(rig_heard(c), 0x0103);
  rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0);
  ck_assert_uint_eq(rig_heard(c), 0x0103);
  rig_post(c, NVMENS_AER_ONE_SHOT, 2, 0, 0);
  ck_assert_uint_eq(rig_heard(c), 0x0204);
  rig_post(c, NVMENS_AER_ONE_SHOT, 3, 0, 0);
  ck_assert_uint_eq(rig_heard(c), 0x0304);
  ck_assert_uint_eq(rig_info(c).reported, 0);
  rig_end(r);
}
END_TEST

START_TEST(R28_the_mask_is_each_controllers_own)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_listening(r, RIG_BIT4), *c1 = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c0), RIG_EV4);
  rig_changed(c1, RIG_LID4, RIG_CONSUME); /* not c0's page */
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c0), 0);
  ck_assert_uint_eq(rig_heard(c1), RIG_EV4);
  rig_end(r);
}
END_TEST

/* ---- clearing ---- */

START_TEST(R29_a_read_clears)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R29_rae_clears_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID4, RIG_PEEK);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_uint_eq(rig_info(c).reported, 1);
  rig_end(r);
}
END_TEST

START_TEST(R29_a_failed_read_clears_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  uint8_t page[NVMENS_PAGE];

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  r->fail_transfer = 1;
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page), r->transfer_sf);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R29_another_page_clears_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R29_the_backends_log_clears_its_sources)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  read_own(c, NVMENS_LID_ERROR); /* another page: nothing */
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0);
  read_own(c, NVMENS_LID_SMART);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  rig_end(r);
}
END_TEST

START_TEST(R29_one_read_clears_all_sources_of_the_page)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_SMART, 0, NVMENS_LID_SMART, 0);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0x00020001);
  read_own(c, NVMENS_LID_SMART); /* the second was owed: not sent (R30) */
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R44_a_post_after_the_latch_is_sent_again)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint64_t stamp;

  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  stamp = nvmens_log_latch(c->c, NVMENS_LID_SMART);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0); /* not in the copy that the host gets */
  nvmens_log_was_read(c->c, NVMENS_LID_SMART, stamp);
  rig_check(r);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  rig_end(r);
}
END_TEST

START_TEST(R44_an_owed_post_after_the_latch_stays_owed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint64_t stamp = nvmens_log_latch(c->c, NVMENS_LID_SMART);

  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  nvmens_log_was_read(c->c, NVMENS_LID_SMART, stamp);
  rig_check(r);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  rig_end(r);
}
END_TEST

START_TEST(R44_a_stamp_from_before_a_reset_does_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint64_t stamp;

  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  stamp = nvmens_log_latch(c->c, NVMENS_LID_SMART);
  rig_reenable(c);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  nvmens_log_was_read(c->c, NVMENS_LID_SMART, stamp);
  rig_check(r);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  rig_end(r);
}
END_TEST

START_TEST(R44_a_stamp_that_was_never_given_does_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  nvmens_log_was_read(c->c, NVMENS_LID_SMART, nvmens_log_latch(c->c, NVMENS_LID_SMART) + 1);
  rig_check(r);
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  rig_end(r);
}
END_TEST

/* ---- keeping ---- */

START_TEST(R30_event_kept_until_an_aer_comes)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_info(c).owed, 1);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_uint_eq(rig_info(c).owed, 0);
  ck_assert_uint_eq(rig_info(c).reported, 1);
  rig_end(r);
}
END_TEST

START_TEST(R30_event_whose_log_was_read_is_not_sent)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R30_a_peek_does_not_take_the_event_away)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  rig_changed(c, RIG_LID4, RIG_PEEK);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R30_a_failed_read_does_not_take_the_event_away)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  uint8_t page[NVMENS_PAGE];

  rig_ns_auto(r, 1);
  r->fail_transfer = 1;
  rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R30_equal_events_coalesce)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_uint_eq(rig_info(c).sent, 1);
  ck_assert_uint_ge(rig_info(c).coalesced, 1);
  rig_end(r);
}
END_TEST

START_TEST(R30_different_events_queue_in_order)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_IMMEDIATE, 9, 0, 0);
  rig_post(c, NVMENS_AER_VENDOR, 2, 0xC0, 0);
  rig_post(c, NVMENS_AER_ERROR, 5, NVMENS_LID_ERROR, 0);
  rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x0903);
  ck_assert_uint_eq(rig_event_now(c), 0xC00207);
  ck_assert_uint_eq(rig_event_now(c), 0x010500);
  ck_assert_uint_eq(rig_event_now(c), 0x0103);
  rig_end(r);
}
END_TEST

START_TEST(R30_a_coalesced_event_keeps_its_place)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0);
  rig_post(c, NVMENS_AER_IMMEDIATE, 2, 0, 0);
  rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0); /* pending longest all the same */
  ck_assert_uint_eq(rig_event_now(c), 0x0103);
  ck_assert_uint_eq(rig_event_now(c), 0x0203);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R30_a_masked_event_does_not_hold_up_later_ones)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_SMART, 0, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00020001);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0); /* masked */
  rig_post(c, NVMENS_AER_ERROR, 0, NVMENS_LID_ERROR, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00010000);
  rig_end(r);
}
END_TEST

START_TEST(R30_no_second_event_while_the_first_is_unread)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

/* What was masked is unmasked by a read of the backend's log, but nothing is sent any more. */
START_TEST(R37_no_event_is_sent_while_it_is_shut_down)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer;

  rig_post(c, NVMENS_AER_SMART, 0, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00020001);
  rig_post(c, NVMENS_AER_SMART, 1, 0x80, 0);
  aer = rig_aer(c);
  rig_shutdown(c);
  read_own(c, NVMENS_LID_SMART);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "event", R28_a_reported_notice_masks_the_others_of_its_type, R28_types_do_not_mask_each_other,
      R28_a_posted_notice_masks_the_namespace_notices, R28_event_scope_masks_each_event_on_its_own,
      R28_immediate_and_one_shot_events_are_never_masked, R28_the_mask_is_each_controllers_own,
      R29_a_read_clears, R29_rae_clears_nothing, R29_a_failed_read_clears_nothing,
      R29_another_page_clears_nothing, R29_the_backends_log_clears_its_sources,
      R29_one_read_clears_all_sources_of_the_page, R44_a_post_after_the_latch_is_sent_again,
      R44_an_owed_post_after_the_latch_stays_owed, R44_a_stamp_from_before_a_reset_does_nothing,
      R44_a_stamp_that_was_never_given_does_nothing, R30_event_kept_until_an_aer_comes,
      R30_event_whose_log_was_read_is_not_sent, R30_a_peek_does_not_take_the_event_away,
      R30_a_failed_read_does_not_take_the_event_away, R30_equal_events_coalesce,
      R30_different_events_queue_in_order, R30_a_coalesced_event_keeps_its_place,
      R30_a_masked_event_does_not_hold_up_later_ones, R30_no_second_event_while_the_first_is_unread,
      R37_no_event_is_sent_while_it_is_shut_down);
}
