/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_notice.c: the events of one controller against a naive table of them (R26-R36; design.md,
 * notice). The model keeps no list: it orders sources by when they became PENDING, and masks by
 * looking at all of them.
 */
#include "dice.h"
#include "notice.h"
#include "rig_main.h"

enum { KINDS = 12, PARKED = 8 };

typedef struct kind { /* a source of the model, and what clears it and lets it pass at first */
  uint8_t type, info, lid;
  uint32_t mask;
} kind;

static const kind kinds[KINDS] = {
    {NVMENS_AER_NOTICE, NVMENS_NOTICE_ATTACHED_NS_CHANGED, NVMENS_LID_CHANGED_ATTACHED_NS,
     NVMENS_AEC_ATTACHED_NS},
    {NVMENS_AER_NOTICE, NVMENS_NOTICE_ALLOCATED_NS_CHANGED, NVMENS_LID_CHANGED_ALLOCATED_NS,
     NVMENS_AEC_ALLOCATED_NS},
    {NVMENS_AER_NOTICE, 0x01, NVMENS_LID_FIRMWARE, NVMENS_AEC_FIRMWARE},
    {NVMENS_AER_NOTICE, 0xFF, NVMENS_LID_ANA, NVMENS_AEC_ANA},
    {NVMENS_AER_ERROR, 0x00, NVMENS_LID_ERROR, 0},
    {NVMENS_AER_ERROR, 0x05, NVMENS_LID_ERROR, 0},
    {NVMENS_AER_SMART, 0x00, NVMENS_LID_SMART, 1},
    {NVMENS_AER_SMART, 0x01, NVMENS_LID_SMART, 2 | 4}, /* either */
    {NVMENS_AER_IMMEDIATE, 0x00, 0, 0},
    {NVMENS_AER_ONE_SHOT, 0x07, 0, NVMENS_AEC_FIRMWARE},
    {NVMENS_AER_IO_COMMAND_SET, 0x02, 0x81, 0},
    {NVMENS_AER_VENDOR, 0xC0, 0xC1, 8},
};

typedef struct model {
  nvmens_core core;
  nvmens_notices *n;
  uint8_t scope;
  uint8_t state[KINDS], lid[KINDS];
  uint32_t mask[KINDS];
  unsigned since[KINDS]; /* when it became PENDING */
  uint64_t seq[KINDS];   /* of its last loud change */
  unsigned now;
  uint32_t changes, aec;
  uint64_t sent, coalesced;
  nvmens_cmd cmd[PARKED];
  nvmens_cmd *parked[PARKED]; /* oldest first */
  unsigned nparked;
  unsigned steps;
} model;

static uint16_t source_of(unsigned k)
{
  return nvmens_source_of(kinds[k].type, kinds[k].info);
}

static void on_trace(void *user, const nvmens_trace *trace)
{
  model *m = user;

  m->steps++;
  MUST(trace->machine == NVMENS_M_NOTICE && trace->cntlid == 77 && trace->nsid == 0);
  MUST(!trace->refused);
}

static model *model_new(uint8_t scope)
{
  model *m = calloc(1, sizeof(*m));

  MUST(m);
  m->n = calloc(1, sizeof(*m->n));
  MUST(m->n);
  m->core.host.trace = on_trace;
  m->core.user = m;
  m->scope = scope;
  nvmens_notice_init(m->n, &m->core, 77, scope);
  for (unsigned k = 0; k < KINDS; k++) {
    m->lid[k] = kinds[k].lid;
    m->mask[k] = kinds[k].mask;
  }
  return m;
}

static void model_end(model *m)
{
  free(m->n);
  free(m);
}

/* ---- the model ---- */

static bool on(const model *m, unsigned k)
{
  return m->mask[k] == 0 || (m->mask[k] & m->aec);
}

static void become(model *m, unsigned k, uint8_t state)
{
  if (state == NVMENS_NOTICE_PENDING && m->state[k] != NVMENS_NOTICE_PENDING)
    m->since[k] = ++m->now;
  m->state[k] = state;
}

static bool masked(const model *m, unsigned k)
{
  for (unsigned i = 0; i < KINDS; i++)
    if (m->state[i] == NVMENS_NOTICE_REPORTED &&
        (m->scope == NVMENS_MASK_TYPE ? kinds[i].type == kinds[k].type : i == k))
      return true;
  return false;
}

