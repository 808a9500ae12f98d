/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * meanwhile.h: a subsystem with one controller, whose hooks do what a test wants, and a second
 * thread. Each order is forced, none is left to chance.
 */
#ifndef NVMENS_TESTS_MEANWHILE_H
#define NVMENS_TESTS_MEANWHILE_H

#include "le.h"
#include "rig_main.h"
#include "subsys.h"
#include <pthread.h>

typedef struct world {
  nvmens_subsys *s;
  nvmens_ctrl *c;
  pthread_mutex_t lock;
  pthread_t main, helper;
  /* by __atomic_*: what the two threads have come to */
  int ended;                           /* it has done its work */
  int result;                          /* of it */
  void (*before_lock)(struct world *); /* of the main thread */
  void (*in_attached)(struct world *);
  void (*in_prepare)(struct world *);
  void (*in_detached)(struct world *);
  void (*in_identify)(struct world *);
  void (*in_complete)(struct world *);
  void (*in_released)(struct world *);
  void (*in_ctrl_released)(struct world *);
  nvmens_cmd cmd[2];
  unsigned completed, dropped, resets, removes, gone;
  unsigned resets_before; /* the last drop */
  uint8_t page[NVMENS_PAGE]; /* what the host sends */
  nvmens_wait drain;
  nvmens_token token;
} world;

#define GET(what)        __atomic_load_n(&(what), __ATOMIC_ACQUIRE)
#define PUT(what, value) __atomic_store_n(&(what), (value), __ATOMIC_RELEASE)

/* ---- the backend ---- */

static inline void on_lock(void *user)
{
  world *w = user;

  if (w->before_lock && pthread_equal(pthread_self(), w->main))
    w->before_lock(w);
  pthread_mutex_lock(&w->lock);
}

static inline void on_unlock(void *user)
{
  pthread_mutex_unlock(&((world *)user)->lock);
}

static inline void run(void (*what)(world *), world *w)
{
  if (what)
    what(w);
}

static inline void on_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                               uint64_t error_info)
{
  world *w = ctrl_user;

  (void)cmd, (void)status, (void)dw0, (void)error_info;
  w->completed++;
  run(w->in_complete, w);
}

static inline void on_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)cmd;
  ((world *)ctrl_user)->dropped++;
  ((world *)ctrl_user)->resets_before = ((world *)ctrl_user)->resets;
}

static inline nvmens_status on_transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                                        nvmens_dir dir)
{
  (void)cmd;
  if (dir == NVMENS_FROM_HOST)
    memcpy(buf, ((world *)ctrl_user)->page, len);
  return (nvmens_status){0};
}

static inline int on_identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page)
{
  (void)ns_user, (void)cns, (void)csi, (void)page;
  run(((world *)ctrl_user)->in_identify, ctrl_user);
  return 0;
}

static inline nvmens_wait on_prepare(void *ctrl_user, nvmens_cmd *cmd, const nvmens_intent *intent,
                                     nvmens_token token)
{
  world *w = ctrl_user;

  (void)cmd, (void)intent;
  w->token = token;
  run(w->in_prepare, w);
  return NVMENS_PENDING;
}

static inline void on_attached(void *ns_user, void *ctrl_user)
{
  (void)ctrl_user;
  run(((world *)ns_user)->in_attached, ns_user);
}

static inline void on_detached(void *ns_user, void *ctrl_user)
{
  (void)ctrl_user;
  run(((world *)ns_user)->in_detached, ns_user);
}

static inline void on_released(void *ns_user, nvmens_reason reason)
{
  (void)reason;
  run(((world *)ns_user)->in_released, ns_user);
}

static inline void on_ctrl_released(void *ctrl_user)
{
  run(((world *)ctrl_user)->in_ctrl_released, ctrl_user);
}

static inline void on_reset_done(void *ctrl_user)
{
  ((world *)ctrl_user)->resets++;
}

static inline nvmens_wait on_drain(void *ns_user, void *ctrl_user, nvmens_token token)
{
  (void)ctrl_user;
  ((world *)ns_user)->token = token;
  return ((world *)ns_user)->drain;
}

static inline world *setup(void)
{
  static const nvmens_host host = {.cmd_complete = on_complete,
                                   .cmd_drop = on_drop,
                                   .transfer = on_transfer,
                                   .identify = on_identify,
                                   .prepare = on_prepare,
                                   .attached = on_attached,
                                   .detached = on_detached,
                                   .released = on_released,
                                   .ctrl_released = on_ctrl_released,
                                   .reset_done = on_reset_done,
                                   .drain_begin = on_drain,
                                   .lock = on_lock,
                                   .unlock = on_unlock};
  static world w;

  w.main = pthread_self();
  pthread_mutex_init(&w.lock, NULL);
  ck_assert_int_eq(nvmens_subsys_new(&w.s, NULL, &host, NULL, &w), 0);
  ck_assert_int_eq(nvmens_ctrl_new(&w.c, w.s, NULL, &w), 0);
  ck_assert_int_eq(nvmens_ctrl_enable(w.c, 0), 0);
  return &w;
}

static inline nvmens_nsref plug(world *w)
{
  static uint32_t id;
  nvmens_ns_config config = {.shared = 1, .auto_attach = 1, .nsze = 8};
  nvmens_nsref ref;

  nvmens_put32(config.ident.uuid, ++id);
  ck_assert_int_eq(nvmens_ns_new(w->s, &config, w, &ref), 0);
  return ref;
}

/* ---- what the helper does ---- */

static inline void *do_end(void *arg)
{
  world *w = arg;

  w->result = nvmens_subsys_del(w->s);
  PUT(w->ended, 1);
  return NULL;
}

static inline void *do_reset(void *arg)
{
  world *w = arg;

  nvmens_ctrl_reset(w->c);
  PUT(w->ended, 1);
  return NULL;
}

static inline void start(world *w, void *(*what)(void *))
{
  PUT(w->ended, 0);
  ck_assert_int_eq(pthread_create(&w->helper, NULL, what, w), 0);
}

static unsigned refused;

static inline void cannot_end(world *w)
{
  start(w, do_end);
  pthread_join(w->helper, NULL);
  ck_assert_int_eq(w->result, NVMENS_ERR_BUSY);
  refused++;
}

static const uint8_t get_aec[64] = {NVMENS_OP_GET_FEATURES, [40] = NVMENS_FID_ASYNC_EVENT_CONFIG};

#endif
