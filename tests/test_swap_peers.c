/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_swap_peers.c: a swap that one host sees by two controllers (C14). Linux refuses the new
 * namespace on one path while the other still has the old one, so the first is told again once the
 * second has dropped it.
 */
#include "rig_more.h"

#include "rig_main.h"

static rig_ns *plug(rig *r, char who)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1, .auto_attach = 1};

  memset(config.ident.uuid, who, 16);
  return rig_ns_new(r, &config);
}

static void listen(rig_ctrl *c)
{
  rig_enable(c);
  rig_set_aec(c, RIG_BIT4);
}

static void scan(rig_ctrl *c)
{
  uint8_t page[NVMENS_PAGE];

  RIG_OK(rig_identify(c, NVMENS_CNS_NS_DESC_LIST, 1, page));
}

static void hear_and_read(rig_ctrl *c)
{
  ck_assert_uint_eq(rig_heard(c), RIG_EV4);
  ck_assert_str_eq(rig_changed(c, RIG_LID4, RIG_CONSUME), "1");
}

/* Both have seen A, and have read of the swap to B. */
static rig *swapped(uint8_t host_a, uint8_t host_b, rig_ctrl **a, rig_ctrl **b)
{
  rig *r = rig_new(NULL);

  *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host_a}});
  *b = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host_b}});
  listen(*a);
  listen(*b);
  plug(r, 'A');
  hear_and_read(*a);
  hear_and_read(*b);
  scan(*a);
  scan(*b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  plug(r, 'B');
  hear_and_read(*a);
  hear_and_read(*b);
  return r;
}

/* a drops the disk and tries to add it before b has dropped its path. */
static void a_is_too_early(rig_ctrl *a, rig_ctrl *b)
{
  scan(a);
  hear_and_read(a);
  scan(a);
  ck_assert_uint_eq(rig_heard(a), 0);
  scan(b);
  hear_and_read(b); /* b has dropped it: its next scan begins */
}

START_TEST(C14_who_scanned_too_early_is_told_when_its_peer_has_dropped_the_old_one)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  a_is_too_early(a, b);
  hear_and_read(a);
  scan(a);
  scan(b);
  ck_assert_uint_eq(rig_heard(a), 0);
  ck_assert_uint_eq(rig_heard(b), 0);
  rig_end(r);
}
END_TEST

START_TEST(C14_another_host_is_not_told)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 2, &a, &b);

  a_is_too_early(a, b);
  ck_assert_uint_eq(rig_heard(a), 0);
  rig_end(r);
}
END_TEST

START_TEST(C14_who_has_still_to_scan_is_not_told_once_more)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  hear_and_read(a);
  ck_assert_uint_eq(rig_heard(b), 0); /* it has the swap before it */
  rig_end(r);
}
END_TEST

/* Principle 5: whoever was made first, and whoever was the last to drop it. */
START_TEST(C14_peers_are_told_in_the_order_of_CNTLIDs)
{
  static const uint16_t made[] = {7, 1, 9};
  static const int low[] = {1, 0, 1}, high[] = {2, 2, 0}; /* the others of each */
  rig *r = rig_new(NULL);
  rig_ctrl *c[3], *last;
  rig_cmd *aer[2];

  for (int i = 0; i < 3; i++) {
    c[i] =
        rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = made[i], .cntlid_given = 1, .hostid = {1}});
    listen(c[i]);
  }
  last = c[_i];
  for (char who = 'A'; who <= 'B'; who++) {
    plug(r, who);
    for (int i = 0; i < 3; i++)
      hear_and_read(c[i]), scan(c[i]);
    if (who == 'A')
      ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  }
  for (int i = 0; i < 3; i++)
    if (c[i] != last)
      hear_and_read(c[i]), scan(c[i]);
  rig_heard(c[low[_i]]), rig_changed(c[low[_i]], RIG_LID4, RIG_CONSUME);
  rig_heard(c[high[_i]]), rig_changed(c[high[_i]], RIG_LID4, RIG_CONSUME);
  aer[1] = rig_aer(c[high[_i]]);
  aer[0] = rig_aer(c[low[_i]]);
  hear_and_read(last);
  RIG_OK(aer[0]);
  RIG_OK(aer[1]);
  ck_assert_uint_lt(aer[0]->order, aer[1]->order);
  rig_end(r);
}
END_TEST

