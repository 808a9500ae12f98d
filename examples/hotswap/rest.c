/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rest.c: how the run comes to rest, what must be true then, and the end of everything.
 *
 * Each driver's view is compared with the truth as the library tells it to the backend, and that
 * with the backend's own memory of what it plugged.
 */
#include "hotswap.h"

#include <inttypes.h>
#include <string.h>

/* ---- coming to rest ---- */

bool rest_io_gone(struct world *w)
{
  for (unsigned i = 0; i < w->opt.threads; i++)
    if (!atomic_load(&w->io[i].exited))
      return false;
  return true;
}

bool rest_control_quiet(struct world *w)
{
  bool quiet;

  pthread_mutex_lock(&w->control.lock);
  quiet = !w->control.jobs && !w->control.leaving && !w->control.busy;
  for (unsigned i = 0; i < w->opt.namespaces; i++)
    quiet = quiet && w->control.place[i].state != PLACE_PLUGGING;
  pthread_mutex_unlock(&w->control.lock);
  return quiet;
}

static bool driver_settled(struct port *p)
{
  struct driver *d = &p->driver;
  nvmens_ctrl_info c;
  uint64_t before;
  bool settled;

  pthread_mutex_lock(&d->lock);
  before = d->delivered;
  settled = d->delivered == d->handled && d->parked && !d->busy;
  settled = settled && d->sent == d->completed + d->dropped + d->parked;
  pthread_mutex_unlock(&d->lock);
  pthread_mutex_lock(&p->lock);
  if (!p->ctrl || nvmens_ctrl_query(p->ctrl, &c) || c.state != NVMENS_CTRL_READY)
    settled = false;
  else
    settled = settled && !c.owed && !c.reported && !c.draining;
  pthread_mutex_unlock(&p->lock);
  pthread_mutex_lock(&d->lock);
  settled = settled && before == d->delivered;
  pthread_mutex_unlock(&d->lock);
  return settled;
}

static uint64_t delivered(struct world *w)
{
  uint64_t sum = 0;

  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct driver *d = &w->port[i].driver;

    pthread_mutex_lock(&d->lock);
    sum += d->delivered;
    pthread_mutex_unlock(&d->lock);
  }
  return sum;
}

/* The last read of one driver may be news for another (a swap on two paths ends): all are settled
 * only if all were while nothing was delivered to any. */
bool rest_settled(struct world *w)
{
  uint64_t before = delivered(w);
  bool settled = rest_control_quiet(w);

  for (unsigned i = 0; i < 2 * w->opt.controllers; i++)
    settled = driver_settled(&w->port[i % w->opt.controllers]) && settled;
  return settled && delivered(w) == before;
}

/* ---- what must be true ---- */

struct truth {
  bool attached, allocated;
  nvmens_ns_info ns;
};

static void find_truth(struct world *w, struct port *p, uint32_t nsid, struct truth *t)
{
  nvmens_att_info a;
  nvmens_nsref ref;

  memset(t, 0, sizeof(*t));
  if (nvmens_ns_find(w->subsys, nsid, &ref))
    return;
  if (nvmens_ns_query(w->subsys, ref, &t->ns) || nvmens_att_query(w->subsys, ref, p->ctrl, &a)) {
    watch_fail(w, "NSID %" PRIu32 " is found, but cannot be asked", nsid);
    return;
  }
  t->allocated = t->ns.state == NVMENS_NS_ALLOCATED;
  t->attached = a.state == NVMENS_ATT_ATTACHED;
  if (!t->allocated)
    watch_fail(w, "NSID %" PRIu32 " is still being deleted at rest", nsid);
  if (a.state == NVMENS_ATT_DRAINING || a.state == NVMENS_ATT_ABORTING)
    watch_fail(w, "NSID %" PRIu32 ", controller %u: a drain at rest", nsid, p->cntlid);
  if (a.in_flight && phase_of(w) == PHASE_STOP)
    watch_fail(w, "NSID %" PRIu32 ", controller %u: %" PRIu32 " in flight at the end", nsid,
               p->cntlid, a.in_flight);
  if (a.open != t->attached)
    watch_fail(w, "NSID %" PRIu32 ", controller %u: the gate is wrong", nsid, p->cntlid);
}

