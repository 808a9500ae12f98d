/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_swap_peers.c: a swap that one host sees by two controllers (C14). Linux refuses the new
 * namespace on one path while the other still has the old one, so the first is told again once the
 * second has dropped it.
 */
#include "swap_paths.h"

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
  suite_add_tcase(s, t);
  return rig_main(s);
}
