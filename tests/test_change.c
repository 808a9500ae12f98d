/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_change.c: which change raises which event at whom, and in what order (R38-R41, C8, P19).
 */
#include "rig.h"
#include "rig_main.h"

/* Controllers 0, 1, 2; namespace 1 is attached to 0 and 1. All hear `bits`; logs are empty. */
static rig_ns *three(rig *r, rig_ctrl **c, uint32_t bits)
{
  rig_ns *ns;
  unsigned i;

  for (i = 0; i < 3; i++)
    c[i] = rig_listening(r, bits);
  ns = rig_ns_loose(r, 1);
  ck_assert_int_eq(rig_attach(ns, c[0]), 0);
  ck_assert_int_eq(rig_attach(ns, c[1]), 0);
  for (i = 0; i < 3; i++) {
    rig_changed(c[i], RIG_LID4, RIG_CONSUME);
    rig_changed(c[i], RIG_LID1C, RIG_CONSUME);
    ck_assert_uint_eq(rig_heard(c[i]), 0);
  }
  return ns;
}

/* Who hears of it: bit i for controller i. */
static unsigned who(rig_ctrl **c, uint32_t event)
{
  unsigned i, heard = 0;

  for (i = 0; i < 3; i++) {
    const uint32_t dw0 = rig_heard(c[i]);

    ck_assert(dw0 == 0 || dw0 == event);
    heard |= (unsigned)(dw0 != 0) << i;
  }
  return heard;
}

/* Who has this in the log. */
static unsigned whose_log(rig_ctrl **c, uint8_t lid, const char *list)
{
  unsigned i, has = 0;

  for (i = 0; i < 3; i++) {
    const char *text = rig_changed(c[i], lid, RIG_CONSUME);

    ck_assert(*text == 0 || strcmp(text, list) == 0);
    has |= (unsigned)(*text != 0) << i;
  }
  return has;
}

#define AT(bits, name)                                                                             \
  rig *r = rig_new(NULL);                                                                          \
  rig_ctrl *c[3];                                                                                  \
  rig_ns *name = three(r, c, bits)

START_TEST(R40_create_raises_no_attached_event)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_create(c[0], 64, 1));
  ck_assert_uint_eq(who(c, RIG_EV4), 0);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "2"), 0);
  rig_end(r);
}
END_TEST

START_TEST(R40_create_raises_the_allocated_event_everywhere)
{
  AT(RIG_BIT1C, ns);

  (void)ns;
  ck_assert_uint_eq(RIG_OK(rig_host_create(c[0], 64, 1))->dw0, 2);
  ck_assert_uint_eq(who(c, RIG_EV1C), 7); /* the issuer too */
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "2"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R40_a_new_namespace_of_the_backend_is_like_a_create)
{
  AT(RIG_BIT1C, ns);

  (void)ns;
  rig_ns_loose(r, 5);
  ck_assert_uint_eq(who(c, RIG_EV1C), 7);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "5"), 0);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "5"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R40_attach_raises_the_attached_event_where_it_was_attached)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_attach(c[0], 1, c[2]));
  ck_assert_uint_eq(who(c, RIG_EV4), 4);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 4);
  rig_end(r);
}
END_TEST

START_TEST(R40_attach_tells_the_issuer_that_attached_to_itself)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_attach(c[2], 1, c[2]));
  ck_assert_uint_eq(who(c, RIG_EV4), 4);
  rig_end(r);
}
END_TEST

START_TEST(R40_attach_raises_the_allocated_event_everywhere)
{
  AT(RIG_BIT1C, ns);

  (void)ns;
  RIG_OK(rig_host_attach(c[0], 1, c[2]));
  ck_assert_uint_eq(who(c, RIG_EV1C), 7);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R40_detach_raises_the_attached_event_where_it_was_detached)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_detach(c[0], 1, c[0])); /* the issuer too */
  ck_assert_uint_eq(who(c, RIG_EV4), 1);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 1);
  rig_end(r);
}
END_TEST

