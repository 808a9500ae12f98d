/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire.h: what travels between host and controller, as far as the namespace lifecycle needs it.
 *
 * Structures are made of bytes only: they have no alignment, no padding and no byte order of their
 * own, so they may lie anywhere in a buffer. Numbers in them are little-endian. Offsets and values
 * are those of the NVM Express Base Specification 2.2 and NVM Command Set Specification 1.1.
 */
#ifndef NVMENS_WIRE_H
#define NVMENS_WIRE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NVMENS_NSID_NONE  UINT32_C(0)
#define NVMENS_NSID_MAX   UINT32_C(0xFFFFFFFE) /* largest value of NN */
#define NVMENS_NSID_ALL   UINT32_C(0xFFFFFFFF) /* broadcast */
#define NVMENS_CNTLID_MAX 0xFFEF
#define NVMENS_CNTLID_ANY 0xFFFF /* in configurations: choose one; in queries: none */

#define NVMENS_PAGE       4096 /* Identify data, controller lists, changed namespace lists */
#define NVMENS_LIST_NSIDS 1024 /* NSIDs in a namespace list */
#define NVMENS_LIST_CTRLS 2047 /* CNTLIDs in a controller list */

/* Opcodes of the Admin command set. */
enum {
  NVMENS_OP_GET_LOG_PAGE = 0x02,
  NVMENS_OP_IDENTIFY = 0x06,
  NVMENS_OP_ABORT = 0x08,
  NVMENS_OP_SET_FEATURES = 0x09,
  NVMENS_OP_GET_FEATURES = 0x0A,
  NVMENS_OP_ASYNC_EVENT_REQUEST = 0x0C,
  NVMENS_OP_NS_MANAGEMENT = 0x0D,
  NVMENS_OP_NS_ATTACHMENT = 0x15
};

/* Controller or Namespace Structure of Identify (R6). */
enum {
  NVMENS_CNS_NS = 0x00,
  NVMENS_CNS_CTRL = 0x01,
  NVMENS_CNS_ACTIVE_NS_LIST = 0x02,
  NVMENS_CNS_NS_DESC_LIST = 0x03,
  NVMENS_CNS_CSI_NS = 0x05,
  NVMENS_CNS_CSI_CTRL = 0x06,
  NVMENS_CNS_CSI_ACTIVE_NS_LIST = 0x07,
  NVMENS_CNS_NS_INDEPENDENT = 0x08,
  NVMENS_CNS_ALLOCATED_NS_LIST = 0x10,
  NVMENS_CNS_ALLOCATED_NS = 0x11,
  NVMENS_CNS_NS_CTRL_LIST = 0x12,
  NVMENS_CNS_CTRL_LIST = 0x13,
  NVMENS_CNS_CSI_ALLOCATED_NS_LIST = 0x1A,
  NVMENS_CNS_CSI_ALLOCATED_NS = 0x1B,
  NVMENS_CNS_COMMAND_SETS = 0x1C,
  NVMENS_CNS_ALLOCATED_NS_INDEPENDENT = 0x1F
};

/* Log page identifiers. */
enum {
  NVMENS_LID_ERROR = 0x01,
  NVMENS_LID_SMART = 0x02,
  NVMENS_LID_FIRMWARE = 0x03,
  NVMENS_LID_CHANGED_ATTACHED_NS = 0x04,
  NVMENS_LID_COMMAND_EFFECTS = 0x05,
  NVMENS_LID_ANA = 0x0C,
  NVMENS_LID_CHANGED_ALLOCATED_NS = 0x1C
};

#define NVMENS_FID_ASYNC_EVENT_CONFIG 0x0B

/* Asynchronous event types (DW0 bits 2:0) and the notices raised here (DW0 bits 15:8) (R27). */
enum {
  NVMENS_AER_ERROR = 0,
  NVMENS_AER_SMART = 1,
  NVMENS_AER_NOTICE = 2,
  NVMENS_AER_IMMEDIATE = 3,
  NVMENS_AER_ONE_SHOT = 4,
  NVMENS_AER_IO_COMMAND_SET = 6,
  NVMENS_AER_VENDOR = 7
};
enum { NVMENS_NOTICE_ATTACHED_NS_CHANGED = 0x00, NVMENS_NOTICE_ALLOCATED_NS_CHANGED = 0x09 };

/* Bits of feature 0Bh and of OAES (R34). */
#define NVMENS_AEC_SMART        UINT32_C(0x000000FF)
#define NVMENS_AEC_ATTACHED_NS  (UINT32_C(1) << 8)
#define NVMENS_AEC_FIRMWARE     (UINT32_C(1) << 9)
#define NVMENS_AEC_ANA          (UINT32_C(1) << 11)
#define NVMENS_AEC_ALLOCATED_NS (UINT32_C(1) << 19)

/* I/O command sets. */
enum { NVMENS_CSI_NVM = 0x00, NVMENS_CSI_KV = 0x01, NVMENS_CSI_ZNS = 0x02 };

