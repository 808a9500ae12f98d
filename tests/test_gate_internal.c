/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_gate_internal.c: lib/gate.c through gate_ctl.h, on one thread: slots and their table, lanes
 * and their counters against a naive count, words, answers, the bell, and memory that runs out.
 */
#include "dice.h"
#include "gate_ctl.h"
#include "rig_main.h"

enum { NN = 100000, INACTIVE = NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR };

typedef struct world {
  dice_heap heap;
  nvmens_mem mem;
  nvmens_bell bell;
  nvmens_gate *gate;
  unsigned wakes;
} world;

static void on_wake(void *user)
{
  ((world *)user)->wakes++;
}

static world *world_new(uint8_t mode)
{
  world *w = calloc(1, sizeof(*w));

  MUST(w);
  w->mem = dice_mem(&w->heap);
  nvmens_bell_init(&w->bell, &(nvmens_host){.wake = on_wake}, w, mode);
  w->gate = nvmens_gate_new(&w->mem, &w->bell, NN);
  MUST(w->gate);
  nvmens_gate_ready(w->gate, true);
  return w;
}

static void world_end(world *w)
{
  MUST_SAY(!w->gate->lanes, "a lane is left");
  nvmens_gate_del(w->gate);
  MUST_SAY(w->heap.live == 0, "%u blocks are left", w->heap.live);
  free(w);
}

static nvmens_lane *lane_new(world *w)
{
  nvmens_lane *lane = NULL;

  MUST(nvmens_gate_lane(w->gate, &lane) == 0);
  return lane;
}

/* An open slot for this NSID; what it gives is the slot itself. */
static nvmens_slot *open_slot(world *w, uint32_t nsid)
{
  nvmens_slot *slot = nvmens_gate_slot(w->gate, nsid);

  MUST(slot);
  dice_start(9);
  nvmens_slot_open(slot, &w->bell, slot);
  return slot;
}

static uint16_t begin(nvmens_lane *lane, uint32_t nsid, nvmens_ticket *ticket)
{
  void *user = NULL;
  const uint16_t sf = nvmens_io_begin(lane, nsid, ticket, &user).sf;

  MUST((sf == 0) == (ticket->slot != NULL));
  MUST_SAY(sf || user == ticket->slot, "a begin gives another's object");
  return sf;
}

static uint16_t begin_end(nvmens_lane *lane, uint32_t nsid)
{
  nvmens_ticket ticket;
  const uint16_t sf = begin(lane, nsid, &ticket);

  if (!sf)
    nvmens_io_end(lane, ticket);
  return sf;
}

/* ---- slots ---- */

/* Close together, far apart, and the ends. */
static uint32_t nth_nsid(unsigned n)
{
  return n % 3 ? 1 + n * 7 : NN - n * 5;
}

static void slots_stay(uint8_t mode)
{
  enum { MANY = 3000 }; /* most of them with counters behind those near */
  world *w = world_new(mode);
  nvmens_lane *lane = lane_new(w);
  nvmens_slot **slot = calloc(MANY, sizeof(*slot)); /* where it was at first */

  MUST(slot);
  for (unsigned n = 0; n < MANY; n++) {
    const uint32_t nsid = nth_nsid(n);
    const bool fresh = !nvmens_gate_lookup(w->gate, nsid);

    slot[n] = nvmens_gate_slot(w->gate, nsid);
    MUST(slot[n] && slot[n]->nsid == nsid && nvmens_gate_slot(w->gate, nsid) == slot[n]);
    MUST(!fresh || slot[n]->index == w->gate->slots - 1);
    if (!nvmens_slot_is_open(slot[n]))
      nvmens_slot_open(slot[n], &w->bell, slot[n]);
    for (unsigned k = 0; k < 10; k++) {
      const unsigned any = roll(n + 1);

      MUST(nvmens_gate_lookup(w->gate, nth_nsid(any)) == slot[any]);
      MUST(nvmens_gate_nth(w->gate, slot[any]->index) == slot[any]);
      MUST(begin_end(lane, nth_nsid(any)) == 0);
    }
  }
  for (unsigned n = 0; n < MANY; n++) {
    MUST(nvmens_gate_lookup(w->gate, nth_nsid(n)) == slot[n]);
    MUST(nvmens_gate_holders(w->gate, slot[n]) == 0);
  }
  MUST((uint64_t)w->gate->slots * 3 <= ((uint64_t)w->gate->table->mask + 1) * 2);
  free(slot);
  nvmens_gate_unlane(lane);
  world_end(w);
}

