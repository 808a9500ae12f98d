/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_host.c: see tcp_host.h. Blocking sockets and poll; numbers are put together here and not by
 * the target's own code, so that the two can disagree.
 */
#include "tcp_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_MS = 10000 };

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
  for (unsigned i = 0; i < bytes; i++)
    at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
  uint64_t value = 0;

  for (unsigned i = 0; i < bytes; i++)
    value |= (uint64_t)at[i] << 8 * i;
  return value;
}

static int64_t now_ms(void)
{
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- bytes ---- */

int th_tcp(th_queue *q, const char *addr, uint16_t port)
{
  struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
  int one = 1;

  memset(q, 0, sizeof(*q));
  q->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (q->fd < 0 || inet_pton(AF_INET, addr, &sin.sin_addr) != 1 ||
      connect(q->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0) {
    th_close(q);
    return -1;
  }
  setsockopt(q->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return 0;
}

void th_close(th_queue *q)
{
  if (q->fd >= 0)
    close(q->fd);
  q->fd = -1;
}

int th_write(th_queue *q, const void *data, size_t len)
{
  const uint8_t *at = data;

  while (len > 0) {
    ssize_t n = send(q->fd, at, len, MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return TH_CLOSED;
    at += n;
    len -= (size_t)n;
  }
  return 0;
}

static int read_all(th_queue *q, void *data, size_t len, int64_t until)
{
  uint8_t *at = data;

  while (len > 0) {
    struct pollfd fd = {.fd = q->fd, .events = POLLIN};
    int64_t rest = until < 0 ? -1 : until - now_ms();
    ssize_t n;

    if (until >= 0 && rest <= 0)
      rest = 0;
    if (poll(&fd, 1, (int)rest) == 0)
      return TH_TIMEOUT;
    n = recv(q->fd, at, len, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return TH_CLOSED;
    at += n;
    len -= (size_t)n;
  }
  return 0;
}

/* ---- PDUs ---- */

static int term(th_queue *q, const uint8_t *pdu)
{
  q->fes = (uint16_t)get(pdu + 8, 2);
  q->fei = (uint32_t)get(pdu + 10, 4);
  return TH_TERM;
}

int th_icreq(th_queue *q)
{
  uint8_t pdu[128] = {0, 0, 128};
  int err;

  put(pdu + 4, 4, 128);
  err = th_write(q, pdu, sizeof(pdu));
  if (!err)
    err = read_all(q, pdu, 24, now_ms() + DEFAULT_MS);
  if (!err && pdu[0] == 3)
    return term(q, pdu);
  if (!err)
    err = read_all(q, pdu + 24, 104, now_ms() + DEFAULT_MS);
  return err ? err : pdu[0] == 1 ? 0 : TH_CLOSED;
}

void th_sqe(uint8_t sqe[64], uint8_t opcode, uint32_t nsid)
{
  memset(sqe, 0, 64);
  sqe[0] = opcode;
  put(sqe + 4, 4, nsid);
}

void th_cdw(uint8_t sqe[64], int dword, uint32_t value)
{
  put(sqe + 4 * dword, 4, value);
}

void th_capsule(uint8_t pdu[72], const uint8_t sqe[64], uint16_t cid, uint32_t len, th_how how)
{
  uint32_t inlined = how == TH_INLINE ? len : 0;

  memset(pdu, 0, 8);
  pdu[0] = 4;
  pdu[2] = 72;
  pdu[3] = inlined ? 72 : 0;
  put(pdu + 4, 4, 72 + inlined);
  memcpy(pdu + 8, sqe, 64);
  pdu[8 + 1] |= 0x40;
  put(pdu + 8 + 2, 2, cid);
  put(pdu + 8 + 32, 4, len);
  pdu[8 + 39] = inlined ? 0x01 : 0x5A;
}

int th_send(th_queue *q, uint8_t sqe[64], void *data, uint32_t len, th_how how)
{
  uint8_t pdu[72];
  uint16_t cid = 0;
  int tries = TH_CIDS;

  do {
    cid = q->next_cid++ % TH_CIDS;
  } while (q->cmd[cid].used && --tries);
  if (!tries)
    return -1;
  q->cmd[cid].data = data;
  q->cmd[cid].len = len;
  q->cmd[cid].got = 0;
  q->cmd[cid].used = true;
  q->cmd[cid].ended = false;
  th_capsule(pdu, sqe, cid, len, how);
  if (th_write(q, pdu, sizeof(pdu)) || (how == TH_INLINE && th_write(q, data, len)))
    return -1;
  return cid;
}

int th_answer_r2t(th_queue *q, uint16_t cid, uint16_t ttag)
{
  uint8_t pdu[24] = {6, 4, 24, 24};
  uint32_t len = q->cmd[cid].len;
  int err;

  put(pdu + 4, 4, 24 + len);
  put(pdu + 8, 2, cid);
  put(pdu + 10, 2, ttag);
  put(pdu + 16, 4, len);
  err = th_write(q, pdu, sizeof(pdu));
  return err ? err : th_write(q, q->cmd[cid].data, len);
}

static bool runs(const th_queue *q, uint16_t cid)
{
  return cid < TH_CIDS && q->cmd[cid].used && !q->cmd[cid].ended;
}

static int take_r2t(th_queue *q, const uint8_t *pdu)
{
  uint16_t cid = (uint16_t)get(pdu + 8, 2), ttag = (uint16_t)get(pdu + 10, 2);

  if (!runs(q, cid) || get(pdu + 12, 4) != 0)
    return TH_CLOSED;
  q->cmd[cid].len = (uint32_t)get(pdu + 16, 4);
  q->r2ts++;
  q->held_cid = cid;
  q->held_ttag = ttag;
  return q->hold_r2t ? 0 : th_answer_r2t(q, cid, ttag);
}

static int take_data(th_queue *q, const uint8_t *pdu, int64_t until)
{
  uint16_t cid = (uint16_t)get(pdu + 8, 2);
  uint32_t offset = (uint32_t)get(pdu + 12, 4), len = (uint32_t)get(pdu + 16, 4);
  uint8_t pad[256];
  int err = read_all(q, pad, pdu[3] - 24u, until);

  if (err)
    return err;
  if (!runs(q, cid) || offset != q->cmd[cid].got || len > q->cmd[cid].len - offset)
    return TH_CLOSED;
  q->cmd[cid].got += len;
  return read_all(q, q->cmd[cid].data + offset, len, until);
}

/* 1: *cqe is a completion. */
static int take_pdu(th_queue *q, th_cqe *cqe, int64_t until)
{
  uint8_t pdu[24];
  int err = read_all(q, pdu, sizeof(pdu), until);

  if (err)
    return err;
  switch (pdu[0]) {
  case 3:
    return term(q, pdu);
  case 5:
    cqe->dw0 = (uint32_t)get(pdu + 8, 4);
    cqe->dw1 = (uint32_t)get(pdu + 12, 4);
    cqe->sqhd = (uint16_t)get(pdu + 16, 2);
    cqe->cid = (uint16_t)get(pdu + 20, 2);
    cqe->sf = (uint16_t)(get(pdu + 22, 2) >> 1);
    if (cqe->cid < TH_CIDS)
      q->cmd[cqe->cid].ended = true;
    return 1;
  case 7:
    return take_data(q, pdu, until);
  case 9:
    return take_r2t(q, pdu);
  default:
    return TH_CLOSED;
  }
}

static int from_wire(th_queue *q, th_cqe *cqe, int64_t until)
{
  int got;

  do {
    got = take_pdu(q, cqe, until);
  } while (got == 0);
  return got > 0 ? 0 : got;
}

/* Its CID may be given to another. */
static int taken(th_queue *q, const th_cqe *cqe)
{
  if (cqe->cid < TH_CIDS)
    q->cmd[cqe->cid].used = false;
  return 0;
}

static int take_stashed(th_queue *q, unsigned i, th_cqe *cqe)
{
  *cqe = q->stash[i];
  q->stashed--;
  memmove(q->stash + i, q->stash + i + 1, (q->stashed - i) * sizeof(*cqe));
  return taken(q, cqe);
}

int th_next(th_queue *q, th_cqe *cqe, int ms)
{
  int err;

  if (q->stashed > 0)
    return take_stashed(q, 0, cqe);
  err = from_wire(q, cqe, ms < 0 ? -1 : now_ms() + ms);
  return err ? err : taken(q, cqe);
}

int th_wait(th_queue *q, int cid, th_cqe *cqe, int ms)
{
  int64_t until = ms < 0 ? -1 : now_ms() + ms;

  for (unsigned i = 0; i < q->stashed; i++)
    if (q->stash[i].cid == cid)
      return take_stashed(q, i, cqe);
  for (;;) {
    int err = from_wire(q, cqe, until);

    if (err || cqe->cid == cid)
      return err ? err : taken(q, cqe);
    if (q->stashed == TH_STASH)
      return TH_CLOSED;
    q->stash[q->stashed++] = *cqe;
  }
}

int th_run(th_queue *q, uint8_t sqe[64], void *data, uint32_t len, th_how how, th_cqe *cqe)
{
  th_cqe mine;
  int cid = th_send(q, sqe, data, len, how), err;

  if (!cqe)
    cqe = &mine;
  err = cid < 0 ? TH_CLOSED : th_wait(q, cid, cqe, DEFAULT_MS);
  return err ? err : cqe->sf;
}

/* ---- commands ---- */

int th_connect(th_queue *q, const char *addr, uint16_t port, const th_id *id, uint16_t qid,
               uint16_t cntlid, uint16_t sqsize, uint32_t kato)
{
  uint8_t sqe[64], data[1024] = {0};
  th_cqe cqe = {0};
  int err;

  if (th_tcp(q, addr, port) < 0)
    return TH_CLOSED;
  err = th_icreq(q);
  if (err)
    return err;
  th_sqe(sqe, 0x7F, 1);
  put(sqe + 42, 2, qid);
  put(sqe + 44, 2, sqsize);
  put(sqe + 48, 4, kato);
  memcpy(data, id->hostid, 16);
  put(data + 16, 2, qid ? cntlid : 0xFFFF);
  strncpy((char *)data + 256, id->subnqn, 255);
  strncpy((char *)data + 512, id->hostnqn, 255);
  err = th_run(q, sqe, data, sizeof(data), TH_INLINE, &cqe);
  q->qid = qid;
  q->cntlid = (uint16_t)cqe.dw0;
  q->fei = cqe.dw0; /* of Connect Invalid Parameters: which one */
  return err;
}

int th_property_set(th_queue *q, uint32_t offset, uint32_t value)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x7F, 0);
  put(sqe + 44, 4, offset);
  put(sqe + 48, 8, value);
  return th_run(q, sqe, NULL, 0, TH_NONE, NULL);
}

int th_property_get(th_queue *q, uint32_t offset, uint64_t *value)
{
  uint8_t sqe[64];
  th_cqe cqe = {0};
  int err;

  th_sqe(sqe, 0x7F, 4);
  sqe[40] = offset == 0;
  put(sqe + 44, 4, offset);
  err = th_run(q, sqe, NULL, 0, TH_NONE, &cqe);
  *value = cqe.dw0 | (uint64_t)cqe.dw1 << 32;
  return err;
}

int th_enable(th_queue *q, bool on)
{
  uint64_t csts = 0;
  int err = th_property_set(q, 0x14, on ? 0x00460001 : 0x00460000);

  if (!err)
    err = th_property_get(q, 0x1C, &csts);
  return err ? err : (csts & 3) == on ? 0 : TH_TIMEOUT;
}

int th_identify(th_queue *q, uint8_t cns, uint32_t nsid, uint16_t cntid, void *page)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x06, nsid);
  th_cdw(sqe, 10, cns | (uint32_t)cntid << 16);
  return th_run(q, sqe, page, 4096, TH_READ, NULL);
}

int th_log(th_queue *q, uint8_t lid, bool rae, void *buf, uint32_t len)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x02, 0xFFFFFFFF);
  th_cdw(sqe, 10, lid | (uint32_t)rae << 15 | (len / 4 - 1) << 16);
  return th_run(q, sqe, buf, len, TH_READ, NULL);
}

int th_feature(th_queue *q, uint8_t fid, uint32_t value)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x09, 0);
  th_cdw(sqe, 10, fid);
  th_cdw(sqe, 11, value);
  return th_run(q, sqe, NULL, 0, TH_NONE, NULL);
}

int th_rw(th_queue *q, bool write, uint32_t nsid, uint64_t slba, uint32_t blocks, void *buf,
          uint32_t len, th_how how)
{
  uint8_t sqe[64];

  th_sqe(sqe, write ? 1 : 2, nsid);
  put(sqe + 40, 8, slba);
  put(sqe + 48, 2, blocks - 1);
  return th_run(q, sqe, buf, len, how, NULL);
}

int th_park(th_queue *q)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x0C, 0);
  return th_send(q, sqe, NULL, 0, TH_NONE);
}