static void check_view(struct world *w, struct port *p)
{
  struct driver *d = &p->driver;

  for (uint32_t nsid = 1; nsid <= w->nn; nsid++) {
    const struct disk *disk = &d->view[nsid];
    const struct backend *be;
    struct truth t;

    find_truth(w, p, nsid, &t);
    be = t.allocated ? t.ns.ns_user : NULL;
    if (disk_there(disk) != t.attached)
      watch_fail(w, "controller %u (%s): NSID %" PRIu32 " is %s, but its driver %s it", p->cntlid,
                 driver_name(d), nsid, t.attached ? "attached" : "not attached",
                 disk_there(disk) ? "has" : "lacks");
    else if (t.attached && memcmp(disk->uuid, t.ns.ident.uuid, 16))
      watch_fail(w, "controller %u (%s): NSID %" PRIu32 " is another one than its driver has",
                 p->cntlid, driver_name(d), nsid);
    else if (t.attached && disk->nsze != t.ns.nsze)
      watch_fail(w, "controller %u (%s): NSID %" PRIu32 " has another size than its driver knows",
                 p->cntlid, driver_name(d), nsid);
    if (d->allocated[nsid] != t.allocated)
      watch_fail(w, "controller %u: CNS 10h as last read is wrong for NSID %" PRIu32, p->cntlid,
                 nsid);
    if (be && backend_alive(w, be, "at rest") && memcmp(be->uuid, t.ns.ident.uuid, 16))
      watch_fail(w, "NSID %" PRIu32 " has another backend's UUID", nsid);
  }
}

/* R51: whether its host has another way to this NSID. */
static bool other_path(struct world *w, const struct port *p, nvmens_nsref ref)
{
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    const struct port *q = &w->port[i];
    nvmens_att_info a;

    if (q != p && HOST_OF(q) == HOST_OF(p) && !nvmens_att_query(w->subsys, ref, q->ctrl, &a) &&
        a.state == NVMENS_ATT_ATTACHED)
      return true;
  }
  return false;
}

static void try_command(struct world *w, struct port *p, nvmens_lane *lane, uint32_t nsid)
{
  nvmens_nsref ref = {0, 0};
  nvmens_ticket ticket;
  void *user = NULL;
  struct truth t;
  unsigned sc, wanted = NVMENS_SC_SUCCESS;

  find_truth(w, p, nsid, &t);
  sc = nvmens_io_begin(lane, nsid, &ticket, &user).sf & 0x7FF;
  if (sc == 0)
    nvmens_io_end(lane, ticket);
  if (sc == 0 && user != t.ns.ns_user)
    watch_fail(w, "a command to NSID %" PRIu32 " got another backend", nsid);
  if (!t.attached) {
    nvmens_ns_find(w->subsys, nsid, &ref);
    wanted = other_path(w, p, ref) ? NVMENS_SC_INTERNAL_PATH_ERROR : NVMENS_SC_INVALID_FIELD;
    if (!p->driver.had[nsid] && sc == NVMENS_SC_INVALID_FIELD)
      return; /* its host never saw it here, and has no reason to send */
  }
  if (sc != wanted)
    watch_fail(w, "controller %u: a command to NSID %" PRIu32 " ends with %03Xh instead of %03Xh",
               p->cntlid, nsid, sc, wanted);
}

static void check_io(struct world *w, struct port *p)
{
  nvmens_lane *lane = NULL;

  if (nvmens_lane_new(&lane, p->ctrl)) {
    watch_fail(w, "nvmens_lane_new fails at rest");
    return;
  }
  for (uint32_t nsid = 1; nsid <= w->nn; nsid++)
    try_command(w, p, lane, nsid);
  nvmens_lane_del(lane);
}

static void check_places(struct world *w)
{
  for (unsigned i = 0; i < w->opt.namespaces; i++) {
    const struct place *p = &w->control.place[i];
    nvmens_ns_info n;

    if (p->state == PLACE_LIVE &&
        (nvmens_ns_query(w->subsys, p->ref, &n) || n.ns_user != (void *)p->be))
      watch_fail(w, "the namespace of place %u, NSID %" PRIu32 ", is not there", i, p->ref.nsid);
  }
}

