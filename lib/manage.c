/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manage.c: Namespace Management and Namespace Attachment (R7-R25, R40, R51-R55). Floor 5.
 *
 * A command first holds itself (one wait), does what it can, has the events delivered, and lets go;
 * the drains that it started hold it on. What the backend prepares is checked again afterwards:
 * nothing is reserved meanwhile.
 */
#include <string.h>

#include "admin.h"
#include "attach.h"
#include "ctrl.h"
#include "le.h"
#include "ns.h"
#include "prepare.h"
#include "subsys.h"
#include "unanswered.h"

/* ---- create ---- */

static uint16_t read_create(const nvmens_request *r, const nvmens_ns_create *data,
                            nvmens_intent *intent)
{
  const nvmens_subsys_config *config = &r->ctrl->subsys->config;
  uint8_t format = (uint8_t)((data->flbas & 0x0F) | (data->flbas & 0x60) >> 1);

  intent->create = 1;
  intent->csi = (uint8_t)(r->cdw[1] >> 24);
  intent->nsze = nvmens_get64(data->nsze);
  intent->ncap = nvmens_get64(data->ncap);
  intent->flbas = format;
  intent->dps = data->dps;
  intent->nmic = data->nmic;
  intent->anagrpid = nvmens_get32(data->anagrpid);
  intent->nvmsetid = nvmens_get16(data->nvmsetid);
  intent->endgid = nvmens_get16(data->endgid);
  intent->lbstm = nvmens_get64(data->lbstm);
  intent->data = data;
  if (intent->csi >= 32 || !(config->csi_supported >> intent->csi & 1))
    return NVMENS_SC_COMMAND_SET_UNSUPPORTED;
  if (!intent->nsze || intent->ncap > intent->nsze)
    return NVMENS_SC_INVALID_FIELD;
  if (intent->ncap < intent->nsze)
    return NVMENS_SC_THIN_PROVISIONING_UNSUPPORTED;
  if (format >= config->nlbaf || (intent->dps && !config->lbaf[format].ms))
    return NVMENS_SC_INVALID_FORMAT;
  if (intent->anagrpid)
    return NVMENS_SC_ANA_GROUP_INVALID;
  intent->lbads = config->lbaf[format].lbads;
  intent->ms = config->lbaf[format].ms;
  return 0;
}

static void set_result(nvmens_cmd *cmd, nvmens_verdict verdict, uint64_t error_info)
{
  if (!verdict.err)
    return;
  cmd->sf = verdict.sf;
  cmd->error_info = error_info;
}

static uint64_t bytes_needed(const nvmens_intent *intent)
{
  nvmens_u128 bytes = nvmens_ns_bytes(intent->ncap, intent->lbads);

  return bytes.hi ? UINT64_MAX : bytes.lo;
}

static bool ident_given(const nvmens_ident *ident)
{
  static const nvmens_ident none;

  return ident && memcmp(ident, &none, sizeof(none)) != 0;
}

static void create_prepared(nvmens_prep *prep, const nvmens_ident *ident)
{
  const nvmens_request r = {.ctrl = prep->ctrl, .cdw = {0, (uint32_t)prep->csi << 24}};
  nvmens_ns_config config = {0};
  nvmens_intent intent = {0};
  nvmens_verdict verdict = {NVMENS_SC_INTERNAL_ERROR, NVMENS_ERR_INVAL};
  nvmens_ns *ns;

  read_create(&r, (const nvmens_ns_create *)prep->data->page, &intent);
  if (ident_given(ident)) {
    config.csi = intent.csi;
    config.shared = intent.nmic & NVMENS_NMIC_SHARED;
    config.flbas = intent.flbas;
    config.nsze = intent.nsze;
    config.ncap = intent.ncap;
    config.nvmsetid = intent.nvmsetid;
    config.endgid = intent.endgid;
    config.ident = *ident;
    verdict = nvmens_fan_create(prep->ctrl->subsys, &config, prep->ns_user, &ns);
  }
  set_result(prep->cmd, verdict, verdict.err == NVMENS_ERR_CAPACITY ? bytes_needed(&intent) : 0);
  if (verdict.err)
    return;
  prep->cmd->dw0 = ns->nsid;
  prep->ns_user = NULL; /* the namespace's now */
  prep->ref = (nvmens_nsref){ns->nsid, ns->gen};
  nvmens_prep_tell(prep);
}

