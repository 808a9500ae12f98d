/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_swap_left.c: a path that leaves with an old disk (C14). Linux takes a new namespace on
 * another path of that host only when the old disk has gone: the path is told until it has.
 */
#include "swap_paths.h"

START_TEST(C14_a_swapped_path_that_leaves_is_told_until_its_disk_has_gone)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  hear_and_read(a);
  scan(a); /* refused */
  ck_assert_int_eq(rig_detach(rig_find(r, 1), b, _i ? NVMENS_SURPRISE : NVMENS_ORDERLY, RIG_NEVER),
                   0);
  b_drops_it(a, b);
  rig_end(r);
}
END_TEST

START_TEST(C14_an_NSID_that_moves_to_another_path_is_told_when_the_old_disk_has_gone)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 1);

  b_drops_it(a, b);
  rig_end(r);
}
END_TEST

/* "Duplicate unshared namespace": whoever it is, while another path of the host has the NSID. */
START_TEST(C14_a_private_namespace_that_moves_is_told_when_the_old_disk_has_gone)
{
  nvmens_ns_config config = {.nsid = 1, .shared = _i > 0};
  rig *r = rig_new(NULL);
  rig_ctrl *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}});
  rig_ctrl *b = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}});

  listen(a);
  listen(b);
  memset(config.ident.uuid, 'A', 16);
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), b), 0);
  hear_and_read(b);
  scan(b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  config.shared = _i > 1;
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), a), 0);
  hear_and_read(a);
  scan(a); /* refused */
  if (_i < 2) {
    b_drops_it(a, b);
  } else { /* it is shared: two paths to one disk */
    hear_and_read(b);
    ck_assert_uint_eq(rig_heard(b), 0);
    ck_assert_uint_eq(rig_heard(a), 0);
  }
  rig_end(r);
}
END_TEST

START_TEST(C14_an_NSID_that_moves_to_another_host_is_not_told)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 2);

  hear_and_read(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  ck_assert_uint_eq(rig_heard(a), 0);
  rig_end(r);
}
END_TEST

/* The driver may keep the disk over a reset, and hears of nothing that was before it. */
START_TEST(C14_a_path_that_has_left_is_told_after_a_reset)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 1);

  if (_i)
    hear_and_read(b); /* that scan may not have come to its end */
  rig_reset(b);
  rig_enable(b);
  rig_set_aec(b, RIG_BIT4);
  b_drops_it(a, b);
  rig_end(r);
}
END_TEST

