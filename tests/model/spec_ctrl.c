/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_ctrl.c: the model's controllers (R24, R35, R37), parked AERs and answers.
 */
#include "spec.h"

/* ---- answers ---- */

void m_end(int cmd, uint16_t sf, uint32_t dw0, uint64_t info)
{
  m_effect *e = m_queue(K_COMPLETE);

  e->cmd = (int8_t)cmd;
  e->ctrl = (int8_t)M.cmd[cmd].ctrl;
  e->sf = sf;
  e->dw0 = dw0;
  e->info = info;
  M.cmd[cmd].state = C_ENDING;
}

void m_drop(int cmd)
{
  m_effect *e = m_queue(K_DROP);

  m_prep_dropped(cmd);
  for (int n = 0; n < M.conf.nnsids; n++) {
    if (M.ns[n].owner == cmd)
      M.ns[n].owner = M_NONE;
    for (int c = 0; c < M_CTRLS; c++)
      if (M.att[c][n].owner == cmd)
        M.att[c][n].owner = M_NONE;
  }
  e->cmd = (int8_t)cmd;
  e->ctrl = (int8_t)M.cmd[cmd].ctrl;
  M.cmd[cmd].state = C_ENDING;
}

int m_old(int cmd)
{
  return M.cmd[cmd].epoch != M.ctrl[M.cmd[cmd].ctrl].epoch;
}

/* ---- controllers ---- */

/* ---- types (R70) ---- */

int m_is_discovery(int ctrl)
{
  return M.ctrl[ctrl].kind == NVMENS_CTRL_DISCOVERY && !BROKEN(types);
}

uint32_t m_aec_may(int ctrl)
{
  const uint32_t set = M.conf.cfg.aec_supported;
  uint32_t may = set ? set : NVMENS_AEC_SMART | NVMENS_AEC_ATTACHED_NS | NVMENS_AEC_ALLOCATED_NS;

  for (unsigned bit = 0; bit < 32 && !BROKEN(type_bits); bit++) {
    int of_discovery = bit >= 28;
    int not_of_admin = bit == 11 || bit == 13 || bit == 17 || bit == 18 || bit == 27;

    if (of_discovery != (M.ctrl[ctrl].kind == NVMENS_CTRL_DISCOVERY) ||
        (not_of_admin && M.ctrl[ctrl].kind == NVMENS_CTRL_ADMIN))
      may &= ~(UINT32_C(1) << bit);
  }
  return may;
}

uint32_t m_aec_default(int ctrl)
{
  return M.conf.cfg.aec_default & m_aec_may(ctrl);
}

static void clear_notices(m_ctrl *c)
{
  if (!BROKEN(old_log))
    memset(c->log, 0, sizeof(c->log));
  memset(c->src, 0, sizeof(c->src));
  c->src[M_SRC4] = (m_src){
      NVMENS_AER_NOTICE, 0, NVMENS_LID_CHANGED_ATTACHED_NS, 0, NVMENS_AEC_ATTACHED_NS, 0, 0};
  c->src[M_SRC1C] = (m_src){
      NVMENS_AER_NOTICE, 9, NVMENS_LID_CHANGED_ALLOCATED_NS, 0, NVMENS_AEC_ALLOCATED_NS, 0, 0};
  if (!BROKEN(old_aec) || c->state == NVMENS_CTRL_DISABLED)
    c->aec = m_aec_default((int)(c - M.ctrl));
}

static uint32_t max_ctrls(void)
{
  return M.conf.cfg.max_ctrls ? M.conf.cfg.max_ctrls : 64;
}

