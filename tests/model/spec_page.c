/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_page.c: the model's Identify pages (R1-R6).
 */
#include "spec.h"

#include "bytes.h"

#define DNR(sc) ((uint16_t)((sc) | NVMENS_SF_DNR))

static int active(int ctrl, int ns)
{
  return ns >= 0 && (M.att[ctrl][ns].state == NVMENS_ATT_ATTACHED ||
                     M.att[ctrl][ns].state == NVMENS_ATT_FENCED);
}

static int allocated(int ns)
{
  return ns >= 0 && M.ns[ns].state == NVMENS_NS_ALLOCATED;
}

static int csi_supported(uint8_t csi)
{
  return csi <= 31 && (M.conf.cfg.csi_supported & (UINT32_C(1) << csi)) != 0;
}

static int csi_enabled(const m_ctrl *c, uint8_t csi)
{
  return csi_supported(csi) &&
         (c->css == NVMENS_CSS_ALL || (c->css == NVMENS_CSS_NVM && csi == NVMENS_CSI_NVM));
}

static void send_page(m_frame *f)
{
  f->want = K_TRANSFER;
  f->dir = NVMENS_TO_HOST;
  f->len = NVMENS_PAGE;
  f->stage = 2;
}

static void refuse(m_frame *f, uint16_t sc)
{
  m_end(f->cmd, DNR(sc), 0, 0);
}

/* The backend's part comes first, if it has one. */
static void ask_backend(m_frame *f, int ns)
{
  memset(f->page, 0, NVMENS_PAGE);
  f->ns = (int8_t)ns;
  f->obj = (int16_t)(ns < 0 ? M_NONE : M.ns[ns].obj);
  f->gen = ns < 0 ? 0 : M.ns[ns].gen;
  if (M.conf.no_identify)
    m_identified(f);
  else
    f->want = K_IDENTIFY;
}

static void send_zeroes(m_frame *f)
{
  memset(f->page, 0, NVMENS_PAGE);
  f->cns = 0xff;
  send_page(f);
}

/* Lists of NSIDs: 02h, 07h, 10h, 1Ah. */
static void ns_list(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  const m_ctrl *c = &M.ctrl[q->ctrl];
  uint32_t after = get32(q->sqe.nsid);
  int all = f->cns == NVMENS_CNS_ALLOCATED_NS_LIST || f->cns == NVMENS_CNS_CSI_ALLOCATED_NS_LIST;
  int by_csi =
      f->cns == NVMENS_CNS_CSI_ACTIVE_NS_LIST || f->cns == NVMENS_CNS_CSI_ALLOCATED_NS_LIST;
  unsigned at = 0;

  if (by_csi && !(all ? csi_supported(f->csi) : csi_enabled(c, f->csi))) {
    refuse(f, NVMENS_SC_INVALID_FIELD);
    return;
  }
  if (after >= NVMENS_NSID_MAX) {
    refuse(f, NVMENS_SC_INVALID_NS_OR_FORMAT);
    return;
  }
  memset(f->page, 0, NVMENS_PAGE);
  for (int n = 0; n < M.conf.nnsids; n++)
    if ((all ? allocated(n) : active(q->ctrl, n)) && M.conf.nsid[n] + BROKEN(list_ge) > after &&
        (!by_csi || M.ns[n].c.csi == f->csi))
      put32(f->page + 4 * at++, M.conf.nsid[n]);
  send_page(f);
}

/* Lists of controllers: 12h, 13h. */
static void ctrl_list(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t nsid = get32(q->sqe.nsid), from = get32(q->sqe.cdw10) >> 16;
  int attached = f->cns == NVMENS_CNS_NS_CTRL_LIST, ns = m_slot(nsid);
  uint16_t at = 0;

  if (attached && nsid != NVMENS_NSID_ALL && (nsid == 0 || nsid > M.conf.cfg.nn)) {
    refuse(f, NVMENS_SC_INVALID_NS_OR_FORMAT);
    return;
  }
  if (attached && !allocated(ns)) {
    refuse(f, NVMENS_SC_INVALID_FIELD);
    return;
  }
  memset(f->page, 0, NVMENS_PAGE);
  for (int i = 0; i < M.norder; i++) {
    const m_ctrl *c = &M.ctrl[M.order[i]];

    if (c->cntlid < from + BROKEN(list_gt) || c->state == NVMENS_CTRL_GOING ||
        c->kind != NVMENS_CTRL_IO)
      continue;
    if (!attached || active(M.order[i], ns))
      put16(f->page + 2 + 2 * at++, c->cntlid);
  }
  put16(f->page, at);
  send_page(f);
}

