/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_ns.c: the model's namespaces: what the backend can ask (R3-R5, R40, R54, C15).
 */
#include "bytes.h"
#include "spec.h"

uint32_t m_format(const nvmens_ns_config *c, unsigned i, nvmens_lbaf *out)
{
  unsigned n = c->nlbaf ? c->nlbaf : M.conf.cfg.nlbaf;

  if (!n) {
    *out = (nvmens_lbaf){9, 0, 0};
    return 1;
  }
  if (i < n)
    *out = c->nlbaf ? c->lbaf[i] : M.conf.cfg.lbaf[i];
  return n;
}

nvmens_u128 m_bytes(const nvmens_ns_config *c)
{
  nvmens_lbaf f = {9, 0, 0};

  m_format(c, c->flbas, &f);
  return big_to(big_double(big_of((nvmens_u128){c->ncap, 0}), f.lbads));
}

static int capacity_is_counted(void)
{
  return M.conf.cfg.tnvmcap.lo != 0 || M.conf.cfg.tnvmcap.hi != 0;
}

static int fits(nvmens_u128 more, nvmens_u128 less)
{
  b_big used = big_sum(big_sum(big_of(M.used), big_of(less), 1), big_of(more), 0);

  return !capacity_is_counted() || big_at_most(used, big_of(M.conf.cfg.tnvmcap));
}

static void debit(nvmens_u128 more, nvmens_u128 less)
{
  M.used = big_to(big_sum(big_sum(big_of(M.used), big_of(more), 0), big_of(less), 1));
}

static int is_zero(const uint8_t *p, size_t n)
{
  while (n--)
    if (*p++)
      return 0;
  return 1;
}

static int same(const uint8_t *a, const uint8_t *b, size_t n)
{
  return !is_zero(a, n) && memcmp(a, b, n) == 0;
}

int m_ident_in_use(const nvmens_ident *id)
{
  for (int n = 0; n < M.conf.nnsids; n++) {
    const nvmens_ident *o = &M.ns[n].c.ident;

    if (M.ns[n].state != NVMENS_NS_ABSENT &&
        (same(id->uuid, o->uuid, 16) || same(id->nguid, o->nguid, 16) ||
         same(id->eui64, o->eui64, 8)))
      return 1;
  }
  return 0;
}

static uint32_t count(void)
{
  uint32_t sum = 0;

  for (int n = 0; n < M.conf.nnsids; n++)
    sum += M.ns[n].state != NVMENS_NS_ABSENT;
  return sum;
}

static int ns_new_args(const nvmens_ns_config *c)
{
  nvmens_lbaf f;

  if (c->nsid > M.conf.cfg.nn || is_zero((const uint8_t *)&c->ident, sizeof(c->ident)))
    return NVMENS_ERR_INVAL;
  if (c->nsze == 0 || c->flbas >= m_format(c, 0, &f) || (c->ncap && c->ncap > c->nsze))
    return NVMENS_ERR_INVAL;
  if (c->csi > 31 || !(M.conf.cfg.csi_supported & (UINT32_C(1) << c->csi)))
    return NVMENS_ERR_COMMAND_SET;
  return 0;
}

int m_ns_new(const nvmens_ns_config *given, int obj, int host_made, nvmens_nsref *out)
{
  nvmens_ns_config c = *given;
  int why = ns_new_args(&c), ns = M_NONE;
  m_ns *n;

  if (why)
    return why;
  if (!c.ncap)
    c.ncap = c.nsze;
  if (c.nsid) {
    ns = m_slot(c.nsid);
    if (M.ns[ns].state != NVMENS_NS_ABSENT)
      return M.ns[ns].state == NVMENS_NS_DELETING ? NVMENS_ERR_BUSY : NVMENS_ERR_EXISTS;
  }
  if (count() >= (M.conf.cfg.mnan ? M.conf.cfg.mnan : M.conf.cfg.nn))
    return NVMENS_ERR_LIMIT;
  if (m_ident_in_use(&c.ident))
    return NVMENS_ERR_EXISTS;
  if (!c.nsid) {
    c.nsid = m_choose_nsid();
    ns = m_slot(c.nsid);
  }
  if (!fits(m_bytes(&c), (nvmens_u128){0, 0}))
    return NVMENS_ERR_CAPACITY;
  n = &M.ns[ns];
  n->state = NVMENS_NS_ALLOCATED;
  n->owner = M_NONE;
  n->over = 0;
  n->obj = (int16_t)obj;
  n->gen = ++M.gens;
  n->c = c;
  n->born = (uint8_t)host_made;
  n->keeper = n->stand_in = 0;
  debit(m_bytes(&c), (nvmens_u128){0, 0});
  *out = (nvmens_nsref){c.nsid, n->gen};
  if (host_made) {
    m_effect *e = m_queue(K_CREATED);

    e->ns = (int8_t)ns;
    e->obj = (int16_t)obj;
    e->dw0 = c.nsid;
  }
  m_keeper(ns);
  if (!BROKEN(no_create))
    m_change(ns, M_NONE);
  m_commit();
  return 0;
}

