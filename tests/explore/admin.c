/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.c: the host's commands: how one is made, AERs, feature 0Bh, looking at a namespace.
 */
#include "explore.h"

#include "le.h"

slot *submit(ctl *c, uint8_t kind, uint8_t opcode, uint32_t nsid, const uint32_t cdw[6])
{
  nvmens_sqe sqe = {.opcode = opcode};
  slot *s = E->slot;

  while (s < E->slot + CMDS && s->state != C_FREE)
    s++;
  if (s == E->slot + CMDS) {
    broken(0, "no room for another command");
    return E->slot;
  }
  memset(s, 0, sizeof(*s));
  s->state = C_TAKEN;
  s->kind = kind;
  s->ctl = c->index;
  nvmens_put16(sqe.cid, (uint16_t)(s - E->slot));
  nvmens_put32(sqe.nsid, nsid);
  for (int i = 0; i < 6; i++)
    nvmens_put32(sqe.cdw10 + 4 * i, cdw[i]);
  if (kind == C_AER && c->nfifo < W->aers && c->state == READY)
    c->fifo[c->nfifo++] = (uint8_t)(s - E->slot);
  MUST(1, nvmens_admin(c->ctrl, &s->cmd, &sqe, E->now) == NVMENS_TAKEN, "opcode %x is not taken",
       opcode);
  MUST(1, kind != C_SHORT || s->state == C_DONE, "opcode %x is left waiting", opcode);
  now.sf = s->sf;
  now.dw0 = s->dw0;
  now.dropped = s->dropped;
  if (kind == C_SHORT)
    memset(s, 0, sizeof(*s));
  return s;
}

void simple(ctl *c, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
  submit(c, C_SHORT, opcode, nsid, (uint32_t[6]){cdw10, cdw11});
}

static outcome aer(ctl *c)
{
  static const uint16_t answers[] = {0, NVMENS_SC_ABORTED_SQ_DELETED,
                                     NVMENS_SC_AER_LIMIT_EXCEEDED | NVMENS_SF_DNR,
                                     NVMENS_SC_ABORTED_POWER_LOSS, NVMENS_SC_ABORTED_SQ_DELETED};
  bool parks = c->state == READY && c->nfifo < W->aers;
  slot *s;

  if (c->state == NO_CTRL || c->state == GOING)
    return SKIPPED;
  now.submitting = !parks;
  s = submit(c, C_AER, NVMENS_OP_ASYNC_EVENT_REQUEST, 0, (uint32_t[6]){0});
  now.submitting = 0;
  if (parks)
    return DONE;
  MUST(12, s->state == C_DONE && s->sf == answers[c->state], "an AER too many ends with %x (R26)",
       s->sf);
  return REFUSED;
}

static outcome abort_aer(ctl *c, bool newest)
{
  uint8_t index;

  if (c->state != READY || !c->nfifo || (newest && c->nfifo == 1))
    return SKIPPED;
  index = c->fifo[newest ? c->nfifo - 1 : 0];
  E->slot[index].aborted = 1;
  simple(c, NVMENS_OP_ABORT, 0, (uint32_t)index << 16, 0);
  MUST(12, now.sf == 0 && now.dw0 == 0, "a parked AER is not found by Abort (R36)");
  MUST(12, E->slot[index].state == C_DONE, "an aborted AER is still parked");
  return DONE;
}

static outcome set_aec(ctl *c, uint32_t aec)
{
  c->aec = aec == UINT32_MAX ? 0 : aec;
  simple(c, NVMENS_OP_SET_FEATURES, 0, NVMENS_FID_ASYNC_EVENT_CONFIG, c->aec);
  MUST(15, now.sf == 0, "Set Features 0Bh ends with %x", now.sf);
  return DONE;
}

static outcome look(ctl *c, uint8_t n, bool fails)
{
  digest before = {0, 0};
  bool was = seen_by_host(c, n), first = !reads_ids(c);

  now.fail = fails;
  if (fails && seen_by_host(c, n))
    before = canon_digest(true);
  simple(c, NVMENS_OP_IDENTIFY, n, NVMENS_CNS_NS_DESC_LIST, 0);
  now.fail = 0;
  if (!was) {
    MUST(5, now.sf == (NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR),
         "CNS 03h of an inactive NSID ends with %x", now.sf);
    return first ? DONE : REFUSED; /* that it was sent counts (R64) */
  }
  if (fails) {
    now.features |= F(TRANSFER);
    MUST(14, canon_digest(true).lo == before.lo, "CNS 03h that failed has changed something");
    return DONE;
  }
  MUST(5, now.sf == 0 && now.page[4] == obj_of(n)->who, "CNS 03h of NSID %u is not its own", n);
  return DONE;
}

outcome act_host(action a)
{
  ctl *c = &E->ctl[a.c];

  if (a.kind == K_AER)
    return aer(c);
  if (c->state != READY)
    return SKIPPED;
  switch (a.kind) {
  case K_ABORT:
    return abort_aer(c, a.x);
  case K_AEC:
    return set_aec(c, W->aecs[a.x]);
  case K_LOOK:
    return look(c, a.n, false);
  case K_LOOK_FAILS:
    return look(c, a.n, true);
  case K_HOST_ARM:
    return host_arm(c);
  case K_HOST_SCAN:
    return host_scan(c);
  case K_HOST_RACE: /* it leaves while the log is on its way to the host */
    if (!obj_of(1) || obj_of(1)->deleting || E->host[a.c].phase != H_IDLE ||
        !(E->host[a.c].queued & 2))
      return SKIPPED;
    now.inside = (action){K_UNPLUG, 0, 1, 0};
    host_scan(c);
    now.inside.kind = KINDS;
    return DONE;
  default:
    return SKIPPED;
  }
}