START_TEST(G1_slots_stay_where_they_are)
{
  slots_stay(NVMENS_GATE_AUTO);
  slots_stay(NVMENS_GATE_FENCE);
}
END_TEST

START_TEST(gate_an_empty_one_finds_nothing)
{
  world *w = world_new(NVMENS_GATE_AUTO);

  for (uint32_t nsid = 0; nsid < 100; nsid++)
    MUST(!nvmens_gate_lookup(w->gate, nsid));
  ck_assert_ptr_null(nvmens_gate_lookup(w->gate, NVMENS_NSID_ALL));
  world_end(w);
}
END_TEST

START_TEST(G2_each_opening_has_a_word_of_its_own)
{
  world *w = world_new(NVMENS_GATE_AUTO);
  nvmens_slot *slot = nvmens_gate_slot(w->gate, 5);
  uint32_t before[50];

  ck_assert(!nvmens_slot_is_open(slot));
  for (unsigned n = 0; n < 50; n++) {
    nvmens_slot_open(slot, &w->bell, &before[n]);
    ck_assert(nvmens_slot_is_open(slot));
    ck_assert_ptr_eq(slot->ns_user, &before[n]);
    before[n] = slot->word;
    for (unsigned i = 0; i < n; i++)
      MUST(before[i] != before[n]);
    nvmens_slot_closing(slot);
    ck_assert(!nvmens_slot_is_open(slot));
    ck_assert_uint_eq(slot->word & 7, NVMENS_GATE_CLOSING_);
    ck_assert_uint_eq(slot->word >> 3, before[n] >> 3); /* still this opening */
    nvmens_slot_closed(slot);
    ck_assert_uint_eq(slot->word & 7, 0);
  }
  slot->word = UINT32_MAX - 7; /* generations wrap, and stay out of the low bits */
  nvmens_slot_open(slot, &w->bell, slot);
  ck_assert_uint_eq(slot->word, slot->fence ? NVMENS_GATE_FENCED_ : NVMENS_GATE_OPEN_);
  world_end(w);
}
END_TEST

/* ---- answers ---- */

START_TEST(R2_what_a_barred_command_is_told)
{
  world *w = world_new(NVMENS_GATE_AUTO);
  nvmens_lane *lane = lane_new(w);
  nvmens_slot *slot = nvmens_gate_slot(w->gate, 7);
  static const uint16_t invalid = NVMENS_SC_INVALID_NS_OR_FORMAT | NVMENS_SF_DNR;

  ck_assert_uint_eq(begin_end(lane, 0), invalid);
  ck_assert_uint_eq(begin_end(lane, NN + 1), invalid);
  ck_assert_uint_eq(begin_end(lane, NVMENS_NSID_ALL - 1), invalid);
  ck_assert_uint_eq(begin_end(lane, NVMENS_NSID_ALL), INACTIVE);
  ck_assert_uint_eq(begin_end(lane, NN), INACTIVE); /* no slot */
  ck_assert_uint_eq(begin_end(lane, 7), INACTIVE);  /* one that was never opened */
  nvmens_slot_answer(slot, NVMENS_SC_INTERNAL_PATH_ERROR);
  ck_assert_uint_eq(begin_end(lane, 7), NVMENS_SC_INTERNAL_PATH_ERROR);
  nvmens_slot_open(slot, &w->bell, slot);
  ck_assert_uint_eq(begin_end(lane, 7), 0);
  nvmens_gate_ready(w->gate, false);
  ck_assert_uint_eq(begin_end(lane, 7), NVMENS_SC_ABORTED_SQ_DELETED);
  ck_assert_uint_eq(begin_end(lane, 0), NVMENS_SC_ABORTED_SQ_DELETED);
  nvmens_gate_slot(w->gate, 8); /* not shown before it is ready */
  ck_assert_uint_eq(begin_end(lane, 7), NVMENS_SC_ABORTED_SQ_DELETED);
  nvmens_gate_ready(w->gate, true);
  ck_assert_uint_eq(begin_end(lane, 7), 0);
  nvmens_slot_closing(slot);
  nvmens_slot_closed(slot);
  nvmens_gate_recycle(w->gate);
  ck_assert_uint_eq(begin_end(lane, 7), INACTIVE);
  nvmens_gate_unlane(lane);
  world_end(w);
}
END_TEST

