/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_want.c: which namespaces the model wants where, what is in the way, and what becomes of it
 * when that has gone (R56-R59, R64).
 */
#include "spec.h"

/* ---- what should be attached (R56) ---- */

static int is_there(const m_ctrl *c)
{
  return c->used && c->kind == NVMENS_CTRL_IO && c->state != NVMENS_CTRL_GOING;
}

static int covers(const m_ns *n, const m_ctrl *c)
{
  if (!n->c.auto_attach)
    return 0;
  if (n->c.shared)
    return 1;
  if (n->c.home_given)
    return c->cntlid == n->c.home_cntlid;
  return n->keeper && (c->hostid == n->keeper || BROKEN(keeper));
}

int m_should(int ns, int ctrl)
{
  const m_ctrl *c = &M.ctrl[ctrl];
  uint8_t asked = M.att[ctrl][ns].asked;

  if (M.ns[ns].state != NVMENS_NS_ALLOCATED || !is_there(c))
    return 0;
  if (asked == ASK_ATTACH || (asked && !BROKEN(explicit)))
    return asked == ASK_ATTACH;
  return covers(&M.ns[ns], c);
}

/* Looks for the keeper of a private namespace that has none. */
void m_keeper(int ns)
{
  m_ns *n = &M.ns[ns];

  if (n->state != NVMENS_NS_ALLOCATED || !n->c.auto_attach || n->c.shared || n->c.home_given ||
      n->keeper)
    return;
  for (int i = 0; i < M.norder; i++) {
    const m_ctrl *c = &M.ctrl[M.order[i]];

    if (!is_there(c))
      continue;
    if (c->hostid) {
      n->keeper = c->hostid;
    } else {
      n->c.home_given = n->stand_in = 1;
      n->c.home_cntlid = c->cntlid;
    }
    return;
  }
}

/* All explicit attaches and detaches. A plug takes nothing away: it keeps the attach of what is
 * visible where auto attach does not cover it. */
void m_forget_asked(int ns, int plug)
{
  for (int c = 0; c < M_CTRLS; c++) {
    m_att *a = &M.att[c][ns];
    int visible = a->state == NVMENS_ATT_ATTACHED || a->state == NVMENS_ATT_FENCED;

    if (BROKEN(plug) && plug)
      continue;
    if (!plug || !visible || covers(&M.ns[ns], &M.ctrl[c]))
      a->asked = ASK_NONE;
  }
  for (int i = 0; i < M.nkept; i++)
    if (M.kept[i].ns == ns)
      M.kept[i--] = M.kept[--M.nkept];
}

/* ---- what is in the way (R57) ---- */

int m_draining(const m_att *a)
{
  return a->state >= NVMENS_ATT_DRAINING || a->detached_due;
}

int m_css_allows(uint32_t css, uint8_t csi)
{
  return css == NVMENS_CSS_ALL || (css == NVMENS_CSS_NVM && csi == NVMENS_CSI_NVM);
}

static int enabled(const m_ctrl *c, uint8_t csi)
{
  return BROKEN(sets) || m_css_allows(c->css, csi); /* as it was last enabled; all before that */
}

/* What detached is being called for is at rest, but what waits for that is looked at when it has
 * returned. Explicit attach and plug, inside it, take the place at once. */
static int is_inside(int ctrl, int ns)
{
  return M.att[ctrl][ns].in_detached && !M.asking && M.plugging != ns + 1;
}

static uint64_t attachments(int ctrl)
{
  uint64_t sum = 0;

  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++)
      sum += (ctrl < 0 || c == ctrl) && (M.att[c][n].state >= NVMENS_ATT_FENCED ||
                                         M.att[c][n].detached_due || is_inside(c, n));
  return sum;
}

static int limited(int ctrl, int less)
{
  uint64_t but = less != 0;

  return (M.conf.cfg.maxdna && attachments(M_NONE) >= M.conf.cfg.maxdna + but) ||
         (M.conf.cfg.maxcna && attachments(ctrl) >= M.conf.cfg.maxcna + but);
}