static unsigned put_desc(uint8_t *p, unsigned at, uint8_t type, const uint8_t *id, uint8_t len)
{
  unsigned some = type == NVMENS_NIDT_CSI;

  for (unsigned i = 0; i < len; i++)
    some |= id[i];
  if (!some)
    return at;
  p[at] = type;
  p[at + 1] = len;
  memcpy(p + at + 4, id, len);
  return at + 4 + len;
}

static void descriptors(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t nsid = get32(q->sqe.nsid);
  int ns = m_slot(nsid);
  const nvmens_ns_config *c;
  unsigned at = 0;

  M.ctrl[q->ctrl].descs = !BROKEN(opens);
  if (nsid == 0 || nsid > M.conf.cfg.nn || nsid >= NVMENS_NSID_MAX) {
    refuse(f, NVMENS_SC_INVALID_NS_OR_FORMAT);
    return;
  }
  if (!active(q->ctrl, ns)) {
    if (BROKEN(desc))
      send_zeroes(f);
    else
      refuse(f, NVMENS_SC_INVALID_FIELD);
    return;
  }
  c = &M.ns[ns].c;
  memset(f->page, 0, NVMENS_PAGE);
  at = put_desc(f->page, at, NVMENS_NIDT_EUI64, c->ident.eui64, 8);
  at = put_desc(f->page, at, NVMENS_NIDT_NGUID, c->ident.nguid, 16);
  at = put_desc(f->page, at, NVMENS_NIDT_UUID, c->ident.uuid, 16);
  put_desc(f->page, at, NVMENS_NIDT_CSI, &c->csi, 1);
  f->ns = (int8_t)ns;
  f->gen = M.ns[ns].gen;
  send_page(f);
}

/* 1Ch: one combination for each: here, all that are supported together. */
static void command_sets(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t id = get32(q->sqe.cdw10) >> 16;
  int found = id == 0xffff;

  for (int i = 0; i < M.norder; i++)
    found |= M.ctrl[M.order[i]].cntlid == id && M.ctrl[M.order[i]].state != NVMENS_CTRL_GOING;
  if (!found) {
    refuse(f, NVMENS_SC_INVALID_FIELD);
    return;
  }
  memset(f->page, 0, NVMENS_PAGE);
  put64(f->page, M.conf.cfg.csi_supported);
  send_page(f);
}

/* Pages of one namespace: 00h, 05h, 08h, 11h, 1Bh, 1Fh. */
static void ns_page(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];
  uint32_t nsid = get32(q->sqe.nsid);
  int ns = m_slot(nsid);
  int of_all = f->cns == NVMENS_CNS_ALLOCATED_NS || f->cns == NVMENS_CNS_CSI_ALLOCATED_NS ||
               f->cns == NVMENS_CNS_ALLOCATED_NS_INDEPENDENT;
  int by_csi = f->cns == NVMENS_CNS_CSI_NS || f->cns == NVMENS_CNS_CSI_ALLOCATED_NS;

  if (by_csi && !csi_supported(f->csi)) {
    refuse(f, NVMENS_SC_INVALID_FIELD);
    return;
  }
  if (nsid == NVMENS_NSID_ALL && !of_all && !M.conf.no_prepare) {
    ask_backend(f, M_NONE);
    return;
  }
  if (nsid == 0 || nsid > M.conf.cfg.nn) {
    refuse(f, NVMENS_SC_INVALID_NS_OR_FORMAT);
    return;
  }
  if (of_all ? !allocated(ns) : !active(q->ctrl, ns)) {
    if (BROKEN(zeroes))
      refuse(f, NVMENS_SC_INVALID_FIELD);
    else
      send_zeroes(f);
  } else if (f->cns == NVMENS_CNS_NS && M.ns[ns].c.csi == NVMENS_CSI_KV)
    refuse(f, NVMENS_SC_INVALID_COMMAND_SET);
  else if (by_csi && M.ns[ns].c.csi != f->csi)
    refuse(f, NVMENS_SC_INVALID_FIELD);
  else
    ask_backend(f, ns);
}