START_TEST(R40_detach_raises_the_allocated_event_everywhere)
{
  AT(RIG_BIT1C, ns);

  (void)ns;
  RIG_OK(rig_host_detach(c[2], 1, c[1]));
  ck_assert_uint_eq(who(c, RIG_EV1C), 7);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R40_attach_and_detach_by_the_backend_are_told_too)
{
  AT(RIG_BIT4, ns);

  ck_assert_int_eq(rig_attach(ns, c[2]), 0);
  ck_assert_int_eq(rig_detach(ns, c[0], NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(who(c, RIG_EV4), 5);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 5);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R40_surprise_detach_is_told_like_an_orderly_one)
{
  AT(RIG_BIT4, ns);

  ck_assert_int_eq(rig_detach(ns, c[0], NVMENS_SURPRISE, 0), 0);
  ck_assert_uint_eq(who(c, RIG_EV4), 1);
  rig_end(r);
}
END_TEST

START_TEST(R40_delete_tells_attached_controllers_but_the_issuer)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_delete(c[0], 1));
  ck_assert_uint_eq(who(c, RIG_EV4), 2);
  rig_end(r);
}
END_TEST

START_TEST(R40_delete_tells_all_of_the_allocation_but_the_issuer)
{
  AT(RIG_BIT1C, ns);

  (void)ns;
  RIG_OK(rig_host_delete(c[0], 1));
  ck_assert_uint_eq(who(c, RIG_EV1C), 6);
  rig_end(r);
}
END_TEST

START_TEST(R40_an_issuer_that_was_not_attached_hears_nothing_of_its_delete)
{
  AT(RIG_BIT1C, ns);

  (void)ns;
  RIG_OK(rig_host_delete(c[2], 1));
  ck_assert_uint_eq(who(c, RIG_EV1C), 3);
  rig_end(r);
}
END_TEST

START_TEST(R40_delete_of_all_is_a_delete)
{
  AT(RIG_BIT4, ns);
  rig_ns *two = rig_ns_loose(r, 2);

  (void)ns;
  ck_assert_int_eq(rig_attach(two, c[2]), 0);
  RIG_OK(rig_host_delete(c[2], NVMENS_NSID_ALL));
  rig_changed(c[2], RIG_LID4, RIG_CONSUME); /* of the attach above */
  ck_assert_uint_eq(who(c, RIG_EV4), 3);
  ck_assert_str_eq(rig_ids(c[0], NVMENS_CNS_ALLOCATED_NS_LIST), "");
  rig_end(r);
}
END_TEST

START_TEST(R41_the_issuer_of_a_delete_finds_it_in_its_log)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_delete(c[0], 1));
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 3);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R41_a_quiet_change_does_not_wait_for_the_bit_either)
{
  AT(0, ns);

  (void)ns;
  RIG_OK(rig_host_delete(c[0], 1));
  RIG_OK(rig_set_aec(c[0], RIG_BIT4 | RIG_BIT1C)); /* R38: not sent, so not sent later */
  ck_assert_uint_eq(rig_heard(c[0]), 0);
  rig_end(r);
}
END_TEST

START_TEST(R41_a_quiet_change_leaves_an_owed_event)
{
  AT(RIG_BIT4, ns);

  ck_assert_int_eq(rig_resize(ns, 0x2000), 0); /* loud, not yet sent */
  RIG_OK(rig_host_delete(c[0], 1));
  ck_assert_uint_eq(who(c, RIG_EV4), 3);
  rig_end(r);
}
END_TEST

START_TEST(R41_a_quiet_change_leaves_a_reported_event)
{
  AT(RIG_BIT4, ns);
  rig_ns *two = rig_ns_loose(r, 2);

  ck_assert_int_eq(rig_attach(two, c[0]), 0);
  ck_assert_uint_eq(rig_heard(c[0]), RIG_EV4);
  RIG_OK(rig_host_delete(c[0], 1));
  ck_assert_uint_eq(rig_heard(c[0]), 0);
  ck_assert_str_eq(rig_changed(c[0], RIG_LID4, RIG_CONSUME), "1 2");
  ck_assert_uint_eq(rig_heard(c[0]), 0);
  (void)ns;
  rig_end(r);
}
END_TEST