static int drains(int ns, int ctrl)
{
  if (m_draining(&M.att[ctrl][ns]))
    return 1;
  for (int o = 0; o < M_CTRLS && !M.ns[ns].c.shared && !BROKEN(private); o++)
    if (o != ctrl &&
        (M.att[o][ns].state >= NVMENS_ATT_FENCED || M.att[o][ns].detached_due || is_inside(o, ns)))
      return 1;
  return 0;
}

/* Reasons 1 and 2. */
int m_hindered(int ns, int ctrl)
{
  return drains(ns, ctrl) || !enabled(&M.ctrl[ctrl], M.ns[ns].c.csi);
}

static int other_paths(int ns, int ctrl)
{
  for (int q = 0; q < M_CTRLS; q++)
    if (m_other_path(ns, ctrl, q))
      return 1;
  return 0;
}

static int may_be_fenced(int ns, int ctrl)
{
  const m_ctrl *c = &M.ctrl[ctrl];

  if (BROKEN(fence))
    return 0;
  return c->state == NVMENS_CTRL_READY &&
         (!(c->aec & NVMENS_AEC_ATTACHED_NS) ||
          (BROKEN(hides) && M.att[ctrl][ns].state == NVMENS_ATT_FENCED)) &&
         !drains(ns, ctrl) && enabled(c, M.ns[ns].c.csi) && m_own_path(ns, ctrl) &&
         !other_paths(ns, ctrl);
}

/* What keeps it from being attached; FENCED counts for what it is already. */
unsigned m_waits_for(int ns, int ctrl)
{
  if (drains(ns, ctrl))
    return NVMENS_WAITS_FOR_DRAIN;
  if (!enabled(&M.ctrl[ctrl], M.ns[ns].c.csi))
    return NVMENS_WAITS_FOR_COMMAND_SET;
  if (m_own_path(ns, ctrl) || other_paths(ns, ctrl))
    return NVMENS_WAITS_FOR_HOST;
  if (M.att[ctrl][ns].state != NVMENS_ATT_FENCED && limited(ctrl, 0))
    return NVMENS_WAITS_FOR_LIMIT;
  return NVMENS_WAITS_FOR_NOTHING;
}

/* NVMENS_ERR_* of an explicit attach (R58). */
static int attach_why(int ns, int ctrl)
{
  const m_ctrl *c = &M.ctrl[ctrl];
  const m_att *a = &M.att[ctrl][ns];

  if (!c->used || c->state == NVMENS_CTRL_GOING)
    return NVMENS_ERR_NOT_FOUND;
  if (c->kind != NVMENS_CTRL_IO)
    return NVMENS_ERR_KIND;
  if (m_draining(a) ? m_should(ns, ctrl) || BROKEN(again)
                    : a->state > NVMENS_ATT_DETACHED + BROKEN(wanted))
    return NVMENS_ERR_EXISTS;
  for (int o = 0; o < M_CTRLS && !M.ns[ns].c.shared && !BROKEN(private); o++)
    if (o != ctrl &&
        (m_draining(&M.att[o][ns]) ? m_should(ns, o) : M.att[o][ns].state != NVMENS_ATT_DETACHED))
      return NVMENS_ERR_PRIVATE;
  if (c->state != NVMENS_CTRL_DISABLED && !enabled(c, M.ns[ns].c.csi))
    return NVMENS_ERR_COMMAND_SET;
  if (limited(ctrl, m_draining(a))) /* its own place comes back */
    return NVMENS_ERR_LIMIT;
  return 0;
}

int m_attach_why(int ns, int ctrl)
{
  int why;

  M.asking = 1;
  why = attach_why(ns, ctrl);
  M.asking = 0;
  return why;
}

/* ---- what becomes of it ---- */

void m_change(int ns, int quiet_ctrl)
{
  M.changed[ns] = 1;
  M.quiet[ns] = (int8_t)quiet_ctrl;
}

static void fence(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];

  a->state = NVMENS_ATT_FENCED;
  a->gen = ++M.gens;
  m_record(ctrl, 0, ns, 1);
  m_change(ns, M_NONE);
}

