/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_scenarios.c: given, when, then: what the host sees (scenarios 1-8, 20-23; 9 is in
 * test_owes.c, 10-19 in test_scenarios_drain.c, 24 in test_nomem.c).
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

static uint8_t seen_list[NVMENS_PAGE], seen_log[NVMENS_PAGE];

static void look(rig *r, const rig_event *e)
{
  r->react = NULL;
  rig_identify(e->ctrl, NVMENS_CNS_ACTIVE_NS_LIST, 0, seen_list);
  rig_get_log(e->ctrl, RIG_LID4, RIG_PEEK, 0, NVMENS_PAGE, seen_log);
}

/* ---- 1-8: events and the log ---- */

START_TEST(S01_the_event_comes_after_the_list_and_the_log)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  rig_aer(c);
  r->react = look; /* the host at the moment of the completion */
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_ns_auto(r, 7);
  ck_assert_str_eq(rig_list_text(r, seen_list), "7");
  ck_assert_str_eq(rig_list_text(r, seen_log), "7");
  rig_end(r);
}
END_TEST

START_TEST(S01_a_removal_too)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 7);

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_aer(c);
  r->drain = RIG_DRAIN_PENDING; /* published before it is drained */
  r->react = look;
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert(!r->react);
  ck_assert_str_eq(rig_list_text(r, seen_list), "");
  ck_assert_str_eq(rig_list_text(r, seen_log), "7");
  rig_end(r);
}
END_TEST

START_TEST(S02_without_an_aer_the_event_waits_for_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S03_a_change_while_the_bit_is_off_is_one_event_later)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);

  rig_ns_auto(r, 4);
  rig_unplug(rig_ns_auto(r, 2), NVMENS_ORDERLY, RIG_NEVER);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(RIG_OK(one)->dw0, RIG_EV4);
  ck_assert(rig_is_open(two));
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2 4");
  ck_assert(rig_is_open(two));
  rig_end(r);
}
END_TEST

START_TEST(S04_a_thousand_changes_are_one_event_and_a_complete_list)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);
  uint8_t page[NVMENS_PAGE];
  unsigned i;

  r->no_check = 1;
  for (i = 1; i <= 1000; i++)
    rig_ns_auto(r, 2 * i);
  r->no_check = 0;
  RIG_OK(one);
  ck_assert(rig_is_open(two));
  RIG_OK(rig_get_log(c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
  for (i = 0; i < 1024; i++)
    ck_assert_uint_eq(nvmens_get32(page + 4 * i), i < 1000 ? 2 * (i + 1) : 0);
  ck_assert(rig_is_open(two));
  rig_end(r);
}
END_TEST

static void plug_nine(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  rig_ns_auto(r, 9);
}

START_TEST(S05_a_change_that_races_a_read_is_in_it_or_told_again)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  const char *text;

  rig_ns_auto(r, 1);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  r->react = plug_nine;
  r->react_on = RIG_BIT(RIG_TRANSFER);
  text = rig_changed(c, RIG_LID4, RIG_CONSUME);
  if (strcmp(text, "1 9") != 0) {
    ck_assert_str_eq(text, "1");
    ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
    ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "9");
  }
  rig_end(r);
}
END_TEST

START_TEST(S06_1025th_change_overflows)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  unsigned i;

  r->no_check = 1;
  for (i = 1; i <= 1024; i++)
    rig_ns_auto(r, i);
  r->no_check = 0;
  ck_assert_str_ne(rig_changed(c, RIG_LID4, RIG_PEEK), "overflow");
  rig_ns_auto(r, 1025);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "overflow");
  rig_ns_auto(r, 1026);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1026");
  rig_end(r);
}
END_TEST

START_TEST(S07_added_and_removed_is_listed_once_and_reads_zero)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  static const uint8_t zero[NVMENS_PAGE];
  uint8_t page[NVMENS_PAGE];

  rig_unplug(rig_ns_auto(r, 3), NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "3");
  memset(page, 0xEE, sizeof(page));
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 3, page));
  ck_assert_mem_eq(page, zero, sizeof(page));
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(S08_removed_and_added_again_is_one_event)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 3);
  const nvmens_ns_config same = {.nsid = 3, .shared = 1, .auto_attach = 1, .ident = ns->ident};

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  rig_ns_new(r, &same);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "3");
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

