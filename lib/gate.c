/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gate.c: the ready-made drain (R51; gate.h says what it promises). Floor 2.
 *
 * Invariants: slots, lanes' chunks and superseded tables stay where they are until the gate
 * (chunks: the lane) goes; a table only gains entries; counters are never reset, only their
 * differences count, modulo 2^32; a slot's counter exists in every lane before the slot opens.
 */
#define _GNU_SOURCE
#include "gate_ctl.h"

#include <string.h>
/* Without the kernel's headers (musl alone has none) the gate has fences. */
#if defined(__linux__) && defined(__has_include)
#if __has_include(<linux/membarrier.h>)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif
#ifdef SYS_membarrier
#define HAS_MEMBARRIER
#endif

enum { LINE = 64, NEAR = 64 /* the fewest */ };

typedef struct nvmens_lane_body {
  nvmens_lane lane; /* first: the data path's pointer */
  nvmens_gate *gate;
  struct nvmens_lane_body *next;
  nvmens_counter **old; /* superseded directories, linked by their last entry */
  uint32_t chunks, room;
  void *block; /* as it was allocated */
  _Alignas(LINE) nvmens_counter near[];
} lane_body;

static const struct { /* what the lanes of a controller see that is not ready */
  nvmens_slot_table table;
  nvmens_slot *entry[2];
} nothing = {{31, 1, NULL}, {NULL, NULL}};

static const uint16_t inactive = NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;

#ifdef HAS_MEMBARRIER
static int membarrier(int command)
{
#ifdef NVMENS_GATE_TSAN_ /* every access is sequentially consistent instead */
  (void)command;
  return 0;
#else
  return (int)syscall(SYS_membarrier, command, 0, 0);
#endif
}
#endif

