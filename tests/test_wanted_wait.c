/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wanted_wait.c: what should be attached and has to wait: for a drain, for a limit (R57), and
 * what explicit attach and detach answer meanwhile (R58). Command sets are in test_wanted_css.c.
 */
#include "disks.h"

#define ALREADY  RIG_DNR(NVMENS_SC_NS_ALREADY_ATTACHED)
#define AT_LIMIT RIG_DNR(NVMENS_SC_NS_ATTACH_LIMIT)

static int detach(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
}

static void end_drain(rig_ns *ns, rig_ctrl *c)
{
  ck_assert_int_eq(rig_drained(ns, c), 0);
  rig_rest(ns->rig);
}

/* Detached from a listening path, and its drain is pending. */
static rig_ns *draining(rig *r, rig_ctrl **c)
{
  rig_ns *ns;

  *c = disks_path(r, 1);
  ns = disks_loose(r, 1, 'A');
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(rig_attach(ns, *c), 0);
  HEARS(*c, "1");
  ck_assert_int_eq(detach(ns, *c), 0);
  HEARS(*c, "1");
  rig_log_clear(r);
  return ns;
}

/* ---- draining ---- */

START_TEST(R58_attach_while_it_drains_succeeds_at_once_and_the_attachment_follows)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  if (_i)
    RIG_OK(rig_host_attach(c, 1, c));
  else
    ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_uint_eq(rig_count(r, RIG_ATTACHED), 0);
  IDS(c, "");
  SILENT(c);
  ck_assert_str_eq(disks_log(c), "");
  rig_log_clear(r);
  end_drain(ns, c);
  ck_assert_str_eq(rig_log(r), "detached n1 c0; attached n1 c0");
  ATTACHED(ns, c);
  HEARS(c, "1");
  IDS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R57_what_drains_and_is_wanted_again_says_so)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  STATE(ns, c, DRAINING, NOTHING);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  STATE(ns, c, DRAINING, DRAIN);
  rig_end(r);
}
END_TEST

START_TEST(R58_what_is_wanted_is_refused)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);
  RIG_FAILS(rig_host_attach(c, 1, c), ALREADY);
  end_drain(ns, c);
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);
  disks_take(r, 1);
  end_drain(ns, c);
  ck_assert_int_eq(rig_attach(disks_put(r, 1, 'B'), c), NVMENS_ERR_EXISTS); /* for its host */
  RIG_FAILS(rig_host_attach(c, 1, c), ALREADY);
  rig_end(r);
}
END_TEST

START_TEST(R58_detach_while_it_drains_withdraws_an_attach_and_nothing_else)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);
  rig_cmd *refused = rig_host_detach(c, 1, c);

  ck_assert_uint_ne(refused->sf, 0);
  ck_assert_int_eq(detach(ns, c), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_attach(ns, c), 0);
  if (_i)
    RIG_OK(rig_host_detach(c, 1, c));
  else
    ck_assert_int_eq(detach(ns, c), 0);
  STATE(ns, c, DRAINING, NOTHING);
  ck_assert_int_eq(detach(ns, c), NVMENS_ERR_BUSY);
  RIG_FAILS(rig_host_detach(c, 1, c), refused->sf);
  rig_log_clear(r);
  end_drain(ns, c);
  ck_assert_str_eq(rig_log(r), "detached n1 c0");
  DETACHED(ns, c);
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R58_an_abort_of_the_drain_leaves_what_was_asked_for)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_SURPRISE, 0), 0); /* it is aborted */
  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);
  end_drain(ns, c);
  ATTACHED(ns, c);
  rig_end(r);
}
END_TEST

START_TEST(R57_a_private_namespace_follows_its_host_when_the_old_path_has_drained)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = _i});
  rig_ctrl *old = disks_path(r, 1), *back;
  rig_ns *ns = disks_private(r, 1, 'A');
  rig_io io = rig_io_begin(r, rig_lane(old), 1);

  rig_ctrl_del(old);
  back = disks_path(r, 1); /* it reconnects */
  WANTED(ns, back, DRAIN);
  IDS(back, "");
  rig_io_end_remote(&io);
  rig_log_clear(r);
  rig_rest(r);
  ck_assert_str_eq(rig_log(r), "detached n1 c0; attached n1 c1; ctrl_released c0");
  ATTACHED(ns, back);
  HEARS(back, "1");
  IDS(back, "1");
  rig_end(r);
}
END_TEST

