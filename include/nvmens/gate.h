/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gate.h: the data path. A command that uses a namespace begins and ends here; that is the whole
 * drain for a backend that counts nothing itself.
 *
 * What is promised:
 *  G1 A begin that succeeds holds the namespace: neither detached nor released is called before its
 *     end, and *ns_user is the backend's object until then.
 *  G2 Once drain_begin is called the gate is closed: no begin succeeds until another attach has
 *     opened it.
 *  G3 The end of the last command of a closed gate calls wake; a begin that had to be undone too.
 *  G4 begin and end take no lock, wait for nobody and allocate nothing. With membarrier their path
 *     has no fence and no locked instruction.
 *
 * Order. The owner of a lane writes its counter, then reads the slot's word; the closer writes the
 * word, then (membarrier) reads the counters. One of the two sees the other's write: either the
 * owner sees CLOSING and undoes, or the closer sees the count. The sum reads a lane's ends before
 * its begins, so that it never counts an end whose begin it has not counted, and remote ends before
 * both.
 *
 * The kernel may refuse membarrier after a gate was opened. Then its drain waits until membarrier
 * works, the hook `barrier` has stood in, or the controller has no lanes. Gates that are opened
 * from then on have fences.
 *
 * Build the library and its callers alike: all with the thread sanitizer, or none. A mix does not
 * link.
 *
 * Everything with a trailing underscore, and every member, is private.
 */
#ifndef NVMENS_GATE_H
#define NVMENS_GATE_H

#include <nvmens/nvmens.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One attachment's gate. Never moves, lives until nvmens_subsys_del. */
typedef struct nvmens_slot {
  uint32_t word;                 /* generation << 3 | NVMENS_GATE_*_ */
  uint32_t nsid;                 /* never changes */
  uint32_t index;                /* of its counter in every lane of its controller; never changes */
  uint32_t remote;               /* commands ended by nvmens_io_end_remote */
  void *ns_user;                 /* read only by who holds the slot */
  struct nvmens_slot *next_rung; /* while listed */
  void *owner;                   /* the attachment; under the lock */
  uint32_t base;                 /* begun less ended in lanes that are gone; under the lock */
  uint16_t answer;               /* status field for a command that is barred */
  uint8_t fence;  /* 1: it was opened FENCED, or not at all: the closer needs no barrier */
  uint8_t listed; /* it may be drained, and poll has not looked yet */
} nvmens_slot;
/* A gate that needs fences is FENCED where it would be OPEN: who sees that is on the slow path. */
enum { NVMENS_GATE_OPEN_ = 1, NVMENS_GATE_CLOSING_ = 2, NVMENS_GATE_FENCED_ = 4 };

typedef struct nvmens_slot_table { /* open addressing; entries are added, never removed */
  uint32_t shift, mask;
  struct nvmens_slot_table *older;
  /* mask + 1 pointers to slots follow */
} nvmens_slot_table;

typedef struct nvmens_counter { /* modulo 2^32; written by the lane's owner only */
  uint32_t begun, ended;
} nvmens_counter;
#define NVMENS_COUNTERS_SHIFT_ 8 /* counters in a chunk: 256 */
#define NVMENS_COUNTERS_MASK_  ((1u << NVMENS_COUNTERS_SHIFT_) - 1)

/* The part of a lane that the data path reads; cache-line aligned. Counters of the slots that were
 * there when it was made, and of 64 at least, are near, in one piece. */
typedef struct nvmens_lane {
  const nvmens_slot_table **table; /* the controller's; empty while it is not ready */
  nvmens_counter *counter;
  nvmens_counter **chunk; /* of those behind, by their index less near */
  uint32_t near;
} nvmens_lane;

typedef struct nvmens_ticket {
  nvmens_slot *slot;
  nvmens_counter *counter; /* of the lane in which it began */
} nvmens_ticket;