/* The kind to be delivered; held: but not the library's own, which come first; -1. */
static int next(const model *m, bool held)
{
  int best = -1;

  for (int k = 0; k < KINDS; k++)
    if (m->state[k] == NVMENS_NOTICE_PENDING && on(m, (unsigned)k) && !masked(m, (unsigned)k) &&
        !(held && k < 2) && (best < 0 || m->since[k] < m->since[best]))
      best = k;
  return best;
}

static void model_change(model *m, unsigned k, bool loud)
{
  if (!loud)
    return;
  m->seq[k] = ++m->changes;
  if (m->state[k] == NVMENS_NOTICE_CLEAR)
    become(m, k, NVMENS_NOTICE_PENDING);
  else
    m->coalesced++;
}

static void model_read(model *m, uint8_t lid, uint64_t seq, bool left)
{
  bool order[KINDS] = {false};

  /* In the order of their age, so that those that are owed again keep theirs. */
  for (unsigned n = 0; n < KINDS; n++) {
    int k = -1;

    for (int i = 0; i < KINDS; i++)
      if (!order[i] && (k < 0 || m->since[i] < m->since[k]))
        k = i;
    order[k] = true;
    if (m->lid[k] != lid || m->state[k] == NVMENS_NOTICE_CLEAR)
      continue;
    if (left || m->seq[k] > seq)
      become(m, (unsigned)k, NVMENS_NOTICE_PENDING);
    else
      become(m, (unsigned)k, NVMENS_NOTICE_CLEAR);
  }
}

static void model_aec(model *m, uint32_t aec)
{
  bool was[KINDS];

  for (unsigned k = 0; k < KINDS; k++)
    was[k] = on(m, k);
  m->aec = aec;
  for (unsigned n = 0; n < KINDS; n++) { /* again by age */
    int k = -1;

    for (int i = 0; i < KINDS; i++)
      if (m->state[i] == NVMENS_NOTICE_REPORTED && was[i] && !on(m, (unsigned)i) &&
          (k < 0 || m->since[i] < m->since[k]))
        k = i;
    if (k >= 0)
      become(m, (unsigned)k, NVMENS_NOTICE_PENDING);
  }
}

/* ---- both ---- */

static uint32_t dw0_of(const model *m, unsigned k)
{
  return kinds[k].type | (uint32_t)kinds[k].info << 8 | (uint32_t)m->lid[k] << 16;
}

static void same(const model *m)
{
  unsigned owed = 0, reported = 0;
  int want = next(m, false);

  for (unsigned k = 0; k < KINDS; k++) {
    uint8_t is = m->n->source[source_of(k)].state;

    MUST_SAY(is == m->state[k], "source %u is in state %u, not %u", k, is, m->state[k]);
    owed += is == NVMENS_NOTICE_PENDING && on(m, k);
    reported += is == NVMENS_NOTICE_REPORTED && on(m, k);
    MUST_SAY(is != NVMENS_NOTICE_REPORTED || on(m, k), "R32: reported with its bit off");
  }
  MUST_SAY(nvmens_notice_next(m->n, false) == (want < 0 ? -1 : source_of((unsigned)want)),
           "source %d is to be next", want);
  want = next(m, true);
  MUST_SAY(nvmens_notice_next(m->n, true) == (want < 0 ? -1 : source_of((unsigned)want)),
           "held: source %d is to be next", want);
  MUST(nvmens_notice_count(m->n, NVMENS_NOTICE_PENDING) == owed);
  MUST(nvmens_notice_count(m->n, NVMENS_NOTICE_REPORTED) == reported);
  MUST(m->n->sent == m->sent && m->n->coalesced == m->coalesced);
  MUST(m->n->parked_count == m->nparked && m->n->aec == m->aec);
}

static void change(model *m, unsigned k, bool loud)
{
  model_change(m, k, loud);
  if (k < 2)
    nvmens_notice_change(m->n, source_of(k), loud);
  else
    nvmens_notice_post(m->n, source_of(k), m->lid[k], m->mask[k]);
}

