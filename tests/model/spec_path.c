/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_path.c: the model's hosts and their disks: what a path owes, which reads count, who waits
 * for whom and how long, and who is told (R60-R63, R65).
 */
#include "spec.h"

int m_same_id(const m_id *a, const m_id *b)
{
  return !a->any && !b->any && a->csi == b->csi &&
         memcmp(&a->ident, &b->ident, sizeof(a->ident)) == 0;
}

m_id m_id_of(int ns)
{
  const nvmens_ns_config *c = &M.ns[ns].c;

  return (m_id){c->ident, c->csi, c->shared, 0};
}

int m_answers(int ctrl)
{
  const m_ctrl *c = &M.ctrl[ctrl];

  return c->used && c->state == NVMENS_CTRL_READY && (c->aec & NVMENS_AEC_ATTACHED_NS) &&
         !c->silent;
}

static int is_peer(int ctrl, int o)
{
  return o != ctrl && M.ctrl[o].used && M.ctrl[ctrl].hostid &&
         M.ctrl[o].hostid == M.ctrl[ctrl].hostid;
}

static int as_newcomer(int ns, int ctrl)
{
  const m_id *may;
  m_id id = m_id_of(ns);
  int n;

  for (int i = 0; i < M_MAY_HAVE && M.ctrl[ctrl].newcomer; i++)
    if (m_may_have(ctrl, i, &n, &may) && n == ns && !m_same_id(may, &id))
      return 1;
  return 0;
}

/* R65: a path is READY: what it owes is in its log, so that who looks only at what is listed
 * looks. */
void m_list_owed(int ctrl)
{
  const m_id *may;
  int n;

  for (n = 0; n < M.conf.nnsids && !BROKEN(listed); n++)
    if (M.att[ctrl][n].owes)
      m_record(ctrl, 0, n, 0);
  for (int i = 0; i < M_MAY_HAVE && M.ctrl[ctrl].newcomer && !BROKEN(listed); i++)
    if (m_may_have(ctrl, i, &n, &may))
      m_record(ctrl, 0, n, 0);
}

/* R62 (a) and (c): the host may have another disk on this path. */
int m_own_path(int ns, int ctrl)
{
  const m_att *a = &M.att[ctrl][ns];
  m_id id = m_id_of(ns);

  return (a->owes && !m_same_id(&a->owed, &id)) || as_newcomer(ns, ctrl);
}

/* R62 (b) and (d): path q of the same host is in the way, and is waited for. */
int m_other_path(int ns, int ctrl, int q)
{
  const m_att *o = &M.att[q][ns];
  m_id id = m_id_of(ns);

  if (!is_peer(ctrl, q) || !m_answers(q) || BROKEN(other_path))
    return 0;
  if (o->owes &&
      (!m_same_id(&o->owed, &id) || ((!o->owed.shared || !id.shared) && !BROKEN(private_path))))
    return 1;
  return !BROKEN(newcomers) && o->state < NVMENS_ATT_ATTACHED && m_should(ns, q) &&
         !m_hindered(ns, q) && as_newcomer(ns, q);
}

/* R60: what was ATTACHED leaves the path. */
void m_leave(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];

  if (!a->seen || BROKEN(owes))
    return;
  a->owes = BROKEN(one_scan) ? OWES_ONCE : OWES_TWICE;
  a->owed = a->is;
  a->since = ++M.seq;
}

/* R65: what has let go, or has gone for good, was in the way of this one. */
void m_tell_path(int ctrl, int ns, const m_id *was)
{
  const m_att *a = &M.att[ctrl][ns];
  m_id id = m_id_of(ns);

  if ((a->state == NVMENS_ATT_ATTACHED || a->state == NVMENS_ATT_FENCED) &&
      (!m_same_id(was, &id) || !was->shared || !id.shared))
    m_record(ctrl, 0, ns, 1);
}

