/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * swap.c: the control thread. It swaps namespaces and is the one that calls nvmens_poll.
 *
 * A place is changed under control.lock, the library is called without it: a released hook may run
 * on any thread in between. So the backend is put into its place before nvmens_ns_new, and whoever
 * finds another one there afterwards has been overtaken by a host's delete.
 */
#include "hotswap.h"

#include <string.h>

#define BEAT      (10 * MS) /* the longest sleep */
#define SWAP_MEAN (2 * MS)
#define PATIENCE  (60 * MS) /* with an orderly removal that has no deadline */

void swap_wake(void *world)
{
  struct control *c = &((struct world *)world)->control;

  pthread_mutex_lock(&c->lock);
  c->woken = true;
  pthread_cond_signal(&c->cond);
  pthread_mutex_unlock(&c->lock);
}

/* For the jobs: no poll is asked for. */
void swap_nudge(struct world *w)
{
  struct control *c = &w->control;

  pthread_mutex_lock(&c->lock);
  c->nudged = true;
  pthread_cond_signal(&c->cond);
  pthread_mutex_unlock(&c->lock);
}

/* ---- plug ---- */

static void choose_config(struct world *w, struct rng *rng, uint32_t nsid, nvmens_ns_config *c)
{
  memset(c, 0, sizeof(*c));
  c->nsid = nsid;
  c->shared = rng_percent(rng, 75);
  c->auto_attach = rng_percent(rng, 90);
  c->home_given = rng_percent(rng, 50);
  c->home_cntlid = w->port[rng_below(rng, w->opt.controllers)].cntlid;
  c->nsze = 1024 + rng_below(rng, MAX_BLOCKS - 1024);
  c->flbas = 0;
}

/* The NSID may be a host's by now: any other is as good. */
static int new_namespace(struct world *w, nvmens_ns_config *c, struct backend *be,
                         nvmens_nsref *ref)
{
  int rc;

  memcpy(c->ident.uuid, be->uuid, sizeof(be->uuid));
  rc = nvmens_ns_new(w->subsys, c, be, ref);
  if (c->nsid && (rc == NVMENS_ERR_EXISTS || rc == NVMENS_ERR_BUSY)) {
    c->nsid = 0;
    rc = nvmens_ns_new(w->subsys, c, be, ref);
  }
  return rc;
}

int swap_plug(struct world *w, unsigned place, struct rng *rng)
{
  struct control *ctl = &w->control;
  struct place *p = &ctl->place[place];
  struct backend *be = backend_new(w, (int)place, rng);
  nvmens_ns_config config;
  nvmens_nsref ref = {0, 0};
  bool counts = false;
  int rc;

  if (!be)
    return NVMENS_ERR_NOMEM;
  pthread_mutex_lock(&ctl->lock);
  p->state = PLACE_PLUGGING;
  p->be = be;
  choose_config(w, rng, rng_percent(rng, 5) ? 0 : p->wish, &config);
  disk_born(w, be, p->swapped && config.auto_attach ? p->unplug_at : 0);
  pthread_mutex_unlock(&ctl->lock);
  rc = new_namespace(w, &config, be, &ref);
  pthread_mutex_lock(&ctl->lock);
  if (rc) {
    p->be = NULL;
    p->state = PLACE_VACANT;
  } else if (p->be == be) {
    p->state = PLACE_LIVE;
    p->ref = ref;
    p->wish = ref.nsid;
    disk_owner(w, ref.nsid, be);
  } else {
    p->state = PLACE_VACANT;
  }
  if (!rc) {
    counts = p->swapped;
    p->swapped = false;
  }
  pthread_mutex_unlock(&ctl->lock);
  if (rc) {
    backend_free(w, be);
    if (rc != NVMENS_ERR_LIMIT)
      watch_fail(w, "nvmens_ns_new: %s", nvmens_strerror(rc));
  }
  if (counts)
    atomic_fetch_add(&w->stats.swaps, 1);
  return rc;
}

/* ---- called by the hooks ---- */

void swap_aborted(struct world *w, struct backend *be)
{
  pthread_mutex_lock(&w->control.lock);
  if (be->place >= 0 && w->control.place[be->place].be == be)
    w->control.place[be->place].aborted = true;
  pthread_mutex_unlock(&w->control.lock);
}

