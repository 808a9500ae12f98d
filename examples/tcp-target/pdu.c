/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pdu.c: see pdu.h. NVMe/TCP Transport Specification, "Transport Specific Content" of each PDU.
 */
#include "pdu.h"
#include "bytes.h"
#include <string.h>

enum { TYPE_AT = 0, FLAGS_AT = 1, HLEN_AT = 2, PDO_AT = 3, PLEN_AT = 4 };
enum { F_DIGESTS = 3 };

static int malformed(pdu_error *err, uint16_t fes, uint32_t fei)
{
  err->fes = fes;
  err->fei = fei;
  return -1;
}

/* Where the data of a PDU begin; they must lie inside it, aligned to a dword (CPDA is 0). */
static int data_place(const uint8_t *buf, uint32_t plen, pdu *out, pdu_error *err)
{
  uint32_t pdo = buf[PDO_AT];

  if (pdo < buf[HLEN_AT] || pdo % 4 || pdo > plen)
    return malformed(err, FES_HEADER, PDO_AT);
  out->header_len = pdo;
  out->data_len = plen - pdo;
  return 1;
}

static int parse_icreq(const uint8_t *buf, uint32_t plen, pdu *out, pdu_error *err)
{
  if (plen != PDU_IC_LEN)
    return malformed(err, FES_HEADER, PLEN_AT);
  if (get16(buf + 8) != 0)
    return malformed(err, FES_PARAMETER, 8);
  if (buf[10] > 31)
    return malformed(err, FES_HEADER, 10);
  out->hpda = buf[10];
  out->maxr2t = get32(buf + 12);
  return 1;
}

static int parse_term(const uint8_t *buf, uint32_t plen, pdu *out, pdu_error *err)
{
  if (plen < PDU_TERM_LEN || plen > PDU_TERM_MAX)
    return malformed(err, FES_HEADER, PLEN_AT);
  out->fes = get16(buf + 8);
  out->data_len = plen - PDU_TERM_LEN;
  return 1;
}

static int parse_cmd(const uint8_t *buf, uint32_t plen, const pdu_limits *limits, pdu *out,
                     pdu_error *err)
{
  if (plen < PDU_CMD_LEN)
    return malformed(err, FES_HEADER, PLEN_AT);
  out->sqe = buf + PDU_COMMON;
  if (plen == PDU_CMD_LEN)
    return 1;
  if (data_place(buf, plen, out, err) < 0)
    return -1;
  if (out->data_len > limits->capsule_data)
    return malformed(err, FES_HEADER, PLEN_AT);
  return 1;
}

static int parse_h2c(const uint8_t *buf, uint32_t plen, const pdu_limits *limits, pdu *out,
                     pdu_error *err)
{
  if (plen <= PDU_DATA_LEN)
    return malformed(err, FES_HEADER, PLEN_AT);
  if (data_place(buf, plen, out, err) < 0)
    return -1;
  out->cid = get16(buf + 8);
  out->ttag = get16(buf + 10);
  out->offset = get32(buf + 12);
  if (get32(buf + 16) != out->data_len || out->data_len == 0)
    return malformed(err, FES_HEADER, 16);
  if (out->data_len > limits->h2c_data)
    return malformed(err, FES_LIMIT, 16);
  return 1;
}

/* HLEN of what a host may send; 0 for everything else. */
static uint8_t header_length(uint8_t type)
{
  switch (type) {
  case PDU_ICREQ:
    return PDU_IC_LEN;
  case PDU_H2C_TERM:
    return PDU_TERM_LEN;
  case PDU_CMD:
    return PDU_CMD_LEN;
  case PDU_H2C_DATA:
    return PDU_DATA_LEN;
  default:
    return 0;
  }
}

