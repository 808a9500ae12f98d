/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_event_switch.c: events and what turns them on and off: feature 0Bh, reset, and what may be
 * posted (R27, R32, R35, P1-P3, P7, P8, P22, P25).
 */
#include "rig.h"
#include "rig_main.h"

/* ---- feature 0Bh as a switch ---- */

START_TEST(R32_a_clear_bit_is_never_sent)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT1C); /* bit 8 is off: P7 */

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV1C);
  rig_changed(c, RIG_LID1C, RIG_CONSUME);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(P8_a_change_before_the_bit_is_sent_once_it_is_set)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  rig_ns_auto(r, 1);
  rig_ns_auto(r, 2);
  ck_assert(rig_is_open(aer));
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_uint_eq(rig_heard(c), 0); /* exactly one */
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R32_nothing_is_sent_for_what_was_read_before_the_bit)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R32_disabled_while_queued_is_not_delivered)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  RIG_OK(rig_set_aec(c, 0));
  ck_assert_uint_eq(rig_heard(c), 0);
  RIG_OK(rig_set_aec(c, RIG_BIT4)); /* the log is still unread */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R32_a_reported_event_comes_again_after_off_and_on)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_set_aec(c, 0));
  RIG_OK(rig_set_aec(c, RIG_BIT4)); /* its condition is true when it is enabled */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R32_a_reported_event_stays_masked_when_its_bit_stays_on)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R32_a_reported_event_turned_off_unmasks_its_type)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_set_aec(c, RIG_BIT1C));
  ck_assert_uint_eq(rig_heard(c), RIG_EV1C);
  rig_end(r);
}
END_TEST

START_TEST(R32_read_while_off_is_not_sent_when_on)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  RIG_OK(rig_set_aec(c, 0));
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R32_a_posted_event_waits_for_a_bit_of_its_mask)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0x06);
  ck_assert_uint_eq(rig_heard(c), 0);
  RIG_OK(rig_set_aec(c, 0x04)); /* one of the bits is enough */
  ck_assert_uint_eq(rig_heard(c), 0x00020101);
  rig_end(r);
}
END_TEST

START_TEST(R32_the_default_of_0Bh_may_enable_a_notice)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aec_default = RIG_BIT4});
  rig_ctrl *c = rig_ctrl_on(r);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

/* ---- reset ---- */

START_TEST(R35_reset_forgets_an_owed_event)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "");
  rig_end(r);
}
END_TEST

START_TEST(P3_the_mask_does_not_survive_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4); /* reported, and never read */
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  rig_ns_auto(r, 2);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(P3_the_list_and_0Bh_do_not_survive_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4 | RIG_BIT1C);

  rig_ns_auto(r, 1);
  rig_reenable(c);
  ck_assert_uint_eq(rig_get_aec(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "");
  ck_assert_str_eq(rig_changed(c, RIG_LID1C, RIG_PEEK), "");
  rig_end(r);
}
END_TEST

START_TEST(P3_a_posted_event_does_not_survive_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_SMART, 0, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0x00020001);
  rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0);
  rig_reenable(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_post(c, NVMENS_AER_SMART, 2, NVMENS_LID_SMART, 0);
  ck_assert_uint_eq(rig_heard(c), 0x00020201); /* the type is not masked either */
  rig_end(r);
}
END_TEST

START_TEST(R35_a_disabled_controller_collects_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);

  rig_ns_auto(r, 1);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0), 0); /* dropped */
  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_PEEK), "");
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(R37_a_shut_down_controller_drops_posts)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_shutdown(c);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0), 0);
  rig_reenable(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

/* ---- posting ---- */

START_TEST(R27_reserved_types_cannot_be_posted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned type;

  ck_assert_int_eq(rig_post(c, 5, 0, 0, 0), NVMENS_ERR_INVAL);
  for (type = 8; type < 256; type++)
    ck_assert_int_eq(rig_post(c, (uint8_t)type, 0, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(nvmens_event_post(NULL, 0, 0, 0, 0), NVMENS_ERR_INVAL);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(R27_the_librarys_own_sources_cannot_be_posted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x00, RIG_LID4, 0), NVMENS_ERR_INVAL);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_NOTICE, 0x09, RIG_LID1C, 0), NVMENS_ERR_INVAL);
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_ERROR, 0x00, NVMENS_LID_ERROR, 0), 0);
  rig_end(r);
}
END_TEST

