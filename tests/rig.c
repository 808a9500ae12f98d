/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig.c: the fake backend's hooks and allocator. Its calls: rig_backend.c;
 * the host's half: rig_host.c.
 */
#include "rig.h"

/* ---- recording ---- */

static void enter(rig *r, int effect)
{
  RIG_SAY(!r->locked, "a hook runs under the lock");
  r->hooks++;
  if (effect)
    RIG_SAY(r->effects++ == 0, "effects nest (T3)");
}

static void leave(rig *r, const rig_event *e)
{
  if (r->log_mask & RIG_BIT(e->kind)) {
    if (r->nlog == r->alog) {
      r->alog = r->alog ? 2 * r->alog : 64;
      r->log = realloc(r->log, r->alog * sizeof(*r->log));
      RIG_MUST(r->log);
    }
    r->log[r->nlog++] = *e;
  }
  if (r->react && (r->react_on & RIG_BIT(e->kind)))
    r->react(r, e);
  if (e->kind < RIG_PREPARE)
    r->effects--;
  r->hooks--;
}

/* ---- hooks: commands ---- */

static void answered(rig_cmd *cmd)
{
  RIG_SAY(cmd->done + cmd->dropped == 0, "a command is answered twice");
  cmd->order = ++cmd->rig->answers;
  memset(&cmd->cmd, 0xA5, sizeof(cmd->cmd));
}

static void on_complete(void *ctrl_user, nvmens_cmd *c, nvmens_status status, uint32_t dw0,
                        uint64_t error_info)
{
  rig_ctrl *ctrl = ctrl_user;
  rig_cmd *cmd = (rig_cmd *)c;

  enter(ctrl->rig, 1);
  RIG_MUST(cmd->ctrl == ctrl);
  RIG_MUST(ctrl->released == 0);
  answered(cmd);
  cmd->done = 1;
  cmd->sf = status.sf;
  cmd->dw0 = dw0;
  cmd->error_info = error_info;
  leave(ctrl->rig, &(rig_event){.kind = RIG_COMPLETE,
                                .ctrl = ctrl,
                                .cmd = cmd,
                                .sf = status.sf,
                                .dw0 = dw0,
                                .error_info = error_info});
}

static void on_drop(void *ctrl_user, nvmens_cmd *c)
{
  rig_ctrl *ctrl = ctrl_user;
  rig_cmd *cmd = (rig_cmd *)c;

  enter(ctrl->rig, 1);
  RIG_MUST(cmd->ctrl == ctrl);
  RIG_MUST(ctrl->released == 0);
  answered(cmd);
  cmd->dropped = 1;
  leave(ctrl->rig, &(rig_event){.kind = RIG_DROP, .ctrl = ctrl, .cmd = cmd});
}

static nvmens_status on_transfer(void *ctrl_user, nvmens_cmd *c, void *buf, size_t len,
                                 nvmens_dir dir)
{
  rig_ctrl *ctrl = ctrl_user;
  rig *r = ctrl->rig;
  rig_cmd *cmd = (rig_cmd *)c;
  nvmens_status status = {0};

  enter(r, 0);
  cmd->transfers++;
  RIG_MUST(cmd->moved + len <= cmd->size);
  if (r->fail_transfer && --r->fail_transfer == 0) {
    status.sf = r->transfer_sf;
  } else if (len) {
    if (dir == NVMENS_TO_HOST)
      memcpy(cmd->data + cmd->moved, buf, len);
    else
      memcpy(buf, cmd->data + cmd->moved, len);
    cmd->moved += len;
  }
  leave(r, &(rig_event){.kind = RIG_TRANSFER,
                        .ctrl = ctrl,
                        .cmd = cmd,
                        .sf = status.sf,
                        .data = buf,
                        .len = len});
  return status;
}

static rig_ns *new_ns(rig *r)
{
  rig_ns *ns = calloc(1, sizeof(*ns));

  RIG_MUST(ns);
  ns->rig = r;
  ns->id = ++r->nns;
  ns->drain = -1;
  ns->next = r->ns;
  r->ns = ns;
  rig_ident(r, &ns->ident);
  return ns;
}

