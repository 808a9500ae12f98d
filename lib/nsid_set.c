/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nsid_set.c: an ordered sparse map from NSID to pointer, as a radix tree. Floor 0.
 *
 * A key is NSID - 1, so that NSIDs 1 to 64 fill one leaf. A node tells keys apart by one digit of 6
 * bits, those above its shift; a node that would have one child is left out, so there are at most 6
 * on any way down, and fewer inner nodes than leaves. Slots are packed, in the order of their
 * digits, until there are so many that a digit is its own index: one member alone costs 40 bytes
 * and its share of the node above, dense ones 9 bytes each.
 *
 * Removal may not allocate, so a node keeps its slots until it is empty or an add that comes by
 * finds it too large. Members that remain from a dense set cost 536 bytes per leaf until then, and
 * as much for the nodes above: memory is bounded by the members that are, not by those that were.
 *
 * Invariants
 *  1 A leaf (shift 0) has a member, an inner node two children or more.
 *  2 base is a multiple of 64 << shift; the keys below the node differ from it in lower bits only.
 *  3 A bit of full: that digit's keys are all members. In a leaf full is present. (Key FFFFFFFFh
 *    does not exist, so the root at shift 30 is never full.)
 *  4 slots is at least the number of present bits; SPREAD slots have a digit as index, fewer are
 *    packed.
 */
#include "nsid_set.h"
#include "always.h"

#include <string.h>

enum { DIGIT = 6, SPREAD = 64, LEVELS = 6, FEWEST = 2 };
#define ALL UINT64_MAX

typedef struct node {
  uint64_t present;
  uint64_t full;
  uint32_t base;
  uint8_t shift;
  uint8_t slots;
  void *slot[]; /* leaf: the values; else: struct node * */
} node;

/* The nodes from the root down to where a key is or would be. */
typedef struct way {
  node *at[LEVELS];
  unsigned len;
} way;

/* In plain C: without -mpopcnt the compiler's builtin is a call. */
static unsigned count_bits(uint64_t x)
{
  x -= x >> 1 & 0x5555555555555555;
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return (unsigned)(x * 0x0101010101010101 >> 56);
}

static unsigned lowest_bit(uint64_t x) /* not 0 */
{
  return (unsigned)__builtin_ctzll(x);
}

static uint64_t bit(unsigned digit)
{
  return (uint64_t)1 << digit;
}

/* SPREAD or more: the key is outside, also when it is below base. */
static uint32_t digit_of(const node *n, uint32_t key)
{
  return (key - n->base) >> n->shift;
}

static bool has(const node *n, uint32_t digit)
{
  return digit < SPREAD && n->present & bit(digit);
}

static unsigned index_of(const node *n, unsigned digit)
{
  return n->slots == SPREAD ? digit : count_bits(n->present & (bit(digit) - 1));
}

static node *child(const node *n, unsigned digit)
{
  return n->slot[index_of(n, digit)];
}

static node *new_node(const nvmens_mem *mem, unsigned slots, unsigned shift, uint32_t key)
{
  node *n = nvmens_zalloc(mem, 1, sizeof(*n) + slots * sizeof(n->slot[0]));

  if (n) {
    n->slots = (uint8_t)slots;
    n->shift = (uint8_t)shift;
    n->base = key & (uint32_t)(ALL << shift << DIGIT);
  }
  return n;
}

static node *new_leaf(const nvmens_mem *mem, uint32_t key, void *value)
{
  node *n = new_node(mem, FEWEST, 0, key);

  if (n) {
    n->present = n->full = bit(key - n->base);
    n->slot[0] = value;
  }
  return n;
}

/* The same node with another number of slots, or NULL; the old one stays. */
static node *copy(const nvmens_mem *mem, const node *old, unsigned slots)
{
  node *n = new_node(mem, slots, old->shift, old->base);
  unsigned i = 0;

  if (!n)
    return NULL;
  n->present = old->present;
  n->full = old->full;
  for (uint64_t left = old->present; left; left &= left - 1, i++) {
    unsigned digit = lowest_bit(left);

    n->slot[slots == SPREAD ? digit : i] = old->slot[old->slots == SPREAD ? digit : i];
  }
  return n;
}

/* *to: n itself or a copy of it, with a slot to spare and not far too many. false: no memory. */
static bool make_room(const nvmens_mem *mem, node *n, node **to)
{
  unsigned need = count_bits(n->present) + 1, slots = FEWEST;
  node *other;

  *to = n;
  if (need <= n->slots && need * 4 > n->slots)
    return true;
  while (slots < need)
    slots *= 2;
  other = copy(mem, n, slots);
  if (other)
    *to = other;
  return other || need <= n->slots;
}

static void put(node *n, unsigned digit, void *what)
{
  unsigned at = index_of(n, digit);

  if (n->slots != SPREAD)
    memmove(&n->slot[at + 1], &n->slot[at], (count_bits(n->present) - at) * sizeof(n->slot[0]));
  n->slot[at] = what;
  n->present |= bit(digit);
}