START_TEST(R57_a_limit_counts_what_drains)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = 1});
  rig_ctrl *old = disks_path(r, 1), *back;
  rig_ns *ns = disks_put(r, 1, 'A');
  rig_io io = rig_io_begin(r, rig_lane(old), 1);

  rig_ctrl_del(old);
  back = disks_path(r, 1);
  WANTED(ns, back, LIMIT);
  rig_io_end_remote(&io);
  rig_rest(r);
  ATTACHED(ns, back);
  HEARS(back, "1");
  rig_end(r);
}
END_TEST

/* Its own place comes free with the drain; another's would not. */
START_TEST(R58_a_limit_does_not_count_what_drains_here)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = _i ? 1 : 0, .maxcna = _i ? 0 : 1});
  rig_ctrl *c;
  rig_ns *ns = draining(r, &c);

  ck_assert_int_eq(rig_attach(disks_loose(r, 2, 'X'), c), NVMENS_ERR_LIMIT);
  RIG_FAILS(rig_host_attach(c, 2, c), AT_LIMIT);
  RIG_OK(rig_host_attach(c, 1, c));
  STATE(ns, c, DRAINING, DRAIN);
  end_drain(ns, c);
  ATTACHED(ns, c);
  rig_end(r);
}
END_TEST

/* ---- limits ---- */

START_TEST(R57_maxdna_lets_in_the_next)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = 2});
  rig_ctrl *a = disks_path(r, 1), *b = disks_path(r, 2), *c = disks_path(r, 3);
  rig_ns *ns = disks_put(r, 1, 'A');

  ATTACHED(ns, a);
  ATTACHED(ns, b);
  WANTED(ns, c, LIMIT);
  SILENT(c);
  IDS(c, "");
  ck_assert_int_eq(rig_attach(ns, c), NVMENS_ERR_EXISTS);
  ck_assert_int_eq(rig_attach(disks_loose(r, 2, 'X'), c), NVMENS_ERR_LIMIT);
  RIG_FAILS(rig_host_attach(c, 2, c), AT_LIMIT);
  DETACHED(rig_find(r, 2), c);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(detach(ns, a), 0);
  WANTED(ns, c, LIMIT);
  end_drain(ns, a);
  ATTACHED(ns, c);
  HEARS(c, "1");
  DETACHED(ns, a);
  rig_end(r);
}
END_TEST

START_TEST(R57_maxcna_lets_in_the_next)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxcna = 2});
  rig_ctrl *c = disks_path(r, 1), *d = disks_path(r, 2);
  rig_ns *x;

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'B');
  x = disks_put(r, 3, 'X');
  WANTED(x, c, LIMIT);
  WANTED(x, d, LIMIT);
  ck_assert_int_eq(detach(rig_find(r, 1), c), 0);
  ATTACHED(x, c);
  WANTED(x, d, LIMIT);
  IDS(c, "2 3");
  IDS(d, "1 2");
  disks_take(r, 2);
  ATTACHED(x, d);
  IDS(c, "3");
  IDS(d, "1 3");
  rig_end(r);
}
END_TEST

START_TEST(R57_a_controller_that_goes_lets_in_the_next)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxdna = 3});
  rig_ctrl *a = disks_path(r, 1), *b = disks_path(r, 2), *c = disks_path(r, 3);

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'B');
  ck_assert_uint_eq(rig_info(a).attached + rig_info(b).attached + rig_info(c).attached, 3);
  ck_assert_uint_eq(rig_info(a).wanted + rig_info(b).wanted + rig_info(c).wanted, 3);
  rig_ctrl_del(a);
  ck_assert_uint_eq(rig_info(b).attached + rig_info(c).attached, 3);
  ck_assert_uint_eq(rig_info(b).wanted + rig_info(c).wanted, 1);
  rig_ctrl_del(b);
  ck_assert_uint_eq(rig_info(c).attached, 2);
  rig_end(r);
}
END_TEST

