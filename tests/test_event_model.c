/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_event_model.c: many sources of one controller against a model of the notice table: which is
 * delivered, in which order, under which mask, with which bits on (R28-R32, R35, R36, R44, P1, P5).
 */
#include "rig.h"
#include "rig_main.h"

#include <stdio.h>

enum { CLEAR, PENDING, REPORTED };
enum { OURS = 2, SOURCES = 12, MOST = 4 };

/* What can raise an event. The first two are the library's own. */
static const struct {
  uint8_t type, info, lid;
  uint32_t bits;
} source[SOURCES] = {
    {NVMENS_AER_NOTICE, 0x00, RIG_LID4, RIG_BIT4},
    {NVMENS_AER_NOTICE, 0x09, RIG_LID1C, RIG_BIT1C},
    {NVMENS_AER_NOTICE, 0x01, NVMENS_LID_FIRMWARE, 0},
    {NVMENS_AER_SMART, 0x00, NVMENS_LID_SMART, 0x01},
    {NVMENS_AER_SMART, 0x01, NVMENS_LID_SMART, 0x06},
    {NVMENS_AER_SMART, 0x02, NVMENS_LID_SMART, 0},
    {NVMENS_AER_ERROR, 0x00, NVMENS_LID_ERROR, 0},
    {NVMENS_AER_ERROR, 0x03, NVMENS_LID_ERROR, 0x80},
    {NVMENS_AER_IMMEDIATE, 0x00, 0xC0, 0},
    {NVMENS_AER_IMMEDIATE, 0x05, 0xC0, 0x01},
    {NVMENS_AER_ONE_SHOT, 0x02, 0xC1, 0},
    {NVMENS_AER_VENDOR, 0xFF, 0xC0, 0},
};
static const uint8_t own_lid[] = {NVMENS_LID_FIRMWARE, NVMENS_LID_SMART, NVMENS_LID_ERROR, 0xC0,
                                  0xC1};

typedef struct model {
  rig *r;
  rig_ctrl *c;
  rig_ns *shown, *loose;
  uint32_t seed, seed0, aec;
  int per_event;
  uint64_t clock;
  int state[SOURCES];
  uint64_t since[SOURCES], loud[SOURCES]; /* PENDING since; the last change */
  rig_cmd *aer[MOST];
  unsigned naer;
  uint64_t stamp[sizeof(own_lid)], stamped[sizeof(own_lid)]; /* the library's, and when */
} model;

static uint32_t dice(model *m, uint32_t n)
{
  m->seed = m->seed * 1664525 + 1013904223;
  return (m->seed >> 8) % n;
}

static int self_clearing(unsigned i)
{
  return source[i].type == NVMENS_AER_IMMEDIATE || source[i].type == NVMENS_AER_ONE_SHOT;
}

static int bit_on(const model *m, unsigned i)
{
  return source[i].bits == 0 || (source[i].bits & m->aec) != 0;
}

static int masked(const model *m, unsigned i)
{
  unsigned j;

  for (j = 0; j < SOURCES && !m->per_event; j++)
    if (m->state[j] == REPORTED && source[j].type == source[i].type)
      return 1;
  return 0;
}

static void loud(model *m, unsigned i)
{
  m->loud[i] = m->clock;
  if (m->state[i] != CLEAR)
    return;
  m->state[i] = PENDING;
  m->since[i] = m->clock;
}

/* Sources of one change have waited equally long: either may be first. */
static uint64_t longest(const model *m)
{
  uint64_t first = UINT64_MAX;
  unsigned i;

  for (i = 0; i < SOURCES; i++)
    if (m->state[i] == PENDING && bit_on(m, i) && !masked(m, i) && m->since[i] < first)
      first = m->since[i];
  return first;
}

static void was_delivered(model *m, uint64_t first)
{
  const uint32_t dw0 = m->aer[0]->dw0;
  unsigned i;

  for (i = 0; i < SOURCES; i++) {
    const uint32_t its =
        (uint32_t)source[i].lid << 16 | (uint32_t)source[i].info << 8 | source[i].type;

    if (dw0 == its && m->state[i] == PENDING && m->since[i] == first && bit_on(m, i)) {
      m->state[i] = self_clearing(i) ? CLEAR : REPORTED;
      m->naer--;
      memmove(m->aer, m->aer + 1, m->naer * sizeof(*m->aer));
      return;
    }
  }
  ck_abort_msg("seed %u: %x is not what has waited longest", m->seed0, dw0);
}

static void compare(model *m, unsigned step)
{
  uint64_t first;
  unsigned i;

  while (m->naer && (first = longest(m)) != UINT64_MAX) {
    RIG_SAY(m->aer[0]->done, "seed %u, step %u: the oldest AER is still parked", m->seed0, step);
    was_delivered(m, first);
  }
  for (i = 0; i < m->naer; i++)
    RIG_SAY(rig_is_open(m->aer[i]), "seed %u, step %u: AER %u has ended", m->seed0, step, i);
}

/* ---- what happens ---- */

static void read_ours(model *m)
{
  const unsigned i = dice(m, OURS);
  const int rae = dice(m, 3) == 0;

  rig_changed(m->c, source[i].lid, rae);
  if (!rae)
    m->state[i] = CLEAR;
}

