/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hooks.c: what the library calls, and how a world begins. The hooks check what only they can see:
 * invariants 1, 2, 3, 4, 12, 13, 16.
 */
#include "explore.h"

#include <stdarg.h>

moment now;
const world *W;
env *E;
char violation[512];
bool tracing;
uint8_t cells[NVMENS_MACHINES][16][6];

void broken(int invariant, const char *format, ...)
{
  va_list args;
  int n;

  if (violation[0])
    return;
  n = snprintf(violation, sizeof(violation), "invariant %d: ", invariant);
  va_start(args, format);
  vsnprintf(violation + n, sizeof(violation) - (size_t)n, format, args);
  va_end(args);
}

/* T3, T4: hooks run with the lock released, and do not nest but for what they call themselves. */
static void enter(void)
{
  MUST(0, !now.locked, "a hook is called with the lock held");
}

static slot *slot_of(nvmens_cmd *cmd)
{
  return (slot *)(void *)((char *)cmd - offsetof(slot, cmd));
}

static void ends(ctl *c, slot *s)
{
  enter();
  MUST(1, s->state == C_TAKEN, "a command ends that is not the library's");
  MUST(2, c->ctrl != NULL && s->ctl == c->index, "a command ends for a controller that is gone");
  s->state = C_DONE;
  if (s->prep)
    E->prep[s->prep - 1].slot = 0;
  s->prep = 0;
}

static void leave_fifo(ctl *c, const slot *s, bool oldest)
{
  uint8_t index = (uint8_t)(s - E->slot);
  unsigned i = 0;

  while (i < c->nfifo && c->fifo[i] != index)
    i++;
  if (i == c->nfifo)
    return; /* it was never parked */
  MUST(12, !oldest || i == 0, "an AER completes before an older one (P5)");
  c->nfifo--;
  memmove(&c->fifo[i], &c->fifo[i + 1], c->nfifo - i);
}

/* 13: what the event announces is there to be seen: the log lists it, the gates are open. */
static void check_event(ctl *c, uint32_t dw0)
{
  nvmens_att_info info;
  bool listed = false;

  if ((dw0 >> 16 & 0xFF) == NVMENS_LID_CHANGED_ALLOCATED_NS)
    now.told_g[c->index]++;
  if ((dw0 >> 16 & 0xFF) != NVMENS_LID_CHANGED_ATTACHED_NS)
    return;
  now.told_a[c->index]++;
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
    listed |= in_log(c, A_LOG, nsid);
    if (!obj_of(nsid) || nvmens_att_query(E->s, obj_of(nsid)->ref, c->ctrl, &info))
      continue;
    MUST(13, info.state != NVMENS_ATT_ATTACHED || info.open,
         "an event is sent before the gate of NSID %u is open (C8)", nsid);
  }
  MUST(13, listed, "an event is sent for an empty log (C6)");
}

/* 13: who causes a change hears of the end of the command after all have heard of the change. */
static void check_told(void)
{
  MUST(13, !now.expects_created, "a create completes before `created`");
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    MUST(13, !deliverable(c) || opens(c),
         "a command completes before an event of controller %u is sent (C8)", c->index);
}

static void cmd_complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                         uint64_t error_info)
{
  ctl *c = user;
  slot *s = slot_of(cmd);

  (void)error_info;
  ends(c, s);
  MUST(1, !s->old, "a command of before a reset completes (C18)");
  s->sf = status.sf;
  s->dw0 = dw0;
  if (s->kind >= C_ATTACH)
    check_told();
  if (s->kind != C_AER)
    return;
  if (status.sf == 0) {
    leave_fifo(c, s, true);
    if ((dw0 & 7) == NVMENS_AER_IMMEDIATE)
      c->posted &= (uint8_t) ~(1 << 2); /* no read clears it */
    check_event(c, dw0);
    host_event(c);
  } else if (s->aborted) {
    MUST(12, status.sf == NVMENS_SC_ABORTED_BY_REQUEST, "an aborted AER ends with %x", status.sf);
    leave_fifo(c, s, false);
  } else {
    MUST(12, now.submitting, "a parked AER ends in error %x (C3)", status.sf);
  }
}

