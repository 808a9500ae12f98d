/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_pdu.c: the PDU parser and builders of nvmens-tcp-target, without a socket. Exit 0 or 1.
 * Every PDU lies in memory of just its length, so that a sanitizer sees a byte too many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../examples/tcp-target/pdu.h"

static const pdu_limits limits = {.capsule_data = 8192, .h2c_data = 131072};
static int failures;

static void claim(int holds, const char *what, unsigned long a, unsigned long b)
{
  if (!holds && failures++ < 20)
    fprintf(stderr, "test_tcp_pdu: %s (%lu, %lu)\n", what, a, b);
}

static int parse(const uint8_t *bytes, size_t len, pdu *out, pdu_error *err)
{
  uint8_t *exact = malloc(len ? len : 1);
  int got;

  memcpy(exact, bytes, len);
  memset(out, 0x5A, sizeof(*out));
  memset(err, 0x5A, sizeof(*err));
  got = pdu_parse(exact, len, &limits, out, err);
  if (got == 1 && out->sqe)
    claim(out->sqe >= exact && out->sqe + 64 <= exact + len, "the SQE lies in the PDU", len, 0);
  free(exact);
  return got;
}

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
  for (unsigned i = 0; i < bytes; i++)
    at[i] = (uint8_t)(value >> 8 * i);
}

/* The good ones, from which the bad ones are made. */
static size_t good(unsigned which, uint8_t *out)
{
  static const struct {
    uint8_t type, hlen, pdo;
    uint32_t plen;
  } kinds[] = {{PDU_ICREQ, 128, 0, 128},        {PDU_H2C_TERM, 24, 0, 24},
               {PDU_H2C_TERM, 24, 0, 152},      {PDU_CMD, 72, 0, 72},
               {PDU_CMD, 72, 72, 72 + 8192},    {PDU_CMD, 72, 128, 128 + 16},
               {PDU_H2C_DATA, 24, 24, 24 + 512}};

  if (which >= sizeof(kinds) / sizeof(kinds[0]))
    return 0;
  memset(out, 0, 256);
  out[0] = kinds[which].type;
  out[2] = kinds[which].hlen;
  out[3] = kinds[which].pdo;
  put(out + 4, 4, kinds[which].plen);
  if (out[0] == PDU_H2C_DATA)
    put(out + 16, 4, 512);
  return out[2];
}

static void good_ones(void)
{
  uint8_t bytes[256];
  pdu p;
  pdu_error err;
  size_t len;

  for (unsigned i = 0; (len = good(i, bytes)) > 0; i++) {
    claim(parse(bytes, len, &p, &err) == 1, "a good PDU", i, 0);
    claim(p.type == bytes[0], "its type", i, p.type);
    for (size_t part = 0; part < len; part++)
      claim(parse(bytes, part, &p, &err) == 0, "truncated: more is needed", i, part);
  }
  good(4, bytes);
  parse(bytes, 72, &p, &err);
  claim(p.header_len == 72 && p.data_len == 8192, "in-capsule data", p.header_len, p.data_len);
  good(5, bytes);
  parse(bytes, 72, &p, &err);
  claim(p.header_len == 128 && p.data_len == 16, "with padding", p.header_len, p.data_len);
}

/* One byte or number wrong, and what it costs. */
static void bad_ones(void)
{
  static const struct {
    unsigned which, at, bytes;
    uint64_t value;
    uint16_t fes;
    uint32_t fei;
  } bad[] = {
      {0, 0, 1, PDU_ICRESP, FES_HEADER, 0},   /* what only a controller sends */
      {3, 0, 1, PDU_RESP, FES_HEADER, 0},     /**/
      {6, 0, 1, PDU_C2H_DATA, FES_HEADER, 0}, /**/
      {6, 0, 1, PDU_R2T, FES_HEADER, 0},      /**/
      {1, 0, 1, PDU_C2H_TERM, FES_HEADER, 0}, /**/
      {3, 0, 1, 8, FES_HEADER, 0},            /* of no type */
      {3, 0, 1, 255, FES_HEADER, 0},          /**/
      {0, 2, 1, 127, FES_HEADER, 2},          /* HLEN */
      {3, 2, 1, 64, FES_HEADER, 2},           /**/
      {6, 2, 1, 0, FES_HEADER, 2},            /**/
      {3, 1, 1, 1, FES_HEADER, 1},            /* a header digest */
      {6, 1, 1, 2, FES_HEADER, 1},            /* a data digest */
      {0, 4, 4, 127, FES_HEADER, 4},          /* PLEN */
      {0, 4, 4, 129, FES_HEADER, 4},          /**/
      {1, 4, 4, 153, FES_HEADER, 4},          /**/
      {3, 4, 4, 71, FES_HEADER, 4},           /**/
      {3, 4, 4, 0, FES_HEADER, 4},            /**/
      {3, 4, 4, UINT32_MAX, FES_HEADER, 3},   /* (its PDO is 0) */
      {4, 4, 4, 72 + 8193, FES_HEADER, 4},    /* more than IOCCSZ has */
      {4, 4, 4, UINT32_MAX, FES_HEADER, 4},   /**/
      {4, 3, 1, 71, FES_HEADER, 3},           /* PDO: in the header */
      {4, 3, 1, 74, FES_HEADER, 3},           /* not aligned */
      {5, 3, 1, 252, FES_HEADER, 3},          /* behind the end */
      {6, 3, 1, 20, FES_HEADER, 3},           /**/
      {6, 4, 4, 24, FES_HEADER, 4},           /* H2CData without data */
      {6, 16, 4, 511, FES_HEADER, 16},        /* DATAL is not what PLEN says */
      {6, 16, 4, 0, FES_HEADER, 16},          /**/
      {0, 8, 2, 1, FES_PARAMETER, 8},         /* PFV */
      {0, 10, 1, 32, FES_HEADER, 10},         /* HPDA */
  };
  uint8_t bytes[256];
  pdu p;
  pdu_error err;

  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    size_t len = good(bad[i].which, bytes);

    put(bytes + bad[i].at, bad[i].bytes, bad[i].value);
    claim(parse(bytes, len, &p, &err) == -1, "is refused", i, 0);
    claim(err.fes == bad[i].fes && err.fei == bad[i].fei, "for its reason", i, err.fei);
  }
  good(6, bytes);
  put(bytes + 4, 4, 24 + 131073);
  put(bytes + 16, 4, 131073);
  claim(parse(bytes, 24, &p, &err) == -1 && err.fes == FES_LIMIT, "MAXH2CDATA", err.fes, 0);
}