void m_identify(m_frame *f)
{
  m_cmd *q = &M.cmd[f->cmd];

  f->cns = q->sqe.cdw10[0];
  f->csi = q->sqe.cdw11[3];
  f->ns = M_NONE;
  switch (f->cns) {
  case NVMENS_CNS_ACTIVE_NS_LIST:
  case NVMENS_CNS_CSI_ACTIVE_NS_LIST:
  case NVMENS_CNS_ALLOCATED_NS_LIST:
  case NVMENS_CNS_CSI_ALLOCATED_NS_LIST:
    ns_list(f);
    return;
  case NVMENS_CNS_NS_CTRL_LIST:
  case NVMENS_CNS_CTRL_LIST:
    ctrl_list(f);
    return;
  case NVMENS_CNS_NS_DESC_LIST:
    descriptors(f);
    return;
  case NVMENS_CNS_COMMAND_SETS:
    command_sets(f);
    return;
  case NVMENS_CNS_CSI_CTRL:
    if (csi_supported(f->csi))
      ask_backend(f, M_NONE);
    else
      refuse(f, NVMENS_SC_INVALID_FIELD);
    return;
  default:
    ns_page(f);
  }
}

/* ---- our fields over the backend's ---- */

static void put_formats(const nvmens_ns_config *c, nvmens_id_ns *p)
{
  nvmens_lbaf fmt = {0, 0, 0};
  uint32_t n = m_format(c, 0, &fmt);

  p->nlbaf = (uint8_t)(n - 1);
  memset(p->lbaf, 0, sizeof(p->lbaf));
  for (uint32_t i = 0; i < n; i++) {
    m_format(c, i, &fmt);
    put16(p->lbaf[i].ms, fmt.ms);
    p->lbaf[i].lbads = fmt.lbads;
    p->lbaf[i].rp = fmt.rp;
  }
}

static void put_ns(const m_frame *f, const m_ns *n)
{
  nvmens_id_ns *p = (nvmens_id_ns *)f->page;
  nvmens_u128 bytes = m_bytes(&n->c);

  put_formats(&n->c, p);
  put64(p->nsze, n->c.nsze);
  put64(p->ncap, n->c.ncap);
  put64(p->nuse, n->c.ncap);
  p->flbas = (uint8_t)((n->c.flbas & 15) | (n->c.flbas & 0x30) << 1);
  p->nmic = n->c.shared;
  put64(p->nvmcap, bytes.lo);
  put64(p->nvmcap + 8, bytes.hi);
  put32(p->anagrpid, n->c.anagrpid);
  p->nsattr = n->c.write_protected;
  put16(p->nvmsetid, n->c.nvmsetid);
  put16(p->endgid, n->c.endgid);
  memcpy(p->nguid, n->c.ident.nguid, 16);
  memcpy(p->eui64, n->c.ident.eui64, 8);
}

static void put_independent(const m_frame *f, const m_ns *n)
{
  nvmens_id_ns_independent *p = (nvmens_id_ns_independent *)f->page;

  p->nmic = n->c.shared;
  put32(p->anagrpid, n->c.anagrpid);
  p->nsattr = n->c.write_protected;
  put16(p->nvmsetid, n->c.nvmsetid);
  put16(p->endgid, n->c.endgid);
  p->nstat = NVMENS_NSTAT_NRDY;
}

