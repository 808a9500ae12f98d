/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig_backend.c: the calls that a backend makes, each followed by rig_check.
 */
#include "rig.h"

#include "le.h"

/* ---- time ---- */

void rig_poll(rig *r)
{
  nvmens_poll(r->s, r->now);
  rig_check(r);
}

void rig_pass(rig *r, uint64_t ns)
{
  r->now += ns;
  rig_poll(r);
}

void rig_rest(rig *r)
{
  unsigned wakes, rounds = 0;

  do {
    RIG_MUST(rounds++ < 100000);
    wakes = r->wakes;
    rig_poll(r);
  } while (r->wakes != wakes);
}

/* ---- controllers ---- */

int rig_ctrl_try(rig *r, const nvmens_ctrl_config *config, rig_ctrl **out)
{
  rig_ctrl *ctrl = calloc(1, sizeof(*ctrl));
  int rc;

  RIG_MUST(ctrl);
  RIG_MUST(r->nctrl < RIG_CTRLS);
  ctrl->rig = r;
  ctrl->id = r->nctrl;
  r->ctrl[r->nctrl++] = ctrl;
  rc = nvmens_ctrl_new(&ctrl->c, r->s, config, ctrl);
  if (rc) {
    r->nctrl--;
    free(ctrl);
    ctrl = NULL;
  } else {
    ctrl->owned = 1;
  }
  if (out)
    *out = ctrl;
  rig_check(r);
  return rc;
}

rig_ctrl *rig_ctrl_new(rig *r, const nvmens_ctrl_config *config)
{
  rig_ctrl *ctrl;

  RIG_MUST(rig_ctrl_try(r, config, &ctrl) == 0);
  return ctrl;
}

rig_ctrl *rig_ctrl_on(rig *r)
{
  rig_ctrl *ctrl = rig_ctrl_new(r, NULL);

  rig_enable(ctrl);
  return ctrl;
}

void rig_enable(rig_ctrl *ctrl)
{
  RIG_MUST(nvmens_ctrl_enable(ctrl->c, 0) == 0);
  rig_check(ctrl->rig);
}

void rig_reset(rig_ctrl *ctrl)
{
  for (rig_cmd *cmd = ctrl->rig->cmds; cmd; cmd = cmd->next)
    cmd->old |= cmd->ctrl == ctrl && cmd->taken;
  nvmens_ctrl_reset(ctrl->c);
  rig_check(ctrl->rig);
}

void rig_reenable(rig_ctrl *ctrl)
{
  rig_reset(ctrl);
  rig_enable(ctrl);
}

void rig_shutdown(rig_ctrl *ctrl)
{
  nvmens_ctrl_shutdown(ctrl->c);
  rig_check(ctrl->rig);
}

void rig_ctrl_del(rig_ctrl *ctrl)
{
  nvmens_ctrl *c = ctrl->c;

  ctrl->c = NULL;
  nvmens_ctrl_del(c);
  rig_check(ctrl->rig);
}

nvmens_ctrl_info rig_info(rig_ctrl *ctrl)
{
  nvmens_ctrl_info info;

  RIG_MUST(nvmens_ctrl_query(ctrl->c, &info) == 0);
  return info;
}

/* ---- namespaces ---- */

void rig_ident(rig *r, nvmens_ident *ident)
{
  memset(ident, 0, sizeof(*ident));
  memcpy(ident->uuid, "nvmens-rig", 10);
  nvmens_put32(ident->uuid + 12, ++r->idents);
}

static int no_ident(const nvmens_ident *ident)
{
  static const nvmens_ident none;

  return memcmp(ident, &none, sizeof(none)) == 0;
}

int rig_ns_try(rig *r, const nvmens_ns_config *given, rig_ns **out)
{
  nvmens_ns_config config = *given;
  rig_ns *ns = calloc(1, sizeof(*ns));
  int rc;

  RIG_MUST(ns);
  ns->rig = r;
  ns->id = ++r->nns;
  ns->drain = -1;
  ns->next = r->ns;
  r->ns = ns;
  if (config.nsze == 0)
    config.nsze = 0x1000;
  if (no_ident(&config.ident))
    rig_ident(r, &config.ident);
  ns->ident = config.ident;
  rc = nvmens_ns_new(r->s, &config, ns, &ns->ref);
  ns->owned = rc == 0;
  if (rc)
    r->nns--;
  if (out)
    *out = rc ? NULL : ns;
  rig_check(r);
  return rc;
}

rig_ns *rig_ns_new(rig *r, const nvmens_ns_config *config)
{
  rig_ns *ns;

  RIG_MUST(rig_ns_try(r, config, &ns) == 0);
  return ns;
}

rig_ns *rig_ns_auto(rig *r, uint32_t nsid)
{
  return rig_ns_new(r, &(nvmens_ns_config){.nsid = nsid, .shared = 1, .auto_attach = 1});
}