int rig_prepared(rig *r, uint16_t sf, rig_ns **out)
{
  const nvmens_status status = {sf};
  rig_ns *ns = r->intent.create && !sf ? new_ns(r) : NULL;
  int rc;

  if (ns)
    ns->owned = ns->prepared = 1; /* released may come before nvmens_prepared returns */
  rc = nvmens_prepared(r->s, r->prepare_token, status, ns ? &ns->ident : NULL, ns);
  if (rc && ns)
    ns->owned = 0;
  if (out)
    *out = ns;
  rig_check(r);
  return rc;
}

static nvmens_wait on_prepare(void *ctrl_user, nvmens_cmd *c, const nvmens_intent *intent,
                              nvmens_token token)
{
  rig_ctrl *ctrl = ctrl_user;
  rig *r = ctrl->rig;
  nvmens_wait wait = NVMENS_PENDING;

  enter(r, 0);
  RIG_MUST(token != 0);
  r->intent = *intent;
  r->prepare_token = token;
  if (r->prepare == RIG_PREPARE_DONE && !intent->create)
    wait = NVMENS_DONE;
  else if (r->prepare != RIG_PREPARE_PENDING)
    RIG_MUST(rig_prepared(r, r->prepare_sf, NULL) == 0);
  leave(r, &(rig_event){.kind = RIG_PREPARE,
                        .ctrl = ctrl,
                        .ns = intent->ns_user,
                        .cmd = (rig_cmd *)c,
                        .token = token});
  return wait;
}

static int on_identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page)
{
  rig_ctrl *ctrl = ctrl_user;
  rig *r = ctrl->rig;

  (void)cns;
  (void)csi;
  enter(r, 0);
  ((uint8_t *)page)[NVMENS_PAGE - 1] = 0x5A;
  leave(r, &(rig_event){.kind = RIG_IDENTIFY, .ctrl = ctrl, .ns = ns_user, .data = page});
  if (ns_user)
    RIG_MUST(((rig_ns *)ns_user)->released == 0);
  return r->identify_fails ? -1 : 0;
}

/* ---- hooks: objects ---- */

static void on_created(void *ns_user, nvmens_nsref ref)
{
  rig_ns *ns = ns_user;

  enter(ns->rig, 1);
  RIG_MUST(ns->prepared && !ns->created && !ns->released);
  ns->created++;
  ns->ref = ref;
  leave(ns->rig, &(rig_event){.kind = RIG_CREATED, .ns = ns});
}

static void on_attached(void *ns_user, void *ctrl_user)
{
  rig_ns *ns = ns_user;
  rig_ctrl *ctrl = ctrl_user;

  enter(ns->rig, 1);
  RIG_MUST(ns->released == 0);
  RIG_MUST(ctrl->released == 0);
  RIG_MUST(ns->on[ctrl->id] == 0);
  RIG_MUST(ns->created == ns->prepared);
  ns->on[ctrl->id] = 1;
  leave(ns->rig, &(rig_event){.kind = RIG_ATTACHED, .ns = ns, .ctrl = ctrl});
}

static void on_detached(void *ns_user, void *ctrl_user)
{
  rig_ns *ns = ns_user;
  rig_ctrl *ctrl = ctrl_user;

  enter(ns->rig, 1);
  RIG_MUST(ns->released == 0);
  RIG_MUST(ctrl->released == 0);
  RIG_MUST(ns->on[ctrl->id] == 1);
  RIG_MUST(ns->held[ctrl->id] == 0); /* G1 */
  ns->on[ctrl->id] = 0;
  leave(ns->rig, &(rig_event){.kind = RIG_DETACHED, .ns = ns, .ctrl = ctrl});
}

static void on_released(void *ns_user, nvmens_reason reason)
{
  rig_ns *ns = ns_user;
  unsigned i;

  enter(ns->rig, 1);
  RIG_MUST(ns->released == 0);
  RIG_MUST(ns->created == (ns->prepared && reason != NVMENS_CREATE_FAILED));
  for (i = 0; i < RIG_CTRLS; i++) {
    RIG_MUST(ns->on[i] == 0);
    RIG_MUST(ns->held[i] == 0);
  }
  ns->released++;
  ns->reason = reason;
  leave(ns->rig, &(rig_event){.kind = RIG_RELEASED, .ns = ns, .reason = reason});
}

