/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_att.c: the model's attachments: attach, drain, deadlines (R22, R51), and the gate.
 */
#include "spec.h"

uint64_t m_after(uint64_t now, uint64_t ns)
{
  return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

/* Does it; the caller records 1Ch, and delivers. What was FENCED is in log 04h already (R64). */
void m_attach(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];
  int fenced = a->state == NVMENS_ATT_FENCED;

  if (a->state == NVMENS_ATT_DETACHED)
    a->born = ++M.gens;
  a->state = NVMENS_ATT_ATTACHED;
  a->open = 0;
  a->hook_due = 1;
  a->gen = ++M.gens;
  a->owner = M_NONE;
  a->obj = M.ns[ns].obj;
  a->ever = 1;
  a->seen = M.ctrl[ctrl].state == NVMENS_CTRL_READY || a->owes;
  if (!BROKEN(back))
    a->owes = OWES_NONE;
  a->is = m_id_of(ns);
  m_queue_att(K_ATTACHED, ns, ctrl);
  if (!fenced && M.listed == ctrl + 1)
    m_log_lists(ns);
  else if (!fenced)
    m_record(ctrl, 0, ns, 1);
}

/* Closes the gate and starts the drain; the caller records. */
void m_unattach(int ns, int ctrl, int surprise, uint64_t deadline)
{
  m_att *a = &M.att[ctrl][ns];

  m_leave(ns, ctrl);
  a->state = surprise ? NVMENS_ATT_ABORTING : NVMENS_ATT_DRAINING;
  a->open = 0;
  a->hook_done = a->begun = 0;
  a->owner = M_NONE;
  a->token = ++M.tokens;
  a->deadline = surprise ? UINT64_MAX : deadline;
  a->timer = ++M.gens;
  m_queue_att(K_DRAIN, ns, ctrl);
  if (surprise)
    m_queue_att(K_ABORT, ns, ctrl);
}

/* One of the things that a command waits for has come. */
void m_settle(int cmd)
{
  if (--M.cmd[cmd].waits == 0)
    m_end(cmd, M.cmd[cmd].sf, M.cmd[cmd].dw0, M.cmd[cmd].info);
}

static void settle(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];
  int cmd = a->owner;
  uint32_t tail = M.tail;

  a->owner = M_NONE;
  if (cmd >= 0)
    m_settle(cmd);
  if (M.tail != tail) /* it ends with its drain */
    M.eff[tail % M_EFFECTS].loose = M.loose != 0;
}

/* DRAINING to ABORTING: by surprise, or at the deadline. */
void m_abort(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];

  a->state = NVMENS_ATT_ABORTING;
  a->deadline = UINT64_MAX;
  m_queue_att(K_ABORT, ns, ctrl);
  settle(ns, ctrl);
  m_delete_look(ns);
}

/* Both halves? Then it is at rest, and its detached hook is due. */
void m_drained(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];

  if (a->state < NVMENS_ATT_DRAINING || !a->begun || (!a->hook_done && !BROKEN(hook_half)) ||
      (a->held && !BROKEN(gate_half)))
    return;
  a->state = NVMENS_ATT_DETACHED;
  a->token = 0;
  a->deadline = UINT64_MAX;
  a->detached_due = 1;
  m_queue_att(K_DETACHED, ns, ctrl);
  settle(ns, ctrl);
  m_delete_look(ns);
}

int m_done(uint32_t token)
{
  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++) {
      m_att *a = &M.att[c][n];

      if (token && a->state >= NVMENS_ATT_DRAINING && a->token == token &&
          (!a->hook_done || BROKEN(twice))) {
        a->hook_done = 1;
        m_drained(n, c);
        return 0;
      }
    }
  return NVMENS_ERR_STALE;
}

/* A delete command ends when nothing of its namespace drains any more. */
void m_delete_look(int ns)
{
  m_ns *n = &M.ns[ns];
  int cmd = n->owner, aborting = 0;

  if (cmd < 0)
    return;
  for (int c = 0; c < M_CTRLS; c++) {
    if (M.att[c][ns].state == NVMENS_ATT_DRAINING)
      return;
    aborting |= M.att[c][ns].state == NVMENS_ATT_ABORTING;
  }
  if (!aborting && n->state != NVMENS_NS_ABSENT)
    return;
  n->owner = M_NONE;
  m_settle(cmd);
}

