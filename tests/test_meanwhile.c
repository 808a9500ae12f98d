/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_meanwhile.c: what one thread asks for while another is inside a hook, or between two of its
 * steps; each order is forced, none is left to chance. The end of a subsystem answers BUSY and is
 * tried again; reset_done comes after the hooks of old commands, and waits for no others (T1-T4).
 */
#include "rig_main.h"
#include "subsys.h"
#include <pthread.h>

typedef struct world {
  nvmens_subsys *s;
  nvmens_ctrl *c;
  pthread_mutex_t lock;
  pthread_t helper;
  /* by __atomic_*: what the two threads have come to */
  int ended;  /* it has done its work */
  int result; /* of it */
  void (*in_attached)(struct world *);
  void (*in_identify)(struct world *);
  void (*in_complete)(struct world *);
  void (*in_released)(struct world *);
  void (*in_ctrl_released)(struct world *);
  nvmens_cmd cmd[2];
  unsigned completed, dropped, resets;
  nvmens_wait drain;
  nvmens_token token;
} world;

#define GET(what)        __atomic_load_n(&(what), __ATOMIC_ACQUIRE)
#define PUT(what, value) __atomic_store_n(&(what), (value), __ATOMIC_RELEASE)

/* ---- the backend ---- */

static void on_lock(void *user)
{
  pthread_mutex_lock(&((world *)user)->lock);
}

static void on_unlock(void *user)
{
  pthread_mutex_unlock(&((world *)user)->lock);
}

static void run(void (*what)(world *), world *w)
{
  if (what)
    what(w);
}

static void on_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                        uint64_t error_info)
{
  world *w = ctrl_user;

  (void)cmd, (void)status, (void)dw0, (void)error_info;
  w->completed++;
  run(w->in_complete, w);
}

static void on_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)cmd;
  ((world *)ctrl_user)->dropped++;
}

static nvmens_status on_transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                                 nvmens_dir dir)
{
  (void)ctrl_user, (void)cmd, (void)buf, (void)len, (void)dir;
  return (nvmens_status){0};
}

static int on_identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page)
{
  (void)ns_user, (void)cns, (void)csi, (void)page;
  run(((world *)ctrl_user)->in_identify, ctrl_user);
  return 0;
}

static void on_attached(void *ns_user, void *ctrl_user)
{
  (void)ctrl_user;
  run(((world *)ns_user)->in_attached, ns_user);
}

static void on_released(void *ns_user, nvmens_reason reason)
{
  (void)reason;
  run(((world *)ns_user)->in_released, ns_user);
}

static void on_ctrl_released(void *ctrl_user)
{
  run(((world *)ctrl_user)->in_ctrl_released, ctrl_user);
}

static void on_reset_done(void *ctrl_user)
{
  ((world *)ctrl_user)->resets++;
}

static nvmens_wait on_drain(void *ns_user, void *ctrl_user, nvmens_token token)
{
  (void)ctrl_user;
  ((world *)ns_user)->token = token;
  return ((world *)ns_user)->drain;
}

static world *setup(void)
{
  static const nvmens_host host = {.cmd_complete = on_complete,
                                   .cmd_drop = on_drop,
                                   .transfer = on_transfer,
                                   .identify = on_identify,
                                   .attached = on_attached,
                                   .released = on_released,
                                   .ctrl_released = on_ctrl_released,
                                   .reset_done = on_reset_done,
                                   .drain_begin = on_drain,
                                   .lock = on_lock,
                                   .unlock = on_unlock};
  static world w;

  pthread_mutex_init(&w.lock, NULL);
  ck_assert_int_eq(nvmens_subsys_new(&w.s, NULL, &host, NULL, &w), 0);
  ck_assert_int_eq(nvmens_ctrl_new(&w.c, w.s, NULL, &w), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(w.c, 0), 0);
  return &w;
}

static nvmens_nsref plug(world *w)
{
  static uint8_t id;
  const nvmens_ns_config config = {
      .shared = 1, .auto_attach = 1, .nsze = 8, .ident = {.uuid = {++id}}};
  nvmens_nsref ref;

  ck_assert_int_eq(nvmens_ns_new(w->s, &config, w, &ref), 0);
  return ref;
}

/* ---- what the helper does ---- */

static void *do_end(void *arg)
{
  world *w = arg;

  w->result = nvmens_subsys_del(w->s);
  PUT(w->ended, 1);
  return NULL;
}

static void *do_reset(void *arg)
{
  world *w = arg;

  nvmens_ctrl_reset(w->c);
  PUT(w->ended, 1);
  return NULL;
}

static void start(world *w, void *(*what)(void *))
{
  PUT(w->ended, 0);
  ck_assert_int_eq(pthread_create(&w->helper, NULL, what, w), 0);
}

static unsigned refused;

static void cannot_end(world *w)
{
  start(w, do_end);
  pthread_join(w->helper, NULL);
  ck_assert_int_eq(w->result, NVMENS_ERR_BUSY);
  refused++;
}

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

/* ---- reset ---- */

static const uint8_t get_aec[64] = {NVMENS_OP_GET_FEATURES, [40] = NVMENS_FID_ASYNC_EVENT_CONFIG};

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
  ck_assert_uint_eq(w->resets, 1);
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
      T5_no_end_while_a_remote_end_is_inside, R35_reset_done_waits_for_hooks_of_old_commands_only,
      R35_reset_done_waits_for_old_commands, R35_a_reset_of_what_is_removed_ends_with_it,
      R35_of_several_resets_the_last_counts, T8_effects_that_a_thread_is_running_are_not_left_over,
      T3_no_end_while_effects_are_left_over);
}
