/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_changed.c: one changed namespace list against a naive one (R41-R45; design.md, log).
 *
 * The model keeps what the host could say of each NSID: changed since the snapshot, or which entry
 * of the snapshot it is, and of each entry whether it reached the host and whether it was consumed.
 */
#include "changed.h"
#include "dice.h"
#include "le.h"
#include "rig_main.h"

enum { HIGHEST = 4000, LIST = NVMENS_LIST_NSIDS };

typedef struct model {
  dice_heap heap;
  nvmens_mem mem;
  nvmens_changed c;
  bool since[HIGHEST + 1]; /* changed after the snapshot */
  bool since_all;          /* more than fit */
  uint32_t snap[LIST];     /* the snapshot's entries */
  unsigned nsnap;
  bool snap_all; /* it is FFFFFFFFh */
  bool reading;  /* there is a snapshot to be read on */
  bool sent[LIST], gone[LIST];
  uint32_t seq;
} model;

static model *model_new(unsigned most)
{
  model *m = calloc(1, sizeof(*m));

  MUST(m);
  m->mem = dice_mem(&m->heap);
  MUST(nvmens_changed_reserve(&m->c, &m->mem, most) == 0);
  return m;
}

static void model_end(model *m)
{
  nvmens_changed_free(&m->c, &m->mem);
  MUST_SAY(m->heap.live == 0, "%u blocks are left", m->heap.live);
  free(m);
}

/* ---- the model ---- */

static unsigned since_count(const model *m)
{
  unsigned n = 0;

  for (uint32_t i = 1; i <= HIGHEST; i++)
    n += m->since[i];
  return n;
}

static void model_add(model *m, uint32_t nsid)
{
  if (m->since_all || m->since[nsid])
    return;
  m->since[nsid] = true;
  if (since_count(m) > LIST) {
    memset(m->since, 0, sizeof(m->since));
    m->since_all = true;
  }
}

static bool in_snapshot(const model *m, uint32_t nsid)
{
  for (unsigned i = 0; i < m->nsnap; i++)
    if (m->snap[i] == nsid && !m->gone[i])
      return true;
  return false;
}

static bool model_has(const model *m, uint32_t nsid)
{
  return m->since_all || m->snap_all || m->since[nsid] || in_snapshot(m, nsid);
}

static void model_latch(model *m, uint64_t offset, uint32_t seq)
{
  uint32_t all[HIGHEST];
  unsigned n = 0;
  const bool over = m->since_all || m->snap_all;

  if (offset && m->reading)
    return;
  for (uint32_t i = 1; i <= HIGHEST && !over; i++)
    if (model_has(m, i))
      all[n++] = i;
  m->snap_all = over || n > LIST; /* R42 */
  m->nsnap = m->snap_all ? 0 : n;
  memcpy(m->snap, all, m->nsnap * sizeof(all[0]));
  memset(m->since, 0, sizeof(m->since));
  m->since_all = false;
  memset(m->sent, 0, sizeof(m->sent));
  memset(m->gone, 0, sizeof(m->gone));
  m->reading = true;
  m->seq = seq;
}

static bool model_sent(model *m, uint32_t offset, uint32_t len, bool consume)
{
  const unsigned entries = m->snap_all ? 1 : m->nsnap;
  bool all = true;

  for (uint32_t i = offset / 4; i < (offset + len) / 4; i++)
    m->sent[i] = true;
  if (!consume)
    return false;
  for (unsigned i = 0; i < LIST; i++)
    m->gone[i] = m->sent[i];
  for (unsigned i = 0; i < entries; i++)
    all = all && m->sent[i];
  if (all) {
    m->nsnap = 0;
    m->snap_all = m->reading = false;
  }
  return all;
}

static void model_reset(model *m)
{
  m->nsnap = 0;
  m->since_all = m->snap_all = m->reading = false;
  memset(m->since, 0, sizeof(m->since));
}

/* ---- both ---- */

static void add(model *m, uint32_t nsid)
{
  const unsigned calls = m->heap.calls;

  model_add(m, nsid);
  nvmens_changed_add(&m->c, nsid);
  MUST_SAY(m->heap.calls == calls, "adding allocates");
}

static void latch(model *m, uint64_t offset, uint32_t seq)
{
  const bool fresh = !offset || !m->reading;
  const uint32_t before = m->c.latch;

  model_latch(m, offset, seq);
  nvmens_changed_latch(&m->c, offset, seq);
  MUST_SAY((m->c.latch != before) == fresh, "a snapshot's number changes with the snapshot");
  MUST(m->c.seq == m->seq);
}

static void page_is(const model *m)
{
  uint8_t page[NVMENS_PAGE];

  memset(page, 0xEE, sizeof(page));
  nvmens_changed_page(&m->c, page);
  for (unsigned i = 0; i < LIST; i++) {
    uint32_t want = i < m->nsnap ? m->snap[i] : 0;

    if (m->snap_all)
      want = i ? 0 : UINT32_MAX;
    MUST_SAY(nvmens_get32(page + 4 * i) == want, "entry %u is %u, not %u", i,
             nvmens_get32(page + 4 * i), want);
  }
}

