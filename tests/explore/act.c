/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * act.c: what the backend may do with namespaces, I/O and time. Each action says what the rules
 * want first (the truth), then calls the library, and compares what it answers.
 */
#include "explore.h"

/* ---- the truth ---- */

void note(ctl *c, int log, uint32_t nsid, bool loud)
{
  log_shadow *s = &c->log[log];
  uint8_t bit = (uint8_t)(1 << nsid);

  if (c->state != READY)
    return;
  s->dirty |= bit;
  s->fresh |= bit;
  if (loud)
    s->owed = s->owed_fresh = 1;
}

void note_all(uint32_t nsid)
{
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    note(c, G_LOG, nsid, true);
}

void leaves_draining(ctl *c, uint32_t nsid)
{
  c->owner[nsid] = 0;
  c->due[nsid] = 0;
}

void begin_leave(ctl *c, uint32_t nsid, uint8_t state, uint64_t due)
{
  c->att[nsid] = state;
  c->due[nsid] = state == DRAINING ? due : 0;
}

/* owner: command slot + 1 of a delete, or 0. */
void remove_truth(obj *o, bool surprise, uint64_t due, uint8_t owner)
{
  uint8_t n = o->nsid;

  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
    bool loud = !owner || E->slot[owner - 1].ctl != c->index;

    if (c->att[n] == ATTACHED) {
      begin_leave(c, n, surprise ? ABORTING : DRAINING, due);
      note(c, A_LOG, n, loud);
    } else if (c->att[n] == DRAINING && surprise) {
      c->att[n] = ABORTING;
      leaves_draining(c, n);
    } else if (c->att[n] == DRAINING && due < c->due[n]) {
      c->due[n] = due;
    }
    if (!o->deleting)
      note(c, G_LOG, n, loud);
  }
  if (!o->deleting)
    o->reason = owner ? NVMENS_HOST_DELETED : NVMENS_UNPLUGGED;
  o->deleting = 1;
}

/* When `attached` is called. Behind a fence it was told before; what a read has let in stands in
 * the
 * page of that very read. */
void attach_truth(obj *o, ctl *c)
{
  c->att[o->nsid] = ATTACHED;
  if (c->fenced[o->nsid])
    return;
  check_shown_elsewhere(c, o->nsid);
  if (c->state != READY || in_log(c, A_LOG, o->nsid))
    note(c, A_LOG, o->nsid, true);
  for (ctl *other = E->ctl; other < E->ctl + W->ctrls; other++)
    if (other->ctrl && in_log(other, G_LOG, o->nsid))
      note(other, G_LOG, o->nsid, true);
}

/* R58. */
int expect_attach(const obj *o, const ctl *c)
{
  uint8_t n = o->nsid;

  if (c->state == NO_CTRL || c->state == GOING || o->deleting)
    return NVMENS_ERR_BUSY;
  if (c->att[n] == ATTACHED || wanted(c, n) || fenced(c, n) ||
      (c->att[n] != DETACHED && should(o, c)))
    return NVMENS_ERR_EXISTS;
  for (const ctl *other = E->ctl; other < E->ctl + W->ctrls && !o->shared; other++)
    if (other->att[n] == ATTACHED || wanted(other, n) || fenced(other, n) ||
        (other->att[n] != DETACHED && should(o, other)))
      return NVMENS_ERR_PRIVATE;
  return 0;
}

/* ---- what a call said ---- */

outcome said(int err, int expected, const char *call)
{
  MUST(21, err == expected, "%s returns %s, expected %s", call, nvmens_strerror(err),
       nvmens_strerror(expected));
  return err ? REFUSED : DONE;
}

/* ---- namespaces ---- */

static int expect_new(const action *a)
{
  uint64_t used = 1;

  if (E->ending)
    return NVMENS_ERR_BUSY;
  if (obj_of(a->n))
    return obj_of(a->n)->deleting ? NVMENS_ERR_BUSY : NVMENS_ERR_EXISTS;
  for (const obj *o = E->obj; o < E->obj + OBJS; o++) {
    if (o->used && o->who == a->x)
      return NVMENS_ERR_EXISTS;
    used += o->used ? o->size : 0;
  }
  return W->capacity && used > W->capacity ? NVMENS_ERR_CAPACITY : 0;
}

static outcome new_ns(action a)
{
  nvmens_ns_config config = {.nsid = a.n, .nsze = 1, .ident = ident_of(a.x)};
  int expected = expect_new(&a);
  obj *o = obj_new();
  obj fresh = {.used = 1, .nsid = a.n, .who = a.x, .size = 1};
  int err;

  config.shared = fresh.shared = !(W->private_ns >> a.n & 1);
  config.auto_attach = fresh.auto_attach = a.kind == K_NEW;
  if (!expected) {
    *o = fresh;
    find_keepers();
    note_all(a.n);
  }
  now.may_alloc = 1;
  err = nvmens_ns_new(E->s, &config, o, &o->ref);
  return said(err, expected, "ns_new");
}

