/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identify.c: the Identify pages (R1-R6). Floor 5.
 *
 * The backend writes its part of a page first, lock released; then everything is looked up again
 * and the library's fields are written over it.
 */
#include <string.h>

#include "admin.h"
#include "attach.h"
#include "ctrl.h"
#include "kinds.h"
#include "le.h"
#include "ns.h"
#include "paths.h"
#include "subsys.h"

typedef struct query { /* one Identify */
  const nvmens_request *r;
  nvmens_subsys *s;
  uint32_t nsid;
  uint16_t cntid;
  uint8_t cns, csi;
  nvmens_nsref shown; /* what a page describes */
  uint8_t page[NVMENS_PAGE];
} query;

static const uint16_t invalid_ns = NVMENS_SC_INVALID_NS_OR_FORMAT;
static const uint16_t invalid_field = NVMENS_SC_INVALID_FIELD;

static bool valid(const query *q)
{
  return q->nsid != NVMENS_NSID_NONE && q->nsid <= q->s->config.nn;
}

static bool csi_known(const query *q)
{
  return q->csi < 32 && q->s->config.csi_supported >> q->csi & 1;
}

/* The namespace as this controller may see it: by an attachment, or because it is allocated. */
static nvmens_ns *visible(const query *q, bool allocated)
{
  const nvmens_attachment *att;

  if (allocated)
    return nvmens_ns_allocated(q->s, q->nsid);
  att = nvmens_att_of(q->r->ctrl, q->nsid);
  return att && nvmens_att_visible(att) ? att->ns : NULL;
}

/* Calls `identify`, with the namespace kept from being released. 0, or a status. */
static uint16_t ask_backend(query *q, nvmens_ns *ns)
{
  nvmens_core *core = &q->s->core;
  int err;

  if (!core->host.identify)
    return 0;
  if (ns)
    ns->pins++;
  nvmens_hook_enter(core);
  err = core->host.identify(ns ? ns->user : NULL, q->r->ctrl->user, q->cns, q->csi, q->page);
  nvmens_hook_leave(core);
  if (ns) {
    ns->pins--;
    nvmens_ns_quiet(ns);
  }
  return err ? NVMENS_SC_INTERNAL_ERROR : 0;
}

/* ---- pages of one namespace ---- */

static void put_formats(nvmens_id_ns *id, const nvmens_lbaf *lbaf, uint8_t count)
{
  id->nlbaf = (uint8_t)(count - 1);
  for (uint8_t i = 0; i < count; i++) {
    nvmens_put16(id->lbaf[i].ms, lbaf[i].ms);
    id->lbaf[i].lbads = lbaf[i].lbads;
    id->lbaf[i].rp = lbaf[i].rp;
  }
}

static uint8_t flbas_of(const nvmens_ns *ns, uint8_t old)
{
  return (uint8_t)((ns->flbas & 0x0F) | (ns->flbas & 0x30) << 1 | (old & 0x10));
}

static void put_ns(const nvmens_ns *ns, nvmens_id_ns *id)
{
  nvmens_u128 bytes = nvmens_ns_bytes(ns->ncap, ns->lbaf[ns->flbas].lbads);

  nvmens_put64(id->nsze, ns->nsze);
  nvmens_put64(id->ncap, ns->ncap);
  if (!nvmens_get64(id->nuse) || nvmens_get64(id->nuse) > ns->ncap)
    nvmens_put64(id->nuse, ns->ncap);
  put_formats(id, ns->lbaf, ns->nlbaf);
  id->flbas = flbas_of(ns, id->flbas);
  id->nmic = (uint8_t)((id->nmic & ~NVMENS_NMIC_SHARED) | ns->shared);
  nvmens_put64(id->nvmcap, bytes.lo);
  nvmens_put64(id->nvmcap + 8, bytes.hi);
  nvmens_put32(id->anagrpid, ns->anagrpid);
  id->nsattr = (uint8_t)((id->nsattr & ~NVMENS_NSATTR_WP) | ns->write_protected);
  nvmens_put16(id->nvmsetid, ns->nvmsetid);
  nvmens_put16(id->endgid, ns->endgid);
  memcpy(id->nguid, ns->ident.nguid, sizeof(id->nguid));
  memcpy(id->eui64, ns->ident.eui64, sizeof(id->eui64));
}

static void put_independent(const nvmens_ns *ns, nvmens_id_ns_independent *id)
{
  id->nmic = (uint8_t)((id->nmic & ~NVMENS_NMIC_SHARED) | ns->shared);
  nvmens_put32(id->anagrpid, ns->anagrpid);
  id->nsattr = (uint8_t)((id->nsattr & ~NVMENS_NSATTR_WP) | ns->write_protected);
  nvmens_put16(id->nvmsetid, ns->nvmsetid);
  nvmens_put16(id->endgid, ns->endgid);
  id->nstat |= NVMENS_NSTAT_NRDY; /* C13 */
}

