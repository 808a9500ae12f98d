/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_manage.c: the model's Namespace Management and Attachment (R7-R23, R40).
 */
#include "spec.h"

#include "bytes.h"

#define DNR(sc) ((uint16_t)((sc) | NVMENS_SF_DNR))

static uint64_t deadline(void)
{
  uint64_t ns = M.conf.cfg.deadline_ns ? M.conf.cfg.deadline_ns : UINT64_C(10000000000);

  return m_after(M.told, ns);
}

static void want_data(m_frame *f)
{
  f->want = K_TRANSFER;
  f->dir = NVMENS_FROM_HOST;
  f->len = NVMENS_PAGE;
}

/* What is fetched from the host for a command. */
size_t m_data_len(const nvmens_sqe *sqe)
{
  uint32_t sel = get32(sqe->cdw10) & 15;

  if (sqe->opcode == NVMENS_OP_NS_MANAGEMENT)
    return sel == NVMENS_NS_MGMT_CREATE ? NVMENS_PAGE : 0;
  return sqe->opcode == NVMENS_OP_NS_ATTACHMENT && sel <= NVMENS_NS_DETACH ? NVMENS_PAGE : 0;
}

/* R71: so many that the backend still owes an answer for, though their commands are gone. */
static int abandoned_many(uint8_t host)
{
  int own = 0, all = 0;

  for (int i = 0; i < M_PREPS; i++) {
    const m_prep *p = &M.prep[i];

    if (!p->token || p->answered || p->cmd >= 0)
      continue;
    own += p->host == host && !p->forgotten;
    all++;
  }
  return own >= M_ABANDONED || all >= M_ABANDONED_ALL;
}

static void want_backend(m_frame *f)
{
  if (abandoned_many(M.ctrl[M.cmd[f->cmd].ctrl].hostid))
    m_end(f->cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
  else
    want_data(f);
}

/* ---- delete ---- */

static void delete_all(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];

  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.ns[n].state == NVMENS_NS_ALLOCATED && M.ns[n].c.write_protected && !BROKEN(protected)) {
      m_end(f->cmd, DNR(NVMENS_SC_NS_WRITE_PROTECTED), 0, 0);
      return;
    }
  q->state = C_DRAIN;
  q->waits = 1;
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.ns[n].state == NVMENS_NS_ALLOCATED) {
      q->waits++;
      m_delete(n, f->cmd, deadline());
      m_quiet(n);
    }
  m_commit();
  for (int n = 0; n < M.conf.nnsids; n++)
    if (M.ns[n].owner == f->cmd)
      m_delete_look(n);
  if (--q->waits == 0)
    m_end(f->cmd, 0, 0, 0);
}

static void delete_one(m_frame *f, uint32_t nsid)
{
  m_cmd *q = &M.cmd[f->cmd];
  int ns = m_slot(nsid);

  if (nsid == 0 || nsid > M.conf.cfg.nn) {
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_NS_OR_FORMAT), 0, 0);
  } else if (ns < 0 || M.ns[ns].state != NVMENS_NS_ALLOCATED) {
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
  } else if (M.ns[ns].c.write_protected && !BROKEN(protected)) {
    m_end(f->cmd, DNR(NVMENS_SC_NS_WRITE_PROTECTED), 0, 0);
  } else {
    q->state = C_DRAIN;
    q->waits = 1;
    m_delete(ns, f->cmd, deadline());
    m_quiet(ns);
    m_commit();
    m_delete_look(ns);
  }
}

void m_manage(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t sel = get32(q->sqe.cdw10) & 15, nsid = get32(q->sqe.nsid);

  if (M.conf.no_prepare) {
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_OPCODE), 0, 0);
  } else if (sel > NVMENS_NS_MGMT_DELETE) {
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
  } else if (sel == NVMENS_NS_MGMT_CREATE) {
    want_backend(f);
  } else if (nsid == NVMENS_NSID_ALL) {
    delete_all(f);
  } else {
    delete_one(f, nsid);
  }
}

/* ---- create ---- */

static nvmens_u128 unallocated(void)
{
  return big_to(big_sum(big_of(M.conf.cfg.tnvmcap), big_of(M.used), 1));
}