/* A path of its host has let go of an NSID, or has gone for good. */
void m_tell_paths(int ctrl, int ns, const m_id *was)
{
  for (int i = 0; i < M.norder; i++)
    if (is_peer(ctrl, M.order[i]) && !BROKEN(peers))
      m_tell_path(M.order[i], ns, was);
}

/* Does what should be attached at ctrl wait for path q? */
static int waits(int ns, int ctrl, int q)
{
  if (!m_should(ns, ctrl) || M.att[ctrl][ns].state >= NVMENS_ATT_FENCED ||
      m_waits_for(ns, ctrl) != NVMENS_WAITS_FOR_HOST)
    return 0;
  return ctrl == q ? m_own_path(ns, ctrl) : m_other_path(ns, ctrl, q);
}

/* Whether another path of the host shows this NSID as another than that, or either is private. */
static int is_shown_else(int q, int ns, const m_id *was)
{
  m_id id = m_id_of(ns);

  for (int o = 0; o < M_CTRLS; o++)
    if (is_peer(q, o) &&
        (M.att[o][ns].state == NVMENS_ATT_ATTACHED || M.att[o][ns].state == NVMENS_ATT_FENCED) &&
        (!m_same_id(was, &id) || !was->shared || !id.shared))
      return 1;
  return 0;
}

/* A path of its host may have been refused because of what path q has (R65). */
static int has_refused(int q, int ns)
{
  const m_att *a = &M.att[q][ns];
  const m_id *may;
  int n;

  if (a->owes && is_shown_else(q, ns, &a->owed))
    return 1;
  for (int i = 0; i < M_MAY_HAVE && M.ctrl[q].newcomer; i++)
    if (m_may_have(q, i, &n, &may) && n == ns && is_shown_else(q, ns, may))
      return 1;
  return 0;
}

/* Who waits for whom has changed: the timers (R63), and what is told of it (R65). */
void m_waiting(void)
{
  for (int i = 0; i < M.norder; i++) {
    int q = M.order[i], some = 0;
    m_ctrl *c = &M.ctrl[q];

    for (int n = 0; n < M.conf.nnsids; n++) {
      m_att *a = &M.att[q][n];
      int waited = 0;

      for (int p = 0; p < M_CTRLS; p++)
        waited |= waits(n, p, q);
      some |= waited;
      waited |= has_refused(q, n) && !BROKEN(refused);
      if (waited && !a->waited)
        m_record(q, 0, n, 1);
      a->waited = (uint8_t)waited;
    }
    if (!some || !m_answers(q))
      c->timer = T_OFF;
    else if (c->timer == T_OFF)
      c->timer = T_DUE;
  }
}

/* ---- reads of log 04h ---- */

static void lets_go(int ctrl, int ns)
{
  m_att *a = &M.att[ctrl][ns];

  a->owes = OWES_NONE;
  m_tell_paths(ctrl, ns, &a->owed);
}

static void newcomer_lets_go(int ctrl)
{
  const m_id *may;
  int n;

  M.ctrl[ctrl].newcomer = OWES_NONE;
  for (int i = 0; i < M_MAY_HAVE; i++)
    if (m_may_have(ctrl, i, &n, &may))
      m_tell_paths(ctrl, n, may);
}

/* R61 (b), R63: a read with RAE=0 while REPORTED begins, of the snapshot of then. */
void m_read_begins(int ctrl, uint64_t stamp)
{
  m_ctrl *c = &M.ctrl[ctrl];

  c->silent = 0;
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.att[ctrl][n].owes == OWES_ONCE && stamp > M.att[ctrl][n].since)
      lets_go(ctrl, n);
  if (c->newcomer == OWES_ONCE && stamp > c->since)
    newcomer_lets_go(ctrl);
  m_look(); /* log 1Ch has it at the end of the command */
  M.reading = M.contended ? ctrl + 1 : 0;
}