static void put_fields(query *q, const nvmens_ns *ns)
{
  switch (q->cns) {
  case NVMENS_CNS_NS:
  case NVMENS_CNS_ALLOCATED_NS:
    if (ns->csi != NVMENS_CSI_KV)
      put_ns(ns, (nvmens_id_ns *)q->page);
    break;
  case NVMENS_CNS_NS_INDEPENDENT:
  case NVMENS_CNS_ALLOCATED_NS_INDEPENDENT:
    put_independent(ns, (nvmens_id_ns_independent *)q->page);
    break;
  default:
    break;
  }
}

/* Zeroes for a namespace that is not there, also when it goes while the backend is asked. */
static uint16_t describe(query *q, bool allocated)
{
  nvmens_ns *ns = visible(q, allocated);
  uint16_t sf;

  if (!ns)
    return 0;
  sf = ask_backend(q, ns);
  if (sf)
    return sf;
  if (visible(q, allocated) != ns) { /* being asked for kept the NSID from being taken again */
    memset(q->page, 0, sizeof(q->page));
    return 0;
  }
  put_fields(q, ns);
  if (!allocated)
    q->shown = (nvmens_nsref){ns->nsid, ns->gen};
  return 0;
}

/* FFFFFFFFh: what all namespaces that the host can create have in common (P14). */
static uint16_t common(query *q)
{
  uint16_t sf;

  if (!q->s->core.host.prepare)
    return invalid_ns;
  sf = ask_backend(q, NULL);
  if (!sf && q->cns == NVMENS_CNS_NS)
    put_formats((nvmens_id_ns *)q->page, q->s->config.lbaf, q->s->config.nlbaf);
  return sf;
}

static uint16_t active_ns(query *q)
{
  const nvmens_ns *ns;

  if (q->nsid == NVMENS_NSID_ALL)
    return common(q);
  if (!valid(q))
    return invalid_ns;
  ns = visible(q, false);
  if (ns && q->cns == NVMENS_CNS_NS && ns->csi == NVMENS_CSI_KV)
    return NVMENS_SC_INVALID_COMMAND_SET;
  return describe(q, false);
}

static uint16_t csi_ns(query *q)
{
  const nvmens_ns *ns = visible(q, false);

  if (!csi_known(q) || (ns && ns->csi != q->csi))
    return invalid_field;
  return active_ns(q);
}

static uint16_t allocated_ns(query *q)
{
  return valid(q) ? describe(q, true) : invalid_ns;
}

static uint16_t csi_allocated_ns(query *q)
{
  const nvmens_ns *ns = visible(q, true);

  if (!csi_known(q) || (ns && ns->csi != q->csi))
    return invalid_field;
  return allocated_ns(q);
}

static uint8_t *put_desc(uint8_t *at, uint8_t type, const uint8_t *value, uint8_t len)
{
  static const uint8_t none[16];

  if (type != NVMENS_NIDT_CSI && memcmp(value, none, len) == 0)
    return at;
  at[0] = type;
  at[1] = len;
  memcpy(at + sizeof(nvmens_ns_desc), value, len);
  return at + sizeof(nvmens_ns_desc) + len;
}

static uint16_t descriptors(query *q)
{
  const nvmens_ns *ns;
  uint8_t *at = q->page;

  if (!valid(q) || q->nsid == NVMENS_NSID_MAX)
    return invalid_ns;
  ns = visible(q, false);
  if (!ns)
    return invalid_field;
  at = put_desc(at, NVMENS_NIDT_EUI64, ns->ident.eui64, sizeof(ns->ident.eui64));
  at = put_desc(at, NVMENS_NIDT_NGUID, ns->ident.nguid, sizeof(ns->ident.nguid));
  at = put_desc(at, NVMENS_NIDT_UUID, ns->ident.uuid, sizeof(ns->ident.uuid));
  put_desc(at, NVMENS_NIDT_CSI, &ns->csi, 1);
  q->shown = (nvmens_nsref){ns->nsid, ns->gen};
  return 0;
}

/* ---- lists ---- */

static void prefetch(void *const *member, uint32_t count, bool allocated)
{
  for (uint32_t i = 0; i < count; i++)
    __builtin_prefetch(allocated ? &((const nvmens_ns *)member[i])->state : member[i]);
}

