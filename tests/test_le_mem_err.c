/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_le_mem_err.c: the ground floor: little-endian numbers, the allocator's wrapper, error texts.
 */
#include "dice.h"
#include "le.h"
#include "rig_main.h"

/* ---- le.h ---- */

START_TEST(le_the_lowest_byte_comes_first)
{
  static const uint8_t wire[] = {0xF1, 0xE2, 0xD3, 0xC4, 0xB5, 0xA6, 0x97, 0x88};
  uint8_t out[10];

  ck_assert_uint_eq(nvmens_get16(wire), 0xE2F1);
  ck_assert_uint_eq(nvmens_get32(wire), 0xC4D3E2F1);
  ck_assert_uint_eq(nvmens_get64(wire), UINT64_C(0x8897A6B5C4D3E2F1));
  memset(out, 0x77, sizeof(out));
  nvmens_put16(out + 1, 0xE2F1);
  ck_assert_mem_eq(out + 1, wire, 2);
  ck_assert_uint_eq(out[3], 0x77);
  nvmens_put32(out + 1, 0xC4D3E2F1);
  ck_assert_mem_eq(out + 1, wire, 4);
  ck_assert_uint_eq(out[5], 0x77);
  nvmens_put64(out + 1, UINT64_C(0x8897A6B5C4D3E2F1));
  ck_assert_mem_eq(out + 1, wire, 8);
  ck_assert_uint_eq(out[9], 0x77);
  ck_assert_uint_eq(out[0], 0x77);
}
END_TEST

START_TEST(le_what_is_put_is_got_at_any_alignment)
{
  uint8_t bytes[16];

  dice_start(1);
  for (int i = 0; i < 10000; i++) {
    uint64_t v = (uint64_t)roll(UINT32_MAX) << 32 | roll(UINT32_MAX);
    uint8_t *at = bytes + roll(8);

    nvmens_put64(at, v);
    MUST(nvmens_get64(at) == v);
    MUST(nvmens_get32(at) == (uint32_t)v && nvmens_get32(at + 4) == v >> 32);
    MUST(nvmens_get16(at) == (uint16_t)v && at[0] == (uint8_t)v);
    nvmens_put32(at, (uint32_t)(v >> 7));
    MUST(nvmens_get32(at) == (uint32_t)(v >> 7));
    nvmens_put16(at, (uint16_t)(v >> 9));
    MUST(nvmens_get16(at) == (uint16_t)(v >> 9));
  }
}
END_TEST

/* ---- mem.c ---- */

START_TEST(mem_is_zeroed)
{
  dice_heap heap = {0};
  const nvmens_mem mem = dice_mem(&heap);
  uint8_t *block = nvmens_zalloc(&mem, 100, 3);

  ck_assert_ptr_nonnull(block);
  for (int i = 0; i < 300; i++)
    MUST(block[i] == 0);
  nvmens_free(&mem, block);
  ck_assert_uint_eq(heap.live, 0);
  ck_assert_uint_eq(heap.calls, 1);
}
END_TEST

START_TEST(mem_a_product_that_overflows_is_not_asked_for)
{
  dice_heap heap = {0};
  const nvmens_mem mem = dice_mem(&heap);

  ck_assert_ptr_null(nvmens_zalloc(&mem, SIZE_MAX / 2 + 1, 2));
  ck_assert_ptr_null(nvmens_zalloc(&mem, 3, SIZE_MAX / 2));
  ck_assert_ptr_null(nvmens_zalloc(&mem, SIZE_MAX, SIZE_MAX));
  ck_assert_uint_eq(heap.calls, 0);
}
END_TEST

static void *refusing(void *user, size_t size)
{
  *(size_t *)user = size;
  return NULL;
}

START_TEST(mem_the_largest_product_is_asked_for)
{
  size_t asked = 0;
  const nvmens_mem mem = {&asked, refusing, NULL};

  ck_assert_ptr_null(nvmens_zalloc(&mem, SIZE_MAX / 16, 16));
  ck_assert_uint_eq(asked, SIZE_MAX / 16 * 16);
}
END_TEST

START_TEST(mem_no_memory_is_null)
{
  dice_heap heap = {.fail = 1};
  const nvmens_mem mem = dice_mem(&heap);

  ck_assert_ptr_null(nvmens_zalloc(&mem, 4, 4));
  nvmens_free(&mem, NULL); /* not handed on: dice_free would complain */
  ck_assert_uint_eq(heap.live, 0);
}
END_TEST

START_TEST(mem_of_the_c_library)
{
  uint8_t *block = nvmens_zalloc(&nvmens_mem_libc, 16, 16);

  ck_assert_ptr_nonnull(block);
  for (int i = 0; i < 256; i++)
    MUST(block[i] == 0);
  nvmens_free(&nvmens_mem_libc, block);
}
END_TEST

/* ---- err.c ---- */

START_TEST(err_each_has_a_text_of_its_own)
{
  for (int err = 0; err >= NVMENS_ERR_NOT_FOUND; err--) {
    const char *text = nvmens_strerror(err);

    MUST_SAY(text && *text, "%d has no text", err);
    MUST_SAY(strcmp(text, "unknown error") != 0, "%d is unknown", err);
    for (int other = 0; other > err; other--)
      MUST_SAY(strcmp(text, nvmens_strerror(other)) != 0, "%d and %d say the same", err, other);
  }
}
END_TEST

START_TEST(err_any_other_number_has_one_too)
{
  static const int others[] = {1,          2,         400,      NVMENS_ERR_NOT_FOUND - 1,
                               -100000000, INT32_MIN, INT32_MAX};

  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    ck_assert_str_eq(nvmens_strerror(others[i]), "unknown error");
}
END_TEST

int main(void)
{
  dice_init();
  return RIG_RUN("le_mem_err", le_the_lowest_byte_comes_first,
                 le_what_is_put_is_got_at_any_alignment, mem_is_zeroed,
                 mem_a_product_that_overflows_is_not_asked_for,
                 mem_the_largest_product_is_asked_for, mem_no_memory_is_null, mem_of_the_c_library,
                 err_each_has_a_text_of_its_own, err_any_other_number_has_one_too);
}
