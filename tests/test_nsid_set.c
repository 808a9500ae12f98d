/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_nsid_set.c: the map from NSID to pointer against an array that is searched from end to end.
 *
 * Sequences are random but repeatable: the seed is printed, and NVMENS_SEED sets another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nsid_set.h"
#include "rig_main.h"

enum { MOST = 1200 }; /* NSIDs of one model */
#define HIGHEST 0xffffffffu

static uint64_t first_seed = 20260801, seed;

static uint32_t roll(uint32_t below)
{
  seed = seed * 6364136223846793005 + 1442695040888963407;
  return (uint32_t)((seed >> 32) % below);
}

/* ck_assert writes to a file each time, which is slow where there are millions. */
#define MUST(x)                                                                                    \
  do {                                                                                             \
    if (!(x))                                                                                      \
      ck_abort_msg("%s", #x);                                                                      \
  } while (0)

/* ---- an allocator that counts, and fails once ---- */

static struct {
  size_t bytes, blocks;
  unsigned calls;
  unsigned fails; /* the fails-th call from now; 0: none */
} heap;

typedef union block {
  size_t size;
  max_align_t align;
} block;

static void *counting_alloc(void *user, size_t size)
{
  block *b;

  (void)user;
  heap.calls++;
  if (heap.fails && !--heap.fails)
    return NULL;
  b = malloc(sizeof(*b) + size);
  ck_assert_ptr_nonnull(b);
  b->size = size;
  heap.bytes += size;
  heap.blocks++;
  return b + 1;
}

static void counting_free(void *user, void *ptr)
{
  block *b = (block *)ptr - 1;

  (void)user;
  heap.bytes -= b->size;
  heap.blocks--;
  free(b);
}

static const nvmens_mem mem = {NULL, counting_alloc, counting_free};

/* ---- the model: NSIDs in order, and which are members ---- */

typedef struct model {
  nvmens_nsid_set set;
  uint32_t nsid[MOST];
  bool member[MOST];
  unsigned count, members;
} model;

static void *value_of(uint32_t nsid)
{
  static char base[1];

  return (void *)((uintptr_t)base + nsid % 4096);
}

static int compare(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

  return x < y ? -1 : x > y;
}

static void sort(model *m)
{
  unsigned n = 0;

  qsort(m->nsid, m->count, sizeof(m->nsid[0]), compare);
  for (unsigned i = 0; i < m->count; i++)
    if (m->nsid[i] && (!n || m->nsid[i] != m->nsid[n - 1]))
      m->nsid[n++] = m->nsid[i];
  m->count = n;
}

static void check_together(const model *m, uint32_t after, uint32_t most)
{
  uint32_t nsid[20], count, n;
  void *value[20];

  count = nvmens_nsid_set_some(&m->set, after, most, nsid, value);
  MUST(count <= most && nvmens_nsid_set_some(&m->set, after, most, nsid, NULL) == count);
  for (n = 0; n < count; n++) {
    MUST(nvmens_nsid_set_next(&m->set, after, &after) == value[n]);
    MUST(nsid[n] == after);
  }
  MUST(n == most || !nvmens_nsid_set_next(&m->set, after, &after));
}

static void check_next(const model *m, uint32_t after)
{
  uint32_t got = 0;
  unsigned i = 0;
  void *value = nvmens_nsid_set_next(&m->set, after, &got);

  while (i < m->count && (!m->member[i] || m->nsid[i] <= after))
    i++;
  if (i == m->count) {
    MUST(!value);
  } else {
    MUST(got == m->nsid[i]);
    MUST(value == value_of(got));
  }
  check_together(m, after, roll(21));
}

static void check_gap(const model *m, uint32_t max)
{
  uint32_t gap = 1;

  for (unsigned i = 0; i < m->count && m->nsid[i] <= gap; i++)
    gap += m->member[i] && m->nsid[i] == gap;
  MUST(nvmens_nsid_set_gap(&m->set, max) == (gap <= max ? gap : 0));
}

static void check_get(const model *m, unsigned i)
{
  MUST(nvmens_nsid_set_get(&m->set, m->nsid[i]) == (m->member[i] ? value_of(m->nsid[i]) : NULL));
}

static void check_all(const model *m)
{
  uint32_t nsid = 0;

  for (unsigned i = 0; i < m->count; i++) {
    check_get(m, i);
    if (!m->member[i])
      continue;
    MUST(nvmens_nsid_set_next(&m->set, nsid, &nsid) == value_of(m->nsid[i]));
    MUST(nsid == m->nsid[i]);
  }
  MUST(!nvmens_nsid_set_next(&m->set, nsid, &nsid));
  check_together(m, 0, 20);
  MUST(m->set.count == m->members);
  check_gap(m, HIGHEST);
}

static void check_some(const model *m)
{
  unsigned i = roll(m->count);

  check_get(m, i);
  check_next(m, m->nsid[i] - 2 + roll(4));
  check_next(m, roll(2) ? roll(HIGHEST) : roll(m->count));
  check_gap(m, roll(2) ? m->nsid[i] : HIGHEST - roll(2));
}

static void add(model *m, unsigned i)
{
  int err = nvmens_nsid_set_add(&m->set, &mem, m->nsid[i], value_of(m->nsid[i]));

  MUST(err == (m->member[i] ? NVMENS_ERR_EXISTS : 0));
  m->members += !m->member[i];
  m->member[i] = true;
}

static void take(model *m, unsigned i)
{
  unsigned calls = heap.calls;
  void *value = nvmens_nsid_set_remove(&m->set, &mem, m->nsid[i]);

  MUST(value == (m->member[i] ? value_of(m->nsid[i]) : NULL));
  MUST(heap.calls == calls);
  m->members -= m->member[i];
  m->member[i] = false;
}

/* Grows and shrinks by turns, all the way down at the end. */
static void churn(model *m, unsigned steps)
{
  unsigned grow = 9;

  seed = first_seed;
  sort(m);
  for (unsigned i = 0; i < steps; i++) {
    if (i % m->count == 0)
      grow = 1 + roll(9);
    if (roll(10) < grow)
      add(m, roll(m->count));
    else
      take(m, roll(m->count));
    check_some(m);
    if (i % 512 == 0)
      check_all(m);
  }
  for (unsigned i = 0; i < m->count; i++) {
    take(m, roll(m->count));
    take(m, i);
    check_some(m);
  }
  for (unsigned i = 0; i < m->count; i++)
    take(m, i);
  ck_assert_ptr_null(m->set.root);
  ck_assert_uint_eq(m->set.count, 0);
  ck_assert_uint_eq(heap.blocks, 0);
}

/* ---- sets of NSIDs that differ in how they lie ---- */

static void fill_dense(model *m)
{
  for (m->count = 0; m->count < MOST; m->count++)
    m->nsid[m->count] = m->count + 1;
}

static void fill_highest(model *m)
{
  for (m->count = 0; m->count < 300; m->count++)
    m->nsid[m->count] = HIGHEST - m->count;
}

static void fill_powers(model *m)
{
  static const uint32_t more[] = {1, 63, 64, 65, 4095, 4096, 4097, 0xfffffffe, 0xffffffff};

  m->count = 0;
  for (unsigned i = 0; i < 32; i++)
    for (unsigned j = 0; j < 5; j++)
      m->nsid[m->count++] = ((uint32_t)1 << i) + j - 2;
  for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
    m->nsid[m->count++] = more[i];
}

static void fill_random(model *m)
{
  for (m->count = 0; m->count < MOST; m->count++)
    m->nsid[m->count] = 1 + roll(HIGHEST);
}

static void fill_strides(model *m)
{
  for (m->count = 0; m->count < MOST; m->count++)
    m->nsid[m->count] = 1 + (m->count % 40 << m->count / 40 % 27);
}

static void fill_clusters(model *m)
{
  uint32_t nsid = 1;

  for (m->count = 0; m->count < MOST; m->count++, nsid++) {
    if (!roll(100))
      nsid = roll(HIGHEST) & ~(uint32_t)63;
    m->nsid[m->count] = nsid;
  }
}

static void (*const fill[])(model *) = {fill_dense,  fill_highest, fill_powers,
                                        fill_random, fill_strides, fill_clusters};
enum { FILLS = sizeof(fill) / sizeof(fill[0]) };

START_TEST(does_as_the_model_does)
{
  static model m;

  memset(&m, 0, sizeof(m));
  seed = first_seed;
  fill[_i](&m);
  churn(&m, 12000);
}
END_TEST

START_TEST(an_empty_set_has_nothing)
{
  nvmens_nsid_set set = {0};
  uint32_t nsid = 77;

  ck_assert_ptr_null(nvmens_nsid_set_get(&set, 1));
  ck_assert_ptr_null(nvmens_nsid_set_remove(&set, &mem, 1));
  ck_assert_ptr_null(nvmens_nsid_set_next(&set, 0, &nsid));
  ck_assert_ptr_null(nvmens_nsid_set_next(&set, HIGHEST, &nsid));
  ck_assert_uint_eq(nvmens_nsid_set_some(&set, 0, 1, &nsid, (void *[1]){0}), 0);
  ck_assert_uint_eq(nvmens_nsid_set_gap(&set, 0), 0);
  ck_assert_uint_eq(nvmens_nsid_set_gap(&set, 1), 1);
  nvmens_nsid_set_clear(&set, &mem);
  ck_assert_ptr_null(set.root);
  ck_assert_uint_eq(heap.calls, 0);
}
END_TEST

START_TEST(the_first_and_the_last_nsid_are_members_like_others)
{
  static const uint32_t edge[] = {1, HIGHEST, HIGHEST - 1};
  nvmens_nsid_set set = {0};
  uint32_t nsid;

  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq(nvmens_nsid_set_add(&set, &mem, edge[i], value_of(edge[i])), 0);
  ck_assert_ptr_null(nvmens_nsid_set_get(&set, 0));
  ck_assert_ptr_eq(nvmens_nsid_set_next(&set, 0, &nsid), value_of(1));
  ck_assert_ptr_eq(nvmens_nsid_set_next(&set, 1, &nsid), value_of(HIGHEST - 1));
  ck_assert_ptr_eq(nvmens_nsid_set_next(&set, HIGHEST - 1, &nsid), value_of(HIGHEST));
  ck_assert_uint_eq(nsid, HIGHEST);
  ck_assert_ptr_null(nvmens_nsid_set_next(&set, HIGHEST, &nsid));
  ck_assert_uint_eq(nvmens_nsid_set_gap(&set, HIGHEST), 2);
  ck_assert_uint_eq(nvmens_nsid_set_gap(&set, 1), 0);
  nvmens_nsid_set_clear(&set, &mem);
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

START_TEST(a_hundred_thousand_in_a_row_have_no_gap_but_those_made)
{
  enum { LAST = 100000 };
  nvmens_nsid_set set = {0};

  seed = first_seed;
  for (uint32_t nsid = 1; nsid <= LAST; nsid++) {
    MUST(nvmens_nsid_set_gap(&set, LAST) == nsid);
    MUST(nvmens_nsid_set_add(&set, &mem, nsid, value_of(nsid)) == 0);
  }
  MUST(nvmens_nsid_set_gap(&set, LAST) == 0);
  MUST(nvmens_nsid_set_gap(&set, LAST + 1) == LAST + 1);
  for (unsigned i = 0; i < 20000; i++) {
    uint32_t a = 1 + roll(LAST), b = 1 + roll(LAST);

    nvmens_nsid_set_remove(&set, &mem, a);
    nvmens_nsid_set_remove(&set, &mem, b);
    MUST(nvmens_nsid_set_gap(&set, LAST) == (a < b ? a : b));
    MUST(nvmens_nsid_set_add(&set, &mem, a, value_of(a)) == 0);
    if (a != b)
      MUST(nvmens_nsid_set_add(&set, &mem, b, value_of(b)) == 0);
  }
  for (uint32_t at = 0, nsid; nvmens_nsid_set_next(&set, at, &nsid); at = nsid)
    MUST(nsid == at + 1);
  nvmens_nsid_set_clear(&set, &mem);
  MUST(heap.blocks == 0);
}
END_TEST

START_TEST(a_full_run_far_below_the_node_above_has_its_gap_behind_it)
{
  for (unsigned shift = 6; shift < 32; shift++) {
    const uint32_t far = (uint32_t)1 << shift;
    nvmens_nsid_set set = {0};

    for (uint32_t nsid = 1; nsid <= 64; nsid++)
      ck_assert_int_eq(nvmens_nsid_set_add(&set, &mem, nsid, value_of(nsid)), 0);
    ck_assert_int_eq(nvmens_nsid_set_add(&set, &mem, far + 64, value_of(far)), 0);
    ck_assert_uint_eq(nvmens_nsid_set_gap(&set, HIGHEST), 65);
    ck_assert_uint_eq(nvmens_nsid_set_gap(&set, 64), 0);
    nvmens_nsid_set_remove(&set, &mem, far + 64);
    ck_assert_uint_eq(nvmens_nsid_set_gap(&set, HIGHEST), 65);
    nvmens_nsid_set_clear(&set, &mem);
    ck_assert_ptr_null(set.root);
    ck_assert_uint_eq(set.count, 0);
  }
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

/* ---- memory ---- */

/* With what an allocator may add to a block. */
static size_t cost(void)
{
  return heap.bytes + 16 * heap.blocks;
}

START_TEST(memory_follows_the_members)
{
  enum { MEMBERS = 65536 };
  nvmens_nsid_set set = {0};

  for (uint32_t i = 0; i < MEMBERS; i++)
    MUST(nvmens_nsid_set_add(&set, &mem, 1 + i, value_of(i)) == 0);
  MUST(cost() <= 10 * MEMBERS);
  for (uint32_t i = 0; i < MEMBERS; i++)
    if (i % 64)
      nvmens_nsid_set_remove(&set, &mem, 1 + i);
  MUST(cost() <= 600 * set.count);
  for (uint32_t i = 0; i < MEMBERS; i += 64) /* an add takes the slack away */
    MUST(nvmens_nsid_set_add(&set, &mem, 2 + i, value_of(i)) == 0);
  MUST(cost() <= 40 * set.count);
  nvmens_nsid_set_clear(&set, &mem);

  for (unsigned shift = 6; shift < 26; shift++) {
    for (uint32_t i = 0; i < 64; i++)
      MUST(nvmens_nsid_set_add(&set, &mem, 1 + (i << shift), value_of(i)) == 0);
    MUST(cost() <= 100 * set.count);
    nvmens_nsid_set_clear(&set, &mem);
  }
  MUST(heap.blocks == 0);
}
END_TEST

START_TEST(an_add_without_memory_changes_nothing)
{
  static model m;

  memset(&m, 0, sizeof(m));
  seed = first_seed;
  fill[_i](&m);
  sort(&m);
  for (unsigned n = 0; n < 2500; n++) {
    unsigned i = roll(m.count), fails = 1;
    int err;

    if (roll(n < 1500 ? 4 : 2) == 0) {
      take(&m, i);
      continue;
    }
    do {
      size_t bytes = heap.bytes, blocks = heap.blocks;

      heap.fails = fails++;
      err = nvmens_nsid_set_add(&m.set, &mem, m.nsid[i], value_of(m.nsid[i]));
      heap.fails = 0;
      if (err == NVMENS_ERR_NOMEM) {
        ck_assert_uint_eq(heap.bytes, bytes);
        ck_assert_uint_eq(heap.blocks, blocks);
        ck_assert_uint_eq(m.set.count, m.members);
        check_get(&m, i);
        check_some(&m);
        if (n % 64 == 0)
          check_all(&m);
      }
    } while (err == NVMENS_ERR_NOMEM);
    ck_assert_uint_le(fails, 4); /* an add takes two blocks at most */
    ck_assert_int_eq(err, m.member[i] ? NVMENS_ERR_EXISTS : 0);
    m.members += !m.member[i];
    m.member[i] = true;
  }
  check_all(&m);
  nvmens_nsid_set_clear(&m.set, &mem);
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("nsid_set");
  TCase *tc = tcase_create("nsid_set");

  if (getenv("NVMENS_SEED"))
    first_seed = strtoull(getenv("NVMENS_SEED"), NULL, 0);
  printf("# NVMENS_SEED=%" PRIu64 "\n", first_seed);
  fflush(stdout);
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, an_empty_set_has_nothing);
  tcase_add_test(tc, the_first_and_the_last_nsid_are_members_like_others);
  tcase_add_loop_test(tc, does_as_the_model_does, 0, FILLS);
  tcase_add_test(tc, a_hundred_thousand_in_a_row_have_no_gap_but_those_made);
  tcase_add_test(tc, a_full_run_far_below_the_node_above_has_its_gap_behind_it);
  tcase_add_test(tc, memory_follows_the_members);
  tcase_add_loop_test(tc, an_add_without_memory_changes_nothing, 0, FILLS);
  suite_add_tcase(suite, tc);
  return rig_main(suite);
}
