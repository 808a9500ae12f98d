/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_gate_race.c: every order in which the owners of lanes, a thread that ends commands for them
 * and the control path can meet at the gate (G1-G3; gate.h, order), with store buffers, in both
 * modes. Thread 0 is the control path; it calls the library, which calls this program's gate.
 */
#include "race.h"

#include "mute.h"
#include "rig_main.h"

typedef struct object { /* the backend's namespace */
  int on, held, released;
  int opening; /* the nth attachment */
} object;

static struct {
  nvmens_subsys *s;
  nvmens_ctrl *ctrl;
  nvmens_lane *lane[2];
  nvmens_nsref ref;
  object ns[3];
  unsigned made;
  int opening;
  int barred; /* drain_begin was called */
  int rung;   /* wake was called */
  int backend_can;
  int locks;     /* `detached` takes a lock: all see that the gate is shut */
  int in_remote; /* the ticket below is handed over */
  nvmens_ticket ticket;
  object *holds; /* by the ticket */
} w;

/* ---- hooks ---- */

static void on_attached(void *ns_user, void *ctrl_user)
{
  object *ns = ns_user;

  (void)ctrl_user;
  ns->on = 1;
  ns->opening = ++w.opening;
  w.barred = 0;
}

static void on_detached(void *ns_user, void *ctrl_user)
{
  object *ns = ns_user;

  (void)ctrl_user;
  RACE_MUST(ns->held == 0, "G1: detached while a command holds it");
  RACE_MUST(ns->on, "detached twice");
  ns->on = 0;
  if (w.locks)
    race_publish();
}

static nvmens_wait on_drain(void *ns_user, void *ctrl_user, nvmens_token token)
{
  (void)ns_user, (void)ctrl_user, (void)token;
  w.barred = 1;
  return NVMENS_DONE;
}

/* A backend that reaches its threads: in this world that is what membarrier does. */
static int on_barrier(void *user)
{
  (void)user;
  return w.backend_can ? (int)race_membarrier(0) : -1;
}

static void on_released(void *ns_user, nvmens_reason reason)
{
  object *ns = ns_user;

  (void)reason;
  RACE_MUST(!ns->on && ns->held == 0, "G1: released while a command holds it");
  ns->released = 1;
}

static void on_wake(void *user)
{
  (void)user;
  w.rung = 1;
}

/* ---- what threads do ---- */

static void plug(void)
{
  object *ns = &w.ns[w.made++];
  nvmens_ns_config config = {.nsid = 1, .shared = 1, .auto_attach = 1, .nsze = 1};

  config.ident.uuid[0] = 1; /* always the same: it is attached at once (R60) */
  RACE_MUST(nvmens_ns_new(w.s, &config, ns, &w.ref) == 0, "plug failed");
  RACE_MUST(ns->on, "plugged, and it waits");
}

/* Until it is released; what is left to do is done when wake says so, and only then: but for the
 * barrier, which has a time. */
static void unplug(void)
{
  const object *ns = &w.ns[w.made - 1];

  RACE_MUST(nvmens_ns_unplug(w.s, w.ref, NVMENS_ORDERLY, 0, UINT64_MAX) == 0, "unplug failed");
  while (!ns->released) {
    if (nvmens_next_deadline(w.s) == UINT64_MAX)
      race_wait(&w.rung);
    w.rung = 0;
    nvmens_poll(w.s, 0);
  }
}

/* Begins a command; its object, NULL: it was refused. */
static object *begin(nvmens_lane *lane, nvmens_ticket *ticket)
{
  race_thread *self = &race.thread[race.now];
  const int barred = w.barred;
  const int openings = w.opening;
  void *user = NULL;
  object *ns;

  self->looks = 0;
  if (nvmens_io_begin(lane, 1, ticket, &user).sf)
    return NULL;
  ns = user;
  RACE_MUST(!race.running || !barred || w.opening > openings, "G2: begun after drain_begin");
  RACE_MUST(ns->on, "G1: holds what is not attached");
  RACE_MUST(!race.running || self->looked == ns->opening,
            "G2: looked at one attachment, holds another");
  ns->held++;
  race_point("hold");
  return ns;
}

static void end(nvmens_lane *lane, object *ns, nvmens_ticket ticket)
{
  RACE_MUST(ns->on && !ns->released, "G1: gone while a command holds it");
  ns->held--;
  nvmens_io_end(lane, ticket);
}

