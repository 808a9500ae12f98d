/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.c: the I/O threads. Each has a lane to every controller, sends commands for the disks that the
 * controller's driver has at that moment, and some to any other NSID, as raw probes. The namespaces
 * may have left, or have been swapped. It holds each command as long as its backend does.
 *
 * A command ends on its own thread and lane, on its own thread after the lane was deleted, or on
 * the neighbour's thread; the last two by nvmens_io_end_remote.
 */
#include "hotswap.h"

#define BURST     24
#define NAP       (60 * US)
#define FRIEND(t) (&(t)->world->io[((t)->index + 1) % (t)->world->opt.threads])

/* ---- queues ---- */

static void queue_delete(struct io_thread *t, unsigned port)
{
  for (unsigned i = 0; i < DEPTH; i++) {
    struct request *r = &t->req[i];

    if (!r->remote && r->port == port) /* one that is remote is not ours to touch */
      r->queue_gone = true;
  }
  nvmens_lane_del(t->lane[port]);
  t->lane[port] = NULL;
}

static nvmens_lane *queue_of(struct io_thread *t, unsigned port)
{
  struct port *p = &t->world->port[port];
  uint32_t epoch = atomic_load_explicit(&p->epoch, memory_order_acquire);
  int rc;

  if (t->lane[port] && (t->epoch[port] != epoch || rng_below(&t->rng, 20000) == 0))
    queue_delete(t, port);
  if (t->lane[port])
    return t->lane[port];
  pthread_mutex_lock(&p->lock);
  t->epoch[port] = atomic_load(&p->epoch);
  rc = p->ctrl ? nvmens_lane_new(&t->lane[port], p->ctrl) : 0;
  pthread_mutex_unlock(&p->lock);
  if (rc)
    watch_fail(t->world, "nvmens_lane_new: %s", nvmens_strerror(rc));
  return t->lane[port];
}

/* ---- the end of a command ---- */

static void finish(struct io_thread *by, struct request *r)
{
  struct io_thread *owner = r->owner;
  struct world *w = by->world;

  backend_touch(w, r->be, r->nsid, "an I/O command, ending");
  atomic_fetch_sub_explicit(&r->be->held[r->port], 1, memory_order_relaxed);
  if (r->remote || r->queue_gone)
    nvmens_io_end_remote(w->subsys, r->ticket);
  else
    nvmens_io_end(owner->lane[r->port], r->ticket);
  bump(&by->ended);
  if (!atomic_exchange_explicit(&r->out, false, memory_order_release))
    watch_fail(w, "an I/O command completed twice");
}

static bool is_due(struct world *w, struct request *r, uint64_t now)
{
  if (r->kind == HOLD_TIMED)
    return now >= r->due;
  if (!r->due) {
    uint32_t aborted = atomic_load_explicit(&r->be->aborted, memory_order_relaxed);

    if (!(aborted >> r->port & 1) && phase_of(w) < PHASE_DRAIN)
      return false;
    if (r->kind == HOLD_HARD)
      r->due = now + 5 * MS + r->nsid % 16 * 3 * MS;
  }
  return now >= r->due;
}

static unsigned reap(struct io_thread *t, uint64_t now)
{
  struct request *r, **link = &t->guests, *come;
  unsigned ended = 0;

  for (unsigned i = 0; i < DEPTH; i++) {
    r = &t->req[i];
    if (!atomic_load_explicit(&r->out, memory_order_acquire) || r->remote ||
        !is_due(t->world, r, now))
      continue;
    finish(t, r);
    ended++;
  }
  for (come = atomic_exchange_explicit(&t->inbox, NULL, memory_order_acquire); come; come = r) {
    r = come->next;
    come->next = t->guests;
    t->guests = come;
  }
  link = &t->guests;
  while ((r = *link) != NULL) {
    if (!is_due(t->world, r, now)) {
      link = &r->next;
      continue;
    }
    *link = r->next; /* before the end: then it is its owner's again */
    finish(t, r);
    ended++;
  }
  return ended;
}

/* ---- the begin ---- */

static uint32_t choose_nsid(struct io_thread *t, unsigned port)
{
  uint64_t dice = rng_below(&t->rng, 1000);
  uint32_t nsid = dice < 700 ? disk_pick(t, port) : 0;
  struct world *w = t->world;

  if (nsid)
    return nsid;
  if (dice < 970)
    return 1 + (uint32_t)rng_below(&t->rng, w->opt.namespaces);
  if (dice < 997)
    return 1 + (uint32_t)rng_below(&t->rng, w->nn);
  return dice == 997 ? 0 : dice == 998 ? w->nn + 1 : NVMENS_NSID_ALL;
}

static bool queue_full(const struct io_thread *t, const struct backend *be)
{
  unsigned to_it = 0, held = 0;

  for (unsigned i = 0; i < DEPTH; i++) {
    const struct request *r = &t->req[i];

    if (!atomic_load_explicit(&r->out, memory_order_relaxed))
      continue;
    to_it += r->be == be;
    held += r->kind != HOLD_TIMED;
  }
  return to_it >= 4 || held >= DEPTH / 2;
}

