/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_memory.c: what the model remembers of hosts whose controllers have gone, and what it gives
 * out with regard to that (R66-R69).
 */
#include "spec.h"

static uint64_t memory_ns(void)
{
  return M.conf.cfg.host_memory_ns ? M.conf.cfg.host_memory_ns : UINT64_C(900000000000);
}

/* A path whose controller is being removed. */
static int goes(int ctrl, uint8_t host)
{
  const m_ctrl *c = &M.ctrl[ctrl];

  return c->used && c->state == NVMENS_CTRL_GOING && !c->pci && c->hostid == host;
}

/* What a newcomer may have, one after the other, while i is below M_MAY_HAVE: of paths that went
 * away before it came. 0: nothing there. */
int m_may_have(int ctrl, int i, int *ns, const m_id **id)
{
  const m_ctrl *c = &M.ctrl[ctrl];
  int o = (i - M_MEMORIES) / M_NSIDS;

  if (i < M_MEMORIES) {
    const m_memory *m = &M.memory[i];

    *ns = m->ns;
    *id = &m->id;
    return m->used && m->host == c->hostid && m->went < c->came;
  }
  *ns = (i - M_MEMORIES) % M_NSIDS;
  *id = &M.att[o][*ns].owed;
  return M.att[o][*ns].owes && goes(o, c->hostid) && M.ctrl[o].went < c->came &&
         !BROKEN(reconnects);
}

/* Something of this NSID that a path of the host had which went before that, other than `but`. */
int m_remembered(uint8_t host, uint64_t before, int ns, const m_id *but)
{
  for (int i = 0; i < M_MEMORIES; i++) {
    const m_memory *m = &M.memory[i];

    if (m->used && m->host == host && m->went < before && m->ns == ns &&
        (!but || !m_same_id(&m->id, but)))
      return 1;
  }
  return 0;
}

/* What is remembered already is so from now on, and since the first of its paths went, which need
 * not have been released first. */
static void remember(uint8_t host, int ns, const m_id *id, uint64_t went)
{
  int others = 0, known = 0, place = M_NONE;
  m_id what = *id;

  for (int i = 0; i < M_MEMORIES; i++) {
    const m_memory *o = &M.memory[i];

    if (!o->used)
      place = place < 0 ? i : place;
    else if (o->host == host && o->ns == ns) {
      others += !o->id.any;
      known |= m_same_id(&o->id, id);
    }
  }
  what.any |= others >= 4 && !known;
  for (int i = 0; i < M_MEMORIES; i++) {
    m_memory *o = &M.memory[i];

    if (o->used && o->host == host && o->ns == ns &&
        (m_same_id(&o->id, id) || (o->id.any && what.any))) {
      o->timer = T_DUE;
      o->id.shared &= id->shared;
      o->went = went < o->went ? went : o->went;
      return;
    }
  }
  if (place >= 0)
    M.memory[place] = (m_memory){1, host, (uint8_t)ns, T_DUE, what, went, 0};
}

static int count_hosts(void)
{
  int n = 0;

  for (int h = 0; h < M_HOSTS; h++)
    n += M.host[h].away;
  return n;
}

static int has_controller(uint8_t host)
{
  for (int c = 0; c < M_CTRLS; c++)
    if (M.ctrl[c].used && M.ctrl[c].hostid == host)
      return 1;
  return 0;
}

static int has_disks(int host)
{
  for (int i = 0; i < M_MEMORIES; i++)
    if (M.memory[i].used && M.memory[i].host == host)
      return 1;
  return 0;
}

static void forget_host(int host)
{
  memset(&M.host[host], 0, sizeof(M.host[host]));
  for (int i = 0; i < M_MEMORIES; i++)
    if (M.memory[i].host == host)
      M.memory[i].used = 0;
  for (int i = 0; i < M.nkept; i++)
    if (M.kept[i].host == host)
      M.kept[i--] = M.kept[--M.nkept];
  for (int i = 0; i < M.npast; i++)
    if (M.past[i].host == host) {
      memmove(M.past + i, M.past + i + 1, (size_t)(--M.npast - i) * sizeof(M.past[0]));
      i--;
    }
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.ns[n].keeper == host)
      M.ns[n].keeper = 0;
  for (int i = 0; i < M_PREPS; i++) /* R71 */
    M.prep[i].forgotten |= M.prep[i].token && M.prep[i].host == host;
}

