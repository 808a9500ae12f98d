/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_owes.c: what has left a path is owed two scans, and another namespace waits for them
 * (R60, R61, R62 a; H1, H3). One path of a host; how reads count is in test_owes_reads.c, several
 * paths in test_owes_paths.c.
 */
#include "disks.h"

/* A listening path that has seen A under NSID 1. */
static rig_ctrl *with_a(rig *r)
{
  rig_ctrl *c = disks_path(r, 1);

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  SILENT(c);
  return c;
}

START_TEST(R60_a_swap_is_a_plain_removal_and_then_a_plain_addition)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *b;

  rig_log_clear(r);
  b = disks_swap(r, 1, 'B');
  ck_assert_str_eq(rig_log(r), "drain n1 c0; detached n1 c0; released n1");
  WANTED(b, c, HOST);
  IDS(c, "");
  ck_assert_int_eq(disks_who(c, 1), 0);
  ck_assert_str_eq(more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "0:");
  ck_assert_str_eq(rig_ids(c, NVMENS_CNS_ALLOCATED_NS_LIST), "1");
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  HEARS(c, "1"); /* the scan that drops A */
  WANTED(b, c, HOST);
  IDS(c, "");
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  IDS(c, "");
  rig_log_clear(r);
  ck_assert_str_eq(disks_log(c), "1"); /* the scan that adds B */
  ck_assert_str_eq(rig_log(r), "attached n2 c0; complete c0");
  ATTACHED(b, c);
  IDS(c, "1");
  ck_assert_int_eq(disks_who(c, 1), 'B');
  ck_assert_str_eq(more_ctrls(c, NVMENS_CNS_NS_CTRL_LIST, 1, 0), "1: 0");
  ck_assert_uint_eq(more_begin(r, lane, 1), 0);
  SILENT(c);
  ck_assert_str_eq(disks_log(c), "");
  rig_end(r);
}
END_TEST

START_TEST(R60_what_no_host_could_see_is_not_owed)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  b = disks_swap(r, 1, 'B');
  ATTACHED(b, c);
  disks_listen(c);
  IDS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

/* What is READY for a moment is enough: the host need not have listened, nor have looked. */
START_TEST(R60_what_was_attached_while_the_controller_was_ready_is_owed)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  if (_i != 1)
    rig_enable(c);
  if (_i == 0)
    rig_reset(c);
  if (_i == 2)
    rig_shutdown(c);
  b = disks_swap(r, 1, 'B');
  if (_i == 1)
    ATTACHED(b, c);
  else if (_i == 3)
    FENCED(b, c); /* R64: it is READY and does not listen */
  else
    WANTED(b, c, HOST);
  rig_end(r);
}
END_TEST

START_TEST(R60_what_comes_back_is_attached_at_once)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_take(r, 1);
  if (_i)
    HEARS(c, "1"); /* one scan of the two */
  ATTACHED(disks_put(r, 1, 'A'), c);
  IDS(c, "1");
  HEARS(c, "1");
  SILENT(c);
  WANTED(disks_swap(r, 1, 'B'), c, HOST); /* it has left anew: two scans, not one */
  HEARS(c, "1");
  IDS(c, "");
  HEARS(c, "1");
  IDS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

/* The controller was not READY since it came back, but it owed when that happened. */
START_TEST(R60_what_came_back_to_a_path_that_owed_is_owed_again)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_ns *b;

  rig_reset(c);
  ATTACHED(disks_swap(r, 1, 'A'), c);
  b = disks_swap(r, 1, 'B');
  WANTED(b, c, HOST);
  disks_listen(c);
  HEARS(c, "1");
  HEARS(c, "1");
  ATTACHED(b, c);
  rig_end(r);
}
END_TEST

START_TEST(R60_a_detach_is_a_leave)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_ns *b;

  if (_i)
    RIG_OK(rig_host_detach(c, 1, c));
  else
    ck_assert_int_eq(rig_detach(rig_find(r, 1), c, NVMENS_SURPRISE, 0), 0);
  HEARS(c, "1");
  b = disks_swap(r, 1, 'B'); /* A was not there any more */
  WANTED(b, c, HOST);
  HEARS(c, "1");
  ATTACHED(b, c);
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R60_there_and_back_needs_no_scan)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  WANTED(disks_swap(r, 1, 'B'), c, HOST);
  rig_log_clear(r);
  ATTACHED(disks_swap(r, 1, 'A'), c);
  ck_assert_str_eq(rig_log(r), "released n2; attached n3 c0"); /* B was never there */
  HEARS(c, "1");
  ck_assert_int_eq(disks_who(c, 1), 'A');
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R60_who_only_waited_is_not_owed)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_ns *third;

  disks_swap(r, 1, 'B');
  HEARS(c, "1");
  third = disks_swap(r, 1, 'C');
  WANTED(third, c, HOST);
  HEARS(c, "1");
  ATTACHED(third, c);
  SILENT(c);
  rig_end(r);
}
END_TEST

