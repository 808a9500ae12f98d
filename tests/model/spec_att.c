/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_att.c: the model's attachments: attach, drain, deadlines (R22, R51, C14), and the gate.
 */
#include "spec.h"

uint64_t m_after(uint64_t now, uint64_t ns)
{
  return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

static uint64_t attachments(int ctrl)
{
  uint64_t sum = 0;

  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++)
      sum += (ctrl < 0 || c == ctrl) &&
             (M.att[c][n].state != NVMENS_ATT_DETACHED || M.att[c][n].detached_due);
  return sum;
}

/* Whether the controller's CC.CSS lets it have this command set. */
static int enabled(const m_ctrl *c, uint8_t csi)
{
  if (c->state == NVMENS_CTRL_DISABLED)
    return 1;
  return c->css == NVMENS_CSS_ALL || (c->css == NVMENS_CSS_NVM && csi == NVMENS_CSI_NVM);
}

int m_attach_why(int ns, int ctrl)
{
  const m_ctrl *c = &M.ctrl[ctrl];
  const m_att *a = &M.att[ctrl][ns];

  if (!c->used || c->state == NVMENS_CTRL_GOING)
    return NVMENS_ERR_NOT_FOUND;
  if (c->kind != NVMENS_CTRL_IO)
    return NVMENS_ERR_KIND;
  if (a->state == NVMENS_ATT_ATTACHED)
    return NVMENS_ERR_EXISTS;
  if (a->state != NVMENS_ATT_DETACHED || a->detached_due)
    return BROKEN(again) ? NVMENS_ERR_EXISTS : NVMENS_ERR_BUSY;
  if (!M.ns[ns].c.shared && !BROKEN(private))
    for (int o = 0; o < M_CTRLS; o++)
      if (M.att[o][ns].state != NVMENS_ATT_DETACHED || M.att[o][ns].detached_due)
        return NVMENS_ERR_PRIVATE;
  if (!enabled(c, M.ns[ns].c.csi))
    return NVMENS_ERR_COMMAND_SET;
  if ((M.conf.cfg.maxdna && attachments(M_NONE) >= M.conf.cfg.maxdna) ||
      (M.conf.cfg.maxcna && attachments(ctrl) >= M.conf.cfg.maxcna))
    return NVMENS_ERR_LIMIT;
  return 0;
}

/* ---- a path that leaves with an old disk (C14) ---- */

/* Another controller of the same host. */
static int is_peer(int ctrl, int o)
{
  return o != ctrl && M.ctrl[o].used && M.ctrl[ctrl].hostid &&
         M.ctrl[o].hostid == M.ctrl[ctrl].hostid;
}

/* A disk has gone from one path of a host: its other paths that are through are told once more. */
void m_tell_host(uint8_t hostid, int but, int ns)
{
  for (int i = 0; i < M.norder && hostid; i++) {
    int o = M.order[i];

    if (o != but && M.ctrl[o].hostid == hostid && M.att[o][ns].state == NVMENS_ATT_ATTACHED &&
        M.att[o][ns].mark == MARK_NONE)
      m_record(o, 0, ns, 1);
  }
}

int m_has_other_path(int ns, int ctrl)
{
  for (int o = 0; o < M_CTRLS; o++)
    if (is_peer(ctrl, o) && M.att[o][ns].state == NVMENS_ATT_ATTACHED)
      return 1;
  return 0;
}

/* Its host may have a disk there that is in the way of another of its paths. */
static void in_the_way(int ns, int ctrl)
{
  if (BROKEN(leaves))
    return;
  M.att[ctrl][ns].mark = MARK_BLOCKING;
  m_record(ctrl, 0, ns, 1);
}

static int is_as_attached(int ns, const m_att *a)
{
  const nvmens_ns_config *c = &M.ns[ns].c;

  return a->csi == c->csi && memcmp(&a->ident, &c->ident, sizeof(a->ident)) == 0;
}

/* It is attached to this one: those that had the NSID, and have it no more? */
static void look_at_peers(int ns, int ctrl)
{
  for (int i = 0; i < M.norder; i++) {
    const m_att *a = &M.att[M.order[i]][ns];
    int private = (!a->shared || !M.ns[ns].c.shared) && !BROKEN(leaves_private);
    int other = !is_as_attached(ns, a) || private;

    if (is_peer(ctrl, M.order[i]) && a->known && a->state != NVMENS_ATT_ATTACHED &&
        (a->mark == MARK_SWAPPED || (a->mark == MARK_NONE && other) ||
         (a->mark == MARK_SHOWN && other && !BROKEN(leaves_shown))))
      in_the_way(ns, M.order[i]);
  }
}

/* One path was detached, not the namespace removed. */
void m_path_left(int ns, int ctrl)
{
  if (M.att[ctrl][ns].mark == MARK_SWAPPED && m_has_other_path(ns, ctrl))
    in_the_way(ns, ctrl);
}

/* Does it; the caller records 1Ch, and delivers. */
void m_attach(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];
  const nvmens_ns_config *c = &M.ns[ns].c;

  a->state = NVMENS_ATT_ATTACHED;
  a->open = 0;
  a->hook_due = 1;
  a->gen = ++M.gens;
  a->born = a->gen;
  a->owner = M_NONE;
  a->obj = M.ns[ns].obj;
  if (a->mark == MARK_BLOCKING || a->mark == MARK_CLEARING)
    a->mark = MARK_SWAPPED;
  else if (a->known && !is_as_attached(ns, a))
    a->mark = BROKEN(mark) ? MARK_NONE : MARK_SWAPPED;
  a->ever = a->known = 1;
  a->ident = c->ident;
  a->csi = c->csi;
  a->shared = c->shared;
  m_queue_att(K_ATTACHED, ns, ctrl);
  m_record(ctrl, 0, ns, 1);
  look_at_peers(ns, ctrl);
}

/* Closes the gate and starts the drain; the caller records. */
void m_unattach(int ns, int ctrl, int surprise, uint64_t deadline)
{
  m_att *a = &M.att[ctrl][ns];

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

  a->owner = M_NONE;
  if (cmd >= 0)
    m_settle(cmd);
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
  return at;
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
  poll_gates();
  while (expire())
    continue;
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
