/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_core.c: the model's queue of hooks, events (R26-R32), and changed namespace lists (R42-R44).
 */
#include "spec.h"

m_model M;

#define M_BREAK_TEXT(name, text) text,
const char *const m_break_name[M_BREAKS] = {M_BREAK_LIST(M_BREAK_TEXT)};
int m_broken;

void m_init(const m_config *conf)
{
  memset(&M, 0, offsetof(m_model, frame));
  M.depth = 0;
  M.norder = 0;
  M.conf = *conf;
  M.now = conf->now;
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
  e->loose = kind <= K_ABORT && M.loose;
  return e;
}

static void move(uint32_t from, uint32_t to)
{
  m_effect e = M.eff[from % M_EFFECTS];

  for (; from > to; from--)
    M.eff[from % M_EFFECTS] = M.eff[(from - 1) % M_EFFECTS];
  for (; from < to; from++)
    M.eff[from % M_EFFECTS] = M.eff[(from + 1) % M_EFFECTS];
  M.eff[to % M_EFFECTS] = e;
}

m_effect *m_queue_att(m_kind kind, int ns, int ctrl)
{
  const m_att *a = &M.att[ctrl][ns];
  m_effect *e = m_queue(kind);

  e->ctrl = (int8_t)ctrl;
  e->ns = (int8_t)ns;
  e->obj = a->obj;
  e->gen = a->gen;
  e->token = a->token;
  return e;
}

/* Whether an effect still applies. */
static int applies(const m_effect *e)
{
  const m_att *a;

  if (e->kind != K_ATTACHED && e->kind != K_DETACHED && e->kind != K_DRAIN && e->kind != K_ABORT)
    return 1;
  a = &M.att[e->ctrl][e->ns];
  return a->gen == e->gen &&
         (e->kind != K_ABORT || (a->state == NVMENS_ATT_ABORTING && !a->detached_due));
}

static void deliver(int ctrl);
static int deliverable_now(int ctrl);

/* Does what is next in the queue if it calls no hook. */
static int step_over(void)
{
  m_effect *e = &M.eff[M.head % M_EFFECTS], took;

  if (M.head == M.tail)
    return 0;
  if (e->kind == K_DELIVER && !e->loose && !deliverable_now(e->ctrl)) {
    M.ctrl[e->ctrl].node = 0;
    M.head++;
    return 1;
  }
  if (e->kind == K_NONE || (e->kind != K_DELIVER && !applies(e))) {
    M.head++;
    return 1;
  }
  if (e->kind == K_DRAIN && M.conf.no_drain) { /* no hook: nothing to wait for */
    took = m_took();
    m_finish(&took, 1);
    return 1;
  }
  return 0;
}

const m_effect *m_next(void)
{
  for (;;) {
    m_effect *e = &M.eff[M.head % M_EFFECTS];

    if (M.head == M.tail)
      return NULL;
    if (step_over())
      continue;
    if (e->kind != K_DELIVER)
      return e;
    M.head++;
    deliver(e->ctrl);
  }
}

m_effect m_took(void)
{
  m_effect e = M.eff[M.head++ % M_EFFECTS];

  if (e.kind == K_DETACHED) { /* at rest before the hook is called */
    M.att[e.ctrl][e.ns].detached_due = 0;
    M.att[e.ctrl][e.ns].in_detached++;
  }
  if (e.kind == K_CTRL_RELEASED) { /* nothing is known of it when its hook is called */
    m_gone(e.ctrl);
    memset(&M.ctrl[e.ctrl], 0, sizeof(m_ctrl));
    memset(M.att[e.ctrl], 0, sizeof(M.att[e.ctrl]));
    for (int n = 0; n < M_NSIDS; n++)
      M.att[e.ctrl][n].owner = M_NONE;
    m_reorder();
    M.loose++; /* after the hook */
    m_commit();
    M.loose--;
  }
  if (e.kind == K_RELEASED && e.ns >= 0) {
    e.cmd = M.ns[e.ns].owner;
    e.gen = e.cmd < 0 ? 0 : M.cmd[e.cmd].born;
    m_released(e.ns);
  }
  if (e.kind == K_DRAIN)
    M.att[e.ctrl][e.ns].begun = 1;
  if (e.kind == K_COMPLETE || e.kind == K_DROP) {
    M.cmd[e.cmd].state = C_FREE;
    M.ctrl[e.ctrl].in_answer++;
  }
  return e;
}