/* The status of a create, and its command specific information. */
static uint16_t create_why(const m_cmd *q, const nvmens_ident *id, uint64_t *info)
{
  const nvmens_ns_config *c = &q->make;
  uint32_t count = 0;
  nvmens_lbaf fmt;

  for (int n = 0; n < M.conf.nnsids; n++)
    count += M.ns[n].state != NVMENS_NS_ABSENT;
  if (c->csi > 31 || !(M.conf.cfg.csi_supported & (UINT32_C(1) << c->csi)))
    return DNR(NVMENS_SC_COMMAND_SET_UNSUPPORTED);
  if (c->nsze == 0 || c->ncap > c->nsze)
    return DNR(NVMENS_SC_INVALID_FIELD);
  if (c->flbas >= m_format(c, 0, &fmt))
    return DNR(NVMENS_SC_INVALID_FORMAT);
  if (c->ncap < c->nsze)
    return DNR(NVMENS_SC_THIN_PROVISIONING_UNSUPPORTED);
  if (c->anagrpid)
    return DNR(NVMENS_SC_ANA_GROUP_INVALID);
  if (count >= (M.conf.cfg.mnan ? M.conf.cfg.mnan : M.conf.cfg.nn))
    return DNR(NVMENS_SC_NS_ID_UNAVAILABLE);
  if (id && m_ident_in_use(id))
    return NVMENS_SC_INTERNAL_ERROR;
  if (M.conf.cfg.tnvmcap.lo || M.conf.cfg.tnvmcap.hi) {
    nvmens_u128 need = m_bytes(c), left = unallocated();

    if (need.hi > left.hi || (need.hi == left.hi && need.lo > left.lo)) {
      *info = BROKEN(need) ? 0 : need.hi ? UINT64_MAX : need.lo;
      return DNR(NVMENS_SC_NS_INSUFFICIENT_CAPACITY);
    }
  }
  return 0;
}

void m_manage_data(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  nvmens_ns_create d;
  uint64_t info = 0;
  uint16_t sf;

  memcpy(&d, f->page, sizeof(d));
  q->create = 1;
  memset(&q->make, 0, sizeof(q->make));
  q->make.csi = q->sqe.cdw11[3];
  q->make.nsze = get64(d.nsze);
  q->make.ncap = get64(d.ncap);
  q->make.flbas = (uint8_t)((d.flbas & 15) | (d.flbas >> 1 & 0x30));
  q->make.shared = d.nmic & 1;
  q->make.anagrpid = get32(d.anagrpid);
  q->make.nvmsetid = get16(d.nvmsetid);
  q->make.endgid = get16(d.endgid);
  q->dps = d.dps;
  q->lbstm = get64(d.lbstm);
  sf = create_why(q, NULL, &info);
  if (sf)
    m_end(f->cmd, sf, 0, info);
  else
    f->want = K_PREPARE;
}

/* ---- attach and detach ---- */

void m_attachment(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t sel = get32(q->sqe.cdw10) & 15, nsid = get32(q->sqe.nsid);
  int ns = m_slot(nsid);

  if (M.conf.no_prepare)
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_OPCODE), 0, 0);
  else if (sel > NVMENS_NS_DETACH)
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
  else if (nsid != NVMENS_NSID_ALL && (nsid == 0 || nsid > M.conf.cfg.nn))
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_NS_OR_FORMAT), 0, 0);
  else if (ns < 0 || M.ns[ns].state != NVMENS_NS_ALLOCATED)
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
  else if (sel == NVMENS_NS_ATTACH)
    want_backend(f);
  else
    want_data(f);
}

static int by_cntlid(uint16_t id)
{
  for (int i = 0; i < M.norder; i++)
    if (M.ctrl[M.order[i]].cntlid == id && M.ctrl[M.order[i]].state != NVMENS_CTRL_GOING &&
        M.ctrl[M.order[i]].kind == NVMENS_CTRL_IO)
      return M.order[i];
  return M_NONE;
}

/* R58: private, somebody else's, and WANTED here by auto attach only. */
static int is_elsewhere(int ns, int ctrl)
{
  const m_att *a = &M.att[ctrl][ns];
  int has = 0;

  for (int o = 0; o < M_CTRLS; o++)
    has |= M.att[o][ns].state == NVMENS_ATT_ATTACHED || M.att[o][ns].state == NVMENS_ATT_FENCED;
  return has && !M.ns[ns].c.shared && a->state == NVMENS_ATT_WANTED && a->asked != ASK_ATTACH &&
         !BROKEN(elsewhere);
}

