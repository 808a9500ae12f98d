/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changed.c: one changed namespace list of one controller (R41-R45). Floor 2.
 *
 * Invariant: room >= min(1024, the namespaces that can ever be in it), so that
 * adding never allocates. Sections: Get Log Page, Changed Attached and Allocated Namespace List.
 */
#include "changed.h"

#include <string.h>

#include "le.h"

int nvmens_changed_reserve(nvmens_changed *c, const nvmens_mem *mem, uint64_t more)
{
  uint64_t want = more + c->latched.count + c->since.count + 1;
  uint32_t *latched, *since;
  uint16_t room = c->room ? c->room : 8;

  if (want > NVMENS_LIST_NSIDS)
    want = NVMENS_LIST_NSIDS;
  if (want <= c->room)
    return 0;
  while (room < want)
    room *= 2;
  latched = nvmens_zalloc(mem, room, sizeof(*latched));
  since = nvmens_zalloc(mem, room, sizeof(*since));
  if (!latched || !since) {
    nvmens_free(mem, latched);
    nvmens_free(mem, since);
    return NVMENS_ERR_NOMEM;
  }
  if (c->room) {
    memcpy(latched, c->latched.nsid, c->latched.count * sizeof(*latched));
    memcpy(since, c->since.nsid, c->since.count * sizeof(*since));
  }
  nvmens_changed_free(c, mem);
  c->latched.nsid = latched;
  c->since.nsid = since;
  c->room = room;
  return 0;
}

void nvmens_changed_free(nvmens_changed *c, const nvmens_mem *mem)
{
  nvmens_free(mem, c->latched.nsid);
  nvmens_free(mem, c->since.nsid);
  c->latched.nsid = c->since.nsid = NULL;
  c->room = 0;
}

/* Where nsid is, or should be. */
static uint16_t seek(const nvmens_changed_set *set, uint32_t nsid)
{
  uint16_t low = 0, high = set->count;

  while (low < high) {
    uint16_t mid = (uint16_t)((low + high) / 2);

    if (set->nsid[mid] < nsid)
      low = (uint16_t)(mid + 1);
    else
      high = mid;
  }
  return low;
}

static bool holds(const nvmens_changed_set *set, uint32_t nsid)
{
  uint16_t at = seek(set, nsid);

  return set->overflow || (at < set->count && set->nsid[at] == nsid);
}

static void insert(nvmens_changed_set *set, uint32_t nsid)
{
  uint16_t at;

  if (holds(set, nsid))
    return;
  if (set->count == NVMENS_LIST_NSIDS) { /* R42 */
    set->overflow = true;
    set->count = 0;
    return;
  }
  at = seek(set, nsid);
  memmove(&set->nsid[at + 1], &set->nsid[at], (set->count - at) * sizeof(*set->nsid));
  set->nsid[at] = nsid;
  set->count++;
}

void nvmens_changed_add(nvmens_changed *c, uint32_t nsid)
{
  insert(&c->since, nsid);
}

static void empty(nvmens_changed_set *set)
{
  set->count = 0;
  set->overflow = false;
}

void nvmens_changed_reset(nvmens_changed *c)
{
  empty(&c->latched);
  empty(&c->since);
  c->snapshot = false;
  c->latch++;
}

static bool bit(const uint32_t *bits, uint32_t i)
{
  return bits[i / 32] >> (i % 32) & 1;
}

bool nvmens_changed_has(const nvmens_changed *c, uint32_t nsid)
{
  uint16_t at = seek(&c->latched, nsid);

  if (c->since.overflow || c->latched.overflow || holds(&c->since, nsid))
    return true;
  return at < c->latched.count && c->latched.nsid[at] == nsid && !bit(c->gone, at);
}

bool nvmens_changed_latches(const nvmens_changed *c, uint64_t offset)
{
  return !offset || !c->snapshot;
}

void nvmens_changed_latch(nvmens_changed *c, uint64_t offset, uint64_t seq)
{
  uint16_t kept = 0;

  if (!nvmens_changed_latches(c, offset))
    return;
  for (uint16_t i = 0; i < c->latched.count; i++)
    if (!bit(c->gone, i))
      c->latched.nsid[kept++] = c->latched.nsid[i];
  c->latched.count = kept;
  if (c->latched.overflow || c->since.overflow) {
    empty(&c->latched);
    c->latched.overflow = true;
  }
  for (uint16_t i = 0; i < c->since.count; i++)
    insert(&c->latched, c->since.nsid[i]);
  empty(&c->since);
  memset(c->sent, 0, sizeof(c->sent));
  memset(c->gone, 0, sizeof(c->gone));
  c->snapshot = true;
  c->latch++;
  c->seq = seq;
}

void nvmens_changed_page(const nvmens_changed *c, uint8_t page[NVMENS_PAGE])
{
  memset(page, 0, NVMENS_PAGE);
  if (c->latched.overflow)
    nvmens_put32(page, UINT32_MAX);
  for (uint16_t i = 0; i < c->latched.count; i++)
    nvmens_put32(page + 4 * i, c->latched.nsid[i]);
}

bool nvmens_changed_sent(nvmens_changed *c, uint32_t offset, uint32_t len, bool consume)
{
  bool all = true;

  for (uint32_t i = offset / 4; i < (offset + len) / 4; i++)
    c->sent[i / 32] |= UINT32_C(1) << (i % 32);
  if (!consume)
    return false;
  memcpy(c->gone, c->sent, sizeof(c->gone));
  if (c->latched.overflow)
    all = bit(c->sent, 0);
  for (uint16_t i = 0; i < c->latched.count && all; i++)
    all = bit(c->sent, i);
  if (all) { /* the next read at any offset takes a new snapshot */
    empty(&c->latched);
    c->snapshot = false;
  }
  return all;
}