/* FENCED is WANTED again, or detached. */
void m_unfence(int ns, int ctrl, int record)
{
  M.att[ctrl][ns].state = NVMENS_ATT_DETACHED;
  if (!record)
    return;
  m_record(ctrl, 0, ns, 1);
  m_change(ns, M_NONE);
}

/* Nothing but a limit is in the way: bit 0 to be attached, bit 1 to be fenced. */
static int is_next(int ns, int ctrl)
{
  const m_att *a = &M.att[ctrl][ns];

  if (!m_should(ns, ctrl) || m_draining(a) || (a->in_detached && M.plugging != ns + 1) ||
      a->state > NVMENS_ATT_WANTED)
    return 0;
  if (may_be_fenced(ns, ctrl))
    return 2;
  return m_waits_for(ns, ctrl) == NVMENS_WAITS_FOR_NOTHING ||
         m_waits_for(ns, ctrl) == NVMENS_WAITS_FOR_LIMIT;
}

static void let_in(int ns, int ctrl)
{
  if (is_next(ns, ctrl) == 2) {
    fence(ns, ctrl);
  } else {
    m_attach(ns, ctrl);
    m_change(ns, M_NONE);
  }
}

/* Whether not all that are next can be let in: which of them are is the library's choice. */
static int is_contended(void)
{
  uint64_t all = attachments(M_NONE), each[M_CTRLS] = {0};

  for (int c = 0; c < M_CTRLS; c++) {
    each[c] = attachments(c);
    for (int n = 0; n < M.conf.nnsids; n++)
      if (is_next(n, c)) {
        int elder = 0; /* of a private one only the first comes in, but for a limit */

        for (int o = 0; o < M_CTRLS && !M.ns[n].c.shared; o++)
          elder |= is_next(n, o) && M.ctrl[o].cntlid < M.ctrl[c].cntlid;
        if (elder && (M.conf.cfg.maxcna || M.conf.cfg.maxdna))
          return 1;
        all += !elder;
        each[c] += !elder;
      }
    if (M.conf.cfg.maxcna && each[c] > M.conf.cfg.maxcna)
      return 1;
  }
  return M.conf.cfg.maxdna && all > M.conf.cfg.maxdna;
}

/* Lets one in; or there is none. */
static int let_one_in(void)
{
  for (int n = 0; n < M.conf.nnsids; n++)
    for (int i = 0; i < M.norder; i++)
      if (is_next(n, M.order[i]) && !limited(M.order[i], 0)) {
        if (is_contended()) {
          M.contended = 1;
          return 0;
        }
        let_in(n, M.order[i]);
        return 1;
      }
  return 0;
}

static void at_rest(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];

  if (a->state == NVMENS_ATT_FENCED && !may_be_fenced(ns, ctrl)) {
    if (m_should(ns, ctrl) && m_waits_for(ns, ctrl) == NVMENS_WAITS_FOR_NOTHING)
      m_attach(ns, ctrl); /* recorded when it was fenced */
    else {
      m_unfence(ns, ctrl, 1);
      a->state = NVMENS_ATT_WANTED;
    }
  }
  if (a->state <= NVMENS_ATT_WANTED) {
    int wanted = m_should(ns, ctrl) && !m_draining(a) && (!a->in_detached || M.plugging == ns + 1);

    if (wanted && a->state == NVMENS_ATT_DETACHED)
      a->born = ++M.gens;
    a->state = wanted ? NVMENS_ATT_WANTED : NVMENS_ATT_DETACHED;
  }
  if (a->state == NVMENS_ATT_WANTED)
    a->ever = 1;
}

/* All that should be attached and is not, until nothing more comes of it. */
void m_look(void)
{
  M.contended = 0;
  M.loose++;
  for (int n = 0; n < M.conf.nnsids; n++)
    for (int i = 0; i < M.norder; i++)
      at_rest(n, M.order[i]);
  while (let_one_in())
    continue;
  for (int n = 0; n < M.conf.nnsids; n++)
    for (int i = 0; i < M.norder; i++)
      at_rest(n, M.order[i]);
  M.loose--;
  if (!M.contended) /* else when it is known who was let in */
    m_waiting();
}