/* ---- the count ---- */

enum { SLOTS = 40, LANES = 5, OUT = 400 };
typedef struct counts {
  world *w;
  nvmens_slot *slot[SLOTS];
  nvmens_lane *lane[LANES];
  struct {
    unsigned lane; /* LANES: it is gone */
    nvmens_ticket ticket;
  } out[OUT];
  unsigned nout;
} counts;

static void count_all(const counts *c)
{
  for (unsigned s = 0; s < SLOTS; s++) {
    uint32_t held = 0;

    for (unsigned i = 0; i < c->nout; i++)
      held += c->out[i].ticket.slot == c->slot[s];
    MUST_SAY(nvmens_gate_holders(c->w->gate, c->slot[s]) == held, "slot %u: %u hold it, not %u", s,
             nvmens_gate_holders(c->w->gate, c->slot[s]), held);
  }
}

static void random_end(counts *c)
{
  const unsigned i = roll(c->nout);

  if (c->out[i].lane == LANES || roll(3) == 0)
    nvmens_gate_end_remote(&c->w->bell, c->out[i].ticket);
  else
    nvmens_io_end(c->lane[c->out[i].lane], c->out[i].ticket);
  c->out[i] = c->out[--c->nout];
}

static void lane_comes_or_goes(counts *c, unsigned l)
{
  if (!c->lane[l]) {
    c->lane[l] = lane_new(c->w);
    MUST(nvmens_gate_of_lane(c->lane[l]) == c->w->gate);
    MUST((uintptr_t)c->lane[l] % 64 == 0);
    return;
  }
  nvmens_gate_unlane(c->lane[l]);
  c->lane[l] = NULL;
  for (unsigned i = 0; i < c->nout; i++)
    if (c->out[i].lane == l)
      c->out[i].lane = LANES;
}

static void random_turn(counts *c)
{
  const unsigned l = roll(LANES), s = roll(SLOTS), what = roll(40);

  if (what == 0 || !c->lane[l]) {
    lane_comes_or_goes(c, l);
  } else if (what < 3 && nvmens_slot_is_open(c->slot[s])) {
    nvmens_slot_closing(c->slot[s]);
    MUST(c->slot[s]->fence || nvmens_gate_barrier(&c->w->bell));
  } else if (what < 5 && !nvmens_slot_is_open(c->slot[s])) {
    nvmens_slot_open(c->slot[s], &c->w->bell, c->slot[s]);
  } else if (what < 25 && c->nout < OUT) {
    nvmens_ticket ticket;

    MUST((begin(c->lane[l], 1 + s, &ticket) == 0) == nvmens_slot_is_open(c->slot[s]));
    if (ticket.slot) {
      c->out[c->nout].lane = l;
      c->out[c->nout++].ticket = ticket;
    }
  } else if (c->nout) {
    random_end(c);
  }
}

static void random_run(uint8_t mode)
{
  counts c = {.w = world_new(mode)};

  for (unsigned s = 0; s < SLOTS; s++)
    c.slot[s] = open_slot(c.w, 1 + s);
  for (unsigned turn = 0; turn < 4000; turn++) {
    random_turn(&c);
    count_all(&c);
  }
  while (c.nout)
    random_end(&c);
  for (unsigned l = 0; l < LANES; l++)
    if (c.lane[l])
      nvmens_gate_unlane(c.lane[l]);
  count_all(&c);
  world_end(c.w);
}

