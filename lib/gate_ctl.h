/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gate_ctl.h: the control side of the gate. Floor 2.
 *
 * A gate belongs to one controller at a time: its lookup table and its slots, one for each NSID
 * that was ever attached through it. It outlives the controller (a late command may still read a
 * slot) and serves the next one, so that reconnecting hosts do not make it grow.
 */
#ifndef NVMENS_LIB_GATE_CTL_H
#define NVMENS_LIB_GATE_CTL_H

#include <nvmens/gate.h>

#include "bell.h"
#include "mem.h"

struct nvmens_lane_body;

typedef struct nvmens_gate {
  nvmens_slot_table *table;       /* all slots */
  const nvmens_slot_table *shown; /* what lanes see: table, or an empty one while not ready */
  nvmens_bell *bell;
  const nvmens_mem *mem;
  nvmens_slot **chunk; /* slots by index, NVMENS_GATE_CHUNK a piece */
  struct nvmens_lane_body *lanes;
  nvmens_subsys *subsys;
  nvmens_ctrl *ctrl; /* NULL: free for the next controller once it has no lanes */
  struct nvmens_gate *next;
  uint32_t slots, chunks;
  uint32_t nn;
  uint8_t ready;
} nvmens_gate;
enum { NVMENS_GATE_CHUNK = 64 };

void nvmens_bell_init(nvmens_bell *, const nvmens_host *, void *user, uint8_t mode);
nvmens_gate *nvmens_gate_new(const nvmens_mem *, nvmens_bell *, uint32_t nn); /* NULL: no memory */
void nvmens_gate_del(nvmens_gate *); /* no lanes, nobody inside */
/* The slot of an NSID, made if need be, with its counters in every lane. NULL: no memory. */
nvmens_slot *nvmens_gate_slot(nvmens_gate *, uint32_t nsid);
nvmens_slot *nvmens_gate_lookup(const nvmens_gate *, uint32_t nsid); /* NULL: never made */
nvmens_slot *nvmens_gate_nth(const nvmens_gate *, uint32_t index);
void nvmens_gate_recycle(nvmens_gate *); /* for another controller: old answers are forgotten */
void nvmens_gate_ready(nvmens_gate *, bool ready);

void nvmens_slot_open(nvmens_slot *, const nvmens_bell *, void *ns_user);
/* Bars when it returns if slot->fence is set, else after the next nvmens_gate_barrier. */
void nvmens_slot_closing(nvmens_slot *);
void nvmens_slot_closed(nvmens_slot *);
void nvmens_slot_answer(nvmens_slot *, uint16_t sf);
void nvmens_slot_own(nvmens_slot *, void *owner); /* for nvmens_bell_next; NULL: nobody's */
bool nvmens_slot_is_open(const nvmens_slot *);
/* false: neither the kernel nor the backend could; nothing is known of what owners have seen. */
bool nvmens_gate_barrier(nvmens_bell *);
/* Commands that hold the slot; 0 is final once it bars. */
uint32_t nvmens_gate_holders(const nvmens_gate *, const nvmens_slot *);

void nvmens_gate_end_remote(nvmens_bell *, nvmens_ticket);
int nvmens_gate_lane(nvmens_gate *, nvmens_lane **out);
nvmens_gate *nvmens_gate_of_lane(const nvmens_lane *);
void nvmens_gate_unlane(nvmens_lane *);

#endif
