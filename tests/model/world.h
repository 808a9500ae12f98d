/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h: the library under test beside the model: hooks that compare, and steps that drive both.
 *
 * A step is a few small numbers, which are taken modulo what there is: so a sequence stays a
 * sequence when steps are taken out of it. A step with `when` is kept until the next hook of that
 * kind and is done inside it.
 */
#ifndef NVMENS_TESTS_MODEL_WORLD_H
#define NVMENS_TESTS_MODEL_WORLD_H

#include <nvmens/gate.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec.h"

enum {
  W_LANES = 6,
  W_IOS = 16,
  W_TOKENS = 4096,
  W_STAMPS = 8,
  W_ARMED = 64,
  W_ARGS = 7,
  W_CALLS = 128,
  W_EVENTS = 16,
  W_STATES = 8
};

typedef struct w_step {
  uint8_t op, when;
  uint8_t a[W_ARGS];
} w_step;

/* Every kind of step; its arguments are told in steps.c. */
#define W_OPS(X)                                                                                   \
  X(ctrl_new)                                                                                      \
  X(ctrl_del)                                                                                      \
  X(enable)                                                                                        \
  X(reset)                                                                                         \
  X(shutdown)                                                                                      \
  X(ns_new)                                                                                        \
  X(ns_attach)                                                                                     \
  X(ns_detach)                                                                                     \
  X(ns_plug)                                                                                       \
  X(ns_unplug)                                                                                     \
  X(ns_update)                                                                                     \
  X(ns_find)                                                                                       \
  X(done)                                                                                          \
  X(prepared)                                                                                      \
  X(poll)                                                                                          \
  X(pass)                                                                                          \
  X(aer)                                                                                           \
  X(aer_abort)                                                                                     \
  X(post)                                                                                          \
  X(latch)                                                                                         \
  X(was_read)                                                                                      \
  X(lane_new)                                                                                      \
  X(lane_del)                                                                                      \
  X(io_begin)                                                                                      \
  X(io_next)                                                                                       \
  X(io_end)                                                                                        \
  X(io_end_remote)                                                                                 \
  X(identify) X(get_log) X(get_feature) X(set_feature) X(create) X(delete) X(attach) X(detach)     \
      X(abort) X(other) X(drain_mode) X(prepare_mode) X(fail_transfer) X(fail_identify) X(query)   \
          X(pages) X(rest) X(host) X(swap) X(subsys_del)

enum {
#define W_ENUM(name) OP_##name,
  W_OPS(W_ENUM)
#undef W_ENUM
      W_NOPS
};
extern const char *const w_op_name[W_NOPS];
extern const char *const w_hook_name[K_KINDS];

typedef struct w_obj { /* a namespace of the backend's */
  uint8_t used;
} w_obj;

typedef struct w_cmd {
  nvmens_cmd cmd;
  uint8_t driver; /* it is that of the host model of its controller */
  uint8_t tag;    /* which */
} w_cmd;

typedef struct w_ref {
  nvmens_nsref lib, model;
} w_ref;

typedef struct w_lane {
  nvmens_lane *lane;
  int ctrl; /* M_NONE: its controller was deleted */
} w_lane;

typedef struct w_io {
  nvmens_ticket ticket;
  int used, lane, ctrl, ns; /* lane M_NONE: gone */
} w_io;

typedef struct w_stamp {
  int ctrl;
  uint8_t lid;
  uint32_t epoch, born;
  uint64_t lib, model;
} w_stamp;

enum { DRAIN_DONE, DRAIN_PENDING, DRAIN_EARLY, DRAIN_DOUBLE, DRAIN_MODES };
enum { PREP_INSIDE, PREP_PENDING, PREP_DONE, PREP_MODES };