uint64_t m_next_deadline(void)
{
  uint64_t at = UINT64_MAX;

  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++)
      if (M.att[c][n].state == NVMENS_ATT_DRAINING && M.att[c][n].deadline < at)
        at = M.att[c][n].deadline;
  for (int i = 0; i < M_CMDS; i++)
    if (M.cmd[i].state == C_PREPARE && M.cmd[i].deadline < at)
      at = M.cmd[i].deadline;
  if (m_host_deadline() < at)
    at = m_host_deadline();
  return m_memory_deadline() < at ? m_memory_deadline() : at;
}

/* Drains whose time is up, then prepares, each in order. Returns whether there was one. */
static int expire(void)
{
  m_att *a = NULL;
  m_cmd *q = NULL;
  int ctrl = M_NONE, ns = M_NONE;

  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++) {
      m_att *o = &M.att[c][n];

      if (o->state != NVMENS_ATT_DRAINING || o->deadline + BROKEN(late) > M.now ||
          o->deadline == UINT64_MAX)
        continue;
      if (a && (o->deadline > a->deadline || (o->deadline == a->deadline && o->timer > a->timer)))
        continue;
      a = o;
      ctrl = c;
      ns = n;
    }
  for (int i = 0; i < M_CMDS && !a; i++)
    if (M.cmd[i].state == C_PREPARE && M.cmd[i].deadline <= M.now &&
        M.cmd[i].deadline != UINT64_MAX &&
        (!q || M.cmd[i].deadline < q->deadline ||
         (M.cmd[i].deadline == q->deadline && M.cmd[i].timer < q->timer)))
      q = &M.cmd[i];
  if (a)
    m_abort(ns, ctrl);
  else if (q)
    m_prep_late((int)(q - M.cmd));
  return a || q;
}

/* The latest drain first. */
static void poll_gates(void)
{
  uint32_t below = UINT32_MAX, best;

  do {
    int ctrl = 0, ns = 0;

    best = 0;
    for (int c = 0; c < M_CTRLS; c++)
      for (int n = 0; n < M.conf.nnsids; n++)
        if (M.att[c][n].state >= NVMENS_ATT_DRAINING && M.att[c][n].token > best &&
            M.att[c][n].token < below) {
          best = M.att[c][n].token;
          ctrl = c;
          ns = n;
        }
    if (best)
      m_drained(ns, ctrl);
    below = best;
  } while (best);
}

void m_poll(uint64_t now)
{
  if (now > M.now)
    M.now = now;
  m_time(now);
  M.loose++;
  poll_gates();
  while (expire())
    continue;
  M.loose--;
  m_host_poll();
  m_memory_poll();
  m_commit();
}

/* ---- the gate: answers to I/O ---- */

/* What a command that is barred gets (R1, R2, R51, C16). */
uint16_t m_io_answer(int ctrl, uint32_t nsid)
{
  int ns = m_slot(nsid);
  const m_ctrl *c = &M.ctrl[ctrl];

  if (c->state != NVMENS_CTRL_READY)
    return NVMENS_SC_ABORTED_SQ_DELETED;
  if (nsid == NVMENS_NSID_ALL)
    return NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;
  if (nsid == 0 || nsid > M.conf.cfg.nn)
    return NVMENS_SC_INVALID_NS_OR_FORMAT | NVMENS_SF_DNR;
  if (ns >= 0 && M.att[ctrl][ns].state == NVMENS_ATT_ATTACHED)
    return NVMENS_SC_INTERNAL_PATH_ERROR; /* about to open */
  if (ns >= 0 && !BROKEN(path) && M.att[ctrl][ns].ever &&
      M.conf.cfg.inactive_io == NVMENS_IO_AUTO && c->hostid)
    for (int o = 0; o < M_CTRLS; o++)
      if (o != ctrl && M.ctrl[o].used && M.ctrl[o].state == NVMENS_CTRL_READY &&
          M.ctrl[o].hostid == c->hostid && M.att[o][ns].state == NVMENS_ATT_ATTACHED)
        return NVMENS_SC_INTERNAL_PATH_ERROR;
  return NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR;
}

uint16_t m_io_begin(int ctrl, uint32_t nsid)
{
  int ns = m_slot(nsid);

  if (M.ctrl[ctrl].state == NVMENS_CTRL_READY && ns >= 0 && M.att[ctrl][ns].open) {
    M.att[ctrl][ns].held++;
    return 0;
  }
  return m_io_answer(ctrl, nsid);
}
