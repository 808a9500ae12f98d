/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.c: the subsystem, the hooks and the lifecycle thread: all that the library needs of us.
 * Hooks come on any thread and never wait: they take a leaf lock for a moment, or hand over.
 */
#define _POSIX_C_SOURCE 200809L
#include "target.h"
#include "conn.h"
#include "control.h"
#include "trace.h"
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void kick(int eventfd)
{
  const uint64_t one = 1;
  ssize_t n = write(eventfd, &one, sizeof(one));

  (void)n; /* full is as good as one more */
}

void unkick(int eventfd)
{
  uint64_t count;
  ssize_t n = read(eventfd, &count, sizeof(count));

  (void)n;
}

void note(const target *t, const char *format, ...)
{
  va_list args;
  char line[512];

  if (t->opt.quiet)
    return;
  va_start(args, format);
  vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  fprintf(stderr, "%s\n", line);
}

const char *error_word(int err)
{
  switch (err) {
  case NVMENS_ERR_EXISTS:
    return "exists";
  case NVMENS_ERR_STALE:
  case NVMENS_ERR_NOT_FOUND:
    return "not found";
  case NVMENS_ERR_NOT_ATTACHED:
    return "not attached";
  case NVMENS_ERR_BUSY:
    return "busy";
  case NVMENS_ERR_PRIVATE:
    return "private";
  case NVMENS_ERR_LIMIT:
    return "limit";
  case NVMENS_ERR_CAPACITY:
    return "over the capacity (--tnvmcap)";
  case NVMENS_ERR_NOMEM:
    return "out of memory";
  default:
    return nvmens_strerror(err);
  }
}

static req *req_of(nvmens_cmd *cmd)
{
  return (req *)(void *)((char *)cmd - offsetof(req, cmd));
}

static void on_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                        uint64_t error_info)
{
  req *r = req_of(cmd);

  (void)ctrl_user;
  r->sf = status.sf;
  r->dw0 = dw0;
  r->error_info = error_info;
  conn_deliver(r);
}

static void on_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  req *r = req_of(cmd);

  (void)ctrl_user;
  r->drop = true;
  conn_deliver(r);
}

/* Data from the host are here already (req_ask); data to it may wait for a slow host, which is why
 * this is no effect. */
static nvmens_status on_transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                                 nvmens_dir dir)
{
  req *r = req_of(cmd);

  (void)ctrl_user;
  if (dir == NVMENS_TO_HOST)
    return (nvmens_status){admin_send(r->conn, r, buf, (uint32_t)len)};
  if (!r->data || r->got < len)
    return (nvmens_status){SC_SGL_LENGTH | DNR};
  memcpy(buf, r->data, len);
  return (nvmens_status){0};
}

static nvmens_wait on_prepare(void *ctrl_user, nvmens_cmd *cmd, const nvmens_intent *intent,
                              nvmens_token token)
{
  target *t = ((ctrl *)ctrl_user)->t;
  nvmens_status status = {0};
  ns *n = NULL;

  (void)cmd;
  if (!intent->create)
    return NVMENS_DONE;
  if (intent->dps)
    status.sf = NVMENS_SC_INVALID_FIELD | DNR;
  else if (intent->nsze == 0 || intent->nsze > SIZE_MAX / 2 >> intent->lbads)
    status.sf = NVMENS_SC_NS_INSUFFICIENT_CAPACITY | DNR;
  else if (!(n = ns_create(t, intent->nsze << intent->lbads, 1u << intent->lbads)))
    status.sf = NVMENS_SC_INTERNAL_ERROR;
  if (nvmens_prepared(t->subsys, token, status, n ? &n->ident : NULL, n) != 0 && n)
    ns_free_unused(n);
  return NVMENS_PENDING;
}

static void on_created(void *ns_user, nvmens_nsref ref)
{
  atomic_store(&((ns *)ns_user)->nsid, ref.nsid);
}

static void on_attached(void *ns_user, void *ctrl_user)
{
  const ctrl *k = ctrl_user;

  atomic_fetch_and(&((ns *)ns_user)->aborting, ~(UINT64_C(1) << k->slot));
}

static void on_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  ctrl *k = ctrl_user;

  (void)token;
  atomic_fetch_or(&((ns *)ns_user)->aborting, UINT64_C(1) << k->slot);
  ctrl_kick_queues(k);
}

static void on_detached(void *ns_user, void *ctrl_user)
{
  const ns *n = ns_user;
  const ctrl *k = ctrl_user;

  control_tell(k->t->control, "event: detached %u %u", n->nsid, k->cntlid);
}

static void on_released(void *ns_user, nvmens_reason reason)
{
  ns *n = ns_user;
  target *t = n->t;

  n->reason = reason;
  ns_released(n);
  control_released(t->control, n);
}

static void on_ctrl_released(void *ctrl_user)
{
  ctrl *k = ctrl_user;

  control_tell(k->t->control, "event: controller-released %u", k->cntlid);
  ctrl_put(k);
}

