/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_memory_of_hosts.c: what is remembered of a host without a controller: explicit attaches and
 * detaches (R67 b), and that it is bounded (R67, H5). What disks are remembered is in
 * test_newcomers.c.
 */
#include "disks.h"

static rig_ctrl *at(rig *r, uint16_t cntlid, uint8_t host)
{
  return rig_ctrl_new(r,
                      &(nvmens_ctrl_config){.cntlid = cntlid, .cntlid_given = 1, .hostid = {host}});
}

static int detach(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
}

/* ---- explicit ones ---- */

START_TEST(R67_an_explicit_detach_survives_a_reconnect)
{
  const nvmens_ctrl_config config = {
      .cntlid = 7, .cntlid_given = 1, .hostid = {1}, .pci = _i ? 1 : 0};
  rig *r = disks_rig(NULL);
  rig_ctrl *c = rig_ctrl_new(r, &config);
  rig_ns *ns = disks_put(r, 1, 'A');

  ck_assert_int_eq(detach(ns, c), 0);
  rig_ctrl_del(c);
  ATTACHED(ns, at(r, 8, 1)); /* another controller of the host */
  c = at(r, 7, 2);
  ATTACHED(ns, c); /* of another host */
  rig_ctrl_del(c);
  c = rig_ctrl_new(r, &config);
  DETACHED(ns, c);
  rig_enable(c);
  IDS(c, "");
  ck_assert_int_eq(rig_attach(ns, c), 0);
  rig_ctrl_del(c);
  ATTACHED(ns, rig_ctrl_new(r, &config)); /* the last explicit one counts */
  rig_end(r);
}
END_TEST

START_TEST(R67_an_explicit_attach_survives_a_reconnect)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 7, 1);
  rig_ns *ns = disks_loose(r, 1, 'A');

  rig_enable(c);
  RIG_OK(rig_host_attach(c, 1, c));
  rig_ctrl_del(c);
  DETACHED(ns, at(r, 8, 1));
  rig_pass(r, 10 * MEMORY_NS); /* it is no disk: it has no time */
  c = at(r, 7, 1);
  ATTACHED(ns, c);
  rig_ctrl_del(c);
  ATTACHED(ns, at(r, 7, 1));
  rig_end(r);
}
END_TEST

START_TEST(R67_an_explicit_attach_of_a_private_namespace_survives_a_reconnect)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 7, 1), *d;
  rig_ns *ns = disks_loose_private(r, 1, 'A');

  ck_assert_int_eq(rig_attach(ns, c), 0);
  rig_ctrl_del(c);
  if (_i) { /* somebody else has it meanwhile */
    d = at(r, 9, 2);
    ck_assert_int_eq(rig_attach(ns, d), 0);
    c = at(r, 7, 1);
    WANTED(ns, c, DRAIN);
    ck_assert_int_eq(detach(ns, d), 0);
    ATTACHED(ns, c);
  } else {
    ATTACHED(ns, at(r, 7, 1));
  }
  rig_end(r);
}
END_TEST

START_TEST(R67_an_explicit_detach_ends_with_its_namespace)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 7, 1);

  ck_assert_int_eq(detach(disks_put(r, 1, 'A'), c), 0);
  rig_ctrl_del(c);
  disks_swap(r, 1, 'A'); /* the same identity: another namespace */
  ATTACHED(rig_find(r, 1), at(r, 7, 1));
  rig_end(r);
}
END_TEST

START_TEST(R56_plug_forgets_the_explicit_ones_of_hosts_that_are_away)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 7, 1);
  rig_ns *ns = disks_put(r, 1, 'A');

  ck_assert_int_eq(detach(ns, c), 0);
  rig_ctrl_del(c);
  ck_assert_int_eq(rig_plug(ns), 0);
  ATTACHED(ns, at(r, 7, 1));
  rig_end(r);
}
END_TEST

/* ---- a host that reconnects while its former controller is still being removed ---- */

/* A controller of host 1 is being removed; a command holds X, under NSID 9, there. */
static rig_io going(rig_ctrl *c)
{
  rig_io io;

  rig_enable(c);
  io = rig_io_begin(c->rig, rig_lane(c), 9);
  ck_assert_uint_eq(io.sf, 0);
  rig_ctrl_del(c);
  ck_assert_int_eq(c->released, 0);
  return io;
}

static void end_io(rig *r, rig_io *io)
{
  rig_io_end_remote(io);
  rig_rest(r);
}

START_TEST(R67_who_follows_a_controller_that_goes_has_its_explicit_ones)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1), *n;
  rig_ns *a = disks_put(r, 1, 'A'), *l = disks_loose(r, 2, 'L');
  rig_io io;

  disks_put(r, 9, 'X');
  ck_assert_int_eq(detach(a, c), 0);
  ck_assert_int_eq(rig_attach(l, c), 0);
  io = going(c);
  n = disks_down(r, 1);
  DETACHED(a, n);
  ATTACHED(l, n);
  ATTACHED(a, disks_down(r, 1)); /* it has been followed */
  ATTACHED(a, disks_down(r, 2));
  end_io(r, &io);
  ck_assert_int_eq(c->released, 1);
  DETACHED(a, at(r, 0, 1)); /* and it has it still */
  rig_end(r);
}
END_TEST

