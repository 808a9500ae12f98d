/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dice.h: random but repeatable sequences (the seed is printed, NVMENS_SEED sets another), and an
 * allocator that counts and can fail.
 */
#ifndef NVMENS_TESTS_DICE_H
#define NVMENS_TESTS_DICE_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static uint64_t dice_first = 20260801, dice;

static inline void dice_init(void)
{
  if (getenv("NVMENS_SEED"))
    dice_first = strtoull(getenv("NVMENS_SEED"), NULL, 0);
  printf("# NVMENS_SEED=%" PRIu64 "\n", dice_first);
  fflush(stdout);
}

/* Of the nth sequence. */
static inline void dice_start(uint64_t n)
{
  dice = dice_first + n * UINT64_C(0x9E3779B97F4A7C15);
}

static inline uint32_t roll(uint32_t below)
{
  dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)((dice >> 32) % below);
}

/* ck_assert writes to a file each time, which is slow where there are millions. */
#define MUST_SAY(what, ...)                                                                        \
  do {                                                                                             \
    if (!(what))                                                                                   \
      ck_abort_msg(__VA_ARGS__);                                                                   \
  } while (0)
#define MUST(what) MUST_SAY((what), "%s", #what)

/* ---- the allocator ---- */

/* Behind each block are a few bytes that nobody may write to; the address sanitizer has its own. */
#if defined(__SANITIZE_ADDRESS__)
enum { DICE_TAIL = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { DICE_TAIL = 0 };
#else
enum { DICE_TAIL = 8 };
#endif
#else
enum { DICE_TAIL = 8 };
#endif

typedef union dice_head {
  size_t size;
  max_align_t align;
} dice_head;

typedef struct dice_heap {
  unsigned live;  /* blocks */
  unsigned calls; /* so far */
  unsigned fail;  /* n: the nth call from here fails; 0: none */
} dice_heap;

static inline void *dice_alloc(void *user, size_t size)
{
  dice_heap *heap = user;
  dice_head *head;

  heap->calls++;
  if (heap->fail && --heap->fail == 0)
    return NULL;
  head = malloc(sizeof(*head) + size + DICE_TAIL);
  MUST(head);
  head->size = size;
  memset(head + 1, 0xC5, size + DICE_TAIL); /* nobody may count on zeroes */
  heap->live++;
  return head + 1;
}

static inline void dice_free(void *user, void *block)
{
  dice_heap *heap = user;
  dice_head *head;

  MUST_SAY(block, "the allocator is asked to free NULL");
  MUST_SAY(heap->live-- > 0, "more is freed than was allocated");
  head = (dice_head *)block - 1;
  for (size_t i = 0; i < DICE_TAIL; i++)
    MUST_SAY(((uint8_t *)block)[head->size + i] == 0xC5, "what is behind a block was written to");
  free(head);
}

static inline nvmens_mem dice_mem(dice_heap *heap)
{
  return (nvmens_mem){heap, dice_alloc, dice_free};
}

#endif
