/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h: a backend for fuzz targets, whose decisions are bytes of the input, and the promises
 * that it holds the library to:
 *
 *  every command that is taken ends exactly once · each object is released exactly once · nothing
 *  is detached while a command holds it · effects do not nest and run unlocked · a poll that nobody
 *  asked for does nothing · nvmens_subsys_check() holds after each call · in the end the subsystem
 *  can be deleted, and no memory is left.
 *
 * What the library must not touch any more is freed at once, for a sanitizer to see.
 */
#ifndef NVMENS_FUZZ_WORLD_H
#define NVMENS_FUZZ_WORLD_H

#include "input.h"
#include <nvmens/gate.h>
#include <nvmens/nvmens.h>
#include <string.h>

enum { CTRLS = 4, LANES = 4, TICKETS = 16, TOKENS = 16, PAST = 4, TARGET_NN = 24 };

typedef struct world world;

typedef struct controller { /* until ctrl_released */
  world *w;
  unsigned slot;
  nvmens_ctrl *c; /* NULL before nvmens_ctrl_new has returned and after nvmens_ctrl_del */
} controller;

typedef struct object { /* a namespace, until released */
  world *w;
  uint8_t on[CTRLS];   /* attached, not detached */
  uint8_t held[CTRLS]; /* by commands of the gate */
} object;

typedef struct command {
  nvmens_cmd cmd;
  world *w;
  uint8_t sqe[64];
  const uint8_t *data; /* from the host */
  size_t len, room;    /* of data; of the host's buffer */
  size_t asked;        /* as nvmens_admin_data_len says */
} command;

typedef struct pending { /* what a hook has not answered yet */
  nvmens_token token;
  uint8_t prepare, create;
} pending;

typedef struct holding {
  nvmens_ticket ticket;
  object *held;
  uint8_t used, lane; /* lane: LANES when it is gone */
  unsigned slot;
} holding;

struct world {
  input in;
  nvmens_subsys *s;
  uint64_t now;
  controller *ctrl[CTRLS];
  nvmens_lane *lane[LANES];
  unsigned lane_slot[LANES];
  holding held[TICKETS];
  pending token[TOKENS];
  nvmens_nsref past[PAST];
  unsigned objects, commands, blocks;
  unsigned fail_alloc; /* the nth from here fails; 0: none */
  unsigned hooks;      /* calls of effects */
  unsigned depth, effects, idents;
  uint16_t cid;
  int locked, woken;
  void (*act)(world *); /* a call of the input's, also made from hooks */
};

static inline uint8_t byte_of(world *w)
{
  return input_byte(&w->in);
}

uint32_t word_of(world *);

void world_new(world *, input, const nvmens_subsys_config *);
void world_check(world *);
void world_poll(world *, uint64_t ns); /* time passes, then poll */
void world_end(world *);

object *object_new(world *);
void object_back(object *); /* the library has not taken it */
nvmens_ident ident_of(world *);
controller *pick_ctrl(world *); /* NULL: there is none */
nvmens_nsref pick_ns(world *);
void make_ctrl(world *, const nvmens_ctrl_config *);
void drop_ctrl(controller *);
void make_ns(world *, nvmens_ns_config *);
void answer_token(world *, pending *, nvmens_status, int known);
/* The host's command: room is the size of its buffer, data what it holds. */
nvmens_taken submit(world *, controller *, const uint8_t sqe[64], const uint8_t *data, size_t len);
void make_lane(world *, unsigned which);
void drop_lane(world *, unsigned which);
void begin_io(world *, unsigned lane, uint32_t nsid, int next);
void end_io(world *, holding *, int remote);

#endif
