/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_ident_set.c: the identifiers in use against an array that is searched from end to end.
 *
 * Sequences are random but repeatable: the seed is printed, and NVMENS_SEED sets another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ident_set.h"
#include "rig_main.h"

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

/* ---- the model ---- */

enum { FEW = 150 };

typedef struct model {
  nvmens_ident_set set;
  nvmens_ident ident[FEW];
  bool member[FEW];
} model;

static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
  static const uint8_t zero[16];

  return memcmp(a, b, len) == 0 && memcmp(a, zero, len) != 0;
}

static bool clash(const nvmens_ident *a, const nvmens_ident *b)
{
  return same(a->uuid, b->uuid, 16) || same(a->nguid, b->nguid, 16) || same(a->eui64, b->eui64, 8);
}

static bool has(const model *m, const nvmens_ident *ident)
{
  for (unsigned i = 0; i < FEW; i++)
    if (m->member[i] && clash(&m->ident[i], ident))
      return true;
  return false;
}

static unsigned identifiers(const nvmens_ident *ident)
{
  return (unsigned)same(ident->uuid, ident->uuid, 16) + same(ident->nguid, ident->nguid, 16) +
         same(ident->eui64, ident->eui64, 8);
}

/* The three kinds draw from the same few values, at either end of the bytes. */
static void make(uint8_t *bytes, unsigned len, unsigned values)
{
  uint32_t value = roll(3) ? 1 + roll(values) : 0;
  unsigned at = roll(2) ? 0 : len - 2;

  memset(bytes, 0, len);
  bytes[at] = (uint8_t)value;
  bytes[at + 1] = (uint8_t)(value >> 8);
}

static nvmens_ident make_ident(unsigned values)
{
  nvmens_ident ident;

  make(ident.uuid, 16, values);
  make(ident.nguid, 16, values);
  make(ident.eui64, 8, values);
  return ident;
}

static void check(const model *m)
{
  uint32_t used = 0, count = 0;

  for (unsigned i = 0; i < FEW; i++) {
    MUST(nvmens_ident_set_has(&m->set, &m->ident[i]) == has(m, &m->ident[i]));
    count += m->member[i] ? identifiers(&m->ident[i]) : 0;
  }
  for (uint32_t i = 0; i < m->set.size; i++)
    used += m->set.entry[i] != NULL;
  MUST(m->set.count == count);
  MUST(used == count);
  MUST(4 * used <= 3 * m->set.size);
}

/* Adds with every allocation failing first. */
static void add(model *m, unsigned i)
{
  nvmens_ident_set before = m->set;
  int err, expected = has(m, &m->ident[i]) ? NVMENS_ERR_EXISTS : 0;

  heap.fails = 1;
  err = nvmens_ident_set_add(&m->set, &mem, &m->ident[i]);
  heap.fails = 0;
  if (err == NVMENS_ERR_NOMEM) {
    ck_assert_mem_eq(&m->set, &before, sizeof(before));
    check(m);
    err = nvmens_ident_set_add(&m->set, &mem, &m->ident[i]);
  }
  ck_assert_int_eq(err, expected);
  m->member[i] = m->member[i] || !err;
}

static void take(model *m, unsigned i)
{
  nvmens_ident_set_remove(&m->set, &m->ident[i]);
  m->member[i] = false;
}

START_TEST(does_as_the_model_does)
{
  static const unsigned values[] = {1, 20, 400};
  static model m;
  unsigned grow = 5;

  memset(&m, 0, sizeof(m));
  seed = first_seed;
  for (unsigned n = 0; n < 6000; n++) {
    nvmens_ident probe = make_ident(values[_i]);
    unsigned i = roll(FEW);

    if (n % 200 == 0)
      grow = 1 + roll(9);
    if (!m.member[i] && roll(3) == 0)
      m.ident[i] = probe;
    ck_assert_int_eq(nvmens_ident_set_has(&m.set, &probe), has(&m, &probe));
    if (roll(10) < grow)
      add(&m, i);
    else
      take(&m, i); /* a member or not; another member may have its identifiers */
    if (n % 8 == 0)
      check(&m);
  }
  for (unsigned i = 0; i < FEW; i++)
    take(&m, i);
  check(&m);
  ck_assert_uint_eq(m.set.count, 0);
  nvmens_ident_set_clear(&m.set, &mem);
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

/* Nothing hangs on giving memory back. */
START_TEST(S24_a_set_that_cannot_shrink_goes_on)
{
  static nvmens_ident ident[200];
  nvmens_ident_set set = {0};
  uint32_t size;

  for (unsigned i = 0; i < 200; i++) {
    ident[i].uuid[0] = (uint8_t)(i + 1);
    if (i < 199)
      ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &ident[i]), 0);
  }
  for (unsigned i = 1; i < 199; i++)
    nvmens_ident_set_remove(&set, &ident[i]);
  size = set.size;
  heap.fails = 1;
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &ident[199]), 0);
  ck_assert_uint_eq(heap.fails, 0);
  ck_assert_uint_eq(set.size, size);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &ident[1]), 0);
  ck_assert_uint_lt(set.size, size);
  nvmens_ident_set_clear(&set, &mem);
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

