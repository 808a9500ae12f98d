/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fabrics.c: Connect makes a controller (Admin queue) or joins one (I/O queue); Property Set of CC
 * is where a controller is enabled, reset and shut down. Queue's thread only.
 */
#define _POSIX_C_SOURCE 200809L
#include "bytes.h"
#include "conn.h"
#include <string.h>

enum { CONNECT_DATA = 1024, SUBNQN_AT = 256, HOSTNQN_AT = 512, CNTLID_AT = 16 };
enum { RECFMT_AT = 40, QID_AT = 42, SQSIZE_AT = 44, CATTR_AT = 46, KATO_AT = 48 };
enum { ATTRIB_AT = 40, OFFSET_AT = 44, VALUE_AT = 48 };
enum { CATTR_NO_SQ_FLOW = 4 };
enum { IN_COMMAND = 0, IN_DATA = 1 };

/* Connect Invalid Parameters names the offset of the parameter, and where it stands. */
static void invalid(conn *c, req *r, int where, uint16_t offset)
{
  send_end(c, r, SC_CONNECT_INVALID | DNR, (uint64_t)where << 16 | offset);
}

/* An NQN in Connect data: terminated, not too long. NULL otherwise. */
static const char *nqn_at(const uint8_t *data, size_t at)
{
  const char *nqn = (const char *)data + at;
  size_t len = strnlen(nqn, NQN_SIZE);

  return len > 0 && len <= NQN_MAX ? nqn : NULL;
}

/* The queue gets its entries; the one of Connect is the first that was used. */
static void connected(conn *c, req *r, ctrl *k)
{
  uint16_t cid = r->cid, entries = (uint16_t)(get16(r->sqe + SQSIZE_AT) + 1u);
  bool flow_off = r->sqe[CATTR_AT] & CATTR_NO_SQ_FLOW;

  if (req_pool(c, entries) < 0) {
    send_end(c, r, NVMENS_SC_INTERNAL_ERROR, 0);
    send_flush(c);
    c->dead = true;
    return;
  }
  r = req_take(c);
  r->cid = cid;
  c->sqhd_off = flow_off;
  c->state = CONN_LIVE;
  send_end(c, r, 0, k->cntlid);
  note(c->t, "%s: queue %u of controller %u, %u entries", c->peer, c->qid, k->cntlid, entries);
}

static void connect_admin(conn *c, req *r, const connect_host *host)
{
  ctrl *k;
  int err;

  if (get16(r->data + CNTLID_AT) != 0xFFFF) { /* FCATT: dynamic controllers only */
    invalid(c, r, IN_DATA, CNTLID_AT);
    return;
  }
  k = ctrl_new(c->t, host, &err);
  if (!k) {
    send_end(c, r, err == NVMENS_ERR_NOMEM ? NVMENS_SC_INTERNAL_ERROR : SC_CONNECT_BUSY, 0);
    return;
  }
  k->kato_ns = get32(r->sqe + KATO_AT) * UINT64_C(1000000);
  c->ctrl = k;
  c->heard_ns = now_ns();
  connected(c, r, k);
}

/* Registered and ready are looked at together: a reset either sees the queue or stops it. */
static bool join(conn *c, ctrl *k, uint16_t qid)
{
  bool joined = false;

  pthread_mutex_lock(&k->life);
  if (!k->gone && nvmens_lane_new(&c->lane, k->lib) == 0) {
    pthread_mutex_lock(&c->t->lock);
    if (atomic_load(&k->ready) && !k->ioq[qid]) {
      k->ioq[qid] = c;
      joined = true;
    }
    pthread_mutex_unlock(&c->t->lock);
  }
  pthread_mutex_unlock(&k->life);
  if (!joined) {
    nvmens_lane_del(c->lane);
    c->lane = NULL;
  }
  return joined;
}

static void connect_io(conn *c, req *r, const connect_host *host)
{
  uint16_t qid = get16(r->sqe + QID_AT);
  ctrl *k = ctrl_get(c->t, get16(r->data + CNTLID_AT));
  uint16_t bad = 0;

  if (!k || host->discovery)
    bad = host->discovery ? SUBNQN_AT : CNTLID_AT;
  else if (strcmp(k->hostnqn, host->hostnqn) != 0)
    bad = HOSTNQN_AT;
  if (bad || memcmp(k->hostid, host->hostid, 16) != 0) { /* bad is 0: the host ID, at 0 */
    invalid(c, r, IN_DATA, bad);
  } else if (qid > MAX_IO_QUEUES) {
    invalid(c, r, IN_COMMAND, QID_AT);
  } else if (!join(c, k, qid)) { /* not enabled, or the queue exists */
    send_end(c, r, SC_COMMAND_SEQUENCE | DNR, 0);
  } else {
    c->ctrl = k;
    c->qid = qid;
    connected(c, r, k);
    return;
  }
  if (k)
    ctrl_put(k);
}

