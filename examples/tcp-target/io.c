/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.c: I/O commands of the NVM command set. A command holds its namespace from the moment it is
 * parsed to the moment its completion is queued; between the two it may wait for the host's data
 * (recv.c) or for a backend that takes its time (hold.c). Queue's thread only.
 */
#include "bytes.h"
#include "conn.h"

static const uint8_t *cdw(const req *r, int n)
{
  return r->sqe + SQE_CDW10 + 4 * (n - 10);
}

void io_end(conn *c, req *r, uint16_t sf)
{
  ns *held = r->ns;
  const nvmens_ticket ticket = r->ticket;

  send_end(c, r, sf, 0);
  if (held && r->ns) { /* r is free, but nobody took it since */
    r->ns = NULL;
    nvmens_io_end(c->lane, ticket);
  }
}

/* Bytes that the command is about: NLB is 0's based. */
static uint64_t io_bytes(const req *r)
{
  return (get16(cdw(r, 12)) + UINT64_C(1)) * r->ns->block;
}

static uint64_t io_offset(const req *r)
{
  return get64(cdw(r, 10)) * r->ns->block;
}

static uint16_t check_range(const ns *n, uint64_t slba, uint64_t blocks)
{
  uint64_t all = atomic_load_explicit(&n->b.size, memory_order_relaxed) / n->block;

  return slba > all || blocks > all - slba ? SC_LBA_RANGE | DNR : 0;
}

static uint16_t check_transfer(const req *r)
{
  uint64_t bytes = io_bytes(r);

  if (bytes > MAX_DATA)
    return NVMENS_SC_INVALID_FIELD | DNR;
  if (bytes > r->len)
    return SC_SGL_LENGTH | DNR;
  return check_range(r->ns, get64(cdw(r, 10)), bytes / r->ns->block);
}

static uint16_t check(const req *r)
{
  switch (r->sqe[0]) {
  case OP_READ:
    return r->in_capsule ? SC_SGL_TYPE | DNR : check_transfer(r);
  case OP_WRITE:
  case OP_COMPARE:
    return check_transfer(r);
  case OP_WRITE_ZEROES:
    return check_range(r->ns, get64(cdw(r, 10)), get16(cdw(r, 12)) + UINT64_C(1));
  case OP_DSM:
    return r->len < (cdw(r, 10)[0] + 1u) * 16 ? SC_SGL_LENGTH | DNR : 0;
  default:
    return 0;
  }
}

/* An SGL may be longer than the data (SGLS bit 18); the R2T asks for the data only. */
static uint32_t needed(const req *r)
{
  return r->sqe[0] == OP_DSM ? (cdw(r, 10)[0] + 1u) * 16 : (uint32_t)io_bytes(r);
}

static bool is_known(uint8_t opcode)
{
  switch (opcode) {
  case OP_FLUSH:
  case OP_WRITE:
  case OP_READ:
  case OP_COMPARE:
  case OP_WRITE_ZEROES:
  case OP_DSM:
    return true;
  default:
    return false;
  }
}

static void start_flush_all(conn *c, req *r)
{
  void *user = NULL;
  nvmens_status s = nvmens_io_begin_next(c->lane, 0, &r->nsid, &r->ticket, &user);

  if (s.sf || r->nsid == 0) {
    send_end(c, r, s.sf, 0);
    return;
  }
  r->flush_all = true;
  r->ns = user;
  hold_or_run(c, r);
}

void io_start(conn *c, req *r)
{
  nvmens_status s;
  void *user = NULL;
  uint16_t sf;

  if (!is_known(r->sqe[0])) {
    send_end(c, r, NVMENS_SC_INVALID_OPCODE | DNR, 0);
    return;
  }
  if (r->sqe[0] == OP_FLUSH && r->nsid == NVMENS_NSID_ALL) {
    start_flush_all(c, r);
    return;
  }
  s = nvmens_io_begin(c->lane, r->nsid, &r->ticket, &user);
  if (s.sf) {
    send_end(c, r, s.sf, 0);
    return;
  }
  r->ns = user;
  sf = check(r);
  if (sf) {
    io_end(c, r, sf);
  } else if (req_from_host(r) && !r->in_capsule) {
    r->len = needed(r);
    req_ask(c, r);
  } else {
    hold_or_run(c, r);
  }
}

