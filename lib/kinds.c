/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kinds.c: what a controller of each type has, as a table (R70). Floor 0.
 *
 * Sections: Controller Types; the figures of command, log page and feature support requirements.
 */
#include "kinds.h"

#define BIT(n)  (UINT32_C(1) << (n))
#define OP(n)   BIT(NVMENS_OP_##n)
#define CNS(n)  BIT(NVMENS_CNS_##n)
#define LOGS_NS (BIT(NVMENS_LID_CHANGED_ATTACHED_NS) | BIT(NVMENS_LID_CHANGED_ALLOCATED_NS))

#define OPCODES                                                                                    \
  (OP(GET_LOG_PAGE) | OP(IDENTIFY) | OP(ABORT) | OP(SET_FEATURES) | OP(GET_FEATURES) |             \
   OP(ASYNC_EVENT_REQUEST))
#define OPCODES_NS (OP(NS_MANAGEMENT) | OP(NS_ATTACHMENT))
#define CNS_NS                                                                                     \
  (CNS(NS) | CNS(ACTIVE_NS_LIST) | CNS(NS_DESC_LIST) | CNS(CSI_NS) | CNS(CSI_CTRL) |               \
   CNS(CSI_ACTIVE_NS_LIST) | CNS(NS_INDEPENDENT) | CNS(ALLOCATED_NS_LIST) | CNS(ALLOCATED_NS) |    \
   CNS(NS_CTRL_LIST) | CNS(CTRL_LIST) | CNS(CSI_ALLOCATED_NS_LIST) | CNS(CSI_ALLOCATED_NS) |       \
   CNS(COMMAND_SETS) | CNS(ALLOCATED_NS_INDEPENDENT))

/* Bits of feature 0Bh: 31:28 are those of discovery logs; logs 0Ch, 1Ah and 1Bh, LBA status and
 * zones are of what an administrative controller has not. */
enum { LBA_STATUS = 13, REACHABILITY_ASSOCIATION = 17, REACHABILITY_GROUP = 18, ZONE = 27 };
#define AEC_DISCOVERY UINT32_C(0xF0000000)
#define AEC_ATTACHED                                                                               \
  (NVMENS_AEC_ANA | BIT(LBA_STATUS) | BIT(REACHABILITY_ASSOCIATION) | BIT(REACHABILITY_GROUP) |    \
   BIT(ZONE))

const nvmens_kind nvmens_kinds[] = {
    [NVMENS_CTRL_IO] =
        {
            .opcodes = OPCODES | OPCODES_NS,
            .cns = CNS_NS,
            .lids = LOGS_NS,
            .aec = ~AEC_DISCOVERY,
            .tells = 1,
            .lpa = NVMENS_LPA_EXTENDED_DATA,
        },
    [NVMENS_CTRL_DISCOVERY] =
        {
            .opcodes = OPCODES,
            .aec = AEC_DISCOVERY,
        },
    [NVMENS_CTRL_ADMIN] =
        {
            .opcodes = OPCODES | OPCODES_NS,
            .cns = CNS_NS,
            .lids = LOGS_NS,
            .aec = ~(AEC_DISCOVERY | AEC_ATTACHED),
            .tells = 1,
            .lpa = NVMENS_LPA_EXTENDED_DATA,
        },
};

uint16_t nvmens_kind_lacks(uint8_t kind, uint8_t opcode, uint8_t low)
{
  const nvmens_kind *has = &nvmens_kinds[kind];

  if (!nvmens_kind_has(has->opcodes, opcode))
    return NVMENS_SC_INVALID_OPCODE;
  if (opcode == NVMENS_OP_IDENTIFY && !nvmens_kind_has(has->cns, low))
    return NVMENS_SC_INVALID_FIELD;
  if (opcode == NVMENS_OP_GET_LOG_PAGE && !nvmens_kind_has(has->lids, low))
    return NVMENS_SC_INVALID_LOG_PAGE;
  return 0;
}
