/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend.c: the simulated storage behind a namespace.
 *
 * Its memory is poisoned when it is released. A sanitizer sees a later touch by itself; without one
 * the block stays in a quarantine for a while, so that a touch finds the poison and a write is
 * found when the block leaves.
 */
#include "hotswap.h"

#include <stdlib.h>
#include <string.h>

#define LIVE       UINT64_C(0x6E766D656E732121)
#define POISON     0xD9
#define QUARANTINE 512

struct backend *backend_new(struct world *w, int place, struct rng *rng)
{
  struct backend *be = calloc(1, sizeof(*be));
  uint64_t serial;

  if (!be) {
    watch_fail(w, "out of memory for a backend");
    return NULL;
  }
  pthread_mutex_lock(&w->store.lock);
  w->store.made++;
  serial = ++w->store.serial;
  pthread_mutex_unlock(&w->store.lock);
  be->magic = LIVE;
  be->place = place;
  be->serial = serial;
  be->stuck = rng_percent(rng, w->opt.stuck_percent);
  put_le(be->uuid, 8, rng_next(rng));
  put_le(be->uuid + 8, 8, serial);
  be->uuid[6] = (uint8_t)((be->uuid[6] & 0x0F) | 0x40);
  return be;
}

static void check_poison(struct world *w, const struct backend *be)
{
  const uint8_t *from = (const uint8_t *)be + offsetof(struct backend, place);
  const uint8_t *end = (const uint8_t *)(be + 1);

  while (from < end && *from == POISON)
    from++;
  if (from < end)
    watch_fail(w, "the memory of a released backend was written to");
}

static struct backend *quarantine_pop(struct store *s)
{
  struct backend *be = s->oldest;

  s->oldest = be->next;
  s->quarantined--;
  return be;
}

void backend_free(struct world *w, struct backend *be)
{
  struct backend *leaves = NULL;

  memset(be, POISON, sizeof(*be));
  pthread_mutex_lock(&w->store.lock);
  w->store.gone++;
#ifdef HOTSWAP_SANITIZED
  leaves = be;
#else
  be->next = NULL;
  if (w->store.quarantined++)
    w->store.newest->next = be;
  else
    w->store.oldest = be;
  w->store.newest = be;
  if (w->store.quarantined > QUARANTINE)
    leaves = quarantine_pop(&w->store);
#endif
  pthread_mutex_unlock(&w->store.lock);
  if (leaves) {
    check_poison(w, leaves);
    free(leaves);
  }
}

bool backend_alive(struct world *w, const struct backend *be, const char *who)
{
  if (be && be->magic == LIVE)
    return true;
  watch_fail(w, "%s: its backend has been released", who);
  return false;
}

void backend_touch(struct world *w, struct backend *be, uint32_t salt, const char *who)
{
  if (backend_alive(w, be, who))
    atomic_fetch_add_explicit(&be->body[salt % BODY_WORDS], 1, memory_order_relaxed);
}

void store_empty(struct world *w)
{
  while (w->store.quarantined) {
    struct backend *be = quarantine_pop(&w->store);

    check_poison(w, be);
    free(be);
  }
  if (w->store.made != w->store.gone)
    watch_fail(w, "%llu backends were made, %llu released", (unsigned long long)w->store.made,
               (unsigned long long)w->store.gone);
}
