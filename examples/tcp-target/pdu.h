/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pdu.h: PDUs of the NVMe/TCP transport as values: one parser for what a host may send, and one
 * builder for each PDU that a controller sends. Pure: no I/O, no memory of its own; any thread.
 *
 * The parser looks at nothing beyond `len`, accepts nothing that breaks a rule of the transport
 * specification, and names the rule by a fatal error status and the offset of the bad field.
 * Digests are not offered, so a PDU that claims to carry one is malformed.
 */
#ifndef TCP_TARGET_PDU_H
#define TCP_TARGET_PDU_H

#include <stddef.h>
#include <stdint.h>

enum pdu_type {
  PDU_ICREQ = 0,
  PDU_ICRESP = 1,
  PDU_H2C_TERM = 2,
  PDU_C2H_TERM = 3,
  PDU_CMD = 4,
  PDU_RESP = 5,
  PDU_H2C_DATA = 6,
  PDU_C2H_DATA = 7,
  PDU_R2T = 9
};

/* Fatal error status. */
enum pdu_fes {
  FES_HEADER = 1,       /* Invalid PDU Header Field; FEI: its offset */
  FES_SEQUENCE = 2,     /* PDU Sequence Error */
  FES_DIGEST = 3,       /* Header Digest Error */
  FES_OUT_OF_RANGE = 4, /* Data Transfer Out of Range */
  FES_LIMIT = 5,        /* Data Transfer Limit Exceeded */
  FES_PARAMETER = 6     /* Unsupported Parameter; FEI: its offset */
};

enum {
  PDU_COMMON = 8, /* the common header */
  PDU_IC_LEN = 128,
  PDU_CMD_LEN = 72,
  PDU_TERM_LEN = 24,
  PDU_DATA_LEN = 24,
  PDU_RESP_LEN = 24,
  PDU_TERM_MAX = 152, /* with the header that was in error */
  PDU_HEADER_MAX = 255
};
#define PDU_F_LAST 0x04 /* last PDU of a data transfer */

typedef struct pdu_limits {
  uint32_t capsule_data; /* largest in-capsule data */
  uint32_t h2c_data;     /* MAXH2CDATA */
} pdu_limits;

typedef struct pdu {
  uint8_t type, flags;
  uint32_t header_len; /* up to the data, padding included */
  uint32_t data_len;
  uint8_t hpda;       /* ICReq: alignment of data to the host, dwords, 0's based */
  uint32_t maxr2t;    /* ICReq */
  const uint8_t *sqe; /* command capsule: 64 bytes in the buffer that was parsed */
  uint16_t cid, ttag; /* H2CData */
  uint32_t offset;    /* H2CData */
  uint16_t fes;       /* H2CTermReq */
} pdu;

typedef struct pdu_error {
  uint16_t fes;
  uint32_t fei;
} pdu_error;

/* 1: a header is there, *out says what it is; 0: more bytes are needed; -1: malformed, see *err.
 * The data that follow the header are the caller's to wait for. */
int pdu_parse(const uint8_t *buf, size_t len, const pdu_limits *, pdu *out, pdu_error *err);

/* Each writes one header and returns its length. */
size_t pdu_icresp(uint8_t *out, uint32_t maxh2cdata);
size_t pdu_term(uint8_t out[PDU_TERM_MAX], pdu_error, const uint8_t *bad, size_t bad_len);
size_t pdu_resp(uint8_t *out, uint64_t result, uint16_t sqhd, uint16_t cid, uint16_t sf);
size_t pdu_r2t(uint8_t *out, uint16_t cid, uint16_t ttag, uint32_t offset, uint32_t len);
/* With the padding that HPDA asks for; at most 24 + 128 bytes. `len` bytes of data follow. */
size_t pdu_c2h(uint8_t *out, uint8_t hpda, uint16_t cid, uint32_t offset, uint32_t len, int last);

#endif
