/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_wanted.c: which attachments should be (R56): auto attach, explicit attaches and detaches,
 * the home and the keeper of a private namespace. What stands in their way: test_wanted_wait.c.
 */
#include "disks.h"

/* A disabled controller with this CNTLID, of this host (0: unknown). */
static rig_ctrl *at(rig *r, uint16_t cntlid, uint8_t host)
{
  return rig_ctrl_new(r,
                      &(nvmens_ctrl_config){.cntlid = cntlid, .cntlid_given = 1, .hostid = {host}});
}

static rig_ns *homed(rig *r, uint16_t cntlid)
{
  nvmens_ns_config config = disks_config(1, 'A');

  config.shared = 0;
  config.home_given = 1;
  config.home_cntlid = cntlid;
  return rig_ns_new(r, &config);
}

static int detach(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
}

/* ---- shared ---- */

START_TEST(R56_auto_attach_covers_every_io_controller)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *before = at(r, 3, 1), *after;
  rig_ctrl *discovery = rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_DISCOVERY});
  rig_ns *ns = disks_put(r, 1, 'A');

  after = at(r, 5, 2);
  ATTACHED(ns, before);
  ATTACHED(ns, after);
  DETACHED(ns, discovery);
  ck_assert_uint_eq(more_ns(ns).attached, 2);
  rig_end(r);
}
END_TEST

START_TEST(R56_an_explicit_detach_outlasts_whatever_auto_attach_looks_at)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *ns = disks_put(r, 1, 'A');

  if (_i)
    RIG_OK(rig_host_detach(c, 1, c));
  else
    ck_assert_int_eq(detach(ns, c), 0);
  disks_put(r, 2, 'X');
  at(r, 9, 1);
  ck_assert_int_eq(rig_plug(rig_find(r, 2)), 0);
  rig_reenable(c);
  DETACHED(ns, c);
  ck_assert_int_eq(rig_attach(ns, c), 0); /* the last explicit one counts */
  ATTACHED(ns, c);
  rig_end(r);
}
END_TEST

START_TEST(R56_an_explicit_attach_is_of_this_controller_only)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 3, 1), *d = at(r, 4, 1);
  rig_ns *ns = disks_loose(r, 1, 'A');

  ck_assert_int_eq(rig_attach(ns, c), 0);
  rig_enable(c);
  rig_reenable(c);
  ATTACHED(ns, c);
  DETACHED(ns, d);
  DETACHED(ns, at(r, 5, 1));
  rig_end(r);
}
END_TEST

START_TEST(R56_plug_sets_auto_attach_and_forgets_what_was_explicit)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 3, 1), *d = at(r, 4, 1);
  rig_ns *ns = disks_loose(r, 1, 'A');

  ck_assert_int_eq(rig_attach(ns, c), 0);
  ck_assert_int_eq(detach(ns, c), 0);
  ck_assert_int_eq(rig_plug(ns), 0);
  ATTACHED(ns, c);
  ATTACHED(ns, d);
  ATTACHED(ns, at(r, 5, 2)); /* a standing rule */
  rig_end(r);
}
END_TEST

START_TEST(R56_a_detach_by_a_controller_of_an_unknown_host_goes_with_it)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 3, 0);
  rig_ns *ns = disks_put(r, 1, 'A');

  ck_assert_int_eq(detach(ns, c), 0);
  rig_ctrl_del(c);
  ATTACHED(ns, at(r, 3, 0)); /* of an unknown host: nobody remembers it */
  rig_end(r);
}
END_TEST

/* ---- private: home ---- */

START_TEST(R56_a_private_namespace_goes_to_its_home_only)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 3, 1), *home;
  rig_ns *ns = homed(r, 4);

  DETACHED(ns, c);
  DETACHED(ns, at(r, 2, 1));
  home = at(r, 4, 2);
  ATTACHED(ns, home);
  DETACHED(ns, c);
  rig_end(r);
}
END_TEST

/* It goes and comes back, as a function that is unplugged; nobody else gets it meanwhile. */
START_TEST(R56_a_home_that_goes_and_comes_back)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 3, 0), *home = at(r, 4, 0);
  rig_ns *ns = homed(r, 4);
  unsigned i;

  for (i = 0; i < 3; i++) {
    ATTACHED(ns, home);
    if (_i) {
      rig_io io;

      rig_enable(home);
      io = rig_io_begin(r, rig_lane(home), 1);
      rig_ctrl_del(home);
      ck_assert_int_eq(home->released, 0);
      rig_io_end_remote(&io);
      rig_rest(r);
    } else {
      rig_ctrl_del(home);
    }
    ck_assert_int_eq(home->released, 1);
    DETACHED(ns, c);
    DETACHED(ns, at(r, (uint16_t)(10 + i), 0));
    home = at(r, 4, 0);
  }
  ATTACHED(ns, home);
  rig_end(r);
}
END_TEST

