/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * features.c: Get and Set Features, but for 0Bh, which is the library's. Queue's thread only.
 */
#include "bytes.h"
#include "conn.h"

enum { SEL_CURRENT = 0, SEL_SUPPORTED = 3, CHANGEABLE = 4 };

/* Features that are kept and answered, and change nothing here. */
static const struct plain {
  uint8_t fid;
  uint32_t initial, mask;
} plain[] = {
    {FID_ARBITRATION, 7, 0xFFFFFFFF}, /* burst: no limit; one SQ, nothing to arbitrate */
    {FID_POWER, 0, 0xFF},
    {FID_TEMPERATURE, 0x0157, 0x7FFFFF},
    {FID_ERROR_RECOVERY, 0, 0x1FFFF},
    {FID_WRITE_CACHE, 1, 1},
};

static const struct plain *find_plain(uint8_t fid)
{
  for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
    if (plain[i].fid == fid)
      return &plain[i];
  return NULL;
}

/* Kept as the difference to what is initial, so that a new controller needs no set up. */
static uint32_t *kept(ctrl *k, const struct plain *p)
{
  return &k->feature[p - plain];
}

static uint32_t queues(const ctrl *k)
{
  uint32_t n = k->io_queues ? k->io_queues - 1u : MAX_IO_QUEUES - 1u;

  return n | n << 16;
}

static uint16_t set_queues(ctrl *k, uint32_t value)
{
  uint32_t sq = value & 0xFFFF, cq = value >> 16, n = sq < cq ? sq : cq;
  bool used = false;

  if (sq == 0xFFFF || cq == 0xFFFF)
    return NVMENS_SC_INVALID_FIELD | DNR;
  pthread_mutex_lock(&k->t->lock);
  for (int i = 1; i <= MAX_IO_QUEUES; i++)
    used |= k->ioq[i] != NULL;
  pthread_mutex_unlock(&k->t->lock);
  if (used)
    return SC_COMMAND_SEQUENCE | DNR;
  k->io_queues = (uint16_t)(n < MAX_IO_QUEUES ? n + 1 : MAX_IO_QUEUES);
  return 0;
}

static void set(conn *c, req *r, uint8_t fid, uint32_t value)
{
  const struct plain *p = find_plain(fid);
  ctrl *k = c->ctrl;
  uint16_t sf = 0;
  uint32_t dw0 = 0;

  if (get32(r->sqe + SQE_CDW10) >> 31) {
    sf = NVMENS_SC_FEATURE_NOT_SAVEABLE | DNR;
  } else if (fid == FID_KEEP_ALIVE) {
    k->kato_ns = value * UINT64_C(1000000);
    c->next_beat = 0;
  } else if (k->discovery) {
    sf = NVMENS_SC_INVALID_FIELD | DNR;
  } else if (fid == FID_QUEUES) {
    sf = set_queues(k, value);
    dw0 = sf ? 0 : queues(k);
  } else if (p && !(value & ~p->mask)) {
    *kept(k, p) = value ^ p->initial;
  } else {
    sf = NVMENS_SC_INVALID_FIELD | DNR;
  }
  send_end(c, r, sf, dw0);
}

static void get(conn *c, req *r, uint8_t fid)
{
  const struct plain *p = find_plain(fid);
  uint8_t select = r->sqe[SQE_CDW10 + 1] & 7;
  ctrl *k = c->ctrl;
  uint32_t value = 0;
  bool known = select <= SEL_SUPPORTED;

  if (fid == FID_KEEP_ALIVE)
    value = select == SEL_CURRENT ? (uint32_t)(k->kato_ns / 1000000) : 0;
  else if (k->discovery)
    known = false;
  else if (fid == FID_QUEUES)
    value = queues(k);
  else if (p)
    value = p->initial ^ (select == SEL_CURRENT ? *kept(k, p) : 0);
  else
    known = false;
  if (!known)
    send_end(c, r, NVMENS_SC_INVALID_FIELD | DNR, 0);
  else
    send_end(c, r, 0, select == SEL_SUPPORTED ? CHANGEABLE : value);
}

void features_command(conn *c, req *r)
{
  uint8_t fid = r->sqe[SQE_CDW10];

  if (r->sqe[0] == NVMENS_OP_SET_FEATURES)
    set(c, r, fid, get32(r->sqe + SQE_CDW10 + 4));
  else
    get(c, r, fid);
}