static uint64_t seed = 1;

static uint32_t number(void)
{
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 33);
}

/* Random, and random changes to good ones: never more than what the limits allow. */
static void random_ones(void)
{
  unsigned accepted = 0;

  for (unsigned i = 0; i < 100000; i++) {
    uint8_t bytes[256];
    size_t len = number() % sizeof(bytes);
    pdu p;
    pdu_error err;
    int got;

    for (size_t b = 0; b < sizeof(bytes); b++)
      bytes[b] = (uint8_t)number();
    if (i % 4) {
      good(number() % 7, bytes);
      for (unsigned change = number() % 4; change > 0; change--)
        bytes[number() % 24] = (uint8_t)(number() % 3 ? number() : number() % 9);
    }
    got = parse(bytes, len, &p, &err);
    claim(got >= -1 && got <= 1, "an answer", i, 0);
    if (got < 0)
      claim(err.fes >= FES_HEADER && err.fes <= FES_PARAMETER && err.fei < 24, "a reason", i, 0);
    if (got <= 0)
      continue;
    accepted++;
    claim(p.header_len <= PDU_HEADER_MAX, "a short header", i, p.header_len);
    claim(p.data_len <= (p.type == PDU_H2C_DATA ? limits.h2c_data : limits.capsule_data),
          "data within limits", i, p.data_len);
    claim(!p.sqe == (p.type != PDU_CMD), "an SQE in a command", i, p.type);
  }
  claim(accepted > 1000, "some are good", accepted, 0);
}

static void builders(void)
{
  uint8_t out[512] = {0}, bad[300] = {4, 3, 2, 1};
  const pdu_error error = {FES_LIMIT, 0x01020304};

  claim(pdu_icresp(out, 131072) == 128 && out[0] == PDU_ICRESP && out[14] == 2, "ICResp", out[14],
        0);
  claim(pdu_term(out, error, bad, sizeof(bad)) == PDU_TERM_MAX, "C2HTermReq is cut", 0, 0);
  claim(out[4] == PDU_TERM_MAX && out[8] == FES_LIMIT && out[10] == 4 && out[13] == 1 &&
            memcmp(out + 24, bad, 128) == 0,
        "C2HTermReq", out[8], out[10]);
  claim(pdu_term(out, error, NULL, 0) == 24 && out[4] == 24, "without data", out[4], 0);
  pdu_resp(out, UINT64_C(0x1122334455667788), 7, 0x1234, 0x4002);
  claim(out[8] == 0x88 && out[15] == 0x11 && out[16] == 7 && out[20] == 0x34 && out[22] == 4 &&
            out[23] == 0x80,
        "CapsuleResp: DW0, DW1 and DNR (P20)", out[22], out[23]);
  for (uint8_t hpda = 0; hpda < 32; hpda++) {
    size_t pdo = pdu_c2h(out, hpda, 1, 0, 512, 1);

    claim(pdo >= 24 && pdo % ((hpda + 1u) * 4) == 0 && pdo == out[3], "HPDA", hpda, pdo);
    claim(out[4] + 256u * out[5] == pdo + 512 && out[1] == PDU_F_LAST, "C2HData", hpda, out[4]);
  }
  claim(pdu_r2t(out, 5, 6, 0, 4096) == 24 && out[8] == 5 && out[10] == 6 && out[17] == 16, "R2T",
        out[8], out[10]);
}

int main(void)
{
  good_ones();
  bad_ones();
  random_ones();
  builders();
  return failures > 0;
}