/* A drain is no part of it: the leave is published when it begins. */
START_TEST(R60_scans_count_from_the_leave_not_from_the_end_of_the_drain)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  rig_io io = rig_io_begin(r, rig_lane(c), 1);
  const nvmens_ns_config config = disks_config(1, 'B');

  disks_take(r, 1);
  HEARS(c, "1");
  ck_assert_int_eq(rig_ns_try(r, &config, NULL), NVMENS_ERR_BUSY);
  disks_put(r, 2, 'C');
  HEARS(c, "2");
  rig_io_end(&io);
  rig_rest(r);
  ATTACHED(disks_put(r, 1, 'B'), c);
  rig_end(r);
}
END_TEST

/* H1: the path has let go and a command of before is still there; G1 keeps it with its A. */
START_TEST(H1_a_command_of_before_holds_what_it_began_with)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);
  nvmens_lane *lane = rig_lane(c);
  rig_ns *a = rig_find(r, 1), *b;
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_int_eq(rig_detach(a, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  HEARS(c, "1");
  ck_assert_uint_eq(more_begin(r, lane, 1), DNR02);
  disks_take(r, 1);
  disks_put(r, 2, 'C');
  HEARS(c, "2");
  ck_assert_int_eq(a->released, 0);
  rig_io_end(&io);
  rig_rest(r);
  ck_assert_int_eq(a->released, 1);
  b = disks_put(r, 1, 'B');
  io = rig_io_begin(r, lane, 1);
  ck_assert_ptr_eq(io.ns, b);
  rig_io_end(&io);
  rig_end(r);
}
END_TEST

/* ---- R62 a: who is another ---- */

static void set_ident(nvmens_ns_config *config, uint8_t uuid, uint8_t nguid, uint8_t eui64)
{
  memset(&config->ident, 0, sizeof(config->ident));
  config->ident.uuid[0] = uuid;
  config->ident.nguid[0] = nguid;
  config->ident.eui64[0] = eui64;
}

static void two_scans_between(const nvmens_ns_config *one, const nvmens_ns_config *two)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.csi_supported = 5});
  rig_ctrl *c = disks_down(r, 1);
  rig_ns *b;

  disks_enable(c, NVMENS_CSS_ALL);
  RIG_OK(rig_set_aec(c, RIG_BIT4));
  rig_ns_new(r, one);
  HEARS(c, "1");
  disks_take(r, 1);
  b = rig_ns_new(r, two);
  WANTED(b, c, HOST);
  HEARS(c, "1");
  WANTED(b, c, HOST);
  HEARS(c, "1");
  ATTACHED(b, c);
  rig_end(r);
}

START_TEST(R62_uuid_nguid_eui64_and_csi_are_the_identity)
{
  nvmens_ns_config one = disks_config(1, 'A'), two;

  memset(one.ident.nguid, 'N', 16);
  memset(one.ident.eui64, 'E', 8);
  two = one;
  if (_i == 0)
    two.ident.uuid[15]++;
  else if (_i == 1)
    two.ident.nguid[15]++;
  else if (_i == 2)
    two.ident.eui64[7]++;
  else if (_i == 3)
    two.csi = NVMENS_CSI_ZNS;
  else if (_i == 4)
    memset(two.ident.nguid, 0, 16);
  else
    memset(two.ident.eui64, 0, 8);
  two_scans_between(&one, &two);
}
END_TEST

/* Each of these has the same bytes in another place, or the same sum, as one before it. */
static const struct {
  uint8_t uuid, nguid, eui64, csi;
} who[] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 2, 0},
           {2, 0, 0, 2}, {0, 2, 0, 2}, {0, 0, 2, 2}, {1, 0, 0, 2}, {0, 1, 0, 2}, {3, 0, 0, 2},
           {1, 1, 0, 0}, {1, 0, 1, 0}, {0, 1, 1, 0}, {3, 1, 2, 0}, {1, 2, 3, 0}, {2, 2, 2, 2}};
enum { WHO = sizeof(who) / sizeof(who[0]) };

START_TEST(R62_no_two_identities_are_taken_for_one)
{
  nvmens_ns_config one = disks_config(1, 0), two = disks_config(1, 0);
  int j;

  for (j = 0; j < WHO; j++) {
    if (j == _i)
      continue;
    set_ident(&one, who[_i].uuid, who[_i].nguid, who[_i].eui64);
    one.csi = who[_i].csi;
    set_ident(&two, who[j].uuid, who[j].nguid, who[j].eui64);
    two.csi = who[j].csi;
    two_scans_between(&one, &two);
  }
}
END_TEST

/* The same bytes at another place of one field. */
START_TEST(R62_the_order_of_the_bytes_counts)
{
  nvmens_ns_config one = disks_config(1, 0), two = disks_config(1, 0);

  one.ident.uuid[_i] = 7;
  two.ident.uuid[(_i + 8) % 16] = 7;
  two_scans_between(&one, &two);
}
END_TEST

