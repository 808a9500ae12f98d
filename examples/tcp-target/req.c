/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * req.c: the entries of a queue, and the way of a command from its capsule to who runs it. There
 * are as many entries as the host asked for in Connect; a host that sends more commands than that
 * has broken the flow control and is cut off. Queue's thread only.
 */
#include "bytes.h"
#include "conn.h"
#include <stdlib.h>
#include <string.h>

/* SGL descriptor types: type << 4 | subtype. */
enum { SGL_IN_CAPSULE = 0x01, SGL_TRANSPORT = 0x5A };
enum { FLAGS_FUSE = 0x03, FLAGS_PSDT = 0xC0, FLAGS_SGL = 0x40 };

void req_unpool(req *reqs, uint16_t depth, uint16_t *unused)
{
  for (uint16_t i = 0; reqs && i < depth; i++)
    free(reqs[i].buf);
  free(reqs);
  free(unused);
}

int req_pool(conn *c, uint16_t depth)
{
  req *reqs = calloc(depth, sizeof(*reqs));
  uint16_t *unused = calloc(depth, sizeof(*unused));

  if (!reqs || !unused) {
    free(reqs);
    free(unused);
    return -1;
  }
  req_unpool(c->reqs, c->depth, c->unused);
  c->reqs = reqs;
  c->unused = unused;
  c->depth = c->nunused = depth;
  for (uint16_t i = 0; i < depth; i++) {
    reqs[i].conn = c;
    reqs[i].index = i;
    unused[i] = (uint16_t)(depth - 1 - i);
  }
  return 0;
}

req *req_take(conn *c)
{
  req *r;

  if (c->nunused == 0)
    return NULL;
  r = &c->reqs[c->unused[--c->nunused]];
  r->state = REQ_RUNS;
  r->len = r->got = 0;
  r->data = NULL;
  r->in_capsule = r->flush_all = r->drop = false;
  r->ns = NULL;
  r->sf = 0;
  r->dw0 = 0;
  r->error_info = 0;
  return r;
}

void req_free(conn *c, req *r)
{
  r->state = REQ_FREE;
  c->unused[c->nunused++] = r->index;
}

int req_room(req *r, uint32_t len)
{
  uint8_t *buf;

  if (len <= r->buf_size)
    return 0;
  buf = realloc(r->buf, len);
  if (!buf)
    return -1;
  r->buf = buf;
  r->buf_size = len;
  return 0;
}

bool req_from_host(const req *r)
{
  uint8_t kind = r->sqe[0] == OP_FABRICS ? r->sqe[SQE_FCTYPE] : r->sqe[0];

  return (kind & 3) == 1 && r->len > 0;
}

uint16_t req_sgl(req *r, const uint8_t *data, uint32_t inlined)
{
  const uint8_t *sgl = r->sqe + SQE_SGL;
  uint64_t address = get64(sgl);
  uint32_t len = get32(sgl + 8);

  if ((r->sqe[1] & FLAGS_PSDT) != FLAGS_SGL || (r->sqe[1] & FLAGS_FUSE))
    return NVMENS_SC_INVALID_FIELD | DNR;
  r->len = len;
  if (sgl[15] == SGL_TRANSPORT)
    return 0;
  if (sgl[15] != SGL_IN_CAPSULE)
    return SC_SGL_TYPE | DNR;
  if (address > inlined)
    return SC_SGL_OFFSET | DNR;
  if (len > inlined - address)
    return SC_SGL_LENGTH | DNR;
  r->in_capsule = true;
  r->data = data + address;
  r->got = len;
  return 0;
}

void req_start(conn *c, req *r)
{
  bool fabrics = r->sqe[0] == OP_FABRICS;

  if (c->ctrl && !atomic_load_explicit(&c->ctrl->heard, memory_order_relaxed))
    atomic_store_explicit(&c->ctrl->heard, true, memory_order_relaxed);
  if (c->state != CONN_LIVE) {
    if (!fabrics || r->sqe[SQE_FCTYPE] != FC_CONNECT)
      send_end(c, r, SC_COMMAND_SEQUENCE | DNR, 0);
    else if (req_from_host(r) && !r->in_capsule)
      req_ask(c, r);
    else
      fabrics_command(c, r);
  } else if (fabrics) {
    fabrics_command(c, r);
  } else if (c->qid == 0) {
    admin_start(c, r);
  } else {
    io_start(c, r);
  }
}

void req_ask(conn *c, req *r)
{
  uint8_t *at;

  if (r->len > (c->qid ? MAX_DATA : MAX_ADMIN_DATA)) {
    hold_let_go(c, r);
    send_end(c, r, NVMENS_SC_INVALID_FIELD | DNR, 0);
    return;
  }
  if (req_room(r, r->len) < 0) {
    hold_let_go(c, r);
    send_end(c, r, NVMENS_SC_INTERNAL_ERROR, 0);
    return;
  }
  at = send_room(c, PDU_DATA_LEN);
  if (!at)
    return;
  c->tx_len += pdu_r2t(at, r->cid, r->index, 0, r->len);
  r->data = r->buf;
  r->state = REQ_R2T;
}

void req_data(conn *c, req *r)
{
  r->state = REQ_RUNS;
  if (c->state != CONN_LIVE)
    fabrics_command(c, r);
  else if (c->qid == 0)
    admin_run(c, r);
  else
    hold_or_run(c, r);
}
