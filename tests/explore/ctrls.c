/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctrls.c: what happens to controllers as a whole, events of other sources, the end.
 */
#include "explore.h"

/* ---- come and go ---- */

static outcome new_ctrl(ctl *c)
{
  nvmens_ctrl_config config = {.cntlid = c->index, .cntlid_given = !W->keeps, .pci = !W->keeps};
  int expected = E->ending ? NVMENS_ERR_BUSY : c->state == NO_CTRL ? 0 : NVMENS_ERR_EXISTS;
  nvmens_ctrl_info info;
  nvmens_ctrl *other;

  if ((c->state != NO_CTRL && c->state != GOING) || (W->keeps && c->state == GOING))
    return SKIPPED;
  config.hostid[0] = (uint8_t)(1 + host_of(c));
  if (!expected) {
    c->state = DISABLED;
    c->aec = W->aec;
  }
  c->cntlid = W->keeps ? next_cntlid(config.hostid) : c->index;
  if (!expected) {
    ctrl_wishes(c, true);
    find_keepers();
  }
  now.may_alloc = 1;
  if (said(nvmens_ctrl_new(expected ? &other : &c->ctrl, E->s, &config, c), expected, "ctrl_new") ==
      REFUSED)
    return REFUSED;
  nvmens_ctrl_query(c->ctrl, &info);
  MUST(0, c->cntlid == info.cntlid, "another CNTLID");
  if (W->io || W->host)
    MUST(0, nvmens_lane_new(&c->lane, c->ctrl) == 0, "lane_new");
  return DONE;
}

void ctl_start(ctl *c)
{
  new_ctrl(c);
}

static void forget_commands(const ctl *of)
{
  for (slot *s = E->slot; s < E->slot + CMDS; s++) {
    if (s->state != C_TAKEN || s->ctl != of->index)
      continue;
    s->old = 1;
    s->nsids = 0;
    for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
      for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
        if (c->owner[nsid] == s - E->slot + 1)
          c->owner[nsid] = 0;
  }
}

static void epoch_truth(ctl *c)
{
  forget_commands(c);
  memset(c->log, 0, sizeof(c->log));
  c->aec = W->aec;
  c->posted = c->posted_fresh = 0;
  c->stamp_old = c->has_stamp;
}

static outcome reset(ctl *c, bool nested)
{
  if (c->state != GOING) {
    now.features |= F(RESET);
    c->state = DISABLED;
    epoch_truth(c);
  }
  now.reset_done &= (uint8_t) ~(1 << c->index);
  nvmens_ctrl_reset(c->ctrl);
  for (const slot *s = E->slot; s < E->slot + CMDS && !nested; s++)
    MUST(1, s->state != C_TAKEN || s->ctl != c->index, "a command outlives its reset");
  MUST(1, nested || c->state == GOING || now.reset_done >> c->index & 1, "a reset does not end");
  return c->state == GOING ? REFUSED : DONE;
}

static outcome del(ctl *c)
{
  bool again = c->state == GOING;

  if (!again) {
    now.features |= F(REMOVAL);
    epoch_truth(c);
    c->state = GOING;
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      if (c->att[nsid] != DETACHED) {
        c->att[nsid] = ABORTING;
        leaves_draining(c, nsid);
      }
  }
  nvmens_ctrl_del(c->ctrl);
  return again ? REFUSED : DONE;
}

static outcome enable(ctl *c)
{
  static const int answers[] = {0, 0, NVMENS_ERR_BUSY, NVMENS_ERR_BUSY, NVMENS_ERR_STALE};
  int expected = answers[c->state];

  if (!expected)
    c->state = READY;
  for (uint32_t nsid = 1; nsid <= W->nsids && !expected; nsid++)
    if (owes(c, nsid)) /* quietly (R65) */
      note(c, A_LOG, nsid, false);
  if (said(nvmens_ctrl_enable(c->ctrl, 0), expected, "ctrl_enable") == REFUSED)
    return REFUSED;
  if (W->host)
    host_start(c);
  return DONE;
}

static outcome shutdown(ctl *c)
{
  bool was = c->state == READY;

  if (was) {
    now.features |= F(SHUTDOWN);
    c->state = SHUTDOWN;
  }
  nvmens_ctrl_shutdown(c->ctrl);
  return was ? DONE : REFUSED;
}

/* ---- events of other sources ---- */

static const struct {
  uint8_t type, info, lid;
  uint32_t mask;
} posts[POSTS] = {{NVMENS_AER_SMART, 0, NVMENS_LID_SMART, 0x02},
                  {NVMENS_AER_NOTICE, 3, NVMENS_LID_ANA, 0},
                  {NVMENS_AER_IMMEDIATE, 0, 0, 0}};

