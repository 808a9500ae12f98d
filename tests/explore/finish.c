/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finish.c: what must still be possible from every state: 24 and 25, the bound on waiting, and the
 * end of everything. Each future starts from the state itself, and every step of it is checked as
 * any action is.
 */
#include "explore.h"

enum { ENOUGH = 256 }; /* rounds: more than anything here takes */

static bool step(uint8_t kind, unsigned c, uint32_t n, unsigned x)
{
  outcome what;

  if (E->over)
    return false;
  now.features = 0;
  memset(now.told_a, 0, sizeof(now.told_a));
  memset(now.told_g, 0, sizeof(now.told_g));
  what = act((action){kind, (uint8_t)c, (uint8_t)n, (uint8_t)x});
  if (what != SKIPPED && !E->over)
    after_action();
  return what == DONE && !violation[0];
}

/* The backend gives everything back that it has: one round. */
static bool give_back(void)
{
  bool moved = false;

  for (unsigned c = 0; c < W->ctrls; c++)
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
      while (step(K_IO_END, c, nsid, 0) || step(K_IO_REMOTE, c, nsid, 0))
        moved = true;
      moved |= step(K_DONE, c, nsid, 0);
    }
  for (unsigned i = 0; i < PREPS; i++)
    moved |= step(K_PREPARED, 0, 0, i);
  moved |= step(K_POLL, 0, 0, 0);
  return moved;
}

/* 25: the backend returns all I/O, and polls when it is woken: everything comes to rest. */
static void come_to_rest(void)
{
  int rounds = 0;

  while (give_back() && ++rounds < ENOUGH)
    continue;
  MUST(25, rounds < ENOUGH, "there is no rest");
  MUST(25, waiting() == 0, "a command waits for ever");
  MUST(25, nvmens_next_deadline(E->s) == path_deadline(), "a timer runs at rest");
  for (const obj *o = E->obj; o < E->obj + OBJS; o++)
    MUST(25, !o->used || !o->deleting, "NSID %u goes for ever", o->nsid);
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
    MUST(25, c->state != GOING, "controller %u goes for ever", c->index);
    for (uint32_t nsid = 1; nsid <= W->nsids; nsid++)
      MUST(25, !c->drain[nsid].live, "NSID %u drains for ever", nsid);
  }
}

/* And from there the subsystem can be taken down: each released is called once, nothing leaks. */
static void take_down(void)
{
  int rounds = 0;

  for (unsigned c = 0; c < W->ctrls; c++) {
    step(K_RESET, c, 0, 0);
    if (E->ctl[c].lane)
      step(K_LANE, c, 0, 0);
  }
  while (!E->over && !violation[0] && ++rounds < ENOUGH) {
    step(K_SUBSYS_DEL, 0, 0, 0);
    give_back();
  }
  MUST(2, E->over || violation[0], "subsys_del does not end");
}

/* Principle 7: the backend is stuck. Deadlines alone end every command of the host's. */
static void be_stuck(void)
{
  int rounds = 0;

  while (step(K_TICK, 0, 0, 0) && ++rounds < ENOUGH)
    continue;
  MUST(25, rounds < ENOUGH, "deadlines do not end");
  MUST(25, waiting() == 0, "a command waits longer than its deadline");
}

static void compare_views(const ctl *c)
{
  const host *h = &E->host[c->index];

  for (uint32_t nsid = 1; nsid <= W->nsids; nsid++) {
    const obj *o = c->att[nsid] == ATTACHED ? obj_of(nsid) : NULL;

    MUST(24, h->seen[nsid].who == (o ? o->who : 0),
         "NSID %u of controller %u is %u, the host has %u", nsid, c->index, o ? o->who : 0,
         h->seen[nsid].who);
    MUST(24, !o || h->seen[nsid].size == o->size, "the host has another size of NSID %u", nsid);
  }
}

static bool there(const ctl *c)
{
  return c->state != NO_CTRL && c->state != GOING;
}

/* Who never asks looks at all twice. */
static void look_around(void)
{
  for (unsigned c = 0; c < W->ctrls; c++)
    for (int scans = 0; scans < 3 && host_is_lazy(&E->host[c]); scans++)
      do
        step(K_HOST_SCAN, c, 0, 0);
      while (E->ctl[c].state == READY && E->host[c].phase != H_IDLE && !violation[0]);
}

static void take_events(void)
{
  bool moved = true;
  int rounds = 0;

  while (moved && ++rounds < ENOUGH) {
    moved = false;
    for (unsigned c = 0; c < W->ctrls; c++)
      while (!host_is_lazy(&E->host[c]) &&
             (step(K_HOST_ARM, c, 0, 0) || step(K_HOST_SCAN, c, 0, 0)) && ++rounds < ENOUGH)
        moved = true;
  }
  MUST(24, rounds < ENOUGH, "the host has no rest");
}

/* 24: the environment stops; the hosts take what they are sent. Then they know what there is, and
 * nothing waits for them. */
static void hosts_catch_up(void)
{
  nvmens_att_info info;

  for (ctl *c = E->ctl; c < E->ctl + W->ctrls; c++)
    if (there(c) && c->state != READY) {
      step(K_RESET, c->index, 0, 0);
      step(K_ENABLE, c->index, 0, 0);
    }
  take_events();
  look_around();
  take_events(); /* of what the lazy ones have let go */
  for (const ctl *c = E->ctl; c < E->ctl + W->ctrls; c++) {
    if (there(c))
      compare_views(c);
    for (uint32_t nsid = 1; nsid <= W->nsids && there(c); nsid++)
      MUST(24,
           !obj_of(nsid) || nvmens_att_query(E->s, obj_of(nsid)->ref, c->ctrl, &info) ||
               info.waits_for != NVMENS_WAITS_FOR_HOST,
           "NSID %u waits for ever at controller %u", nsid, c->index);
  }
}

/* Over fabrics: the paths that are away come back, or never do. */
static void paths_come_back(void)
{
  for (unsigned c = 0; c < W->ctrls; c++)
    step(K_CTRL_NEW, c, 0, 0);
  hosts_catch_up();
}

static void paths_stay_away(void)
{
  int rounds = 0;

  while (step(K_TICK, 0, 0, 0) && ++rounds < ENOUGH)
    continue;
  hosts_catch_up();
}

void check_futures(void)
{
  arena_keep();
  if (!E->ending) {
    be_stuck();
    arena_back();
    if (W->host && !W->keeps && !violation[0]) {
      hosts_catch_up();
      arena_back();
    }
    if (W->keeps && !violation[0]) {
      paths_come_back();
      arena_back();
      if (!violation[0])
        paths_stay_away();
      arena_back();
    }
    if (!violation[0])
      come_to_rest();
  }
  if (!violation[0])
    take_down();
}
