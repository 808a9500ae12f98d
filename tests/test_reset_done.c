/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_reset_done.c: when a reset is over (R35): after the last hook that names a command of before
 * it, and not after hooks of others.
 */
#include "meanwhile.h"

/* The hook of a command of the old time: a reset returns, and is not over. */
static void old_command(world *w)
{
  start(w, do_reset);
  pthread_join(w->helper, NULL);
  ck_assert_uint_eq(w->resets, 0);
  w->in_complete = NULL;
  ck_assert_int_eq(nvmens_ctrl_enable(w->c, 0), 0);
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[1], get_aec, 0), NVMENS_TAKEN);
  ck_assert_uint_eq(w->resets, 0);
}

START_TEST(R35_reset_done_waits_for_hooks_of_old_commands_only)
{
  world *w = setup();

  w->in_complete = old_command;
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], get_aec, 0), NVMENS_TAKEN);
  ck_assert_uint_eq(w->completed, 2);
  ck_assert_uint_eq(w->dropped, 0);
  ck_assert_uint_eq(w->resets, 1);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* A command of the old time that has not ended, and two resets. */
static void still_at_work(world *w)
{
  start(w, do_reset);
  pthread_join(w->helper, NULL);
  nvmens_ctrl_reset(w->c);
  nvmens_poll(w->s, 1);
  ck_assert_uint_eq(w->resets, 0);
}

START_TEST(R35_reset_done_waits_for_old_commands)
{
  static const uint8_t sqe[64] = {NVMENS_OP_IDENTIFY, [4] = 1};
  world *w = setup();

  plug(w);
  w->in_identify = still_at_work;
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], sqe, 0), NVMENS_TAKEN);
  ck_assert_uint_eq(w->dropped, 1);
  ck_assert_uint_eq(w->resets, 1);
  nvmens_ctrl_reset(w->c); /* nothing is under way */
  ck_assert_uint_eq(w->resets, 2);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* Between a reset and its end the controller is removed. */
static void remove_under_reset(world *w)
{
  nvmens_ctrl_reset(w->c);
  nvmens_ctrl_del(w->c);
  nvmens_ctrl_reset(w->c);
}

START_TEST(R35_a_reset_of_what_is_removed_ends_with_it)
{
  static const uint8_t sqe[64] = {NVMENS_OP_IDENTIFY, [4] = 1};
  world *w = setup();

  plug(w);
  w->in_identify = remove_under_reset;
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], sqe, 0), NVMENS_TAKEN);
  ck_assert_uint_eq(w->dropped, 1);
  ck_assert_uint_eq(w->resets, 0);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* reset_done is queued behind this hook; a second reset has a command to wait for. */
static void reset_again(world *w)
{
  w->in_attached = NULL;
  nvmens_ctrl_reset(w->c);
  ck_assert_int_eq(nvmens_ctrl_enable(w->c, 0), 0);
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], get_aec, 0), NVMENS_TAKEN);
  nvmens_ctrl_reset(w->c);
}

START_TEST(R35_of_several_resets_the_last_counts)
{
  world *w = setup();

  w->in_attached = reset_again;
  plug(w);
  ck_assert_uint_eq(w->completed, 0);
  ck_assert_uint_eq(w->dropped, 1);
  ck_assert_uint_eq(w->resets_before, 0);
  ck_assert_uint_eq(w->resets, 1);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* Another thread answers, and ends the command, while the hook has it; then reset and removal. */
static void *do_answer(void *arg)
{
  world *w = arg;

  w->result =
      nvmens_prepared(w->s, w->token, (nvmens_status){NVMENS_SC_INTERNAL_ERROR}, NULL, NULL);
  nvmens_ctrl_reset(w->c);
  PUT(w->ended, 1);
  return NULL;
}

static void answered_elsewhere(world *w)
{
  start(w, do_answer);
  pthread_join(w->helper, NULL);
  ck_assert_int_eq(w->result, 0);
  ck_assert_uint_eq(w->completed, 1);
  ck_assert_uint_eq(w->resets, 0);
  if (w->removes)
    nvmens_ctrl_del(w->c);
  ck_assert_uint_eq(w->gone, 0);
}

static void count_gone(world *w)
{
  w->gone++;
}

START_TEST(R35_reset_done_waits_for_the_hook_of_a_command_that_has_ended)
{
  static const uint8_t sqe[64] = {NVMENS_OP_NS_MANAGEMENT};

  for (unsigned removes = 0; removes < 2; removes++) {
    world *w = setup();

    memset(w->page, 0, sizeof(w->page));
    w->page[0] = w->page[8] = 1; /* NSZE, NCAP */
    w->removes = removes;
    w->completed = w->resets = w->gone = 0;
    w->in_prepare = answered_elsewhere;
    w->in_ctrl_released = count_gone;
    ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], sqe, 0), NVMENS_TAKEN);
    ck_assert_uint_eq(w->resets, !removes);
    ck_assert_uint_eq(w->gone, removes);
    w->in_prepare = NULL;
    ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
  }
}
END_TEST

/* reset_done is queued behind this hook, and the controller goes before it. */
static void reset_and_remove(world *w)
{
  w->in_attached = NULL;
  nvmens_ctrl_reset(w->c);
  nvmens_ctrl_del(w->c);
}

START_TEST(R35_a_reset_that_has_ended_is_not_told_of_what_is_removed)
{
  world *w = setup();

  w->in_attached = reset_and_remove;
  plug(w);
  ck_assert_uint_eq(w->resets, 0);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

/* A controller that goes, and is given a command when its last attachment has gone. */
static void late_command(world *w)
{
  ck_assert_int_eq(nvmens_admin(w->c, &w->cmd[0], get_aec, 0), NVMENS_TAKEN);
}

static void until_answered(world *w)
{
  ck_assert_uint_eq(w->completed, 1);
}

START_TEST(T4_a_controller_that_goes_answers_first)
{
  world *w = setup();

  plug(w);
  w->in_detached = late_command;
  w->in_ctrl_released = until_answered;
  nvmens_ctrl_del(w->c);
  ck_assert_uint_eq(w->completed, 1);
  ck_assert_int_eq(nvmens_subsys_del(w->s), 0);
}
END_TEST

int main(void)
{
  return RIG_RUN("reset_done", R35_reset_done_waits_for_hooks_of_old_commands_only,
                 R35_reset_done_waits_for_old_commands, R35_a_reset_of_what_is_removed_ends_with_it,
                 R35_of_several_resets_the_last_counts,
                 R35_reset_done_waits_for_the_hook_of_a_command_that_has_ended,
                 R35_a_reset_that_has_ended_is_not_told_of_what_is_removed,
                 T4_a_controller_that_goes_answers_first);
}