static void take(node *n, unsigned digit)
{
  unsigned at = index_of(n, digit);

  n->present &= ~bit(digit);
  n->full &= ~bit(digit);
  if (n->slots != SPREAD)
    memmove(&n->slot[at], &n->slot[at + 1], (count_bits(n->present) - at) * sizeof(n->slot[0]));
}

/* Lets the parent of the last node, or the set, point to n instead. */
static void replace_last(nvmens_nsid_set *set, const way *w, node *n)
{
  if (w->len == 1) {
    set->root = n;
  } else {
    node *parent = w->at[w->len - 2];

    parent->slot[index_of(parent, digit_of(parent, n->base))] = n;
  }
}

/* Down to the node that has the key's digit free, or is the key's leaf, or has the key outside. */
static void walk(const nvmens_nsid_set *set, uint32_t key, way *w)
{
  node *n = set->root;

  for (w->len = 0; n; n = child(n, digit_of(n, key))) {
    w->at[w->len++] = n;
    if (!n->shift || !has(n, digit_of(n, key)))
      return;
  }
}

/* The key's digit became full in the last node; tell those above as far as it matters. */
static void mark_full(const way *w, uint32_t key)
{
  for (unsigned i = w->len - 1; i > 0; i--) {
    node *n = w->at[i], *parent = w->at[i - 1];

    if (n->full != ALL || parent->shift != n->shift + DIGIT)
      return;
    parent->full |= bit(digit_of(parent, key));
  }
}

/* The key lies outside the last node: a new one above tells them apart. */
static int add_above(nvmens_nsid_set *set, const nvmens_mem *mem, const way *w, uint32_t key,
                     node *leaf)
{
  node *below = w->at[w->len - 1], *above;
  unsigned next = (unsigned)below->shift + DIGIT, shift = next;

  while ((uint64_t)(key ^ below->base) >> shift >> DIGIT)
    shift += DIGIT;
  above = new_node(mem, FEWEST, shift, key);
  if (!above)
    return NVMENS_ERR_NOMEM;
  put(above, digit_of(above, below->base), below);
  put(above, digit_of(above, key), leaf);
  if (below->full == ALL && shift == next)
    above->full = bit(digit_of(above, below->base));
  replace_last(set, w, above);
  return 0;
}

/* The last node has the key's digit free. */
static int add_in(nvmens_nsid_set *set, const nvmens_mem *mem, way *w, uint32_t key, void *what)
{
  node *old = w->at[w->len - 1], *n;
  unsigned digit = digit_of(old, key);

  if (!make_room(mem, old, &n))
    return NVMENS_ERR_NOMEM;
  if (n != old) {
    replace_last(set, w, n);
    w->at[w->len - 1] = n;
    nvmens_free(mem, old);
  }
  put(n, digit, what);
  if (!n->shift) {
    n->full = n->present;
    mark_full(w, key);
  }
  return 0;
}

int nvmens_nsid_set_add(nvmens_nsid_set *set, const nvmens_mem *mem, uint32_t nsid, void *value)
{
  uint32_t key = nsid - 1;
  node *last, *leaf = NULL;
  bool inside;
  int err = 0;
  way w;

  if (NVMENS_NEVER(!nsid || !value))
    return NVMENS_ERR_INVAL;
  walk(set, key, &w);
  last = w.len ? w.at[w.len - 1] : NULL;
  inside = last && digit_of(last, key) < SPREAD;
  if (inside && has(last, digit_of(last, key)))
    return NVMENS_ERR_EXISTS;
  if (!inside || last->shift) {
    leaf = new_leaf(mem, key, value);
    if (!leaf)
      return NVMENS_ERR_NOMEM;
  }
  if (inside)
    err = add_in(set, mem, &w, key, leaf ? (void *)leaf : value);
  else if (last)
    err = add_above(set, mem, &w, key, leaf);
  else
    set->root = leaf;
  if (err)
    nvmens_free(mem, leaf);
  else
    set->count++;
  return err;
}

/* The last node is an empty leaf. */
static void drop_leaf(nvmens_nsid_set *set, const nvmens_mem *mem, way *w, uint32_t key)
{
  node *parent;

  nvmens_free(mem, w->at[--w->len]);
  if (!w->len) {
    set->root = NULL;
    return;
  }
  parent = w->at[w->len - 1];
  take(parent, digit_of(parent, key));
  if (parent->present & (parent->present - 1))
    return;
  replace_last(set, w, child(parent, lowest_bit(parent->present)));
  nvmens_free(mem, parent);
}