/* CC.CSS, bits 6:4 of Controller Configuration. */
#define NVMENS_CC_CSS_SHIFT 4
#define NVMENS_CC_CSS_MASK  7
enum { NVMENS_CSS_NVM = 0, NVMENS_CSS_ALL = 6, NVMENS_CSS_ADMIN_ONLY = 7 };

/*
 * Status field of a completion without its phase bit: SC in bits 7:0, SCT in 10:8, CRD in 12:11,
 * M in 13, DNR in 14; in CQE dword 3 it stands in bits 31:17. Zero is success.
 */
#define NVMENS_SF(sct, sc) ((uint16_t)(((sct) << 8) | (sc)))
#define NVMENS_SF_DNR      ((uint16_t)0x4000)
enum {
  NVMENS_SC_SUCCESS = 0x000,
  NVMENS_SC_INVALID_OPCODE = 0x001,
  NVMENS_SC_INVALID_FIELD = 0x002,
  NVMENS_SC_DATA_TRANSFER_ERROR = 0x004,
  NVMENS_SC_ABORTED_POWER_LOSS = 0x005,
  NVMENS_SC_INTERNAL_ERROR = 0x006,
  NVMENS_SC_ABORTED_BY_REQUEST = 0x007,
  NVMENS_SC_ABORTED_SQ_DELETED = 0x008,
  NVMENS_SC_INVALID_NS_OR_FORMAT = 0x00B,
  NVMENS_SC_NS_WRITE_PROTECTED = 0x020,
  NVMENS_SC_NS_NOT_READY = 0x082,
  NVMENS_SC_AER_LIMIT_EXCEEDED = 0x105,
  NVMENS_SC_INVALID_LOG_PAGE = 0x109,
  NVMENS_SC_INVALID_FORMAT = 0x10A,
  NVMENS_SC_FEATURE_NOT_SAVEABLE = 0x10D,
  NVMENS_SC_FEATURE_NOT_CHANGEABLE = 0x10E,
  NVMENS_SC_FEATURE_NOT_PER_NS = 0x10F,
  NVMENS_SC_NS_INSUFFICIENT_CAPACITY = 0x115,
  NVMENS_SC_NS_ID_UNAVAILABLE = 0x116,
  NVMENS_SC_NS_ALREADY_ATTACHED = 0x118,
  NVMENS_SC_NS_IS_PRIVATE = 0x119,
  NVMENS_SC_NS_NOT_ATTACHED = 0x11A,
  NVMENS_SC_THIN_PROVISIONING_UNSUPPORTED = 0x11B,
  NVMENS_SC_INVALID_CTRL_LIST = 0x11C,
  NVMENS_SC_ANA_GROUP_INVALID = 0x124,
  NVMENS_SC_ANA_ATTACH_FAILED = 0x125,
  NVMENS_SC_NS_ATTACH_LIMIT = 0x127,
  NVMENS_SC_COMMAND_SET_UNSUPPORTED = 0x129,
  NVMENS_SC_COMMAND_SET_NOT_ENABLED = 0x12A,
  NVMENS_SC_INVALID_COMMAND_SET = 0x12C,
  NVMENS_SC_INTERNAL_PATH_ERROR = 0x300,
  NVMENS_SC_ANA_PERSISTENT_LOSS = 0x301,
  NVMENS_SC_ANA_INACCESSIBLE = 0x302,
  NVMENS_SC_ANA_TRANSITION = 0x303
};

/* A submission queue entry, 64 bytes. */
typedef struct nvmens_sqe {
  uint8_t opcode;
  uint8_t flags;
  uint8_t cid[2];
  uint8_t nsid[4];
  uint8_t cdw2[4];
  uint8_t cdw3[4];
  uint8_t mptr[8];
  uint8_t dptr[16];
  uint8_t cdw10[4];
  uint8_t cdw11[4];
  uint8_t cdw12[4];
  uint8_t cdw13[4];
  uint8_t cdw14[4];
  uint8_t cdw15[4];
} nvmens_sqe;

/* One LBA format of Identify Namespace, 4 bytes. */
typedef struct nvmens_wire_lbaf {
  uint8_t ms[2];
  uint8_t lbads;
  uint8_t rp;
} nvmens_wire_lbaf;

/* Identify Namespace, NVM command set: CNS 00h and 11h, 4096 bytes. */
typedef struct nvmens_id_ns {
  uint8_t nsze[8];
  uint8_t ncap[8];
  uint8_t nuse[8];
  uint8_t nsfeat;
  uint8_t nlbaf; /* 0's based */
  uint8_t flbas;
  uint8_t mc;
  uint8_t dpc;
  uint8_t dps;
  uint8_t nmic; /* bit 0: shared */
  uint8_t rescap;
  uint8_t unused32[16];
  uint8_t nvmcap[16];
  uint8_t unused64[28];
  uint8_t anagrpid[4];
  uint8_t unused96[3];
  uint8_t nsattr; /* bit 0: write protected */
  uint8_t nvmsetid[2];
  uint8_t endgid[2];
  uint8_t nguid[16];
  uint8_t eui64[8];
  nvmens_wire_lbaf lbaf[64];
  uint8_t vendor[3712];
} nvmens_id_ns;