static void goes_away(uint8_t host)
{
  uint32_t most = M.conf.cfg.max_ctrls ? M.conf.cfg.max_ctrls : 64;

  M.host[host].away = 1;
  M.host[host].went = ++M.seq;
  while ((uint32_t)count_hosts() > most) {
    int longest = M_NONE;

    for (int h = 0; h < M_HOSTS; h++)
      if (M.host[h].away && (longest < 0 || M.host[h].went < M.host[longest].went))
        longest = h;
    if (has_disks(longest))
      M.has_forgotten = M.forgot_now = 1;
    forget_host(longest);
  }
}

/* The latest last, and each CNTLID of a host once. */
static void went(uint8_t host, uint16_t cntlid)
{
  int i = 0;

  while (i < M.npast && (M.past[i].host != host || M.past[i].cntlid != cntlid))
    i++;
  if (i < M.npast || M.npast == M_PAST) {
    i %= M_PAST; /* no room: the first */
    memmove(M.past + i, M.past + i + 1, (size_t)(--M.npast - i) * sizeof(M.past[0]));
  }
  M.past[M.npast++] = (m_past){host, cntlid};
}

/* A controller is released; its state is still there. */
void m_gone(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];
  uint8_t host = c->hostid;

  for (int n = 0; n < M.conf.nnsids; n++) {
    m_att *a = &M.att[ctrl][n];

    if (a->owes && ((c->pci && !BROKEN(pci)) || !host))
      m_tell_paths(ctrl, n, &a->owed);
    else if (a->owes && !BROKEN(memory))
      remember(host, n, &a->owed, c->went);
  }
  if (!host)
    return;
  for (int i = 0; c->newcomer && i < M_MEMORIES; i++) {
    m_memory m = M.memory[i];

    if (m.used && m.host == host && m.went < c->came)
      remember(host, m.ns, &m.id, m.went);
  }
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.att[ctrl][n].asked && !BROKEN(wishes) && M.nkept < M_KEPT)
      M.kept[M.nkept++] = (m_kept){host, (uint8_t)n, M.att[ctrl][n].asked, c->cntlid};
  went(host, c->cntlid);
  c->used = 0;
  if (!has_controller(host))
    goes_away(host);
}

static int has_had(uint8_t host, uint16_t cntlid)
{
  int n = 0;

  for (int i = M.npast; i-- > 0;)
    if (M.past[i].host == host) {
      if (M.past[i].cntlid == cntlid)
        return 1;
      if (++n == M_LAST)
        return 0;
    }
  return 0;
}

/* Its former controller is still on its way out, and has its CNTLID: a copy of what was
 * asked for. */
static void follow(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];

  for (int i = 0; i < M.norder; i++) {
    m_ctrl *o = &M.ctrl[M.order[i]];

    if (o->hostid != c->hostid || o->state != NVMENS_CTRL_GOING || o->followed ||
        o->kind != NVMENS_CTRL_IO)
      continue;
    o->followed = 1;
    for (int n = 0; n < M.conf.nnsids; n++)
      M.att[ctrl][n].asked = M.att[M.order[i]][n].asked;
    return;
  }
}

/* Its CNTLID is known. */
void m_arrives(int ctrl, int chosen)
{
  m_ctrl *c = &M.ctrl[ctrl];

  c->came = c->since = ++M.seq;
  if (!c->hostid)
    return;
  M.host[c->hostid].away = 0;
  if (c->kind != NVMENS_CTRL_IO)
    return;
  for (int i = 0; i < M_MEMORIES && !c->pci; i++)
    if ((M.memory[i].used && M.memory[i].host == c->hostid) ||
        (i < M_CTRLS && goes(i, c->hostid) && !BROKEN(reconnects)))
      c->newcomer = BROKEN(newcomer) ? OWES_NONE : OWES_TWICE;
  if (!c->pci && (!M.is_told || M.told < m_after(M.first, memory_ns()) ||
                  (M.has_forgotten && (M.forgot_now || M.told < m_after(M.forgot, memory_ns())))))
    c->stranger = !BROKEN(stranger);
  if (chosen && !has_had(c->hostid, c->cntlid))
    follow(ctrl);
  for (int i = 0; i < M.nkept; i++)
    if (M.kept[i].host == c->hostid && M.kept[i].cntlid == c->cntlid) {
      M.att[ctrl][M.kept[i].ns].asked = M.kept[i].asked;
      M.kept[i--] = M.kept[--M.nkept];
    }
}