static void latch_own(model *m)
{
  const unsigned l = dice(m, sizeof(own_lid));

  m->stamp[l] = nvmens_log_latch(m->c->c, own_lid[l]);
  m->stamped[l] = m->clock;
}

static void read_own(model *m)
{
  const unsigned l = dice(m, sizeof(own_lid));
  unsigned i;

  if (m->stamped[l] == 0)
    return;
  nvmens_log_was_read(m->c->c, own_lid[l], m->stamp[l]);
  rig_check(m->r);
  for (i = OURS; i < SOURCES; i++) {
    if (source[i].lid != own_lid[l])
      continue;
    if (m->loud[i] <= m->stamped[l]) {
      m->state[i] = CLEAR;
    } else if (m->state[i] == REPORTED) {
      m->state[i] = PENDING;
      m->since[i] = m->clock;
    }
  }
}

static void set_bits(model *m)
{
  const uint32_t all = RIG_BIT4 | RIG_BIT1C | 0xFF;
  unsigned i;

  m->aec = dice(m, 1u << 24) & all & (dice(m, 2) ? UINT32_MAX : dice(m, 1u << 24));
  if (dice(m, 2))
    m->aec |= RIG_BIT4 | RIG_BIT1C;
  RIG_OK(rig_set_aec(m->c, m->aec));
  for (i = 0; i < SOURCES; i++)
    if (m->state[i] == REPORTED && !bit_on(m, i)) {
      m->state[i] = PENDING; /* R32 */
      m->since[i] = m->clock;
    }
}

static void abort_one(model *m)
{
  unsigned i;

  if (m->naer == 0)
    return;
  i = dice(m, m->naer);
  RIG_OK(rig_abort(m->c, m->aer[i]->cid));
  RIG_MUST(m->aer[i]->sf == NVMENS_SC_ABORTED_BY_REQUEST);
  m->naer--;
  memmove(m->aer + i, m->aer + i + 1, (m->naer - i) * sizeof(*m->aer));
}

static void reset(model *m)
{
  if (dice(m, 3) == 0) {
    rig_shutdown(m->c);
    rig_post(m->c, NVMENS_AER_IMMEDIATE, 0, 0xC0, 0); /* dropped */
  }
  rig_reenable(m->c);
  memset(m->state, CLEAR, sizeof(m->state)); /* CLEAR is 0 */
  memset(m->stamped, 0, sizeof(m->stamped)); /* stamps from before a reset do nothing */
  m->aec = 0;
  m->naer = 0;
}

static void act(model *m)
{
  unsigned i;

  m->clock++;
  switch (dice(m, 12)) {
  case 0: /* 04h and 1Ch at once */
    RIG_MUST(rig_resize(m->shown, 0x1000 + m->clock) == 0);
    loud(m, 0);
    loud(m, 1);
    break;
  case 1: /* 1Ch only */
    RIG_MUST(rig_resize(m->loose, 0x1000 + m->clock) == 0);
    loud(m, 1);
    break;
  case 2:
    read_ours(m);
    break;
  case 3:
    latch_own(m);
    break;
  case 4:
    read_own(m);
    break;
  case 5:
    set_bits(m);
    break;
  case 6:
  case 7:
    if (m->naer < MOST)
      m->aer[m->naer++] = rig_aer(m->c);
    break;
  case 8:
    if (dice(m, 3) == 0)
      abort_one(m);
    else if (dice(m, 10) == 0)
      reset(m);
    break;
  default:
    i = OURS + dice(m, SOURCES - OURS);
    RIG_MUST(rig_post(m->c, source[i].type, source[i].info, source[i].lid, source[i].bits) == 0);
    loud(m, i);
  }
}

static void run(uint32_t seed, int per_event)
{
  rig *r = rig_new(&(nvmens_subsys_config){.mask_scope = per_event ? NVMENS_MASK_EVENT : 0});
  model m = {.r = r, .seed = seed, .seed0 = seed, .per_event = per_event};
  unsigned i;

  m.c = rig_ctrl_on(r);
  m.shown = rig_ns_auto(r, 1);
  m.loose = rig_ns_loose(r, 2);
  rig_changed(m.c, RIG_LID4, RIG_CONSUME);
  rig_changed(m.c, RIG_LID1C, RIG_CONSUME);
  for (i = 0; i < 200; i++) {
    act(&m);
    compare(&m, i);
  }
  rig_end(r);
}

static void run_all(int per_event)
{
  const unsigned runs = getenv("NVMENS_LONG") ? 50000 : 400;
  uint32_t seed;

  for (seed = 1; seed <= runs; seed++)
    run(seed, per_event);
  printf("# seeds 1 to %u\n", runs);
}

START_TEST(R28_events_are_as_the_table_says_masked_by_type)
{
  run_all(0);
}
END_TEST

START_TEST(R28_events_are_as_the_table_says_masked_by_event)
{
  run_all(1);
}
END_TEST

int main(void)
{
  return RIG_RUN("event_model", R28_events_are_as_the_table_says_masked_by_type,
                 R28_events_are_as_the_table_says_masked_by_event);
}