/* What can be said before the backend is troubled. */
static nvmens_verdict may_create(const nvmens_subsys *s, const nvmens_intent *intent)
{
  const nvmens_u128 bytes = nvmens_ns_bytes(intent->ncap, intent->lbads);
  const nvmens_u128 all = s->config.tnvmcap, left = s->unvmcap;

  if (s->ns.count >= (s->config.mnan ? s->config.mnan : s->config.nn))
    return NVMENS_VERDICT(NVMENS_SC_NS_ID_UNAVAILABLE | NVMENS_SF_DNR, NVMENS_ERR_LIMIT);
  if ((all.lo || all.hi) && (bytes.hi > left.hi || (bytes.hi == left.hi && bytes.lo > left.lo)))
    return NVMENS_VERDICT(NVMENS_SC_NS_INSUFFICIENT_CAPACITY | NVMENS_SF_DNR, NVMENS_ERR_CAPACITY);
  return NVMENS_VERDICT_OK;
}

static void create(const nvmens_request *r)
{
  nvmens_subsys *s = r->ctrl->subsys;
  nvmens_prep *prep = nvmens_unanswered_many(r->ctrl) ? NULL : nvmens_prep_new(s, create_prepared);
  nvmens_intent intent = {0};
  nvmens_verdict verdict;
  uint16_t sf;

  if (!prep) {
    nvmens_cmd_end(r->cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
    return;
  }
  if (!nvmens_transfer(r, prep->data->page, sizeof(prep->data->page), NVMENS_FROM_HOST)) {
    nvmens_prep_free(s, prep);
    return;
  }
  prep->create = 1;
  prep->csi = (uint8_t)(r->cdw[1] >> 24);
  sf = read_create(r, (const nvmens_ns_create *)prep->data->page, &intent);
  verdict = sf ? NVMENS_VERDICT(sf | NVMENS_SF_DNR, NVMENS_ERR_INVAL) : may_create(s, &intent);
  if (verdict.err) {
    nvmens_cmd_end(r->cmd, verdict.sf, 0,
                   verdict.err == NVMENS_ERR_CAPACITY ? bytes_needed(&intent) : 0);
    nvmens_prep_free(s, prep);
    return;
  }
  nvmens_prep_ask(r, prep, &intent, NULL);
}

/* ---- delete ---- */

static bool any_write_protected(const nvmens_subsys *s)
{
  const nvmens_ns *ns;
  uint32_t nsid = 0;

  while ((ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL)
    if (ns->state == NVMENS_NS_ALLOCATED && ns->write_protected)
      return true;
  return false;
}

static void delete_all(const nvmens_request *r)
{
  nvmens_subsys *s = r->ctrl->subsys;
  nvmens_ns *ns;
  uint32_t nsid = 0;

  if (any_write_protected(s)) {
    nvmens_fail(r, NVMENS_SC_NS_WRITE_PROTECTED);
    return;
  }
  nvmens_cmd_hold(r->cmd);
  while ((ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL)
    if (ns->state == NVMENS_NS_ALLOCATED)
      nvmens_fan_remove(ns, NVMENS_EV_DELETE, r->cmd);
  nvmens_cmd_let_go(r->cmd);
}

static void delete_one(const nvmens_request *r)
{
  nvmens_subsys *s = r->ctrl->subsys;
  nvmens_ns *ns = nvmens_ns_allocated(s, r->nsid);

  if (r->nsid == NVMENS_NSID_ALL) {
    delete_all(r);
  } else if (r->nsid == NVMENS_NSID_NONE || r->nsid > s->config.nn) {
    nvmens_fail(r, NVMENS_SC_INVALID_NS_OR_FORMAT);
  } else if (!ns) {
    nvmens_fail(r, NVMENS_SC_INVALID_FIELD);
  } else if (ns->write_protected) {
    nvmens_fail(r, NVMENS_SC_NS_WRITE_PROTECTED);
  } else {
    nvmens_cmd_hold(r->cmd);
    nvmens_fan_remove(ns, NVMENS_EV_DELETE, r->cmd);
    nvmens_cmd_let_go(r->cmd);
  }
}

void nvmens_do_ns_management(const nvmens_request *r)
{
  uint8_t select = r->cdw[0] & 0x0F;

  if (!r->ctrl->subsys->core.host.prepare)
    nvmens_fail(r, NVMENS_SC_INVALID_OPCODE);
  else if (select == NVMENS_NS_MGMT_CREATE)
    create(r);
  else if (select == NVMENS_NS_MGMT_DELETE)
    delete_one(r);
  else
    nvmens_fail(r, NVMENS_SC_INVALID_FIELD);
}

/* ---- attachment ---- */

static bool read_list(const uint8_t *data, nvmens_prep *prep)
{
  uint16_t count = nvmens_get16(data);

  if (count > NVMENS_LIST_CTRLS)
    return false;
  for (uint16_t i = 0; i < count; i++) {
    prep->data->cntlid[i] = nvmens_get16(data + 2 + 2 * i);
    if (i && prep->data->cntlid[i] <= prep->data->cntlid[i - 1])
      return false;
  }
  prep->ncntlid = count;
  return true;
}

/* In order, until the first that fails (R20). */
static void each_entry(nvmens_cmd *cmd, nvmens_ns *ns, const nvmens_prep *prep, bool attach)
{
  nvmens_subsys *s = cmd->ctrl->subsys;
  const nvmens_verdict no_ctrl = {NVMENS_SC_INVALID_CTRL_LIST | NVMENS_SF_DNR, NVMENS_ERR_KIND};

  for (uint16_t i = 0; i < prep->ncntlid && !cmd->sf; i++) {
    nvmens_ctrl *ctrl = nvmens_ctrl_of(s, prep->data->cntlid[i]);
    nvmens_verdict verdict;

    if (!ctrl || ctrl->kind != NVMENS_CTRL_IO)
      verdict = no_ctrl;
    else if (attach)
      verdict = nvmens_fan_attach(ns, ctrl);
    else
      verdict = nvmens_fan_detach(ns, ctrl, NVMENS_EV_DETACH, cmd);
    set_result(cmd, verdict, 2 + 2 * (uint64_t)i);
  }
}

static void attach_prepared(nvmens_prep *prep, const nvmens_ident *ident)
{
  nvmens_ns *ns = nvmens_ns_of_ref(prep->ctrl->subsys, prep->ref);

  (void)ident;
  if (ns && ns->state == NVMENS_NS_ALLOCATED)
    each_entry(prep->cmd, ns, prep, true);
  else /* it went while the backend was asked */
    set_result(prep->cmd, NVMENS_VERDICT(NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR, NVMENS_ERR_STALE),
               0);
}

static uint16_t check_nsid(const nvmens_subsys *s, uint32_t nsid)
{
  if (nsid == NVMENS_NSID_ALL)
    return NVMENS_SC_INVALID_FIELD;
  if (nsid == NVMENS_NSID_NONE || nsid > s->config.nn)
    return NVMENS_SC_INVALID_NS_OR_FORMAT;
  return nvmens_ns_allocated(s, nsid) ? 0 : NVMENS_SC_INVALID_FIELD;
}

static void attach_or_detach(const nvmens_request *r, nvmens_prep *prep, bool attach)
{
  nvmens_subsys *s = r->ctrl->subsys;
  nvmens_ns *ns = nvmens_ns_of(s, r->nsid);
  const nvmens_intent intent = {.nsid = r->nsid,
                                .ns_user = ns->user,
                                .csi = ns->csi,
                                .cntlid = prep->data->cntlid,
                                .ncntlid = prep->ncntlid};

  if (attach && prep->ncntlid) {
    prep->ref = (nvmens_nsref){ns->nsid, ns->gen};
    nvmens_prep_ask(r, prep, &intent, ns);
    return;
  }
  nvmens_cmd_hold(r->cmd);
  each_entry(r->cmd, ns, prep, attach);
  nvmens_cmd_let_go(r->cmd);
  nvmens_prep_free(s, prep);
}

void nvmens_do_ns_attachment(const nvmens_request *r)
{
  nvmens_subsys *s = r->ctrl->subsys;
  uint8_t select = r->cdw[0] & 0x0F;
  nvmens_prep *prep;
  uint16_t sf;

  if (!s->core.host.prepare)
    sf = NVMENS_SC_INVALID_OPCODE;
  else if (select != NVMENS_NS_ATTACH && select != NVMENS_NS_DETACH)
    sf = NVMENS_SC_INVALID_FIELD;
  else
    sf = check_nsid(s, r->nsid);
  if (sf) {
    nvmens_fail(r, sf);
    return;
  }
  prep = select == NVMENS_NS_ATTACH && nvmens_unanswered_many(r->ctrl)
             ? NULL
             : nvmens_prep_new(s, attach_prepared);
  if (!prep) {
    nvmens_cmd_end(r->cmd, NVMENS_SC_INTERNAL_ERROR, 0, 0);
    return;
  }
  if (!nvmens_transfer(r, prep->data->page, sizeof(prep->data->page), NVMENS_FROM_HOST)) {
    nvmens_prep_free(s, prep);
    return;
  }
  sf = check_nsid(s, r->nsid);
  if (!sf && !read_list(prep->data->page, prep))
    sf = NVMENS_SC_INVALID_CTRL_LIST;
  if (sf) {
    nvmens_fail(r, sf);
    nvmens_prep_free(s, prep);
    return;
  }
  attach_or_detach(r, prep, select == NVMENS_NS_ATTACH);
}
