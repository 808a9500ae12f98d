/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_forgotten.c: when what is remembered of a host ends, and who is told of it (R65 to R67); how
 * much of it there is at most (R67 to R69); and that a controller which never was leaves nothing.
 * What is remembered is in test_memory_of_hosts.c and test_newcomers.c.
 */
#include "disks.h"

static const nvmens_ctrl_config of_host_1 = {.hostid = {1}};

static rig_ctrl *at(rig *r, uint16_t cntlid)
{
  return rig_ctrl_new(r, &(nvmens_ctrl_config){.cntlid = cntlid, .cntlid_given = 1, .hostid = {1}});
}

static int detach(rig_ns *ns, rig_ctrl *c)
{
  return rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER);
}

static void end_io(rig *r, rig_io *io)
{
  rig_io_end_remote(io);
  rig_rest(r);
}

/* ---- a path has gone for good ---- */

/* A pci controller that has A is still being removed. Host 1 reconnects, of which nothing else is
 * remembered, or (_i) a disk under NSID 2, which makes it a newcomer. */
START_TEST(R66_nobody_waits_for_disks_that_go_with_their_controller)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}, .pci = 1}), *d;
  rig_ns *b;
  rig_io io;

  disks_listen(c);
  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'A'), c), 0);
  ck_assert_int_eq(rig_attach(disks_loose(r, 9, 'X'), c), 0);
  disks_settle(c);
  if (_i) {
    d = disks_path(r, 1);
    ck_assert_int_eq(rig_attach(disks_loose(r, 2, 'Y'), d), 0);
    rig_ctrl_del(d);
  }
  io = rig_io_begin(r, rig_lane(c), 9);
  ck_assert_uint_eq(io.sf, 0);
  rig_ctrl_del(c);
  ck_assert_int_eq(c->released, 0);
  b = disks_swap(r, 1, 'B');
  ATTACHED(b, disks_path(r, 1));
  end_io(r, &io);
  rig_end(r);
}
END_TEST

/* Paths p and q stay, c goes with A. Then q has nothing, and p has A, or (_i) B, which the host may
 * have refused there. */
START_TEST(R65_only_who_may_have_been_refused_is_told_of_a_path_that_has_gone)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_settled(r, 1), *q = disks_settled(r, 1), *c = disks_path(r, 1);
  rig_ns *ns = disks_put(r, 1, 'A');

  HEARS(p, "1");
  HEARS(q, "1");
  HEARS(c, "1");
  rig_ctrl_del(c);
  rig_poll(r);
  if (_i)
    ns = disks_swap(r, 1, 'B');
  disks_settle(p);
  disks_settle(q);
  ck_assert_int_eq(detach(ns, q), 0);
  disks_settle(q);
  disks_settle(p); /* it has waited for q */
  ATTACHED(ns, p);
  DETACHED(ns, q);
  rig_pass(r, MEMORY_NS - 1);
  SILENT(p);
  rig_pass(r, 1);
  if (_i)
    HEARS(p, "1");
  SILENT(p);
  SILENT(q);
  rig_end(r);
}
END_TEST

/* A path that asks for no events and has this identity under NSID 1. */
static rig_ctrl *deaf_with(rig *r, char who)
{
  rig_ctrl *c = disks_down(r, 1);

  rig_enable(c);
  ck_assert_int_eq(rig_attach(disks_loose(r, 1, who), c), 0);
  ATTACHED(rig_find(r, 1), c);
  return c;
}

/* Paths with A to E go, E later than the others. That is one identity too many: E stands for any,
 * and A is not kept. When the time of B, C and D is over, there may still be a path with another
 * identity than E, which p has. */
START_TEST(R65_one_that_stands_for_any_may_have_been_refused_by_whoever_is_there)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_settled(r, 1), *c[5];
  int i;

  for (i = 0; i < 5; i++) {
    if (i)
      disks_take(r, 1);
    c[i] = deaf_with(r, (char)('A' + i));
  }
  ck_assert_int_eq(rig_attach(rig_find(r, 1), p), 0);
  disks_settle(p);
  ATTACHED(rig_find(r, 1), p);
  for (i = 0; i < 4; i++)
    rig_ctrl_del(c[i]);
  rig_poll(r);
  rig_pass(r, MEMORY_NS / 2);
  rig_ctrl_del(c[4]);
  rig_poll(r);
  rig_pass(r, MEMORY_NS / 2 - 1);
  SILENT(p);
  rig_pass(r, 1);
  HEARS(p, "1");
  SILENT(p);
  rig_pass(r, MEMORY_NS / 2 - 1);
  SILENT(p);
  rig_pass(r, 1);
  HEARS(p, "1");
  SILENT(p);
  rig_end(r);
}
END_TEST

