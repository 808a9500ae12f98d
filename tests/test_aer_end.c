/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_aer_end.c: parked Asynchronous Event Requests and what ends a controller: reset, shutdown,
 * removal (R35, R37, C2, C3, C18, C19).
 */
#include "rig.h"
#include "rig_main.h"

START_TEST(R35_reset_drops_parked_aers_without_a_completion)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);

  rig_reset(c);
  ck_assert_uint_eq(one->dropped, 1);
  ck_assert_uint_eq(two->dropped, 1);
  ck_assert_uint_eq(rig_info(c).parked, 0);
  rig_end(r);
}
END_TEST

START_TEST(R35_reset_leaves_other_controllers_aers)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c1);

  rig_reset(c0);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

START_TEST(C18_no_old_command_id_completes_after_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *old = rig_aer(c), *fresh;

  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  fresh = rig_aer(c);
  rig_ns_auto(r, 1);
  ck_assert_uint_eq(RIG_OK(fresh)->dw0, RIG_EV4);
  ck_assert_uint_eq(old->done, 0);
  ck_assert_uint_eq(old->dropped, 1);
  rig_end(r);
}
END_TEST

START_TEST(R35_the_whole_limit_is_there_after_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned i;

  for (i = 0; i < 4; i++)
    rig_aer(c);
  rig_reenable(c);
  for (i = 0; i < 4; i++)
    ck_assert(rig_is_open(rig_aer(c)));
  rig_end(r);
}
END_TEST

START_TEST(R35_removal_of_the_controller_drops_its_aers)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  rig_ctrl_del(c);
  rig_rest(r);
  ck_assert_uint_eq(aer->dropped, 1);
  ck_assert_str_eq(rig_log(r), "drop c0; ctrl_released c0");
  rig_end(r);
}
END_TEST

START_TEST(R37_shutdown_keeps_parked_aers_until_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  rig_shutdown(c);
  ck_assert(rig_is_open(aer)); /* C3: never an error */
  rig_reset(c);
  ck_assert_uint_eq(aer->dropped, 1);
  rig_end(r);
}
END_TEST

START_TEST(R37_no_event_after_shutdown)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4 | RIG_BIT1C);
  rig_cmd *aer = rig_aer(c);

  rig_shutdown(c);
  rig_ns_auto(r, 1);
  rig_post(c, NVMENS_AER_IMMEDIATE, 0, 0, 0);
  rig_rest(r);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

START_TEST(R37_aer_after_shutdown_ends_with_005h)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *direct = rig_cmd_new(c);

  rig_shutdown(c);
  RIG_FAILS(rig_aer(c), NVMENS_SC_ABORTED_POWER_LOSS);
  ck_assert_uint_eq(nvmens_aer(c->c, &direct->cmd, 1).sf, NVMENS_SC_ABORTED_POWER_LOSS);
  rig_end(r);
}
END_TEST

START_TEST(R37_commands_after_shutdown_end_with_005h)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  uint8_t page[NVMENS_PAGE];

  rig_shutdown(c);
  RIG_FAILS(rig_identify(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, page), NVMENS_SC_ABORTED_POWER_LOSS);
  RIG_FAILS(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page),
            NVMENS_SC_ABORTED_POWER_LOSS);
  RIG_FAILS(rig_set_aec(c, 0), NVMENS_SC_ABORTED_POWER_LOSS);
  RIG_FAILS(rig_host_create(c, 8, 1), NVMENS_SC_ABORTED_POWER_LOSS);
  rig_end(r);
}
END_TEST

START_TEST(R37_reset_after_shutdown_makes_it_usable)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  rig_shutdown(c);
  rig_reenable(c);
  ck_assert(rig_is_open(rig_aer(c)));
  rig_end(r);
}
END_TEST

START_TEST(R35_aer_on_a_disabled_controller_ends_with_008h)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  rig_cmd *direct = rig_cmd_new(c);

  RIG_FAILS(rig_aer(c), NVMENS_SC_ABORTED_SQ_DELETED);
  ck_assert_uint_eq(nvmens_aer(c->c, &direct->cmd, 1).sf, NVMENS_SC_ABORTED_SQ_DELETED);
  rig_end(r);
}
END_TEST

START_TEST(C2_identify_shows_aerl)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  nvmens_id_ctrl page;

  memset(&page, 0, sizeof(page));
  nvmens_identify_ctrl(c->c, &page);
  ck_assert_uint_ge(page.aerl, 3);
  rig_end(r);
}
END_TEST

START_TEST(C3_no_aer_ends_in_an_error_when_things_go)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 1);
  rig_cmd *aer = rig_aer(c);

  rig_unplug(ns, NVMENS_SURPRISE, 0);
  rig_shutdown(c);
  rig_reenable(c);
  rig_ctrl_del(c);
  rig_rest(r);
  ck_assert_uint_eq(aer->done, 0);
  rig_end(r);
}
END_TEST

START_TEST(C19_an_event_may_come_before_identify)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c); /* SPDK parks first */

  rig_ns_auto(r, 3);
  ck_assert(rig_is_open(aer));
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "3");
  rig_end(r);
}
END_TEST

static void again(rig *r, const rig_event *e)
{
  unsigned *times = r->react_arg;

  if (++*times > 200000) {
    r->react = NULL;
    return;
  }
  rig_aer(e->ctrl);
  rig_post(e->ctrl, NVMENS_AER_IMMEDIATE, (uint8_t)*times, 0, 0);
}

START_TEST(S23_a_host_that_never_stops_does_not_hold_a_call)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned times = 0, before, wakes = r->wakes;

  r->log_mask = 0;
  r->react = again;
  r->react_arg = &times;
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_aer(c);
  ck_assert_int_eq(nvmens_event_post(c->c, NVMENS_AER_IMMEDIATE, 0, 0, 0), 0);
  ck_assert_uint_lt(times, 100000); /* principle 8: a budget; the rest by poll */
  ck_assert_uint_gt(r->wakes, wakes);
  before = times;
  nvmens_poll(r->s, r->now);
  ck_assert_uint_gt(times, before);
  ck_assert_uint_lt(times, 100000);
  r->react = NULL;
  rig_rest(r);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "aer_end", R35_reset_drops_parked_aers_without_a_completion,
      R35_reset_leaves_other_controllers_aers, C18_no_old_command_id_completes_after_a_reset,
      R35_the_whole_limit_is_there_after_a_reset, R35_removal_of_the_controller_drops_its_aers,
      R37_shutdown_keeps_parked_aers_until_reset, R37_no_event_after_shutdown,
      R37_aer_after_shutdown_ends_with_005h, R37_commands_after_shutdown_end_with_005h,
      R37_reset_after_shutdown_makes_it_usable, R35_aer_on_a_disabled_controller_ends_with_008h,
      C2_identify_shows_aerl, C3_no_aer_ends_in_an_error_when_things_go,
      C19_an_event_may_come_before_identify, S23_a_host_that_never_stops_does_not_hold_a_call);
}
