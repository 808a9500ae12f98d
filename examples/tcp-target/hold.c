/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hold.c: commands that the backend has and does not complete yet: --io-delay makes every one wait,
 * `stall` those of a namespace. They hold the namespace by their ticket, so a removal waits for
 * them until the library says abort; then the ticket ends at once and the command is answered as
 * soon as its queue may send. A hard stall is a backend that does not even hear that: its tickets
 * end when it is unstalled, even if the queue is long gone. Queue's thread only.
 */
#include "conn.h"

/* Aborted by request, without DNR: a host with another path may try there (C16). */
static const uint16_t aborted = NVMENS_SC_ABORTED_BY_REQUEST;

static bool is_held(const req *r)
{
  return r->state == REQ_DELAYED || r->state == REQ_STALLED;
}

void hold_let_go(conn *c, req *r)
{
  if (!r->ns)
    return;
  r->ns = NULL;
  nvmens_io_end(c->lane, r->ticket);
}

static int keep_data(req *r)
{
  uint32_t at = r->len;

  if (!r->in_capsule || r->data == r->buf)
    return 0;
  if (req_room(r, at) < 0)
    return -1;
  for (uint32_t i = 0; i < at; i++)
    r->buf[i] = r->data[i];
  r->data = r->buf;
  return 0;
}

bool hold_stalled(conn *c, req *r)
{
  if (atomic_load_explicit(&r->ns->stall, memory_order_acquire) == STALL_NO)
    return false;
  if (keep_data(r) < 0) {
    io_end(c, r, NVMENS_SC_INTERNAL_ERROR);
    return true;
  }
  r->state = REQ_STALLED;
  c->stalled++;
  return true;
}

static void stall_or_run(conn *c, req *r)
{
  if (!hold_stalled(c, r))
    io_run(c, r);
}

void hold_or_run(conn *c, req *r)
{
  if (!r->ns) { /* aborted while its data were on the way */
    io_end(c, r, r->sf);
  } else if (c->t->opt.io_delay_ns == 0) {
    stall_or_run(c, r);
  } else if (keep_data(r) < 0) {
    io_end(c, r, NVMENS_SC_INTERNAL_ERROR);
  } else {
    r->due = now_ns() + c->t->opt.io_delay_ns;
    r->state = REQ_DELAYED;
    c->delayed++;
  }
}

uint64_t hold_next(const conn *c)
{
  uint64_t at = UINT64_MAX;

  for (uint16_t i = 0; c->delayed > 0 && i < c->depth; i++)
    if (c->reqs[i].state == REQ_DELAYED && c->reqs[i].due < at)
      at = c->reqs[i].due;
  return at;
}

static void resume(conn *c, req *r, uint64_t now)
{
  bool late = r->state == REQ_DELAYED;

  if (r->ns && late && r->due > now)
    return;
  if (r->ns && !late && atomic_load_explicit(&r->ns->stall, memory_order_acquire) != STALL_NO)
    return;
  if (late)
    c->delayed--;
  else
    c->stalled--;
  r->state = REQ_RUNS;
  if (!r->ns)
    io_end(c, r, r->sf);
  else
    stall_or_run(c, r);
}

void hold_look(conn *c, uint64_t now)
{
  for (uint16_t i = 0; c->delayed + c->stalled > 0 && i < c->depth && !c->dead; i++)
    if (is_held(&c->reqs[i]))
      resume(c, &c->reqs[i], now);
}

void hold_abort(conn *c)
{
  for (uint16_t i = 0; c->lane && i < c->depth; i++) {
    req *r = &c->reqs[i];

    if (!r->ns || !(atomic_load(&r->ns->aborting) >> c->ctrl->slot & 1))
      continue;
    if (is_held(r) && atomic_load(&r->ns->stall) == STALL_HARD)
      continue;
    r->sf = aborted;
    hold_let_go(c, r);
  }
}

void hold_end(conn *c)
{
  for (uint16_t i = 0; c->lane && i < c->depth; i++) {
    req *r = &c->reqs[i];
    ns *n = r->ns;
    bool stuck;

    if (!n)
      continue;
    pthread_mutex_lock(&n->lock);
    stuck = is_held(r) && atomic_load(&n->stall) == STALL_HARD;
    if (stuck) {
      atomic_fetch_add(&c->refs, 1);
      r->state = REQ_ORPHAN;
      r->next = n->orphans;
      n->orphans = r;
    }
    pthread_mutex_unlock(&n->lock); /* an orphan is no longer ours */
    if (!stuck)
      hold_let_go(c, r);
  }
}