/* ---- 20-22 ---- */

START_TEST(S20_one_aer_too_many_leaves_the_others)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *aer[4];
  unsigned i;

  for (i = 0; i < 4; i++)
    aer[i] = rig_aer(c);
  RIG_FAILS(rig_aer(c), RIG_DNR(NVMENS_SC_AER_LIMIT_EXCEEDED));
  for (i = 0; i < 4; i++)
    ck_assert(rig_is_open(aer[i]));
  rig_ns_auto(r, 1);
  RIG_OK(aer[0]);
  rig_end(r);
}
END_TEST

START_TEST(S21_resize_and_removal_are_one_entry)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  uint8_t page[NVMENS_PAGE];

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  ck_assert_int_eq(rig_resize(ns, 0x9000), 0);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, page));
  ck_assert_uint_eq(nvmens_get64(page), 0); /* the final state */
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(S21_two_resizes_show_the_last)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_ns *ns = rig_ns_auto(r, 1);
  nvmens_id_ns page;

  rig_changed(c, RIG_LID4, RIG_CONSUME);
  rig_resize(ns, 0x9000);
  rig_resize(ns, 0x7000);
  ck_assert_uint_eq(rig_event_now(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
  RIG_OK(rig_identify(c, NVMENS_CNS_NS, 1, &page));
  ck_assert_uint_eq(nvmens_get64(page.nsze), 0x7000);
  rig_end(r);
}
END_TEST

static void new_controller(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  r->react_arg = rig_ctrl_new(r, NULL);
  rig_enable(r->react_arg);
}

START_TEST(S22_a_controller_created_during_a_plug_has_it)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  r->react = new_controller;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_ptr_nonnull(r->react_arg);
  ck_assert_str_eq(rig_ids(r->react_arg, NVMENS_CNS_ACTIVE_NS_LIST), "1");
  rig_end(r);
}
END_TEST

START_TEST(S22_a_controller_created_during_a_removal_has_it_not)
{
  rig *r = rig_new(NULL);
  rig_ns *ns;

  rig_ctrl_on(r);
  ns = rig_ns_auto(r, 1);
  r->react = new_controller;
  r->react_on = RIG_BIT(RIG_DRAIN);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_ptr_nonnull(r->react_arg);
  ck_assert_str_eq(rig_ids(r->react_arg, NVMENS_CNS_ACTIVE_NS_LIST), "");
  ck_assert_int_eq(ns->released, 1);
  rig_end(r);
}
END_TEST

static void enable_arg(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  rig_enable(r->react_arg);
}

START_TEST(S22_a_controller_enabled_during_a_plug_sees_it)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_ctrl_on(r), *c1 = rig_ctrl_new(r, NULL);

  (void)c0;
  r->react = enable_arg;
  r->react_arg = c1;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert_str_eq(rig_ids(c1, NVMENS_CNS_ACTIVE_NS_LIST), "1"); /* new; the event may follow */
  rig_end(r);
}
END_TEST

/* ---- 23: hooks that call back ---- */

static void unplug_arg(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  ck_assert_int_eq(rig_unplug(r->react_arg, NVMENS_ORDERLY, RIG_NEVER), 0);
}

START_TEST(S23_what_a_hook_causes_is_appended)
{
  rig *r = rig_new(NULL);
  rig_ns *n1, *n2;

  rig_ctrl_on(r);
  n1 = rig_ns_auto(r, 1);
  n2 = rig_ns_auto(r, 2);
  rig_log_clear(r);
  r->react = unplug_arg;
  r->react_arg = n2;
  r->react_on = RIG_BIT(RIG_DRAIN);
  rig_unplug(n1, NVMENS_ORDERLY, RIG_NEVER);
  rig_rest(r);
  ck_assert_int_eq(n1->released, 1);
  ck_assert_int_eq(n2->released, 1);
  ck_assert_int_eq(strncmp(rig_log(r), "drain n1 c0; drain n2 c0; ", 26), 0);
  rig_end(r);
}
END_TEST