/* ---- what is given out ---- */

static int is_free(uint16_t cntlid)
{
  for (int i = 0; i < M.norder; i++)
    if (M.ctrl[M.order[i]].cntlid == cntlid)
      return 0;
  return 1;
}

/* R68. There are at most M_CTRLS + M_PAST of them in use. */
uint16_t m_choose_cntlid(uint8_t host)
{
  uint32_t best = NVMENS_CNTLID_ANY;
  uint16_t id;

  for (int i = 0; host && i < M.npast && !BROKEN(cntlid); i++)
    if (M.past[i].cntlid < best && is_free(M.past[i].cntlid) && has_had(host, M.past[i].cntlid))
      best = M.past[i].cntlid;
  if (best != NVMENS_CNTLID_ANY)
    return (uint16_t)best;
  for (id = 0; id < 256; id++) {
    int others = 0;

    for (uint8_t h = 0; h < M_HOSTS; h++)
      others |= h != host && has_had(h, id);
    if (is_free(id) && !others)
      return id;
  }
  for (id = 0; !is_free(id);)
    id++;
  return id;
}

static int remembered_by_any(int ns)
{
  for (int i = 0; i < M_MEMORIES; i++)
    if (M.memory[i].used && M.memory[i].ns == ns)
      return 1;
  return 0;
}

/* R69. May be one that is not in the pool of the run. */
uint32_t m_choose_nsid(void)
{
  uint32_t lowest = 0, seen = 0;

  for (uint32_t nsid = 1; nsid <= M.conf.cfg.nn && seen < 1024; nsid++) {
    int ns = m_slot(nsid), owed = 0;

    if (ns >= 0 && M.ns[ns].state != NVMENS_NS_ABSENT)
      continue;
    seen++;
    if (!lowest)
      lowest = nsid;
    for (int c = 0; c < M_CTRLS && ns >= 0; c++)
      owed |= M.att[c][ns].owes;
    if (ns < 0 || BROKEN(nsid) || (!owed && !remembered_by_any(ns)))
      return nsid;
  }
  return lowest;
}

/* ---- time ---- */

/* The path has gone for good; it is one of that host's, which may have others. */
static void for_good(m_memory *m)
{
  m->used = 0;
  for (int c = 0; c < M_CTRLS; c++)
    if (M.ctrl[c].used && M.ctrl[c].hostid == m->host)
      m_tell_path(c, m->ns, &m->id);
}

static int newcomer_after(const m_memory *m)
{
  for (int c = 0; c < M_CTRLS; c++)
    if (M.ctrl[c].used && M.ctrl[c].hostid == m->host && M.ctrl[c].newcomer &&
        m->went < M.ctrl[c].came)
      return 1;
  return 0;
}

/* What is old enough, and what no newcomer may still have. */
void m_forget_old(void)
{
  for (int i = 0; i < M_MEMORIES; i++) {
    m_memory *m = &M.memory[i];

    if (m->used && m->timer == T_OFF && !newcomer_after(m))
      for_good(m);
  }
}

void m_memory_poll(void)
{
  for (int i = 0; i < M_MEMORIES; i++) {
    m_memory *m = &M.memory[i];

    if (m->used && m->timer == T_DUE) {
      m->timer = T_RUNS;
      m->until = m_finite(M.told, memory_ns());
    }
    if (m->used && m->timer == T_RUNS && m->until <= M.told) /* at the end of time at once */
      m->timer = T_OFF;
  }
  m_forget_old();
}

uint64_t m_memory_deadline(void)
{
  uint64_t at = UINT64_MAX;

  for (int i = 0; i < M_MEMORIES; i++) {
    const m_memory *m = &M.memory[i];
    uint64_t t = m->timer == T_DUE ? M.told : m->until;

    if (m->used && (m->timer || !newcomer_after(m)) && t < at) /* over: the next poll forgets */
      at = t;
  }
  return at;
}