static void on_reset_done(void *ctrl_user)
{
  sem_post(&((ctrl *)ctrl_user)->reset_done);
}

static int on_identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page)
{
  (void)ns_user; /* all namespaces are alike here */
  (void)ctrl_user;
  (void)csi;
  identify_ns(cns, page);
  return 0;
}

static void on_wake(void *user)
{
  kick(((target *)user)->wake_fd);
}

static void on_lock(void *user)
{
  pthread_mutex_lock(&((target *)user)->lib_lock);
}

static void on_unlock(void *user)
{
  pthread_mutex_unlock(&((target *)user)->lib_lock);
}

static void on_trace(void *user, const nvmens_trace *step)
{
  target *t = user;

  if (t->trace)
    trace_step(t->trace, step, now_ns());
}

static const nvmens_host hooks = {
    .cmd_complete = on_complete,
    .cmd_drop = on_drop,
    .transfer = on_transfer,
    .prepare = on_prepare,
    .created = on_created,
    .attached = on_attached,
    .detached = on_detached,
    .released = on_released,
    .ctrl_released = on_ctrl_released,
    .reset_done = on_reset_done,
    .drain_abort = on_abort,
    .identify = on_identify,
    .wake = on_wake,
    .lock = on_lock,
    .unlock = on_unlock,
    .trace = on_trace,
};

static void *poll_thread(void *arg)
{
  target *t = arg;

  while (!atomic_load(&t->poll_stop)) {
    struct pollfd fd = {.fd = t->wake_fd, .events = POLLIN};
    uint64_t at = nvmens_next_deadline(t->subsys), now = now_ns();
    int ms = -1;

    if (at <= now)
      ms = 0;
    else if (at != UINT64_MAX)
      ms = at - now > UINT64_C(60000000000) ? 60000 : (int)((at - now) / 1000000) + 1;
    poll(&fd, 1, ms);
    unkick(t->wake_fd);
    nvmens_poll(t->subsys, now_ns());
  }
  return NULL;
}

/* The same for every controller of the subsystem, and after a restart. */
static void make_serial(target *t)
{
  uint64_t hash = UINT64_C(0xCBF29CE484222325);

  for (const char *s = t->opt.nqn; *s; s++)
    hash = (hash ^ (uint8_t)*s) * UINT64_C(0x100000001B3);
  snprintf(t->serial, sizeof(t->serial), "NE%016llX", (unsigned long long)hash);
}

const char *target_start(target *t)
{
  nvmens_subsys_config config = {0};
  int err;

  config.nn = t->opt.nn;
  config.max_ctrls = MAX_CTRLS;
  config.aerl = (uint8_t)t->opt.aerl;
  config.aerl_is_zero = t->opt.aerl == 0;
  config.mask_scope = t->opt.mask_scope;
  config.inactive_io = t->opt.inactive_io;
  config.tnvmcap.lo = t->opt.tnvmcap;
  config.deadline_ns = t->opt.deadline_ns;
  config.aec_supported = NVMENS_AEC_SMART | NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS;
  config.lbaf[0].lbads = 9;
  config.lbaf[1].lbads = 12;
  config.nlbaf = 2;
  make_serial(t);
  err = nvmens_subsys_new(&t->subsys, &config, &hooks, NULL, t);
  if (err)
    return error_word(err);
  if (pthread_create(&t->poll_thread, NULL, poll_thread, t) != 0)
    return "no thread";
  return NULL;
}

/* Surprise for every namespace: nobody is left to wait for. */
static void unplug_all(target *t)
{
  ns **all;
  size_t count = ns_all(t, &all);
  nvmens_nsref ref = {0, 0};

  for (size_t i = 0; i < count; i++) {
    ns_stall(all[i], STALL_NO);
    ns_put(all[i]);
  }
  free(all);
  while (nvmens_ns_next(t->subsys, ref.nsid, &ref) == 0)
    nvmens_ns_unplug(t->subsys, ref, NVMENS_SURPRISE, now_ns(), 0);
}

static bool no_namespaces(target *t)
{
  bool none;

  pthread_mutex_lock(&t->lock);
  none = t->namespaces == NULL;
  pthread_mutex_unlock(&t->lock);
  return none;
}

int target_stop(target *t)
{
  int err = NVMENS_ERR_BUSY;

  unplug_all(t);
  for (int i = 0; i < 500 && err == NVMENS_ERR_BUSY; i++) {
    if (i > 0)
      poll(NULL, 0, 10);
    if (no_namespaces(t) && !atomic_load(&t->poll_stop)) {
      atomic_store(&t->poll_stop, true);
      kick(t->wake_fd);
      pthread_join(t->poll_thread, NULL);
    }
    if (atomic_load(&t->poll_stop)) {
      nvmens_poll(t->subsys, now_ns());
      err = nvmens_subsys_del(t->subsys);
    }
  }
  return err;
}