static outcome post(ctl *c, uint8_t x)
{
  if (c->state == READY) {
    c->posted |= (uint8_t)(1 << x);
    c->posted_fresh |= (uint8_t)(1 << x);
  }
  return said(nvmens_event_post(c->ctrl, posts[x].type, posts[x].info, posts[x].lid, posts[x].mask),
              0, "event_post");
}

static outcome own_read(ctl *c, uint8_t x)
{
  if (c->state != READY || x == 2)
    return SKIPPED;
  c->posted &= (uint8_t) ~(1 << x);
  nvmens_log_was_read(c->ctrl, posts[x].lid, nvmens_log_latch(c->ctrl, posts[x].lid));
  return DONE;
}

static outcome stamp(ctl *c)
{
  if (c->state != READY || c->has_stamp)
    return SKIPPED;
  c->stamp = nvmens_log_latch(c->ctrl, posts[0].lid);
  c->has_stamp = 1;
  c->posted_fresh = 0;
  return DONE;
}

static outcome stamp_read(ctl *c, uint8_t x)
{
  digest before;

  if (!c->has_stamp || x == 2)
    return SKIPPED;
  if (c->stamp_old) { /* 14: of an old epoch, it changes nothing */
    before = canon_digest(true);
    nvmens_log_was_read(c->ctrl, posts[x].lid, c->stamp);
    MUST(14, canon_digest(true).lo == before.lo, "a stamp of before a reset clears an event");
  } else {
    if (!(c->posted_fresh >> x & 1))
      c->posted &= (uint8_t) ~(1 << x);
    nvmens_log_was_read(c->ctrl, posts[x].lid, c->stamp);
  }
  c->has_stamp = c->stamp_old = 0;
  c->stamp = 0;
  return DONE;
}

/* ---- the subsystem ---- */

static bool quiet(void)
{
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
    if (c->lane || c->state == GOING)
      return false;
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      if (c->drain[nsid].live || c->held[nsid])
        return false;
  }
  for (const slot *s = E->slot; s < E->slot + CMDS; s++)
    if (s->state == C_TAKEN)
      return false;
  for (const prep *p = E->prep; p < E->prep + PREPS; p++)
    if (p->live)
      return false;
  return true;
}

static void end_truth(void)
{
  E->ending = 1;
  for (obj *o = E->obj; o < E->obj + OBJS; o++)
    if (o->used)
      remove_truth(o, false, UINT64_MAX, 0);
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    if (c->state != NO_CTRL) {
      epoch_truth(c);
      c->state = GOING;
      for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
        if (c->att[nsid] != DETACHED) {
          c->att[nsid] = ABORTING;
          leaves_draining(c, nsid);
        }
    }
}

static bool all_gone(void)
{
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    if (c->state != NO_CTRL)
      return false;
  for (const obj *o = E->obj; o < E->obj + OBJS; o++)
    if (o->used)
      return false;
  return true;
}

static outcome subsys_del(void)
{
  bool begins = !E->ending && quiet(), was_ending = E->ending;
  int err;

  if (begins)
    end_truth();
  err = nvmens_subsys_del(E->s);
  MUST(0, err == 0 || err == NVMENS_ERR_BUSY, "subsys_del returns %d", err);
  if (err) {
    MUST(3, !E->ending || !all_gone(), "subsys_del is busy with nothing");
    return begins || was_ending ? DONE : REFUSED;
  }
  MUST(2, E->ending && all_gone(), "subsys_del succeeds, and not all was released");
  MUST(0, arena_blocks() == 0, "memory is left after subsys_del");
  memset(E, 0, sizeof(*E));
  E->over = 1;
  return DONE;
}

outcome act_ctrl(action a)
{
  ctl *c = &E->ctl[a.c];

  if (a.kind == K_SUBSYS_DEL)
    return subsys_del();
  if (a.kind == K_CTRL_NEW)
    return new_ctrl(c);
  if (c->state == NO_CTRL)
    return SKIPPED;
  switch (a.kind) {
  case K_ENABLE:
    return enable(c);
  case K_RESET:
    return reset(c, a.x);
  case K_SHUTDOWN:
    return shutdown(c);
  case K_CTRL_DEL:
    return del(c);
  case K_POST:
    return post(c, a.x);
  case K_OWN_READ:
    return own_read(c, a.x);
  case K_STAMP:
    return stamp(c);
  default:
    return stamp_read(c, a.x);
  }
}