/* _i: its CNTLID is given; it is one that the host had. */
START_TEST(R67_who_has_a_cntlid_of_its_own_follows_nobody)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1), *d = disks_down(r, 1), *n;
  rig_ns *a = disks_put(r, 1, 'A');
  rig_io io;

  disks_put(r, 9, 'X');
  ck_assert_int_eq(detach(a, c), 0);
  if (_i)
    rig_ctrl_del(d);
  io = going(c);
  n = _i ? disks_down(r, 1) : at(r, 5, 1);
  ck_assert_uint_eq(rig_cntlid(n), _i ? 1 : 5);
  ATTACHED(a, n);
  end_io(r, &io);
  rig_end(r);
}
END_TEST

START_TEST(R67_two_that_go_are_followed_the_lowest_first)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1), *d = disks_down(r, 1), *n;
  rig_ns *a = disks_put(r, 1, 'A'), *b = disks_put(r, 2, 'B');
  rig_io ios[2];

  disks_put(r, 9, 'X');
  ck_assert_int_eq(detach(a, c), 0);
  ck_assert_int_eq(detach(b, d), 0);
  ios[1] = going(d);
  ios[0] = going(c);
  n = disks_down(r, 1);
  DETACHED(a, n);
  ATTACHED(b, n);
  n = disks_down(r, 1);
  ATTACHED(a, n);
  DETACHED(b, n);
  end_io(r, &ios[0]);
  end_io(r, &ios[1]);
  rig_end(r);
}
END_TEST

/* ---- bounds ---- */

/* Room for two hosts: the one that is away longest is forgotten, and is a stranger then. */
START_TEST(R67_the_host_that_is_away_longest_is_forgotten_first)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = 2});
  rig_ctrl *c;
  rig_ns *b;
  uint8_t host;

  disks_put(r, 1, 'A');
  for (host = 1; host <= 3; host++) {
    c = disks_path(r, host);
    IDS(c, "1");
    rig_ctrl_del(c);
    rig_pass(r, 1);
  }
  b = disks_swap(r, 1, 'B');
  for (host = 3; host >= 2; host--) { /* each is forgotten by nobody else */
    c = disks_path(r, host);
    WANTED(b, c, HOST);
  }
  rig_ctrl_del(c);
  c = disks_path(r, 1);
  ATTACHED(b, c);
  IDS(c, "1");
  HEARS(c, "1");
  SILENT(c);
  rig_end(r);
}
END_TEST

START_TEST(R67_a_forgotten_host_leaves_nothing)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = 1});
  rig_ctrl *c = disks_path(r, 1);
  rig_ns *ns = disks_put(r, 1, 'A');

  ck_assert_int_eq(detach(ns, c), 0);
  rig_ctrl_del(c);
  c = disks_path(r, 2);
  rig_ctrl_del(c);
  c = disks_path(r, 1);
  ATTACHED(ns, c); /* its detach is forgotten */
  rig_end(r);
}
END_TEST

/* A controller that comes again, in place of one that has been released. */
static void again(rig_ctrl *c, const nvmens_ctrl_config *config)
{
  ck_assert_int_eq(c->released, 1);
  c->released = 0;
  ck_assert_int_eq(nvmens_ctrl_new(&c->c, c->rig->s, config, c), 0);
}

/* Hosts that come and go, and a namespace that is another each time. The host reads as it likes. */
static unsigned cycle(rig *r, rig_ctrl *c, unsigned n, unsigned hosts)
{
  nvmens_ns_config config = disks_config(1, 0);
  nvmens_ctrl_config of = {.hostid = {1}};
  unsigned i;

  for (i = 0; i < n; i++) {
    of.hostid[1] = (uint8_t)(i % hosts);
    of.hostid[2] = (uint8_t)(i % hosts >> 8);
    again(c, &of);
    disks_listen(c);
    if (i % 3 == 0) {
      rig_heard(c);
      disks_log(c);
      if (i % 2)
        disks_settle(c);
    }
    if (i % 5 == 0)
      rig_detach(rig_find(r, 1), c, NVMENS_ORDERLY, RIG_NEVER);
    rig_ctrl_del(c);
    disks_take(r, 1);
    nvmens_put32(config.ident.uuid, r->nns);
    rig_ns_new(r, &config);
    rig_pass(r, RIG_SEC);
  }
  return r->live;
}

