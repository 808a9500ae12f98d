/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_aer.c: parked Asynchronous Event Requests: limit, order, Abort (R26, R27, R36, P5).
 */
#include "rig.h"
#include "rig_main.h"

START_TEST(R26_four_may_be_parked_by_default)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned i;

  for (i = 0; i < 4; i++) /* AERL 3 is 0's based */
    ck_assert(rig_is_open(rig_aer(c)));
  ck_assert_uint_eq(rig_info(c).parked, 4);
  rig_end(r);
}
END_TEST

START_TEST(R26_one_more_than_aerl_is_refused)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl = 1});
  rig_ctrl *c = rig_ctrl_on(r);

  rig_aer(c);
  rig_aer(c);
  RIG_FAILS(rig_aer(c), RIG_DNR(NVMENS_SC_AER_LIMIT_EXCEEDED));
  rig_end(r);
}
END_TEST

START_TEST(R26_aerl_is_zero_parks_one)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl_is_zero = 1});
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert(rig_is_open(rig_aer(c)));
  RIG_FAILS(rig_aer(c), RIG_DNR(NVMENS_SC_AER_LIMIT_EXCEEDED));
  rig_end(r);
}
END_TEST

START_TEST(R26_all_of_the_largest_aerl_may_be_parked)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl = 255});
  rig_ctrl *c = rig_ctrl_on(r);
  unsigned i;

  for (i = 0; i < 256; i++)
    ck_assert(rig_is_open(rig_aer(c)));
  RIG_FAILS(rig_aer(c), RIG_DNR(NVMENS_SC_AER_LIMIT_EXCEEDED));
  rig_end(r);
}
END_TEST

START_TEST(R26_a_completed_aer_makes_room)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl_is_zero = 1});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *aer = rig_aer(c);

  rig_ns_auto(r, 1);
  RIG_OK(aer);
  ck_assert(rig_is_open(rig_aer(c)));
  rig_end(r);
}
END_TEST

START_TEST(R26_the_limit_is_each_controllers_own)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl_is_zero = 1});
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);

  rig_aer(c0);
  ck_assert(rig_is_open(rig_aer(c1)));
  rig_end(r);
}
END_TEST

START_TEST(R26_nvmens_aer_refuses_and_leaves_the_command)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl_is_zero = 1});
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *one = rig_cmd_new(c), *two = rig_cmd_new(c);

  one->taken = 1;
  ck_assert_uint_eq(nvmens_aer(c->c, &one->cmd, 1).sf, 0);
  ck_assert_uint_eq(nvmens_aer(c->c, &two->cmd, 2).sf, RIG_DNR(NVMENS_SC_AER_LIMIT_EXCEEDED));
  rig_rest(r);
  ck_assert_uint_eq(two->done + two->dropped, 0); /* it is the caller's to complete */
  ck_assert(rig_is_open(one));
  rig_end(r);
}
END_TEST

START_TEST(R27_dw0_is_type_information_and_page)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(rig_post(c, NVMENS_AER_SMART, 0x02, NVMENS_LID_SMART, 0), 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00020201);
  ck_assert_int_eq(rig_post(c, NVMENS_AER_VENDOR, 0xAB, 0xCD, 0), 0);
  ck_assert_uint_eq(rig_event_now(c), 0x00CDAB07);
  rig_end(r);
}
END_TEST

START_TEST(R27_nvmens_aer_is_answered_by_an_event_that_waits)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *aer = rig_cmd_new(c);

  rig_ns_auto(r, 1);
  aer->taken = 1;
  ck_assert_uint_eq(nvmens_aer(c->c, &aer->cmd, 9).sf, 0); /* parked, or already answered */
  ck_assert_uint_eq(RIG_OK(aer)->dw0, RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(P5_aers_complete_first_in_first_out)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer[3];
  unsigned i;

  for (i = 0; i < 3; i++)
    aer[i] = rig_aer(c);
  for (i = 0; i < 3; i++) {
    ck_assert_int_eq(rig_post(c, NVMENS_AER_IMMEDIATE, (uint8_t)i, 0, 0), 0);
    ck_assert_uint_eq(RIG_OK(aer[i])->dw0, i << 8 | NVMENS_AER_IMMEDIATE);
  }
  rig_end(r);
}
END_TEST

START_TEST(P5_order_holds_after_the_middle_one_was_aborted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *first = rig_aer(c), *middle = rig_aer(c), *last = rig_aer(c);

  RIG_OK(rig_abort(c, middle->cid));
  rig_post(c, NVMENS_AER_IMMEDIATE, 1, 0, 0);
  RIG_OK(first);
  ck_assert(rig_is_open(last));
  rig_post(c, NVMENS_AER_IMMEDIATE, 2, 0, 0);
  RIG_OK(last);
  rig_end(r);
}
END_TEST