START_TEST(R57_the_disk_is_named_before_the_limit)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxcna = 1});
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  disks_put(r, 2, 'X');
  SILENT(c);
  b = disks_swap(r, 1, 'B');
  ATTACHED(rig_find(r, 2), c); /* A's place */
  WANTED(b, c, HOST);
  HEARS(c, "1 2");
  HEARS(c, "1");
  WANTED(b, c, LIMIT); /* now that the host has let go */
  SILENT(c);
  disks_take(r, 2);
  ATTACHED(b, c);
  HEARS(c, "1 2");
  rig_end(r);
}
END_TEST

/* ---- detach of what is wanted; the end of it ---- */

START_TEST(R58_detach_of_what_is_wanted_is_done_at_once_and_silent)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  b = disks_swap(r, 1, 'B');
  HEARS(c, "1");
  rig_heard(c);
  disks_put(r, 2, 'X'); /* so that the event below is not of the wait */
  rig_log_clear(r);
  if (_i) {
    RIG_OK(rig_host_detach(c, 1, c));
    ck_assert_str_eq(rig_log(r), "complete c0");
  } else {
    ck_assert_int_eq(detach(b, c), 0);
    ck_assert_str_eq(rig_log(r), "");
  }
  DETACHED(b, c);
  ck_assert_int_eq(detach(b, c), NVMENS_ERR_NOT_ATTACHED);
  RIG_FAILS(rig_host_detach(c, 1, c), RIG_DNR(NVMENS_SC_NS_NOT_ATTACHED));
  ck_assert_str_eq(disks_log(c), "1 2"); /* of the wait: the second read */
  DETACHED(b, c);                        /* it is not wanted any more */
  IDS(c, "2");
  SILENT(c);
  ck_assert_int_eq(rig_attach(b, c), 0);
  ATTACHED(b, c); /* the path has let go */
  rig_end(r);
}
END_TEST

START_TEST(R57_what_is_wanted_can_be_removed)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  b = disks_swap(r, 1, 'B');
  rig_log_clear(r);
  if (_i == 0) {
    disks_take(r, 1);
    ck_assert_str_eq(rig_log(r), "released n2");
  } else if (_i == 1) {
    RIG_OK(rig_host_delete(c, 1));
    ck_assert_str_eq(rig_log(r), "released n2 deleted; complete c0");
  } else {
    rig_ctrl_del(c);
    ck_assert_str_eq(rig_log(r), "ctrl_released c0");
    ck_assert_uint_eq(more_ns(b).wanted, 0);
  }
  rig_end(r);
}
END_TEST

/* ---- the command ---- */

START_TEST(R58_the_command_does_not_wait_for_what_has_to)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1), *d = disks_path(r, 2);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  ck_assert_int_eq(detach(rig_find(r, 1), d), 0);
  disks_settle(d);
  disks_put(r, 2, 'X');
  disks_settle(d); /* d has let go of A */
  HEARS(c, "2");
  disks_take(r, 1);
  b = disks_loose(r, 1, 'B');
  rig_log_clear(r);
  RIG_OK(MORE_ATTACH(d, 1, rig_cntlid(c), rig_cntlid(d)));
  ck_assert_str_eq(rig_log(r), "attached n3 c1; complete c1");
  WANTED(b, c, HOST);
  ATTACHED(b, d);
  HEARS(c, "1");
  HEARS(c, "1");
  ATTACHED(b, c);
  rig_end(r);
}
END_TEST