START_TEST(C14_a_path_that_leaves_while_it_is_down_is_told_when_it_is_up)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  hear_and_read(a);
  scan(a);
  if (_i == 1)
    scan(b); /* what was shown is shown again, but for this */
  rig_reset(b);
  if (_i == 0)
    ck_assert_int_eq(rig_detach(rig_find(r, 1), b, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_enable(b);
  rig_set_aec(b, RIG_BIT4);
  if (_i == 1) {
    ck_assert_uint_eq(rig_heard(b), 0);
    ck_assert_int_eq(rig_detach(rig_find(r, 1), b, NVMENS_ORDERLY, RIG_NEVER), 0);
  }
  b_drops_it(a, b);
  rig_end(r);
}
END_TEST

START_TEST(C14_what_was_shown_on_a_path_that_has_left_is_told_after_a_reset)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  hear_and_read(a);
  scan(b);
  ck_assert_int_eq(rig_detach(rig_find(r, 1), b, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_reset(b);
  rig_enable(b);
  rig_set_aec(b, RIG_BIT4);
  b_drops_it(a, b);
  rig_end(r);
}
END_TEST

/* It is attached again before the old disk has gone: a swap like others. */
START_TEST(C14_a_path_that_has_left_and_comes_back_is_a_swap)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 1);

  if (_i)
    hear_and_read(b);
  ck_assert_int_eq(rig_attach(rig_find(r, 1), b), 0);
  hear_and_read(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  scan(b);
  ck_assert_uint_eq(rig_heard(a), 0);
  hear_and_read(b);
  hear_and_read(a);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

/* What went with it is known: nothing is in the way of the same one. */
START_TEST(C14_the_old_one_comes_back_after_its_disk_has_gone)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 1);

  b_drops_it(a, b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  only(r, 'A', b);
  hear_and_read(b);
  scan(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

/* A read before the event: it is the event that starts the scan. */
START_TEST(C14_a_path_that_has_left_is_told_in_spite_of_a_read)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 1);

  ck_assert_str_eq(rig_changed(b, RIG_LID4, RIG_CONSUME), "1");
  b_drops_it(a, b);
  rig_end(r);
}
END_TEST

START_TEST(C14_a_path_that_leaves_and_comes_back_with_the_same_disk_is_no_swap)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  scan(b);
  hear_and_read(a);
  hear_and_read(b); /* both have B now */
  hear_and_read(a);
  ck_assert_int_eq(rig_detach(rig_find(r, 1), b, NVMENS_ORDERLY, RIG_NEVER), 0);
  hear_and_read(b);
  ck_assert_int_eq(rig_attach(rig_find(r, 1), b), 0);
  hear_and_read(b);
  scan(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

/* b has dropped the disk in the scan that it is to be told of: once is enough, unless what was
 * shown is in the way. */
START_TEST(C14_a_path_that_leaves_after_it_was_shown_is_told_once)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(b);
  if (_i) {
    ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
    rig_changed(b, RIG_LID4, RIG_CONSUME); /* the event is owed all the same */
    only(r, 'C', a);
    ck_assert_str_eq(rig_changed(b, RIG_LID4, RIG_PEEK), "1");
    hear_and_read(b);
  } else {
    ck_assert_int_eq(rig_detach(rig_find(r, 1), b, NVMENS_ORDERLY, RIG_NEVER), 0);
  }
  hear_and_read(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

START_TEST(C14_a_swapped_path_in_the_way_of_a_third_one_is_told_until_its_disk_has_gone)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  hear_and_read(a);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  only(r, 'C', a);
  hear_and_read(b);
  hear_and_read(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

START_TEST(C14_a_controller_that_goes_takes_the_old_disk_along)
{
  rig_ctrl *a, *b;
  rig *r = _i ? swapped(1, 1, &a, &b) : moved(&a, &b, 1);

  if (_i) {
    scan(a);
    hear_and_read(a);
    scan(a);
  }
  ck_assert_uint_eq(rig_heard(a), 0);
  rig_ctrl_del(b);
  ck_assert_int_eq(b->released, 1);
  hear_and_read(a);
  ck_assert_uint_eq(rig_heard(a), 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("swap_left");
  TCase *t = tcase_create("swap_left");

  tcase_add_loop_test(t, C14_a_swapped_path_that_leaves_is_told_until_its_disk_has_gone, 0, 2);
  tcase_add_test(t, C14_an_NSID_that_moves_to_another_path_is_told_when_the_old_disk_has_gone);
  tcase_add_loop_test(t, C14_a_private_namespace_that_moves_is_told_when_the_old_disk_has_gone, 0,
                      3);
  tcase_add_test(t, C14_an_NSID_that_moves_to_another_host_is_not_told);
  tcase_add_loop_test(t, C14_a_path_that_has_left_is_told_after_a_reset, 0, 2);
  tcase_add_loop_test(t, C14_a_path_that_leaves_while_it_is_down_is_told_when_it_is_up, 0, 2);
  tcase_add_test(t, C14_what_was_shown_on_a_path_that_has_left_is_told_after_a_reset);
  tcase_add_loop_test(t, C14_a_path_that_has_left_and_comes_back_is_a_swap, 0, 2);
  tcase_add_test(t, C14_the_old_one_comes_back_after_its_disk_has_gone);
  tcase_add_test(t, C14_a_path_that_has_left_is_told_in_spite_of_a_read);
  tcase_add_test(t, C14_a_path_that_leaves_and_comes_back_with_the_same_disk_is_no_swap);
  tcase_add_loop_test(t, C14_a_path_that_leaves_after_it_was_shown_is_told_once, 0, 2);
  tcase_add_test(t, C14_a_swapped_path_in_the_way_of_a_third_one_is_told_until_its_disk_has_gone);
  tcase_add_loop_test(t, C14_a_controller_that_goes_takes_the_old_disk_along, 0, 2);
  suite_add_tcase(s, t);
  return rig_main(s);
}