START_TEST(R62_shared_or_private_is_no_part_of_the_identity_on_one_path)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  if (_i) {
    disks_private(r, 1, 'A');
    disks_take(r, 1);
    b = disks_put(r, 1, 'A');
  } else {
    disks_put(r, 1, 'A');
    disks_take(r, 1);
    b = disks_private(r, 1, 'A');
  }
  ATTACHED(b, c);
  rig_end(r);
}
END_TEST

START_TEST(R62_an_NSID_is_owed_for_itself)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r);

  disks_take(r, 1);
  ATTACHED(disks_put(r, 2, 'B'), c);
  HEARS(c, "1 2");
  rig_end(r);
}
END_TEST

START_TEST(R62_who_has_never_seen_the_old_one_waits_for_nothing)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r), *d = disks_path(r, 2);
  rig_ns *b;

  ck_assert_int_eq(rig_detach(rig_find(r, 1), d, NVMENS_ORDERLY, RIG_NEVER), 0);
  disks_settle(d);
  SILENT(d);
  disks_put(r, 2, 'C');
  HEARS(d, "2"); /* d has let go */
  b = disks_swap(r, 1, 'B');
  WANTED(b, c, HOST);
  ATTACHED(b, d);
  rig_end(r);
}
END_TEST

/* What is attached, and what waits, is in the log of allocated namespaces when it is (R57, R40). */
START_TEST(R57_a_wait_is_in_no_log)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = with_a(r), *d = disks_down(r, 2);

  rig_enable(d);
  RIG_OK(rig_set_aec(d, RIG_BIT1C));
  ck_assert_int_eq(rig_detach(rig_find(r, 1), c, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_detach(rig_find(r, 1), d, NVMENS_ORDERLY, RIG_NEVER), 0);
  disks_take(r, 1);
  disks_loose(r, 1, 'B');
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C);
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "1");
  RIG_OK(rig_host_attach(d, 1, c)); /* it waits */
  WANTED(rig_find(r, 1), c, HOST);
  SILENT(d);
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "");
  HEARS(c, "1");
  SILENT(d);
  HEARS(c, "1");
  ck_assert_uint_eq(rig_heard(d), RIG_EV1C); /* now it is attached */
  ck_assert_str_eq(rig_changed(d, RIG_LID1C, RIG_CONSUME), "1");
  SILENT(d);
  rig_end(r);
}
END_TEST

START_TEST(R60_many_swaps_share_two_scans)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  uint32_t i, list[NVMENS_LIST_NSIDS];

  for (i = 1; i <= 50; i++)
    disks_put(r, i, (char)i);
  disks_settle(c);
  for (i = 1; i <= 50; i++)
    disks_swap(r, i, (char)(100 + i));
  ck_assert_uint_eq(rig_info(c).wanted, 50);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  disks_log(c);
  ck_assert_uint_eq(rig_info(c).wanted, 50);
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  disks_log(c);
  ck_assert_uint_eq(rig_info(c).wanted, 0);
  ck_assert_uint_eq(rig_id_list(c, NVMENS_CNS_ACTIVE_NS_LIST, 0, list), 50);
  SILENT(c);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("owes");
  TCase *t = tcase_create("owes");

  tcase_add_test(t, R60_a_swap_is_a_plain_removal_and_then_a_plain_addition);
  tcase_add_test(t, R60_what_no_host_could_see_is_not_owed);
  tcase_add_loop_test(t, R60_what_was_attached_while_the_controller_was_ready_is_owed, 0, 4);
  tcase_add_loop_test(t, R60_what_comes_back_is_attached_at_once, 0, 2);
  tcase_add_test(t, R60_what_came_back_to_a_path_that_owed_is_owed_again);
  tcase_add_loop_test(t, R60_a_detach_is_a_leave, 0, 2);
  tcase_add_test(t, R60_there_and_back_needs_no_scan);
  tcase_add_test(t, R60_who_only_waited_is_not_owed);
  tcase_add_test(t, R60_scans_count_from_the_leave_not_from_the_end_of_the_drain);
  tcase_add_test(t, H1_a_command_of_before_holds_what_it_began_with);
  tcase_add_loop_test(t, R62_uuid_nguid_eui64_and_csi_are_the_identity, 0, 6);
  tcase_add_loop_test(t, R62_no_two_identities_are_taken_for_one, 0, WHO);
  tcase_add_loop_test(t, R62_the_order_of_the_bytes_counts, 0, 8);
  tcase_add_loop_test(t, R62_shared_or_private_is_no_part_of_the_identity_on_one_path, 0, 2);
  tcase_add_test(t, R62_an_NSID_is_owed_for_itself);
  tcase_add_test(t, R62_who_has_never_seen_the_old_one_waits_for_nothing);
  tcase_add_test(t, R57_a_wait_is_in_no_log);
  tcase_add_test(t, R60_many_swaps_share_two_scans);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