int m_ctrl_new(int ctrl, int cntlid, uint8_t kind, uint8_t hostid, int pci)
{
  m_ctrl *c = &M.ctrl[ctrl];
  int chosen;

  if ((cntlid >= 0 && cntlid > NVMENS_CNTLID_MAX) || kind > NVMENS_CTRL_ADMIN)
    return NVMENS_ERR_INVAL;
  if ((uint32_t)M.norder >= max_ctrls())
    return NVMENS_ERR_LIMIT;
  for (int i = 0; i < M.norder; i++)
    if (cntlid == M.ctrl[M.order[i]].cntlid)
      return NVMENS_ERR_EXISTS;
  chosen = cntlid < 0;
  if (chosen)
    cntlid = m_choose_cntlid(hostid);
  memset(c, 0, sizeof(*c));
  c->used = 1;
  c->kind = kind ? kind : NVMENS_CTRL_IO;
  c->cntlid = (uint16_t)cntlid;
  c->hostid = hostid;
  c->epoch = c->born = ++M.gens;
  c->pci = (uint8_t)pci;
  c->css = NVMENS_CSS_ALL;
  clear_notices(c);
  m_reorder();
  m_arrives(ctrl, chosen);
  for (int n = 0; n < M.conf.nnsids; n++)
    m_keeper(n);
  m_commit();
  return 0;
}

/* Of those that were taken and have not been answered. */
static int newest_cmd(int ctrl)
{
  int best = M_NONE;

  for (int i = 0; i < M_CMDS; i++) {
    const m_cmd *q = &M.cmd[i];

    if (q->ctrl == ctrl && (q->state == C_PARKED || q->state == C_DRAIN || q->state == C_PREPARE) &&
        (best < 0 || q->born > M.cmd[best].born))
      best = i;
  }
  return best;
}

/* Everything of the old epoch goes (R35). */
static void new_epoch(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];
  int cmd;

  while ((cmd = newest_cmd(ctrl)) >= 0)
    m_drop(cmd);
  c->nparked = 0;
  c->epoch = ++M.gens;
  clear_notices(c);
  for (uint32_t i = M.head; i != M.tail; i++)
    if (M.eff[i % M_EFFECTS].kind == K_COMPLETE && !BROKEN(old_answers) &&
        M.eff[i % M_EFFECTS].ctrl == ctrl) {
      m_effect *e = &M.eff[i % M_EFFECTS];

      e->kind = K_DROP;
      e->sf = 0;
      e->dw0 = 0;
      e->info = 0;
    }
  m_path_reset(ctrl);
}

int m_ctrl_enable(int ctrl, uint32_t cc)
{
  m_ctrl *c = &M.ctrl[ctrl];
  uint32_t css = cc >> NVMENS_CC_CSS_SHIFT & NVMENS_CC_CSS_MASK;

  if (css != NVMENS_CSS_NVM && css != NVMENS_CSS_ALL && css != NVMENS_CSS_ADMIN_ONLY)
    return NVMENS_ERR_INVAL;
  if (c->state != NVMENS_CTRL_DISABLED) {
    m_commit(); /* of what is due, as in any call */
    return NVMENS_ERR_BUSY;
  }
  c->state = NVMENS_CTRL_READY;
  c->css = (uint8_t)css;
  for (int n = 0; n < M.conf.nnsids; n++) {
    m_att *a = &M.att[ctrl][n];

    if (a->state == NVMENS_ATT_ATTACHED && !m_css_allows(css, M.ns[n].c.csi) &&
        !BROKEN(stays)) { /* R59 */
      m_unattach(n, ctrl, 0, UINT64_MAX);
      m_record(ctrl, 0, n, 0);
      m_change(n, M_NONE);
    }
    a->seen |= a->state == NVMENS_ATT_ATTACHED;
    a->waited = 0; /* told now that it is READY (R65) */
  }
  m_list_owed(ctrl);
  m_commit();
  return 0;
}

void m_ctrl_reset(int ctrl)
{
  new_epoch(ctrl);
  M.ctrl[ctrl].state = NVMENS_CTRL_DISABLED;
  m_commit();
}

void m_ctrl_shutdown(int ctrl)
{
  if (M.ctrl[ctrl].state == NVMENS_CTRL_READY)
    M.ctrl[ctrl].state = NVMENS_CTRL_SHUTDOWN;
  m_commit();
}