/* The table of 2^30 slots is the largest, and is asked for; 32 bits cannot even ask. */
START_TEST(a_set_grows_to_its_largest_table)
{
  static const nvmens_ident ident[2] = {{.uuid = {1}}, {.uuid = {2}}};
  nvmens_ident_set set = {0};

  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &ident[0]), 0);
  set.count = (1u << 29) - 1;
  heap.fails = 1;
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &ident[1]), NVMENS_ERR_NOMEM);
  ck_assert_uint_eq(heap.fails, SIZE_MAX <= UINT32_MAX);
  heap.fails = 0;
  nvmens_ident_set_clear(&set, &mem);
}
END_TEST

START_TEST(C15_each_identifier_is_unique_alone)
{
  const nvmens_ident a = {{1}, {2}, {3}};
  const nvmens_ident same_uuid = {{1}, {4}, {5}}, same_nguid = {{6}, {2}, {7}};
  const nvmens_ident same_eui64 = {{8}, {9}, {3}}, other = {{10}, {11}, {12}};
  nvmens_ident_set set = {0};

  ck_assert(!nvmens_ident_set_has(&set, &a));
  nvmens_ident_set_remove(&set, &a);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &a), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &a), NVMENS_ERR_EXISTS);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &same_uuid), NVMENS_ERR_EXISTS);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &same_nguid), NVMENS_ERR_EXISTS);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &same_eui64), NVMENS_ERR_EXISTS);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &other), 0);
  nvmens_ident_set_remove(&set, &a);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &same_uuid), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &same_nguid), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &same_eui64), 0);
  nvmens_ident_set_clear(&set, &mem);
  ck_assert(!nvmens_ident_set_has(&set, &other));
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

START_TEST(C15_the_same_bytes_of_another_kind_are_no_conflict)
{
  const nvmens_ident a = {.uuid = {1}}, b = {.nguid = {1}}, c = {.eui64 = {1}};
  const nvmens_ident all = {{2}, {2}, {2}};
  nvmens_ident_set set = {0};

  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &a), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &b), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &c), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &all), 0);
  ck_assert_uint_eq(set.count, 6);
  nvmens_ident_set_remove(&set, &b);
  ck_assert(nvmens_ident_set_has(&set, &a));
  ck_assert(!nvmens_ident_set_has(&set, &b));
  ck_assert(nvmens_ident_set_has(&set, &c));
  nvmens_ident_set_clear(&set, &mem);
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

START_TEST(an_identity_with_no_identifier_is_not_entered)
{
  const nvmens_ident none = {{0}, {0}, {0}};
  nvmens_ident_set set = {0};

  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &none), 0);
  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &none), 0);
  ck_assert(!nvmens_ident_set_has(&set, &none));
  nvmens_ident_set_remove(&set, &none);
  ck_assert_uint_eq(set.count, 0);
  ck_assert_uint_eq(heap.blocks, 0);
}
END_TEST

START_TEST(removal_is_by_address)
{
  const nvmens_ident a = {{1}, {2}, {3}}, copy = a;
  nvmens_ident_set set = {0};

  ck_assert_int_eq(nvmens_ident_set_add(&set, &mem, &a), 0);
  nvmens_ident_set_remove(&set, &copy);
  ck_assert_uint_eq(set.count, 3);
  ck_assert(nvmens_ident_set_has(&set, &copy));
  nvmens_ident_set_clear(&set, &mem);
}
END_TEST

START_TEST(fifty_thousand_numbered_in_a_row)
{
  enum { MANY = 50000 };
  nvmens_ident *ident = calloc(MANY, sizeof(*ident)), last = {.eui64 = {1}};
  nvmens_ident_set set = {0};
  size_t most;

  ck_assert_ptr_nonnull(ident);
  for (uint32_t i = 0; i < MANY; i++) {
    for (unsigned j = 0; j < 4; j++)
      ident[i].nguid[12 + j] = ident[i].eui64[4 + j] = (uint8_t)((i + 1) >> 8 * (3 - j));
    MUST(nvmens_ident_set_add(&set, &mem, &ident[i]) == 0);
  }
  most = heap.bytes;
  MUST(most <= (size_t)MANY * 2 * 12 * 8 / 3);
  for (uint32_t i = 0; i < MANY; i++) {
    MUST(nvmens_ident_set_has(&set, &ident[i]));
    nvmens_ident_set_remove(&set, &ident[i]);
    MUST(!nvmens_ident_set_has(&set, &ident[i]));
  }
  MUST(nvmens_ident_set_add(&set, &mem, &last) == 0); /* and the table is small again */
  MUST(heap.bytes <= 16 * 12);
  nvmens_ident_set_clear(&set, &mem);
  MUST(heap.blocks == 0);
  free(ident);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("ident_set");
  TCase *tc = tcase_create("ident_set");

  if (getenv("NVMENS_SEED"))
    first_seed = strtoull(getenv("NVMENS_SEED"), NULL, 0);
  printf("# NVMENS_SEED=%" PRIu64 "\n", first_seed);
  fflush(stdout);
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, S24_a_set_that_cannot_shrink_goes_on);
  tcase_add_test(tc, a_set_grows_to_its_largest_table);
  tcase_add_test(tc, C15_each_identifier_is_unique_alone);
  tcase_add_test(tc, C15_the_same_bytes_of_another_kind_are_no_conflict);
  tcase_add_test(tc, an_identity_with_no_identifier_is_not_entered);
  tcase_add_test(tc, removal_is_by_address);
  tcase_add_loop_test(tc, does_as_the_model_does, 0, 3);
  tcase_add_test(tc, fifty_thousand_numbered_in_a_row);
  suite_add_tcase(suite, tc);
  return rig_main(suite);
}
