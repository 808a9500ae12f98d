/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pdu.c: the input is what a host sends to nvmens-tcp-target, through its parser as recv.c uses it.
 * The bytes come in pieces, each PDU in memory of just the length that has come.
 */
#include "../examples/tcp-target/bytes.h"
#include "../examples/tcp-target/pdu.h"
#include "input.h"
#include "target.h"
#include <string.h>

static const pdu_limits limits = {.capsule_data = 8192, .h2c_data = 131072};

/* What is accepted keeps to the rules, whatever the parser thought on its way. */
static void look(const pdu *p, const uint8_t *buf, size_t len)
{
  const uint32_t plen = get32(buf + 4);

  MUST(p->type == buf[0] && !(buf[1] & 3) && p->header_len >= buf[2]);
  MUST((uint64_t)p->header_len + p->data_len == plen);
  switch (p->type) {
  case PDU_ICREQ:
    MUST(plen == 128 && p->hpda <= 31 && p->data_len == 0);
    break;
  case PDU_CMD:
    MUST(p->sqe >= buf && p->sqe + 64 <= buf + len && p->data_len <= limits.capsule_data);
    break;
  case PDU_H2C_DATA:
    MUST(p->data_len > 0 && p->data_len <= limits.h2c_data && p->header_len % 4 == 0);
    break;
  default:
    MUST(p->type == PDU_H2C_TERM && plen <= PDU_TERM_MAX);
  }
}

/* The answer to a bad one fits its buffer and says where it is bad. */
static void refuse(const uint8_t *buf, size_t len, pdu_error err)
{
  uint8_t out[PDU_TERM_MAX];
  size_t n;

  MUST(err.fes >= FES_HEADER && err.fes <= FES_PARAMETER && err.fei < PDU_CMD_LEN);
  n = pdu_term(out, err, buf, len);
  MUST(n <= PDU_TERM_MAX && get32(out + 4) == n);
}

/* The same bytes again, less of them: never another answer than "more is needed". */
static void prefixes(const uint8_t *in, size_t len, int whole)
{
  for (size_t part = 0; part < len && part < 130; part++) {
    uint8_t *exact = malloc(part ? part : 1);
    pdu p;
    pdu_error err;
    int got;

    memcpy(exact, in, part);
    got = pdu_parse(exact, part, &limits, &p, &err);
    MUST(got == 0 || got == whole);
    if (got < 0)
      refuse(exact, part, err);
    free(exact);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
  for (int pdus = 0; len && pdus < 64; pdus++) {
    uint8_t *exact = malloc(len);
    size_t whole = 0;
    pdu p;
    pdu_error err;
    int got;

    memcpy(exact, in, len);
    got = pdu_parse(exact, len, &limits, &p, &err);
    if (got > 0)
      look(&p, exact, len);
    else if (got < 0)
      refuse(exact, len, err);
    prefixes(exact, len, got);
    if (got > 0)
      whole = (size_t)p.header_len + p.data_len;
    free(exact);
    if (got <= 0 || whole > len)
      break;
    in += whole;
    len -= whole;
  }
  return 0;
}