static void record(struct world *w, const struct place *p, uint64_t now)
{
  struct stats *s = &w->stats;

  pthread_mutex_lock(&s->lock);
  hist_add(&s->unplug[p->kind], now - p->unplug_at);
  s->missed += p->kind == SWAP_DEADLINE && p->aborted;
  s->escalated += p->kind == SWAP_ORDERLY && p->escalated;
  pthread_mutex_unlock(&s->lock);
}

/* True: the hook is to plug the next one itself. */
bool swap_released(struct world *w, struct backend *be, nvmens_reason reason)
{
  struct control *ctl = &w->control;
  uint64_t now = now_ns();
  struct place left;
  struct place *p;
  bool here;

  if (be->place < 0)
    return false;
  pthread_mutex_lock(&ctl->lock);
  p = &ctl->place[be->place];
  if (p->be != be) {
    pthread_mutex_unlock(&ctl->lock);
    watch_fail(w, "released (%d) for a backend that is not in its place", (int)reason);
    return false;
  }
  left = *p;
  if (p->state == PLACE_LEAVING)
    ctl->leaving--;
  p->swapped |= p->state == PLACE_LEAVING;
  here =
      p->state != PLACE_PLUGGING && ((phase_of(w) == PHASE_PAUSE && reason == NVMENS_UNPLUGGED) ||
                                     (phase_of(w) == PHASE_RUN && rng_percent(&w->effect_rng, 25)));
  if (p->state != PLACE_PLUGGING)
    p->state = here ? PLACE_PLUGGING : PLACE_VACANT;
  p->be = NULL;
  ctl->old = p->ref;
  pthread_mutex_unlock(&ctl->lock);
  if (left.state == PLACE_LEAVING)
    record(w, &left, now);
  return here;
}

/* ---- unplug ---- */

static uint64_t in_flight(struct world *w, nvmens_nsref ref)
{
  nvmens_att_info a;
  uint64_t sum = 0;

  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct port *p = &w->port[i];

    pthread_mutex_lock(&p->lock);
    if (p->ctrl && nvmens_att_query(w->subsys, ref, p->ctrl, &a) == 0)
      sum += a.in_flight;
    pthread_mutex_unlock(&p->lock);
  }
  return sum;
}

static struct place *take_place(struct world *w, enum place_state state)
{
  struct control *c = &w->control;
  unsigned n = w->opt.namespaces, start = (unsigned)rng_below(&c->rng, n);

  for (unsigned i = 0; i < n; i++)
    if (c->place[(start + i) % n].state == state)
      return &c->place[(start + i) % n];
  return NULL;
}

static void unplug_one(struct world *w, uint64_t now)
{
  struct control *c = &w->control;
  uint64_t deadline = UINT64_MAX, flying, serial;
  nvmens_nsref ref;
  struct place *p;
  int rc;

  pthread_mutex_lock(&c->lock);
  p = take_place(w, PLACE_LIVE);
  if (!p || c->leaving > w->opt.namespaces / 2 || (w->opt.cycles && c->begun >= w->opt.cycles)) {
    pthread_mutex_unlock(&c->lock);
    return;
  }
  ref = p->ref;
  pthread_mutex_unlock(&c->lock);
  flying = in_flight(w, ref);
  pthread_mutex_lock(&c->lock);
  if (p->state != PLACE_LIVE || p->ref.gen != ref.gen) { /* a host deleted it */
    pthread_mutex_unlock(&c->lock);
    return;
  }
  p->kind = (enum swap_kind)rng_below(&c->rng, SWAP_KINDS);
  if (p->kind == SWAP_DEADLINE)
    deadline = MS + rng_below(&c->rng, 20 * MS);
  p->state = PLACE_LEAVING;
  p->aborted = p->escalated = false;
  p->unplug_at = now_ns();
  p->escalate_at = p->kind == SWAP_ORDERLY ? now + PATIENCE : UINT64_MAX;
  c->leaving++;
  c->begun++;
  p->abort_at = p->kind == SWAP_ORDERLY    ? UINT64_MAX
                : p->kind == SWAP_DEADLINE ? now + deadline
                                           : now;
  serial = p->be->serial;
  rc = (int)p->kind;
  pthread_mutex_unlock(&c->lock);
  rc = nvmens_ns_unplug(w->subsys, ref, rc == SWAP_SURPRISE ? NVMENS_SURPRISE : NVMENS_ORDERLY, now,
                        deadline);
  if (rc && rc != NVMENS_ERR_STALE) /* STALE: a host's delete was quicker */
    watch_fail(w, "nvmens_ns_unplug: %s", nvmens_strerror(rc));
  atomic_store_explicit(&p->barred_from, peek(&w->unplugs) + 1, memory_order_relaxed);
  atomic_store_explicit(&p->barred_serial, serial, memory_order_release);
  atomic_store_explicit(&w->unplugs, peek(&w->unplugs) + 1, memory_order_release);
  pthread_mutex_lock(&w->stats.lock);
  if (flying > w->stats.most_in_flight)
    w->stats.most_in_flight = flying;
  pthread_mutex_unlock(&w->stats.lock);
}

