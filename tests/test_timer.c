/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_timer.c: the heap of deadlines against an array that is searched from end to end.
 *
 * Sequences are random but repeatable: the seed is printed, and NVMENS_SEED sets another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timer.h"
#include "rig_main.h"

static uint64_t first_seed = 20260801, seed;

static uint32_t roll(uint32_t below)
{
  seed = seed * 6364136223846793005 + 1442695040888963407;
  return (uint32_t)((seed >> 32) % below);
}

/* ck_assert writes to a file each time, which is slow where there are millions. */
#define MUST(x)                                                                                    \
  do {                                                                                             \
    if (!(x))                                                                                      \
      ck_abort_msg("%s", #x);                                                                      \
  } while (0)

enum { FEW = 60 };

typedef struct model {
  nvmens_timers timers;
  nvmens_timer timer[FEW];
  uint64_t at[FEW], set_when[FEW];
  bool running[FEW];
  uint64_t now;
} model;

static nvmens_timer *earliest(model *m)
{
  int best = -1;

  for (int i = 0; i < FEW; i++)
    if (m->running[i] && (best < 0 || m->at[i] < m->at[best] ||
                          (m->at[i] == m->at[best] && m->set_when[i] < m->set_when[best])))
      best = i;
  return best < 0 ? NULL : &m->timer[best];
}

static void set(model *m, unsigned i, uint64_t at)
{
  nvmens_timer_set(&m->timers, &m->timer[i], at);
  m->at[i] = at;
  m->set_when[i] = m->now++;
  m->running[i] = true;
}

static void stop(model *m, unsigned i)
{
  nvmens_timer_stop(&m->timers, &m->timer[i]);
  m->running[i] = false;
}

static unsigned rank_of(const nvmens_timer *t)
{
  return t ? t->rank : 0;
}

/* The invariants of timer.c, for one timer. */
static void check_links(const nvmens_timers *timers, const nvmens_timer *t)
{
  if (!t->running) {
    MUST(!t->left && !t->right && !t->up && timers->first != t);
    return;
  }
  MUST(t->up ? t->up->left == t || t->up->right == t : timers->first == t);
  MUST(!t->left || (t->left->up == t && t->left->at >= t->at));
  MUST(!t->right || (t->right->up == t && t->right->at >= t->at));
  MUST(t->rank == 1 + rank_of(t->right));
  MUST(rank_of(t->left) >= rank_of(t->right));
}

static void check(model *m)
{
  MUST(m->timers.first == earliest(m));
  for (unsigned i = 0; i < FEW; i++) {
    check_links(&m->timers, &m->timer[i]);
    MUST(m->timer[i].running == m->running[i]);
    MUST(!m->running[i] || m->timer[i].at == m->at[i]);
  }
}

START_TEST(does_as_the_model_does)
{
  static const uint32_t most_at[] = {1, 5, 1000, UINT32_MAX};
  uint32_t most = most_at[_i];
  unsigned grow = 5;
  static model m;

  memset(&m, 0, sizeof(m));
  seed = first_seed;
  for (unsigned n = 0; n < 12000; n++) {
    if (n % 100 == 0)
      grow = 1 + roll(9);
    if (roll(10) < grow)
      set(&m, roll(FEW), roll(20) ? roll(most) : UINT64_MAX - roll(2));
    else if (roll(2))
      stop(&m, roll(FEW));
    else if (m.timers.first)
      stop(&m, (unsigned)(m.timers.first - m.timer));
    check(&m);
  }
  while (m.timers.first) {
    stop(&m, (unsigned)(m.timers.first - m.timer));
    check(&m);
  }
}
END_TEST

START_TEST(equal_deadlines_come_in_the_order_they_were_set)
{
  enum { AGAIN = FEW / 3 };
  static model m;

  memset(&m, 0, sizeof(m));
  for (unsigned i = 0; i < FEW; i++)
    set(&m, i, 7);
  set(&m, AGAIN, 7);
  for (unsigned i = 0; i < FEW; i++) {
    if (i == AGAIN)
      continue;
    ck_assert_ptr_eq(m.timers.first, &m.timer[i]);
    stop(&m, i);
  }
  ck_assert_ptr_eq(m.timers.first, &m.timer[AGAIN]);
}
END_TEST

START_TEST(a_running_timer_is_moved_and_a_stopped_one_left_alone)
{
  nvmens_timers timers = {0};
  nvmens_timer a = {0}, b = {0};

  nvmens_timer_stop(&timers, &a);
  ck_assert_ptr_null(timers.first);
  nvmens_timer_set(&timers, &a, 10);
  nvmens_timer_set(&timers, &b, 20);
  ck_assert_ptr_eq(timers.first, &a);
  nvmens_timer_set(&timers, &a, 30);
  ck_assert_ptr_eq(timers.first, &b);
  nvmens_timer_set(&timers, &a, 0);
  ck_assert_ptr_eq(timers.first, &a);
  nvmens_timer_stop(&timers, &a);
  nvmens_timer_stop(&timers, &a);
  ck_assert(!a.running);
  ck_assert_ptr_eq(timers.first, &b);
  nvmens_timer_stop(&timers, &b);
  ck_assert_ptr_null(timers.first);
}
END_TEST

/* Deadlines that rise, fall, are equal, and jump: the shapes that make a heap a list. */
static uint64_t at_of(int shape, uint64_t i)
{
  switch (shape) {
  case 0:
    return i;
  case 1:
    return UINT64_MAX - i;
  case 2:
    return 1;
  default:
    return roll(UINT32_MAX);
  }
}

START_TEST(two_hundred_thousand_come_in_order_and_none_is_deep)
{
  enum { MANY = 200000, DEEPEST = 17 /* log2(MANY + 1) */ };
  nvmens_timer *timer = calloc(MANY, sizeof(*timer));
  nvmens_timers timers = {0};
  uint64_t last = 0;
  unsigned left = MANY;

  ck_assert_ptr_nonnull(timer);
  seed = first_seed;
  for (unsigned i = 0; i < MANY; i++)
    nvmens_timer_set(&timers, &timer[i], at_of(_i, i));
  for (unsigned i = 0; i < MANY; i += 7, left--)
    nvmens_timer_stop(&timers, &timer[i]);
  for (unsigned i = 0; i < MANY; i += 5) {
    left += !timer[i].running;
    nvmens_timer_set(&timers, &timer[i], at_of(_i, MANY - i));
  }
  for (unsigned i = 0; i < MANY; i++) {
    check_links(&timers, &timer[i]);
    MUST(timer[i].rank <= DEEPEST);
  }
  for (; timers.first; left--) {
    MUST(timers.first->at >= last);
    last = timers.first->at;
    nvmens_timer_stop(&timers, timers.first);
  }
  MUST(left == 0);
  free(timer);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("timer");
  TCase *tc = tcase_create("timer");

  if (getenv("NVMENS_SEED"))
    first_seed = strtoull(getenv("NVMENS_SEED"), NULL, 0);
  printf("# NVMENS_SEED=%" PRIu64 "\n", first_seed);
  fflush(stdout);
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, a_running_timer_is_moved_and_a_stopped_one_left_alone);
  tcase_add_test(tc, equal_deadlines_come_in_the_order_they_were_set);
  tcase_add_loop_test(tc, does_as_the_model_does, 0, 4);
  tcase_add_loop_test(tc, two_hundred_thousand_come_in_order_and_none_is_deep, 0, 4);
  suite_add_tcase(suite, tc);
  return rig_main(suite);
}
