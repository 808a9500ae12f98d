/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_swap_mark.c: another namespace under the same NSID: the host is told a second time, after
 * it has seen the new identity (C14, S09; design.md, swap mark). Linux drops the disk in the first
 * scan and adds the new one only in a second.
 */
#include "rig.h"
#include "rig_main.h"

static nvmens_ns_config config_of(char who)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1, .auto_attach = 1};

  memset(config.ident.uuid, who, 16);
  return config;
}

static rig_ns *plug(rig *r, char who)
{
  const nvmens_ns_config config = config_of(who);

  return rig_ns_new(r, &config);
}

/* The namespace with NSID 1 goes and another comes. */
static void swap(rig *r, char who)
{
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  plug(r, who);
}

static void scan(rig_ctrl *c)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
}

static const char *read_log(rig_ctrl *c)
{
  return rig_changed(c, RIG_LID4, RIG_CONSUME);
}

/* A listening controller that has seen namespace A. */
static rig_ctrl *with_a(rig *r)
{
  rig_ctrl *c = rig_listening(r, RIG_BIT4);

  plug(r, 'A');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(read_log(c), "1");
  scan(c);
  return c;
}

/* ---- NONE ---- */

START_TEST(C14_the_first_attachment_is_no_swap)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(read_log(c), "");
  rig_end(r);
}
END_TEST

START_TEST(S08_the_same_identity_again_is_no_swap)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'A');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(read_log(c), "1");
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(C14_the_same_namespace_attached_again_is_no_swap)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  RIG_OK(rig_host_detach(c, 1, c));
  RIG_OK(rig_host_attach(c, 1, c));
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(C14_a_namespace_that_was_never_attached_here_does_not_count)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);
  nvmens_ns_config other = config_of('B');

  other.auto_attach = 0;
  rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER);
  rig_unplug(rig_ns_new(r, &other), NVMENS_ORDERLY, RIG_NEVER);
  plug(r, 'A');
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

/* ---- SWAPPED ---- */

START_TEST(S09_another_identity_is_told_twice)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(read_log(c), "1");
  ck_assert_uint_eq(rig_heard(c), 0); /* not before the host has seen the new identity */
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(read_log(c), "1"); /* C6: the list says which */
  rig_end(r);
}
END_TEST

START_TEST(S09_told_twice_and_no_more)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  ck_assert_str_eq(read_log(c), "");
  rig_end(r);
}
END_TEST

START_TEST(S09_a_log_read_without_an_event_leaves_the_mark)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  ck_assert_str_eq(read_log(c), "1"); /* PENDING: no AER was parked */
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_there_and_back_is_a_swap)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  swap(r, 'A');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_the_mark_survives_a_detach)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  RIG_OK(rig_host_detach(c, 1, c));
  RIG_OK(rig_host_attach(c, 1, c)); /* same identity as before: stay */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_swap_by_explicit_attachments_is_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);
  nvmens_ns_config other = config_of('B');

  other.auto_attach = 0;
  RIG_OK(rig_host_detach(c, 1, c));
  rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER);
  rig_ns_new(r, &other);
  RIG_OK(rig_host_attach(c, 1, c));
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_failed_transfer_has_not_shown_it)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);
  uint8_t page[NVMENS_PAGE];

  swap(r, 'B');
  read_log(c);
  r->fail_transfer = 1;
  RIG_FAILS(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page), r->transfer_sf);
  ck_assert_uint_eq(rig_heard(c), 0);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_only_cns_03h_shows_it)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);
  static const uint8_t cns[] = {NVMENS_CNS_NS, NVMENS_CNS_ACTIVE_NS_LIST,
                                NVMENS_CNS_NS_INDEPENDENT};
  uint8_t page[NVMENS_PAGE];
  unsigned i;

  swap(r, 'B');
  read_log(c);
  for (i = 0; i < sizeof(cns); i++)
    RIG_OK(rig_identify(c, cns[i], cns[i] == NVMENS_CNS_ACTIVE_NS_LIST ? 0 : 1, page));
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(S09_each_controller_has_marks_of_its_own)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c0 = rig_listening(r, RIG_BIT4), *c1 = rig_listening(r, RIG_BIT4);

  plug(r, 'A');
  swap(r, 'B');
  read_log(c0);
  read_log(c1);
  scan(c0);
  ck_assert_uint_eq(rig_heard(c0), RIG_EV4);
  ck_assert_uint_eq(rig_heard(c1), 0);
  scan(c1);
  ck_assert_uint_eq(rig_heard(c1), RIG_EV4);
  rig_end(r);
}
END_TEST