static void on_ctrl_released(void *ctrl_user)
{
  rig_ctrl *ctrl = ctrl_user;
  rig *r = ctrl->rig;
  rig_ns *ns;

  enter(r, 1);
  RIG_MUST(ctrl->released == 0);
  for (ns = r->ns; ns; ns = ns->next)
    RIG_MUST(ns->on[ctrl->id] == 0);
  ctrl->released = 1;
  ctrl->c = NULL;
  leave(r, &(rig_event){.kind = RIG_CTRL_RELEASED, .ctrl = ctrl});
}

/* R35 */
static void on_reset_done(void *ctrl_user)
{
  rig_ctrl *ctrl = ctrl_user;
  rig *r = ctrl->rig;

  enter(r, 1);
  RIG_MUST(ctrl->released == 0);
  for (const rig_cmd *cmd = r->cmds; cmd; cmd = cmd->next)
    RIG_MUST(cmd->ctrl != ctrl || !cmd->old || cmd->done || cmd->dropped);
  ctrl->resets++;
  leave(r, &(rig_event){.kind = RIG_RESET_DONE, .ctrl = ctrl});
}

static nvmens_wait on_drain(void *ns_user, void *ctrl_user, nvmens_token token)
{
  rig_ns *ns = ns_user;
  rig_ctrl *ctrl = ctrl_user;
  rig *r = ns->rig;
  const rig_drain how = ns->drain < 0 ? r->drain : (rig_drain)ns->drain;

  enter(r, 1);
  RIG_MUST(ns->released == 0);
  RIG_MUST(ctrl->released == 0);
  RIG_MUST(ns->on[ctrl->id] == 1);
  RIG_MUST(token != 0);
  ns->token[ctrl->id] = token;
  if (how == RIG_DRAIN_EARLY || how == RIG_DRAIN_DOUBLE)
    RIG_MUST(rig_done(r, token) == 0); /* T7 */
  leave(r, &(rig_event){.kind = RIG_DRAIN, .ns = ns, .ctrl = ctrl, .token = token});
  return how == RIG_DRAIN_DONE || how == RIG_DRAIN_DOUBLE ? NVMENS_DONE : NVMENS_PENDING;
}

static void on_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  rig_ns *ns = ns_user;
  rig_ctrl *ctrl = ctrl_user;

  enter(ns->rig, 1);
  RIG_MUST(ns->released == 0);
  RIG_MUST(ctrl->released == 0);
  RIG_MUST(ns->on[ctrl->id] == 1);
  RIG_MUST(token == ns->token[ctrl->id]);
  leave(ns->rig, &(rig_event){.kind = RIG_ABORT, .ns = ns, .ctrl = ctrl, .token = token});
}

/* ---- hooks: surroundings ---- */

static void on_wake(void *user)
{
  ((rig *)user)->wakes++;
}

static void on_lock(void *user)
{
  rig *r = user;

  RIG_SAY(!r->locked, "the lock is taken twice");
  r->locked = 1;
}

static void on_unlock(void *user)
{
  rig *r = user;

  RIG_SAY(r->locked, "the lock is given twice");
  r->locked = 0;
}

static void on_trace(void *user, const nvmens_trace *trace)
{
  rig *r = user;

  if (r->on_trace)
    r->on_trace(r, trace);
}

static void *take(void *user, size_t size)
{
  rig *r = user;
  void *block;

  r->allocs++;
  if (r->fail_alloc == 1) {
    r->fail_alloc = r->fail_all ? 1 : 0;
    r->failed++;
    return NULL;
  }
  if (r->fail_alloc)
    r->fail_alloc--;
  block = malloc(size);
  RIG_MUST(block);
  memset(block, 0xC5, size); /* nobody may count on zeroes */
  r->live++;
  r->bytes += size;
  return block;
}

static void give(void *user, void *block)
{
  rig *r = user;

  if (!block)
    return;
  RIG_MUST(r->live > 0);
  r->live--;
  free(block);
}

/* ---- the rig ---- */