static void io_once(unsigned self)
{
  nvmens_lane *lane = w.lane[self - 1];
  nvmens_ticket ticket;
  object *ns = begin(lane, &ticket);

  if (ns)
    end(lane, ns, ticket);
}

static void io_on_the_other_lane(unsigned self)
{
  io_once(self + 1);
}

static void io_twice(unsigned self)
{
  io_once(self);
  io_once(self);
}

/* A command is out already; another begins, perhaps too late; then both end. */
static void io_and_held(unsigned self)
{
  io_once(self);
  end(w.lane[self - 1], w.holds, w.ticket);
}

static void io_handed_over(unsigned self)
{
  object *ns = begin(w.lane[self - 1], &w.ticket);

  race_publish();
  w.holds = ns;
  w.in_remote = 1;
}

static void remote(unsigned self)
{
  (void)self;
  race_wait(&w.in_remote);
  if (!w.holds)
    return;
  RACE_MUST(w.holds->on && !w.holds->released, "G1: gone while a command holds it");
  w.holds->held--;
  nvmens_io_end_remote(w.s, w.ticket);
}

static void control_unplug(unsigned self)
{
  (void)self;
  unplug();
}

static void control_swap(unsigned self)
{
  unplug();
  plug();
  (void)self;
}

static void control_swap_unplug(unsigned self)
{
  control_swap(self);
  unplug();
}

/* The kernel refuses a barrier: the expedited one, to register for it, and the slow one. */
static void control_refused(unsigned self)
{
  race.refusals = 3;
  control_unplug(self);
}

static void control_refused_swap_unplug(unsigned self)
{
  w.locks = 1;
  race.refusals = 3;
  control_swap_unplug(self);
}

static void control_refused_and_helped(unsigned self)
{
  w.backend_can = 1;
  race.refusals = 3;
  control_unplug(self);
}

static void control_look_unplug(unsigned self)
{
  nvmens_att_info info;

  (void)self;
  RACE_MUST(nvmens_att_query(w.s, w.ref, w.ctrl, &info) == 0, "query failed");
  RACE_MUST(info.in_flight <= 1, "more ends than begins were counted");
  unplug();
}

static void control_lane_del_unplug(unsigned self)
{
  nvmens_lane_del(w.lane[0]);
  w.lane[0] = NULL;
  control_unplug(self);
}

/* ---- worlds ---- */