/* ---- Abort ---- */

START_TEST(R36_abort_ends_the_aer_with_007h)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);
  rig_cmd *abort = RIG_OK(rig_abort(c, aer->cid));

  ck_assert_uint_eq(abort->dw0 & 1, 0);
  RIG_FAILS(aer, NVMENS_SC_ABORTED_BY_REQUEST); /* no DNR */
  rig_end(r);
}
END_TEST

START_TEST(R36_abort_leaves_other_aers)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);

  RIG_OK(rig_abort(c, two->cid));
  ck_assert(rig_is_open(one));
  rig_end(r);
}
END_TEST

START_TEST(R36_abort_of_anything_else_is_not_ours)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  ck_assert_int_eq(rig_abort(c, 0x7777)->taken, 0); /* the backend answers: DW0 bit 0 = 1 */
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

START_TEST(R36_abort_in_an_io_queue_is_not_ours)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);
  const uint32_t sqid = 1; /* AERs live in queue 0 */

  ck_assert_int_eq(
      rig_admin(c, .opcode = NVMENS_OP_ABORT, .cdw10 = (uint32_t)aer->cid << 16 | sqid)->taken, 0);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

START_TEST(R36_aborted_slot_is_free_again)
{
  rig *r = rig_new(&(nvmens_subsys_config){.aerl_is_zero = 1});
  rig_ctrl *c = rig_ctrl_on(r);

  RIG_OK(rig_abort(c, rig_aer(c)->cid));
  ck_assert(rig_is_open(rig_aer(c)));
  rig_end(r);
}
END_TEST

START_TEST(R36_the_event_is_kept_after_an_abort)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  rig_ns_auto(r, 1); /* bit 8 is off: nothing is sent */
  RIG_OK(rig_abort(c, aer->cid));
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(R36_of_equal_cids_the_oldest_is_aborted)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *one = rig_admin(c, .opcode = NVMENS_OP_ASYNC_EVENT_REQUEST, .cid = 0x1234);
  rig_cmd *two = rig_admin(c, .opcode = NVMENS_OP_ASYNC_EVENT_REQUEST, .cid = 0x1234);

  ck_assert_int_eq(nvmens_aer_abort(c->c, 0x1234), 0);
  rig_check(r);
  RIG_FAILS(one, NVMENS_SC_ABORTED_BY_REQUEST);
  ck_assert(rig_is_open(two));
  rig_end(r);
}
END_TEST

START_TEST(R36_nvmens_aer_abort_finds_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  ck_assert_int_eq(nvmens_aer_abort(c->c, 1), NVMENS_ERR_NOT_FOUND);
  ck_assert_int_eq(nvmens_aer_abort(NULL, 1), NVMENS_ERR_INVAL);
  rig_end(r);
}
END_TEST

START_TEST(R36_an_aer_that_has_ended_is_not_found)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c);

  rig_post(c, NVMENS_AER_IMMEDIATE, 0, 0, 0);
  RIG_OK(aer);
  ck_assert_int_eq(rig_abort(c, aer->cid)->taken, 0);
  rig_end(r);
}
END_TEST

START_TEST(R36_another_controllers_aer_is_not_found)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_on(r);
  rig_cmd *aer = rig_aer(c0);

  ck_assert_int_eq(rig_abort(c1, aer->cid)->taken, 0);
  ck_assert(rig_is_open(aer));
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "aer", R26_four_may_be_parked_by_default, R26_one_more_than_aerl_is_refused,
      R26_aerl_is_zero_parks_one, R26_all_of_the_largest_aerl_may_be_parked,
      R26_a_completed_aer_makes_room, R26_the_limit_is_each_controllers_own,
      R26_nvmens_aer_refuses_and_leaves_the_command, R27_dw0_is_type_information_and_page,
      R27_nvmens_aer_is_answered_by_an_event_that_waits, P5_aers_complete_first_in_first_out,
      P5_order_holds_after_the_middle_one_was_aborted, R36_abort_ends_the_aer_with_007h,
      R36_abort_leaves_other_aers, R36_abort_of_anything_else_is_not_ours,
      R36_abort_in_an_io_queue_is_not_ours, R36_aborted_slot_is_free_again,
      R36_the_event_is_kept_after_an_abort, R36_of_equal_cids_the_oldest_is_aborted,
      R36_nvmens_aer_abort_finds_nothing, R36_an_aer_that_has_ended_is_not_found,
      R36_another_controllers_aer_is_not_found);
}