/*
 * C6: an empty list says that nothing changed, so no event is to come with one. But what was
 * reported and not read is told again when the notices were off and on (R32), and so is a change
 * that comes in the middle of such a read: a few events then find a log that has been read. So
 * does an event of before a reset.
 */
static void check_empty(struct world *w, const struct driver *d)
{
  if (d->empty > 4 * (d->toggles + 1) + d->excused)
    watch_fail(w, "controller %u: %" PRIu64 " events came with an empty log", d->port->cntlid,
               d->empty);
}

/* Main looks at the drivers' own memory here: they are settled, and nothing wakes them. */
void rest_check(struct world *w)
{
  const char *why = NULL;
  nvmens_ctrl_info c;
  int rc;

  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct port *p = &w->port[i];

    if (!p->ctrl || nvmens_ctrl_query(p->ctrl, &c)) {
      watch_fail(w, "controller %u is not there", p->cntlid);
      continue;
    }
    if (c.owed || c.reported || c.draining || c.parked != p->driver.parked)
      watch_fail(w, "controller %u: owed %u, reported %u, draining %u, parked %u of %u", p->cntlid,
                 c.owed, c.reported, c.draining, c.parked, p->driver.parked);
    check_view(w, p);
    check_io(w, p);
    check_empty(w, &p->driver);
  }
  check_places(w);
  w->stats.rests++;
  rc = nvmens_subsys_check(w->subsys, &why);
  if (rc)
    watch_fail(w, "invariant %d: %s", rc, why ? why : "");
}

/* ---- the end ---- */

void rest_check_ended(struct world *w)
{
  uint64_t begun = 0, ended = 0;

  for (unsigned i = 0; i < w->opt.threads; i++) {
    begun += peek(&w->io[i].begun);
    ended += peek(&w->io[i].ended);
  }
  if (begun != ended)
    watch_fail(w, "%" PRIu64 " I/O commands began, %" PRIu64 " ended", begun, ended);
}

static bool all_released(struct world *w)
{
  bool released = true;

  nvmens_poll(w->subsys, now_ns());
  jobs_run(w, now_ns());
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    pthread_mutex_lock(&w->port[i].driver.lock);
    released = released && w->port[i].driver.released;
    pthread_mutex_unlock(&w->port[i].driver.lock);
  }
  return released;
}

static bool half_released(struct world *w)
{
  nvmens_nsref ref;

  nvmens_poll(w->subsys, now_ns());
  jobs_run(w, now_ns());
  for (uint32_t nsid = 1; nsid <= w->nn; nsid += 2)
    if (nvmens_ns_find(w->subsys, nsid, &ref) == 0)
      return false;
  return true;
}

/* Half of the namespaces by hand; the other half is ended by nvmens_subsys_del. */
void rest_teardown(struct world *w)
{
  uint64_t sent, ended;
  nvmens_nsref ref;
  int rc;

  for (uint32_t nsid = 1; nsid <= w->nn; nsid += 2)
    if (nvmens_ns_find(w->subsys, nsid, &ref) == 0 &&
        nvmens_ns_unplug(w->subsys, ref, NVMENS_SURPRISE, now_ns(), 0))
      watch_fail(w, "NSID %" PRIu32 " cannot be unplugged at the end", nsid);
  watch_until(w, half_released, "namespaces are not released at the end");
  for (unsigned i = 0; i < w->opt.controllers; i++)
    port_unplug(w, &w->port[i]);
  watch_until(w, all_released, "controllers are not released at the end");
  nvmens_poll(w->subsys, now_ns());
  rc = nvmens_subsys_del(w->subsys);
  if (rc) {
    watch_fail(w, "nvmens_subsys_del: %s", nvmens_strerror(rc));
    return;
  }
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    struct driver *d = &w->port[i].driver;

    sent = d->sent;
    ended = d->completed + d->dropped;
    if (sent != ended || d->parked)
      watch_fail(w, "controller %u: %" PRIu64 " commands sent, %" PRIu64 " ended",
                 w->port[i].cntlid, sent, ended);
  }
}