/* The newcomer came between the two and owes: it may be the path that had A, and cannot be p. */
START_TEST(R67_a_newcomer_keeps_nothing_of_a_path_that_went_after_it_came)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *p = disks_path(r, 1), *c = disks_path(r, 1);

  ck_assert_int_eq(rig_attach(disks_loose(r, 1, 'A'), c), 0);
  ck_assert_int_eq(rig_attach(disks_loose(r, 2, 'X'), p), 0);
  rig_ctrl_del(c);
  disks_down(r, 1);
  rig_ctrl_del(p);
  disks_take(r, 1);
  disks_take(r, 2);
  rig_poll(r);
  rig_pass(r, MEMORY_NS - 1);
  ck_assert_uint_eq(disks_put(r, 0, 'C')->ref.nsid, 3);
  rig_pass(r, 1);
  ck_assert_uint_eq(disks_put(r, 0, 'B')->ref.nsid, 2);
  ck_assert_uint_eq(disks_put(r, 0, 'D')->ref.nsid, 4);
  rig_end(r);
}
END_TEST

/* ---- bounds ---- */

START_TEST(R67_sixteen_explicit_attaches_of_one_nsid_are_kept)
{
  enum { N = 17 };
  rig *r = disks_rig(NULL);
  rig_ns *ns = disks_loose(r, 1, 'A');
  rig_ctrl *c[N];
  uint16_t i;

  for (i = 0; i < N; i++) {
    c[i] = at(r, i);
    ck_assert_int_eq(rig_attach(ns, c[i]), 0);
  }
  for (i = 0; i < N; i++)
    rig_ctrl_del(c[i]);
  DETACHED(ns, at(r, 0)); /* the first that went */
  for (i = 1; i < N; i++)
    ATTACHED(ns, at(r, i));
  rig_end(r);
}
END_TEST

/* The first 1023 free ones are owed, or (_i) 1024, and the next is not. */
START_TEST(R69_it_looks_at_the_first_1024_free_ones)
{
  const uint32_t owed = 1023 + (uint32_t)_i;
  rig *r = disks_rig(&(nvmens_subsys_config){.nn = 2000});
  rig_ctrl *c = disks_path(r, 1);
  uint32_t nsid;

  r->no_check = 1;
  for (nsid = 1; nsid <= owed; nsid++)
    rig_ns_auto(r, nsid);
  ATTACHED(rig_find(r, owed), c);
  for (nsid = 1; nsid <= owed; nsid++)
    disks_take(r, nsid);
  r->no_check = 0;
  ck_assert_uint_eq(disks_put(r, 0, 'A')->ref.nsid, _i ? 1 : owed + 1);
  rig_end(r);
}
END_TEST

/* This host has had these 16 CNTLIDs. */
static void had(rig_ctrl *c, uint32_t host)
{
  nvmens_ctrl_config config = {.cntlid_given = 1, .hostid = {1}};
  uint32_t i;

  nvmens_put32(config.hostid + 1, host);
  for (i = 0; i < 16; i++) {
    config.cntlid = (uint16_t)(16 * host + i);
    c->released = 0;
    RIG_MUST(nvmens_ctrl_new(&c->c, c->rig->s, &config, c) == 0);
    rig_ctrl_del(c);
    RIG_MUST(c->released);
  }
}

/* Every CNTLID is one that some host has had; 0 and 2 are in use. */
START_TEST(R68_where_other_hosts_have_had_all_it_is_the_lowest)
{
  const uint32_t all = NVMENS_CNTLID_MAX + 1;
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = NVMENS_CNTLID_MAX + 1});
  rig_ctrl *c = disks_down(r, 2);
  uint32_t host;

  rig_ctrl_del(c);
  r->no_check = 1;
  r->log_mask = 0;
  for (host = 0; host < all / 16; host++)
    had(c, host);
  r->no_check = 0;
  at(r, 0);
  at(r, 2);
  ck_assert_uint_eq(rig_cntlid(disks_down(r, 3)), 1);
  rig_end(r);
}
END_TEST

/* ---- a namespace ends ---- */

static void make_another(rig *r, const rig_event *e)
{
  (void)e;
  r->react = NULL;
  ck_assert_uint_eq(disks_put(r, 0, 'B')->ref.nsid, 1);
  ATTACHED(rig_find(r, 1), at(r, 7));
}

/* The NSID is free when `released` is called, and nothing of the one that had it is remembered: it
 * left no disk (R69). */
START_TEST(R67_an_explicit_detach_has_ended_when_its_namespace_is_released)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 7);

  ck_assert_int_eq(detach(disks_put(r, 1, 'A'), c), 0);
  rig_ctrl_del(c);
  r->react_on = RIG_BIT(RIG_RELEASED);
  r->react = make_another;
  disks_take(r, 1);
  ck_assert(!r->react);
  rig_end(r);
}
END_TEST

