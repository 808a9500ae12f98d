/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_disks.c: hosts with several paths, modelled on Linux, on SPDK and on a driver that asks for
 * no events, while namespaces are swapped and paths are reset, lost and found again. At each step
 * no command gets to another namespace than its disk is of (H1); a listening path is never shown
 * another identity than its disk (H3); at rest each host has the true view on every path (H2, C14).
 *
 * Linux: a scan reads log 04h if an event has come, then CNS 02h, then CNS 03h and 00h of each. A
 * disk whose identity has changed is dropped and not added in that scan; what is not listed is
 * dropped at its end. What another path has otherwise, or where one of the two is private, is
 * refused, and not tried again before the next scan. SPDK looks at what log 04h lists; the third
 * rescans by itself.
 */
#include "disks.h"
#include <stdio.h>

enum { NSIDS = 4, PATHS = 4, MOST = 60 };   /* NSIDs 1 .. 3 */
enum { LINUX, SPDK, DEAF };                 /* kinds of hosts */
enum { UP, DOWN, AWAY };                    /* a path: enabled, disabled, without a controller */
enum { IDLE, LIST, LOOK, END };             /* a scan */
enum { CALM = 1, RESETS = 2, PRIVATE = 4 }; /* a world */

typedef struct path {
  rig_ctrl *c;
  nvmens_lane *lane;
  rig_cmd *aer;
  int kind, state, phase;
  uint8_t host;
  uint16_t cntlid;
  int queued, evented, all; /* a scan is wanted; an event has come; SPDK looks at everything */
  uint32_t at;
  uint8_t todo[NSIDS];
  char disk[NSIDS]; /* 0: none */
} path;

typedef struct world {
  rig *r;
  uint32_t seed, seed0;
  int what;
  path p[PATHS];
  uint8_t want[PATHS][NSIDS];
  unsigned made, refused;
  int rest; /* nothing changes any more */
} world;

static uint32_t dice(world *w, uint32_t n)
{
  w->seed = w->seed * 1664525 + 1013904223;
  return (w->seed >> 8) % n;
}

/* C15: an identity is of one NSID, and is private or shared for good. */
static int is_private(const world *w, char who)
{
  return (w->what & PRIVATE) && who % 2;
}

/* ---- the backend ---- */

static void make(world *w, uint32_t nsid)
{
  const char who = (char)(nsid * 10 + dice(w, 4));
  nvmens_ns_config config = disks_config(nsid, who);
  unsigned i, home = dice(w, PATHS);

  if (is_private(w, who)) {
    config.shared = 0;
    config.home_given = 1;
    config.home_cntlid = w->p[home].cntlid;
  }
  rig_ns_new(w->r, &config);
  for (i = 0; i < PATHS; i++)
    w->want[i][nsid] = config.shared || i == home;
}

static void attach_or_detach(world *w, uint32_t nsid)
{
  const unsigned i = dice(w, PATHS);
  rig_ns *ns = rig_find(w->r, nsid);

  if (w->p[i].state == AWAY || is_private(w, (char)ns->ident.uuid[0]))
    return;
  if (w->want[i][nsid])
    RIG_MUST(rig_detach(ns, w->p[i].c, NVMENS_ORDERLY, RIG_NEVER) == 0);
  else
    RIG_MUST(rig_attach(ns, w->p[i].c) == 0);
  w->want[i][nsid] ^= 1;
}

static void change(world *w)
{
  const uint32_t nsid = 1 + dice(w, NSIDS - 1);

  if (!rig_find(w->r, nsid)) {
    make(w, nsid);
  } else if (dice(w, 4) == 0) {
    attach_or_detach(w, nsid);
  } else {
    disks_take(w->r, nsid);
    if (dice(w, 3))
      make(w, nsid);
  }
}

/* ---- paths come and go ---- */

static void up(path *p)
{
  rig_enable(p->c);
  if (p->kind != DEAF)
    RIG_OK(rig_set_aec(p->c, RIG_BIT4));
  p->state = UP;
  p->queued = p->all = 1;
}

static void down(path *p)
{
  rig_reset(p->c);
  p->state = DOWN;
  p->phase = IDLE;
  p->aer = NULL;
  p->evented = 0;
}

static void come(world *w, path *p)
{
  const nvmens_ctrl_config config = {.cntlid = p->cntlid, .cntlid_given = 1, .hostid = {p->host}};

  p->c = rig_ctrl_new(w->r, &config);
  p->lane = rig_lane(p->c);
  p->state = DOWN;
  w->made++;
}

static void go(world *w, path *p)
{
  if (p->state == UP)
    down(p);
  rig_lane_del(w->r, p->lane);
  rig_ctrl_del(p->c);
  p->c = NULL;
  p->state = AWAY;
}