void nvmens_bell_init(nvmens_bell *bell, const nvmens_host *host, void *user, uint8_t mode)
{
  bell->wake = host->wake;
  bell->barrier = host->barrier;
  bell->user = user;
  bell->fence = 1;
#ifdef HAS_MEMBARRIER
  if (mode == NVMENS_GATE_AUTO && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
    bell->fence = 0;
#else
  (void)mode;
#endif
}

/* A fork keeps the lanes' mode but may lose the registration: then it is made again. What is left
 * then (GLOBAL, by its older name) takes milliseconds, but needs no memory of the kernel's. */
static bool barrier_in_kernel(void)
{
#ifdef HAS_MEMBARRIER
  return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0 ||
         (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
          membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) ||
         membarrier(MEMBARRIER_CMD_SHARED) == 0;
#else
  return false;
#endif
}

/* It worked when the subsystem was made, but a filter may have been put over the process since, or
 * the kernel be short of memory. A fence of this thread's own would be of no use. */
bool nvmens_gate_barrier(nvmens_bell *bell)
{
  if (barrier_in_kernel())
    return true;
  bell->fence = 1;
  return bell->barrier && bell->barrier(bell->user) == 0;
}

/* ---- lookup table ---- */

static nvmens_slot **entries(const nvmens_slot_table *table)
{
  return (nvmens_slot **)(table + 1);
}

static nvmens_slot_table *table_new(const nvmens_mem *mem, uint32_t bits)
{
  nvmens_slot_table *table;
  size_t size = sizeof(*table) + ((size_t)1 << bits) * sizeof(nvmens_slot *);

  table = nvmens_zalloc(mem, 1, size);
  if (!table)
    return NULL;
  table->shift = 32 - bits;
  table->mask = (uint32_t)(((uint64_t)1 << bits) - 1);
  return table;
}

static void table_put(nvmens_slot_table *table, nvmens_slot *slot)
{
  uint32_t i = (slot->nsid * UINT32_C(0x9E3779B1)) >> table->shift;

  while (entries(table)[i])
    i = (i + 1) & table->mask;
  __atomic_store_n(&entries(table)[i], slot, __ATOMIC_RELEASE);
}

/* Readers may be in the old table: it stays, and stays true. At most two thirds are used. */
static int table_grow(nvmens_gate *gate)
{
  nvmens_slot_table *old = gate->table, *table;
  uint32_t bits = old ? 32 - old->shift : 3;

  if (old && (uint64_t)(gate->slots + 1) * 3 <= ((uint64_t)old->mask + 1) * 2)
    return 0;
  table = table_new(gate->mem, old ? bits + 1 : bits);
  if (!table)
    return NVMENS_ERR_NOMEM;
  for (uint32_t i = 0; i < gate->slots; i++)
    table_put(table, nvmens_gate_nth(gate, i));
  table->older = old;
  gate->table = table;
  if (gate->ready)
    __atomic_store_n(&gate->shown, table, __ATOMIC_RELEASE);
  return 0;
}

/* ---- lanes ---- */

static int directory_grow(lane_body *lane, const nvmens_mem *mem)
{
  uint32_t room = lane->room ? lane->room * 2 : 4;
  nvmens_counter **directory;

  if (lane->chunks < lane->room)
    return 0;
  directory = nvmens_zalloc(mem, (size_t)room + 1, sizeof(*directory));
  if (!directory)
    return NVMENS_ERR_NOMEM;
  if (lane->room) {
    memcpy(directory, lane->lane.chunk, lane->chunks * sizeof(*directory));
    lane->lane.chunk[lane->room] = (nvmens_counter *)(void *)lane->old;
    lane->old = lane->lane.chunk;
  }
  lane->room = room;
  __atomic_store_n(&lane->lane.chunk, directory, __ATOMIC_RELEASE);
  return 0;
}

/* Counters for slots 0 .. slots - 1. */
static int lane_reach(lane_body *lane, const nvmens_mem *mem, uint32_t slots)
{
  while (lane->lane.near + ((uint64_t)lane->chunks << NVMENS_COUNTERS_SHIFT_) < slots) {
    nvmens_counter *chunk;

    if (directory_grow(lane, mem))
      return NVMENS_ERR_NOMEM;
    chunk = nvmens_zalloc(mem, (size_t)1 << NVMENS_COUNTERS_SHIFT_, sizeof(*chunk));
    if (!chunk)
      return NVMENS_ERR_NOMEM;
    __atomic_store_n(&lane->lane.chunk[lane->chunks], chunk, __ATOMIC_RELEASE);
    lane->chunks++;
  }
  return 0;
}

static void lane_free(lane_body *lane, const nvmens_mem *mem)
{
  nvmens_counter **directory = lane->old;

  for (uint32_t i = 0; i < lane->chunks; i++)
    nvmens_free(mem, lane->lane.chunk[i]);
  for (uint32_t room = lane->room / 2; directory; room /= 2) {
    nvmens_counter **older = (nvmens_counter **)(void *)directory[room];

    nvmens_free(mem, directory);
    directory = older;
  }
  nvmens_free(mem, lane->lane.chunk);
  nvmens_free(mem, lane->block);
}

/* Whole cache lines, which no other owner writes to. */
int nvmens_gate_lane(nvmens_gate *gate, nvmens_lane **out)
{
  uint32_t near = gate->slots > NEAR ? (gate->slots + 7) / 8 * 8 : NEAR;
  size_t size = sizeof(lane_body) + near * sizeof(nvmens_counter);
  char *block = nvmens_zalloc(gate->mem, 1, size + LINE);
  lane_body *lane;

  if (!block)
    return NVMENS_ERR_NOMEM;
  lane = (lane_body *)(void *)(block + (LINE - (uintptr_t)block % LINE) % LINE);
  lane->block = block;
  lane->gate = gate;
  lane->lane.table = &gate->shown;
  lane->lane.counter = lane->near;
  lane->lane.near = near;
  lane->next = gate->lanes;
  gate->lanes = lane;
  *out = &lane->lane;
  return 0;
}

nvmens_gate *nvmens_gate_of_lane(const nvmens_lane *lane)
{
  return ((const lane_body *)(const void *)lane)->gate;
}

void nvmens_gate_unlane(nvmens_lane *l)
{
  lane_body *lane = (lane_body *)(void *)l, **at = &lane->gate->lanes;
  nvmens_gate *gate = lane->gate;

  for (uint32_t i = 0; i < gate->slots; i++) {
    const nvmens_counter *c = nvmens_gate_counter_(l, i);

    nvmens_gate_nth(gate, i)->base += c->begun - c->ended;
  }
  while (*at != lane)
    at = &(*at)->next;
  *at = lane->next;
  lane_free(lane, gate->mem);
}

/* ---- slots ---- */

nvmens_slot *nvmens_gate_nth(const nvmens_gate *gate, uint32_t index)
{
  return &gate->chunk[index / NVMENS_GATE_CHUNK][index % NVMENS_GATE_CHUNK];
}

nvmens_slot *nvmens_gate_lookup(const nvmens_gate *gate, uint32_t nsid)
{
  return nvmens_gate_find_(gate->table, nsid);
}

static int chunk_grow(nvmens_gate *gate)
{
  uint32_t have = gate->slots / NVMENS_GATE_CHUNK;

  if (gate->slots % NVMENS_GATE_CHUNK)
    return 0;
  if (have == gate->chunks) {
    uint32_t chunks = gate->chunks ? gate->chunks * 2 : 4;
    nvmens_slot **chunk = nvmens_zalloc(gate->mem, chunks, sizeof(*chunk));

    if (!chunk)
      return NVMENS_ERR_NOMEM;
    if (have)
      memcpy(chunk, gate->chunk, have * sizeof(*chunk));
    nvmens_free(gate->mem, gate->chunk);
    gate->chunk = chunk;
    gate->chunks = chunks;
  }
  gate->chunk[have] = nvmens_zalloc(gate->mem, NVMENS_GATE_CHUNK, sizeof(nvmens_slot));
  return gate->chunk[have] ? 0 : NVMENS_ERR_NOMEM;
}

nvmens_slot *nvmens_gate_slot(nvmens_gate *gate, uint32_t nsid)
{
  nvmens_slot *slot = nvmens_gate_lookup(gate, nsid);

  if (slot)
    return slot;
  for (lane_body *lane = gate->lanes; lane; lane = lane->next)
    if (lane_reach(lane, gate->mem, gate->slots + 1))
      return NULL;
  if (table_grow(gate) || chunk_grow(gate))
    return NULL;
  slot = nvmens_gate_nth(gate, gate->slots);
  slot->nsid = nsid;
  slot->index = gate->slots++;
  slot->answer = inactive;
  table_put(gate->table, slot);
  return slot;
}

void nvmens_gate_recycle(nvmens_gate *gate)
{
  for (uint32_t i = 0; i < gate->slots; i++)
    nvmens_slot_answer(nvmens_gate_nth(gate, i), inactive);
}

void nvmens_slot_own(nvmens_slot *slot, void *owner)
{
  slot->owner = owner;
}

enum { GENERATION = 8 }; /* one, in a slot's word */

void nvmens_slot_open(nvmens_slot *slot, const nvmens_bell *bell, void *ns_user)
{
  uint32_t generation = (slot->word & ~(uint32_t)(GENERATION - 1)) + GENERATION;
  uint32_t open = bell->fence ? NVMENS_GATE_FENCED_ : NVMENS_GATE_OPEN_;

  slot->ns_user = ns_user;
  __atomic_store_n(&slot->fence, (uint8_t)(bell->fence != 0), __ATOMIC_RELAXED);
  __atomic_store_n(&slot->word, generation | open, NVMENS_GATE_REL_);
}

void nvmens_slot_closing(nvmens_slot *slot)
{
  uint32_t generation = slot->word & ~(uint32_t)(GENERATION - 1);

  if (!nvmens_slot_is_open(slot)) /* `attached` has not returned: nobody can have begun */
    __atomic_store_n(&slot->fence, 1, __ATOMIC_RELAXED);
  __atomic_store_n(&slot->word, generation | NVMENS_GATE_CLOSING_, NVMENS_GATE_REL_);
  NVMENS_GATE_LIGHT_(1);
}

void nvmens_slot_closed(nvmens_slot *slot)
{
  __atomic_store_n(&slot->word, slot->word & ~(uint32_t)(GENERATION - 1), NVMENS_GATE_REL_);
}

void nvmens_slot_answer(nvmens_slot *slot, uint16_t sf)
{
  __atomic_store_n(&slot->answer, sf, __ATOMIC_RELAXED);
}

bool nvmens_slot_is_open(const nvmens_slot *slot)
{
  return slot->word & (NVMENS_GATE_OPEN_ | NVMENS_GATE_FENCED_);
}

uint32_t nvmens_gate_holders(const nvmens_gate *gate, const nvmens_slot *slot)
{
  /* A remote end that is seen has its begin seen below; so has a lane's end, being read first. */
  uint32_t count = slot->base - __atomic_load_n(&slot->remote, NVMENS_GATE_ACQ_);

  for (const lane_body *lane = gate->lanes; lane; lane = lane->next) {
    const nvmens_counter *c = nvmens_gate_counter_(&lane->lane, slot->index);
    uint32_t ended = __atomic_load_n(&c->ended, NVMENS_GATE_ACQ_);

    count += __atomic_load_n(&c->begun, NVMENS_GATE_ACQ_) - ended;
  }
  return count;
}

/* ---- the gate ---- */

nvmens_gate *nvmens_gate_new(const nvmens_mem *mem, nvmens_bell *bell, uint32_t nn)
{
  nvmens_gate *gate = nvmens_zalloc(mem, 1, sizeof(*gate));

  if (!gate)
    return NULL;
  gate->mem = mem;
  gate->bell = bell;
  gate->nn = nn;
  gate->shown = &nothing.table;
  if (table_grow(gate)) {
    nvmens_free(mem, gate);
    return NULL;
  }
  return gate;
}

void nvmens_gate_del(nvmens_gate *gate)
{
  nvmens_slot_table *table = gate->table;

  while (table) {
    nvmens_slot_table *older = table->older;

    nvmens_free(gate->mem, table);
    table = older;
  }
  for (uint32_t i = 0; i < gate->chunks; i++)
    nvmens_free(gate->mem, gate->chunk[i]);
  nvmens_free(gate->mem, gate->chunk);
  nvmens_free(gate->mem, gate);
}

void nvmens_gate_ready(nvmens_gate *gate, bool ready)
{
  if (!ready)
    __atomic_store_n(&gate->ready, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&gate->shown, ready ? gate->table : &nothing.table, __ATOMIC_RELEASE);
  if (ready)
    __atomic_store_n(&gate->ready, 1, __ATOMIC_RELEASE);
}

/* Closing, or with fences: then the look at the word was too early. Or a begin was undone. It may
 * have seen an opening without fences, and be counted by who closes the next one, which has them,
 * and makes no barrier. */
void nvmens_gate_ended_(const nvmens_lane *lane, nvmens_slot *slot)
{
  NVMENS_GATE_LIGHT_(1);
  if (__atomic_load_n(&slot->word, NVMENS_GATE_ACQ_) & NVMENS_GATE_CLOSING_)
    nvmens_bell_ring(nvmens_gate_of_lane(lane)->bell, slot);
}

void nvmens_gate_end_remote(nvmens_bell *bell, nvmens_ticket ticket)
{
  nvmens_slot *slot = ticket.slot;
  const int fence = __atomic_load_n(&slot->fence, __ATOMIC_RELAXED);

  __atomic_fetch_add(&bell->inside, 1, __ATOMIC_ACQ_REL);
  __atomic_fetch_add(&slot->remote, 1, NVMENS_GATE_REL_);
  NVMENS_GATE_LIGHT_(fence);
  if (__atomic_load_n(&slot->word, NVMENS_GATE_ACQ_) & NVMENS_GATE_CLOSING_)
    nvmens_bell_ring(bell, slot);
  __atomic_fetch_sub(&bell->inside, 1, __ATOMIC_RELEASE);
}

/* It looked while the controller was not ready, and is asked when it is. */
static bool overtaken(const nvmens_gate *gate, uint32_t nsid)
{
  return nvmens_gate_find_(__atomic_load_n(&gate->shown, __ATOMIC_ACQUIRE), nsid) != NULL;
}

static nvmens_status refuse(const nvmens_lane *lane, uint32_t nsid, const nvmens_slot *slot)
{
  const nvmens_gate *gate = nvmens_gate_of_lane(lane);
  nvmens_status status = {inactive};

  if (!__atomic_load_n(&gate->ready, __ATOMIC_ACQUIRE))
    status.sf = NVMENS_SC_ABORTED_SQ_DELETED;
  else if (nsid == NVMENS_NSID_NONE || (nsid > gate->nn && nsid != NVMENS_NSID_ALL))
    status.sf = NVMENS_SC_INVALID_NS_OR_FORMAT | NVMENS_SF_DNR;
  else if (slot)
    status.sf = __atomic_load_n(&slot->answer, __ATOMIC_RELAXED);
  else if (overtaken(gate, nsid))
    status.sf = NVMENS_SC_ABORTED_SQ_DELETED;
  return status;
}

/* The slot and its word as the caller found them. */
nvmens_begun nvmens_gate_begin_(nvmens_lane *lane, uint32_t nsid, nvmens_slot *slot, uint32_t word)
{
  nvmens_begun none = {{NULL, NULL}, NULL, {0}}, b = none;

  if (word & (NVMENS_GATE_OPEN_ | NVMENS_GATE_FENCED_)) {
    b.ticket.slot = slot;
    b.ticket.counter = nvmens_gate_counter_(lane, slot->index);
    if ((word & NVMENS_GATE_FENCED_) && nvmens_gate_hold_(slot, b.ticket.counter, word, 1)) {
      b.ns_user = slot->ns_user;
      return b;
    }
    /* Not nvmens_io_end: its look may be too early, and who is undone may see the gate shut. */
    __atomic_store_n(&b.ticket.counter->ended, b.ticket.counter->ended + 1, NVMENS_GATE_REL_);
    nvmens_gate_ended_(lane, slot);
  }
  none.status = refuse(lane, nsid, slot);
  return none;
}