/* A second unplug joins the first one; as a surprise it aborts it. */
static void escalate(struct world *w, uint64_t now)
{
  struct control *c = &w->control;

  for (unsigned i = 0; i < w->opt.namespaces; i++) {
    nvmens_nsref ref = {0, 0};
    bool late;
    int rc;

    pthread_mutex_lock(&c->lock);
    if (c->place[i].state == PLACE_LEAVING && c->place[i].escalate_at <= now) {
      ref = c->place[i].ref;
      c->place[i].escalate_at = UINT64_MAX;
      c->place[i].abort_at = now;
      c->place[i].escalated = true;
    }
    late = c->place[i].state == PLACE_LEAVING && !c->place[i].aborted &&
           c->place[i].abort_at < now - GRACE;
    if (late)
      c->place[i].abort_at = UINT64_MAX;
    pthread_mutex_unlock(&c->lock);
    if (late)
      watch_fail(w, "a removal passed its deadline, and drain_abort was not called");
    if (!ref.nsid)
      continue;
    rc = nvmens_ns_unplug(w->subsys, ref, NVMENS_SURPRISE, now, 0);
    if (rc && rc != NVMENS_ERR_STALE)
      watch_fail(w, "nvmens_ns_unplug, a second time: %s", nvmens_strerror(rc));
  }
}

static void plug_vacant(struct world *w)
{
  for (unsigned i = 0; i < w->opt.namespaces; i++) {
    bool vacant;

    pthread_mutex_lock(&w->control.lock);
    vacant = w->control.place[i].state == PLACE_VACANT;
    if (vacant) /* against a hook that would plug it too */
      w->control.place[i].state = PLACE_PLUGGING;
    pthread_mutex_unlock(&w->control.lock);
    if (vacant)
      swap_plug(w, i, &w->control.rng);
  }
}

/* ---- other things that a backend does ---- */

static void change_one(struct world *w, uint64_t now)
{
  struct rng *rng = &w->control.rng;
  struct port *port = &w->port[rng_below(rng, w->opt.controllers)];
  nvmens_ns_attrs attrs;
  nvmens_nsref ref = {0, 0}, old;
  struct place *p;

  memset(&attrs, 0, sizeof(attrs));
  pthread_mutex_lock(&w->control.lock);
  p = take_place(w, PLACE_LIVE);
  if (p)
    ref = p->ref;
  old = w->control.old;
  pthread_mutex_unlock(&w->control.lock);
  if (!ref.nsid)
    return;
  pthread_mutex_lock(&port->lock);
  switch (rng_below(rng, 8)) {
  case 0:
    attrs.set = NVMENS_SET_SIZE;
    attrs.nsze = 1024 + rng_below(rng, MAX_BLOCKS - 1024);
    nvmens_ns_update(w->subsys, ref, &attrs);
    break;
  case 1:
    attrs.set = NVMENS_SET_WRITE_PROTECT;
    attrs.write_protected = rng_percent(rng, 30);
    nvmens_ns_update(w->subsys, ref, &attrs);
    break;
  case 2:
    nvmens_ns_plug(w->subsys, ref);
    break;
  case 3:
    if (port->ctrl)
      nvmens_ns_attach(w->subsys, ref, port->ctrl);
    break;
  case 4:
    if (port->ctrl)
      nvmens_ns_detach(w->subsys, ref, port->ctrl,
                       rng_percent(rng, 50) ? NVMENS_SURPRISE : NVMENS_ORDERLY, now, 20 * MS);
    break;
  case 5:
    if (old.nsid && nvmens_ns_unplug(w->subsys, old, NVMENS_SURPRISE, now, 0) != NVMENS_ERR_STALE)
      watch_fail(w, "an old reference was not refused");
    break;
  default:
    if (port->ctrl && nvmens_event_post(port->ctrl, NVMENS_AER_SMART, (uint8_t)rng_below(rng, 3),
                                        NVMENS_LID_SMART, NVMENS_AEC_SMART))
      watch_fail(w, "nvmens_event_post failed");
    break;
  }
  pthread_mutex_unlock(&port->lock);
}

