/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gate_pair.c: the data path as a backend compiles it, for gate_path.sh to look at: gate_pair is
 * all that is inlined of a command's begin and end. As a program it goes through a pair step by
 * step and prints where it has been, in this file's code and the library's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/steps.h"
#include "../bench/world.h"

uint16_t gate_pair(nvmens_lane *, uint32_t nsid, void **user);

__attribute__((noinline)) uint16_t gate_pair(nvmens_lane *lane, uint32_t nsid, void **user)
{
  nvmens_ticket ticket;
  const nvmens_status status = nvmens_io_begin(lane, nsid, &ticket, user);

  if (!status.sf) {
    __asm__ volatile("" : : : "memory");
    nvmens_io_end(lane, ticket);
  }
  return status.sf;
}

typedef struct pair {
  nvmens_lane *lane;
  void *user;
} pair;

static void one_pair(void *arg)
{
  pair *p = arg;

  gate_pair(p->lane, 9, &p->user);
}

static void see(void *arg, const unsigned char *code)
{
  (void)arg;
  printf("%" PRIxPTR "\n", (uintptr_t)code - (uintptr_t)gate_pair);
}

/* gate_pair auto | fence: the addresses of the instructions, from gate_pair on. 77: not here. */
int main(int argc, char **argv)
{
  static world w;
  int fence = argc > 1 && strcmp(argv[1], "fence") == 0;
  nvmens_slot *slot;
  pair p = {0};
  long steps;

#ifndef __OPTIMIZE__ /* then nothing is inlined as it is for a backend */
  return 77;
#endif
  world_new(&w, &(world_config){.controllers = 1,
                                .gate_mode = fence ? NVMENS_GATE_FENCE : NVMENS_GATE_AUTO});
  for (uint32_t nsid = 1; nsid < 17; nsid++)
    world_ns(&w, nsid, nsid, 1, &p);
  if (nvmens_lane_new(&p.lane, w.ctrl[0]))
    return 1;
  slot = nvmens_gate_find_(*p.lane->table, 9);
  if (!fence && !(slot->word & NVMENS_GATE_OPEN_))
    return 77; /* no membarrier */
  one_pair(&p);
  if (p.user != &p)
    return 1;
  steps = steps_of(one_pair, &p, see, NULL);
  nvmens_lane_del(p.lane);
  world_del(&w);
  return steps < 0 ? 77 : 0;
}