static void cmd_drop(void *user, nvmens_cmd *cmd)
{
  slot *s = slot_of(cmd);

  ends(user, s);
  MUST(1, s->old, "a command of this epoch is dropped");
  s->dropped = 1;
  if (s->kind == C_AER)
    leave_fifo(user, s, false);
}

static nvmens_status transfer(void *user, nvmens_cmd *cmd, void *buf, size_t len, nvmens_dir dir)
{
  slot *s = slot_of(cmd);
  ctl *c = user;
  action inside = now.inside;

  enter();
  MUST(1, s->state == C_TAKEN && !s->old && s->ctl == c->index,
       "data of a command that is not the library's");
  if (dir == NVMENS_FROM_HOST) {
    memset(buf, 0, len);
    memcpy(buf, now.page, sizeof(now.page));
  } else {
    now.len = (uint32_t)len;
    memcpy(now.page, buf, len < sizeof(now.page) ? len : sizeof(now.page));
  }
  if (inside.kind != KINDS) {
    moment outer = now;

    now.inside.kind = KINDS;
    attached_by_now();
    act(inside);
    if (inside.kind == K_RESET) { /* and in the next epoch there is something to be read */
      act((action){K_ENABLE, inside.c, 0, 0});
      act((action){K_UPDATE, 0, 1, 0});
    }
    outer.features |= now.features;
    outer.inside.kind = KINDS;
    for (int i = 0; i < CTRLS; i++) {
      outer.told_a[i] = now.told_a[i];
      outer.told_g[i] = now.told_g[i];
    }
    now = outer;
  }
  if (now.fail) {
    now.fail = 0;
    return (nvmens_status){NVMENS_SC_DATA_TRANSFER_ERROR | NVMENS_SF_DNR};
  }
  return (nvmens_status){0};
}

static nvmens_wait prepare(void *user, nvmens_cmd *cmd, const nvmens_intent *intent,
                           nvmens_token token)
{
  slot *s = slot_of(cmd);
  ctl *c = user;

  enter();
  MUST(1, s->state == C_TAKEN && s->ctl == c->index, "prepare for a command that has ended");
  if (!intent->create && W->prep_inside)
    return NVMENS_DONE;
  for (prep *p = E->prep; p < E->prep + PREPS; p++)
    if (!p->live) {
      *p = (prep){.token = token, .live = 1, .slot = (uint8_t)(s - E->slot + 1)};
      p->create = intent->create;
      p->nsid = (uint8_t)intent->nsid;
      for (unsigned i = 0; i < intent->ncntlid; i++)
        p->ctrls |= (uint8_t)(1 << intent->cntlid[i]); /* by CNTLID, which is the index here */
      s->prep = (uint8_t)(p - E->prep + 1);
      s->due = E->now + W->deadline;
      return NVMENS_PENDING;
    }
  broken(0, "no room for another prepare");
  return NVMENS_PENDING;
}

/* ---- namespaces ---- */

/* Before the completion that tells the host. */
static void created(void *ns_user, nvmens_nsref ref)
{
  obj *o = ns_user;

  enter();
  MUST(2, o->used && o->nsid == ref.nsid && !o->ref.nsid, "created for NSID %u", ref.nsid);
  MUST(13, now.expects_created, "created after the command that asked for it, or twice");
  now.expects_created = 0;
  o->ref = ref;
  o->reason = NVMENS_UNPLUGGED;
}

/* A host need not wait for the backend: its AER comes while the hook runs. */
static void aer_inside(const ctl *c)
{
  moment outer = now;

  if (!W->hook_aer || c->state != READY || c->nfifo == W->aers)
    return;
  act((action){K_AER, c->index, 0, 0});
  outer.submitting = now.submitting;
  memcpy(outer.told_a, now.told_a, sizeof(outer.told_a));
  memcpy(outer.told_g, now.told_g, sizeof(outer.told_g));
  now = outer;
}