/* A lane of a controller: one per queue, one writer at a time (a hand-over needs a happens-before).
 * Returns INVAL, NOMEM, BUSY (the controller is being removed). Control call; allocates. */
NVMENS_API int nvmens_lane_new(nvmens_lane **, nvmens_ctrl *);
/* Its owner is done with it. Commands may still be out: they end by nvmens_io_end_remote. NULL:
 * nothing. Also after nvmens_ctrl_del. Control call. */
NVMENS_API void nvmens_lane_del(nvmens_lane *);

#if defined(__SANITIZE_THREAD__)
#define NVMENS_GATE_TSAN_ 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NVMENS_GATE_TSAN_ 1
#endif
#endif
/* With the thread sanitizer the library makes no barrier, and the caller's commands do not need
 * one. Only one of the two built so would lose commands: the names differ, and it does not link. */
#ifdef NVMENS_GATE_TSAN_
#define nvmens_gate_begin_ nvmens_gate_begin_tsan_
#define nvmens_gate_ended_ nvmens_gate_ended_tsan_
#endif

/* Private: the slow paths of the functions below. By value, so that a ticket need not be in memory
 * for them. A begin that counted itself under OPEN and has to be undone is ended there too. */
typedef struct nvmens_begun {
  nvmens_ticket ticket;
  void *ns_user; /* with a slot only */
  nvmens_status status;
} nvmens_begun;
NVMENS_API nvmens_begun nvmens_gate_begin_(nvmens_lane *, uint32_t nsid, nvmens_slot *,
                                           uint32_t word);
NVMENS_API void nvmens_gate_ended_(const nvmens_lane *, nvmens_slot *);

#ifdef NVMENS_GATE_TSAN_ /* it knows neither membarrier nor fences: sequentially consistent        \
                            accesses */
#define NVMENS_GATE_ACQ_          __ATOMIC_SEQ_CST
#define NVMENS_GATE_REL_          __ATOMIC_SEQ_CST
#define NVMENS_GATE_RLX_          __ATOMIC_SEQ_CST
#define NVMENS_GATE_LIGHT_(fence) ((void)(fence))
#else
#define NVMENS_GATE_ACQ_ __ATOMIC_ACQUIRE
#define NVMENS_GATE_REL_ __ATOMIC_RELEASE
#define NVMENS_GATE_RLX_ __ATOMIC_RELAXED
#define NVMENS_GATE_LIGHT_(fence)                                                                  \
  do {                                                                                             \
    if (fence)                                                                                     \
      __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                     \
    else                                                                                           \
      __atomic_signal_fence(__ATOMIC_SEQ_CST);                                                     \
  } while (0)
#endif

/* Where there are several calls a compiler may think them too large, at twice the cost. Without
 * optimisation what is inlined keeps the branches that a constant argument decides: where they are
 * counted these are functions. */
#ifdef NVMENS_COVERAGE
#define NVMENS_GATE_INLINE_ static inline
#else
#define NVMENS_GATE_INLINE_ static inline __attribute__((always_inline))
#endif

NVMENS_GATE_INLINE_ nvmens_slot *nvmens_gate_find_(const nvmens_slot_table *table, uint32_t nsid)
{
  nvmens_slot *const *entry = (nvmens_slot *const *)(table + 1);
  uint32_t shift = table->shift, i;
  nvmens_slot *slot;

  /* A compiler that loads but its low byte has to wait for what else was in the register. */
  __asm__("" : "+r"(shift));
  i = (nsid * UINT32_C(0x9E3779B1)) >> shift;
  slot = __atomic_load_n(&entry[i], __ATOMIC_ACQUIRE);
  while (__builtin_expect(slot && slot->nsid != nsid, 0)) {
    i = (i + 1) & table->mask;
    slot = __atomic_load_n(&entry[i], __ATOMIC_ACQUIRE);
  }
  return slot;
}