static outcome plug(obj *o)
{
  if (!o->deleting) {
    bool there = false;

    o->auto_attach = 1;
    for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
      c->wish[o->nsid] = 0;
      E->past[c->index][o->nsid].wish = 0;
      there |= c->ctrl && host_of(c) + 1 == o->keeper;
    }
    if (!there)
      o->keeper = 0;
    find_keepers();
  }
  now.may_alloc = 1;
  return said(nvmens_ns_plug(E->s, o->ref), o->deleting ? NVMENS_ERR_BUSY : 0, "ns_plug");
}

static outcome unplug(obj *o, uint8_t kind)
{
  bool surprise = kind == K_UNPLUG_SURPRISE;
  uint64_t after = kind == K_UNPLUG_SOON ? 1 : W->deadline;
  nvmens_mode mode = surprise ? NVMENS_SURPRISE : NVMENS_ORDERLY;
  nvmens_nsref ref = o->ref;

  remove_truth(o, surprise, E->now + after, 0);
  return said(nvmens_ns_unplug(E->s, ref, mode, E->now, after), 0, "ns_unplug");
}

static outcome attach(obj *o, ctl *c)
{
  int expected = expect_attach(o, c);

  if (c->state == NO_CTRL)
    return SKIPPED;
  if (!expected)
    wish(o, c, WISH_ATTACH);
  now.may_alloc = 1;
  return said(nvmens_ns_attach(E->s, o->ref, c->ctrl), expected, "ns_attach");
}

static outcome detach(obj *o, ctl *c, bool surprise)
{
  uint8_t n = o->nsid, state = c->att[n];
  int expected = expect_detach(o, c, surprise);

  if (c->state == NO_CTRL)
    return SKIPPED;
  if (!expected)
    wish(o, c, WISH_DETACH);
  if (state == ATTACHED) {
    begin_leave(c, n, surprise ? ABORTING : DRAINING, E->now + W->deadline);
    note(c, A_LOG, n, true);
    note_all(n);
  } else if (state == DRAINING && surprise) {
    c->att[n] = ABORTING;
    leaves_draining(c, n);
  }
  return said(nvmens_ns_detach(E->s, o->ref, c->ctrl, surprise ? NVMENS_SURPRISE : NVMENS_ORDERLY,
                               E->now, W->deadline),
              expected, "ns_detach");
}

static outcome update(obj *o)
{
  nvmens_ns_attrs attrs = {.set = NVMENS_SET_SIZE, .nsze = 3 - o->size};
  uint64_t used = attrs.nsze;
  int expected = o->deleting ? NVMENS_ERR_BUSY : 0;

  for (const obj *other = E->obj; other < E->obj + OBJS; other++)
    used += other->used && other != o ? other->size : 0;
  if (!expected && W->capacity && used > W->capacity)
    expected = NVMENS_ERR_CAPACITY;
  if (!expected) {
    o->size = attrs.nsze;
    for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
      if (c->att[o->nsid] == ATTACHED)
        note(c, A_LOG, o->nsid, true);
    note_all(o->nsid);
  }
  return said(nvmens_ns_update(E->s, o->ref, &attrs), expected, "ns_update");
}

static outcome act_ns(action a)
{
  obj *o = obj_of(a.n);

  if (a.kind == K_NEW || a.kind == K_NEW_BARE)
    return new_ns(a);
  if (!o)
    return SKIPPED;
  switch (a.kind) {
  case K_PLUG:
    return plug(o);
  case K_ATTACH:
    return attach(o, &E->ctl[a.c]);
  case K_DETACH:
    return detach(o, &E->ctl[a.c], false);
  case K_DETACH_SURPRISE:
    return detach(o, &E->ctl[a.c], true);
  case K_UPDATE:
    return update(o);
  default:
    return unplug(o, a.kind);
  }
}

/* ---- I/O, answers, time ---- */

static outcome begin_io(ctl *c, uint8_t n)
{
  void *seen = NULL;

  if (!c->lane || c->held[n] >= W->io || c->state != READY || c->att[n] != ATTACHED)
    return SKIPPED; /* check.c looks at what is refused */
  MUST(4, nvmens_io_begin(c->lane, n, &c->ticket[n], &seen).sf == 0, "I/O to NSID %u is refused",
       n);
  MUST(4, seen == obj_of(n), "I/O is given another namespace");
  c->held[n]++;
  return DONE;
}

static outcome end_io(ctl *c, uint8_t n, bool remote)
{
  if (c->held[n] - c->far[n] == 0 && !(remote && c->far[n]))
    return SKIPPED;
  c->held[n]--;
  if (remote) {
    c->far[n] = (uint8_t)(c->far[n] - (c->far[n] > 0));
    nvmens_io_end_remote(E->s, c->ticket[n]);
  } else {
    nvmens_io_end(c->lane, c->ticket[n]);
  }
  return DONE;
}