rig_ns *rig_ns_loose(rig *r, uint32_t nsid)
{
  return rig_ns_new(r, &(nvmens_ns_config){.nsid = nsid, .shared = 1});
}

rig_ns *rig_find(rig *r, uint32_t nsid)
{
  nvmens_nsref ref;
  nvmens_ns_info info;
  rig_ns *ns;

  if (nvmens_ns_find(r->s, nsid, &ref) != 0)
    return NULL;
  RIG_MUST(nvmens_ns_query(r->s, ref, &info) == 0);
  ns = info.ns_user;
  ns->ref = ref;
  return ns;
}

int rig_attach(rig_ns *ns, rig_ctrl *ctrl)
{
  int rc = nvmens_ns_attach(ns->rig->s, ns->ref, ctrl->c);

  rig_check(ns->rig);
  return rc;
}

int rig_detach(rig_ns *ns, rig_ctrl *ctrl, nvmens_mode mode, uint64_t deadline_ns)
{
  int rc = nvmens_ns_detach(ns->rig->s, ns->ref, ctrl->c, mode, ns->rig->now, deadline_ns);

  rig_check(ns->rig);
  return rc;
}

int rig_unplug(rig_ns *ns, nvmens_mode mode, uint64_t deadline_ns)
{
  int rc = nvmens_ns_unplug(ns->rig->s, ns->ref, mode, ns->rig->now, deadline_ns);

  rig_check(ns->rig);
  return rc;
}

int rig_plug(rig_ns *ns)
{
  int rc = nvmens_ns_plug(ns->rig->s, ns->ref);

  rig_check(ns->rig);
  return rc;
}

int rig_resize(rig_ns *ns, uint64_t nsze)
{
  const nvmens_ns_attrs attrs = {.set = NVMENS_SET_SIZE, .nsze = nsze};
  int rc = nvmens_ns_update(ns->rig->s, ns->ref, &attrs);

  rig_check(ns->rig);
  return rc;
}

int rig_done(rig *r, nvmens_token token)
{
  const nvmens_status ok = {0};
  int rc = nvmens_done(r->s, token, ok);

  rig_check(r);
  return rc;
}

int rig_drained(rig_ns *ns, rig_ctrl *ctrl)
{
  return rig_done(ns->rig, ns->token[ctrl->id]);
}

int rig_post(rig_ctrl *ctrl, uint8_t type, uint8_t info, uint8_t lid, uint32_t aec_mask)
{
  int rc = nvmens_event_post(ctrl->c, type, info, lid, aec_mask);

  rig_check(ctrl->rig);
  return rc;
}

nvmens_att_info rig_att(rig_ns *ns, rig_ctrl *ctrl)
{
  nvmens_att_info info;

  RIG_MUST(nvmens_att_query(ns->rig->s, ns->ref, ctrl->c, &info) == 0);
  return info;
}

/* ---- I/O ---- */

nvmens_lane *rig_lane(rig_ctrl *ctrl)
{
  rig *r = ctrl->rig;

  RIG_MUST(r->nlane < RIG_CTRLS);
  RIG_MUST(nvmens_lane_new(&r->lane[r->nlane], ctrl->c) == 0);
  r->lane_ctrl[r->nlane] = ctrl;
  rig_check(r);
  return r->lane[r->nlane++];
}

static unsigned lane_index(const rig *r, const nvmens_lane *lane)
{
  unsigned i;

  for (i = 0; r->lane[i] != lane; i++)
    RIG_MUST(i + 1 < r->nlane);
  return i;
}

void rig_lane_del(rig *r, nvmens_lane *lane)
{
  unsigned i = lane_index(r, lane);

  nvmens_lane_del(lane);
  r->lane[i] = r->lane[--r->nlane];
  r->lane_ctrl[i] = r->lane_ctrl[r->nlane];
  rig_check(r);
}

rig_io rig_io_begin(rig *r, nvmens_lane *lane, uint32_t nsid)
{
  rig_io io = {.lane = lane, .ctrl = r->lane_ctrl[lane_index(r, lane)]};
  void *user = NULL;

  io.sf = nvmens_io_begin(lane, nsid, &io.ticket, &user).sf;
  if (io.sf == 0) {
    io.ns = user;
    RIG_MUST(io.ns->released == 0);
    RIG_MUST(io.ns->on[io.ctrl->id] == 1); /* invariant 4 */
    io.ns->held[io.ctrl->id]++;
  }
  rig_check(r);
  return io;
}

void rig_io_end(rig_io *io)
{
  RIG_MUST(io->sf == 0);
  io->ns->held[io->ctrl->id]--;
  nvmens_io_end(io->lane, io->ticket);
  rig_check(io->ns->rig);
}

void rig_io_end_remote(rig_io *io)
{
  RIG_MUST(io->sf == 0);
  io->ns->held[io->ctrl->id]--;
  nvmens_io_end_remote(io->ns->rig->s, io->ticket);
  rig_check(io->ns->rig);
}