static uint16_t attach_status(int ns, int ctrl)
{
  if (is_elsewhere(ns, ctrl))
    return DNR(NVMENS_SC_NS_IS_PRIVATE);
  switch (m_attach_why(ns, ctrl)) {
  case 0:
    return 0;
  case NVMENS_ERR_EXISTS:
    return DNR(NVMENS_SC_NS_ALREADY_ATTACHED);
  case NVMENS_ERR_BUSY:
    return NVMENS_SC_INTERNAL_ERROR;
  case NVMENS_ERR_PRIVATE:
    return DNR(NVMENS_SC_NS_IS_PRIVATE);
  case NVMENS_ERR_COMMAND_SET:
    return DNR(NVMENS_SC_COMMAND_SET_NOT_ENABLED);
  case NVMENS_ERR_LIMIT:
    return DNR(NVMENS_SC_NS_ATTACH_LIMIT);
  default:
    return DNR(NVMENS_SC_INVALID_CTRL_LIST);
  }
}

/* Takes the entries in order (R20); ns is allocated. */
static void run_list(int cmd, int ns, int attach)
{
  m_cmd *q = &M.cmd[cmd];

  q->state = C_DRAIN;
  q->waits = 1;
  q->sf = 0;
  q->info = 0;
  for (unsigned i = 0; i < q->nlist && (!q->sf || BROKEN(goes_on)); i++) {
    int c = by_cntlid(q->list[i]);

    if (c < 0) {
      q->sf = DNR(NVMENS_SC_INVALID_CTRL_LIST);
    } else if (attach) {
      q->sf = attach_status(ns, c);
      if (!q->sf) {
        m_ask(ns, c);
        m_look();
      }
    } else if (M.att[c][ns].state != NVMENS_ATT_ATTACHED) {
      q->sf = is_elsewhere(ns, c) || m_detach(ns, c) ? DNR(NVMENS_SC_NS_NOT_ATTACHED) : 0;
      m_look();
    } else {
      m_unattach(ns, c, 0, deadline());
      M.att[c][ns].owner = (int8_t)cmd;
      q->waits++;
      m_record(c, 0, ns, 1);
      m_change(ns, M_NONE);
      m_unask(ns, c);
      m_look();
    }
    if (q->sf)
      q->info = 2 + 2 * i - 2 * BROKEN(offset);
  }
  m_commit();
  if (--q->waits == 0)
    m_end(cmd, q->sf, 0, q->info);
}

void m_attachment_data(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  int attach = (get32(q->sqe.cdw10) & 15) == NVMENS_NS_ATTACH;
  int ns = m_slot(get32(q->sqe.nsid));

  if (ns < 0 || M.ns[ns].state != NVMENS_NS_ALLOCATED) {
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
    return;
  }
  q->count = get16(f->page);
  q->nlist = 0;
  if (q->count > NVMENS_LIST_CTRLS) {
    m_end(f->cmd, DNR(NVMENS_SC_INVALID_CTRL_LIST), 0, 0);
    return;
  }
  for (unsigned i = 0; i < q->count && q->nlist < 8; i++) {
    q->list[q->nlist++] = get16(f->page + 2 + 2 * i);
    if (i && q->list[i] + BROKEN(ascending) <= q->list[i - 1]) {
      m_end(f->cmd, DNR(NVMENS_SC_INVALID_CTRL_LIST), 0, 0);
      return;
    }
  }
  q->gen = M.ns[ns].gen;
  if (q->count == 0)
    m_end(f->cmd, 0, 0, 0);
  else if (attach) {
    f->want = K_PREPARE;
    f->ns = (int8_t)ns;
    f->obj = M.ns[ns].obj;
  } else
    run_list(f->cmd, ns, 0);
}

/* ---- prepare ---- */

static void prepared_attach(int cmd, uint16_t sf)
{
  m_cmd *q = &M.cmd[cmd];
  int ns = m_slot(get32(q->sqe.nsid));

  if (sf)
    m_end(cmd, sf, 0, 0);
  else if (M.ns[ns].state != NVMENS_NS_ALLOCATED || M.ns[ns].gen != q->gen)
    m_end(cmd, DNR(NVMENS_SC_INVALID_FIELD), 0, 0);
  else
    run_list(cmd, ns, 1);
}