static void do_connect(conn *c, req *r)
{
  connect_host host = {.discovery = false};
  uint16_t sqsize = get16(r->sqe + SQSIZE_AT);
  const char *subnqn;

  if (c->state == CONN_LIVE) {
    send_end(c, r, SC_COMMAND_SEQUENCE | DNR, 0);
    return;
  }
  if (get16(r->sqe + RECFMT_AT) != 0) {
    send_end(c, r, SC_CONNECT_FORMAT | DNR, 0);
    return;
  }
  if (r->len < CONNECT_DATA || r->got < CONNECT_DATA) {
    send_end(c, r, SC_SGL_LENGTH | DNR, 0);
    return;
  }
  if (sqsize == 0 || sqsize >= MAX_QUEUE) {
    invalid(c, r, IN_COMMAND, SQSIZE_AT);
    return;
  }
  subnqn = nqn_at(r->data, SUBNQN_AT);
  host.hostnqn = nqn_at(r->data, HOSTNQN_AT);
  memcpy(host.hostid, r->data, 16);
  host.discovery = subnqn && strcmp(subnqn, DISCOVERY_NQN) == 0;
  if (!host.hostnqn)
    invalid(c, r, IN_DATA, HOSTNQN_AT);
  else if (!subnqn || (!host.discovery && strcmp(subnqn, c->t->opt.nqn) != 0))
    invalid(c, r, IN_DATA, SUBNQN_AT);
  else if (get16(r->sqe + QID_AT) == 0)
    connect_admin(c, r, &host);
  else
    connect_io(c, r, &host);
}

/* The value of a property and whether it has 8 bytes; false: there is no such property. */
static bool property(const ctrl *k, uint32_t offset, uint64_t *value, bool *wide)
{
  *wide = offset == PROP_CAP;
  switch (offset) {
  case PROP_CAP: /* MQES, CQR, TO 10 s, CSS NVM, CRMS with media */
    *value = (MAX_QUEUE - 1) | UINT64_C(1) << 16 | UINT64_C(20) << 24 | UINT64_C(1) << 37 |
             UINT64_C(1) << 59;
    return true;
  case PROP_VS:
    *value = 0x00020100;
    return true;
  case PROP_CC:
    *value = k->cc;
    return true;
  case PROP_CSTS:
    *value = k->csts;
    return true;
  case PROP_CRTO:
    *value = 20;
    return true;
  default:
    return false;
  }
}

static void do_get(conn *c, req *r)
{
  uint64_t value;
  bool wide;

  if (!property(c->ctrl, get32(r->sqe + OFFSET_AT), &value, &wide) ||
      (r->sqe[ATTRIB_AT] & 7) != wide)
    send_end(c, r, NVMENS_SC_INVALID_FIELD | DNR, 0);
  else
    send_end(c, r, 0, value);
}

static void reset(ctrl *k)
{
  nvmens_ctrl_reset(k->lib);
  while (sem_wait(&k->reset_done))
    ; /* a signal */
  ctrl_kill_queues(k);
  k->csts = 0;
  k->io_queues = 0;
}

static void enable(ctrl *k, uint32_t cc)
{
  bool io = k->discovery || (CC_IOSQES(cc) == 6 && CC_IOCQES(cc) == 4);

  if (!io || CC_MPS(cc) != 0 || CC_AMS(cc) != 0 || nvmens_ctrl_enable(k->lib, cc) != 0) {
    k->csts |= CSTS_CFS;
    return;
  }
  k->csts = CSTS_RDY;
  atomic_store(&k->ready, true);
}

static void do_set(conn *c, req *r)
{
  ctrl *k = c->ctrl;
  uint32_t cc = get32(r->sqe + VALUE_AT), old = k->cc;

  if (get32(r->sqe + OFFSET_AT) != PROP_CC || (r->sqe[ATTRIB_AT] & 7) != 0) {
    send_end(c, r, NVMENS_SC_INVALID_FIELD | DNR, 0);
    return;
  }
  k->cc = cc;
  if (old & ~cc & CC_EN)
    reset(k);
  if (CC_SHN(cc) && !CC_SHN(old)) {
    nvmens_ctrl_shutdown(k->lib);
    k->csts |= CSTS_SHST_END;
  }
  if (cc & ~old & CC_EN)
    enable(k, cc);
  send_end(c, r, 0, 0);
}

void fabrics_command(conn *c, req *r)
{
  uint8_t type = r->sqe[SQE_FCTYPE];

  if (type == FC_CONNECT)
    do_connect(c, r);
  else if (c->qid != 0)
    send_end(c, r, NVMENS_SC_INVALID_OPCODE | DNR, 0);
  else if (type == FC_PROPERTY_GET)
    do_get(c, r);
  else if (type == FC_PROPERTY_SET)
    do_set(c, r);
  else
    send_end(c, r, NVMENS_SC_INVALID_OPCODE | DNR, 0);
}