void m_commit(void)
{
  m_look();
  if (M.contended) /* m_choose() goes on */
    return;
  for (int n = 0; n < M.conf.nnsids; n++) {
    if (M.changed[n])
      m_record_all(1, n, M.quiet[n]);
    M.changed[n] = 0;
  }
  m_deliver_all();
}

/* Of those that wait for a limit any may be first: what the library has let in is let in here, if
 * it
 * was next. */
void m_choose(int (*lib_state)(int ns, int ctrl), const m_effect *got)
{
  int some = 0;

  if (!M.contended)
    return;
  M.listed = M.snaps ? M.reading : 0;
  M.loose++;
  for (int n = 0; n < M.conf.nnsids; n++)
    for (int i = 0; i < M.norder; i++) {
      int c = M.order[i];
      int hook = got && got->kind == K_ATTACHED && got->ctrl == c && got->obj == M.ns[n].obj;

      if (!is_next(n, c) || limited(c, 0) || (!hook && lib_state(n, c) < NVMENS_ATT_FENCED))
        continue;
      if (!is_next(n, c)) /* the hook was called while the library was asked */
        continue;
      let_in(n, c);
      some = 1;
    }
  M.listed = 0;
  if (some && M.reading) /* log 1Ch has it at the end of the command */
    m_look();
  else if (some)
    m_commit();
  M.loose--;
}

static void ask(int ns, int ctrl)
{
  M.att[ctrl][ns].asked = ASK_ATTACH;
  if (M.att[ctrl][ns].state > NVMENS_ATT_WANTED)
    return;
  if (m_waits_for(ns, ctrl) == NVMENS_WAITS_FOR_NOTHING) {
    m_attach(ns, ctrl);
    m_change(ns, M_NONE);
  }
}

/* Explicit attach: this one first, if nothing is in the way. */
void m_ask(int ns, int ctrl)
{
  M.asking = 1;
  ask(ns, ctrl);
  M.asking = 0;
}

/* ---- explicit detach (R58), and the fence (R64) ---- */

void m_unask(int ns, int ctrl)
{
  m_ns *n = &M.ns[ns];

  M.att[ctrl][ns].asked = ASK_DETACH;
  if (n->c.shared)
    return;
  for (int o = 0; o < M_CTRLS; o++)
    if (o != ctrl &&
        (M.att[o][ns].state == NVMENS_ATT_ATTACHED || M.att[o][ns].state == NVMENS_ATT_FENCED))
      return;
  n->c.auto_attach = 0;
}

/* What is WANTED or FENCED, or is to be attached again when it has drained: done. */
int m_detach(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];

  if (m_draining(a) || a->in_detached ? !m_should(ns, ctrl) || BROKEN(withdrawn)
                                      : a->state == NVMENS_ATT_DETACHED)
    return a->state >= NVMENS_ATT_DRAINING ? NVMENS_ERR_BUSY : NVMENS_ERR_NOT_ATTACHED;
  m_unask(ns, ctrl);
  if (a->state == NVMENS_ATT_FENCED)
    m_unfence(ns, ctrl, 1);
  return 0;
}

/* The host has seen who it is: it has let go of whatever else it had there, also as a newcomer,
 * which owes on as a whole. */
void m_identity_seen(int ns, int ctrl)
{
  m_att *a = &M.att[ctrl][ns];
  const m_id *may;
  m_id was = a->owed;
  int n;

  if (a->state != NVMENS_ATT_FENCED)
    return;
  if (a->owes)
    m_tell_paths(ctrl, ns, &was);
  a->owes = OWES_NONE;
  for (int i = 0; i < M_MAY_HAVE && M.ctrl[ctrl].newcomer; i++)
    if (m_may_have(ctrl, i, &n, &may) && n == ns)
      m_tell_paths(ctrl, ns, may);
  m_attach(ns, ctrl);
}