static void finish(const m_effect *e, int done)
{
  m_att *a = e->ctrl >= 0 && e->ns >= 0 ? &M.att[e->ctrl][e->ns] : NULL;

  if (e->kind == K_ATTACHED && a->gen == e->gen) {
    a->hook_due = 0;
    if (a->state == NVMENS_ATT_ATTACHED)
      a->open = 1;
    m_deliver(e->ctrl, 1);
  } else if (e->kind == K_DRAIN && a->gen == e->gen && a->token == e->token) {
    if (done) {
      a->hook_done = 1;
      m_drained(e->ns, e->ctrl);
    }
  } else if (e->kind == K_COMPLETE || e->kind == K_DROP) {
    M.ctrl[e->ctrl].in_answer--;
    m_ctrl_settled(e->ctrl);
  } else if (e->kind == K_RELEASED && e->cmd >= 0) {
    if (M.cmd[e->cmd].state == C_DRAIN && M.cmd[e->cmd].born == e->gen)
      m_settle(e->cmd);
  } else if (e->kind == K_DETACHED) {
    a->in_detached--;
    m_quiet(e->ns);
    m_ctrl_settled(e->ctrl);
    M.loose++;
    m_commit();
    M.loose--;
  }
}

void m_finish(const m_effect *e, int done)
{
  M.loose += e->loose;
  finish(e, done);
  M.loose -= e->loose;
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
  return BROKEN(bit) || s->mask == 0 || (s->mask & c->aec) != 0;
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

  if (c->state != NVMENS_CTRL_READY || m_is_discovery(ctrl))
    return;
  if (loud || !BROKEN(no_entry))
    c->log[which].since[ns] = 1;
  if (loud)
    m_loud(c, &c->src[which ? M_SRC1C : M_SRC4]);
}

void m_record_all(int which, int ns, int quiet_ctrl)
{
  for (int i = 0; i < M.norder; i++)
    m_record(M.order[i], which, ns, M.order[i] != quiet_ctrl);
}

/* An attachment whose attached hook has not returned holds back the events of its controller. */
static int held_back(int ctrl)
{
  for (int n = 0; n < M.conf.nnsids && !BROKEN(held); n++)
    if (M.att[ctrl][n].state == NVMENS_ATT_ATTACHED && !M.att[ctrl][n].open)
      return 1;
  return 0;
}

static m_src *deliverable(int ctrl, int held)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_src *best = NULL;

  for (int i = 0; i < M_SRCS; i++) {
    m_src *s = &c->src[i];
    int masked = 0;

    if (s->state != 1 || !m_src_on(c, s) || (held && (i == M_SRC4 || i == M_SRC1C)))
      continue;
    for (int j = i & ~3; j < (i & ~3) + 4; j++)
      if (M.conf.cfg.mask_scope == NVMENS_MASK_TYPE && c->src[j].state == 2)
        masked = !BROKEN(mask);
    if (!masked && (!best || s->since < best->since))
      best = s;
  }
  return best;
}

/* Whether something is owed that only a hook holds back, if at all. */
static int wanted(int ctrl)
{
  return M.ctrl[ctrl].state == NVMENS_CTRL_READY && M.ctrl[ctrl].nparked != 0 &&
         deliverable(ctrl, 0) != NULL;
}

static int deliverable_now(int ctrl)
{
  return wanted(ctrl) && deliverable(ctrl, held_back(ctrl)) != NULL;
}

void m_deliver(int ctrl, int loose)
{
  m_effect *e;

  for (uint32_t i = M.head; i != M.tail && loose; i++)
    if (M.eff[i % M_EFFECTS].kind == K_DELIVER && M.eff[i % M_EFFECTS].ctrl == ctrl)
      M.eff[i % M_EFFECTS].loose = 1;
  if (wanted(ctrl) && !M.ctrl[ctrl].node) {
    M.ctrl[ctrl].node = 1;
    e = m_queue(K_DELIVER);
    e->ctrl = (int8_t)ctrl;
    e->loose = loose || M.inside || M.loose;
  }
}

static int is_what(const m_effect *e, const m_effect *got)
{
  if (e->kind == K_DELIVER)
    return got->kind == K_COMPLETE && e->ctrl == got->ctrl && M.cmd[got->cmd].state == C_PARKED;
  return e->kind == got->kind && e->ctrl == got->ctrl && e->obj == got->obj && e->cmd == got->cmd;
}

/* The place of that hook, if it may come now; M.tail: it may not. */
static uint32_t place_of(const m_effect *got)
{
  int all_loose = 1;
  uint32_t i;

  for (i = M.head; i != M.tail; i++) {
    const m_effect *e = &M.eff[i % M_EFFECTS];

    if (is_what(e, got) && (all_loose || e->loose))
      break;
    if (e->kind == K_DRAIN && got->kind == K_ABORT && e->ctrl == got->ctrl && e->obj == got->obj)
      return M.tail;
    all_loose &= e->loose || e->kind == K_NONE || (e->kind != K_DELIVER && !applies(e)) ||
                 (e->kind == K_DELIVER && !deliverable_now(e->ctrl));
  }
  if (i != M.tail && M.eff[i % M_EFFECTS].kind == K_DELIVER &&
      !deliverable_now(M.eff[i % M_EFFECTS].ctrl))
    return M.tail;
  return i;
}

