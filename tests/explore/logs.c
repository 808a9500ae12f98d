/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logs.c: reading the changed namespace lists in every way: all, in part, with RAE, with a transfer
 * that fails, and with something happening during the transfer (R29, R43-R45).
 */
#include "explore.h"

#include "le.h"

static uint32_t latches; /* taken so far: whether another read came in between */

static uint8_t nsids_of(const uint8_t *page, uint32_t len)
{
  uint8_t bits = 0;

  for (uint32_t i = 0; i + 4 <= len && i + 4 <= sizeof(now.page); i += 4) {
    uint32_t nsid = nvmens_get32(page + i);

    if (!nsid)
      break;
    MUST(8, nsid <= W->nsids, "the log lists NSID %x", nsid);
    bits |= (uint8_t)(1 << (nsid & 7));
  }
  return bits;
}

void read_page(ctl *c, int log, bool keep, uint32_t offset, uint32_t len)
{
  static const uint8_t lids[] = {NVMENS_LID_CHANGED_ATTACHED_NS, NVMENS_LID_CHANGED_ALLOCATED_NS};
  log_shadow *s = &c->log[log];
  uint32_t numd = len / 4 - 1, mine;
  const uint32_t cdw[6] = {lids[log] | (uint32_t)keep << 15 | numd << 16, 0, offset};

  if (offset == 0 || !log_has_snapshot(c, log)) {
    s->fresh = s->sent = s->owed_fresh = 0;
    latches++;
  }
  mine = latches;
  submit(c, C_SHORT, NVMENS_OP_GET_LOG_PAGE, 0, cdw);
  if (now.sf || now.dropped || mine != latches)
    return; /* nothing was consumed */
  s->sent |= nsids_of(now.page, len) & (uint8_t)~s->fresh;
  if (offset == 0 && len == NVMENS_PAGE)
    MUST(8, (s->dirty & ~s->fresh & ~s->sent) == 0, "a whole read lacks a change (R43)");
  if (keep)
    return;
  s->dirty &= (uint8_t) ~(s->sent & ~s->fresh);
  if (!log_has_snapshot(c, log) && !s->owed_fresh)
    s->owed = 0;
}

/* 14: nothing is consumed, nothing cleared. */
static void only_look(ctl *c, int log, bool keep, uint32_t offset, uint32_t len)
{
  digest before = canon_digest(true);

  read_page(c, log, keep, offset, len);
  MUST(14, canon_digest(true).lo == before.lo,
       "a read that consumes nothing has changed something");
}

static void with_inside(ctl *c, int log, action inside)
{
  now.inside = inside;
  read_page(c, log, false, 0, NVMENS_PAGE);
  now.inside.kind = KINDS;
}

/* The whole page again, before the first read's transfer has ended. */
static void overtaken(ctl *c, int log)
{
  with_inside(c, log, (action){K_READ, c->index, 0, (uint8_t)log});
}

static outcome fails(ctl *c, int log)
{
  now.features |= F(TRANSFER);
  now.fail = 1;
  if (log == A_LOG && lets_go(c)) /* that it begins is enough to know that a scan has ended (R61) */
    read_page(c, log, false, 0, NVMENS_PAGE);
  else
    only_look(c, log, false, 0, NVMENS_PAGE);
  MUST(14, now.sf != 0, "a failed transfer is not told");
  return DONE;
}

outcome act_log(action a)
{
  ctl *c = &E->ctl[a.c];
  const int log = a.x;

  if (c->state != READY)
    return SKIPPED;
  if ((a.kind == K_HEAD || a.kind == K_HEAD_PEEK || a.kind == K_REST) && c->log[log].dirty)
    now.features |= F(HALF_READ);
  switch (a.kind) {
  case K_READ:
    read_page(c, log, false, 0, NVMENS_PAGE);
    return DONE;
  case K_PEEK:
    only_look(c, log, true, 0, NVMENS_PAGE);
    return DONE;
  case K_HEAD:
    read_page(c, log, false, 0, 4);
    return DONE;
  case K_HEAD_PEEK:
    only_look(c, log, true, 0, 4);
    return DONE;
  case K_REST:
    read_page(c, log, false, 4, NVMENS_PAGE - 4);
    return DONE;
  case K_READ_FAILS:
    return fails(c, log);
  case K_READ_OVER:
    overtaken(c, log);
    return DONE;
  case K_READ_RESET:
    with_inside(c, log, (action){K_RESET, a.c, 0, 1});
    MUST(1, now.dropped, "a read of before a reset completes");
    return DONE;
  default: /* READ_FLIP */
    if (!obj_of(a.n) || c->att[a.n] > ATTACHED)
      return SKIPPED;
    with_inside(c, log, (action){c->att[a.n] == ATTACHED ? K_DETACH : K_ATTACH, a.c, a.n, 0});
    return DONE;
  }
}
