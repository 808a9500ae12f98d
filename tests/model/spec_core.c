/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_core.c: the model's queue of hooks, events (R26-R32), and changed namespace lists (R42-R44).
 */
#include "spec.h"

m_model M;

void m_init(const m_config *conf)
{
  memset(&M, 0, offsetof(m_model, frame));
  M.depth = 0;
  M.norder = 0;
  M.conf = *conf;
  for (int n = 0; n < M_NSIDS; n++) {
    M.ns[n].owner = M_NONE;
    for (int c = 0; c < M_CTRLS; c++)
      M.att[c][n].owner = M_NONE;
  }
}

int m_slot(uint32_t nsid)
{
  for (int i = 0; i < M.conf.nnsids; i++)
    if (M.conf.nsid[i] == nsid)
      return i;
  return M_NONE;
}

void m_reorder(void)
{
  M.norder = 0;
  for (int c = 0; c < M_CTRLS; c++) {
    int at = M.norder;

    if (!M.ctrl[c].used)
      continue;
    for (; at > 0 && M.ctrl[M.order[at - 1]].cntlid > M.ctrl[c].cntlid; at--)
      M.order[at] = M.order[at - 1];
    M.order[at] = c;
    M.norder++;
  }
}

/* ---- the queue ---- */

m_effect *m_queue(m_kind kind)
{
  m_effect *e = &M.eff[M.tail++ % M_EFFECTS];

  memset(e, 0, sizeof(*e));
  e->kind = (uint8_t)kind;
  e->ctrl = e->ns = e->cmd = M_NONE;
  e->obj = M_NONE;
  e->after = M_NONE;
  return e;
}

/* Whether an effect still applies. */
static int applies(const m_effect *e)
{
  const m_att *a;

  if (e->kind != K_ATTACHED && e->kind != K_DETACHED && e->kind != K_DRAIN && e->kind != K_ABORT)
    return 1;
  a = &M.att[e->ctrl][e->ns];
  return a->gen == e->gen && (e->kind != K_ABORT || (a->state == NVMENS_ATT_ABORTING && !a->detached_due));
}

const m_effect *m_next(void)
{
  for (;;) {
    m_effect *e = &M.eff[M.head % M_EFFECTS];

    if (M.head == M.tail)
      return NULL;
    if (e->kind == K_NONE || !applies(e)) {
      M.head++;
    } else if (e->kind == K_DRAIN && M.conf.no_drain) { /* no hook: nothing to wait for */
      m_effect took = m_took();

      m_finish(&took, 1);
    } else {
      return e;
    }
  }
}

m_effect m_took(void)
{
  m_effect e = M.eff[M.head++ % M_EFFECTS];

  if (e.kind == K_DETACHED) /* at rest before the hook is called */
    M.att[e.ctrl][e.ns].detached_due = 0;
  if (e.kind == K_CTRL_RELEASED) { /* nothing is known of it when its hook is called */
    memset(&M.ctrl[e.ctrl], 0, sizeof(m_ctrl));
    memset(M.att[e.ctrl], 0, sizeof(M.att[e.ctrl]));
    for (int n = 0; n < M_NSIDS; n++)
      M.att[e.ctrl][n].owner = M_NONE;
    m_reorder();
  }
  if (e.kind == K_DRAIN)
    M.att[e.ctrl][e.ns].begun = 1;
  if (e.kind == K_COMPLETE || e.kind == K_DROP)
    M.cmd[e.cmd].state = C_FREE;
  return e;
}

void m_finish(const m_effect *e, int done)
{
  m_att *a = e->ctrl >= 0 && e->ns >= 0 ? &M.att[e->ctrl][e->ns] : NULL;

  if (e->kind == K_ATTACHED && a->gen == e->gen) {
    a->hook_due = 0;
    if (a->state == NVMENS_ATT_ATTACHED) {
      a->open = 1;
      m_deliver_all();
    }
    if (e->after >= 0 && M.cmd[e->after].born == e->after_born &&
        M.cmd[e->after].state == C_DRAIN)
      m_settle(e->after);
  } else if (e->kind == K_DRAIN && a->gen == e->gen) {
    if (done && a->token == e->token)
      a->hook_done = 1;
    m_drained(e->ns, e->ctrl);
  } else if (e->kind == K_COMPLETE || e->kind == K_DROP) {
    m_ctrl_settled(e->ctrl);
  } else if (e->kind == K_DETACHED) {
    m_quiet(e->ns);
    m_ctrl_settled(e->ctrl);
  }
}

/* ---- events ---- */

