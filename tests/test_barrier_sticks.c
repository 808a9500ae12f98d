/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_barrier_sticks.c: a gate that bars once does so for good, whatever becomes of later barriers
 * (G1, G3); and the next try comes at its time, however many calls come before (T8).
 */
#include "barrier.h"

START_TEST(G3_a_later_barrier_that_fails_does_not_hold_up_what_bars)
{
  world w = setup(0);
  rig_ns *other = rig_ns_auto(w.r, 2);
  rig_io io = rig_io_begin(w.r, w.lane, 1);

  rig_log_clear(w.r);
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0); /* its barrier works */
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0");
  refuses = 1;
  ck_assert_int_eq(rig_detach(other, w.c, NVMENS_ORDERLY, RIG_NEVER), 0);
  rig_io_end(&io);
  rig_poll(w.r);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0; drain n2 c0; detached n2 c0");
  rig_end(w.r);
}
END_TEST

/* A lane that is made later has not seen the gate open. */
START_TEST(G1_what_bars_without_lanes_bars_with_a_new_one)
{
  world w = setup(0);

  rig_lane_del(w.r, w.lane);
  w.r->drain = RIG_DRAIN_PENDING;
  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0");
  w.lane = rig_lane(w.c);
  ck_assert_int_eq(rig_drained(w.ns, w.c), 0);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  refuses = 0;
  rig_end(w.r);
}
END_TEST

START_TEST(G1_the_end_of_the_last_lane_is_a_barrier)
{
  world w = setup(0);

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  ck_assert_str_eq(rig_log(w.r), "");
  rig_lane_del(w.r, w.lane);
  w.lane = rig_lane(w.c);
  ck_assert_str_eq(rig_log(w.r), "drain n1 c0; detached n1 c0");
  refuses = 0;
  rig_end(w.r);
}
END_TEST

/* A command each millisecond, and a loop that polls when it is told to. */
START_TEST(T8_calls_do_not_put_the_next_try_off)
{
  world w = setup(0);
  uint64_t at;

  refuses = 1;
  ck_assert_int_eq(detach(&w, RIG_NEVER), 0);
  at = next(&w);
  for (unsigned i = 0; i < 9; i++) {
    w.r->now += 1000000;
    RIG_OK(rig_set_aec(w.c, 0));
    ck_assert_uint_eq(next(&w), at);
  }
  rig_pass(w.r, 1000000);
  ck_assert_uint_eq(next(&w), at + RETRY); /* that was a try */
  refuses = 0;
  rig_pass(w.r, RETRY);
  ck_assert_uint_eq(rig_count(w.r, RIG_DETACHED), 1);
  rig_end(w.r);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      G3_a_later_barrier_that_fails_does_not_hold_up_what_bars,
      G1_what_bars_without_lanes_bars_with_a_new_one,
      G1_the_end_of_the_last_lane_is_a_barrier,
      T8_calls_do_not_put_the_next_try_off,
  };

  return BARRIER_RUN("barrier_sticks", tests);
}