static void attached(void *ns_user, void *ctrl_user)
{
  obj *o = ns_user;
  ctl *c = ctrl_user;
  nvmens_ticket ticket;
  void *seen;

  enter();
  MUST(2, o->used && c->ctrl, "attached names what is gone");
  MUST(2, !c->told[o->nsid], "attached is called twice");
  MUST(4, !c->lane || nvmens_io_begin(c->lane, o->nsid, &ticket, &seen).sf,
       "the gate is open before `attached` has returned");
  if (!c->early[o->nsid]) {
    attach_truth(o, c);
    MUST(28, should(o, c), "attached is called for what should not be");
  }
  c->early[o->nsid] = 0;
  c->told[o->nsid] = 1;
  aer_inside(c);
}

static void detached(void *ns_user, void *ctrl_user)
{
  obj *o = ns_user;
  ctl *c = ctrl_user;
  drain *d = &c->drain[o->nsid];

  enter();
  MUST(2, o->used && c->ctrl, "detached names what is gone");
  MUST(3, d->live && d->answered, "detached before the backend's half of the drain is done");
  MUST(3, !c->held[o->nsid], "detached while a command holds it");
  *d = (drain){.stale = d->token};
  c->told[o->nsid] = 0;
  leaves_draining(c, o->nsid);
  c->att[o->nsid] = DETACHED;
}

static void released(void *ns_user, nvmens_reason reason)
{
  obj *o = ns_user;

  enter();
  MUST(2, o->used, "released is called twice");
  MUST(2, reason == (nvmens_reason)o->reason, "released with reason %d", reason);
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls && reason != NVMENS_CREATE_FAILED; c++)
    MUST(3, !c->drain[o->nsid].live && !c->held[o->nsid],
         "released while controller %u drains or holds it", c->index);
  if (reason != NVMENS_CREATE_FAILED)
    E->stale[o->nsid] = o->ref;
  for (slot *s = E->slot; s < E->slot + CMDS; s++)
    s->nsids &= (uint8_t) ~(1 << o->nsid);
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    c->wish[o->nsid] = WISH_NONE;
  for (prep *p = E->prep; p < E->prep + PREPS; p++)
    p->gone |= p->live && !p->create && p->nsid == o->nsid; /* P16 */
  memset(o, 0, sizeof(*o));
}

static void reset_done(void *ctrl_user)
{
  const ctl *c = ctrl_user;

  enter();
  MUST(2, c->ctrl && c->state != GOING, "reset_done of a controller that goes");
  now.reset_done |= (uint8_t)(1 << c->index);
}

static void ctrl_released(void *ctrl_user)
{
  ctl *c = ctrl_user;
  uint8_t index = c->index;

  enter();
  MUST(2, c->ctrl && c->state == GOING, "ctrl_released of a controller that does not go");
  for (const slot *s = E->slot; s < E->slot + CMDS; s++)
    MUST(1, s->state != C_TAKEN || s->ctl != c->index, "a command outlives its controller");
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    MUST(3, !c->drain[nsid].live && !c->held[nsid], "a controller goes that drains NSID %u", nsid);
  nvmens_lane_del(c->lane);
  ctrl_wishes(c, false);
  memset(c, 0, sizeof(*c));
  c->index = index;
  host_goes(&E->host[index]);
}

static nvmens_wait drain_begin(void *ns_user, void *ctrl_user, nvmens_token token)
{
  obj *o = ns_user;
  ctl *c = ctrl_user;
  drain *d = &c->drain[o->nsid];

  enter();
  MUST(2, o->used && c->ctrl, "drain_begin names what is gone");
  MUST(16, !d->live, "a second drain of NSID %u", o->nsid);
  MUST(16, token && token != d->stale, "a token comes again");
  *d = (drain){.token = token, .live = 1, .stale = d->stale};
  if (W->drain == DRAIN_PENDING)
    return NVMENS_PENDING;
  d->answered = 1;
  if (W->drain == DRAIN_INSIDE) {
    MUST(17, nvmens_done(E->s, token, (nvmens_status){0}) == 0, "a token is not valid in its hook");
    return NVMENS_PENDING;
  }
  return NVMENS_DONE;
}

static void drain_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  obj *o = ns_user;
  ctl *c = ctrl_user;
  drain *d = &c->drain[o->nsid];

  enter();
  MUST(2, o->used && c->ctrl, "drain_abort names what is gone");
  MUST(16, d->live && d->token == token, "drain_abort of something else");
  MUST(16, !d->aborted, "drain_abort is called twice");
  d->aborted = 1;
}

