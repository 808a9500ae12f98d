/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bytes.h: little-endian numbers in pages and commands; the model has its own.
 */
#ifndef NVMENS_TESTS_MODEL_BYTES_H
#define NVMENS_TESTS_MODEL_BYTES_H

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

#endif