/* A page has reached the host. What it tells of may have gone meanwhile. */
static void shown(const m_frame *f)
{
  int ctrl = M.cmd[f->cmd].ctrl;
  uint8_t cns = M.cmd[f->cmd].sqe.cdw10[0];

  if (cns == NVMENS_CNS_ACTIVE_NS_LIST || cns == NVMENS_CNS_CSI_ACTIVE_NS_LIST)
    m_list_seen(ctrl);
  if (f->ns < 0 || M.ns[f->ns].gen != f->gen || f->cns == 0xff)
    return;
  if (cns == NVMENS_CNS_NS_DESC_LIST || (cns == NVMENS_CNS_NS && !M.ctrl[ctrl].descs))
    m_identity_seen(f->ns, ctrl);
}

/* Whether the namespace that the backend was asked about may still be shown. */
static int still_there(const m_frame *f)
{
  int of_all = f->cns == NVMENS_CNS_ALLOCATED_NS || f->cns == NVMENS_CNS_CSI_ALLOCATED_NS ||
               f->cns == NVMENS_CNS_ALLOCATED_NS_INDEPENDENT;

  return allocated(f->ns) && M.ns[f->ns].gen == f->gen &&
         (of_all || active(M.cmd[f->cmd].ctrl, f->ns));
}

/* The backend has filled its part, or the page has been transferred. */
void m_identified(m_frame *f)
{
  if (f->stage == 2) { /* transferred */
    shown(f);
    m_look();
    m_end(f->cmd, 0, 0, 0);
    m_commit();
    return;
  }
  if (f->ns >= 0 && !still_there(f)) {
    send_zeroes(f);
    return;
  }
  if (f->cns == NVMENS_CNS_NS || f->cns == NVMENS_CNS_ALLOCATED_NS) {
    if (f->ns >= 0 && M.ns[f->ns].c.csi != NVMENS_CSI_KV)
      put_ns(f, &M.ns[f->ns]);
    else if (f->ns < 0)
      put_formats(&(nvmens_ns_config){0}, (nvmens_id_ns *)f->page);
  } else if (f->ns >= 0 && (f->cns == NVMENS_CNS_NS_INDEPENDENT ||
                            f->cns == NVMENS_CNS_ALLOCATED_NS_INDEPENDENT)) {
    put_independent(f, &M.ns[f->ns]);
  }
  send_page(f);
}

void m_identify_ctrl(int ctrl, uint8_t *page)
{
  const int bare = m_is_discovery(ctrl); /* R70 */
  const nvmens_subsys_config *c = &M.conf.cfg;
  nvmens_id_ctrl *p = (nvmens_id_ctrl *)page;
  nvmens_u128 all = c->tnvmcap, left = {0, 0};

  put16(p->cntlid, M.ctrl[ctrl].cntlid);
  put32(p->oaes, m_aec_may(ctrl) & ~UINT32_C(0x700400ff)); /* R34 */
  p->cntrltype = M.ctrl[ctrl].kind;
  p->aerl = c->aerl_is_zero ? 0 : (c->aerl ? c->aerl : 3);
  if (bare)
    all.lo = all.hi = 0;
  if (all.lo || all.hi)
    left = big_to(big_sum(big_of(all), big_of(M.used), 1));
  p->cmic |= bare ? 0 : NVMENS_CMIC_MULTI_CTRL;
  p->oacs[0] &= (uint8_t)~NVMENS_OACS_NS_MANAGEMENT;
  p->oacs[0] |= M.conf.no_prepare || bare ? 0 : NVMENS_OACS_NS_MANAGEMENT;
  p->lpa |= bare ? 0 : NVMENS_LPA_EXTENDED_DATA;
  put64(p->tnvmcap, all.lo);
  put64(p->tnvmcap + 8, all.hi);
  put64(p->unvmcap, left.lo);
  put64(p->unvmcap + 8, left.hi);
  put32(p->nn, bare ? 0 : c->nn);
  put32(p->mnan, bare ? 0 : c->mnan);
  put64(p->maxdna, bare ? 0 : c->maxdna);
  put64(p->maxdna + 8, 0);
  put32(p->maxcna, bare ? 0 : c->maxcna);
}