/* Place of the namespace that a reference names; M_NONE: stale. */
static int look(nvmens_nsref ref)
{
  int ns = m_slot(ref.nsid);

  if (ns < 0 || M.ns[ns].state == NVMENS_NS_ABSENT || (M.ns[ns].gen != ref.gen && !BROKEN(stale)))
    return M_NONE;
  return ns;
}

/* A verb that is refused does nothing of its own; what is due by then is done, as in any call. */
static int refused(int why)
{
  m_commit();
  return why;
}

int m_ns_attach(nvmens_nsref ref, int ctrl)
{
  int ns = look(ref), why;

  if (ns < 0)
    return refused(NVMENS_ERR_STALE);
  if (M.ns[ns].state == NVMENS_NS_DELETING)
    return refused(NVMENS_ERR_BUSY);
  why = m_attach_why(ns, ctrl);
  if (why)
    return refused(why);
  m_ask(ns, ctrl);
  m_commit();
  return 0;
}

int m_ns_detach(nvmens_nsref ref, int ctrl, int mode, uint64_t now, uint64_t deadline)
{
  int ns = look(ref), why = 0;
  m_att *a;

  if (now > M.now)
    M.now = now;
  m_time(now);
  if (ns < 0)
    return refused(NVMENS_ERR_STALE);
  a = &M.att[ctrl][ns];
  if (a->state == NVMENS_ATT_ATTACHED) {
    m_unattach(ns, ctrl, mode, m_after(now, deadline));
    m_record(ctrl, 0, ns, 1);
    m_change(ns, M_NONE);
    m_unask(ns, ctrl);
  } else {
    why = m_detach(ns, ctrl);
    if (why == NVMENS_ERR_BUSY && mode == NVMENS_SURPRISE)
      why = 0;
    if (a->state == NVMENS_ATT_DRAINING && mode == NVMENS_SURPRISE)
      m_abort(ns, ctrl);
  }
  m_commit();
  return why;
}

/* R56: auto attach, whatever was asked for; its keeper is looked for again if it is not there. */
static void plug(int ns)
{
  m_ns *n = &M.ns[ns];
  int there = 0;

  n->c.auto_attach = 1;
  for (int c = 0; c < M_CTRLS; c++)
    if (M.ctrl[c].used && M.ctrl[c].kind == NVMENS_CTRL_IO && M.ctrl[c].state != NVMENS_CTRL_GOING)
      there |= n->keeper ? M.ctrl[c].hostid == n->keeper : M.ctrl[c].cntlid == n->c.home_cntlid;
  if (!there) {
    n->keeper = 0;
    if (n->stand_in)
      n->stand_in = n->c.home_given = 0;
  }
  m_keeper(ns);
  m_forget_asked(ns, 1);
}

int m_ns_plug(nvmens_nsref ref)
{
  int ns = look(ref);

  if (ns < 0)
    return refused(NVMENS_ERR_STALE);
  if (M.ns[ns].state == NVMENS_NS_DELETING)
    return refused(NVMENS_ERR_BUSY);
  plug(ns);
  M.plugging = ns + 1; /* at once, also inside detached; all else when that has returned */
  m_commit();
  M.plugging = 0;
  return 0;
}

/* The latest attachment older than that. */
static int newest(int ns, uint32_t below)
{
  int best = M_NONE;

  for (int i = 0; i < M.norder; i++) {
    int c = M.order[i];

    if (M.att[c][ns].state >= NVMENS_ATT_FENCED && M.att[c][ns].born < below &&
        (best < 0 || M.att[c][ns].born > M.att[best][ns].born))
      best = c;
  }
  return best;
}

/* All attachments of a namespace on its way out. */
static void remove_each(int ns, int surprise, uint64_t deadline, int quiet_ctrl)
{
  uint32_t below = UINT32_MAX;
  int c;

  M.loose++; /* the rules do not say in which order */
  m_forget_asked(ns, 0);
  for (; (c = newest(ns, below)) >= 0; below = M.att[c][ns].born) {
    m_att *a = &M.att[c][ns];

    if (a->state == NVMENS_ATT_ATTACHED) {
      m_unattach(ns, c, surprise, deadline);
      m_record(c, 0, ns, c != quiet_ctrl || BROKEN(issuer));
    } else if (a->state == NVMENS_ATT_FENCED) {
      m_unfence(ns, c, 0);
      m_record(c, 0, ns, c != quiet_ctrl);
      if (M.conf.cfg.maxdna || M.conf.cfg.maxcna)
        m_look(); /* its place is free, before the next one drains */
    } else if (a->state == NVMENS_ATT_DRAINING && surprise) {
      m_abort(ns, c);
    } else if (a->state == NVMENS_ATT_DRAINING && deadline < a->deadline && !BROKEN(join)) {
      a->deadline = deadline;
      a->timer = ++M.gens;
    }
  }
  M.loose--;
}