static void swap_one_field(unsigned field)
{
  rig *r = rig_new(&(nvmens_subsys_config){.csi_supported = 5});
  rig_ctrl *c = rig_ctrl_new(r, NULL);
  nvmens_ns_config config = config_of('A');

  memset(config.ident.nguid, 'N', 16);
  memset(config.ident.eui64, 'E', 8);
  ck_assert_int_eq(nvmens_ctrl_enable(c->c, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT), 0);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  rig_unplug(rig_ns_new(r, &config), NVMENS_ORDERLY, RIG_NEVER);
  if (field == 0)
    config.ident.uuid[15]++;
  else if (field == 1)
    config.ident.nguid[15]++;
  else if (field == 2)
    config.ident.eui64[7]++;
  else
    config.csi = NVMENS_CSI_ZNS;
  rig_ns_new(r, &config);
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}

START_TEST(C14_uuid_nguid_eui64_and_csi_are_the_identity)
{
  unsigned field;

  for (field = 0; field < 4; field++)
    swap_one_field(field);
}
END_TEST

START_TEST(S09_an_overflow_does_not_hurt_the_mark)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = with_a(r);
  unsigned i;

  swap(r, 'B');
  r->no_check = 1;
  for (i = 2; i < 1100; i++)
    rig_ns_auto(r, i);
  r->no_check = 0;
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(read_log(c), "overflow");
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(read_log(c), "1");
  rig_end(r);
}
END_TEST

/* ---- SHOWN ---- */

START_TEST(S09_a_second_look_changes_nothing)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  read_log(c);
  scan(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  scan(c);
  read_log(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_read_while_owed_leaves_the_event_owed)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  scan(c);
  ck_assert_str_eq(read_log(c), "1"); /* no AER was parked: perhaps the same scan */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_ne(read_log(c), ""); /* C6: an empty list would mean "nothing changed" */
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_peek_leaves_a_shown_mark)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_changed(c, RIG_LID4, RIG_PEEK);
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  scan(c); /* it was SHOWN and is SWAPPED by the reset */
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_another_swap_after_the_look_starts_again)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  read_log(c);
  scan(c);
  swap(r, 'C');
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

/* ---- reset ---- */

START_TEST(S09_an_unseen_swap_survives_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  ck_assert_uint_eq(rig_heard(c), 0);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_seen_swap_is_told_again_after_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  read_log(c);
  scan(c);
  rig_reenable(c); /* its event is gone */
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_swap_that_is_done_with_stays_so_after_a_reset)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  read_log(c);
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c);
  rig_reenable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

START_TEST(S09_a_swap_while_disabled_is_one)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  rig_reset(c);
  swap(r, 'B');
  rig_enable(c);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  scan(c);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  rig_end(r);
}
END_TEST

START_TEST(S09_attached_again_after_the_look_it_is_still_shown)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = with_a(r);

  swap(r, 'B');
  read_log(c);
  scan(c);
  RIG_OK(rig_host_detach(c, 1, c));
  RIG_OK(rig_host_attach(c, 1, c));
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  read_log(c); /* REPORTED: the mark is done with */
  scan(c);
  ck_assert_uint_eq(rig_heard(c), 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "swap_mark", C14_the_first_attachment_is_no_swap, S08_the_same_identity_again_is_no_swap,
      C14_the_same_namespace_attached_again_is_no_swap,
      C14_a_namespace_that_was_never_attached_here_does_not_count,
      S09_another_identity_is_told_twice, S09_told_twice_and_no_more,
      S09_a_log_read_without_an_event_leaves_the_mark, S09_there_and_back_is_a_swap,
      S09_the_mark_survives_a_detach, S09_a_swap_by_explicit_attachments_is_one,
      S09_a_failed_transfer_has_not_shown_it, S09_only_cns_03h_shows_it,
      S09_each_controller_has_marks_of_its_own, C14_uuid_nguid_eui64_and_csi_are_the_identity,
      S09_an_overflow_does_not_hurt_the_mark, S09_a_second_look_changes_nothing,
      S09_a_read_while_owed_leaves_the_event_owed, S09_a_peek_leaves_a_shown_mark,
      S09_another_swap_after_the_look_starts_again, S09_an_unseen_swap_survives_a_reset,
      S09_a_seen_swap_is_told_again_after_a_reset,
      S09_a_swap_that_is_done_with_stays_so_after_a_reset, S09_a_swap_while_disabled_is_one,
      S09_attached_again_after_the_look_it_is_still_shown);
}