void *nvmens_nsid_set_remove(nvmens_nsid_set *set, const nvmens_mem *mem, uint32_t nsid)
{
  uint32_t key = nsid - 1;
  void *value;
  node *leaf;
  way w;

  walk(set, key, &w);
  leaf = w.len ? w.at[w.len - 1] : NULL;
  if (!leaf || leaf->shift || !has(leaf, digit_of(leaf, key)))
    return NULL;
  value = leaf->slot[index_of(leaf, digit_of(leaf, key))];
  for (unsigned i = 0; i < w.len - 1; i++)
    w.at[i]->full &= ~bit(digit_of(w.at[i], key));
  take(leaf, digit_of(leaf, key));
  if (!leaf->present)
    drop_leaf(set, mem, &w, key);
  set->count--;
  return value;
}

void *nvmens_nsid_set_get(const nvmens_nsid_set *set, uint32_t nsid)
{
  uint32_t key = nsid - 1;
  const node *n = set->root;

  while (n && has(n, digit_of(n, key))) {
    void *below = n->slot[index_of(n, digit_of(n, key))];

    if (!n->shift)
      return below;
    n = below;
  }
  return NULL;
}

static void *lowest(const node *n, uint32_t *nsid)
{
  unsigned digit = lowest_bit(n->present);

  while (n->shift) {
    n = n->slot[n->slots == SPREAD ? digit : 0];
    digit = lowest_bit(n->present);
  }
  *nsid = n->base + digit + 1;
  return n->slot[n->slots == SPREAD ? digit : 0];
}

void *nvmens_nsid_set_next(const nvmens_nsid_set *set, uint32_t after, uint32_t *nsid)
{
  uint32_t key = after; /* that of after + 1, which may not be an NSID */
  const node *n = set->root, *right = NULL;
  unsigned right_digit = 0;

  while (n && key > n->base && digit_of(n, key) < SPREAD) {
    unsigned digit = digit_of(n, key);
    uint64_t rest = n->present >> digit >> 1;

    if (!n->shift && n->present >> digit) {
      digit += lowest_bit(n->present >> digit);
      *nsid = n->base + digit + 1;
      return n->slot[index_of(n, digit)];
    }
    if (rest) {
      right = n;
      right_digit = digit + 1 + lowest_bit(rest);
    }
    n = n->shift && has(n, digit) ? child(n, digit) : NULL;
  }
  if (n && key <= n->base)
    return lowest(n, nsid);
  if (!right)
    return NULL;
  return lowest(child(right, right_digit), nsid);
}

typedef struct some {
  uint32_t *nsid;
  void **value;
  uint32_t count, most;
} some;

enum { AHEAD = 8 };

static void gather_leaf(const node *n, uint64_t left, some *found)
{
  for (; left && found->count < found->most; left &= left - 1) {
    unsigned digit = lowest_bit(left);

    if (found->value)
      found->value[found->count] = n->slot[index_of(n, digit)];
    found->nsid[found->count++] = n->base + digit + 1;
  }
}

static void fetch(const node *n, unsigned at)
{
  if (at < n->slots)
    __builtin_prefetch(n->slot[at]);
}

/* Members whose key is at least this. Nodes that lie far apart are fetched while others are read.
 * Recurs at most LEVELS deep. */
static void gather(const node *n, uint32_t key, some *found)
{
  unsigned digit = key > n->base ? digit_of(n, key) : 0, at;
  uint64_t left = digit < SPREAD ? n->present >> digit << digit : 0;

  if (!n->shift) {
    gather_leaf(n, left, found);
    return;
  }
  at = left ? index_of(n, lowest_bit(left)) : 0;
  for (unsigned i = 0; i < AHEAD; i++)
    fetch(n, at + i);
  for (; left && found->count < found->most; left &= left - 1) {
    at = n->slots == SPREAD ? lowest_bit(left) : at;
    fetch(n, at + AHEAD);
    gather(n->slot[at++], key, found);
  }
}

uint32_t nvmens_nsid_set_some(const nvmens_nsid_set *set, uint32_t after, uint32_t most,
                              uint32_t *nsid, void **value)
{
  some found = {nsid, value, 0, most};

  if (set->root)
    gather(set->root, after, &found);
  return found.count;
}

uint32_t nvmens_nsid_set_gap(const nvmens_nsid_set *set, uint32_t max)
{
  const node *n = set->root;
  uint32_t key = 0;

  /* All below key are members, and key is if n begins there. */
  while (n && n->base == key) {
    unsigned digit = n->full == ALL ? SPREAD : lowest_bit(~n->full);

    key = (uint32_t)(n->base + ((uint64_t)digit << n->shift));
    n = has(n, digit) ? child(n, digit) : NULL;
  }
  return key < max ? key + 1 : 0;
}

/* Recurs at most LEVELS deep. */
static void free_below(const nvmens_mem *mem, node *n)
{
  if (n->shift)
    for (uint64_t left = n->present; left; left &= left - 1)
      free_below(mem, child(n, lowest_bit(left)));
  nvmens_free(mem, n);
}

void nvmens_nsid_set_clear(nvmens_nsid_set *set, const nvmens_mem *mem)
{
  if (set->root)
    free_below(mem, set->root);
  set->root = NULL;
  set->count = 0;
}
