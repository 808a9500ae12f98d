/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * le.h: little-endian numbers in byte arrays, the only way to and from the wire. Floor 0.
 */
#ifndef NVMENS_LIB_LE_H
#define NVMENS_LIB_LE_H

#include <stdint.h>

static inline uint16_t nvmens_get16(const uint8_t *p)
{
  return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t nvmens_get32(const uint8_t *p)
{
  return nvmens_get16(p) | (uint32_t)nvmens_get16(p + 2) << 16;
}

static inline uint64_t nvmens_get64(const uint8_t *p)
{
  return nvmens_get32(p) | (uint64_t)nvmens_get32(p + 4) << 32;
}

static inline void nvmens_put16(uint8_t *p, uint16_t v)
{
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
}

static inline void nvmens_put32(uint8_t *p, uint32_t v)
{
  nvmens_put16(p, (uint16_t)v);
  nvmens_put16(p + 2, (uint16_t)(v >> 16));
}

static inline void nvmens_put64(uint8_t *p, uint64_t v)
{
  nvmens_put32(p, (uint32_t)v);
  nvmens_put32(p + 4, (uint32_t)(v >> 32));
}

#endif
