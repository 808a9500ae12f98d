/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_host_models.c: invariant 24: at rest a driver like Linux's and one like SPDK's see the
 * truth, whatever has happened between any two of their commands (C4, C6, C11, C14, C18, S05,
 * S09).
 *
 * Linux: one AER; its completion queues a scan: log 04h with RAE=0, CNS 02h, CNS 03h and 00h of
 * each. A disk whose identity has changed is dropped and not added in that scan.
 * SPDK: several AERs; a completion reads log 04h and looks at those NSIDs only.
 */
#include "le.h"
#include "rig.h"
#include "rig_main.h"

#include <stdio.h>

enum { NSIDS = 6, WHO = 9 }; /* 1 .. 5 and 1 .. 8 */
enum { IDLE, LIST, LOOK };

typedef struct disk {
  uint8_t who; /* 0: none */
  uint64_t nsze;
} disk;

typedef struct world {
  rig *r;
  rig_ctrl *c;
  uint32_t seed, seed0;
  int spdk;
  disk truth[NSIDS]; /* active */
  rig_ns *ns[NSIDS]; /* allocated, attached or not */
  uint8_t used[WHO];
  /* the host */
  disk seen[NSIDS];
  rig_cmd *aer[4];
  unsigned naer;
  int queued;  /* a scan is wanted */
  int all;     /* of everything: after a reset */
  int phase;   /* of the scan that runs */
  uint32_t at; /* LOOK: the next NSID */
  uint8_t todo[NSIDS], stays[NSIDS];
} world;

static uint32_t dice(world *w, uint32_t n)
{
  w->seed = w->seed * 1664525 + 1013904223;
  return (w->seed >> 8) % n;
}

/* ---- the backend ---- */

static void make(world *w, uint32_t nsid)
{
  nvmens_ns_config config = {.nsid = nsid, .shared = 1, .auto_attach = 1};
  uint8_t who = (uint8_t)(1 + dice(w, WHO - 1));

  if (w->used[who])
    return;
  memset(config.ident.uuid, who, 16);
  config.nsze = 1 + dice(w, 1000);
  w->ns[nsid] = rig_ns_new(w->r, &config);
  w->used[who] = 1;
  w->truth[nsid].who = who;
  w->truth[nsid].nsze = config.nsze;
}

static void change(world *w)
{
  const uint32_t nsid = 1 + dice(w, NSIDS - 1);
  rig_ns *ns = w->ns[nsid];

  if (!ns) {
    make(w, nsid);
    return;
  }
  switch (dice(w, 5)) {
  case 0: /* resize */
    if (w->truth[nsid].who) {
      w->truth[nsid].nsze = 1 + dice(w, 1000);
      RIG_MUST(rig_resize(ns, w->truth[nsid].nsze) == 0);
    }
    break;
  case 1: /* detach; or attach again */
    if (w->truth[nsid].who) {
      RIG_MUST(rig_detach(ns, w->c, NVMENS_ORDERLY, RIG_NEVER) == 0);
      w->truth[nsid].who = 0;
    } else {
      nvmens_ns_info info;

      RIG_MUST(nvmens_ns_query(w->r->s, ns->ref, &info) == 0);
      RIG_MUST(rig_attach(ns, w->c) == 0);
      w->truth[nsid].who = info.ident.uuid[0];
      w->truth[nsid].nsze = info.nsze;
    }
    break;
  default: /* it goes, and perhaps another comes at once */
    w->used[ns->ident.uuid[0]] = 0;
    w->truth[nsid].who = 0;
    w->ns[nsid] = NULL;
    RIG_MUST(rig_unplug(ns, dice(w, 2) ? NVMENS_ORDERLY : NVMENS_SURPRISE, RIG_NEVER) == 0);
    if (dice(w, 2))
      make(w, nsid);
  }
}

/* ---- the host: one command a step ---- */

static void start(world *w)
{
  RIG_OK(rig_set_aec(w->c, RIG_BIT4));
  w->queued = 1;
  w->all = 1;
  w->phase = IDLE;
  w->naer = 0;
}

static void reset(world *w)
{
  rig_reenable(w->c);
  start(w);
}

static int arm(world *w)
{
  if (w->naer >= (w->spdk ? 4u : 1u))
    return 0;
  w->aer[w->naer++] = rig_aer(w->c);
  return 1;
}

static int reap(world *w)
{
  unsigned i, j;

  for (i = 0; i < w->naer; i++)
    if (w->aer[i]->done) {
      RIG_OK(w->aer[i]);
      RIG_MUST(w->aer[i]->dw0 == RIG_EV4);
      for (j = i + 1; j < w->naer; j++)
        w->aer[j - 1] = w->aer[j];
      w->naer--;
      w->queued = 1;
      return 1;
    }
  return 0;
}