/* The host keeps its disks. */
static void move(world *w)
{
  path *p = &w->p[dice(w, PATHS)];

  if (w->what & CALM)
    return;
  if (p->state == AWAY) {
    if (w->made < MOST)
      come(w, p);
  } else if (p->state == DOWN) {
    up(p);
  } else if (!(w->what & RESETS) && dice(w, 2) && w->made + PATHS < MOST) {
    go(w, p);
  } else {
    down(p);
  }
}

/* ---- the hosts: one command a step ---- */

static int arm(path *p)
{
  if (p->kind == DEAF || p->state != UP || p->aer)
    return 0;
  p->aer = rig_aer(p->c);
  return 1;
}

static int reap(path *p)
{
  if (!p->aer || !p->aer->done)
    return 0;
  RIG_MUST(p->aer->sf == 0 && p->aer->dw0 == RIG_EV4);
  p->aer = NULL;
  p->queued = p->evented = 1;
  return 1;
}

static void begin_scan(path *p)
{
  uint8_t page[NVMENS_PAGE];
  const int read = p->evented;
  unsigned i;

  memset(p->todo, 0, sizeof(p->todo));
  memset(page, 0, sizeof(page));
  p->queued = p->evented = 0;
  if (read)
    RIG_OK(rig_get_log(p->c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
  for (i = 0; nvmens_get32(page + 4 * i); i++)
    p->todo[nvmens_get32(page + 4 * i)] = 1;
  if (p->all)
    memset(p->todo, 1, sizeof(p->todo));
  p->phase = p->kind == SPDK ? LOOK : LIST;
  p->all = 0;
  p->at = 1;
}

static void read_list(path *p)
{
  uint32_t list[NVMENS_LIST_NSIDS], i;

  memset(p->todo, 0, sizeof(p->todo));
  rig_id_list(p->c, NVMENS_CNS_ACTIVE_NS_LIST, 0, list);
  for (i = 0; list[i]; i++)
    p->todo[list[i]] = 1;
  p->phase = LOOK;
}

/* Linux: whether another path of the host lets this one be added. */
static int fits(world *w, const path *p, uint32_t nsid, char who)
{
  unsigned i;

  for (i = 0; i < PATHS; i++) {
    const path *q = &w->p[i];

    if (q == p || q->host != p->host || !q->disk[nsid])
      continue;
    if (q->disk[nsid] != who || is_private(w, who))
      return 0;
  }
  return 1;
}

static void look(world *w, path *p)
{
  const uint32_t nsid = p->at++;
  uint8_t page[NVMENS_PAGE];
  char who;

  if (nsid == NSIDS) {
    p->phase = END;
    return;
  }
  if (!p->todo[nsid])
    return;
  who = disks_who(p->c, nsid);
  if (p->kind == LINUX)
    RIG_SAY(!who || !p->disk[nsid] || p->disk[nsid] == who, "seed %u: H3: NSID %u", w->seed0, nsid);
  if (!who) {
    if (p->kind == SPDK)
      p->disk[nsid] = 0;
    return; /* C11: Linux leaves it as it is */
  }
  if (!w->rest && dice(w, 8) == 0)
    change(w);
  RIG_OK(rig_identify(p->c, NVMENS_CNS_NS, nsid, page));
  if (nvmens_get64(page) == 0)
    who = 0;
  if (p->kind == SPDK) {
    p->disk[nsid] = who;
  } else if (p->disk[nsid]) {
    if (p->disk[nsid] != who)
      p->disk[nsid] = 0; /* C14 */
  } else if (who && fits(w, p, nsid, who)) {
    p->disk[nsid] = who;
  } else if (who && p->kind == LINUX) {
    w->refused++;
  }
}

static void end_scan(path *p)
{
  uint32_t nsid;

  for (nsid = 1; nsid < NSIDS; nsid++)
    if (p->kind != SPDK && !p->todo[nsid])
      p->disk[nsid] = 0;
  p->phase = IDLE;
}

static int scan(world *w, path *p)
{
  if (p->state != UP)
    return 0;
  if (p->phase == LIST)
    read_list(p);
  else if (p->phase == LOOK)
    look(w, p);
  else if (p->phase == END)
    end_scan(p);
  else if (p->queued)
    begin_scan(p);
  else
    return 0;
  return 1;
}

/* H1: each disk is used, on each path that has it. */
static void use(world *w)
{
  unsigned i;
  uint32_t nsid;

  for (i = 0; i < PATHS; i++)
    for (nsid = 1; nsid < NSIDS; nsid++) {
      path *p = &w->p[i];
      rig_io io;

      if (p->state != UP || !p->disk[nsid])
        continue;
      io = rig_io_begin(w->r, p->lane, nsid);
      if (io.sf)
        continue;
      RIG_SAY((char)io.ns->ident.uuid[0] == p->disk[nsid], "seed %u: H1: NSID %u", w->seed0, nsid);
      rig_io_end(&io);
    }
}

/* ---- rest ---- */

static int work(world *w)
{
  unsigned i;
  int some = 0;

  for (i = 0; i < PATHS; i++) {
    path *p = &w->p[i];

    some |= reap(p) || arm(p) || scan(w, p);
  }
  return some;
}

static void settle(world *w)
{
  unsigned n = 0, i;
  int more;

  for (i = 0; i < PATHS; i++) {
    if (w->p[i].state == AWAY)
      come(w, &w->p[i]);
    if (w->p[i].state == DOWN)
      up(&w->p[i]);
  }
  w->rest = 1;
  for (more = 6; more > 0; more--) { /* who hears nothing rescans by itself, a few times */
    while (work(w)) {
      use(w);
      RIG_SAY(n++ < 3000, "seed %u: the hosts have no rest", w->seed0);
    }
    for (i = 0; i < PATHS; i++)
      w->p[i].queued |= w->p[i].kind == DEAF;
  }
  w->rest = 0;
}

static void compare(world *w)
{
  uint32_t nsid;
  unsigned i;

  for (nsid = 1; nsid < NSIDS; nsid++) {
    const rig_ns *ns = rig_find(w->r, nsid);

    for (i = 0; i < PATHS; i++) {
      const char is = ns && w->want[i][nsid] ? (char)ns->ident.uuid[0] : 0;

      RIG_SAY(w->p[i].disk[nsid] == is, "seed %u: path %u has NSID %u as %d, which is %d", w->seed0,
              i, nsid, w->p[i].disk[nsid], is);
    }
  }
}

static void step(world *w)
{
  path *p = &w->p[dice(w, PATHS)];

  switch (dice(w, 16)) {
  case 0:
  case 1:
    change(w);
    break;
  case 2:
    move(w);
    break;
  case 3:
    arm(p);
    break;
  case 4:
    reap(p);
    break;
  case 5:
    p->queued |= p->kind == DEAF;
    if (!(w->what & CALM) && dice(w, 8) == 0)
      rig_pass(w->r, WAIT_NS); /* who has not read is silent */
    break;
  default:
    scan(w, p);
  }
  use(w);
}

/* Three paths of a host of this kind, and one of a host of another. */
static void run(uint32_t seed, int kind, int what)
{
  world w = {.r = disks_rig(NULL), .seed = seed, .seed0 = seed, .what = what};
  unsigned i, round;

  for (i = 0; i < PATHS; i++) {
    w.p[i].kind = i < 3 ? kind : (kind + 1) % 3;
    w.p[i].host = i < 3 ? 1 : 2;
    w.p[i].cntlid = (uint16_t)(2 * i);
    come(&w, &w.p[i]);
    up(&w.p[i]);
  }
  for (round = 0; round < 4; round++) {
    for (i = 0; i < 150; i++)
      step(&w);
    settle(&w);
    compare(&w);
  }
  if (what & CALM)
    RIG_SAY(w.refused == 0, "seed %u: H3: refused %u times", seed, w.refused);
  rig_end(w.r);
}

static void run_all(int kind, int what)
{
  const uint32_t runs = getenv("NVMENS_LONG") ? 5000 : 60;
  uint32_t seed;

  for (seed = 1; seed <= runs; seed++)
    run(seed, kind, what);
  printf("# seeds 1 to %u\n", runs);
}

START_TEST(C14_all_paths_of_a_linux_host_see_the_truth)
{
  run_all(LINUX, _i);
}
END_TEST

START_TEST(C14_all_paths_of_an_spdk_host_see_the_truth)
{
  run_all(SPDK, _i);
}
END_TEST

START_TEST(C14_all_paths_of_a_host_without_events_see_the_truth)
{
  run_all(DEAF, _i);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("disks");
  TCase *t = tcase_create("disks");
  static const int what[] = {CALM, CALM | PRIVATE, RESETS, RESETS | PRIVATE, 0, PRIVATE};
  unsigned i;

  for (i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
    tcase_add_loop_test(t, C14_all_paths_of_a_linux_host_see_the_truth, what[i], what[i] + 1);
    tcase_add_loop_test(t, C14_all_paths_of_an_spdk_host_see_the_truth, what[i], what[i] + 1);
    tcase_add_loop_test(t, C14_all_paths_of_a_host_without_events_see_the_truth, what[i],
                        what[i] + 1);
  }
  tcase_set_timeout(t, 300);
  suite_add_tcase(s, t);
  return rig_main(s);
}
