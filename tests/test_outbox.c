/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_outbox.c: effects run in order, one at a time, with a budget (principle 8, T3, T4).
 */
#include <pthread.h>

#include "dice.h"
#include "outbox.h"
#include "rig_main.h"

enum { BOXES = 64, LONG = 100000, BUDGET = 4096 };

typedef struct bench bench;
typedef struct item {
  nvmens_effect effect; /* first */
  bench *b;
  unsigned id;
  void (*then)(bench *, struct item *);
} item;

struct bench {
  nvmens_core core; /* first: what an effect is given */
  item item[BOXES];
  unsigned ran[LONG];
  unsigned count, wakes;
  int locked, depth;
};

static void on_wake(void *user)
{
  ((bench *)user)->wakes++;
}

static void on_lock(void *user)
{
  MUST_SAY(((bench *)user)->locked++ == 0, "the lock is taken twice");
}

static void on_unlock(void *user)
{
  MUST_SAY(((bench *)user)->locked-- == 1, "the lock is given twice");
}

static bench *bench_new(void)
{
  bench *b = calloc(1, sizeof(*b));

  MUST(b);
  b->core.host.wake = on_wake;
  b->core.host.lock = on_lock;
  b->core.host.unlock = on_unlock;
  b->core.user = b;
  nvmens_outbox_init(&b->core);
  for (unsigned i = 0; i < BOXES; i++) {
    b->item[i].b = b;
    b->item[i].id = i;
  }
  nvmens_lock(&b->core);
  return b;
}

static void bench_end(bench *b)
{
  MUST(b->depth == 0);
  MUST_SAY(!b->core.flushing && !b->core.first, "something is left");
  nvmens_unlock(&b->core);
  MUST(!b->locked);
  free(b);
}

static void run(nvmens_subsys *s, nvmens_effect *effect)
{
  item *i = (item *)(void *)effect;
  bench *b = i->b;

  MUST_SAY((void *)s == (void *)b, "an effect is not given its subsystem");
  MUST_SAY(b->locked, "an effect runs without the lock");
  MUST_SAY(b->depth++ == 0, "effects nest");
  MUST(b->count < LONG);
  b->ran[b->count++] = i->id;
  if (i->then)
    i->then(b, i);
  b->depth--;
}

static void add(bench *b, unsigned id)
{
  nvmens_outbox_add(&b->core, &b->item[id].effect, run);
}

