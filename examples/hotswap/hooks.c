/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hooks.c: what the library calls. Every promise of the header that a hook can see is checked here:
 * effects run one at a time, attached and detached alternate, nothing holds a backend when it is
 * detached or released, nothing names an object after its last word.
 */
#include "hotswap.h"

#include <stdlib.h>
#include <string.h>

static const nvmens_status OK = {0};

/* Not found through the objects that the hooks name: those may be of the past. */
static struct world *the_world;

static struct port *port_of(void *ctrl_user)
{
  const struct ctrl_obj *obj = ctrl_user;

  if (obj->magic != CTRL_LIVE)
    watch_fail(the_world, "a hook names a controller that has been released");
  return obj->port;
}

static void effect_in(struct world *w)
{
  if (atomic_exchange(&w->in_effect, true))
    watch_fail(w, "two effects run at the same time");
}

static void effect_out(struct world *w)
{
  atomic_store(&w->in_effect, false);
}

/* ---- commands ---- */

static struct host_cmd *host_cmd_of(nvmens_cmd *cmd)
{
  return (struct host_cmd *)(void *)((char *)cmd - offsetof(struct host_cmd, cmd));
}

static void cmd_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                         uint64_t error_info)
{
  struct host_cmd *hc = host_cmd_of(cmd);
  struct world *w = port_of(ctrl_user)->driver.world;
  struct driver *d = hc->driver;

  (void)error_info;
  effect_in(w);
  pthread_mutex_lock(&d->lock);
  if (hc->state != CMD_SENT)
    watch_fail(w, "opcode %02Xh completed twice", hc->sqe.opcode);
  hc->state = CMD_DONE;
  hc->sf = status.sf;
  hc->dw0 = dw0;
  d->completed++;
  if (hc->aer) {
    d->parked--;
    d->delivered++;
    if (status.sf == 0 && dw0 == EVENT_ATTACHED)
      atomic_store(&d->told, true);
    hc->next = NULL;
    *d->events_tail = hc;
    d->events_tail = &hc->next;
  }
  pthread_cond_broadcast(&d->cond);
  pthread_mutex_unlock(&d->lock);
  effect_out(w);
}

static void cmd_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  struct host_cmd *hc = host_cmd_of(cmd);
  struct world *w = port_of(ctrl_user)->driver.world;
  struct driver *d = hc->driver;

  effect_in(w);
  pthread_mutex_lock(&d->lock);
  if (hc->state != CMD_SENT)
    watch_fail(w, "opcode %02Xh dropped after its completion", hc->sqe.opcode);
  hc->state = CMD_DROPPED;
  d->dropped++;
  d->parked -= hc->aer;
  pthread_cond_broadcast(&d->cond);
  pthread_mutex_unlock(&d->lock);
  if (hc->aer)
    free(hc);
  effect_out(w);
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  struct world *w = port_of(ctrl_user)->driver.world;
  struct host_cmd *hc = host_cmd_of(cmd);

  if (rng_percent(&hc->driver->rng, 4))
    return (nvmens_status){NVMENS_SC_DATA_TRANSFER_ERROR};
  if (len > hc->len) {
    watch_fail(w, "opcode %02Xh moves %zu bytes of %zu", hc->sqe.opcode, len, hc->len);
    return (nvmens_status){NVMENS_SC_DATA_TRANSFER_ERROR};
  }
  if (dir == NVMENS_TO_HOST)
    memcpy(hc->data, buf, len);
  else
    memcpy(buf, hc->data, len);
  return OK;
}

static int identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page)
{
  struct world *w = port_of(ctrl_user)->driver.world;

  (void)csi;
  if (!ns_user)
    return 0;
  backend_touch(w, ns_user, cns, "the identify hook");
  if (cns == NVMENS_CNS_NS || cns == NVMENS_CNS_ALLOCATED_NS)
    memset(((nvmens_id_ns *)page)->vendor, 0x5A, sizeof(((nvmens_id_ns *)page)->vendor));
  return 0;
}

static void prepared_in(struct world *w, struct job *job, struct rng *rng)
{
  uint64_t dice = rng_below(rng, 100);

  if (dice < 30) {
    jobs_answer(w, job);
    return;
  }
  job->due = now_ns() + rng_below(rng, 3 * MS);
  if (dice >= 98)
    job->due += HOST_DEADLINE; /* too late: the command has ended by then */
  job_add(w, job);
}

static nvmens_wait prepare(void *ctrl_user, nvmens_cmd *cmd, const nvmens_intent *intent,
                           nvmens_token token)
{
  struct rng *rng = &host_cmd_of(cmd)->driver->rng;
  struct world *w = port_of(ctrl_user)->driver.world;
  struct job job;

  memset(&job, 0, sizeof(job));
  job.kind = JOB_PREPARED;
  job.token = token;
  if (rng_percent(rng, 4))
    job.status.sf = NVMENS_SC_INTERNAL_ERROR;
  if (!intent->create) {
    backend_touch(w, intent->ns_user, 1, "the prepare hook");
    if (rng_percent(rng, 60))
      return NVMENS_DONE;
  } else {
    job.be = backend_new(w, -1, rng);
    if (job.be && !rng_percent(rng, 3)) /* now and then the backend forgets to say who it is */
      memcpy(job.ident.uuid, job.be->uuid, sizeof(job.be->uuid));
    if (!job.be)
      job.status.sf = NVMENS_SC_INTERNAL_ERROR;
  }
  prepared_in(w, &job, rng);
  return NVMENS_PENDING;
}

/* ---- namespaces ---- */