static void hold(struct io_thread *t, struct request *r, uint64_t now)
{
  struct io_thread *other = FRIEND(t);

  r->kind = HOLD_TIMED;
  r->due = now;
  if (r->be->stuck && !queue_full(t, r->be)) {
    r->kind = rng_percent(&t->rng, 20) ? HOLD_HARD : HOLD_STUCK;
    r->due = 0;
  } else if (rng_percent(&t->rng, 70)) {
    r->due = now + rng_below(&t->rng, rng_percent(&t->rng, 5) ? 4 * MS : 600 * US);
  }
  r->queue_gone = false;
  r->remote = rng_percent(&t->rng, 25);
  atomic_store_explicit(&r->out, true, memory_order_relaxed);
  if (!r->remote) {
    if (r->kind == HOLD_TIMED && r->due == now)
      finish(t, r);
    return;
  }
  r->next = atomic_load_explicit(&other->inbox, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&other->inbox, &r->next, r, memory_order_release,
                                                memory_order_relaxed))
    ;
}

/* G2: a begin that starts after an unplug has returned does not succeed. */
static void check_barred(struct world *w, const struct backend *be, uint64_t unplugs)
{
  const struct place *p = &w->control.place[be->place < 0 ? 0 : be->place];

  if (be->place >= 0 &&
      atomic_load_explicit(&p->barred_serial, memory_order_acquire) == be->serial &&
      peek(&p->barred_from) <= unplugs)
    watch_fail(w, "a command began after the unplug of its namespace");
}

static void begin(struct io_thread *t, struct request *r, uint64_t now)
{
  unsigned port = (unsigned)rng_below(&t->rng, t->world->opt.controllers);
  nvmens_lane *lane = queue_of(t, port);
  void *ns_user = NULL;
  nvmens_status status;
  uint64_t unplugs;

  if (!lane)
    return;
  r->nsid = choose_nsid(t, port);
  unplugs = atomic_load_explicit(&t->world->unplugs, memory_order_acquire);
  disk_send(t, port, r);
  status = nvmens_io_begin(lane, r->nsid, &r->ticket, &ns_user);
  disk_sent(t);
  tally_add(&t->tally, status.sf);
  if (status.sf) {
    disk_refused(t, port, r);
    return;
  }
  bump(&t->begun);
  r->be = ns_user;
  r->port = (uint8_t)port;
  r->owner = t;
  atomic_fetch_add_explicit(&r->be->held[port], 1, memory_order_relaxed);
  backend_touch(t->world, r->be, r->nsid, "an I/O command, beginning");
  check_barred(t->world, r->be, unplugs);
  disk_reached(t, r);
  hold(t, r, now);
}

/* A command to all namespaces, as Flush with NSID FFFFFFFFh. */
static void broadcast(struct io_thread *t)
{
  unsigned port = (unsigned)rng_below(&t->rng, t->world->opt.controllers);
  nvmens_lane *lane = queue_of(t, port);
  uint32_t nsid = 0, after = 0;
  nvmens_status status;
  nvmens_ticket ticket;
  struct backend *be;
  void *ns_user;

  while (lane) {
    status = nvmens_io_begin_next(lane, after, &nsid, &ticket, &ns_user);
    tally_add(&t->tally, status.sf);
    if (status.sf || !nsid)
      return;
    bump(&t->begun);
    be = ns_user;
    atomic_fetch_add_explicit(&be->held[port], 1, memory_order_relaxed);
    backend_touch(t->world, be, nsid, "a broadcast command");
    atomic_fetch_sub_explicit(&be->held[port], 1, memory_order_relaxed);
    nvmens_io_end(lane, ticket);
    bump(&t->ended);
    if (nsid <= after)
      watch_fail(t->world, "nvmens_io_begin_next went back from %u to %u", after, nsid);
    after = nsid;
  }
}

/* ---- the loop ---- */

static bool all_back(const struct io_thread *t)
{
  if (t->guests || atomic_load(&t->inbox))
    return false;
  for (unsigned i = 0; i < DEPTH; i++)
    if (atomic_load_explicit(&t->req[i].out, memory_order_acquire))
      return false;
  return true;
}

void *io_main(void *io_thread)
{
  struct io_thread *t = io_thread;
  struct world *w = t->world;
  bool quiet = false;

  for (;;) {
    unsigned left = BURST;
    uint64_t now = now_ns();

    reap(t, now);
    if (phase_of(w) < PHASE_DRAIN) {
      for (unsigned i = 0; i < DEPTH && left; i++) {
        if (atomic_load_explicit(&t->req[i].out, memory_order_acquire))
          continue;
        begin(t, &t->req[i], now);
        left--;
      }
      if (rng_below(&t->rng, 200) == 0)
        broadcast(t);
    } else if (!quiet) {
      quiet = true;
      atomic_fetch_add(&w->io_quiet, 1);
    } else if (atomic_load(&w->io_quiet) == w->opt.threads && all_back(t)) {
      break;
    }
    bump(&t->beat);
    sleep_ns(NAP);
  }
  for (unsigned i = 0; i < w->opt.controllers; i++)
    nvmens_lane_del(t->lane[i]);
  atomic_store(&t->exited, true);
  return NULL;
}
