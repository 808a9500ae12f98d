/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.c: looking in. Floor 5.
 */
#include <string.h>

#include "attach.h"
#include "ns.h"
#include "subsys.h"

/* The caller's struct may be older (shorter) or newer (longer) than ours. */
static void give(void *to, size_t size, const void *from, size_t ours)
{
  memset(to, 0, size);
  memcpy(to, from, size < ours ? size : ours);
}

int nvmens_ctrl_query_sized(const nvmens_ctrl *ctrl, nvmens_ctrl_info *out, size_t size)
{
  nvmens_ctrl_info info = {0};

  if (!ctrl || !out)
    return NVMENS_ERR_INVAL;
  nvmens_enter(ctrl->subsys);
  info.cntlid = ctrl->cntlid;
  info.kind = ctrl->kind;
  info.state = ctrl->state;
  info.attached = ctrl->count[NVMENS_ATT_ATTACHED];
  info.wanted = ctrl->count[NVMENS_ATT_WANTED];
  info.fenced = ctrl->count[NVMENS_ATT_FENCED];
  info.draining = ctrl->count[NVMENS_ATT_DRAINING] + ctrl->count[NVMENS_ATT_ABORTING];
  info.parked = ctrl->notices.parked_count;
  info.owed = nvmens_notice_count(&ctrl->notices, NVMENS_NOTICE_PENDING);
  info.reported = nvmens_notice_count(&ctrl->notices, NVMENS_NOTICE_REPORTED);
  info.aec = ctrl->notices.aec;
  info.sent = ctrl->notices.sent;
  info.coalesced = ctrl->notices.coalesced;
  nvmens_commit(ctrl->subsys);
  give(out, size, &info, sizeof(info));
  return 0;
}

int nvmens_ns_query_sized(nvmens_subsys *s, nvmens_nsref ref, nvmens_ns_info *out, size_t size)
{
  nvmens_ns_info info = {0};
  const nvmens_ns *ns;

  if (!s || !out)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nvmens_ns_of_ref(s, ref);
  if (ns) {
    info.nsid = ns->nsid;
    info.state = ns->state;
    info.csi = ns->csi;
    info.shared = ns->shared;
    info.flbas = ns->flbas;
    info.lbads = ns->lbaf[ns->flbas].lbads;
    info.write_protected = ns->write_protected;
    info.nsze = ns->nsze;
    info.ncap = ns->ncap;
    info.attached = ns->count[NVMENS_ATT_ATTACHED];
    info.wanted = ns->count[NVMENS_ATT_WANTED];
    info.fenced = ns->count[NVMENS_ATT_FENCED];
    info.draining = ns->count[NVMENS_ATT_DRAINING] + ns->count[NVMENS_ATT_ABORTING];
    info.ident = ns->ident;
    info.ns_user = ns->user;
  }
  nvmens_commit(s);
  if (!ns)
    return NVMENS_ERR_STALE;
  give(out, size, &info, sizeof(info));
  return 0;
}

int nvmens_att_query_sized(nvmens_subsys *s, nvmens_nsref ref, nvmens_ctrl *ctrl,
                           nvmens_att_info *out, size_t size)
{
  nvmens_att_info info = {.deadline = UINT64_MAX};
  const nvmens_attachment *att;
  const nvmens_ns *ns;

  if (!s || !ctrl || !out || ctrl->subsys != s)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nvmens_ns_of_ref(s, ref);
  att = ns ? nvmens_att_of(ctrl, ref.nsid) : NULL;
  if (att && att->ns == ns) {
    info.state = att->state;
    if (nvmens_att_holds(att) && !nvmens_att_visible(att) && nvmens_att_should(ns, ctrl))
      info.waits_for = NVMENS_WAITS_FOR_DRAIN;
    else if (att->state == NVMENS_ATT_WANTED || att->state == NVMENS_ATT_FENCED)
      info.waits_for = att->waits == NVMENS_WAIT_FENCE ? NVMENS_WAITS_FOR_HOST : att->waits;
    info.open = nvmens_slot_is_open(att->slot);
    info.in_flight = nvmens_gate_holders(ctrl->gate, att->slot);
    if (att->state == NVMENS_ATT_DRAINING)
      info.deadline = att->timer.at;
  }
  nvmens_commit(s);
  if (!ns)
    return NVMENS_ERR_STALE;
  give(out, size, &info, sizeof(info));
  return 0;
}

int nvmens_ns_find(nvmens_subsys *s, uint32_t nsid, nvmens_nsref *out)
{
  const nvmens_ns *ns;

  if (!s || !out)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nsid ? nvmens_ns_of(s, nsid) : NULL;
  if (ns)
    *out = (nvmens_nsref){ns->nsid, ns->gen};
  nvmens_commit(s);
  return ns ? 0 : NVMENS_ERR_NOT_FOUND;
}

/* ---- names ---- */

static const nvmens_table *table_of(unsigned machine)
{
  return machine < NVMENS_MACHINES ? &nvmens_tables[machine] : NULL;
}

const char *nvmens_machine_name(unsigned machine)
{
  const nvmens_table *table = table_of(machine);

  return table ? table->name : NULL;
}

const char *nvmens_state_name(unsigned machine, unsigned state)
{
  const nvmens_table *table = table_of(machine);

  return table && state < table->states ? table->state[state] : NULL;
}

const char *nvmens_event_name(unsigned machine, unsigned event)
{
  const nvmens_table *table = table_of(machine);

  return table && event < table->events ? table->event[event] : NULL;
}