static uint16_t run_dsm(const req *r)
{
  uint32_t ranges = cdw(r, 10)[0] + 1u;
  bool deallocate = get32(cdw(r, 11)) & 4;
  uint16_t sf = 0;

  for (uint32_t i = 0; i < ranges && !sf; i++) {
    const uint8_t *range = r->data + 16 * i;

    sf = check_range(r->ns, get64(range + 8), get32(range + 4));
  }
  for (uint32_t i = 0; i < ranges && deallocate && !sf; i++) {
    const uint8_t *range = r->data + 16 * i;

    sf = backend_zero(&r->ns->b, get64(range + 8) * r->ns->block,
                      (uint64_t)get32(range + 4) * r->ns->block);
  }
  return sf;
}

static uint16_t run_write(conn *c, const req *r)
{
  uint64_t bytes = io_bytes(r);
  bool fua = get32(cdw(r, 12)) >> 30 & 1;
  uint16_t sf = backend_write(&r->ns->b, io_offset(r), r->data, bytes);

  atomic_fetch_add_explicit(&c->writes, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&c->sectors_written, bytes / 512, memory_order_relaxed);
  return !sf && fua ? backend_flush(&r->ns->b) : sf;
}

/* The data are read into the send buffer: a failed read takes its header back. */
static uint16_t run_read(conn *c, req *r)
{
  uint32_t bytes = (uint32_t)io_bytes(r);
  size_t before = c->tx_len;
  uint8_t *at = send_data_room(c, r, bytes);
  uint16_t sf = at ? backend_read(&r->ns->b, io_offset(r), at, bytes) : 0;

  if (sf)
    c->tx_len = before;
  atomic_fetch_add_explicit(&c->reads, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&c->sectors_read, bytes / 512, memory_order_relaxed);
  return sf;
}

/* One namespace is done: on to the next one, as long as none of them is stalled. True: all done, or
 * failed, and the namespace is let go of. */
static bool flush_rest(conn *c, req *r, uint16_t *sf)
{
  *sf = backend_flush(&r->ns->b);
  while (!*sf) {
    void *user = NULL;

    hold_let_go(c, r);
    *sf = nvmens_io_begin_next(c->lane, r->nsid, &r->nsid, &r->ticket, &user).sf;
    if (*sf || r->nsid == 0)
      return true;
    r->ns = user;
    if (hold_stalled(c, r))
      return false;
    *sf = backend_flush(&r->ns->b);
  }
  return true;
}

void io_run(conn *c, req *r)
{
  uint16_t sf = 0;

  /* All room now: while this waits for the host, the namespace may be aborted; after it, nothing
   * of this command waits. */
  if (!send_room(c, r->sqe[0] == OP_READ ? MAX_DATA + 1024 : 1024))
    return;
  if (!r->ns) {
    io_end(c, r, r->sf);
    return;
  }
  switch (r->sqe[0]) {
  case OP_READ:
    sf = run_read(c, r);
    break;
  case OP_WRITE:
    sf = run_write(c, r);
    break;
  case OP_COMPARE:
    sf = backend_compare(&r->ns->b, io_offset(r), r->data, io_bytes(r));
    break;
  case OP_WRITE_ZEROES:
    sf = backend_zero(&r->ns->b, io_offset(r), io_bytes(r));
    break;
  case OP_DSM:
    sf = run_dsm(r);
    break;
  default:
    if (!r->flush_all)
      sf = backend_flush(&r->ns->b);
    else if (!flush_rest(c, r, &sf))
      return;
  }
  io_end(c, r, sf);
}
