/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world_do.c: what is done in a world.h, with its bookkeeping.
 */
#include "world.h"

controller *pick_ctrl(world *w)
{
  controller *k = w->ctrl[byte_of(w) % CTRLS];

  return k && k->c ? k : NULL;
}

/* One that is there, if there is one; else, or if the input says so, one of the past. */
nvmens_nsref pick_ns(world *w)
{
  uint8_t which = byte_of(w);
  nvmens_nsref ref;

  if (which >= 0xF0 || nvmens_ns_next(w->s, which % TARGET_NN, &ref))
    return w->past[which % PAST];
  w->past[which / TARGET_NN % PAST] = ref;
  return ref;
}

void make_ctrl(world *w, const nvmens_ctrl_config *config)
{
  unsigned slot = 0;
  controller *k;

  while (slot < CTRLS && w->ctrl[slot])
    slot++;
  if (slot == CTRLS)
    return;
  k = calloc(1, sizeof(*k));
  k->w = w;
  k->slot = slot;
  w->ctrl[slot] = k;
  if (nvmens_ctrl_new(&k->c, w->s, config, k)) {
    w->ctrl[slot] = NULL;
    free(k);
  }
}

void drop_ctrl(controller *k)
{
  nvmens_ctrl *c = k->c;

  k->c = NULL;
  nvmens_ctrl_del(c);
}

void make_ns(world *w, nvmens_ns_config *config)
{
  object *o = object_new(w);
  nvmens_nsref ref;

  config->ident = ident_of(w);
  if (nvmens_ns_new(w->s, config, o, &ref))
    object_back(o);
}

nvmens_taken submit(world *w, controller *k, const uint8_t sqe[64], const uint8_t *data, size_t len)
{
  command *c = calloc(1, sizeof(*c));
  nvmens_taken taken;

  c->w = w;
  memcpy(c->sqe, sqe, 64);
  c->data = data;
  c->len = len;
  c->asked = nvmens_admin_data_len(sqe);
  c->room = sqe[0] == 0x02 ? ((size_t)(sqe[42] | (size_t)sqe[43] << 8 | (size_t)sqe[44] << 16 |
                                       (size_t)sqe[45] << 24) +
                              1) *
                                 4
                           : 4096;
  w->commands++;
  taken = nvmens_admin(k->c, &c->cmd, sqe, w->now);
  if (taken == NVMENS_NOT_MINE) {
    w->commands--;
    free(c);
  }
  return taken;
}

void make_lane(world *w, unsigned which)
{
  controller *k = pick_ctrl(w);

  if (!w->lane[which] && k && nvmens_lane_new(&w->lane[which], k->c) == 0)
    w->lane_slot[which] = k->slot;
}

void drop_lane(world *w, unsigned which)
{
  nvmens_lane *lane = w->lane[which];

  for (unsigned i = 0; i < TICKETS; i++)
    if (w->held[i].used && w->held[i].lane == which)
      w->held[i].lane = LANES;
  w->lane[which] = NULL;
  nvmens_lane_del(lane);
}

void begin_io(world *w, unsigned lane, uint32_t nsid, int next)
{
  nvmens_status status;
  nvmens_ticket ticket;
  void *user = NULL;
  unsigned i = 0;

  while (i < TICKETS && w->held[i].used)
    i++;
  if (i == TICKETS || !w->lane[lane])
    return;
  if (next)
    status = nvmens_io_begin_next(w->lane[lane], nsid, &nsid, &ticket, &user);
  else
    status = nvmens_io_begin(w->lane[lane], nsid, &ticket, &user);
  if (status.sf || nsid == 0)
    return;
  w->held[i] = (holding){ticket, user, 1, (uint8_t)lane, w->lane_slot[lane]};
  MUST(w->held[i].held->on[w->lane_slot[lane]]);
  w->held[i].held->held[w->lane_slot[lane]]++;
}

void end_io(world *w, holding *h, int remote)
{
  h->used = 0;
  h->held->held[h->slot]--;
  if (remote || h->lane == LANES)
    nvmens_io_end_remote(w->s, h->ticket);
  else
    nvmens_io_end(w->lane[h->lane], h->ticket);
}