static uint16_t ns_list(query *q, bool allocated, bool by_csi)
{
  enum { SOME = 64 };
  const nvmens_nsid_set *set = allocated ? &q->s->ns : &q->r->ctrl->active;
  uint32_t nsid[SOME], after = q->nsid, count = 0, most, some;
  /* What is attached is allocated, and so is all where nothing is on its way out. */
  bool look = by_csi || (allocated ? q->s->ndeleting > 0
                                   : nvmens_atts_visible(q->r->ctrl) != q->r->ctrl->active.count);
  void *member[SOME];

  if (after >= NVMENS_NSID_MAX)
    return invalid_ns;
  do {
    most = NVMENS_LIST_NSIDS - count < SOME ? NVMENS_LIST_NSIDS - count : SOME;
    some = nvmens_nsid_set_some(set, after, most, nsid, look ? member : NULL);
    if (look)
      prefetch(member, some, allocated);
    for (uint32_t i = 0; i < some; i++) {
      if (look) {
        const nvmens_attachment *att = member[i];
        const nvmens_ns *ns = allocated ? member[i] : att->ns;

        if (!allocated && !nvmens_att_visible(att))
          continue;
        if (ns->state != NVMENS_NS_ALLOCATED || (by_csi && ns->csi != q->csi))
          continue;
      }
      nvmens_put32(q->page + 4 * count++, nsid[i]);
    }
    after = some ? nsid[some - 1] : NVMENS_NSID_ALL;
  } while (most && some == most);
  return 0;
}

static uint16_t active_list(query *q)
{
  return ns_list(q, false, false);
}

static uint16_t csi_active_list(query *q)
{
  if (!csi_known(q) || !nvmens_ctrl_has_csi(q->r->ctrl, q->csi))
    return invalid_field;
  return ns_list(q, false, true);
}

static uint16_t allocated_list(query *q)
{
  return ns_list(q, true, false);
}

static uint16_t csi_allocated_list(query *q)
{
  return csi_known(q) ? ns_list(q, true, true) : invalid_field;
}

static bool has(const nvmens_ctrl *ctrl, uint32_t nsid)
{
  const nvmens_attachment *att = nvmens_att_of(ctrl, nsid);

  return att && nvmens_att_visible(att);
}

/* Controllers from CNTID on that have the namespace; all I/O controllers if ns is NULL. */
static uint16_t ctrl_list(query *q, const nvmens_ns *ns)
{
  nvmens_ctrl_list *list = (nvmens_ctrl_list *)q->page;
  uint16_t count = 0;

  for (uint32_t i = 0; i < q->s->nctrl && count < NVMENS_LIST_CTRLS; i++) {
    const nvmens_ctrl *ctrl = q->s->ctrl[i];

    if (ctrl->cntlid < q->cntid || ctrl->kind != NVMENS_CTRL_IO || ctrl->state == NVMENS_CTRL_GOING)
      continue;
    if (!ns || has(ctrl, ns->nsid))
      nvmens_put16(list->cntlid[count++], ctrl->cntlid);
  }
  nvmens_put16(list->count, count);
  return 0;
}

static uint16_t ns_ctrls(query *q)
{
  const nvmens_ns *ns = visible(q, true);

  if (!valid(q) && q->nsid != NVMENS_NSID_ALL)
    return invalid_ns;
  return ns ? ctrl_list(q, ns) : invalid_field;
}

static uint16_t all_ctrls(query *q)
{
  return ctrl_list(q, NULL);
}

/* ---- command sets ---- */

static uint16_t csi_ctrl(query *q)
{
  return csi_known(q) ? ask_backend(q, NULL) : invalid_field;
}

static uint16_t command_sets(query *q)
{
  if (q->cntid != NVMENS_CNTLID_ANY && !nvmens_ctrl_of(q->s, q->cntid))
    return invalid_field;
  nvmens_put64(q->page, q->s->config.csi_supported);
  return 0;
}

/* ---- the way in ---- */

typedef struct page_kind {
  uint8_t cns;
  uint16_t (*fill)(query *);
} page_kind;

static const page_kind kinds[] = {
    {NVMENS_CNS_NS, active_ns},
    {NVMENS_CNS_ACTIVE_NS_LIST, active_list},
    {NVMENS_CNS_NS_DESC_LIST, descriptors},
    {NVMENS_CNS_CSI_NS, csi_ns},
    {NVMENS_CNS_CSI_CTRL, csi_ctrl},
    {NVMENS_CNS_CSI_ACTIVE_NS_LIST, csi_active_list},
    {NVMENS_CNS_NS_INDEPENDENT, active_ns},
    {NVMENS_CNS_ALLOCATED_NS_LIST, allocated_list},
    {NVMENS_CNS_ALLOCATED_NS, allocated_ns},
    {NVMENS_CNS_NS_CTRL_LIST, ns_ctrls},
    {NVMENS_CNS_CTRL_LIST, all_ctrls},
    {NVMENS_CNS_CSI_ALLOCATED_NS_LIST, csi_allocated_list},
    {NVMENS_CNS_CSI_ALLOCATED_NS, csi_allocated_ns},
    {NVMENS_CNS_COMMAND_SETS, command_sets},
    {NVMENS_CNS_ALLOCATED_NS_INDEPENDENT, allocated_ns},
    {0, NULL},
};