/* I/O Command Set Independent Identify Namespace: CNS 08h and 1Fh, 4096 bytes. */
typedef struct nvmens_id_ns_independent {
  uint8_t nsfeat;
  uint8_t nmic;
  uint8_t rescap;
  uint8_t fpi;
  uint8_t anagrpid[4];
  uint8_t nsattr;
  uint8_t unused9;
  uint8_t nvmsetid[2];
  uint8_t endgid[2];
  uint8_t nstat; /* bit 0: NRDY, ready */
  uint8_t unused15[4081];
} nvmens_id_ns_independent;

/* Identify Controller, CNS 01h: the fields that this library owns; 4096 bytes. */
typedef struct nvmens_id_ctrl {
  uint8_t unused0[76];
  uint8_t cmic;
  uint8_t unused77;
  uint8_t cntlid[2];
  uint8_t unused80[12];
  uint8_t oaes[4];
  uint8_t ctratt[4];
  uint8_t unused100[11];
  uint8_t cntrltype;
  uint8_t unused112[144];
  uint8_t oacs[2];
  uint8_t unused258;
  uint8_t aerl; /* 0's based */
  uint8_t unused260;
  uint8_t lpa;
  uint8_t unused262[18];
  uint8_t tnvmcap[16];
  uint8_t unvmcap[16];
  uint8_t unused312[30];
  uint8_t anatt;
  uint8_t anacap;
  uint8_t anagrpmax[4];
  uint8_t nanagrpid[4];
  uint8_t unused352[164];
  uint8_t nn[4];
  uint8_t unused520[20];
  uint8_t mnan[4];
  uint8_t maxdna[16];
  uint8_t maxcna[4];
  uint8_t unused564[3532];
} nvmens_id_ctrl;

#define NVMENS_CMIC_MULTI_CTRL    0x02
#define NVMENS_OACS_NS_MANAGEMENT 0x0008
#define NVMENS_LPA_EXTENDED_DATA  0x04 /* LPO and a 32-bit NUMD are supported */
#define NVMENS_NMIC_SHARED        0x01
#define NVMENS_NSATTR_WP          0x01
#define NVMENS_NSTAT_NRDY         0x01

/* Head of a Namespace Identification Descriptor (CNS 03h), 4 bytes. */
typedef struct nvmens_ns_desc {
  uint8_t nidt;
  uint8_t nidl;
  uint8_t unused2[2];
} nvmens_ns_desc;
enum { NVMENS_NIDT_EUI64 = 1, NVMENS_NIDT_NGUID = 2, NVMENS_NIDT_UUID = 3, NVMENS_NIDT_CSI = 4 };

/* Data of Namespace Management, create, NVM command set, 4096 bytes (R9). */
typedef struct nvmens_ns_create {
  uint8_t nsze[8];
  uint8_t ncap[8];
  uint8_t unused16[10];
  uint8_t flbas;
  uint8_t unused27[2];
  uint8_t dps;
  uint8_t nmic;
  uint8_t unused31[61];
  uint8_t anagrpid[4];
  uint8_t unused96[4];
  uint8_t nvmsetid[2];
  uint8_t endgid[2];
  uint8_t unused104[280];
  uint8_t lbstm[8];
  uint8_t unused392[3704];
} nvmens_ns_create;

enum { NVMENS_NS_MGMT_CREATE = 0, NVMENS_NS_MGMT_DELETE = 1 };
enum { NVMENS_NS_ATTACH = 0, NVMENS_NS_DETACH = 1 };

/* Controller list: CNS 12h and 13h, data of Namespace Attachment; 4096 bytes. */
typedef struct nvmens_ctrl_list {
  uint8_t count[2];
  uint8_t cntlid[NVMENS_LIST_CTRLS][2];
} nvmens_ctrl_list;

/* Namespace list: CNS 02h and its kin, logs 04h and 1Ch; 4096 bytes. */
typedef struct nvmens_ns_list {
  uint8_t nsid[NVMENS_LIST_NSIDS][4];
} nvmens_ns_list;

#ifdef __cplusplus
#define NVMENS_SIZE_IS(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define NVMENS_SIZE_IS(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif
NVMENS_SIZE_IS(nvmens_sqe, 64);
NVMENS_SIZE_IS(nvmens_wire_lbaf, 4);
NVMENS_SIZE_IS(nvmens_id_ns, 4096);
NVMENS_SIZE_IS(nvmens_id_ns_independent, 4096);
NVMENS_SIZE_IS(nvmens_id_ctrl, 4096);
NVMENS_SIZE_IS(nvmens_ns_desc, 4);
NVMENS_SIZE_IS(nvmens_ns_create, 4096);
NVMENS_SIZE_IS(nvmens_ctrl_list, 4096);
NVMENS_SIZE_IS(nvmens_ns_list, 4096);

#ifdef __cplusplus
}
#endif
#endif
