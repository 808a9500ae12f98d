/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disk.c: the disks of the drivers, and the check of rule H1.
 *
 * A driver that drops a disk first forbids new commands for it, then waits for those on their way
 * to the gate, as del_gendisk() of Linux does. So the counter of an I/O thread is odd while a
 * command is between the look at the stamp and the gate. Counter and stamp are sequentially
 * consistent: either the thread sees that the disk is gone, or the driver sees the odd counter.
 */
#include "hotswap.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

enum { TRIES = 8, SHOWN = 2 };

/* The second half of a UUID that backend_new makes is the backend's serial number. */
static uint64_t stamp_of(const uint8_t uuid[16])
{
  return get_le(uuid + 8, 8);
}

/* ---- the driver's side ---- */

bool disk_there(const struct disk *disk)
{
  return peek(&disk->stamp) != 0;
}

static void note_usable(struct driver *d, uint64_t stamp)
{
  struct birth *b = &d->world->birth[stamp % BIRTHS];
  uint32_t bit = UINT32_C(1) << d->port->index;
  uint64_t unplug_at, now = now_ns();

  if (atomic_load(&b->stamp) != stamp || atomic_fetch_or(&b->had, bit) & bit)
    return;
  unplug_at = atomic_load(&b->unplug_at);
  if (!unplug_at)
    return;
  pthread_mutex_lock(&d->world->stats.lock);
  hist_add(&d->world->stats.usable[d->kind], now - unplug_at);
  pthread_mutex_unlock(&d->world->stats.lock);
}

void disk_add(struct driver *d, uint32_t nsid, const uint8_t uuid[16], uint64_t nsze)
{
  struct disk *disk = &d->view[nsid];
  uint64_t stamp = stamp_of(uuid);

  d->had[nsid] = 1;
  disk->nsze = nsze;
  if (peek(&disk->stamp) == stamp)
    return;
  memcpy(disk->uuid, uuid, sizeof(disk->uuid));
  atomic_store(&disk->stamp, stamp);
  note_usable(d, stamp);
}

static void await_sendings(struct world *w)
{
  for (unsigned i = 0; i < w->opt.threads; i++) {
    const _Atomic uint64_t *sending = &w->io[i].sending;
    uint64_t n = atomic_load(sending);

    while (n % 2 && atomic_load(sending) == n)
      sched_yield();
  }
}

void disk_drop(struct driver *d, uint32_t nsid)
{
  if (!disk_there(&d->view[nsid]))
    return;
  atomic_store(&d->view[nsid].stamp, 0);
  await_sendings(d->world);
}

void disk_drop_all(struct driver *d)
{
  for (uint32_t nsid = 1; nsid <= d->world->nn; nsid++)
    disk_drop(d, nsid);
}

/* ---- the I/O threads' side ---- */

uint32_t disk_pick(struct io_thread *t, unsigned port)
{
  const struct disk *view = t->world->port[port].driver.view;
  uint32_t nn = t->world->nn, nsid = 1 + (uint32_t)rng_below(&t->rng, nn);

  for (unsigned i = 0; i < TRIES; i++, nsid = nsid % nn + 1)
    if (disk_there(&view[nsid]))
      return nsid;
  return 0;
}

void disk_send(struct io_thread *t, unsigned port, struct request *r)
{
  struct world *w = t->world;

  atomic_store(&t->sending, peek(&t->sending) + 1);
  r->stamp = 0;
  if (r->nsid && r->nsid <= w->nn)
    r->stamp = atomic_load(&w->port[port].driver.view[r->nsid].stamp);
  bump(r->stamp ? &t->sendings[port].sent : &t->sendings[port].raw);
}

void disk_sent(struct io_thread *t)
{
  atomic_store_explicit(&t->sending, peek(&t->sending) + 1, memory_order_release);
}

void disk_refused(struct io_thread *t, unsigned port, const struct request *r)
{
  if (r->stamp && peek(&t->world->owner[r->nsid]) != r->stamp)
    bump(&t->sendings[port].old);
}

void disk_reached(struct io_thread *t, const struct request *r)
{
  const struct port *p = &t->world->port[r->port];
  struct sendings *s = &t->sendings[r->port];

  if (!r->stamp || r->stamp == r->be->serial)
    return;
  bump(&s->astray);
  if (s->shown >= SHOWN || s->shown_stamp == r->stamp)
    return;
  s->shown++;
  s->shown_stamp = r->stamp;
  watch_fail(t->world,
             "H1: controller %u (%s), NSID %" PRIu32 ": a command for the disk with stamp %" PRIu64
             " is executed on stamp %" PRIu64,
             p->cntlid, driver_name(&p->driver), r->nsid, r->stamp, r->be->serial);
}

/* ---- namespaces ---- */

void disk_born(struct world *w, const struct backend *be, uint64_t unplug_at)
{
  struct birth *b = &w->birth[be->serial % BIRTHS];

  atomic_store(&b->unplug_at, unplug_at);
  atomic_store(&b->had, 0);
  atomic_store(&b->stamp, be->serial);
}

void disk_owner(struct world *w, uint32_t nsid, const struct backend *be)
{
  atomic_store_explicit(&w->owner[nsid], be->serial, memory_order_relaxed);
}
