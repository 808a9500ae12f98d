/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kinds.h: what a controller of each type has (R70). Floor 0.
 */
#ifndef NVMENS_LIB_KINDS_H
#define NVMENS_LIB_KINDS_H

#include <nvmens/nvmens.h>

/* Bits of feature 0Bh that OAES does not have: SMART, and those for which another stands (R34). */
#define NVMENS_AEC_NOT_IN_OAES UINT32_C(0x700400FF)

typedef struct nvmens_kind {
  uint32_t opcodes, cns, lids; /* bit n: n is there; of those that the library answers */
  uint32_t aec;                /* bits of feature 0Bh */
  uint8_t tells;               /* CNS 01h has what it is about namespaces and capacity */
  uint8_t lpa;                 /* the library's bits */
} nvmens_kind;

extern const nvmens_kind nvmens_kinds[]; /* by nvmens_ctrl_kind */

static inline bool nvmens_kind_has(uint32_t which, uint8_t n)
{
  return which >> n & 1;
}

/* How a command ends that this type does not have; 0: it has it. low: CNS, LID or FID, of those
 * that the library answers. */
uint16_t nvmens_kind_lacks(uint8_t kind, uint8_t opcode, uint8_t low);

#endif