static bool sent(model *m, uint32_t offset, uint32_t len, bool consume)
{
  const bool all = model_sent(m, offset, len, consume);

  MUST_SAY(nvmens_changed_sent(&m->c, offset, len, consume) == all,
           "a read of %u bytes at %u %s the snapshot", len, offset, all ? "ends" : "does not end");
  return all;
}

static void same(const model *m)
{
  for (uint32_t i = 1; i <= HIGHEST; i++)
    MUST_SAY(nvmens_changed_has(&m->c, i) == model_has(m, i), "%u is %s", i,
             model_has(m, i) ? "lost" : "there, but not changed or consumed");
  MUST(m->c.snapshot == m->reading);
}

/* A whole Get Log Page. */
static bool read_at(model *m, uint32_t offset, uint32_t len, bool consume)
{
  latch(m, offset, m->seq + 1);
  page_is(m);
  return sent(m, offset, len, consume);
}

/* ---- random sequences ---- */

static void random_read(model *m)
{
  static const uint32_t ends[] = {4, 8, 64, NVMENS_PAGE};
  uint32_t offset = roll(3) ? 0 : 4 * roll(LIST);
  uint32_t len = roll(3) ? ends[roll(4)] : 4 + 4 * roll(LIST);

  if (len > NVMENS_PAGE - offset)
    len = NVMENS_PAGE - offset;
  latch(m, offset, roll(UINT32_MAX));
  page_is(m);
  if (roll(5) == 0)
    add(m, 1 + roll(HIGHEST)); /* while it is transferred */
  if (roll(6))                 /* else the transfer failed */
    sent(m, offset, len, roll(3) != 0);
}

static void random_run(unsigned highest, unsigned burst, unsigned turns)
{
  model *m = model_new(highest);

  for (unsigned turn = 0; turn < turns; turn++) {
    switch (roll(8)) {
    case 0:
      for (unsigned n = roll(burst); n; n--)
        add(m, 1 + roll(highest));
      break;
    case 1:
    case 2:
      add(m, 1 + roll(highest));
      break;
    case 3:
      if (roll(10) == 0) {
        model_reset(m);
        nvmens_changed_reset(&m->c);
      }
      break;
    default:
      random_read(m);
    }
    same(m);
  }
  model_end(m);
}

START_TEST(R43_random_reads_of_short_lists)
{
  for (unsigned n = 0; n < 10; n++) {
    dice_start(n);
    random_run(20, 10, 300);
  }
}
END_TEST

START_TEST(R42_random_reads_around_the_overflow)
{
  for (unsigned n = 0; n < 3; n++) {
    dice_start(100 + n);
    random_run(n ? HIGHEST : LIST + 2, 1500, 60);
  }
}
END_TEST

/* ---- rules ---- */

START_TEST(R42_entries_ascend_and_the_1025th_is_one_too_many)
{
  for (uint32_t n = LIST - 1; n <= LIST + 1; n++) {
    model *m = model_new(HIGHEST);

    for (uint32_t i = n; i > 0; i--) /* falling */
      add(m, 2 * i);
    same(m);
    latch(m, 0, 1);
    ck_assert_int_eq(m->c.latched.overflow, n > LIST);
    page_is(m);
    ck_assert(sent(m, 0, NVMENS_PAGE, true));
    same(m);
    ck_assert(!nvmens_changed_has(&m->c, 2));
    add(m, 3); /* after an overflow was read, lists are lists again */
    latch(m, 0, 2);
    page_is(m);
    ck_assert_uint_eq(m->c.latched.count, 1);
    model_end(m);
  }
}
END_TEST

START_TEST(R42_latched_and_since_together_may_be_too_many)
{
  model *m = model_new(HIGHEST);

  for (uint32_t i = 1; i <= 600; i++)
    add(m, i);
  read_at(m, 0, 4, false);
  for (uint32_t i = 500; i < 500 + 600; i++)
    add(m, i);
  same(m);
  latch(m, 0, 9);
  ck_assert(m->c.latched.overflow); /* 1099 */
  page_is(m);
  ck_assert(sent(m, 0, 4, true)); /* the first entry is all of it */
  same(m);
  model_end(m);
}
END_TEST

START_TEST(R42_an_overflow_stays_until_it_was_read)
{
  model *m = model_new(HIGHEST);

  for (uint32_t i = 1; i <= LIST + 1; i++)
    add(m, i);
  ck_assert(!read_at(m, 8, 40, true));           /* not the first entry */
  ck_assert(!read_at(m, 0, NVMENS_PAGE, false)); /* peek */
  same(m);
  ck_assert(nvmens_changed_has(&m->c, HIGHEST)); /* anything may have changed */
  add(m, 7);
  latch(m, 0, 3);
  ck_assert(m->c.latched.overflow);
  page_is(m);
  ck_assert(sent(m, 0, 4, true));
  same(m);
  model_end(m);
}
END_TEST