START_TEST(R40_unplug_tells_every_attached_controller)
{
  AT(RIG_BIT4, ns);

  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(who(c, RIG_EV4), 3);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 3);
  rig_end(r);
}
END_TEST

START_TEST(R40_unplug_tells_all_of_the_allocation)
{
  for (nvmens_mode mode = NVMENS_ORDERLY; mode <= NVMENS_SURPRISE; mode++) {
    AT(RIG_BIT1C, ns);

    ns->drain = RIG_DRAIN_PENDING;
    ck_assert_int_eq(rig_unplug(ns, mode, RIG_NEVER), 0); /* at once */
    ck_assert_uint_eq(who(c, RIG_EV1C), 7);
    ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
    rig_end(r);
  }
}
END_TEST

START_TEST(P19_a_controller_that_cannot_see_it_is_not_told)
{
  AT(RIG_BIT4, ns);

  ck_assert_int_eq(rig_resize(ns, 0x2000), 0);
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(rig_heard(c[2]), 0);
  ck_assert_str_eq(rig_changed(c[2], RIG_LID4, RIG_PEEK), "");
  rig_end(r);
}
END_TEST

START_TEST(R40_plug_tells_all_if_it_attaches)
{
  AT(RIG_BIT1C, ns);

  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(rig_plug(ns), 0); /* to controller 2, then to none */
    ck_assert_uint_eq(who(c, RIG_EV1C), i ? 0 : 7);
    ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), i ? 0 : 7);
  }
  rig_end(r);
}
END_TEST

/* It was told when the detach began. */
START_TEST(R40_a_detach_that_is_hurried_is_not_told_twice)
{
  AT(RIG_BIT4 | RIG_BIT1C, ns);

  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, c[0], NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 1);
  ck_assert_int_eq(rig_detach(ns, c[0], NVMENS_SURPRISE, RIG_NEVER), 0);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 0);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 0);
  ck_assert_int_eq(rig_drained(ns, c[0]), 0);
  rig_end(r);
}
END_TEST

START_TEST(R38_changed_identify_data_are_told_where_attached)
{
  AT(RIG_BIT4, ns);

  ck_assert_int_eq(rig_resize(ns, 0x2000), 0);
  ck_assert_uint_eq(who(c, RIG_EV4), 3);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 3);
  rig_end(r);
}
END_TEST

START_TEST(R39_changed_identify_data_are_told_everywhere)
{
  AT(RIG_BIT1C, ns);

  ck_assert_int_eq(rig_resize(ns, 0x2000), 0);
  ck_assert_uint_eq(who(c, RIG_EV1C), 7);
  ck_assert_uint_eq(whose_log(c, RIG_LID1C, "1"), 7);
  rig_end(r);
}
END_TEST

START_TEST(R38_write_protect_and_backend_data_are_changes)
{
  AT(RIG_BIT4, ns);
  const nvmens_ns_attrs protect = {.set = NVMENS_SET_WRITE_PROTECT, .write_protected = 1};
  const nvmens_ns_attrs other = {.set = NVMENS_SET_OTHER};

  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &protect), 0);
  rig_check(r);
  ck_assert_uint_eq(who(c, RIG_EV4), 3);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 3);
  ck_assert_int_eq(nvmens_ns_update(r->s, ns->ref, &other), 0);
  rig_check(r);
  ck_assert_uint_eq(who(c, RIG_EV4), 3);
  ck_assert_uint_eq(whose_log(c, RIG_LID4, "1"), 3);
  rig_end(r);
}
END_TEST

/* ---- order ---- */

START_TEST(C8_events_go_out_in_cntlid_order)
{
  rig *r = rig_new(NULL);
  static const uint16_t cntlid[3] = {7, 2, 5};
  rig_ctrl *c[3];
  rig_cmd *aer[3];
  rig_ns *ns;
  unsigned i;

  for (i = 0; i < 3; i++) {
    c[i] = rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = cntlid[i], .cntlid_given = 1});
    rig_enable(c[i]);
    RIG_OK(rig_set_aec(c[i], RIG_BIT4));
  }
  ns = rig_ns_auto(r, 1);
  for (i = 0; i < 3; i++) {
    rig_changed(c[i], RIG_LID4, RIG_CONSUME);
    aer[i] = rig_aer(c[i]);
  }
  ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_uint_lt(RIG_OK(aer[1])->order, RIG_OK(aer[2])->order);
  ck_assert_uint_lt(aer[2]->order, RIG_OK(aer[0])->order);
  rig_end(r);
}
END_TEST