/* R20: the entries before the one that fails stay; what waits is done. */
START_TEST(R58_a_list_stops_at_what_is_refused)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1), *d = disks_path(r, 2), *e = disks_path(r, 3);
  rig_ns *b;

  disks_put(r, 1, 'A');
  HEARS(c, "1");
  disks_take(r, 1);
  b = disks_loose(r, 1, 'B');
  ck_assert_int_eq(rig_attach(b, d), 0);
  WANTED(b, d, HOST);
  ck_assert_uint_eq(
      RIG_FAILS(MORE_ATTACH(c, 1, rig_cntlid(c), rig_cntlid(d), rig_cntlid(e)), ALREADY)
          ->error_info,
      4);
  WANTED(b, c, HOST);
  DETACHED(b, e);
  rig_end(r);
}
END_TEST

/* Principle 4: an attachment that follows is never one event short for want of memory. */
START_TEST(R57_what_follows_takes_no_memory)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.maxcna = 2});
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *b, *x;
  unsigned allocs;

  disks_put(r, 1, 'A');
  disks_put(r, 2, 'Y');
  x = disks_put(r, 3, 'X');
  disks_settle(p);
  disks_settle(q);
  b = disks_swap(r, 1, 'B');
  HEARS(p, "1 3"); /* X has taken A's place */
  HEARS(p, "1");
  allocs = r->allocs;
  rig_reset(q);
  ck_assert_int_eq(detach(x, p), 0);
  ATTACHED(b, p);
  HEARS(p, "1 3");
  rig_poll(r);
  ck_assert_uint_eq(r->allocs, allocs);
  rig_end(r);
}
END_TEST

/* q is of the keeper too, and would follow; its host sees the namespace at p alone. */
START_TEST(R58_what_only_follows_a_private_one_is_not_attached_to_the_host)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *q = disks_path(r, 1);
  rig_ns *ns = disks_private(r, 1, 'A');

  ATTACHED(ns, p);
  WANTED(ns, q, DRAIN);
  RIG_FAILS(rig_host_attach(q, 1, q), RIG_DNR(NVMENS_SC_NS_IS_PRIVATE));
  RIG_FAILS(rig_host_detach(p, 1, q), RIG_DNR(NVMENS_SC_NS_NOT_ATTACHED));
  ck_assert_int_eq(rig_attach(ns, q), NVMENS_ERR_EXISTS); /* the backend can ask for its state */
  WANTED(ns, q, DRAIN);
  rig_ctrl_del(p); /* nothing was taken from it */
  ATTACHED(ns, q);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("wanted_wait");
  TCase *t = tcase_create("wanted_wait");

  tcase_add_loop_test(t, R58_attach_while_it_drains_succeeds_at_once_and_the_attachment_follows, 0,
                      2);
  tcase_add_test(t, R57_what_drains_and_is_wanted_again_says_so);
  tcase_add_test(t, R58_what_is_wanted_is_refused);
  tcase_add_loop_test(t, R58_detach_while_it_drains_withdraws_an_attach_and_nothing_else, 0, 2);
  tcase_add_test(t, R58_an_abort_of_the_drain_leaves_what_was_asked_for);
  tcase_add_loop_test(t, R57_a_private_namespace_follows_its_host_when_the_old_path_has_drained, 0,
                      2);
  tcase_add_test(t, R57_a_limit_counts_what_drains);
  tcase_add_loop_test(t, R58_a_limit_does_not_count_what_drains_here, 0, 2);
  tcase_add_test(t, R57_maxdna_lets_in_the_next);
  tcase_add_test(t, R57_maxcna_lets_in_the_next);
  tcase_add_test(t, R57_a_controller_that_goes_lets_in_the_next);
  tcase_add_test(t, R57_the_disk_is_named_before_the_limit);
  tcase_add_loop_test(t, R58_detach_of_what_is_wanted_is_done_at_once_and_silent, 0, 2);
  tcase_add_loop_test(t, R57_what_is_wanted_can_be_removed, 0, 3);
  tcase_add_test(t, R58_the_command_does_not_wait_for_what_has_to);
  tcase_add_test(t, R58_a_list_stops_at_what_is_refused);
  tcase_add_test(t, R57_what_follows_takes_no_memory);
  tcase_add_test(t, R58_what_only_follows_a_private_one_is_not_attached_to_the_host);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