static void replug(rig *r, const rig_event *e)
{
  r->react = NULL;
  ck_assert_uint_eq(e->ns->id, 1);
  rig_ns_auto(r, 5);
}

START_TEST(S23_the_nsid_is_free_within_released)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);
  rig_ns *ns = rig_ns_auto(r, 5);

  r->react = replug;
  r->react_on = RIG_BIT(RIG_RELEASED);
  rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER);
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ACTIVE_NS_LIST), "5");
  rig_end(r);
}
END_TEST

static void reset_its_controller(rig *r, const rig_event *e)
{
  r->react = NULL;
  nvmens_ctrl_reset(e->ctrl->c);
}

START_TEST(S23_a_reset_from_within_a_completion_drops_the_rest)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *one = rig_aer(c), *two = rig_aer(c);

  r->react = reset_its_controller;
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_ns_auto(r, 1);
  rig_rest(r);
  RIG_OK(one);
  ck_assert_uint_eq(two->dropped, 1);
  rig_end(r);
}
END_TEST

static void remove_its_controller(rig *r, const rig_event *e)
{
  r->react = NULL;
  rig_ctrl_del(e->ctrl);
}

START_TEST(S23_a_controller_may_go_within_its_hooks)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_ctrl_on(r);

  r->react = remove_its_controller;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  rig_rest(r);
  ck_assert_int_eq(c->released, 1);
  rig_end(r);
}
END_TEST

static void delete_subsystem(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  ck_assert_int_eq(nvmens_subsys_del(r->s), NVMENS_ERR_BUSY);
}

START_TEST(S23_the_subsystem_cannot_go_within_a_hook)
{
  rig *r = rig_new(NULL);

  rig_ctrl_on(r);
  r->react = delete_subsystem;
  r->react_on = RIG_BIT(RIG_ATTACHED);
  rig_ns_auto(r, 1);
  ck_assert(!r->react);
  rig_end(r);
}
END_TEST

static void park_and_read(rig *r, const rig_event *e)
{
  rig_get_log(e->ctrl, RIG_LID4, RIG_CONSUME, 0, NVMENS_PAGE, seen_log);
  r->react = NULL;
  rig_aer(e->ctrl);
  rig_ns_auto(r, 0);
}

START_TEST(S23_a_host_that_answers_at_once_is_served)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = rig_listening(r, RIG_BIT4);
  rig_cmd *one = rig_aer(c);

  r->react = park_and_read;
  r->react_on = RIG_BIT(RIG_COMPLETE);
  rig_ns_auto(r, 0);
  rig_rest(r);
  RIG_OK(one);
  ck_assert_uint_eq(rig_info(c).sent, 2);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "2");
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "scenarios", S01_the_event_comes_after_the_list_and_the_log, S01_a_removal_too,
      S02_without_an_aer_the_event_waits_for_one,
      S03_a_change_while_the_bit_is_off_is_one_event_later,
      S04_a_thousand_changes_are_one_event_and_a_complete_list,
      S05_a_change_that_races_a_read_is_in_it_or_told_again, S06_1025th_change_overflows,
      S07_added_and_removed_is_listed_once_and_reads_zero, S08_removed_and_added_again_is_one_event,
      S20_one_aer_too_many_leaves_the_others, S21_resize_and_removal_are_one_entry,
      S21_two_resizes_show_the_last, S22_a_controller_created_during_a_plug_has_it,
      S22_a_controller_created_during_a_removal_has_it_not,
      S22_a_controller_enabled_during_a_plug_sees_it, S23_what_a_hook_causes_is_appended,
      S23_the_nsid_is_free_within_released, S23_a_reset_from_within_a_completion_drops_the_rest,
      S23_a_controller_may_go_within_its_hooks, S23_the_subsystem_cannot_go_within_a_hook,
      S23_a_host_that_answers_at_once_is_served);
}