/* A drain without a hook whose end, or abort, is to come: is it there, and may come now? */
static int step_drain(const m_effect *got)
{
  if (!M.conf.no_drain || (got->kind != K_DETACHED && got->kind != K_ABORT))
    return 0;
  for (uint32_t i = M.head; i != M.tail; i++) {
    const m_effect *e = &M.eff[i % M_EFFECTS];

    if (e->kind == K_DRAIN && e->ctrl == got->ctrl && e->obj == got->obj && applies(e)) {
      move(i, M.head);
      return step_over();
    }
    if (!e->loose && e->kind != K_NONE)
      return 0;
  }
  return 0;
}

/* What is loose may come before its turn, and after it. */
void m_hint(const m_effect *got)
{
  uint32_t i;

  do {
    while (step_over())
      continue;
    i = place_of(got);
  } while (i == M.tail && step_drain(got));
  if (i != M.tail)
    move(i, M.head);
}

void m_deliver_all(void)
{
  for (int i = 0; i < M.norder; i++)
    m_deliver(M.order[i], 0);
}

/* The answers go before the rest of the queue. */
static void deliver(int ctrl)
{
  static m_effect kept[M_EFFECTS];
  m_ctrl *c = &M.ctrl[ctrl];
  uint32_t n = M.tail - M.head, i;
  m_src *s;

  c->node = 0;
  for (i = 0; i < n; i++)
    kept[i] = M.eff[(M.head + i) % M_EFFECTS];
  M.tail = M.head;
  if (wanted(ctrl) && (s = deliverable(ctrl, held_back(ctrl))) != NULL) {
    int cmd = c->parked[BROKEN(fifo) ? c->nparked - 1 : 0];

    c->nparked--;
    if (!BROKEN(fifo))
      memmove(c->parked, c->parked + 1, c->nparked * sizeof(c->parked[0]));
    s->state = s->type == NVMENS_AER_IMMEDIATE || s->type == NVMENS_AER_ONE_SHOT ? 0 : 2;
    c->sent++;
    m_end(cmd, 0, s->type | (uint32_t)s->info << 8 | (uint32_t)s->lid << 16, 0);
    if (c->nparked) /* looked at again after that hook */
      m_queue(K_DELIVER)->ctrl = (int8_t)ctrl;
  }
  for (i = 0; i < n; i++)
    *m_queue(K_NONE) = kept[i];
}

/* The log that clears this source was read. */
void m_src_read(m_ctrl *c, m_src *s, int left)
{
  (void)c;
  if (s->state == 0 || ((left || BROKEN(read_first)) && s->state == 1))
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
  if (type == NVMENS_AER_NOTICE &&
      (info == NVMENS_NOTICE_ATTACHED_NS_CHANGED || info == NVMENS_NOTICE_ALLOCATED_NS_CHANGED))
    return NVMENS_ERR_INVAL;
  if (c->state != NVMENS_CTRL_READY)
    return 0;
  s = m_source(c, type, info);
  s->type = type;
  s->info = info;
  s->lid = lid;
  s->mask = mask;
  m_loud(c, s);
  m_deliver(ctrl, 0);
  return 0;
}

/* Sources in the order in which they became PENDING. */
static m_src *next_since(m_ctrl *c, uint64_t after)
{
  m_src *best = NULL;

  for (int i = 0; i < M_SRCS; i++)
    if (c->src[i].state && c->src[i].since > after && (!best || c->src[i].since < best->since))
      best = &c->src[i];
  return best;
}

void m_was_read(int ctrl, uint8_t lid, uint64_t stamp, uint32_t epoch)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_src *s;

  if (epoch != c->epoch)
    return;
  for (uint64_t after = 0; (s = next_since(c, after)) != NULL;) {
    after = s->since;
    if (s != &c->src[M_SRC4] && s != &c->src[M_SRC1C] && s->lid == lid)
      m_src_read(c, s, s->loud > stamp);
  }
  m_deliver(ctrl, 0);
}

void m_set_aec(int ctrl, uint32_t aec)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_src *s;

  if ((c->aec ^ aec) & NVMENS_AEC_ATTACHED_NS)
    c->silent = 0;
  c->aec = aec;
  do { /* in the order in which they were PENDING */
    s = NULL;
    for (int i = 0; i < M_SRCS; i++)
      if (c->src[i].state == 2 && !m_src_on(c, &c->src[i]) && (!s || c->src[i].since < s->since))
        s = &c->src[i];
    if (s) {
      s->state = !BROKEN(turned_off);
      s->since = ++M.seq;
    }
  } while (s);
}