static const page_kind *kind_of(uint8_t cns)
{
  for (const page_kind *kind = kinds; kind->fill; kind++)
    if (kind->cns == cns)
      return kind;
  return NULL;
}

bool nvmens_identify_knows(uint8_t cns)
{
  return kind_of(cns) != NULL;
}

/* What the host knows now that it did not (R64, R66). */
static void seen(const query *q)
{
  nvmens_ctrl *ctrl = q->r->ctrl;

  if (q->cns == NVMENS_CNS_ACTIVE_NS_LIST || q->cns == NVMENS_CNS_CSI_ACTIVE_NS_LIST)
    nvmens_path_listed(ctrl);
  else if (q->shown.nsid)
    nvmens_path_identified(ctrl, q->shown, q->cns);
}

void nvmens_do_identify(const nvmens_request *r)
{
  query q = {.r = r, .s = r->ctrl->subsys, .nsid = r->nsid};
  uint16_t sf;

  q.cns = (uint8_t)r->cdw[0];
  q.cntid = (uint16_t)(r->cdw[0] >> 16);
  q.csi = (uint8_t)(r->cdw[1] >> 24);
  r->ctrl->reads_ids |= q.cns == NVMENS_CNS_NS_DESC_LIST;
  sf = kind_of(q.cns)->fill(&q);
  if (nvmens_cmd_old(r->cmd)) {
    nvmens_cmd_end(r->cmd, 0, 0, 0);
  } else if (sf == NVMENS_SC_INTERNAL_ERROR) {
    nvmens_cmd_end(r->cmd, sf, 0, 0);
  } else if (sf) {
    nvmens_fail(r, sf);
  } else if (nvmens_transfer(r, q.page, sizeof(q.page), NVMENS_TO_HOST)) {
    seen(&q);
    nvmens_cmd_end(r->cmd, 0, 0, 0);
    nvmens_deliver_all(q.s);
  }
}

/* What CNS 01h tells of namespaces; zeroes where its type has none (R70). */
static void put_namespaces(const nvmens_subsys *s, nvmens_id_ctrl *id, bool tells)
{
  static const nvmens_subsys_config none;
  const nvmens_subsys_config *config = tells ? &s->config : &none;
  nvmens_u128 unvmcap = tells ? s->unvmcap : none.tnvmcap;

  if (config->max_ctrls > 1)
    id->cmic |= NVMENS_CMIC_MULTI_CTRL;
  nvmens_put64(id->tnvmcap, config->tnvmcap.lo);
  nvmens_put64(id->tnvmcap + 8, config->tnvmcap.hi);
  nvmens_put64(id->unvmcap, unvmcap.lo);
  nvmens_put64(id->unvmcap + 8, unvmcap.hi);
  nvmens_put32(id->nn, config->nn);
  nvmens_put32(id->mnan, config->mnan);
  nvmens_put64(id->maxdna, config->maxdna);
  memset(id->maxdna + 8, 0, 8);
  nvmens_put32(id->maxcna, config->maxcna);
}

static void put_ctrl(const nvmens_ctrl *ctrl, nvmens_id_ctrl *id)
{
  const nvmens_subsys *s = ctrl->subsys;
  const nvmens_kind *has = &nvmens_kinds[ctrl->kind];
  bool manages = s->core.host.prepare && nvmens_kind_has(has->opcodes, NVMENS_OP_NS_MANAGEMENT);
  uint16_t oacs = nvmens_get16(id->oacs) & (uint16_t)~NVMENS_OACS_NS_MANAGEMENT;

  nvmens_put16(id->cntlid, ctrl->cntlid);
  nvmens_put32(id->oaes, nvmens_ctrl_aec_supported(ctrl) & ~NVMENS_AEC_NOT_IN_OAES);
  id->cntrltype = ctrl->kind;
  nvmens_put16(id->oacs, manages ? oacs | NVMENS_OACS_NS_MANAGEMENT : oacs);
  id->aerl = s->config.aerl;
  id->lpa |= has->lpa;
  put_namespaces(s, id, has->tells);
}

void nvmens_identify_ctrl(const nvmens_ctrl *ctrl, void *page4096)
{
  if (!ctrl || !page4096)
    return;
  nvmens_enter(ctrl->subsys);
  put_ctrl(ctrl, page4096);
  nvmens_commit(ctrl->subsys);
}