START_TEST(R30_posting_what_is_pending_coalesces)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_post(c, NVMENS_AER_IMMEDIATE, 4, 0, 0);
  rig_post(c, NVMENS_AER_IMMEDIATE, 4, 0, 0);
  ck_assert_uint_eq(rig_heard(c), 0x0403);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(P2_recording_and_delivering_allocate_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  unsigned allocs = r->allocs;

  r->fail_alloc = 1;
  r->fail_all = 1;
  ck_assert_int_eq(rig_resize(ns, 0x2000), 0);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_SMART, 1, NVMENS_LID_SMART, 0), 0);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_uint_eq(rig_event_now(c), 0x00020101);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(r->allocs, allocs);
  r->fail_alloc = 0;
  rig_end(r);
}
END_TEST

START_TEST(P25_an_event_that_was_not_delivered_is_not_reported)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_ns_auto(r, 1); /* no AER */
  ck_assert_uint_eq(rig_info(c).reported, 0);
  ck_assert_uint_eq(rig_info(c).sent, 0);
  ck_assert_uint_eq(rig_info(c).owed, 1);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_uint_eq(rig_info(c).sent, 1);
  rig_end(r);
}
END_TEST

START_TEST(P22_a_pending_notice_does_not_lose_another_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_post(c, NVMENS_AER_NOTICE, 0x02, 0x07, 0);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_heard(c), 0x00070202);
  nvmens_log_was_read(c->c, 0x07, nvmens_log_latch(c->c, 0x07));
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

/* Every source there is, posted at once; the host must get each exactly once. */
START_TEST(P1_no_number_of_events_loses_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  unsigned type, info, n = 0;
  uint8_t seen[8][256] = {{0}};
  uint32_t dw0;

  rig_ns_auto(r, 1);
  for (type = 0; type < 8; type++)
    for (info = 0; info < 256; info++)
      if (type != 5 && !(type == 2 && (info == 0 || info == 9))) {
        ck_assert_int_eq(rig_post(c, (uint8_t)type, (uint8_t)info, 0xC1, 0), 0);
        n++;
      }
  ck_assert_uint_eq(rig_heard(c), RIG_EV4); /* it has waited longest */
  rig_changed(c, RIG_LID4, RIG_CONSUME);
  while ((dw0 = rig_heard(c)) != 0) {
    ck_assert_uint_eq(seen[dw0 & 7][dw0 >> 8 & 0xFF]++, 0);
    RIG_OK(rig_set_aec(c, RIG_BIT4)); /* clears nothing */
    n--;
    if ((dw0 & 7) != NVMENS_AER_IMMEDIATE && (dw0 & 7) != NVMENS_AER_ONE_SHOT)
      seen[5][dw0 & 7]++; /* of this type no more comes */
  }
  for (type = 0; type < 8; type++)
    ck_assert_uint_eq(seen[5][type], type == 5 || type == 3 || type == 4 ? 0 : 1);
  ck_assert_uint_eq(n, 5 * 255 - 2); /* masked, and still owed */
  ck_assert_uint_eq(rig_info(c).owed, n);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "event_switch", R32_a_clear_bit_is_never_sent,
      P8_a_change_before_the_bit_is_sent_once_it_is_set,
      R32_nothing_is_sent_for_what_was_read_before_the_bit,
      R32_disabled_while_queued_is_not_delivered, R32_a_reported_event_comes_again_after_off_and_on,
      R32_a_reported_event_stays_masked_when_its_bit_stays_on,
      R32_a_reported_event_turned_off_unmasks_its_type, R32_read_while_off_is_not_sent_when_on,
      R32_a_posted_event_waits_for_a_bit_of_its_mask, R32_the_default_of_0Bh_may_enable_a_notice,
      R35_reset_forgets_an_owed_event, P3_the_mask_does_not_survive_a_reset,
      P3_the_list_and_0Bh_do_not_survive_a_reset, P3_a_posted_event_does_not_survive_a_reset,
      R35_a_disabled_controller_collects_nothing, R37_a_shut_down_controller_drops_posts,
      R27_reserved_types_cannot_be_posted, R27_the_librarys_own_sources_cannot_be_posted,
      R30_posting_what_is_pending_coalesces, P2_recording_and_delivering_allocate_nothing,
      P25_an_event_that_was_not_delivered_is_not_reported,
      P22_a_pending_notice_does_not_lose_another_one, P1_no_number_of_events_loses_one);
}
