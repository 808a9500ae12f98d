/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bytes.h: little-endian numbers in pages and commands; the model has its own.
 */
#ifndef NVMENS_TESTS_MODEL_BYTES_H
#define NVMENS_TESTS_MODEL_BYTES_H

#include <nvmens/nvmens.h>
#include <stdint.h>

static inline uint64_t b_get(const uint8_t *p, int n)
{
  uint64_t v = 0;

  while (n--)
    v = v << 8 | p[n];
  return v;
}

static inline void b_put(uint8_t *p, int n, uint64_t v)
{
  for (; n--; v >>= 8)
    *p++ = (uint8_t)v;
}

static inline uint16_t get16(const uint8_t *p)
{
  return (uint16_t)b_get(p, 2);
}

static inline uint32_t get32(const uint8_t *p)
{
  return (uint32_t)b_get(p, 4);
}

static inline uint64_t get64(const uint8_t *p)
{
  return b_get(p, 8);
}

static inline void put16(uint8_t *p, uint16_t v)
{
  b_put(p, 2, v);
}

static inline void put32(uint8_t *p, uint32_t v)
{
  b_put(p, 4, v);
}

static inline void put64(uint8_t *p, uint64_t v)
{
  b_put(p, 8, v);
}

/* Capacities, of 128 bits, by limbs of 32: not every machine has numbers of that size. */
typedef struct b_big {
  uint32_t limb[4];
} b_big;

static inline b_big big_of(nvmens_u128 v)
{
  return (b_big){{(uint32_t)v.lo, (uint32_t)(v.lo >> 32), (uint32_t)v.hi, (uint32_t)(v.hi >> 32)}};
}

static inline nvmens_u128 big_to(b_big b)
{
  return (nvmens_u128){(uint64_t)b.limb[1] << 32 | b.limb[0],
                       (uint64_t)b.limb[3] << 32 | b.limb[2]};
}

/* a + b, or, with minus, a - b; modulo 2^128. */
static inline b_big big_sum(b_big a, b_big b, int minus)
{
  uint64_t carry = minus ? 1 : 0;

  for (int i = 0; i < 4; i++) {
    carry += (uint64_t)a.limb[i] + (minus ? ~b.limb[i] : b.limb[i]);
    a.limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return a;
}

static inline b_big big_double(b_big a, int times)
{
  while (times-- > 0)
    a = big_sum(a, a, 0);
  return a;
}

static inline int big_at_most(b_big a, b_big b)
{
  int i = 3;

  while (i > 0 && a.limb[i] == b.limb[i])
    i--;
  return a.limb[i] <= b.limb[i];
}

#endif