/* The queue goes: what is in flight ends by itself. Or comes again. */
static outcome lane(ctl *c)
{
  if ((!W->io && !W->host) || c->state == NO_CTRL || c->state == GOING)
    return SKIPPED;
  now.may_alloc = 1;
  if (!c->lane) {
    MUST(0, nvmens_lane_new(&c->lane, c->ctrl) == 0, "lane_new");
    return DONE;
  }
  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
    c->far[nsid] = c->held[nsid];
  nvmens_lane_del(c->lane);
  c->lane = NULL;
  return DONE;
}

static outcome answer(ctl *c, uint8_t n)
{
  drain *d = &c->drain[n];

  if (!d->live || d->answered)
    return SKIPPED;
  d->answered = 1;
  return said(nvmens_done(E->s, d->token, (nvmens_status){0}), 0, "done");
}

static outcome poll(void)
{
  E->woken = 0;
  nvmens_poll(E->s, E->now);
  return DONE;
}

static outcome tick(void)
{
  if (nvmens_next_deadline(E->s) == UINT64_MAX)
    return SKIPPED;
  E->now++;
  hosts_give_up();
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      if (c->att[nsid] == DRAINING && c->due[nsid] <= E->now) {
        now.features |= F(DEADLINE);
        /* A drain whose halves are both done ends first: poll looks at gates, then at deadlines. */
        if (c->drain[nsid].answered && !c->held[nsid])
          continue;
        c->att[nsid] = ABORTING;
        leaves_draining(c, nsid);
      }
  for (const slot *s = E->slot; s < E->slot + CMDS; s++)
    if (s->state == C_TAKEN && s->prep && s->due <= E->now)
      now.features |= F(DEADLINE);
  return poll();
}

static outcome act_io(action a)
{
  ctl *c = &E->ctl[a.c];

  switch (a.kind) {
  case K_IO_BEGIN:
    return begin_io(c, a.n);
  case K_IO_END:
    return end_io(c, a.n, false);
  case K_IO_REMOTE:
    return end_io(c, a.n, true);
  case K_LANE:
    return lane(c);
  case K_DONE:
    return answer(c, a.n);
  case K_TICK:
    return tick();
  default:
    return E->woken ? poll() : SKIPPED;
  }
}

/* ---- all of them ---- */

static bool allowed_at_the_end(uint8_t kind)
{
  return kind == K_DONE || kind == K_POLL || kind == K_SUBSYS_DEL || kind == K_NEW;
}

outcome act(action a)
{
  now.may_alloc = 0;
  if (E->over || (E->ending && !allowed_at_the_end(a.kind)))
    return SKIPPED;
  if (a.kind <= K_UPDATE)
    return act_ns(a);
  if (a.kind <= K_TICK)
    return act_io(a);
  if (a.kind <= K_STAMP_READ || a.kind == K_SUBSYS_DEL)
    return act_ctrl(a);
  if (a.kind == K_PREPARED || a.kind == K_PREPARE_FAILED ||
      (a.kind >= K_CMD_ATTACH && a.kind <= K_CMD_FAILS))
    return act_mgmt(a);
  if (a.kind >= K_READ && a.kind <= K_READ_RESET)
    return act_log(a);
  return act_host(a);
}

/* ---- after each ---- */

/* Whether a command has something to wait for. */
static bool has_reason(const slot *s)
{
  uint8_t index = (uint8_t)(s - E->slot + 1);

  if (s->prep)
    return true;
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      if (c->att[nsid] == DRAINING && (c->owner[nsid] == index || (s->nsids >> nsid & 1)))
        return true;
  return false;
}

static void check_slots(void)
{
  for (slot *s = E->slot; s < E->slot + CMDS; s++) {
    if (s->state == C_DONE) {
      MUST(18, s->dropped || s->sf == NVMENS_SC_INTERNAL_ERROR || !has_reason(s),
           "a command completes while what it waits for still drains");
      memset(s, 0, sizeof(*s));
    } else if (s->state == C_TAKEN && s->kind != C_AER) {
      MUST(18, has_reason(s), "a command waits for nothing");
    }
  }
}

static void check_events(const ctl *c)
{

  if (now.told_a[c->index])
    MUST(9, told_again() || (c->log[A_LOG].owed && c->log[A_LOG].dirty),
         "controller %u is told of attached namespaces without a reason (P6)", c->index);
  if (now.told_g[c->index])
    MUST(9, c->log[G_LOG].owed && c->log[G_LOG].dirty,
         "controller %u is told of allocated namespaces without a reason (P6)", c->index);
}

void after_action(void)
{
  hosts_arm();
  follow_fences();
  check_slots();
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    check_events(c);
}

unsigned waiting(void)
{
  unsigned count = 0;

  for (const slot *s = E->slot; s < E->slot + CMDS; s++)
    count += s->state == C_TAKEN && s->kind != C_AER;
  return count;
}

ctl *ready(uint8_t c)
{
  return E->ctl[c].state == READY ? &E->ctl[c] : NULL;
}
