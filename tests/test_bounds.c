/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_bounds.c: how much work is done under the lock in one piece, in steps that the library
 * counts (nvmens_core.most): what does not concern a call does not make it longer, and long work is
 * done in pieces.
 */
#include "rig_more.h"
#include "subsys.h"

enum { MANY = 1000, FEW = 10, PIECE = 256 /* as in clock.c and api_ns.c */ };

/* The most work in one piece since the last time. */
static unsigned most(rig *r)
{
  unsigned work = (unsigned)r->s->core.most;

  r->s->core.most = 0;
  return work;
}

static rig_io io[MANY];

/* I/O is out on n namespaces of one controller. */
static rig *busy(uint32_t n, rig_ctrl **c)
{
  rig *r = rig_new(NULL);
  nvmens_lane *lane;

  r->no_check = 1;
  *c = rig_ctrl_on(r);
  lane = rig_lane(*c);
  for (uint32_t i = 0; i < n; i++) {
    rig_ns_auto(r, i + 1);
    io[i] = rig_io_begin(r, lane, i + 1);
    ck_assert_uint_eq(io[i].sf, 0);
  }
  return r;
}

static void unplug_all(rig *r, uint64_t deadline)
{
  rig_ns *next;

  for (rig_ns *ns = r->ns; ns; ns = next) {
    next = ns->next;
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, deadline), 0);
  }
  most(r);
}

static void end_all(rig *r, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    rig_io_end(&io[i]);
  rig_rest(r);
  r->no_check = 0;
  rig_end(r);
}

/* One drain ends beside n that do not. */
static unsigned poll_beside(uint32_t n)
{
  rig_ctrl *c;
  rig *r = busy(n, &c);
  unsigned nothing, one;

  unplug_all(r, RIG_NEVER);
  rig_poll(r);
  nothing = most(r);
  rig_io_end(&io[n - 1]);
  rig_poll(r);
  one = most(r);
  ck_assert_uint_eq(nothing, 0);
  end_all(r, n - 1);
  return one;
}

START_TEST(a_poll_costs_by_what_may_have_ended)
{
  unsigned few = poll_beside(FEW);

  ck_assert_uint_gt(few, 0);
  ck_assert_uint_eq(poll_beside(MANY), few);
}
END_TEST

START_TEST(a_poll_looks_at_so_many_gates_in_one_piece)
{
  rig_ctrl *c;
  rig *r = busy(MANY, &c);
  unsigned locks;

  unplug_all(r, RIG_NEVER);
  for (uint32_t i = 0; i < MANY; i++)
    rig_io_end(&io[i]);
  rig_poll(r);
  locks = most(r);
  ck_assert_uint_ge(locks, PIECE);
  ck_assert_uint_le(locks, 4 * PIECE);
  ck_assert_uint_eq(rig_count(r, RIG_RELEASED), MANY); /* all in the one call */
  end_all(r, 0);
}
END_TEST

START_TEST(a_poll_does_so_many_deadlines_in_one_piece)
{
  rig_ctrl *c;
  rig *r = busy(MANY, &c);

  unplug_all(r, r->now + RIG_SEC);
  rig_pass(r, 2 * (uint64_t)RIG_SEC);
  ck_assert_uint_le(most(r), 4 * PIECE);
  ck_assert_uint_eq(rig_count(r, RIG_ABORT), MANY);
  end_all(r, MANY);
}
END_TEST

/* A gate is listed by its last end, and its drain ends before poll looks; then the controller goes,
 * or not. */
START_TEST(a_poll_passes_by_what_has_been_drained)
{
  rig_ctrl *c;
  rig *r = busy(1, &c);
  rig_ns *ns = rig_find(r, 1);

  r->drain = RIG_DRAIN_PENDING;
  if (_i) {
    rig_ctrl_del(c);
    rig_lane_del(r, r->lane[0]);
  } else {
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  }
  rig_io_end_remote(&io[0]);
  ck_assert_int_eq(rig_drained(ns, c), 0);
  ck_assert_int_eq(c->released, _i);
  most(r);
  rig_poll(r);
  ck_assert_uint_le(most(r), 1);
  end_all(r, 0);
}
END_TEST

/* A reset ends the commands of its controller that wait, beside n drains of another one. */
static unsigned reset_beside(uint32_t n)
{
  rig_ctrl *c, *other;
  rig *r = busy(FEW, &c);
  rig_cmd *cmd[FEW];
  nvmens_lane *lane;
  unsigned work;

  for (uint32_t i = 0; i < FEW; i++)
    cmd[i] = rig_host_detach(c, i + 1, c);
  other = rig_ctrl_on(r);
  lane = rig_lane(other);
  for (uint32_t i = FEW; i < n; i++) {
    rig_ns *ns = rig_ns_loose(r, i + 1);

    ck_assert_int_eq(rig_attach(ns, other), 0);
    io[i] = rig_io_begin(r, lane, i + 1);
    ck_assert_int_eq(rig_unplug(ns, NVMENS_ORDERLY, RIG_NEVER), 0);
  }
  most(r);
  rig_reset(c);
  work = most(r);
  for (uint32_t i = 0; i < FEW; i++)
    ck_assert_uint_eq(cmd[i]->dropped, 1);
  end_all(r, n);
  return work;
}

START_TEST(a_reset_costs_by_its_own_commands)
{
  ck_assert_uint_eq(reset_beside(MANY), reset_beside(2 * FEW));
}
END_TEST

/* One host with n controllers, and 20 namespaces. */
typedef struct cost {
  unsigned enable, reset, unplug;
} cost;

static cost host_of(unsigned n)
{
  rig *r = rig_new(NULL);
  rig_ctrl *c = NULL;
  cost found;

  r->no_check = 1;
  for (uint32_t i = 0; i < 20; i++)
    rig_ns_auto(r, i + 1);
  for (unsigned i = 0; i < n; i++) {
    c = rig_ctrl_new(r, &(nvmens_ctrl_config){.hostid = {1}});
    most(r);
    rig_enable(c);
    found.enable = most(r);
  }
  rig_reset(c);
  found.reset = most(r);
  rig_enable(c);
  most(r);
  ck_assert_int_eq(rig_unplug(rig_find(r, 1), NVMENS_ORDERLY, RIG_NEVER), 0);
  found.unplug = most(r);
  r->no_check = 0;
  rig_end(r);
  return found;
}

START_TEST(what_a_host_does_costs_by_its_own_path)
{
  cost few = host_of(4), many = host_of(64);

  ck_assert_uint_eq(many.enable, few.enable);
  ck_assert_uint_eq(many.reset, few.reset);
  ck_assert_uint_le(many.unplug, 64 / 4 * few.unplug);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("bounds");
  TCase *t = tcase_create("bounds");

  tcase_add_test(t, a_poll_costs_by_what_may_have_ended);
  tcase_add_test(t, a_poll_looks_at_so_many_gates_in_one_piece);
  tcase_add_test(t, a_poll_does_so_many_deadlines_in_one_piece);
  tcase_add_loop_test(t, a_poll_passes_by_what_has_been_drained, 0, 2);
  tcase_add_test(t, a_reset_costs_by_its_own_commands);
  tcase_add_test(t, what_a_host_does_costs_by_its_own_path);
  tcase_set_timeout(t, 60);
  suite_add_tcase(s, t);
  return rig_main(s);
}
