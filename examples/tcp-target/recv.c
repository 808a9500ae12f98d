/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recv.c: from the socket to commands. Bytes are taken as they come; a header is acted upon when
 * all of it is there, a command capsule when its data are there too. Data of an R2T go straight to
 * the command's memory. Queue's thread only; never waits.
 */
#define _GNU_SOURCE
#include "bytes.h"
#include "conn.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const pdu_limits limits = {.capsule_data = MAX_CAPSULE, .h2c_data = MAX_DATA};

static void take_icreq(conn *c, const pdu *p, const uint8_t *at)
{
  uint8_t *out;

  if (c->state != CONN_NEW) {
    send_term(c, FES_SEQUENCE, 0, at, PDU_IC_LEN);
    return;
  }
  c->hpda = p->hpda;
  c->state = CONN_CONNECT;
  out = send_room(c, PDU_IC_LEN);
  if (out)
    c->tx_len += pdu_icresp(out, MAX_DATA);
}

static void take_command(conn *c, const pdu *p, const uint8_t *at)
{
  req *r = c->state == CONN_NEW ? NULL : req_take(c);
  uint16_t sf;

  if (!r) { /* before ICReq, or more commands than the queue has entries */
    send_term(c, FES_SEQUENCE, 0, at, PDU_CMD_LEN);
    return;
  }
  memcpy(r->sqe, p->sqe, sizeof(r->sqe));
  r->cid = get16(r->sqe + SQE_CID);
  r->nsid = get32(r->sqe + SQE_NSID);
  sf = req_sgl(r, at + p->header_len, p->data_len);
  if (sf)
    send_end(c, r, sf, 0);
  else
    req_start(c, r);
}

/* The header of data that an R2T asked for. The bytes follow in any number of pieces. */
static void take_data(conn *c, const pdu *p, const uint8_t *at)
{
  req *r = p->ttag < c->depth ? &c->reqs[p->ttag] : NULL;
  bool last;

  if (!r || r->state != REQ_R2T) {
    send_term(c, FES_HEADER, 10, at, PDU_DATA_LEN);
    return;
  }
  if (p->cid != r->cid) {
    send_term(c, FES_HEADER, 8, at, PDU_DATA_LEN);
    return;
  }
  if (p->offset != r->got || p->data_len > r->len - r->got) {
    send_term(c, FES_OUT_OF_RANGE, 0, at, PDU_DATA_LEN);
    return;
  }
  last = p->data_len == r->len - r->got;
  if (last != !!(p->flags & PDU_F_LAST)) {
    send_term(c, FES_HEADER, 1, at, PDU_DATA_LEN);
    return;
  }
  c->h2c = r;
  c->h2c_left = p->data_len;
}

static void data_came(conn *c, uint32_t len)
{
  req *r = c->h2c;

  r->got += len;
  c->h2c_left -= len;
  if (c->h2c_left > 0)
    return;
  c->h2c = NULL;
  if (r->got == r->len)
    req_data(c, r);
}

/* What one PDU at `at` is worth: bytes consumed, or 0 when it is not complete (or the end). */
static size_t take_pdu(conn *c, const uint8_t *at, size_t len)
{
  pdu p;
  pdu_error err;
  size_t whole;
  int got = pdu_parse(at, len, &limits, &p, &err);

  if (got < 0) {
    send_term(c, err.fes, err.fei, at, len < PDU_CMD_LEN ? len : PDU_CMD_LEN);
    c->dead = true;
  }
  if (got <= 0)
    return 0;
  whole = p.header_len + (p.type == PDU_H2C_DATA ? 0 : p.data_len);
  if (len < whole)
    return 0;
  switch (p.type) {
  case PDU_ICREQ:
    take_icreq(c, &p, at);
    break;
  case PDU_CMD:
    take_command(c, &p, at);
    break;
  case PDU_H2C_DATA:
    take_data(c, &p, at);
    break;
  default:
    note(c->t, "%s: H2CTermReq, status %u", c->peer, p.fes);
    c->dead = true;
  }
  return whole;
}

static void parse_all(conn *c)
{
  size_t at = 0;
  bool whole = false;

  while (at < c->rx_len && !c->dead) {
    size_t n = c->rx_len - at;

    if (c->h2c_left > 0) {
      if (n > c->h2c_left)
        n = c->h2c_left;
      memcpy(c->h2c->buf + c->h2c->got, c->rx + at, n);
      data_came(c, (uint32_t)n);
      whole |= c->h2c_left == 0;
    } else {
      n = take_pdu(c, c->rx + at, n);
      if (n == 0)
        break;
      whole |= c->h2c_left == 0;
    }
    at += n;
  }
  if (c->dead)
    return;
  if (at > 0) {
    c->rx_len -= at;
    memmove(c->rx, c->rx + at, c->rx_len);
  }
  if (c->rx_len == 0 && c->h2c_left == 0)
    c->rx_since = 0;
  else if (whole || c->rx_since == 0)
    c->rx_since = now_ns();
}

/* Not more than that at a time: who floods us is to be killed, or kept from his namespaces, too. */
enum { ROUNDS = 16 };

void recv_some(conn *c)
{
  for (int round = 0; round < ROUNDS && !c->dead; round++) {
    uint32_t direct = c->rx_len == 0 ? c->h2c_left : 0;
    struct iovec iov[2] = {
        {.iov_base = direct ? c->h2c->buf + c->h2c->got : NULL, .iov_len = direct},
        {.iov_base = c->rx + c->rx_len, .iov_len = RX_SIZE - c->rx_len}};
    struct msghdr msg = {.msg_iov = direct ? iov : iov + 1, .msg_iovlen = direct ? 2 : 1};
    size_t asked = direct + RX_SIZE - c->rx_len;
    ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return;
    if (n <= 0) {
      c->dead = true;
      return;
    }
    if (direct && (size_t)n < direct) {
      data_came(c, (uint32_t)n);
      return;
    }
    if (direct) {
      c->rx_len = (size_t)n - direct;
      c->rx_since = 0;
      data_came(c, direct);
    } else {
      c->rx_len += (size_t)n;
    }
    parse_all(c);
    if ((size_t)n < asked)
      return;
  }
}