START_TEST(C14_who_does_not_have_it_is_not_told)
{
  rig_ctrl *a, *b, *never, *no_more;
  rig *r = swapped(1, 1, &a, &b);

  never = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .kind = NVMENS_CTRL_ADMIN});
  no_more = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}});
  listen(never);
  listen(no_more);
  ck_assert_int_eq(rig_detach(rig_find(r, 1), no_more, NVMENS_ORDERLY, RIG_NEVER), 0);
  hear_and_read(no_more);
  a_is_too_early(a, b);
  ck_assert_uint_eq(rig_heard(never), 0);
  ck_assert_uint_eq(rig_heard(no_more), 0);
  hear_and_read(a);
  rig_end(r);
}
END_TEST

static void peek(rig *r, const rig_event *e)
{
  r->react = NULL;
  (void)e;
  rig_changed(r->ctrl[1], RIG_LID4, RIG_PEEK);
}

/* The end of a swap is a read that consumes; one that another read has overtaken does not. */
START_TEST(R43_an_overtaken_read_leaves_a_swap_as_it_was)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(a);
  hear_and_read(a);
  scan(a);
  scan(b);
  ck_assert_uint_eq(rig_heard(b), RIG_EV4);
  r->react = peek;
  r->react_on = RIG_BIT(RIG_TRANSFER);
  rig_changed(b, RIG_LID4, RIG_CONSUME);
  ck_assert_ptr_null(r->react);
  ck_assert_uint_eq(rig_heard(a), 0);
  hear_and_read(b);
  hear_and_read(a);
  rig_end(r);
}
END_TEST

/* ---- a path that leaves with the old disk ---- */

static void only(rig *r, char who, rig_ctrl *c)
{
  nvmens_ns_config config = {.nsid = 1, .shared = 1};

  memset(config.ident.uuid, who, 16);
  ck_assert_int_eq(rig_attach(rig_ns_new(r, &config), c), 0);
}

/* Told once more for each: the scan that drops the disk, and that it has ended. Then a is told. */
static void b_drops_it(rig_ctrl *a, rig_ctrl *b)
{
  ck_assert_uint_eq(rig_heard(a), 0);
  hear_and_read(b);
  ck_assert_str_eq(rig_changed(b, RIG_LID4, RIG_PEEK), "1"); /* what is owed is in the log */
  ck_assert_uint_eq(rig_heard(a), 0);
  hear_and_read(b);
  hear_and_read(a);
  ck_assert_uint_eq(rig_heard(a), 0);
  ck_assert_uint_eq(rig_heard(b), 0);
}

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

/* a has A, or had, or comes later; b has it. */
static rig *moved(rig_ctrl **a, rig_ctrl **b, uint8_t host)
{
  rig *r = rig_new(NULL);

  *a = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {host}});
  *b = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}});
  listen(*a);
  listen(*b);
  only(r, 'A', *b);
  hear_and_read(*b);
  scan(*b);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  only(r, 'B', *a);
  hear_and_read(*a);
  scan(*a); /* refused, if the other path is of the same host */
  return r;
}

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

/* b has dropped the disk in the scan that it is to be told of: once is enough, unless what was shown
 * is in the way. */
START_TEST(C14_a_path_that_leaves_after_it_was_shown_is_told_once)
{
  rig_ctrl *a, *b;
  rig *r = swapped(1, 1, &a, &b);

  scan(b);
  if (_i) {
    ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
    only(r, 'C', a);
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
  Suite *s = suite_create("swap_peers");
  TCase *t = tcase_create("swap_peers");

  tcase_add_test(t, C14_who_scanned_too_early_is_told_when_its_peer_has_dropped_the_old_one);
  tcase_add_test(t, C14_another_host_is_not_told);
  tcase_add_test(t, C14_who_has_still_to_scan_is_not_told_once_more);
  tcase_add_loop_test(t, C14_peers_are_told_in_the_order_of_CNTLIDs, 0, 3);
  tcase_add_test(t, C14_who_does_not_have_it_is_not_told);
  tcase_add_test(t, R43_an_overtaken_read_leaves_a_swap_as_it_was);
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