NVMENS_GATE_INLINE_ nvmens_counter *nvmens_gate_counter_(const nvmens_lane *lane, uint32_t index)
{
  nvmens_counter **chunk;

  if (__builtin_expect(index < lane->near, 1))
    return &lane->counter[index];
  index -= lane->near;
  chunk = __atomic_load_n(&lane->chunk, __ATOMIC_ACQUIRE);
  return &chunk[index >> NVMENS_COUNTERS_SHIFT_][index & NVMENS_COUNTERS_MASK_];
}

/* Counts a command that saw this word. false: the word is another, and the command has to end. */
NVMENS_GATE_INLINE_ bool nvmens_gate_hold_(const nvmens_slot *slot, nvmens_counter *c,
                                           uint32_t word, int fence)
{
  __atomic_store_n(&c->begun, c->begun + 1, NVMENS_GATE_RLX_);
  NVMENS_GATE_LIGHT_(fence);
  return __builtin_expect(__atomic_load_n(&slot->word, NVMENS_GATE_ACQ_) == word, 1);
}

/* Ends a command, on the thread that owns the lane in which it began. Each ticket ends once. */
NVMENS_GATE_INLINE_ void nvmens_io_end(nvmens_lane *lane, nvmens_ticket ticket)
{
  const uint32_t slow = NVMENS_GATE_CLOSING_ | NVMENS_GATE_FENCED_;
  nvmens_counter *c = ticket.counter;

  __atomic_store_n(&c->ended, c->ended + 1, NVMENS_GATE_REL_);
  NVMENS_GATE_LIGHT_(0);
  if (__builtin_expect(__atomic_load_n(&ticket.slot->word, NVMENS_GATE_ACQ_) & slow, 0))
    nvmens_gate_ended_(lane, ticket.slot);
}

/*
 * Begins a command that uses a namespace. Success: the ticket is to be ended, *ns_user is the
 * namespace's. Else the status is the host's: 00Bh (NSID 0 or above NN), 002h (FFFFFFFFh; not
 * attached), 300h without DNR (the NSID was attached or WANTED here, and is ATTACHED at another
 * ready controller of the same host, R51; or it is about to open), 008h (controller not ready).
 */
NVMENS_GATE_INLINE_ nvmens_status nvmens_io_begin(nvmens_lane *lane, uint32_t nsid,
                                                  nvmens_ticket *ticket, void **ns_user)
{
  nvmens_slot *slot = nvmens_gate_find_(__atomic_load_n(lane->table, __ATOMIC_ACQUIRE), nsid);
  const nvmens_status ok = {0};
  nvmens_begun slow;
  nvmens_ticket t;
  uint32_t word = 0;

  if (__builtin_expect(slot != NULL, 1)) {
    word = __atomic_load_n(&slot->word, NVMENS_GATE_ACQ_);
    if (__builtin_expect(word & NVMENS_GATE_OPEN_, 1)) {
      t.slot = slot;
      t.counter = nvmens_gate_counter_(lane, slot->index);
      if (nvmens_gate_hold_(slot, t.counter, word, 0)) {
        *ticket = t;
        *ns_user = slot->ns_user;
        return ok;
      }
    }
  }
  slow = nvmens_gate_begin_(lane, nsid, slot, word);
  *ticket = slow.ticket;
  if (slow.ticket.slot)
    *ns_user = slow.ns_user;
  return slow.status;
}

/* For commands to all attached namespaces: begins one for the first NSID above `after` that can be
 * held, and tells which; *nsid is 0 when there is none (success, nothing begun). 008h: the
 * controller is not ready. A control call (T2): it may take the lock. */
NVMENS_API nvmens_status nvmens_io_begin_next(nvmens_lane *, uint32_t after, uint32_t *nsid,
                                              nvmens_ticket *, void **ns_user);
/* Ends a command on any thread, also when its lane is gone. */
NVMENS_API void nvmens_io_end_remote(nvmens_subsys *, nvmens_ticket);

#ifdef __cplusplus
}
#endif
#endif