typedef struct w_world {
  nvmens_subsys *s;
  nvmens_ctrl *ctrl[M_CTRLS]; /* NULL: none, or deleted */
  w_obj obj[M_OBJS];
  w_cmd cmd[M_CMDS];
  w_ref ref[M_NSIDS][2];        /* latest, and the one before */
  nvmens_token token[W_TOKENS]; /* by the model's number; 0: never seen */
  uint32_t ntokens, rest_token;
  w_lane lane[W_LANES];
  w_io io[W_IOS];
  w_stamp stamp[W_STAMPS];
  unsigned nstamps;
  w_step armed[W_ARMED];
  unsigned narmed;
  uint8_t drain_mode, prepare_mode, prep_how;
  uint16_t transfer_sf; /* of the next transfer */
  uint8_t identify_rc;
  int hooks, effects, calls;             /* depths */
  uint32_t head[W_CALLS], tail[W_CALLS]; /* of the model's queue when each call began */
  int woken;
  uint32_t ids; /* identities made */
  long blocks;
  uint8_t ending; /* hooks are no longer compared */
  uint8_t data[NVMENS_PAGE];
  int verbose;
  uint8_t plain; /* what is done are steps, not what is looked at between them */
  unsigned at;   /* step */
  jmp_buf escape;
  char why[600];
} w_world;
extern w_world W;

typedef struct w_stats {
  uint64_t runs, steps; /* steps that called the library */
  uint64_t calls, hooks, pages, checks;
  uint64_t events, scans, swaps, refusals, views;     /* of the drivers */
  uint64_t cell[NVMENS_MACHINES][W_EVENTS][W_STATES]; /* of the library's tables; w_cover */
} w_stats;
extern w_stats *w_count;
extern int w_cover;
void w_stats_add(w_stats *, const w_stats *);

/* The library and the model disagree: does not return. */
void w_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void w_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define W_SAY(...)                                                                                 \
  do {                                                                                             \
    if (W.verbose)                                                                                 \
      w_say(__VA_ARGS__);                                                                          \
  } while (0)

void w_init(const m_config *, int verbose); /* subsystem and model, both new */
void w_end(void);                           /* to rest, and away */
void w_step_do(const w_step *);             /* of the run */
void w_do(const w_step *);
void w_enter(void);     /* before every call */
void w_came_back(void); /* after it */
void w_same(const char *what, long long lib, long long model);
const nvmens_host *w_hooks(void);
void w_run_armed(m_kind);
void w_choose(void);
int w_cmd_new(void); /* a command that is free, M_NONE */
int w_submit(int ctrl, const nvmens_sqe *, int cmd);
int w_obj_new(void);
void w_token(uint32_t model, nvmens_token lib);
void w_ident(nvmens_ident *, unsigned how);
void w_made(nvmens_nsref lib, nvmens_nsref model);

/* drivers.c: models of hosts in the loop */
void w_drivers_init(void);
void w_drivers_settle(uint8_t slow);
void w_driver_new(int ctrl, int is_io, uint8_t hostid, uint8_t pci);
void w_driver_leaves(int ctrl);
void w_disks_check(void);
void w_driver_gone(int ctrl);
void w_driver_up(int ctrl, int up);
int w_driver_act(int ctrl);
int w_driver_tool(int ctrl); /* the tag of a command of its host's tools */
int w_driven(int ctrl);
void w_driver_heard(int ctrl, int tag, uint16_t sf, uint32_t dw0);
void w_driver_data(int ctrl, int tag, const uint8_t *data);

/* steps_*.c */
void w_do_backend(const w_step *);
void w_do_ctrl_new(const w_step *);
void w_do_ctrl(const w_step *);
void w_do_gate(const w_step *);
void w_do_host(const w_step *);
void w_query(void);
void w_pages(void);
void w_rest(void);
void w_del_too_early(void);
uint32_t w_nsid(uint8_t a);
int w_ctrl(uint8_t a); /* a controller that there is; M_NONE */
void w_read_log(int ctrl, uint8_t lid);

#endif