m_src *m_source(m_ctrl *c, uint8_t type, uint8_t info)
{
  static const uint8_t types[] = {0, 1, 2, 3, 4, 6, 7}, infos[] = {0, 1, 2, 9};

  for (unsigned t = 0; t < 7; t++)
    for (unsigned i = 0; i < 4; i++)
      if (types[t] == type && infos[i] == info)
        return &c->src[t * 4 + i];
  return NULL;
}

int m_src_on(const m_ctrl *c, const m_src *s)
{
  return s->mask == 0 || (s->mask & c->aec) != 0;
}

void m_loud(m_ctrl *c, m_src *s)
{
  s->loud = ++M.seq;
  if (s->state == 0) {
    s->state = 1;
    s->since = M.seq;
  } else {
    c->coalesced++;
  }
}

void m_record(int ctrl, int which, int ns, int loud)
{
  m_ctrl *c = &M.ctrl[ctrl];

  if (c->state != NVMENS_CTRL_READY)
    return;
  c->log[which].since[ns] = 1;
  if (loud)
    m_loud(c, &c->src[which ? M_SRC1C : M_SRC4]);
}

void m_record_all(int which, int ns, int quiet_ctrl)
{
  for (int i = 0; i < M.norder; i++)
    m_record(M.order[i], which, ns, M.order[i] != quiet_ctrl);
}

/* An attachment whose attached hook has not returned holds back the event of its controller. */
static int held_back(int ctrl)
{
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.att[ctrl][n].state == NVMENS_ATT_ATTACHED && !M.att[ctrl][n].open)
      return 1;
  return 0;
}

static m_src *deliverable(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_src *best = NULL;

  for (int i = 0; i < M_SRCS; i++) {
    m_src *s = &c->src[i];
    int masked = 0;

    if (s->state != 1 || !m_src_on(c, s))
      continue;
    for (int j = i & ~3; j < (i & ~3) + 4; j++)
      if (M.conf.cfg.mask_scope == NVMENS_MASK_TYPE && c->src[j].state == 2)
        masked = 1;
    if (!masked && (!best || s->since < best->since))
      best = s;
  }
  return best == &c->src[M_SRC4] && held_back(ctrl) ? NULL : best;
}

void m_deliver_all(void)
{
  for (int i = 0; i < M.norder; i++) {
    m_ctrl *c = &M.ctrl[M.order[i]];
    m_src *s;

    if (c->state != NVMENS_CTRL_READY)
      continue;
    while (c->nparked && (s = deliverable(M.order[i])) != NULL) {
      int cmd = c->parked[0];

      memmove(c->parked, c->parked + 1, --c->nparked * sizeof(c->parked[0]));
      s->state = s->type == NVMENS_AER_IMMEDIATE || s->type == NVMENS_AER_ONE_SHOT ? 0 : 2;
      c->sent++;
      m_end(cmd, 0, s->type | (uint32_t)s->info << 8 | (uint32_t)s->lid << 16, 0);
    }
  }
}

/* The log that clears this source was read. */
void m_src_read(m_ctrl *c, m_src *s, int left)
{
  (void)c;
  if (s->state == 0 || (left && s->state == 1))
    return;
  s->state = left ? 1 : 0;
  if (left)
    s->since = ++M.seq;
}

int m_post(int ctrl, uint8_t type, uint8_t info, uint8_t lid, uint32_t mask)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_src *s;

  if (type == 5 || type > 7)
    return NVMENS_ERR_INVAL;
  if (type == NVMENS_AER_NOTICE && (info == NVMENS_NOTICE_ATTACHED_NS_CHANGED ||
                                    info == NVMENS_NOTICE_ALLOCATED_NS_CHANGED))
    return NVMENS_ERR_INVAL;
  if (c->state != NVMENS_CTRL_READY)
    return 0;
  s = m_source(c, type, info);
  s->type = type;
  s->info = info;
  s->lid = lid;
  s->mask = mask;
  m_loud(c, s);
  m_deliver_all();
  return 0;
}

void m_was_read(int ctrl, uint8_t lid, uint64_t stamp, uint32_t epoch)
{
  m_ctrl *c = &M.ctrl[ctrl];

  if (epoch != c->epoch || c->state != NVMENS_CTRL_READY)
    return;
  for (int i = 0; i < M_SRCS; i++) {
    m_src *s = &c->src[i];

    if (i == M_SRC4 || i == M_SRC1C || s->lid != lid)
      continue;
    m_src_read(c, s, s->loud > stamp);
  }
  m_deliver_all();
}

void m_set_aec(int ctrl, uint32_t aec)
{
  m_ctrl *c = &M.ctrl[ctrl];

  c->aec = aec;
  for (int i = 0; i < M_SRCS; i++) {
    m_src *s = &c->src[i];

    if (s->state == 2 && !m_src_on(c, s)) {
      s->state = 1;
      s->since = ++M.seq;
    }
  }
}