void m_ctrl_del(int ctrl)
{
  new_epoch(ctrl);
  M.ctrl[ctrl].state = NVMENS_CTRL_GOING;
  M.ctrl[ctrl].went = ++M.seq;
  M.loose++; /* the rules do not say in which order */
  for (int n = 0; n < M.conf.nnsids; n++) {
    m_att *a = &M.att[ctrl][n];

    if (a->state == NVMENS_ATT_ATTACHED)
      m_unattach(n, ctrl, 1, UINT64_MAX);
    else if (a->state == NVMENS_ATT_DRAINING)
      m_abort(n, ctrl);
    else if (a->state == NVMENS_ATT_FENCED)
      m_unfence(n, ctrl, 0);
  }
  m_commit();
  M.loose--;
  m_ctrl_settled(ctrl);
}

/* A controller on its way out whose attachments have all ended. */
void m_ctrl_settled(int ctrl)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_effect *e;

  if (!c->used || c->state != NVMENS_CTRL_GOING || c->end_due || c->in_answer)
    return;
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.att[ctrl][n].state != NVMENS_ATT_DETACHED || M.att[ctrl][n].detached_due ||
        M.att[ctrl][n].in_detached)
      return;
  for (int i = 0; i < M_CMDS; i++)
    if (M.cmd[i].state != C_FREE && M.cmd[i].ctrl == ctrl)
      return;
  for (int i = 0; i < M_PREPS; i++)
    if (M.prep[i].token && M.prep[i].inside && M.prep[i].ctrl == ctrl)
      return;
  c->end_due = 1;
  e = m_queue(K_CTRL_RELEASED);
  e->ctrl = (int8_t)ctrl;
}

/* ---- AERs ---- */

uint16_t m_aer(int ctrl, int cmd, uint16_t cid)
{
  m_ctrl *c = &M.ctrl[ctrl];
  m_cmd *q = &M.cmd[cmd];
  uint32_t most = M.conf.cfg.aerl_is_zero ? 1 : (M.conf.cfg.aerl ? M.conf.cfg.aerl : 3u) + 1;

  if (c->state != NVMENS_CTRL_READY)
    return c->state == NVMENS_CTRL_SHUTDOWN ? NVMENS_SC_ABORTED_POWER_LOSS
                                            : NVMENS_SC_ABORTED_SQ_DELETED;
  if (c->nparked == most + BROKEN(aerl))
    return NVMENS_SC_AER_LIMIT_EXCEEDED | NVMENS_SF_DNR;
  q->state = C_PARKED;
  q->ctrl = (uint8_t)ctrl;
  q->epoch = c->epoch;
  q->cid = cid;
  q->born = ++M.gens;
  c->parked[c->nparked++] = (int16_t)cmd;
  m_deliver(ctrl, 0);
  return 0;
}

int m_aer_abort(int ctrl, uint16_t cid)
{
  m_ctrl *c = &M.ctrl[ctrl];

  for (uint32_t i = 0; i < c->nparked; i++) {
    int cmd = c->parked[i];

    if (M.cmd[cmd].cid != cid)
      continue;
    memmove(c->parked + i, c->parked + i + 1, (--c->nparked - i) * sizeof(c->parked[0]));
    m_end(cmd, BROKEN(aborted) ? 0 : NVMENS_SC_ABORTED_BY_REQUEST, 0, 0);
    return 0;
  }
  return NVMENS_ERR_NOT_FOUND;
}

void m_info(int ctrl, nvmens_ctrl_info *out)
{
  const m_ctrl *c = &M.ctrl[ctrl];

  memset(out, 0, sizeof(*out));
  out->cntlid = c->cntlid;
  out->kind = c->kind;
  out->state = c->state;
  for (int n = 0; n < M.conf.nnsids; n++) {
    out->attached += M.att[ctrl][n].state == NVMENS_ATT_ATTACHED;
    out->wanted += M.att[ctrl][n].state == NVMENS_ATT_WANTED;
    out->fenced += M.att[ctrl][n].state == NVMENS_ATT_FENCED;
    out->draining += M.att[ctrl][n].state >= NVMENS_ATT_DRAINING;
  }
  out->parked = c->nparked;
  for (int i = 0; i < M_SRCS; i++) {
    out->owed += c->src[i].state == 1 && m_src_on(c, &c->src[i]);
    out->reported += c->src[i].state == 2;
  }
  out->aec = c->aec;
  out->sent = c->sent;
  out->coalesced = c->coalesced;
}