static void read_log(world *w)
{
  uint8_t page[NVMENS_PAGE];
  unsigned i;
  uint32_t nsid;

  w->queued = 0;
  memset(w->todo, w->all || !w->spdk, sizeof(w->todo));
  RIG_OK(rig_get_log(w->c, RIG_LID4, RIG_CONSUME, 0, sizeof(page), page));
  for (i = 0; (nsid = nvmens_get32(page + 4 * i)) != 0; i++)
    w->todo[nsid] = 1;
  w->phase = w->spdk ? LOOK : LIST;
  w->all = 0;
  w->at = 1;
}

static void read_list(world *w)
{
  uint32_t list[NVMENS_LIST_NSIDS], i;

  memset(w->stays, 0, sizeof(w->stays));
  rig_id_list(w->c, NVMENS_CNS_ACTIVE_NS_LIST, 0, list);
  for (i = 0; list[i]; i++)
    w->stays[list[i]] = 1;
  for (i = 1; i < NSIDS; i++) {
    if (!w->stays[i])
      w->seen[i].who = 0;
    w->todo[i] = w->stays[i];
  }
  w->phase = LOOK;
}

/* CNS 03h, then 00h; anything may come between the two. */
static void look(world *w)
{
  const uint32_t nsid = w->at;
  uint8_t page[NVMENS_PAGE], who = 0;
  uint64_t nsze;
  rig_cmd *cmd;

  if (w->at == NSIDS) {
    w->phase = IDLE;
    return;
  }
  w->at++;
  if (!w->todo[nsid])
    return;
  cmd = rig_identify(w->c, NVMENS_CNS_NS_DESC_LIST, nsid, page);
  RIG_MUST(cmd->done);
  if (cmd->sf == 0)
    who = page[4]; /* the one descriptor is the UUID */
  else if (!w->spdk)
    return; /* C11: it stays as it is */
  if (dice(w, 8) == 0)
    change(w);
  RIG_OK(rig_identify(w->c, NVMENS_CNS_NS, nsid, page));
  nsze = nvmens_get64(page);
  if (nsze == 0)
    who = 0;
  if (!w->spdk && w->seen[nsid].who && w->seen[nsid].who != who)
    who = 0; /* C14: dropped */
  w->seen[nsid].who = who;
  w->seen[nsid].nsze = nsze;
}

static int scan(world *w)
{
  if (w->phase == LIST)
    read_list(w);
  else if (w->phase == LOOK)
    look(w);
  else if (w->queued)
    read_log(w);
  else
    return 0;
  return 1;
}

static void settle(world *w)
{
  unsigned n = 0;

  while (reap(w) || arm(w) || scan(w))
    RIG_SAY(n++ < 2000, "seed %u: the host has no rest", w->seed0);
}

static void compare(world *w)
{
  uint32_t nsid;

  for (nsid = 1; nsid < NSIDS; nsid++) {
    const disk *truth = &w->truth[nsid], *seen = &w->seen[nsid];

    RIG_SAY(seen->who == truth->who, "seed %u: NSID %u is %u, the host has %u", w->seed0, nsid,
            truth->who, seen->who);
    RIG_SAY(!truth->who || seen->nsze == truth->nsze, "seed %u: NSID %u: size", w->seed0, nsid);
  }
}

static void run(uint32_t seed, int spdk)
{
  rig *r = rig_new(NULL);
  world w = {.r = r, .c = rig_ctrl_on(r), .seed = seed, .seed0 = seed, .spdk = spdk};
  unsigned i, round;

  start(&w);
  for (round = 0; round < 4; round++) {
    for (i = 0; i < 40; i++)
      switch (dice(&w, 8)) {
      case 0:
      case 1:
        change(&w);
        break;
      case 2:
        arm(&w);
        break;
      case 3:
        reap(&w);
        break;
      case 4:
        if (dice(&w, 20) == 0)
          reset(&w);
        break;
      default:
        scan(&w);
      }
    settle(&w);
    compare(&w);
  }
  rig_end(r);
}

static void run_all(int spdk)
{
  const unsigned runs = getenv("NVMENS_LONG") ? 100000 : 500;
  uint32_t seed;

  for (seed = 1; seed <= runs; seed++)
    run(seed, spdk);
  printf("# seeds 1 to %u\n", runs);
}

START_TEST(C14_a_driver_like_linux_sees_the_truth_at_rest)
{
  run_all(0);
}
END_TEST

START_TEST(C6_a_driver_like_spdk_sees_the_truth_at_rest)
{
  run_all(1);
}
END_TEST

int main(void)
{
  return RIG_RUN("host_models", C14_a_driver_like_linux_sees_the_truth_at_rest,
                 C6_a_driver_like_spdk_sees_the_truth_at_rest);
}