START_TEST(G1_random_commands_are_counted)
{
  for (unsigned n = 0; n < 4; n++) {
    dice_start(n);
    random_run(n % 2 ? NVMENS_GATE_FENCE : NVMENS_GATE_AUTO);
  }
}
END_TEST

START_TEST(G1_counters_wrap)
{
  world *w = world_new(NVMENS_GATE_AUTO);
  nvmens_lane *lane = lane_new(w);
  nvmens_slot *slot = open_slot(w, 1);
  nvmens_counter *c = nvmens_gate_counter_(lane, slot->index);
  nvmens_ticket ticket[10];

  c->begun = c->ended = UINT32_MAX - 3;
  slot->base = 5;
  slot->remote = 5;
  for (unsigned i = 0; i < 10; i++) {
    ck_assert_uint_eq(begin(lane, 1, &ticket[i]), 0);
    ck_assert_uint_eq(nvmens_gate_holders(w->gate, slot), i + 1);
  }
  slot->remote = UINT32_MAX;
  slot->base = UINT32_MAX;
  for (unsigned i = 0; i < 5; i++)
    nvmens_gate_end_remote(&w->bell, ticket[i]);
  ck_assert_uint_eq(nvmens_gate_holders(w->gate, slot), 5);
  nvmens_gate_unlane(lane);
  ck_assert_uint_eq(nvmens_gate_holders(w->gate, slot), 5);
  for (unsigned i = 5; i < 10; i++)
    nvmens_gate_end_remote(&w->bell, ticket[i]);
  ck_assert_uint_eq(nvmens_gate_holders(w->gate, slot), 0);
  world_end(w);
}
END_TEST

/* ---- the bell ---- */

START_TEST(G3_the_bell_rings_once_until_it_is_cleared)
{
  world *w = world_new(NVMENS_GATE_FENCE);
  nvmens_lane *lane = lane_new(w);
  nvmens_slot *slot = open_slot(w, 1);
  nvmens_ticket ticket[4];

  for (unsigned i = 0; i < 4; i++)
    begin(lane, 1, &ticket[i]);
  nvmens_io_end(lane, ticket[0]);
  ck_assert_uint_eq(w->wakes, 0); /* the gate is open */
  nvmens_slot_closing(slot);
  nvmens_io_end(lane, ticket[1]);
  ck_assert_uint_eq(w->wakes, 1);
  nvmens_gate_end_remote(&w->bell, ticket[2]);
  ck_assert_uint_eq(w->wakes, 1);
  ck_assert(nvmens_bell_clear(&w->bell));
  ck_assert(!nvmens_bell_clear(&w->bell));
  nvmens_gate_end_remote(&w->bell, ticket[3]);
  ck_assert_uint_eq(w->wakes, 2);
  ck_assert_uint_eq(w->bell.inside, 0);
  nvmens_gate_unlane(lane);
  world_end(w);
}
END_TEST

START_TEST(G3_without_a_wake_hook)
{
  world *w = world_new(NVMENS_GATE_AUTO);
  nvmens_lane *lane = lane_new(w);
  nvmens_slot *slot = open_slot(w, 1);
  nvmens_ticket ticket;

  w->bell.wake = NULL;
  begin(lane, 1, &ticket);
  nvmens_slot_closing(slot);
  nvmens_io_end(lane, ticket);
  ck_assert(nvmens_bell_clear(&w->bell));
  nvmens_gate_unlane(lane);
  world_end(w);
}
END_TEST

START_TEST(G4_fences_on_request)
{
  world *w = world_new(NVMENS_GATE_FENCE);
  nvmens_lane *lane = lane_new(w);

  ck_assert_int_eq(w->bell.fence, 1);
  ck_assert_uint_eq(open_slot(w, 1)->word & 7, NVMENS_GATE_FENCED_); /* the slow path's */
  ck_assert_uint_eq(begin_end(lane, 1), 0);
  nvmens_gate_unlane(lane);
  world_end(w);
}
END_TEST