START_TEST(R43_what_was_sent_since_the_latch_is_consumed)
{
  model *m = model_new(20);

  for (uint32_t i = 1; i <= 10; i++)
    add(m, i);
  ck_assert(!read_at(m, 0, 12, false)); /* 1 2 3, a peek */
  ck_assert(!read_at(m, 20, 8, true));  /* 6 7: takes 1 2 3 along */
  same(m);
  for (uint32_t i = 1; i <= 10; i++)
    ck_assert_int_eq(nvmens_changed_has(&m->c, i), i == 4 || i == 5 || i >= 8);
  page_is(m); /* offsets into the snapshot stay good */
  ck_assert_uint_eq(m->c.latched.count, 10);
  ck_assert(!read_at(m, 28, NVMENS_PAGE - 28, true)); /* its end, but 4 and 5 were never seen */
  add(m, 6);
  same(m);
  latch(m, 0, 5);
  page_is(m);
  ck_assert_uint_eq(m->c.latched.count, 3); /* 4 5 6 */
  model_end(m);
}
END_TEST

START_TEST(R43_a_new_latch_forgets_what_was_sent_before)
{
  model *m = model_new(20);

  add(m, 1), add(m, 2);
  read_at(m, 0, 8, false);
  latch(m, 0, 2);
  ck_assert(!sent(m, 4, 4, true)); /* only 2 since this latch */
  same(m);
  ck_assert(nvmens_changed_has(&m->c, 1));
  ck_assert(!nvmens_changed_has(&m->c, 2));
  model_end(m);
}
END_TEST

START_TEST(R44_a_change_after_the_latch_is_in_the_next)
{
  model *m = model_new(20);

  add(m, 4);
  latch(m, 0, 1);
  add(m, 4), add(m, 3);
  page_is(m);
  ck_assert(sent(m, 0, NVMENS_PAGE, true));
  same(m);
  ck_assert(nvmens_changed_has(&m->c, 3) && nvmens_changed_has(&m->c, 4));
  latch(m, 8, 2); /* the snapshot is used up: this takes another */
  page_is(m);
  ck_assert_uint_eq(m->c.latched.count, 2);
  model_end(m);
}
END_TEST

START_TEST(R45_an_empty_log_is_consumed_by_any_read)
{
  model *m = model_new(20);

  ck_assert(read_at(m, 0, NVMENS_PAGE, true));
  ck_assert(read_at(m, 2048, 4, true));
  ck_assert(!read_at(m, 0, NVMENS_PAGE, false));
  same(m);
  model_end(m);
}
END_TEST

/* ---- memory ---- */

START_TEST(changed_room_is_for_all_that_may_still_change)
{
  static const unsigned most[] = {0, 1, 7, 8, 500, LIST - 1, LIST, LIST + 1, HIGHEST};

  for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
    model *m = model_new(most[i]);
    const unsigned calls = m->heap.calls;

    for (uint32_t nsid = 1; nsid <= most[i] + 1 && nsid <= HIGHEST; nsid++)
      add(m, nsid);
    latch(m, 0, 1);
    for (uint32_t nsid = 1; nsid <= most[i] + 1 && nsid <= HIGHEST; nsid++)
      add(m, nsid);
    same(m);
    MUST(m->heap.calls == calls);
    MUST(m->c.room <= LIST);
    model_end(m);
  }
}
END_TEST

START_TEST(changed_without_memory_nothing_changes)
{
  for (unsigned nth = 1; nth <= 2; nth++) {
    model *m = model_new(4);

    add(m, 5), add(m, 3);
    latch(m, 0, 1);
    add(m, 9);
    m->heap.fail = nth;
    ck_assert_int_eq(nvmens_changed_reserve(&m->c, &m->mem, 100), NVMENS_ERR_NOMEM);
    ck_assert_uint_eq(m->heap.live, 2);
    same(m);
    page_is(m);
    m->heap.fail = 0;
    ck_assert_int_eq(nvmens_changed_reserve(&m->c, &m->mem, 100), 0);
    same(m);
    page_is(m);
    ck_assert_uint_eq(m->heap.live, 2);
    model_end(m);
  }
}
END_TEST

START_TEST(changed_reset_leaves_nothing)
{
  model *m = model_new(HIGHEST);

  for (unsigned full = 0; full < 2; full++) {
    for (uint32_t i = 1; i <= (full ? LIST + 1 : 3); i++)
      add(m, i);
    latch(m, 0, 1);
    add(m, 2);
    model_reset(m);
    nvmens_changed_reset(&m->c);
    same(m);
    latch(m, 4, 2);
    page_is(m);
    ck_assert_uint_eq(m->c.latched.count, 0);
  }
  model_end(m);
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN(
      "changed", R43_random_reads_of_short_lists, R42_random_reads_around_the_overflow,
      R42_entries_ascend_and_the_1025th_is_one_too_many,
      R42_latched_and_since_together_may_be_too_many, R42_an_overflow_stays_until_it_was_read,
      R43_what_was_sent_since_the_latch_is_consumed, R43_a_new_latch_forgets_what_was_sent_before,
      R44_a_change_after_the_latch_is_in_the_next, R45_an_empty_log_is_consumed_by_any_read,
      changed_room_is_for_all_that_may_still_change, changed_without_memory_nothing_changes,
      changed_reset_leaves_nothing);
}