int m_give_back(int obj)
{
  m_effect *e;

  if (obj < 0)
    return 0;
  e = m_queue(K_RELEASED);
  e->obj = (int16_t)obj;
  e->reason = NVMENS_CREATE_FAILED;
  return 0;
}

/* Returns the object if it is to be given back. */
static int prepared_create(int cmd, uint16_t sf, const nvmens_ident *id, int obj, nvmens_nsref *out)
{
  m_cmd *q = &M.cmd[cmd];
  static const nvmens_ident nobody;
  uint64_t info = 0;
  int why;

  if (!sf && (!id || memcmp(id, &nobody, sizeof(nobody)) == 0))
    sf = NVMENS_SC_INTERNAL_ERROR;
  if (!sf)
    sf = create_why(q, id, &info);
  if (!sf) {
    if (id)
      q->make.ident = *id;
    why = m_ns_new(&q->make, obj, 1, out);
    if (why)
      sf = NVMENS_SC_INTERNAL_ERROR;
  }
  if (!sf) {
    m_end(cmd, 0, out->nsid, 0);
    return M_NONE;
  }
  m_end(cmd, sf, 0, info);
  return obj;
}

const m_prep *m_prep_of(uint32_t token)
{
  for (int i = 0; i < M_PREPS; i++)
    if (token && M.prep[i].token == token)
      return &M.prep[i];
  return NULL;
}

/* The command of a prepare has ended. */
static void part(int cmd)
{
  for (int i = 0; i < M_PREPS; i++)
    if (M.prep[i].token && M.prep[i].cmd == cmd)
      M.prep[i].cmd = M_NONE;
}

int m_prepared(uint32_t token, uint16_t sf, const nvmens_ident *id, int obj, nvmens_nsref *out)
{
  const m_prep *found = m_prep_of(token);
  int cmd, back = M_NONE;
  m_prep *p;

  if (!found || found->answered)
    return NVMENS_ERR_STALE;
  p = &M.prep[found - M.prep];
  p->answered = 1;
  cmd = p->cmd;
  p->cmd = M_NONE;
  if (cmd >= 0 && m_old(cmd)) {
    m_drop(cmd);
    cmd = M_NONE;
  }
  if (cmd < 0)
    back = p->create ? obj : M_NONE;
  else if (p->create)
    back = prepared_create(cmd, sf, id, obj, out);
  else
    prepared_attach(cmd, sf);
  p->back = (int16_t)back;
  if (!p->inside) {
    p->token = 0;
    m_give_back(back);
  }
  return 0;
}

/* The prepare hook is being called. */
void m_prep_begin(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  int i = 0;

  f->gen = ++M.tokens;
  while (i < M_PREPS - 1 && M.prep[i].token)
    i++;
  M.prep[i] = (m_prep){.token = f->gen,
                       .cmd = (int16_t)f->cmd,
                       .ctrl = (int8_t)q->ctrl,
                       .create = q->create,
                       .inside = 1,
                       .host = M.ctrl[q->ctrl].hostid,
                       .back = M_NONE};
}

/* The prepare hook has returned. */
void m_prep_done(m_frame *f, int wait)
{
  m_prep *p = M.prep;
  int cmd;

  while (p->token != f->gen)
    p++;
  p->inside = 0;
  cmd = p->cmd;
  if (p->answered) {
    p->token = 0;
    m_ctrl_settled(p->ctrl);
    m_give_back(p->back);
    return;
  }
  if (wait == NVMENS_DONE)
    p->token = 0;
  if (cmd >= 0 && m_old(cmd)) {
    m_drop(cmd);
  } else if (wait == NVMENS_PENDING) {
    M.cmd[cmd].state = C_PREPARE;
    M.cmd[cmd].deadline = deadline();
    M.cmd[cmd].timer = ++M.gens;
  } else if (p->create) {
    m_end(cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
  } else {
    prepared_attach(cmd, 0);
  }
}

void m_prep_late(int cmd)
{
  part(cmd);
  m_end(cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
}

void m_prep_dropped(int cmd)
{
  part(cmd);
}