/* ---- surroundings ---- */

static void wake(void *user)
{
  (void)user;
  E->woken = 1;
}

static void lock(void *user)
{
  (void)user;
  MUST(0, !now.locked, "the lock is taken twice");
  now.locked = 1;
}

static void unlock(void *user)
{
  (void)user;
  MUST(0, now.locked, "the lock is released twice");
  now.locked = 0;
}

static void trace(void *user, const nvmens_trace *t)
{
  (void)user;
  if (t->event < 16 && t->from < 6)
    cells[t->machine][t->event][t->from] = 1;
  if (tracing)
    printf("    %-10s ctrl %d nsid %u: %s: %s -> %s%s\n", nvmens_machine_name(t->machine),
           t->cntlid == NVMENS_CNTLID_ANY ? -1 : t->cntlid, t->nsid,
           nvmens_event_name(t->machine, t->event), nvmens_state_name(t->machine, t->from),
           nvmens_state_name(t->machine, t->to), t->refused ? " (refused)" : "");
}

const nvmens_host hooks = {
    .cmd_complete = cmd_complete,
    .cmd_drop = cmd_drop,
    .transfer = transfer,
    .prepare = prepare,
    .created = created,
    .attached = attached,
    .detached = detached,
    .released = released,
    .ctrl_released = ctrl_released,
    .reset_done = reset_done,
    .drain_begin = drain_begin,
    .drain_abort = drain_abort,
    .wake = wake,
    .lock = lock,
    .unlock = unlock,
    .trace = trace,
};

/* ---- the start ---- */

nvmens_ident ident_of(uint8_t who)
{
  nvmens_ident ident = {0};

  memset(ident.uuid, who, sizeof(ident.uuid));
  return ident;
}

obj *obj_of(uint32_t nsid)
{
  for (obj *o = E->obj; o < E->obj + OBJS; o++)
    if (o->used && o->nsid == nsid)
      return o;
  return NULL;
}

obj *obj_new(void)
{
  for (obj *o = E->obj; o < E->obj + OBJS; o++)
    if (!o->used)
      return o;
  broken(0, "no room for another namespace");
  return E->obj;
}

void world_start(const world *w)
{
  nvmens_subsys_config config = {.nn = w->nsids,
                                 .max_ctrls = CTRLS + 1,
                                 .aerl = (uint8_t)(w->aers - 1),
                                 .aerl_is_zero = w->aers == 1,
                                 .mask_scope = w->scope,
                                 .aec_default = w->aec,
                                 .deadline_ns = w->deadline,
                                 .host_wait_ns = w->wait ? w->wait : 1,
                                 .host_memory_ns = w->memory ? w->memory : 1,
                                 .gate_mode = w->io > 1 ? NVMENS_GATE_AUTO : NVMENS_GATE_FENCE};

  arena_start();
  W = w;
  E = arena_env();
  memset(&now, 0, sizeof(now));
  now.inside.kind = KINDS;
  now.may_alloc = 1;
  violation[0] = 0;
  config.tnvmcap.lo = (uint64_t)w->capacity * 512;
  MUST(0, nvmens_subsys_new(&E->s, &config, &hooks, &arena_mem, NULL) == 0, "subsys_new");
  nvmens_poll(E->s, E->now); /* the time is known */
  for (uint8_t i = 0; i < CTRLS; i++)
    E->ctl[i].index = i;
  for (uint8_t i = 0; i < w->ctrls; i++)
    if (!(w->start_none >> i & 1))
      ctl_start(&E->ctl[i]);
  for (uint8_t n = 1; n <= w->nsids; n++)
    if (w->start_ns >> n & 1)
      act((action){K_NEW, 0, n, n});
  for (uint8_t i = 0; i < w->ctrls; i++)
    if (!((w->start_none | w->start_off) >> i & 1))
      act((action){K_ENABLE, i, 0, 0});
  after_action();
  for (uint8_t i = 0; i < w->ctrls && w->restarted; i++)
    for (uint32_t nsid = 1; nsid <= w->nsids; nsid++)
      E->host[i].seen[nsid] = (disk){WHOS, 1};
  memset(&now, 0, sizeof(now));
  now.inside.kind = KINDS;
}
