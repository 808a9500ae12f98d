/* SPDX-License-Identifier: BSD-3-Clause */
/* bytes.c: what the library's objects cost. */
#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>

#include "world.h"

const char *const spread_name[SPREADS] = {"from 1 on", "up to FFFFFFFEh", "scattered"};

uint32_t spread_nsid(spread how, uint32_t i, uint32_t count)
{
  uint32_t nsid;

  if (how == SPREAD_LOW)
    return i + 1;
  if (how == SPREAD_HIGH)
    return NVMENS_NSID_MAX - count + 1 + i;
  nsid = (i + 1) * UINT32_C(2654435769); /* odd: no NSID comes twice */
  nsid ^= nsid >> 15;
  nsid *= UINT32_C(0x2c1b3c6d);
  nsid ^= nsid >> 13;
  return nsid == UINT32_MAX || nsid == 0 ? NVMENS_NSID_MAX : nsid;
}

static double lane_bytes(world *w, uint32_t ctrl)
{
  uint64_t before = w->live, with;
  nvmens_lane *lane;

  if (nvmens_lane_new(&lane, w->ctrl[ctrl]))
    exit(1);
  with = w->live;
  nvmens_lane_del(lane);
  return (double)(with - before);
}

static void remember(nvmens_nsref *ref, world *w, spread how, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    ref[i] = world_ns(w, spread_nsid(how, i, count), i, 0, NULL);
}

/* Tokens of drains that the backend does not end before it is told to. */
static nvmens_token *pending;
static uint32_t pendings;

static nvmens_wait stay(void *ns_user, void *ctrl_user, nvmens_token token)
{
  (void)ns_user, (void)ctrl_user;
  pending[pendings++] = token;
  return NVMENS_PENDING;
}

static double draining_bytes(spread how, uint32_t count)
{
  static world w;
  nvmens_nsref *ref = calloc(count, sizeof(*ref));
  uint64_t before;
  double each;

  world_new(&w, &(world_config){.controllers = 1, .host = {.drain_begin = stay}});
  remember(ref, &w, how, count);
  pending = calloc(count, sizeof(*pending));
  pendings = 0;
  before = w.live;
  for (uint32_t i = 0; i < count; i++)
    nvmens_ns_attach(w.subsys, ref[i], w.ctrl[0]);
  for (uint32_t i = 0; i < count; i++)
    if (nvmens_ns_detach(w.subsys, ref[i], w.ctrl[0], NVMENS_ORDERLY, i, 1000000000))
      exit(1);
  each = (double)(w.live - before) / count;
  for (uint32_t i = 0; i < pendings; i++)
    nvmens_done(w.subsys, pending[i], (nvmens_status){0});
  world_del(&w);
  free(pending);
  free(ref);
  return each;
}

void bytes_measure(bytes *b, spread how, uint32_t count)
{
  static world w;
  nvmens_nsref *ref = calloc(count, sizeof(*ref));
  uint64_t before;

  world_new(&w, &(world_config){.controllers = 1});
  b->idle = (double)w.live;
  before = w.live;
  remember(ref, &w, how, count);
  b->ns = (double)(w.live - before) / count;
  b->lane = lane_bytes(&w, 0);
  before = w.live;
  for (uint32_t i = 0; i < count; i++)
    if (nvmens_ns_attach(w.subsys, ref[i], w.ctrl[0]))
      exit(1);
  b->attached = (double)(w.live - before) / count;
  b->lane_each = (lane_bytes(&w, 0) - b->lane) / count;
  for (uint32_t i = 0; i < count; i++)
    world_detach(&w, ref[i], 0);
  b->detached = (double)(w.live - before) / count;
  world_del(&w);
  free(ref);
  b->draining = draining_bytes(how, count);
  world_new(&w, &(world_config){.controllers = 17});
  b->controller = ((double)w.live - b->idle) / 16;
  world_del(&w);
}

void bytes_most(bytes *worst, const bytes *b)
{
  const double *from = &b->idle;
  double *to = &worst->idle;

  for (size_t i = 0; i < sizeof(*b) / sizeof(*from); i++)
    if (from[i] > to[i])
      to[i] = from[i];
}

const bytes_goal bytes_goals[BYTES_GOALS] = {
    {"idle subsystem of one controller", offsetof(bytes, idle), 32768, 0},
    {"namespace", offsetof(bytes, ns), 256, 285},
    {"attachment at rest, attached", offsetof(bytes, attached), 208, 630},
    {"attachment at rest, detached", offsetof(bytes, detached), 40, 570},
    {"lane, for each attachment", offsetof(bytes, lane_each), 8, 0},
};

double bytes_value(const bytes *b, const bytes_goal *goal)
{
  return *(const double *)(const void *)((const char *)b + goal->value);
}