START_TEST(R56_plug_does_not_forget_a_home_that_was_given)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 3, 1);
  rig_ns *ns = homed(r, 4);

  ck_assert_int_eq(rig_plug(ns), 0);
  DETACHED(ns, c);
  ATTACHED(ns, at(r, 4, 1));
  rig_end(r);
}
END_TEST

/* ---- private: the keeper ---- */

START_TEST(R56_the_keeper_is_the_host_of_the_lowest_cntlid)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *five = at(r, 5, 2), *four = at(r, 4, 1), *three = at(r, 3, 1);
  rig_ns *ns = disks_private(r, 1, 'A');

  ATTACHED(ns, three);
  WANTED(ns, four, DRAIN); /* attached elsewhere */
  DETACHED(ns, five);
  DETACHED(ns, at(r, 2, 2)); /* a lower one of another host comes too late */
  WANTED(ns, at(r, 1, 1), DRAIN);
  ck_assert_uint_eq(rig_info(four).wanted, 1);
  ck_assert_uint_eq(more_ns(ns).wanted, 2);
  rig_end(r);
}
END_TEST

START_TEST(R56_the_keeper_is_looked_for_when_a_first_controller_comes)
{
  rig *r = disks_rig(NULL);
  rig_ns *ns = disks_private(r, 1, 'A');
  rig_ctrl *nine = at(r, 9, 7);

  ATTACHED(ns, nine);
  DETACHED(ns, at(r, 1, 8));
  rig_end(r);
}
END_TEST

START_TEST(R56_the_namespace_goes_to_another_controller_of_its_keeper)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *other = at(r, 2, 2), *one = at(r, 1, 1), *six = at(r, 6, 1), *five = at(r, 5, 1), *back;
  rig_ns *ns = disks_private(r, 1, 'A');

  ATTACHED(ns, one);
  rig_log_clear(r);
  rig_ctrl_del(one);
  ck_assert_str_eq(rig_log(r), "drain n1 c1; detached n1 c1; attached n1 c3; ctrl_released c1");
  ATTACHED(ns, five); /* the lowest that waits */
  WANTED(ns, six, DRAIN);
  rig_ctrl_del(five);
  ATTACHED(ns, six);
  rig_ctrl_del(six);
  DETACHED(ns, other); /* the keeper is away, not gone */
  DETACHED(ns, at(r, 3, 2));
  back = at(r, 8, 1);
  ATTACHED(ns, back);
  rig_end(r);
}
END_TEST

START_TEST(R56_a_controller_of_an_unknown_host_stands_in_for_the_home)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *two = at(r, 2, 0), *one = at(r, 1, 0);
  rig_ns *ns = disks_private(r, 1, 'A');

  ATTACHED(ns, one);
  DETACHED(ns, two);
  rig_ctrl_del(one);
  DETACHED(ns, two);
  DETACHED(ns, at(r, 0, 0));
  if (_i) {
    ck_assert_int_eq(rig_plug(ns), 0); /* no such controller is there: forgotten */
    ATTACHED(ns, r->ctrl[2]);
    DETACHED(ns, at(r, 1, 0));
  } else {
    ATTACHED(ns, at(r, 1, 0));
  }
  rig_end(r);
}
END_TEST

START_TEST(R56_plug_forgets_a_keeper_that_is_away)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2);
  rig_ns *ns = disks_private(r, 1, 'A');

  ck_assert_int_eq(rig_plug(ns), 0);
  ATTACHED(ns, one);
  DETACHED(ns, two);
  rig_ctrl_del(one);
  DETACHED(ns, two);
  ck_assert_int_eq(rig_plug(ns), 0);
  ATTACHED(ns, two);
  DETACHED(ns, at(r, 1, 1)); /* the keeper of before is none any more */
  rig_end(r);
}
END_TEST

/* A controller that is on its way out is not there, nor one that is no I/O controller. */
START_TEST(R56_plug_forgets_a_keeper_without_an_io_controller)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2);
  rig_ns *ns = disks_private(r, 1, 'A'), *slow = disks_put(r, 2, 'X');

  if (_i == 0)
    slow->drain = RIG_DRAIN_PENDING; /* one goes, and has not gone */
  else
    rig_ctrl_new(r, &(nvmens_ctrl_config){.kind = NVMENS_CTRL_ADMIN, .hostid = {1}});
  rig_ctrl_del(one);
  DETACHED(ns, two);
  ck_assert_int_eq(rig_plug(ns), 0);
  ATTACHED(ns, two);
  slow->drain = RIG_DRAIN_DONE;
  if (_i == 0)
    ck_assert_int_eq(rig_drained(slow, one), 0);
  rig_end(r);
}
END_TEST

