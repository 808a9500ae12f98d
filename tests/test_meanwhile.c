/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_meanwhile.c: what one thread asks for while another is inside a hook, or between two of its
 * steps: the end of a subsystem answers BUSY, and is tried again (T1-T5, T8).
 */
#include "meanwhile.h"

/* ---- the end ---- */

START_TEST(T1_no_end_while_a_hook_runs)
{
  world *w = setup();

  w->in_attached = cannot_end;
  plug(w);
  ck_assert_uint_eq(refused, 1);
  plug(w); /* nothing has changed */
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

static void unplug_first(world *w)
{
  nvmens_nsref ref;

  ck_assert_int_eq(nvmens_ns_find(w->s, 1, &ref), 0);
  ck_assert_int_eq(nvmens_ns_unplug(w->s, ref, NVMENS_ORDERLY, 0, UINT64_MAX), 0);
  cannot_end(w);
}

START_TEST(T1_no_end_while_a_namespace_waits_for_a_page)
{
  uint8_t sqe[64] = {NVMENS_OP_IDENTIFY};
  world *w = setup();

  sqe[4] = 1; /* NSID */
  plug(w);
  w->in_identify = unplug_first;
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], sqe, 0), NVMENS_TAKEN);
  ck_assert_uint_eq(refused, 1);
  ck_assert_uint_eq(w->completed, 1);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

START_TEST(T1_two_threads_end_it)
{
  world *w = setup();

  plug(w);
  plug(w);
  w->in_released = w->in_ctrl_released = cannot_end; /* with more to come, and at the last */
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
  ck_assert_uint_eq(refused, 3);
}
END_TEST

START_TEST(T1_an_end_that_waits_for_a_drain_is_tried_again)
{
  world *w = setup();

  plug(w);
  w->drain = NVMENS_PENDING;
  ck_assert_int_eq(nvmens_subsys_del(w->s), NVMENS_ERR_BUSY);
  ck_assert_int_eq(nvmens_done(w->s, w->token, (nvmens_status){0}), 0);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

static void enter_bell(world *w)
{
  w->s->bell.inside = 1;
}

START_TEST(T5_no_end_while_a_remote_end_is_inside)
{
  world *w = setup();

  w->s->bell.inside = 1;
  ck_assert_int_eq(nvmens_subsys_del(w->s), NVMENS_ERR_BUSY);
  w->s->bell.inside = 0;
  w->in_ctrl_released = enter_bell;
  ck_assert_int_eq(nvmens_subsys_del(w->s), NVMENS_ERR_BUSY);
  w->s->bell.inside = 0;
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* ---- a poll in pieces ---- */

enum { PIECE = 256 }; /* as in api_ns.c */

static void count_gone(world *w)
{
  w->gone++;
}

/* All that there was has been released, and the lock is free for a moment. */
static void cannot_end_now(world *w)
{
  if (w->gone)
    cannot_end(w);
}

START_TEST(T1_no_end_between_two_pieces_of_a_poll)
{
  static nvmens_ticket ticket[PIECE];
  world *w = setup();
  nvmens_nsref ref;
  nvmens_lane *lane;
  void *user;

  ck_assert_int_eq(nvmens_lane_new(&lane, w->c), 0);
  for (uint32_t i = 0; i < PIECE; i++) {
    ref = plug(w);
    ck_assert_uint_eq(nvmens_io_begin(lane, ref.nsid, &ticket[i], &user).sf, 0);
    ck_assert_int_eq(nvmens_ns_unplug(w->s, ref, NVMENS_ORDERLY, 0, UINT64_MAX), 0);
  }
  nvmens_ctrl_del(w->c);
  nvmens_lane_del(lane);
  for (uint32_t i = 0; i < PIECE; i++)
    nvmens_io_end_remote(w->s, ticket[i]);
  w->in_ctrl_released = count_gone;
  w->before_lock = cannot_end_now;
  nvmens_poll(w->s, 1);
  w->before_lock = NULL;
  ck_assert_uint_eq(refused, 2); /* in ctrl_released, and before the next piece */
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* ---- what an event loop is told ---- */

/* Another thread asks while this one is in a hook, with effects behind it. */
static void *do_ask(void *arg)
{
  world *w = arg;

  PUT(w->result, nvmens_next_deadline(w->s) == UINT64_MAX);
  return NULL;
}

static void ask(world *w)
{
  w->in_attached = NULL;
  plug(w);
  ck_assert_ptr_nonnull(w->s->core.first);
  start(w, do_ask);
  pthread_join(w->helper, NULL);
  ck_assert_int_eq(w->result, 1);
}

START_TEST(T8_effects_that_a_thread_is_running_are_not_left_over)
{
  world *w = setup();

  w->in_attached = ask;
  plug(w);
  ck_assert_int_eq(w->result, 1);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* ---- more effects than one call runs ---- */

static void again(world *w)
{
  if (w->completed < 10000)
    ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[w->completed & 1], get_aec, 0), NVMENS_TAKEN);
}

START_TEST(T3_no_end_while_effects_are_left_over)
{
  world *w = setup();

  w->in_complete = again;
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], get_aec, 0), NVMENS_TAKEN);
  ck_assert_uint_lt(w->completed, 10000);
  ck_assert_uint_eq(nvmens_next_deadline(w->s), w->s->core.now); /* there is no wake here */
  ck_assert_int_eq(nvmens_subsys_del(w->s), NVMENS_ERR_BUSY);
  ck_assert_int_eq(w->s->ending, 0);
  while (w->completed < 10000)
    nvmens_poll(w->s, 1);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

int main(void)
{
  return RIG_RUN(
      "meanwhile", T1_no_end_while_a_hook_runs, T1_no_end_while_a_namespace_waits_for_a_page,
      T1_two_threads_end_it, T1_an_end_that_waits_for_a_drain_is_tried_again,
      T5_no_end_while_a_remote_end_is_inside, T1_no_end_between_two_pieces_of_a_poll,
      T8_effects_that_a_thread_is_running_are_not_left_over, T3_no_end_while_effects_are_left_over);
}