/* What clears it and lets it pass may change, but not while the host acts on what it was told. */
static void post_otherwise(model *m, unsigned k)
{
  const kind *other = &kinds[2 + roll(KINDS - 2)];

  nvmens_notice_post(m->n, source_of(k), other->lid, other->mask);
  if (m->state[k] != NVMENS_NOTICE_REPORTED) {
    m->lid[k] = other->lid;
    m->mask[k] = other->mask;
  }
  model_change(m, k, true);
}

static void park(model *m, uint16_t cid)
{
  nvmens_cmd *cmd = NULL;

  for (unsigned i = 0; i < PARKED && !cmd; i++)
    if (m->cmd[i].state != NVMENS_GO)
      cmd = &m->cmd[i];
  if (!cmd)
    return;
  cmd->state = NVMENS_GO; /* in use, for this test */
  cmd->cid = cid;
  m->parked[m->nparked++] = cmd;
  nvmens_notice_park(m->n, cmd);
}

static void taken(model *m, unsigned at, nvmens_cmd *got)
{
  if (at >= m->nparked) {
    MUST_SAY(!got, "an AER that was not parked");
    return;
  }
  MUST_SAY(got == m->parked[at], "P5: not the oldest AER");
  got->state = 0;
  memmove(&m->parked[at], &m->parked[at + 1], (--m->nparked - at) * sizeof(got));
}

static void abort_one(model *m, uint16_t cid)
{
  unsigned at = 0;

  while (at < m->nparked && m->parked[at]->cid != cid)
    at++;
  taken(m, at, nvmens_notice_unpark_cid(m->n, cid));
}

static void deliver(model *m)
{
  int k = next(m, false);

  if (k < 0)
    return;
  m->sent++;
  MUST_SAY(nvmens_notice_deliver(m->n, source_of((unsigned)k)) == dw0_of(m, (unsigned)k),
           "R27: DW0 of source %d", k);
  become(m, (unsigned)k,
         kinds[k].type == NVMENS_AER_IMMEDIATE || kinds[k].type == NVMENS_AER_ONE_SHOT
             ? NVMENS_NOTICE_CLEAR
             : NVMENS_NOTICE_REPORTED);
  taken(m, 0, nvmens_notice_unpark(m->n));
}

static void read_page(model *m, uint8_t lid, uint64_t seq, bool left)
{
  model_read(m, lid, seq, left);
  nvmens_notice_read(m->n, lid, seq, left);
}

static void set_aec(model *m, uint32_t aec)
{
  model_aec(m, aec);
  nvmens_notice_set_aec(m->n, aec);
}

static void reset(model *m, uint32_t aec)
{
  memset(m->state, 0, sizeof(m->state));
  m->aec = aec;
  m->changes++; /* it counts as one, so that what is older is known */
  nvmens_notice_reset(m->n, aec);
}

/* ---- random events ---- */

static void random_turn(model *m)
{
  uint8_t lid = kinds[roll(KINDS)].lid;

  switch (roll(16)) {
  case 0:
  case 1:
    park(m, (uint16_t)roll(4));
    break;
  case 2:
    abort_one(m, (uint16_t)roll(5));
    break;
  case 3:
    taken(m, 0, nvmens_notice_unpark(m->n));
    break;
  case 4:
    if (roll(2))
      change(m, roll(2), false);
    else
      post_otherwise(m, 2 + roll(KINDS - 2));
    break;
  case 5:
  case 6:
    set_aec(m, roll(3) ? m->aec ^ kinds[roll(KINDS)].mask : roll(UINT32_MAX));
    break;
  case 7:
    nvmens_notice_peek(m->n, lid);
    break;
  case 8:
    if (roll(8) == 0)
      reset(m, roll(2) ? 0 : UINT32_MAX);
    break;
  case 9:
  case 10:
    read_page(m, lid, m->changes - (m->changes > 5 ? roll(6) : 0), roll(4) == 0);
    break;
  case 11:
  case 12:
    deliver(m);
    break;
  default:
    change(m, roll(KINDS), true);
  }
}

static void random_run(uint8_t scope)
{
  for (unsigned n = 0; n < 20; n++) {
    model *m = model_new(scope);

    dice_start(n);
    for (unsigned turn = 0; turn < 1500; turn++) {
      random_turn(m);
      same(m);
    }
    model_end(m);
  }
}

START_TEST(R28_random_events_masked_by_type)
{
  random_run(NVMENS_MASK_TYPE);
}
END_TEST

START_TEST(R28_random_events_masked_each_by_itself)
{
  random_run(NVMENS_MASK_EVENT);
}
END_TEST