/* Not in time, but for want of room. */
START_TEST(R56_a_keeper_that_is_forgotten_is_none)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = 3});
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2);
  rig_ns *ns = disks_private(r, 1, 'A');
  uint8_t host;

  rig_enable(one);
  rig_ctrl_del(one);
  rig_poll(r);
  rig_pass(r, 10 * MEMORY_NS);
  for (host = 3; host <= 5; host++) {
    DETACHED(ns, two);
    rig_ctrl_del(at(r, 7, host));
  }
  at(r, 6, 6); /* auto attach looks again */
  ATTACHED(ns, two);
  DETACHED(ns, at(r, 1, 1));
  rig_end(r);
}
END_TEST

/* R56 looks for a keeper when the controller is made; without memory it never was, and nothing that
 * is there has changed (invariant 21). */
START_TEST(R56_a_controller_that_never_was_leaves_what_is_attached)
{
  const nvmens_ctrl_config config = {.cntlid = 6, .cntlid_given = 1, .hostid = {6}};
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = 3});
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2), *c = NULL;
  rig_ns *ns = disks_private(r, 1, 'A');
  unsigned n;

  rig_enable(two);
  disks_put(r, 2, 'B'); /* which the new controller needs memory for */
  rig_ctrl_del(one);
  ck_assert_int_eq(rig_attach(ns, two), 0);
  for (uint8_t host = 3; host <= 5; host++)
    rig_ctrl_del(at(r, 7, host)); /* the keeper is forgotten */
  for (n = 0; !c; n++) {
    ck_assert_uint_lt(n, 100);
    r->fail_alloc = n + 1;
    ck_assert_int_eq(rig_ctrl_try(r, &config, &c), r->fail_alloc ? 0 : NVMENS_ERR_NOMEM);
    ATTACHED(ns, two);
    IDS(two, "1 2");
  }
  r->fail_alloc = 0;
  ck_assert_uint_gt(n, 3);
  DETACHED(ns, c); /* the keeper is the host of two */
  rig_end(r);
}
END_TEST

/* ---- private: explicit ones ---- */

START_TEST(R56_an_explicit_detach_of_a_private_namespace_ends_auto_attach)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 1);
  rig_ns *ns = disks_private(r, 1, 'A');

  WANTED(ns, two, DRAIN);
  ck_assert_int_eq(detach(ns, one), 0);
  DETACHED(ns, one);
  DETACHED(ns, two);
  DETACHED(ns, at(r, 3, 1));
  rig_ctrl_del(one);
  DETACHED(ns, two);
  ck_assert_int_eq(rig_attach(ns, two), 0); /* it is free for anybody */
  ATTACHED(ns, two);
  rig_end(r);
}
END_TEST

START_TEST(R56_auto_attach_goes_on_while_another_controller_has_it)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 1), *three = at(r, 3, 1);
  rig_ns *ns = disks_private(r, 1, 'A');

  ck_assert_int_eq(detach(ns, two), 0); /* it only waited */
  DETACHED(ns, two);
  ATTACHED(ns, one);
  WANTED(ns, three, DRAIN);
  rig_ctrl_del(one);
  DETACHED(ns, two);
  ATTACHED(ns, three);
  rig_end(r);
}
END_TEST

START_TEST(R56_plug_begins_auto_attach_again)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 1);
  rig_ns *ns = disks_private(r, 1, 'A');

  ck_assert_int_eq(detach(ns, one), 0);
  ck_assert_int_eq(rig_plug(ns), 0);
  ATTACHED(ns, one);
  WANTED(ns, two, DRAIN);
  rig_end(r);
}
END_TEST

/* It hastens the drain, and is no explicit detach: the plug since the first one counts. */
START_TEST(R58_a_detach_that_aborts_a_drain_ends_no_auto_attach)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2);
  rig_ns *ns = disks_private(r, 1, 'A');

  ck_assert_int_eq(detach(ns, one), 0);
  ck_assert_int_eq(rig_attach(ns, two), 0);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(detach(ns, two), 0);
  ck_assert_int_eq(rig_plug(ns), 0);
  WANTED(ns, one, DRAIN);
  ck_assert_int_eq(detach(ns, two), NVMENS_ERR_BUSY);
  ck_assert_int_eq(rig_detach(ns, two, NVMENS_SURPRISE, RIG_NEVER), 0);
  STATE(ns, two, ABORTING, NOTHING);
  WANTED(ns, one, DRAIN);
  ck_assert_int_eq(rig_drained(ns, two), 0);
  ATTACHED(ns, one);
  rig_end(r);
}
END_TEST

