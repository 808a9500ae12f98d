/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_owes_private.c: Linux refuses a second path to what is not shared, so a private namespace
 * waits for the path of its host that had it, and so does what comes after one (R62 b, R60).
 */
#include "disks.h"

START_TEST(R62_a_private_namespace_waits_for_the_path_that_it_has_left)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *ns = disks_loose_private(r, 1, 'A');

  ck_assert_int_eq(rig_attach(ns, q), 0);
  HEARS(q, "1");
  ck_assert_int_eq(rig_attach(ns, p), NVMENS_ERR_PRIVATE);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, q, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, p), 0);
  WANTED(ns, p, DRAIN);
  ck_assert_int_eq(rig_drained(ns, q), 0);
  rig_rest(r);
  WANTED(ns, p, HOST);
  HEARS(q, "1");
  WANTED(ns, p, HOST);
  SILENT(p);
  HEARS(q, "1");
  ATTACHED(ns, p);
  HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

START_TEST(R62_a_private_namespace_moves_to_another_host_at_once)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 2);
  rig_ns *ns = disks_loose_private(r, 1, 'A');

  ck_assert_int_eq(rig_attach(ns, q), 0);
  HEARS(q, "1");
  ck_assert_int_eq(rig_detach(ns, q, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_attach(ns, p), 0);
  ATTACHED(ns, p);
  HEARS(p, "1");
  rig_end(r);
}
END_TEST

/* _i: bit 0, what was there is private; bit 1, what comes is. On another path than it was. */
START_TEST(R62_the_same_one_waits_where_either_of_the_two_is_private)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  nvmens_ns_config config = disks_config(1, 'A');
  rig_ns *ns;

  config.auto_attach = 0;
  config.shared = !(_i & 1);
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), q), 0);
  HEARS(q, "1");
  disks_take(r, 1);
  config.shared = !(_i & 2);
  ns = rig_ns_new(r, &config);
  ck_assert_int_eq(rig_attach(ns, p), 0);
  if (_i) {
    WANTED(ns, p, HOST);
    HEARS(q, "1");
    HEARS(q, "1");
  }
  ATTACHED(ns, p);
  rig_end(r);
}
END_TEST

/* p, with the lower CNTLID, waits for q, which owes; the same one comes back to q, which owes
 * nothing then. */
START_TEST(R60_what_comes_back_ends_the_wait_of_the_others_in_that_call)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *ns;

  ck_assert_int_eq(rig_attach(disks_loose_private(r, 1, 'A'), _i ? p : q), 0);
  HEARS(_i ? p : q, "1");
  disks_take(r, 1);
  ns = disks_put(r, 1, 'A');
  ATTACHED(ns, p);
  ATTACHED(ns, q);
  rig_end(r);
}
END_TEST

/* It drains at p, and is attached there again when that has ended. */
START_TEST(R58_what_comes_again_where_it_drains_is_refused_elsewhere)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 2);
  rig_ns *ns = disks_private(r, 1, 'A');

  ATTACHED(ns, p);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_detach(ns, p, NVMENS_ORDERLY, RIG_NEVER), 0);
  ck_assert_int_eq(rig_plug(ns), 0);
  ck_assert_int_eq(rig_attach(ns, q), NVMENS_ERR_PRIVATE);
  ck_assert_int_eq(rig_drained(ns, p), 0);
  ATTACHED(ns, p);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("owes_private");
  TCase *t = tcase_create("owes_private");

  tcase_add_test(t, R62_a_private_namespace_waits_for_the_path_that_it_has_left);
  tcase_add_test(t, R62_a_private_namespace_moves_to_another_host_at_once);
  tcase_add_loop_test(t, R62_the_same_one_waits_where_either_of_the_two_is_private, 0, 4);
  tcase_add_loop_test(t, R60_what_comes_back_ends_the_wait_of_the_others_in_that_call, 0, 2);
  tcase_add_test(t, R58_what_comes_again_where_it_drains_is_refused_elsewhere);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