/* H5. _i: one host; more than there is room for. */
START_TEST(H5_ten_thousand_reconnects_and_swaps_do_not_grow)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = 8});
  rig_ctrl *c = disks_path(r, 1);
  unsigned live;

  disks_put(r, 1, 'A');
  rig_ctrl_del(c);
  r->no_check = 1;
  r->log_mask = 0;
  live = cycle(r, c, 1000, _i ? 1000 : 1);
  ck_assert_uint_le(cycle(r, c, 4500, _i ? 1000 : 1), live + 8);
  ck_assert_uint_le(cycle(r, c, 4500, _i ? 1000 : 1), live + 8);
  r->no_check = 0;
  rig_poll(r);
  rig_pass(r, MEMORY_NS);
  rig_end(r);
}
END_TEST

/* At most four identities of one NSID, then one that stands for any: whoever comes waits. */
START_TEST(R67_more_disks_of_one_nsid_than_are_kept_are_any)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c;
  char who;
  unsigned live = 0;

  disks_put(r, 1, 'A');
  for (who = 'B'; who <= 'Z'; who++) {
    c = disks_down(r, 1);
    rig_enable(c);
    ck_assert_int_ne(disks_who(c, 1), 0); /* it looks, has the disk, and goes */
    ATTACHED(rig_find(r, 1), c);
    rig_ctrl_del(c);
    disks_swap(r, 1, who);
    if (who == 'H')
      live = r->live;
  }
  ck_assert_uint_le(r->live, live);
  c = disks_path(r, 1);
  for (who = 'A'; who <= 'Z'; who++)
    WANTED(disks_swap(r, 1, who), c, HOST);
  disks_settle(c);
  ATTACHED(rig_find(r, 1), c);
  rig_end(r);
}
END_TEST

/* Each of the four keeps its time, and so does the one that stands for all others. */
START_TEST(R67_four_disks_of_one_nsid_are_kept_beside_any)
{
  rig *r = disks_rig(NULL);
  uint64_t gone[6];
  rig_ctrl *c;
  unsigned i;

  disks_put(r, 1, 'A');
  for (i = 0; i < 6; i++) {
    c = disks_settled(r, 1);
    ATTACHED(rig_find(r, 1), c);
    rig_ctrl_del(c);
    rig_poll(r);
    gone[i] = r->now;
    disks_swap(r, 1, (char)('B' + i));
    rig_pass(r, RIG_SEC);
  }
  for (i = 0; i < 6; i += i == 3 ? 2 : 1) { /* E and F are one, since F went */
    ck_assert_uint_eq(more_next(r), gone[i] + MEMORY_NS);
    rig_pass(r, more_next(r) - r->now);
  }
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_end(r);
}
END_TEST

/* An identity is one, be it shared or private (C15). */
START_TEST(R67_a_disk_that_was_private_and_is_shared_is_one)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_path(r, 1);

  disks_private(r, 1, 'A');
  HEARS(c, "1");
  rig_ctrl_del(c);
  rig_poll(r);
  disks_swap(r, 1, 'A');
  rig_pass(r, RIG_SEC);
  c = disks_path(r, 1);
  ATTACHED(rig_find(r, 1), c);
  disks_put(r, 2, 'X'); /* it reads twice: it is no newcomer any more */
  disks_settle(c);
  disks_put(r, 3, 'Y');
  disks_settle(c);
  rig_ctrl_del(c);
  rig_poll(r);
  ck_assert_uint_eq(more_next(r), r->now + MEMORY_NS);
  rig_pass(r, MEMORY_NS);
  ck_assert_uint_eq(more_next(r), RIG_NEVER);
  rig_end(r);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("memory_of_hosts");
  TCase *t = tcase_create("memory_of_hosts");

  tcase_add_loop_test(t, R67_an_explicit_detach_survives_a_reconnect, 0, 2);
  tcase_add_test(t, R67_an_explicit_attach_survives_a_reconnect);
  tcase_add_loop_test(t, R67_an_explicit_attach_of_a_private_namespace_survives_a_reconnect, 0, 2);
  tcase_add_test(t, R67_an_explicit_detach_ends_with_its_namespace);
  tcase_add_test(t, R56_plug_forgets_the_explicit_ones_of_hosts_that_are_away);
  tcase_add_test(t, R67_who_follows_a_controller_that_goes_has_its_explicit_ones);
  tcase_add_loop_test(t, R67_who_has_a_cntlid_of_its_own_follows_nobody, 0, 2);
  tcase_add_test(t, R67_two_that_go_are_followed_the_lowest_first);
  tcase_add_test(t, R67_the_host_that_is_away_longest_is_forgotten_first);
  tcase_add_test(t, R67_a_forgotten_host_leaves_nothing);
  tcase_add_loop_test(t, H5_ten_thousand_reconnects_and_swaps_do_not_grow, 0, 2);
  tcase_add_test(t, R67_more_disks_of_one_nsid_than_are_kept_are_any);
  tcase_add_test(t, R67_four_disks_of_one_nsid_are_kept_beside_any);
  tcase_add_test(t, R67_a_disk_that_was_private_and_is_shared_is_one);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