/* ---- memory ---- */

/* Between its look at the gate and its count things changed: the second look finds out. */
START_TEST(G2_a_begin_that_looked_too_early)
{
  world *w = world_new(NVMENS_GATE_FENCE);
  nvmens_lane *lane = lane_new(w);
  nvmens_slot *slot = open_slot(w, 5);
  uint32_t word = slot->word;
  nvmens_begun b;

  nvmens_slot_closing(slot);
  nvmens_slot_answer(slot, NVMENS_SC_INTERNAL_PATH_ERROR);
  b = nvmens_gate_begin_(lane, 5, slot, word);
  ck_assert_uint_eq(b.status.sf, NVMENS_SC_INTERNAL_PATH_ERROR);
  ck_assert_ptr_null(b.ticket.slot);
  ck_assert_uint_eq(nvmens_gate_holders(w->gate, slot), 0);
  ck_assert_uint_eq(w->wakes, 1); /* who closed it may have counted it */
  b = nvmens_gate_begin_(lane, 5, NULL, 0);
  ck_assert_uint_eq(b.status.sf, NVMENS_SC_ABORTED_SQ_DELETED); /* it was not ready then */
  ck_assert_ptr_null(b.ticket.slot);
  nvmens_gate_unlane(lane);
  world_end(w);
}
END_TEST

START_TEST(gate_without_memory_none_is_made)
{
  dice_heap heap = {0};
  const nvmens_mem mem = dice_mem(&heap);
  nvmens_bell bell = {0};

  for (unsigned nth = 1; nth <= 2; nth++) {
    heap.fail = nth;
    ck_assert_ptr_null(nvmens_gate_new(&mem, &bell, NN));
    ck_assert_uint_eq(heap.live, 0);
  }
}
END_TEST

/* Every allocation fails once; what was there goes on, and the next try succeeds. */
START_TEST(gate_slots_and_lanes_survive_a_failed_allocation)
{
  enum { ENOUGH = 1100 }; /* more than four chunks of counters */
  world *w = world_new(NVMENS_GATE_AUTO);
  nvmens_lane *lane = lane_new(w), *late = NULL;
  nvmens_slot *first = open_slot(w, 1);
  nvmens_ticket ticket;
  unsigned failed = 0;

  ck_assert_uint_eq(begin(lane, 1, &ticket), 0);
  for (uint32_t nsid = 2; nsid < ENOUGH; nsid++) {
    unsigned nth = 1;

    for (w->heap.fail = nth; !nvmens_gate_slot(w->gate, nsid); w->heap.fail = ++nth) {
      failed++;
      MUST(w->gate->slots == nsid - 1 && !nvmens_gate_lookup(w->gate, nsid));
      MUST(nvmens_gate_holders(w->gate, first) == 1);
      MUST(begin_end(lane, 1) == 0);
    }
    w->heap.fail = 0;
  }
  ck_assert_uint_gt(failed, 20);
  failed = 0;
  for (unsigned nth = 1; w->heap.fail = nth, nvmens_gate_lane(w->gate, &late); nth++)
    failed++;
  w->heap.fail = 0;
  ck_assert_uint_eq(failed, 1); /* with all counters in one piece */
  ck_assert_uint_eq(begin_end(late, 1), 0);
  nvmens_io_end(lane, ticket);
  nvmens_gate_unlane(late);
  nvmens_gate_unlane(lane);
  ck_assert_uint_eq(nvmens_gate_holders(w->gate, first), 0);
  world_end(w);
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN(
      "gate_internal", G1_slots_stay_where_they_are, gate_an_empty_one_finds_nothing,
      G2_each_opening_has_a_word_of_its_own, R2_what_a_barred_command_is_told,
      G1_random_commands_are_counted, G1_counters_wrap, G3_the_bell_rings_once_until_it_is_cleared,
      G3_without_a_wake_hook, G4_fences_on_request, G2_a_begin_that_looked_too_early,
      gate_without_memory_none_is_made, gate_slots_and_lanes_survive_a_failed_allocation);
}
