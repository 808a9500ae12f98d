/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_lane.c: lanes and their counters: remote ends, lanes that go with commands out, many
 * namespaces, many lanes (G1, G3, P15; the file head of gate.h).
 */
#include "rig_more.h"

static rig_ctrl *c;
static rig_ns *ns;

/* A controller with one namespace, and commands may end when they like. */
static rig *lane_rig(void)
{
  rig *r = rig_new(&(nvmens_subsys_config){.nn = 4096});

  c = rig_ctrl_on(r);
  ns = rig_ns_auto(r, 1);
  return r;
}

static void expect_drain(rig *r, int state)
{
  rig_rest(r);
  ck_assert_int_eq(more_att(ns, c), state);
}

START_TEST(G1_a_remote_end_counts)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);
  rig_io a = rig_io_begin(r, lane, 1), b = rig_io_begin(r, lane, 1);

  rig_io_end_remote(&a);
  ck_assert_uint_eq(rig_att(ns, c).in_flight, 1);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  expect_drain(r, NVMENS_ATT_DRAINING);
  rig_io_end_remote(&b);
  expect_drain(r, NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(G1_commands_outlive_their_lane)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);
  rig_io a = rig_io_begin(r, lane, 1), b = rig_io_begin(r, lane, 1);

  rig_io_end(&a);
  rig_lane_del(r, lane);
  ck_assert_uint_eq(rig_att(ns, c).in_flight, 1);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  expect_drain(r, NVMENS_ATT_DRAINING);
  rig_io_end_remote(&b);
  expect_drain(r, NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(G1_a_lane_may_go_in_the_middle_of_a_drain)
{
  rig *r = lane_rig();
  nvmens_lane *one = rig_lane(c), *two = rig_lane(c);
  rig_io a = rig_io_begin(r, one, 1), b = rig_io_begin(r, two, 1);

  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_lane_del(r, one);
  rig_io_end(&b);
  expect_drain(r, NVMENS_ATT_DRAINING);
  rig_io_end_remote(&a);
  expect_drain(r, NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(P15_counts_survive_detach_and_attach)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);

  for (int i = 0; i < 50; i++) {
    rig_io io = rig_io_begin(r, lane, 1);

    ck_assert_uint_eq(rig_att(ns, c).in_flight, 1);
    if (i % 3 == 0) {
      rig_lane_del(r, lane);
      lane = rig_lane(c);
      rig_io_end_remote(&io);
    } else if (i % 3 == 1) {
      rig_io_end_remote(&io);
    } else {
      rig_io_end(&io);
    }
    ck_assert_uint_eq(rig_att(ns, c).in_flight, 0);
    ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
    expect_drain(r, NVMENS_ATT_DETACHED);
    ck_assert_int_eq(rig_attach(ns, c), 0);
  }
  rig_end(r);
}
END_TEST

START_TEST(G1_a_lane_serves_namespaces_that_come_later)
{
  rig *r = lane_rig();
  nvmens_lane *early = rig_lane(c);
  nvmens_lane *late;

  r->no_check = 1;
  for (uint32_t nsid = 2; nsid <= 700; nsid++) /* more than two chunks of counters */
    rig_ns_auto(r, nsid);
  late = rig_lane(c);
  for (uint32_t nsid = 1; nsid <= 700; nsid++) {
    rig_io a = rig_io_begin(r, early, nsid), b = rig_io_begin(r, late, nsid);

    ck_assert_uint_eq(a.sf, 0);
    ck_assert_uint_eq(b.sf, 0);
    ck_assert_uint_eq(a.ns->ref.nsid, nsid);
    ck_assert_ptr_eq(a.ns, b.ns);
    ck_assert_uint_eq(rig_att(a.ns, c).in_flight, 2);
    rig_io_end(&a);
    rig_io_end_remote(&b);
    ck_assert_uint_eq(rig_att(a.ns, c).in_flight, 0);
  }
  r->no_check = 0;
  rig_end(r);
}
END_TEST

START_TEST(G1_namespaces_count_apart)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);
  rig_io io;

  rig_ns_auto(r, 2);
  io = rig_io_begin(r, lane, 2);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  expect_drain(r, NVMENS_ATT_DETACHED);
  rig_io_end(&io);
  rig_end(r);
}
END_TEST

START_TEST(G1_controllers_count_apart)
{
  rig *r = lane_rig();
  rig_ctrl *other = rig_ctrl_on(r);
  nvmens_lane *lane = rig_lane(other);
  rig_io io = rig_io_begin(r, lane, 1);

  ck_assert_uint_eq(io.sf, 0);
  ck_assert_uint_eq(rig_att(ns, c).in_flight, 0);
  ck_assert_uint_eq(rig_att(ns, other).in_flight, 1);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  expect_drain(r, NVMENS_ATT_DETACHED);
  rig_io_end(&io);
  rig_end(r);
}
END_TEST

START_TEST(R24_commands_are_counted_across_a_reset)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);
  rig_io io = rig_io_begin(r, lane, 1);

  rig_reenable(c);
  ck_assert_uint_eq(rig_att(ns, c).in_flight, 1);
  ck_assert_int_eq(rig_detach(ns, c, NVMENS_ORDERLY, RIG_NEVER), 0);
  expect_drain(r, NVMENS_ATT_DRAINING);
  rig_io_end(&io);
  expect_drain(r, NVMENS_ATT_DETACHED);
  rig_end(r);
}
END_TEST

START_TEST(G1_a_controller_goes_with_commands_out)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);
  rig_io a = rig_io_begin(r, lane, 1), b = rig_io_begin(r, lane, 1);

  rig_ctrl_del(c);
  rig_rest(r);
  ck_assert_int_eq(c->released, 0);
  rig_io_end(&a);
  rig_lane_del(r, lane); /* after nvmens_ctrl_del */
  rig_rest(r);
  ck_assert_int_eq(c->released, 0);
  rig_io_end_remote(&b);
  rig_rest(r);
  ck_assert_int_eq(c->released, 1);
  rig_end(r);
}
END_TEST

START_TEST(G1_a_lane_outlives_its_controller)
{
  rig *r = lane_rig();
  nvmens_lane *lane = rig_lane(c);
  nvmens_ticket ticket;
  void *user;

  rig_ctrl_del(c);
  rig_rest(r);
  ck_assert_uint_ne(nvmens_io_begin(lane, 1, &ticket, &user).sf, 0);
  ck_assert_ptr_null(ticket.slot);
  rig_lane_del(r, lane);
  rig_end(r);
}
END_TEST

START_TEST(G1_lane_del_of_null_does_nothing)
{
  nvmens_lane_del(NULL);
}
END_TEST

START_TEST(G1_counters_are_on_cache_lines_of_their_own)
{
  rig *r = lane_rig();

  for (int i = 0; i < 5; i++)
    ck_assert_uint_eq((uintptr_t)rig_lane(c) % 64, 0);
  rig_end(r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      G1_a_remote_end_counts,
      G1_commands_outlive_their_lane,
      G1_a_lane_may_go_in_the_middle_of_a_drain,
      P15_counts_survive_detach_and_attach,
      G1_a_lane_serves_namespaces_that_come_later,
      G1_namespaces_count_apart,
      G1_controllers_count_apart,
      R24_commands_are_counted_across_a_reset,
      G1_a_controller_goes_with_commands_out,
      G1_a_lane_outlives_its_controller,
      G1_lane_del_of_null_does_nothing,
      G1_counters_are_on_cache_lines_of_their_own,
  };

  return MORE_RUN("lane", tests);
}