/* ---- rules ---- */

START_TEST(R27_sources_are_told_apart)
{
  for (unsigned a = 0; a < KINDS; a++)
    for (unsigned b = 0; b < a; b++)
      ck_assert_uint_ne(source_of(a), source_of(b));
  ck_assert_uint_eq(source_of(0), NVMENS_SOURCE_ATTACHED);
  ck_assert_uint_eq(source_of(1), NVMENS_SOURCE_ALLOCATED);
  for (unsigned type = 0; type < 256; type++)
    ck_assert_int_eq(nvmens_type_valid((uint8_t)type), type < 8 && type != 5);
  ck_assert_uint_lt(nvmens_source_of(7, 0xFF), NVMENS_SOURCES);
}
END_TEST

START_TEST(R44_a_change_newer_than_the_read_is_told_again)
{
  for (unsigned many = 0; many < 2; many++) {
    model *m = model_new(NVMENS_MASK_TYPE);
    uint64_t before;

    m->n->seq = many ? UINT32_MAX : 5;
    m->n->aec = NVMENS_AEC_ATTACHED_NS;
    nvmens_notice_change(m->n, NVMENS_SOURCE_ATTACHED, true);
    nvmens_notice_deliver(m->n, NVMENS_SOURCE_ATTACHED);
    before = m->n->seq;
    nvmens_notice_change(m->n, NVMENS_SOURCE_ATTACHED, true);
    nvmens_notice_read(m->n, NVMENS_LID_CHANGED_ATTACHED_NS, before, false);
    ck_assert_int_eq(nvmens_notice_next(m->n, false), NVMENS_SOURCE_ATTACHED);
    nvmens_notice_read(m->n, NVMENS_LID_CHANGED_ATTACHED_NS, m->n->seq, false);
    ck_assert_int_eq(nvmens_notice_next(m->n, false), -1);
    model_end(m);
  }
}
END_TEST

START_TEST(R28_a_masked_source_lets_others_pass)
{
  model *m = model_new(NVMENS_MASK_TYPE);

  set_aec(m, UINT32_MAX);
  change(m, 0, true), change(m, 1, true), change(m, 4, true);
  same(m);
  deliver(m);
  same(m);
  ck_assert_int_eq(next(m, false), 4); /* 1 is of the type that is masked, an error is not */
  deliver(m);
  same(m);
  read_page(m, kinds[0].lid, m->changes, false);
  same(m);
  ck_assert_int_eq(next(m, false), 1);
  model_end(m);
}
END_TEST

START_TEST(R32_off_and_on_keeps_the_place)
{
  model *m = model_new(NVMENS_MASK_EVENT);

  set_aec(m, UINT32_MAX);
  change(m, 2, true), change(m, 0, true), change(m, 3, true);
  set_aec(m, UINT32_MAX & ~kinds[2].mask);
  same(m);
  ck_assert_int_eq(next(m, false), 0);
  set_aec(m, UINT32_MAX);
  same(m);
  ck_assert_int_eq(next(m, false), 2); /* it has been PENDING longest */
  model_end(m);
}
END_TEST

START_TEST(notice_a_step_for_each_source_of_a_page)
{
  model *m = model_new(NVMENS_MASK_EVENT);

  m->steps = 0;
  nvmens_notice_peek(m->n, kinds[0].lid); /* the library's own also when CLEAR */
  ck_assert_uint_eq(m->steps, 1);
  change(m, 4, true), change(m, 5, true);
  m->steps = 0;
  nvmens_notice_peek(m->n, NVMENS_LID_ERROR);
  ck_assert_uint_eq(m->steps, 2);
  nvmens_notice_peek(m->n, 0x77);
  ck_assert_uint_eq(m->steps, 2);
  nvmens_notice_read(m->n, NVMENS_LID_ERROR, m->n->seq, true);
  ck_assert_uint_eq(m->steps, 4);
  model_end(m);
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN("notice", R28_random_events_masked_by_type,
                 R28_random_events_masked_each_by_itself, R27_sources_are_told_apart,
                 R44_a_change_newer_than_the_read_is_told_again,
                 R28_a_masked_source_lets_others_pass, R32_off_and_on_keeps_the_place,
                 notice_a_step_for_each_source_of_a_page);
}
