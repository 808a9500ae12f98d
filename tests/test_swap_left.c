/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_swap_left.c: a path that leaves with an old disk (C14). Linux takes a new namespace on
 * another path of that host only when the old disk has gone: the path is told until it has.
 */
#include <time.h>

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

/* Its host has nothing more there: what comes later on other paths does not concern it. */
START_TEST(C14_a_path_that_has_left_is_told_once)
{
  rig_ctrl *a, *b;
  rig *r = moved(&a, &b, 1);

  b_drops_it(a, b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  only(r, 'C', a);
  hear_and_read(a);
  ck_assert_uint_eq(rig_heard(b), 0);
  ck_assert_int_eq(rig_attach(rig_find(r, 1), b), 0);
  hear_and_read(b);
  scan(b);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

/* ---- many of them ---- */

enum { MANY = 20000 };

static void complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0, uint64_t info)
{
  (void)user, (void)cmd, (void)status, (void)dw0, (void)info;
}

static void drop(void *user, nvmens_cmd *cmd)
{
  (void)user, (void)cmd;
}

static nvmens_status transfer(void *user, nvmens_cmd *cmd, void *data, size_t len, nvmens_dir dir)
{
  (void)user, (void)cmd, (void)data, (void)len, (void)dir;
  return (nvmens_status){0};
}

static void plug_all(nvmens_subsys *s, char who, nvmens_ctrl *c, nvmens_nsref *ref)
{
  for (uint32_t i = 1; i <= MANY; i++) {
    nvmens_ns_config config = {.nsid = i, .nsze = 1, .shared = 1};

    memset(config.ident.uuid, who, 16);
    memcpy(config.ident.uuid, &i, sizeof(i));
    ck_assert_int_eq(nvmens_ns_new(s, &config, NULL, &ref[i]), 0);
    ck_assert_int_eq(nvmens_ns_attach(s, ref[i], c), 0);
  }
}

static void unplug_all(nvmens_subsys *s, const nvmens_nsref *ref)
{
  for (uint32_t i = 1; i <= MANY; i++)
    ck_assert_int_eq(nvmens_ns_unplug(s, ref[i], NVMENS_ORDERLY, 0, RIG_NEVER), 0);
}

/* From b to a, and back, where nobody reads: in seconds of CPU. */
static double there_and_back(uint8_t host_a)
{
  static nvmens_nsref ref[MANY + 1];
  const nvmens_host host = {.cmd_complete = complete, .cmd_drop = drop, .transfer = transfer};
  const nvmens_ctrl_config of_a = {.hostid = {host_a}}, of_b = {.hostid = {1}};
  nvmens_ctrl *a, *b;
  nvmens_subsys *s;
  clock_t start;

  ck_assert_int_eq(
      nvmens_subsys_new(&s, &(nvmens_subsys_config){.nn = MANY, .max_ctrls = 2}, &host, NULL, NULL),
      0);
  ck_assert_int_eq(nvmens_ctrl_new(&a, s, &of_a, NULL), 0);
  ck_assert_int_eq(nvmens_ctrl_new(&b, s, &of_b, NULL), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(a, 0), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(b, 0), 0);
  start = clock();
  plug_all(s, 'A', b, ref);
  unplug_all(s, ref);
  plug_all(s, 'B', a, ref);
  unplug_all(s, ref);
  plug_all(s, 'C', b, ref);
  start = clock() - start;
  ck_assert_int_eq(nvmens_subsys_del(s), 0);
  return (double)start / CLOCKS_PER_SEC;
}

/* Each is one step more, not a search through the others, which took ten times as long. */
START_TEST(C14_many_paths_that_have_left_cost_a_step_each)
{
  double apart = there_and_back(2), together = there_and_back(1);

  printf("# %d NSIDs, there and back: %.3f s with two hosts, %.3f s with one\n", MANY, apart,
         together);
  ck_assert_double_lt(together, 4 * apart + 0.1);
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
  tcase_add_test(t, C14_a_path_that_has_left_is_told_once);
  tcase_add_test(t, C14_many_paths_that_have_left_cost_a_step_each);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