static void tell_of_stranger(int ctrl)
{
  for (int n = 0; n < M.conf.nnsids; n++)
    for (int i = 0; i < M.norder; i++) {
      int o = M.order[i];

      if (is_peer(ctrl, o) && M.att[ctrl][n].state == NVMENS_ATT_ATTACHED &&
          M.att[o][n].state == NVMENS_ATT_ATTACHED)
        m_record(o, 0, n, 1);
    }
}

/* R61 (a), R63, R65, R66: a read with RAE=0 has reached the host. */
void m_read_reached(int ctrl, int counts, uint64_t stamp)
{
  m_ctrl *c = &M.ctrl[ctrl];

  if (counts) {
    for (int n = 0; n < M.conf.nnsids; n++)
      if (M.att[ctrl][n].owes == OWES_TWICE && stamp > M.att[ctrl][n].since) {
        M.att[ctrl][n].owes = OWES_ONCE;
        M.att[ctrl][n].since = ++M.seq;
      }
    if (c->newcomer == OWES_TWICE && stamp > c->since) {
      c->newcomer = OWES_ONCE;
      c->since = ++M.seq;
    }
    if (c->timer && !BROKEN(anew))
      c->timer = T_DUE;
    if (c->stranger == 2 && stamp > c->listed) {
      c->stranger = 0;
      tell_of_stranger(ctrl);
    }
  }
}

/* R65: that read is over, and what waits goes on waiting. */
void m_read_done(int ctrl)
{
  for (int n = 0; n < M.conf.nnsids && !BROKEN(told); n++)
    if (M.att[ctrl][n].waited)
      m_record(ctrl, 0, n, 1);
}

void m_path_reset(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];

  c->silent = 0;
  for (int n = 0; n < M.conf.nnsids; n++) {
    m_att *a = &M.att[ctrl][n];

    if (a->owes) {
      a->owes = BROKEN(same_epoch) ? a->owes : OWES_TWICE;
      a->since = ++M.seq;
    }
  }
  if (c->newcomer) {
    c->newcomer = OWES_TWICE;
    c->since = ++M.seq;
  }
  c->descs = 0;
  if (c->stranger)
    c->stranger = 1; /* what it was told is dropped: once more */
}

/* R66: CNS 02h or 07h has reached the host. */
void m_list_seen(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];

  if (c->stranger != 1)
    return;
  c->stranger = 2;
  c->listed = ++M.seq;
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.att[ctrl][n].state == NVMENS_ATT_ATTACHED || M.att[ctrl][n].state == NVMENS_ATT_FENCED)
      m_record(ctrl, 0, n, 1);
}

/* ---- time ---- */

/* A time that comes, be it the last one. */
uint64_t m_finite(uint64_t now, uint64_t ns)
{
  uint64_t at = m_after(now, ns);

  return at == UINT64_MAX ? at - 1 : at;
}

void m_time(uint64_t now)
{
  if (!M.is_told)
    M.first = now;
  M.is_told = 1;
  if (now > M.told)
    M.told = now;
  if (M.forgot_now)
    M.forgot = M.told;
  M.forgot_now = 0;
}

uint64_t m_host_deadline(void)
{
  uint64_t at = UINT64_MAX;

  for (int c = 0; c < M_CTRLS; c++) {
    uint64_t t = M.ctrl[c].timer == T_DUE ? M.told : M.ctrl[c].until;

    if (M.ctrl[c].used && M.ctrl[c].timer && t < at)
      at = t;
  }
  return at;
}

/* R63: silent are those that have been waited for long enough. */
void m_host_poll(void)
{
  uint64_t wait = M.conf.cfg.host_wait_ns ? M.conf.cfg.host_wait_ns : UINT64_C(10000000000);

  for (int i = 0; i < M.norder; i++) {
    m_ctrl *c = &M.ctrl[M.order[i]];

    if (c->timer == T_DUE) {
      c->timer = T_RUNS;
      c->until = m_after(M.told, wait);
    } else if (c->timer == T_RUNS && c->until <= M.told) {
      c->timer = T_OFF;
      c->silent = !BROKEN(silent);
    }
  }
}