static void sample(struct world *w)
{
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct port *p = &w->port[i];
    nvmens_ctrl_info c;

    pthread_mutex_lock(&p->lock);
    if (p->ctrl && nvmens_ctrl_query(p->ctrl, &c) == 0)
      trace_aers(w->trace, p->cntlid, c.parked, c.owed);
    for (uint32_t nsid = 1; p->ctrl && nsid <= w->nn; nsid++) {
      nvmens_att_info a;
      nvmens_nsref ref;

      if (nvmens_ns_find(w->subsys, nsid, &ref) == 0 &&
          nvmens_att_query(w->subsys, ref, p->ctrl, &a) == 0)
        trace_in_flight(w->trace, p->cntlid, nsid, a.in_flight);
    }
    pthread_mutex_unlock(&p->lock);
  }
}

/* ---- the loop ---- */

/* Busy first, phase second: main sets the phase first, and looks who is busy second. */
static bool set_busy(struct world *w, bool busy)
{
  pthread_mutex_lock(&w->control.lock);
  w->control.busy = busy;
  pthread_mutex_unlock(&w->control.lock);
  return busy && phase_of(w) == PHASE_RUN && atomic_load(&w->tail) != TAIL_HOSTS;
}

/* True: the library asked for a poll, by wake or by its deadline. No other poll is made, and the
 * deadline is not read again either, so that a wake that is missing is seen (T8). */
static bool rest_a_while(struct world *w, uint64_t until, uint64_t deadline)
{
  struct control *c = &w->control;
  uint64_t job = jobs_next(w);
  struct timespec at;
  bool woken;

  until = deadline < until ? deadline : until;
  until = job < until ? job : until;
  at = at_ns(until);
  pthread_mutex_lock(&c->lock);
  if (!c->woken && !c->nudged)
    pthread_cond_timedwait(&c->cond, &c->lock, &at);
  woken = c->woken;
  c->woken = c->nudged = false;
  pthread_mutex_unlock(&c->lock);
  return woken || now_ns() >= deadline;
}

void *swap_main(void *world)
{
  struct world *w = world;
  uint64_t swap_at = now_ns(), sample_at = 0;
  struct rng *rng = &w->control.rng;
  uint64_t deadline = 0;
  bool asked = true;

  while (phase_of(w) != PHASE_STOP) {
    uint64_t now = now_ns(), until = now + BEAT;

    if (asked) {
      nvmens_poll(w->subsys, now);
      deadline = nvmens_next_deadline(w->subsys);
    }
    jobs_run(w, now);
    escalate(w, now);
    if (set_busy(w, true)) {
      plug_vacant(w);
      if (now >= swap_at) {
        unplug_one(w, now);
        if (rng_percent(rng, 25))
          change_one(w, now);
        swap_at = now + rng_below(rng, 2 * SWAP_MEAN);
      }
      until = swap_at < until ? swap_at : until;
    }
    set_busy(w, false);
    if (w->trace && now >= sample_at) {
      sample(w);
      sample_at = now + (1 + w->nn / 64) * 2 * MS;
    }
    bump(&w->control.beat);
    asked = rest_a_while(w, until, deadline);
  }
  atomic_store(&w->control.exited, true);
  return NULL;
}