/* Its controller comes back while the namespace is being deleted, and stays. */
START_TEST(R67_an_explicit_detach_is_not_of_what_has_the_nsid_next)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = at(r, 7), *d = disks_down(r, 2);
  rig_ns *a = disks_put(r, 1, 'A');

  ck_assert_int_eq(detach(a, c), 0);
  rig_ctrl_del(c);
  a->drain = RIG_DRAIN_PENDING;
  disks_take(r, 1);
  ck_assert_int_eq(a->released, 0);
  c = at(r, 7);
  ck_assert_int_eq(rig_drained(a, d), 0);
  rig_rest(r);
  ck_assert_int_eq(a->released, 1);
  ATTACHED(disks_put(r, 1, 'B'), c);
  rig_end(r);
}
END_TEST

/* Host 1 is forgotten, and host 2 is not. */
START_TEST(R56_who_is_forgotten_is_the_keeper_of_its_own_namespaces_only)
{
  rig *r = disks_rig(&(nvmens_subsys_config){.max_ctrls = 2});
  rig_ctrl *c = disks_down(r, 1), *d;
  rig_ns *one = disks_private(r, 1, 'A'), *two;

  rig_ctrl_del(c);
  d = disks_down(r, 2);
  two = disks_private(r, 2, 'B');
  ATTACHED(two, d);
  rig_ctrl_del(d);
  rig_ctrl_del(disks_down(r, 3)); /* host 1 is forgotten */
  d = disks_down(r, 4);
  ATTACHED(one, d); /* it has no keeper any more: whoever comes */
  DETACHED(two, d);
  ATTACHED(two, disks_down(r, 2));
  rig_end(r);
}
END_TEST

/* ---- a controller that never was ---- */

/* Host 1 has detached A at CNTLID 0, which is still being removed, or has gone. */
static rig *detached(rig_ns **a, rig_io *io, int gone)
{
  rig *r = disks_rig(NULL);
  rig_ctrl *c = disks_down(r, 1);
  uint32_t nsid;

  *a = disks_put(r, 1, 'A');
  for (nsid = 2; nsid <= 4; nsid++)
    disks_put(r, nsid, (char)('A' + nsid));
  rig_enable(c);
  ck_assert_int_eq(detach(*a, c), 0);
  *io = rig_io_begin(r, rig_lane(c), 2);
  ck_assert_uint_eq(io->sf, 0);
  rig_ctrl_del(c);
  if (gone)
    end_io(r, io);
  ck_assert_int_eq(c->released, gone);
  return r;
}

/* The nth allocation fails while a controller of host 1 is made whose CNTLID is chosen. It would
 * follow CNTLID 0 as CNTLID 1: who is given CNTLID 1 then does not have the detach. Or (_i) it
 * would be CNTLID 0 again: the next one is, and has it. */
START_TEST(R67_a_controller_that_could_not_be_made_has_taken_over_nothing)
{
  unsigned n, failed = 0;
  int err = NVMENS_ERR_NOMEM;
  rig_ctrl *c;
  rig_io io;
  rig_ns *a;
  rig *r;

  for (n = 1; err; n++) {
    r = detached(&a, &io, _i);
    r->fail_alloc = n;
    err = rig_ctrl_try(r, &of_host_1, &c);
    r->fail_alloc = 0;
    if (err) {
      ck_assert_int_eq(err, NVMENS_ERR_NOMEM);
      failed++;
      c = _i ? disks_down(r, 1) : at(r, 1);
      ck_assert_uint_eq(rig_cntlid(c), _i ? 0 : 1);
    }
    if (err && !_i)
      ATTACHED(a, c); /* who has a CNTLID of its own follows nobody */
    else
      DETACHED(a, c);
    if (!_i)
      end_io(r, &io);
    rig_end(r);
  }
  ck_assert_uint_gt(failed, 4);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("forgotten");
  TCase *t = tcase_create("forgotten");

  tcase_add_loop_test(t, R66_nobody_waits_for_disks_that_go_with_their_controller, 0, 2);
  tcase_add_loop_test(t, R65_only_who_may_have_been_refused_is_told_of_a_path_that_has_gone, 0, 2);
  tcase_add_test(t, R65_one_that_stands_for_any_may_have_been_refused_by_whoever_is_there);
  tcase_add_test(t, R67_a_newcomer_keeps_nothing_of_a_path_that_went_after_it_came);
  tcase_add_test(t, R67_sixteen_explicit_attaches_of_one_nsid_are_kept);
  tcase_add_loop_test(t, R69_it_looks_at_the_first_1024_free_ones, 0, 2);
  tcase_add_test(t, R68_where_other_hosts_have_had_all_it_is_the_lowest);
  tcase_add_test(t, R67_an_explicit_detach_has_ended_when_its_namespace_is_released);
  tcase_add_test(t, R67_an_explicit_detach_is_not_of_what_has_the_nsid_next);
  tcase_add_test(t, R56_who_is_forgotten_is_the_keeper_of_its_own_namespaces_only);
  tcase_add_loop_test(t, R67_a_controller_that_could_not_be_made_has_taken_over_nothing, 0, 2);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