static void created(void *ns_user, nvmens_nsref ref)
{
  effect_in(the_world);
  if (backend_alive(the_world, ns_user, "created"))
    disk_owner(the_world, ref.nsid, ns_user);
  effect_out(the_world);
}

static void attached(void *ns_user, void *ctrl_user)
{
  struct port *p = port_of(ctrl_user);
  struct world *w = the_world;
  struct backend *be = ns_user;
  uint32_t bit = UINT32_C(1) << p->index;

  effect_in(w);
  if (backend_alive(w, be, "attached")) {
    if (be->attached & bit)
      watch_fail(w, "attached to controller %u twice", p->cntlid);
    be->attached |= bit;
    atomic_fetch_and(&be->aborted, ~bit);
  }
  effect_out(w);
}

static void detached(void *ns_user, void *ctrl_user)
{
  struct port *p = port_of(ctrl_user);
  struct world *w = the_world;
  struct backend *be = ns_user;
  uint32_t bit = UINT32_C(1) << p->index;

  effect_in(w);
  if (backend_alive(w, be, "detached")) {
    if (!(be->attached & bit))
      watch_fail(w, "detached from controller %u, but never attached", p->cntlid);
    if (atomic_load(&be->held[p->index]) || atomic_load(&be->awaited[p->index]))
      watch_fail(w, "detached from controller %u with commands in flight", p->cntlid);
    be->attached &= ~bit;
  }
  effect_out(w);
}

static void released(void *ns_user, nvmens_reason reason)
{
  struct backend *be = ns_user;
  struct world *w = the_world;
  int place;

  effect_in(w);
  if (!backend_alive(w, be, "released")) {
    effect_out(w);
    return;
  }
  if (be->attached)
    watch_fail(w, "released while attached (%x)", (unsigned)be->attached);
  for (unsigned i = 0; i < MAX_PORTS; i++)
    if (atomic_load(&be->held[i]) || atomic_load(&be->awaited[i]))
      watch_fail(w, "released with commands in flight");
  pthread_mutex_lock(&w->stats.lock);
  w->stats.released[reason]++;
  pthread_mutex_unlock(&w->stats.lock);
  place = swap_released(w, be, reason) ? be->place : -1;
  backend_free(w, be);
  if (place >= 0)
    swap_plug(w, (unsigned)place, &w->effect_rng);
  effect_out(w);
}

static void ctrl_released(void *ctrl_user)
{
  struct driver *d = &port_of(ctrl_user)->driver;
  struct world *w = the_world;

  effect_in(w);
  ctrl_obj_free(ctrl_user);
  pthread_mutex_lock(&d->lock);
  d->released = true;
  pthread_cond_broadcast(&d->cond);
  pthread_mutex_unlock(&d->lock);
  effect_out(w);
}

static void reset_done(void *ctrl_user)
{
  struct driver *d = &port_of(ctrl_user)->driver;

  effect_in(the_world);
  pthread_mutex_lock(&d->lock);
  d->reset_done = true;
  pthread_cond_broadcast(&d->cond);
  pthread_mutex_unlock(&d->lock);
  effect_out(the_world);
}

/* ---- drains: in half of them there is something that the gate does not count ---- */

static nvmens_wait drain_begin(void *ns_user, void *ctrl_user, nvmens_token token)
{
  struct port *p = port_of(ctrl_user);
  struct world *w = the_world;
  nvmens_wait answer = NVMENS_PENDING;
  struct backend *be = ns_user;
  struct job job;
  uint64_t dice;

  effect_in(w);
  memset(&job, 0, sizeof(job));
  job.kind = JOB_DRAINED;
  job.token = token;
  job.be = be;
  job.port = p->index;
  dice = rng_below(&w->effect_rng, 100);
  if (!backend_alive(w, be, "drain_begin") || dice < 50) {
    answer = NVMENS_DONE;
  } else {
    atomic_fetch_add(&be->awaited[p->index], 1);
    if (dice < 60) {
      jobs_answer(w, &job);
      answer = dice < 55 ? NVMENS_DONE : NVMENS_PENDING; /* what comes second counts for nothing */
    } else {
      job.due = be->stuck ? UINT64_MAX : now_ns() + rng_below(&w->effect_rng, 2 * MS);
      job_add(w, &job);
    }
  }
  effect_out(w);
  return answer;
}

static void drain_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  struct port *p = port_of(ctrl_user);
  struct world *w = the_world;
  struct backend *be = ns_user;

  effect_in(w);
  if (backend_alive(w, be, "drain_abort")) {
    atomic_fetch_or(&be->aborted, UINT32_C(1) << p->index);
    swap_aborted(w, be);
    job_hasten(w, token, now_ns() + (be->stuck ? rng_below(&w->effect_rng, 10 * MS) : 0));
  }
  effect_out(w);
}

/* ---- surroundings ---- */

static void lock(void *user)
{
  pthread_mutex_lock(&((struct world *)user)->lib_lock);
}

static void unlock(void *user)
{
  pthread_mutex_unlock(&((struct world *)user)->lib_lock);
}

static void step(void *user, const nvmens_trace *t)
{
  trace_step(((struct world *)user)->trace, t);
}

const nvmens_host *hooks(struct world *w)
{
  static const nvmens_host host = {
      .cmd_complete = cmd_complete,
      .cmd_drop = cmd_drop,
      .transfer = transfer,
      .prepare = prepare,
      .created = created,
      .attached = attached,
      .detached = detached,
      .released = released,
      .ctrl_released = ctrl_released,
      .reset_done = reset_done,
      .drain_begin = drain_begin,
      .drain_abort = drain_abort,
      .identify = identify,
      .wake = swap_wake,
      .lock = lock,
      .unlock = unlock,
      .trace = step,
  };

  the_world = w;
  return &host;
}
