/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tokens.c: names for what is pending, against a list of every token that was ever given (T7).
 */
#include "dice.h"
#include "rig_main.h"
#include "tokens.h"

enum { PLACES = 40, EVER = 20000 };

typedef struct model {
  dice_heap heap;
  nvmens_mem mem;
  nvmens_tokens tokens;
  struct {
    bool reserved;
    uint32_t number;
    nvmens_token live; /* 0: none */
    uint8_t kind;
    int object;
  } place[PLACES];
  nvmens_token ever[EVER];
  unsigned count;
} model;

static model *model_new(void)
{
  model *m = calloc(1, sizeof(*m));

  MUST(m);
  m->mem = dice_mem(&m->heap);
  return m;
}

static void model_end(model *m)
{
  nvmens_tokens_clear(&m->tokens, &m->mem);
  ck_assert_uint_eq(m->heap.live, 0);
  ck_assert_uint_eq(m->tokens.size, 0);
  free(m);
}

static void reserve(model *m, unsigned i)
{
  m->place[i].live = 0;
  MUST(nvmens_tokens_reserve(&m->tokens, &m->mem, &m->place[i].number) == 0);
  m->place[i].reserved = true;
  for (unsigned j = 0; j < PLACES; j++)
    MUST_SAY(j == i || !m->place[j].reserved || m->place[j].number != m->place[i].number,
             "one place is reserved twice");
}

static void release(model *m, unsigned i)
{
  nvmens_tokens_release(&m->tokens, m->place[i].number);
  m->place[i].reserved = false;
  m->place[i].live = 0;
}

static void arm(model *m, unsigned i)
{
  uint8_t kind = (uint8_t)(1 + roll(2));
  nvmens_token token = nvmens_tokens_arm(&m->tokens, m->place[i].number, kind, &m->place[i].object);

  MUST_SAY(token != 0, "0 is no token");
  for (unsigned j = 0; j < m->count; j++)
    MUST_SAY(m->ever[j] != token, "a token came again");
  m->ever[m->count++] = token;
  m->place[i].live = token;
  m->place[i].kind = kind;
}

/* Any token that was ever given: found iff it is live, and of this kind. */
static void check_one(const model *m, nvmens_token token, uint8_t kind)
{
  const void *object = NULL;

  for (unsigned i = 0; i < PLACES; i++)
    if (m->place[i].live == token && m->place[i].kind == kind)
      object = &m->place[i].object;
  MUST_SAY(nvmens_tokens_find(&m->tokens, token, kind) == object, "%s",
           object ? "a live token is not found" : "a token is found that is not live");
}

START_TEST(T7_random_sequences_never_give_a_token_twice)
{
  for (unsigned n = 0; n < 4; n++) {
    model *m = model_new();

    dice_start(n);
    for (int turn = 0; turn < 6000; turn++) {
      unsigned i = roll(PLACES), what = roll(8);

      if (!m->place[i].reserved)
        reserve(m, i);
      else if (what == 0)
        release(m, i);
      else if (what < 5)
        arm(m, i);
      else if (what < 7) {
        nvmens_tokens_retire(&m->tokens, m->place[i].number);
        m->place[i].live = 0;
      }
      for (int k = 0; k < 10 && m->count; k++)
        check_one(m, m->ever[roll(m->count)], (uint8_t)(1 + roll(2)));
      for (unsigned p = 0; p < PLACES; p++)
        if (m->place[p].live)
          check_one(m, m->place[p].live, m->place[p].kind);
    }
    for (unsigned j = 0; j < m->count; j++)
      check_one(m, m->ever[j], 1), check_one(m, m->ever[j], 2);
    model_end(m);
  }
}
END_TEST

START_TEST(T7_a_place_that_changes_hands_gives_new_tokens)
{
  model *m = model_new();
  nvmens_token first, second;
  uint32_t number, again;
  int one, other;

  ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number), 0);
  first = nvmens_tokens_arm(&m->tokens, number, 1, &one);
  nvmens_tokens_release(&m->tokens, number);
  ck_assert_ptr_null(nvmens_tokens_find(&m->tokens, first, 1));
  ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &again), 0);
  ck_assert_uint_eq(again, number);
  ck_assert_ptr_null(nvmens_tokens_find(&m->tokens, first, 1));
  second = nvmens_tokens_arm(&m->tokens, again, 1, &other);
  ck_assert_ptr_null(nvmens_tokens_find(&m->tokens, first, 1));
  ck_assert_ptr_eq(nvmens_tokens_find(&m->tokens, second, 1), &other);
  model_end(m);
}
END_TEST