static void ran(bench *b, const unsigned *want, unsigned n)
{
  MUST_SAY(b->count == n, "%u effects ran, not %u", b->count, n);
  for (unsigned i = 0; i < n; i++)
    MUST_SAY(b->ran[i] == want[i], "number %u was %u, not %u", i, b->ran[i], want[i]);
  b->count = 0;
}
#define RAN(b, ...)                                                                                \
  ran((b), (const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(int))

START_TEST(T3_effects_run_in_the_order_in_which_they_were_added)
{
  bench *b = bench_new();

  nvmens_outbox_flush(&b->core); /* nothing */
  add(b, 3), add(b, 1), add(b, 2);
  ck_assert_uint_eq(b->count, 0); /* not before the flush */
  nvmens_outbox_flush(&b->core);
  RAN(b, 3, 1, 2);
  nvmens_outbox_flush(&b->core);
  ck_assert_uint_eq(b->count, 0);
  add(b, 2), add(b, 3);
  nvmens_outbox_flush(&b->core);
  RAN(b, 2, 3);
  ck_assert_uint_eq(b->wakes, 0);
  bench_end(b);
}
END_TEST

START_TEST(T3_what_is_queued_keeps_its_place)
{
  bench *b = bench_new();

  add(b, 1), add(b, 2), add(b, 1), add(b, 3), add(b, 2);
  nvmens_outbox_flush(&b->core);
  RAN(b, 1, 2, 3);
  bench_end(b);
}
END_TEST

static void flush_inside(bench *b, item *i)
{
  i->then = NULL;
  add(b, 7);
  add(b, i->id); /* itself once more */
  nvmens_outbox_flush(&b->core);
}

START_TEST(T4_what_an_effect_causes_comes_last_and_does_not_nest)
{
  bench *b = bench_new();

  b->item[1].then = flush_inside;
  add(b, 1), add(b, 2);
  nvmens_outbox_flush(&b->core);
  RAN(b, 1, 2, 7, 1);
  bench_end(b);
}
END_TEST

static void add_self(bench *b, item *i)
{
  add(b, i->id);
}

START_TEST(T8_an_effect_that_feeds_itself_leaves_the_rest_to_poll)
{
  bench *b = bench_new();

  b->item[5].then = add_self;
  add(b, 5);
  for (unsigned turn = 1; turn <= 3; turn++) {
    nvmens_outbox_flush(&b->core);
    ck_assert_uint_eq(b->count, turn * BUDGET);
    ck_assert_uint_eq(b->wakes, turn);
    MUST(b->core.first && !b->core.flushing);
  }
  b->item[5].then = NULL;
  nvmens_outbox_flush(&b->core);
  ck_assert_uint_eq(b->count, 3 * BUDGET + 1);
  ck_assert_uint_eq(b->wakes, 3);
  bench_end(b);
}
END_TEST

START_TEST(T8_a_budget_that_just_suffices_wakes_nobody)
{
  bench *b = bench_new();
  nvmens_effect *many = calloc(BUDGET, sizeof(item));
  item *i = (item *)(void *)many;

  MUST(many);
  for (unsigned n = 0; n < BUDGET; n++) {
    i[n].b = b;
    i[n].id = n;
    nvmens_outbox_add(&b->core, &i[n].effect, run);
  }
  nvmens_outbox_flush(&b->core);
  ck_assert_uint_eq(b->count, BUDGET);
  for (unsigned n = 0; n < BUDGET; n++)
    MUST(b->ran[n] == n);
  ck_assert_uint_eq(b->wakes, 0);
  free(many);
  bench_end(b);
}
END_TEST

/* Random additions, from outside and from effects, against a list. */
typedef struct plan {
  unsigned queue[LONG], head, tail;
  bool in[BOXES];
} plan;
static plan *planned;

static void expect_add(bench *b, unsigned id)
{
  if (!planned->in[id]) {
    planned->in[id] = true;
    planned->queue[planned->tail++] = id;
  }
  add(b, id);
}

static void random_then(bench *b, item *i)
{
  MUST_SAY(planned->queue[planned->head++] == i->id, "out of order");
  planned->in[i->id] = false;
  for (unsigned n = roll(3); n && planned->tail < LONG / 2; n--)
    expect_add(b, roll(BOXES));
}

START_TEST(T3_random_additions)
{
  for (unsigned n = 0; n < 20; n++) {
    bench *b = bench_new();

    dice_start(n);
    planned = calloc(1, sizeof(*planned));
    MUST(planned);
    for (unsigned i = 0; i < BOXES; i++)
      b->item[i].then = random_then;
    for (unsigned turn = 0; turn < 200; turn++) {
      expect_add(b, roll(BOXES));
      if (roll(4) == 0)
        nvmens_outbox_flush(&b->core);
    }
    while (b->core.first)
      nvmens_outbox_flush(&b->core);
    ck_assert_uint_eq(planned->head, planned->tail);
    free(planned);
    bench_end(b);
  }
}
END_TEST

/* ---- hooks under way ---- */

START_TEST(T3_a_hook_runs_with_the_lock_released)
{
  bench *b = bench_new();

  nvmens_hook_enter(&b->core);
  ck_assert_int_eq(b->locked, 0);
  ck_assert_uint_eq(b->core.hooks, 1);
  nvmens_hook_leave(&b->core);
  ck_assert_int_eq(b->locked, 1);
  ck_assert_uint_eq(b->core.hooks, 0);
  bench_end(b);
}
END_TEST

/* The first to begin ends first, as coroutines may. */
START_TEST(T6_hooks_of_two_subsystems_end_in_any_order)
{
  bench *a = bench_new(), *b = bench_new();

  nvmens_hook_enter(&a->core);
  nvmens_hook_enter(&b->core);
  nvmens_lock(&a->core); /* a call of the outer subsystem from the inner's hook */
  nvmens_hook_enter(&a->core);
  ck_assert_uint_eq(a->core.hooks, 2);
  nvmens_hook_leave(&a->core);
  nvmens_unlock(&a->core);
  nvmens_hook_leave(&a->core);
  ck_assert_uint_eq(a->core.hooks, 0);
  ck_assert_uint_eq(b->core.hooks, 1);
  nvmens_hook_leave(&b->core);
  ck_assert_uint_eq(b->core.hooks, 0);
  bench_end(a);
  bench_end(b);
}
END_TEST

START_TEST(T2_without_lock_and_wake)
{
  bench *b = bench_new();

  nvmens_unlock(&b->core);
  b->core.host = (nvmens_host){.cmd_drop = NULL};
  nvmens_hook_enter(&b->core);
  nvmens_hook_leave(&b->core);
  nvmens_wake(&b->core);
  ck_assert_int_eq(b->locked, 0);
  ck_assert_uint_eq(b->wakes, 0);
  free(b);
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN("outbox", T3_effects_run_in_the_order_in_which_they_were_added,
                 T3_what_is_queued_keeps_its_place,
                 T4_what_an_effect_causes_comes_last_and_does_not_nest,
                 T8_an_effect_that_feeds_itself_leaves_the_rest_to_poll,
                 T8_a_budget_that_just_suffices_wakes_nobody, T3_random_additions,
                 T3_a_hook_runs_with_the_lock_released, T6_hooks_of_two_subsystems_end_in_any_order,
                 T2_without_lock_and_wake);
}
