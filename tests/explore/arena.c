/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arena.c: all memory of a world, in one place, so that a state can be copied.
 *
 * A table of blocks in the order of their addresses, first fit. What is free holds POISON, so that
 * it compares equal from state to state, and so that its use is noticed. A snapshot is the list of
 * the words that differ from the base.
 */
#include "explore.h"

#include <stdlib.h>

enum { ROOM = 512 * 1024, BLOCKS = 512, POISON = 0xA5, GRAIN = 64 };

typedef struct block {
  uint32_t at, size;
} block;

typedef struct head {
  uint32_t count, spare;
  block block[BLOCKS];
  env env;
} head;

static union {
  uint64_t word[ROOM / 8];
  unsigned char byte[ROOM];
  head head;
} arena __attribute__((aligned(4096)));

static uint64_t base[ROOM / 8], expanded[ROOM / 8], kept[ROOM / 8];
static size_t high; /* bytes ever used in this world; all beyond is POISON */

struct snapshot {
  uint32_t words;
  uint16_t index[]; /* then, aligned, the values */
};

static size_t round_up(size_t size, size_t to)
{
  return (size + to - 1) / to * to;
}

void arena_start(void)
{
  memset(&arena, POISON, sizeof(arena));
  memset(&arena.head, 0, sizeof(arena.head));
  high = round_up(sizeof(arena.head), GRAIN);
}

void *arena_env(void)
{
  return &arena.head.env;
}

unsigned arena_blocks(void)
{
  return arena.head.count;
}

static void *arena_alloc(void *user, size_t size)
{
  head *h = &arena.head;
  size_t at = round_up(sizeof(*h), GRAIN);
  uint32_t i;

  (void)user;
  MUST(22, now.may_alloc, "memory is taken by a call that must not");
  size = round_up(size ? size : 1, GRAIN);
  for (i = 0; i < h->count && h->block[i].at - at < size; i++)
    at = h->block[i].at + h->block[i].size;
  if (h->count == BLOCKS || at + size > ROOM) {
    fprintf(stderr, "the arena is full\n");
    abort();
  }
  memmove(&h->block[i + 1], &h->block[i], (h->count - i) * sizeof(h->block[0]));
  h->block[i] = (block){(uint32_t)at, (uint32_t)size};
  h->count++;
  if (high < at + size)
    high = at + size;
  return arena.byte + at;
}

static void arena_release(void *user, void *ptr)
{
  head *h = &arena.head;
  uint32_t at = (uint32_t)((unsigned char *)ptr - arena.byte), i = 0;

  (void)user;
  while (i < h->count && h->block[i].at != at)
    i++;
  if (i == h->count) {
    broken(0, "memory is freed that is not in use");
    return;
  }
  memset(ptr, POISON, h->block[i].size);
  h->count--;
  memmove(&h->block[i], &h->block[i + 1], (h->count - i) * sizeof(h->block[0]));
  h->block[h->count] = (block){0, 0};
}

const nvmens_mem arena_mem = {NULL, arena_alloc, arena_release};

void arena_base(void)
{
  memcpy(kept, arena.word, sizeof(kept));
  memcpy(base, arena.word, sizeof(base));
  memcpy(expanded, base, sizeof(base));
}

static size_t values_at(uint32_t words)
{
  return round_up(sizeof(snapshot) + words * sizeof(uint16_t), sizeof(uint64_t));
}

snapshot *arena_save(size_t *size)
{
  static uint16_t index[ROOM / 8];
  static uint64_t value[ROOM / 8];
  uint32_t words = 0;
  snapshot *s;

  for (size_t line = 0; line < high / 8; line += GRAIN / 8) {
    if (memcmp(&arena.word[line], &base[line], GRAIN) == 0)
      continue;
    for (size_t i = line; i < line + GRAIN / 8; i++)
      if (arena.word[i] != base[i]) {
        index[words] = (uint16_t)i;
        value[words++] = arena.word[i];
      }
  }
  *size = values_at(words) + words * sizeof(uint64_t);
  s = malloc(*size);
  if (!s)
    abort();
  s->words = words;
  memcpy(s->index, index, words * sizeof(*index));
  memcpy((char *)s + values_at(words), value, words * sizeof(*value));
  return s;
}

void arena_free(snapshot *s)
{
  free(s);
}

void arena_expand(const snapshot *s)
{
  const uint64_t *value = (const uint64_t *)(const void *)((const char *)s + values_at(s->words));

  memcpy(expanded, base, high); /* beyond it nothing was ever written */
  for (uint32_t i = 0; i < s->words; i++)
    expanded[s->index[i]] = value[i];
  arena_restore();
}

void arena_restore(void)
{
  memcpy(arena.word, expanded, high);
}

void arena_keep(void)
{
  memcpy(kept, arena.word, high);
}

void arena_back(void)
{
  memcpy(arena.word, kept, high);
}