START_TEST(C8_the_issuers_completion_is_the_last)
{
  AT(RIG_BIT4, ns);
  rig_cmd *aer0 = rig_aer(c[0]), *aer1 = rig_aer(c[1]), *aer2 = rig_aer(c[2]), *cmd;

  (void)ns;
  cmd = RIG_OK(rig_host_attach(c[0], 1, c[2]));
  ck_assert_uint_lt(RIG_OK(aer2)->order, cmd->order);
  cmd = RIG_OK(rig_host_detach(c[0], 1, c[0]));
  ck_assert_uint_lt(RIG_OK(aer0)->order, cmd->order);
  cmd = RIG_OK(rig_host_delete(c[0], 1));
  ck_assert_uint_lt(RIG_OK(aer1)->order, cmd->order);
  rig_end(r);
}
END_TEST

START_TEST(R41_a_short_read_of_quiet_entries_consumes_the_served)
{
  AT(RIG_BIT4, ns);
  uint8_t buf[4];

  (void)ns;
  ck_assert_int_eq(rig_attach(rig_ns_loose(r, 2), c[0]), 0);
  rig_changed(c[0], RIG_LID4, RIG_CONSUME);
  RIG_OK(rig_host_delete(c[0], NVMENS_NSID_ALL));
  RIG_OK(rig_get_log(c[0], RIG_LID4, RIG_CONSUME, 0, 4, buf));
  ck_assert_uint_eq(rig_heard(c[0]), 0); /* CLEAR stays */
  ck_assert_str_eq(rig_changed(c[0], RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

START_TEST(R35_reset_forgets_quiet_entries)
{
  AT(RIG_BIT4, ns);

  (void)ns;
  RIG_OK(rig_host_delete(c[0], 1));
  rig_reenable(c[0]);
  ck_assert_str_eq(rig_changed(c[0], RIG_LID4, RIG_PEEK), "1"); /* afresh: it is owed (R65) */
  ck_assert_str_eq(rig_changed(c[0], RIG_LID1C, RIG_PEEK), "");
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "change", R40_create_raises_no_attached_event,
      R40_create_raises_the_allocated_event_everywhere,
      R40_a_new_namespace_of_the_backend_is_like_a_create,
      R40_attach_raises_the_attached_event_where_it_was_attached,
      R40_attach_tells_the_issuer_that_attached_to_itself,
      R40_attach_raises_the_allocated_event_everywhere,
      R40_detach_raises_the_attached_event_where_it_was_detached,
      R40_detach_raises_the_allocated_event_everywhere,
      R40_attach_and_detach_by_the_backend_are_told_too,
      R40_surprise_detach_is_told_like_an_orderly_one,
      R40_delete_tells_attached_controllers_but_the_issuer,
      R40_delete_tells_all_of_the_allocation_but_the_issuer,
      R40_an_issuer_that_was_not_attached_hears_nothing_of_its_delete,
      R40_delete_of_all_is_a_delete, R41_the_issuer_of_a_delete_finds_it_in_its_log,
      R41_a_quiet_change_does_not_wait_for_the_bit_either, R41_a_quiet_change_leaves_an_owed_event,
      R41_a_quiet_change_leaves_a_reported_event, R40_unplug_tells_every_attached_controller,
      R40_unplug_tells_all_of_the_allocation, R40_plug_tells_all_if_it_attaches,
      R40_a_detach_that_is_hurried_is_not_told_twice,
      P19_a_controller_that_cannot_see_it_is_not_told,
      R38_changed_identify_data_are_told_where_attached,
      R39_changed_identify_data_are_told_everywhere, R38_write_protect_and_backend_data_are_changes,
      C8_events_go_out_in_cntlid_order, C8_the_issuers_completion_is_the_last,
      R41_a_short_read_of_quiet_entries_consumes_the_served, R35_reset_forgets_quiet_entries);
}