START_TEST(T7_arming_anew_retires_the_token_before)
{
  model *m = model_new();
  nvmens_token first, second;
  uint32_t number;
  int object;

  ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number), 0);
  first = nvmens_tokens_arm(&m->tokens, number, 1, &object);
  second = nvmens_tokens_arm(&m->tokens, number, 1, &object);
  ck_assert_ptr_null(nvmens_tokens_find(&m->tokens, first, 1));
  ck_assert_ptr_eq(nvmens_tokens_find(&m->tokens, second, 1), &object);
  ck_assert_ptr_null(nvmens_tokens_find(&m->tokens, second, 2)); /* another kind */
  model_end(m);
}
END_TEST

START_TEST(T7_unknown_tokens_are_not_found)
{
  static const nvmens_token unknown[] = {0,
                                         1,
                                         15,
                                         16,
                                         UINT64_MAX,
                                         UINT64_C(1) << NVMENS_PLACE_BITS,
                                         (UINT64_C(1) << NVMENS_PLACE_BITS) - 1};
  model *m = model_new();
  uint32_t number;

  for (int grown = 0; grown < 2; grown++) {
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
      for (uint8_t kind = 1; kind < 3; kind++)
        ck_assert_ptr_null(nvmens_tokens_find(&m->tokens, unknown[i], kind));
    ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number), 0);
  }
  model_end(m);
}
END_TEST

START_TEST(tokens_without_memory_nothing_changes)
{
  model *m = model_new();
  nvmens_token token[64];
  uint32_t number[64];
  unsigned failed = 0;

  for (unsigned i = 0; i < 64; i++) {
    m->heap.fail = 1;
    if (nvmens_tokens_reserve(&m->tokens, &m->mem, &number[i])) {
      failed++;
      for (unsigned j = 0; j < i; j++)
        MUST(nvmens_tokens_find(&m->tokens, token[j], 1) == &number[j]);
      m->heap.fail = 0;
      ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number[i]), 0);
    }
    m->heap.fail = 0;
    token[i] = nvmens_tokens_arm(&m->tokens, number[i], 1, &number[i]);
  }
  ck_assert_uint_eq(failed, 3); /* 16, 32, 64 */
  for (unsigned i = 0; i < 64; i++)
    MUST(nvmens_tokens_find(&m->tokens, token[i], 1) == &number[i]);
  model_end(m);
}
END_TEST

START_TEST(tokens_there_are_no_more_places_than_bits)
{
  model *m = model_new();
  uint32_t number;

  m->tokens.size = UINT32_C(1) << NVMENS_PLACE_BITS; /* and none free */
  ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number), NVMENS_ERR_NOMEM);
  ck_assert_uint_eq(m->heap.calls, 0);
  m->tokens.size /= 2; /* but as many as that there are, if there is memory */
  m->heap.fail = 1;
  ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number), NVMENS_ERR_NOMEM);
  ck_assert_uint_eq(m->heap.calls, SIZE_MAX > UINT32_MAX); /* 32 bits cannot even ask for it */
  m->tokens.size = 0;
  model_end(m);
}
END_TEST

START_TEST(T7_a_serial_that_is_used_up_begins_anew)
{
  model *m = model_new();
  nvmens_token token;
  uint32_t number;
  int object;

  ck_assert_int_eq(nvmens_tokens_reserve(&m->tokens, &m->mem, &number), 0);
  m->tokens.place[number].serial = (UINT64_C(1) << (64 - NVMENS_PLACE_BITS)) - 1;
  token = nvmens_tokens_arm(&m->tokens, number, 1, &object);
  ck_assert_uint_ne(token, 0);
  ck_assert_ptr_eq(nvmens_tokens_find(&m->tokens, token, 1), &object);
  model_end(m);
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN("tokens", T7_random_sequences_never_give_a_token_twice,
                 T7_a_place_that_changes_hands_gives_new_tokens,
                 T7_arming_anew_retires_the_token_before, T7_unknown_tokens_are_not_found,
                 T7_a_serial_that_is_used_up_begins_anew, tokens_without_memory_nothing_changes,
                 tokens_there_are_no_more_places_than_bits);
}
