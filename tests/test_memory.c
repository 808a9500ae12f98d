/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_memory.c: what the library's objects cost, by an allocator that counts, as a share of many;
 * the largest NSID does not matter, nor what was there before. The figures are bench/memory's.
 */
#include "../bench/bytes.h"
#include "../bench/world.h"
#include "rig_main.h"

enum { FEW = 1024, MANY = 16384 };

static void within(spread how, uint32_t count)
{
  bytes b;

  bytes_measure(&b, how, count);
  for (unsigned i = 0; i < BYTES_GOALS; i++) {
    const bytes_goal *goal = &bytes_goals[i];
    const double value = bytes_value(&b, goal), most = goal->held > 0 ? goal->held : goal->limit;

    ck_assert_msg(value <= most, "%s: %.2f bytes, not %g (%u, NSIDs %s)", goal->what, value, most,
                  count, spread_name[how]);
  }
}

START_TEST(memory_of_dense_nsids)
{
  within(SPREAD_LOW, FEW);
  within(SPREAD_LOW, MANY);
}
END_TEST

START_TEST(memory_of_dense_nsids_up_to_the_last)
{
  within(SPREAD_HIGH, FEW);
  within(SPREAD_HIGH, MANY);
}
END_TEST

START_TEST(memory_of_nsids_that_lie_anywhere)
{
  within(SPREAD_SPARSE, FEW);
  within(SPREAD_SPARSE, MANY);
}
END_TEST

START_TEST(memory_is_the_same_whatever_the_largest_nsid)
{
  bytes low, high;

  bytes_measure(&low, SPREAD_LOW, FEW);
  bytes_measure(&high, SPREAD_HIGH, FEW);
  ck_assert_double_le_tol(high.ns, low.ns, 1);
  ck_assert_double_le_tol(high.attached, low.attached, 1);
  ck_assert_double_le_tol(high.detached, low.detached, 1);
  ck_assert_double_le_tol(high.lane_each, low.lane_each, 1);
  ck_assert_double_eq(high.idle, low.idle);
}
END_TEST

/* Swapping without end takes no more than swapping a while. One host looks at what is there now,
 * and has it attached; the other does not look. */
START_TEST(memory_does_not_grow_by_swapping)
{
  static world w;
  nvmens_nsref ref[16];
  uint64_t after = 0;

  world_new(&w, &(world_config){.controllers = 2});
  for (uint32_t i = 0; i < 16; i++)
    ref[i] = world_ns(&w, i + 1, i, 1, NULL);
  for (uint32_t i = 0; i < 4000; i++) {
    world_unplug(&w, ref[i % 16]);
    ref[i % 16] = world_ns(&w, i % 16 + 1, 100 + i, 1, NULL);
    world_identify(&w, NVMENS_CNS_NS_DESC_LIST, i % 16 + 1);
    if (i == 400)
      after = w.live;
  }
  ck_assert_uint_eq(w.live, after);
  world_del(&w);
}
END_TEST

int main(void)
{
  return RIG_RUN("memory", memory_of_dense_nsids, memory_of_dense_nsids_up_to_the_last,
                 memory_of_nsids_that_lie_anywhere, memory_is_the_same_whatever_the_largest_nsid,
                 memory_does_not_grow_by_swapping);
}