static int start(rig *r, const nvmens_subsys_config *config, unsigned without)
{
  const nvmens_host host = {.cmd_complete = on_complete,
                            .cmd_drop = on_drop,
                            .transfer = on_transfer,
                            .prepare = without & RIG_NO_PREPARE ? NULL : on_prepare,
                            .created = on_created,
                            .attached = on_attached,
                            .detached = on_detached,
                            .released = on_released,
                            .ctrl_released = on_ctrl_released,
                            .reset_done = on_reset_done,
                            .drain_begin = without & RIG_NO_DRAIN ? NULL : on_drain,
                            .drain_abort = without & RIG_NO_DRAIN ? NULL : on_abort,
                            .identify = without & RIG_NO_IDENTIFY ? NULL : on_identify,
                            .wake = on_wake,
                            .lock = without & RIG_NO_LOCK ? NULL : on_lock,
                            .unlock = without & RIG_NO_LOCK ? NULL : on_unlock,
                            .trace = on_trace};
  const nvmens_mem mem = {r, take, give};

  r->now = 1000;
  r->transfer_sf = RIG_DNR(NVMENS_SC_DATA_TRANSFER_ERROR);
  r->log_mask = RIG_LOG_EFFECTS;
  return nvmens_subsys_new(&r->s, config, &host, &mem, r);
}

rig *rig_new_without(const nvmens_subsys_config *config, unsigned hooks)
{
  rig *r = calloc(1, sizeof(*r));

  RIG_MUST(r);
  RIG_MUST(start(r, config, hooks) == 0);
  rig_check(r);
  return r;
}

int rig_try(const nvmens_subsys_config *config, unsigned fail_alloc)
{
  rig *r = calloc(1, sizeof(*r));
  int rc;

  RIG_MUST(r);
  r->fail_alloc = fail_alloc;
  rc = start(r, config, 0);
  if (rc == 0)
    RIG_MUST(nvmens_subsys_del(r->s) == 0);
  RIG_MUST(r->live == 0);
  free(r);
  return rc;
}

rig *rig_new(const nvmens_subsys_config *config)
{
  return rig_new_without(config, 0);
}

void rig_check(rig *r)
{
  const char *why = NULL;
  int broken;

  if (r->hooks || r->no_check)
    return;
  RIG_SAY(!r->locked, "a call has returned with the lock held");
  broken = nvmens_subsys_check(r->s, &why);
  RIG_SAY(broken == 0, "invariant %d: %s", broken, why ? why : "?");
}

static void finish_drains(rig *r)
{
  rig_ns *ns;
  unsigned i;

  for (ns = r->ns; ns; ns = ns->next)
    for (i = 0; i < r->nctrl; i++)
      if (ns->on[i] && ns->token[i])
        (void)rig_done(r, ns->token[i]);
  rig_rest(r);
}

static void free_all(rig *r)
{
  while (r->cmds) {
    rig_cmd *cmd = r->cmds;
    const uint8_t *byte = (const uint8_t *)&cmd->cmd;
    size_t i;

    RIG_MUST(cmd->done + cmd->dropped == (cmd->taken ? 1u : 0u));
    for (i = 0; cmd->taken && i < sizeof(cmd->cmd); i++)
      RIG_SAY(byte[i] == 0xA5, "a command is written after its answer");
    r->cmds = cmd->next;
    free(cmd->own);
    free(cmd);
  }
  while (r->ns) {
    rig_ns *ns = r->ns;

    RIG_MUST(ns->released == ns->owned);
    r->ns = ns->next;
    free(ns);
  }
  while (r->nctrl) {
    rig_ctrl *ctrl = r->ctrl[--r->nctrl];

    RIG_MUST(ctrl->released == ctrl->owned);
    free(ctrl);
  }
  free(r->log);
  free(r->log_text);
  free(r);
}

void rig_end(rig *r)
{
  unsigned i;

  RIG_MUST(r->hooks == 0);
  r->react = NULL;
  for (i = 0; i < r->nctrl; i++)
    if (r->ctrl[i]->c)
      nvmens_ctrl_reset(r->ctrl[i]->c);
  finish_drains(r);
  while (r->nlane)
    rig_lane_del(r, r->lane[0]);
  rig_rest(r);
  r->drain = RIG_DRAIN_DONE;
  for (rig_ns *ns = r->ns; ns; ns = ns->next)
    ns->drain = -1;
  RIG_MUST(nvmens_subsys_del(r->s) == 0);
  RIG_MUST(r->live == 0);
  free_all(r);
}