START_TEST(R58_a_private_namespace_is_refused_elsewhere)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2), *three = at(r, 3, 1);
  rig_ns *ns = disks_private(r, 1, 'A');

  rig_enable(two);
  ck_assert_int_eq(rig_attach(ns, two), NVMENS_ERR_PRIVATE);
  RIG_FAILS(rig_host_attach(two, 1, two), RIG_DNR(NVMENS_SC_NS_IS_PRIVATE));
  ck_assert_int_eq(rig_attach(ns, three), NVMENS_ERR_EXISTS); /* it is WANTED there */
  RIG_FAILS(rig_host_attach(two, 1, three), RIG_DNR(NVMENS_SC_NS_IS_PRIVATE)); /* it sees not */
  ck_assert_int_eq(rig_attach(ns, one), NVMENS_ERR_EXISTS);
  ATTACHED(ns, one);
  DETACHED(ns, two);
  WANTED(ns, three, DRAIN);
  rig_end(r);
}
END_TEST

/* At one it drains, at two it is wanted: so three is too late. */
START_TEST(R58_a_private_namespace_that_is_wanted_elsewhere_is_refused)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *one = at(r, 1, 1), *two = at(r, 2, 2), *three = at(r, 3, 3);
  rig_ns *ns = disks_private(r, 1, 'A');

  rig_enable(three);
  ns->drain = RIG_DRAIN_PENDING;
  ck_assert_int_eq(detach(ns, one), 0);
  ck_assert_int_eq(rig_attach(ns, two), 0);
  WANTED(ns, two, DRAIN);
  ck_assert_int_eq(rig_attach(ns, three), NVMENS_ERR_PRIVATE);
  RIG_FAILS(rig_host_attach(three, 1, three), RIG_DNR(NVMENS_SC_NS_IS_PRIVATE));
  RIG_FAILS(rig_host_attach(three, 1, two), RIG_DNR(NVMENS_SC_NS_ALREADY_ATTACHED));
  ck_assert_int_eq(detach(ns, two), 0);
  ck_assert_int_eq(rig_attach(ns, three), 0);
  WANTED(ns, three, DRAIN);
  ck_assert_int_eq(rig_drained(ns, one), 0);
  rig_rest(r);
  ATTACHED(ns, three);
  DETACHED(ns, two);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("wanted");
  TCase *t = tcase_create("wanted");

  tcase_add_test(t, R56_auto_attach_covers_every_io_controller);
  tcase_add_loop_test(t, R56_an_explicit_detach_outlasts_whatever_auto_attach_looks_at, 0, 2);
  tcase_add_test(t, R56_an_explicit_attach_is_of_this_controller_only);
  tcase_add_test(t, R56_plug_sets_auto_attach_and_forgets_what_was_explicit);
  tcase_add_test(t, R56_a_detach_by_a_controller_of_an_unknown_host_goes_with_it);
  tcase_add_test(t, R56_a_private_namespace_goes_to_its_home_only);
  tcase_add_loop_test(t, R56_a_home_that_goes_and_comes_back, 0, 2);
  tcase_add_test(t, R56_plug_does_not_forget_a_home_that_was_given);
  tcase_add_test(t, R56_the_keeper_is_the_host_of_the_lowest_cntlid);
  tcase_add_test(t, R56_the_keeper_is_looked_for_when_a_first_controller_comes);
  tcase_add_test(t, R56_the_namespace_goes_to_another_controller_of_its_keeper);
  tcase_add_loop_test(t, R56_a_controller_of_an_unknown_host_stands_in_for_the_home, 0, 2);
  tcase_add_test(t, R56_plug_forgets_a_keeper_that_is_away);
  tcase_add_loop_test(t, R56_plug_forgets_a_keeper_without_an_io_controller, 0, 2);
  tcase_add_test(t, R56_a_keeper_that_is_forgotten_is_none);
  tcase_add_test(t, R56_a_controller_that_never_was_leaves_what_is_attached);
  tcase_add_test(t, R56_an_explicit_detach_of_a_private_namespace_ends_auto_attach);
  tcase_add_test(t, R56_auto_attach_goes_on_while_another_controller_has_it);
  tcase_add_test(t, R56_plug_begins_auto_attach_again);
  tcase_add_test(t, R58_a_detach_that_aborts_a_drain_ends_no_auto_attach);
  tcase_add_test(t, R58_a_private_namespace_is_refused_elsewhere);
  tcase_add_test(t, R58_a_private_namespace_that_is_wanted_elsewhere_is_refused);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