int pdu_parse(const uint8_t *buf, size_t len, const pdu_limits *limits, pdu *out, pdu_error *err)
{
  uint8_t hlen;
  uint32_t plen;

  if (len < PDU_COMMON)
    return 0;
  hlen = header_length(buf[TYPE_AT]);
  if (hlen == 0)
    return malformed(err, FES_HEADER, TYPE_AT);
  if (buf[HLEN_AT] != hlen)
    return malformed(err, FES_HEADER, HLEN_AT);
  if (buf[FLAGS_AT] & F_DIGESTS)
    return malformed(err, FES_HEADER, FLAGS_AT);
  plen = get32(buf + PLEN_AT);
  if (plen < hlen)
    return malformed(err, FES_HEADER, PLEN_AT);
  if (len < hlen)
    return 0;
  memset(out, 0, sizeof(*out));
  out->type = buf[TYPE_AT];
  out->flags = buf[FLAGS_AT];
  out->header_len = hlen;
  switch (out->type) {
  case PDU_ICREQ:
    return parse_icreq(buf, plen, out, err);
  case PDU_H2C_TERM:
    return parse_term(buf, plen, out, err);
  case PDU_CMD:
    return parse_cmd(buf, plen, limits, out, err);
  default:
    return parse_h2c(buf, plen, limits, out, err);
  }
}

static void common(uint8_t *out, uint8_t type, uint8_t flags, uint8_t hlen, uint8_t pdo,
                   uint32_t plen)
{
  memset(out, 0, hlen);
  out[TYPE_AT] = type;
  out[FLAGS_AT] = flags;
  out[HLEN_AT] = hlen;
  out[PDO_AT] = pdo;
  put32(out + PLEN_AT, plen);
}

size_t pdu_icresp(uint8_t *out, uint32_t maxh2cdata)
{
  common(out, PDU_ICRESP, 0, PDU_IC_LEN, 0, PDU_IC_LEN);
  put32(out + 12, maxh2cdata);
  return PDU_IC_LEN;
}

size_t pdu_term(uint8_t out[PDU_TERM_MAX], pdu_error error, const uint8_t *bad, size_t bad_len)
{
  size_t copied = bad_len < PDU_TERM_MAX - PDU_TERM_LEN ? bad_len : PDU_TERM_MAX - PDU_TERM_LEN;

  common(out, PDU_C2H_TERM, 0, PDU_TERM_LEN, 0, (uint32_t)(PDU_TERM_LEN + copied));
  put16(out + 8, error.fes);
  put32(out + 10, error.fei);
  if (copied)
    memcpy(out + PDU_TERM_LEN, bad, copied);
  return PDU_TERM_LEN + copied;
}

size_t pdu_resp(uint8_t *out, uint64_t result, uint16_t sqhd, uint16_t cid, uint16_t sf)
{
  common(out, PDU_RESP, 0, PDU_RESP_LEN, 0, PDU_RESP_LEN);
  put64(out + 8, result);
  put16(out + 16, sqhd);
  put16(out + 20, cid);
  put16(out + 22, (uint16_t)(sf << 1)); /* no phase tag over fabrics */
  return PDU_RESP_LEN;
}

size_t pdu_r2t(uint8_t *out, uint16_t cid, uint16_t ttag, uint32_t offset, uint32_t len)
{
  common(out, PDU_R2T, 0, PDU_DATA_LEN, 0, PDU_DATA_LEN);
  put16(out + 8, cid);
  put16(out + 10, ttag);
  put32(out + 12, offset);
  put32(out + 16, len);
  return PDU_DATA_LEN;
}

size_t pdu_c2h(uint8_t *out, uint8_t hpda, uint16_t cid, uint32_t offset, uint32_t len, int last)
{
  uint32_t align = (hpda + 1u) * 4;
  uint32_t pdo = (PDU_DATA_LEN + align - 1) / align * align;

  memset(out, 0, pdo);
  common(out, PDU_C2H_DATA, last ? PDU_F_LAST : 0, PDU_DATA_LEN, (uint8_t)pdo, pdo + len);
  put16(out + 8, cid);
  put32(out + 12, offset);
  put32(out + 16, len);
  return pdo;
}
