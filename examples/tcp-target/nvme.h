/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme.h: numbers of the NVMe Base, NVM Command Set and TCP Transport specifications that this
 * target needs and that <nvmens/wire.h> does not have.
 */
#ifndef TCP_TARGET_NVME_H
#define TCP_TARGET_NVME_H

#include <nvmens/wire.h>

/* Offsets in a submission queue entry. */
enum { SQE_CID = 2, SQE_FCTYPE = 4, SQE_NSID = 4, SQE_SGL = 24, SQE_CDW10 = 40 };

/* Admin opcodes. */
enum { OP_KEEP_ALIVE = 0x18, OP_FABRICS = 0x7F };

/* I/O opcodes of the NVM command set. */
enum {
  OP_FLUSH = 0x00,
  OP_WRITE = 0x01,
  OP_READ = 0x02,
  OP_COMPARE = 0x05,
  OP_WRITE_ZEROES = 0x08,
  OP_DSM = 0x09
};

/* Fabrics command types. */
enum { FC_PROPERTY_SET = 0x00, FC_CONNECT = 0x01, FC_PROPERTY_GET = 0x04 };

/* Properties. */
enum { PROP_CAP = 0x00, PROP_VS = 0x08, PROP_CC = 0x14, PROP_CSTS = 0x1C, PROP_CRTO = 0x68 };

#define CC_EN         1u
#define CC_SHN(cc)    ((cc) >> 14 & 3)
#define CC_MPS(cc)    ((cc) >> 7 & 15)
#define CC_AMS(cc)    ((cc) >> 11 & 7)
#define CC_IOSQES(cc) ((cc) >> 16 & 15)
#define CC_IOCQES(cc) ((cc) >> 20 & 15)
#define CSTS_RDY      1u
#define CSTS_CFS      2u
#define CSTS_SHST_END (2u << 2)

/* Status codes, as NVMENS_SF. */
enum {
  SC_COMMAND_SEQUENCE = 0x00C,
  SC_SGL_LENGTH = 0x00F,
  SC_SGL_TYPE = 0x011,
  SC_SGL_OFFSET = 0x016,
  SC_LBA_RANGE = 0x080,
  SC_CAPACITY_EXCEEDED = 0x081,
  SC_CONNECT_FORMAT = 0x180,
  SC_CONNECT_BUSY = 0x181,
  SC_CONNECT_INVALID = 0x182,
  SC_WRITE_FAULT = 0x280,
  SC_READ_ERROR = 0x281,
  SC_COMPARE = 0x285
};
#define DNR  NVMENS_SF_DNR
#define MORE ((uint16_t)0x2000) /* M: the Error Information log has more */

/* Features. */
enum {
  FID_ARBITRATION = 0x01,
  FID_POWER = 0x02,
  FID_TEMPERATURE = 0x04,
  FID_ERROR_RECOVERY = 0x05,
  FID_WRITE_CACHE = 0x06,
  FID_QUEUES = 0x07,
  FID_KEEP_ALIVE = 0x0F
};

#define LID_DISCOVERY 0x70

#define NQN_SIZE      256
#define NQN_MAX       223
#define DISCOVERY_NQN "nqn.2014-08.org.nvmexpress.discovery"

#endif
