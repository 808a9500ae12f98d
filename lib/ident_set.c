/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ident_set.c: the identifiers in use, in one hash table with open addressing. Floor 0.
 *
 * An identity stands in the table once for each identifier that it has (R5), so that each is found
 * alone. A mark per slot, behind the last entry, says which identifier the entry stands for; a UUID
 * is thus no conflict with the same bytes as an NGUID. The rest of the mark is the hash, so that an
 * identity is looked at only where it will match. The hash has no secret: identifiers come from
 * the backend, not from the host.
 *
 * Invariants
 *  1 No slot is empty between an entry's home and the entry; nothing marks where one was removed.
 *  2 At most 3/4 of the slots are in use, so that a search ends. size is 0 or a power of two.
 *  3 count is the number of entries, not of identities.
 *
 * Only add may allocate, so only add makes the table smaller, when 15/16 of it is empty. Such an
 * add, and one that makes it larger, takes steps in proportion to the table.
 */
#include "ident_set.h"
#include "always.h"
#include "le.h"

#include <string.h>

enum { UUID = 1, NGUID = 2, EUI64 = 3, KIND_BITS = 2 };
enum { SMALLEST = 8, LARGEST = 1 << (32 - KIND_BITS) };

/* What is looked for: an identifier, and its hash above its kind. An empty slot's mark is 0. */
typedef struct key {
  const uint8_t *bytes;
  uint32_t len, mark;
} key;

static uint32_t *marks(const nvmens_ident_set *set)
{
  return (uint32_t *)(set->entry + set->size);
}

static uint32_t home_of(const nvmens_ident_set *set, uint32_t mark)
{
  return mark >> KIND_BITS & (set->size - 1);
}

static uint64_t mix(uint64_t x)
{
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
  x = (x ^ x >> 29) * 0x9fb21c651e98df25;
  return x ^ x >> 32;
}

static const uint8_t *bytes_of(const nvmens_ident *ident, unsigned kind)
{
  return kind == UUID ? ident->uuid : kind == NGUID ? ident->nguid : ident->eui64;
}

/* One identifier of an identity. false: it has none of this kind. */
static bool get_key(const nvmens_ident *ident, unsigned kind, key *k)
{
  uint64_t low, high = 0;

  k->bytes = bytes_of(ident, kind);
  k->len = kind == EUI64 ? sizeof(ident->eui64) : sizeof(ident->uuid);
  low = nvmens_get64(k->bytes);
  if (kind != EUI64)
    high = nvmens_get64(k->bytes + 8);
  k->mark = (uint32_t)mix(mix(low + kind) ^ high) << KIND_BITS | kind;
  return low | high;
}

/* The slot that has this identifier; else, or without a table, size. */
static uint32_t find(const nvmens_ident_set *set, unsigned kind, const key *k)
{
  uint32_t mask = set->size - 1;
  const uint32_t *mark;

  if (!set->size)
    return 0;
  mark = marks(set);
  for (uint32_t i = home_of(set, k->mark); mark[i]; i = (i + 1) & mask)
    if (mark[i] == k->mark && !memcmp(bytes_of(set->entry[i], kind), k->bytes, k->len))
      return i;
  return set->size;
}

/* There is room. */
static void enter(nvmens_ident_set *set, const nvmens_ident *ident, uint32_t mark)
{
  uint32_t mask = set->size - 1, i = home_of(set, mark);

  while (marks(set)[i])
    i = (i + 1) & mask;
  set->entry[i] = ident;
  marks(set)[i] = mark;
  set->count++;
}

/* Empties slot i and moves up those behind it that could stand nearer to their homes. */
static void empty(nvmens_ident_set *set, uint32_t i)
{
  uint32_t *mark = marks(set);
  uint32_t mask = set->size - 1;

  for (uint32_t j = (i + 1) & mask; mark[j]; j = (j + 1) & mask) {
    if (((j - home_of(set, mark[j])) & mask) < ((j - i) & mask))
      continue;
    set->entry[i] = set->entry[j];
    mark[i] = mark[j];
    i = j;
  }
  set->entry[i] = NULL;
  mark[i] = 0;
  set->count--;
}

static int resize(nvmens_ident_set *set, const nvmens_mem *mem, uint32_t size)
{
  nvmens_ident_set other = {.size = size};

  other.entry = nvmens_zalloc(mem, size, sizeof(other.entry[0]) + sizeof(uint32_t));
  if (!other.entry)
    return NVMENS_ERR_NOMEM;
  for (uint32_t i = 0; i < set->size; i++)
    if (set->entry[i])
      enter(&other, set->entry[i], marks(set)[i]);
  nvmens_free(mem, set->entry);
  *set = other;
  return 0;
}

/* Room for more entries, and not far too much. */
static int make_room(nvmens_ident_set *set, const nvmens_mem *mem, unsigned more)
{
  uint64_t need = (uint64_t)set->count + more, size = SMALLEST;
  bool fits = need * 4 <= (uint64_t)set->size * 3;

  if (fits && (set->size == SMALLEST || need * 16 > set->size))
    return 0;
  while (need * 2 > size)
    size *= 2;
  if (NVMENS_NEVER(size > LARGEST))
    return NVMENS_ERR_NOMEM;
  return resize(set, mem, (uint32_t)size) && !fits ? NVMENS_ERR_NOMEM : 0;
}

bool nvmens_ident_set_has(const nvmens_ident_set *set, const nvmens_ident *ident)
{
  key k;

  for (unsigned kind = UUID; kind <= EUI64; kind++)
    if (get_key(ident, kind, &k) && find(set, kind, &k) != set->size)
      return true;
  return false;
}

int nvmens_ident_set_add(nvmens_ident_set *set, const nvmens_mem *mem, const nvmens_ident *ident)
{
  key k[EUI64];
  unsigned n = 0;
  int err;

  if (nvmens_ident_set_has(set, ident))
    return NVMENS_ERR_EXISTS;
  for (unsigned kind = UUID; kind <= EUI64; kind++)
    n += get_key(ident, kind, &k[n]);
  if (!n)
    return 0;
  err = make_room(set, mem, n);
  for (unsigned i = 0; i < n && !err; i++)
    enter(set, ident, k[i].mark);
  return err;
}

void nvmens_ident_set_remove(nvmens_ident_set *set, const nvmens_ident *ident)
{
  key k;

  for (unsigned kind = UUID; kind <= EUI64; kind++) {
    uint32_t i;

    if (!get_key(ident, kind, &k))
      continue;
    i = find(set, kind, &k);
    if (i != set->size && set->entry[i] == ident)
      empty(set, i);
  }
}

void nvmens_ident_set_clear(nvmens_ident_set *set, const nvmens_mem *mem)
{
  nvmens_free(mem, set->entry);
  *set = (nvmens_ident_set){0};
}