/* ck_assert writes to a file each time. */
#define SURE(what)                                                                                 \
  do {                                                                                             \
    if (!(what))                                                                                   \
      ck_abort_msg("%s", #what);                                                                   \
  } while (0)

static void build(uint8_t mode)
{
  static const nvmens_host host = {.cmd_complete = on_complete,
                                   .cmd_drop = on_drop,
                                   .transfer = on_transfer,
                                   .attached = on_attached,
                                   .detached = on_detached,
                                   .drain_begin = on_drain,
                                   .barrier = on_barrier,
                                   .released = on_released,
                                   .wake = on_wake};
  const nvmens_subsys_config config = {.nn = 4, .gate_mode = mode};

  memset(&w, 0, sizeof(w));
  race.refusals = 0;
  race.clock = &w.opening;
  SURE(nvmens_subsys_new(&w.s, &config, &host, NULL, NULL) == 0);
  SURE(nvmens_ctrl_new(&w.ctrl, w.s, NULL, NULL) == 0);
  SURE(nvmens_ctrl_enable(w.ctrl, 0) == 0);
  for (unsigned i = 0; i < 2; i++)
    SURE(nvmens_lane_new(&w.lane[i], w.ctrl) == 0);
  plug();
}

/* When all have run, nothing is left over and the library is sound. */
static void tear_down(void)
{
  const char *why = NULL;

  SURE(nvmens_subsys_check(w.s, &why) == 0);
  for (unsigned i = 0; i < w.made; i++)
    SURE(w.ns[i].held == 0);
  for (unsigned i = 0; i < 2; i++)
    nvmens_lane_del(w.lane[i]);
  SURE(nvmens_subsys_del(w.s) == 0);
}

typedef struct scenario {
  const char *name;
  void (*thread[RACE_THREADS])(unsigned);
  unsigned threads, budget;
  int hold; /* a command is out when it starts */
} scenario;

static void explore(const scenario *s, uint8_t mode)
{
  unsigned long schedules = 0;
  const char *why;

  race.length = 0;
  race.budget = s->budget + (getenv("NVMENS_LONG") ? 1 : 0);
  do {
    build(mode);
    if (s->hold)
      w.holds = begin(w.lane[0], &w.ticket);
    w.in_remote = s->hold;
    why = race_run(s->thread, s->threads);
    if (why)
      ck_abort_msg("%s, %s: %s: %s", s->name, mode ? "fences" : "membarrier", why, race.text);
    tear_down();
    schedules++;
  } while (race_another());
  printf("# %s, %s: %lu schedules\n", s->name, mode ? "fences" : "membarrier", schedules);
  fflush(stdout);
}

static void both(const scenario *s)
{
  explore(s, NVMENS_GATE_AUTO);
  explore(s, NVMENS_GATE_FENCE);
}

START_TEST(G1_a_command_against_an_unplug)
{
  both(&(scenario){"one lane", {control_unplug, io_once}, 2, 3, 0});
}
END_TEST

START_TEST(G1_a_command_that_is_out_and_one_that_is_undone)
{
  both(&(scenario){"one out", {control_unplug, io_and_held}, 2, 3, 1});
}
END_TEST

START_TEST(G1_two_lanes_against_an_unplug)
{
  both(&(scenario){"two lanes", {control_unplug, io_once, io_once}, 3, 2, 0});
}
END_TEST

START_TEST(G1_a_command_that_ends_elsewhere)
{
  both(&(scenario){"remote", {control_unplug, io_handed_over, remote}, 3, 2, 0});
}
END_TEST

START_TEST(G1_the_count_of_an_open_gate_is_not_below_nothing)
{
  both(&(scenario){"look", {control_look_unplug, io_handed_over, remote}, 3, 2, 0});
  both(&(scenario){"look", {control_look_unplug, io_once}, 2, 3, 0});
}
END_TEST

START_TEST(G1_a_command_whose_lane_goes)
{
  both(&(scenario){"lane goes", {control_lane_del_unplug, io_on_the_other_lane, remote}, 3, 2, 1});
}
END_TEST

START_TEST(G2_a_command_against_a_swap)
{
  both(&(scenario){"swap", {control_swap, io_once}, 2, 3, 0});
  both(&(scenario){"swap", {control_swap_unplug, io_twice}, 2, 2, 0});
}
END_TEST

/* It looks at the gate when that is closed, and is seen when another attachment is drained. */
START_TEST(G3_a_begin_that_is_undone_between_two_attachments)
{
  both(&(scenario){"undone between", {control_swap_unplug, io_once}, 2, 4, 0});
}
END_TEST

START_TEST(G1_a_barrier_that_fails)
{
  explore(&(scenario){"refused", {control_refused, io_once}, 2, 3, 0}, NVMENS_GATE_AUTO);
  explore(&(scenario){"refused, one out", {control_refused, io_and_held}, 2, 2, 1},
          NVMENS_GATE_AUTO);
  explore(&(scenario){"refused, remote", {control_refused, io_handed_over, remote}, 3, 2, 0},
          NVMENS_GATE_AUTO);
  explore(&(scenario){"the backend's", {control_refused_and_helped, io_once}, 2, 3, 0},
          NVMENS_GATE_AUTO);
}
END_TEST

/* The first opening is without fences, the second one with them. */
START_TEST(G3_a_begin_that_is_undone_when_there_are_fences)
{
  explore(&(scenario){"refused, swap", {control_refused_swap_unplug, io_once}, 2, 4, 0},
          NVMENS_GATE_AUTO);
  explore(&(scenario){"refused, swap", {control_refused_swap_unplug, io_twice}, 2, 2, 0},
          NVMENS_GATE_AUTO);
}
END_TEST

int main(void)
{
#ifdef NVMENS_GATE_TSAN_
  printf("1..0 # SKIP the thread sanitizer does not know coroutines\n");
  return EXIT_SUCCESS;
#else
  return RIG_RUN("gate_race", G1_a_command_against_an_unplug,
                 G1_a_command_that_is_out_and_one_that_is_undone, G1_two_lanes_against_an_unplug,
                 G1_a_command_that_ends_elsewhere,
                 G1_the_count_of_an_open_gate_is_not_below_nothing, G1_a_command_whose_lane_goes,
                 G2_a_command_against_a_swap, G3_a_begin_that_is_undone_between_two_attachments,
                 G1_a_barrier_that_fails, G3_a_begin_that_is_undone_when_there_are_fences);
#endif
}