int m_ns_unplug(nvmens_nsref ref, int mode, uint64_t now, uint64_t deadline)
{
  int ns = look(ref), fresh = 0;

  if (now > M.now)
    M.now = now;
  m_time(now);
  if (ns < 0)
    return refused(NVMENS_ERR_STALE);
  if (M.ns[ns].state == NVMENS_NS_ALLOCATED) {
    M.ns[ns].state = NVMENS_NS_DELETING;
    M.ns[ns].reason = NVMENS_UNPLUGGED;
    fresh = 1;
  }
  remove_each(ns, mode, m_after(now, deadline), M_NONE);
  if (fresh)
    m_change(ns, M_NONE);
  m_delete_look(ns);
  m_quiet(ns);
  m_commit();
  return 0;
}

/* By a command; the caller counts. Returns whether it waits. */
int m_delete(int ns, int cmd, uint64_t deadline)
{
  M.ns[ns].state = NVMENS_NS_DELETING;
  M.ns[ns].reason = NVMENS_HOST_DELETED;
  M.ns[ns].owner = (int8_t)cmd;
  remove_each(ns, 0, deadline, M.cmd[cmd].ctrl);
  m_record_all(1, ns, M.cmd[cmd].ctrl); /* of several, each before the next one's 04h */
  return 1;
}

/* What it is to be; 0: that cannot be. */
static int updated(const nvmens_ns_attrs *a, nvmens_ns_config *c)
{
  nvmens_lbaf f;

  if (a->set & NVMENS_SET_FORMAT)
    c->flbas = a->flbas;
  if (a->set & NVMENS_SET_WRITE_PROTECT)
    c->write_protected = a->write_protected;
  if (a->set & NVMENS_SET_SIZE) {
    c->nsze = a->nsze;
    c->ncap = a->ncap ? a->ncap : a->nsze;
  }
  return c->nsze != 0 && c->flbas < m_format(c, 0, &f) && c->ncap <= c->nsze;
}

static int update(int ns, const nvmens_ns_attrs *a)
{
  nvmens_ns_config c;

  c = M.ns[ns].c;
  if (a->set == 0 || (a->set & ~15u) != 0 || !updated(a, &c))
    return NVMENS_ERR_INVAL;
  if (M.ns[ns].state == NVMENS_NS_DELETING)
    return NVMENS_ERR_BUSY;
  if (!fits(m_bytes(&c), m_bytes(&M.ns[ns].c)))
    return NVMENS_ERR_CAPACITY;
  debit(m_bytes(&c), m_bytes(&M.ns[ns].c));
  M.ns[ns].c = c;
  for (int i = 0; i < M.norder; i++)
    if (M.att[M.order[i]][ns].state == NVMENS_ATT_ATTACHED ||
        M.att[M.order[i]][ns].state == NVMENS_ATT_FENCED)
      m_record(M.order[i], 0, ns, 1);
  m_record_all(1, ns, M_NONE);
  return 0;
}

int m_ns_update(nvmens_nsref ref, const nvmens_ns_attrs *a)
{
  int ns = look(ref), why = ns < 0 ? NVMENS_ERR_STALE : update(ns, a);

  m_commit();
  return why;
}

int m_ns_find(uint32_t nsid, nvmens_nsref *out)
{
  int ns = m_slot(nsid);

  if (ns < 0 || M.ns[ns].state == NVMENS_NS_ABSENT)
    return NVMENS_ERR_NOT_FOUND;
  *out = (nvmens_nsref){nsid, M.ns[ns].gen};
  return 0;
}

int m_ns_next(uint32_t after, nvmens_nsref *out)
{
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.conf.nsid[n] > after && M.ns[n].state != NVMENS_NS_ABSENT)
      return m_ns_find(M.conf.nsid[n], out);
  return NVMENS_ERR_NOT_FOUND;
}

/* Its last attachment is gone: released is due (R15). */
void m_quiet(int ns)
{
  m_ns *n = &M.ns[ns];
  m_effect *e;

  if (n->state != NVMENS_NS_DELETING || n->over)
    return;
  for (int c = 0; c < M_CTRLS; c++)
    if (m_draining(&M.att[c][ns]) || M.att[c][ns].in_detached)
      return;
  for (int i = 0; i < M.depth; i++) /* hooks that were given it */
    if ((M.frame[i].want == K_IDENTIFY || M.frame[i].want == K_PREPARE) && M.frame[i].ns == ns &&
        M.frame[i].obj == n->obj)
      return;
  n->over = 1;
  e = m_queue(K_RELEASED);
  e->ns = (int8_t)ns;
  e->obj = n->obj;
  e->reason = n->reason;
}

/* The NSID and the capacity are back when the hook is called. */
void m_released(int ns)
{
  M.ns[ns].state = NVMENS_NS_ABSENT;
  M.ns[ns].owner = M_NONE;
  if (!BROKEN(credit))
    debit((nvmens_u128){0, 0}, m_bytes(&M.ns[ns].c));
}
