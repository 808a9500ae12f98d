/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h: a subsystem with a backend that does nothing, and a host that reads what it is told of.
 */
#ifndef NVMENS_BENCH_WORLD_H
#define NVMENS_BENCH_WORLD_H

#include <nvmens/gate.h>
#include <nvmens/nvmens.h>

typedef struct world {
  nvmens_subsys *subsys;
  nvmens_ctrl **ctrl;
  nvmens_cmd aer, cmd;   /* of the first controller */
  uint64_t now;          /* of the calls */
  uint64_t completed;    /* commands */
  int parked;            /* the AER is */
  uint64_t events;       /* AERs among them */
  uint64_t live, blocks; /* bytes and blocks that the library has */
  uint64_t most;         /* bytes that it ever had at once */
  uint32_t controllers;
  uint8_t page[NVMENS_PAGE];
} world;

typedef struct world_config {
  uint32_t controllers;
  uint32_t nn;       /* 0: as many as there can be */
  uint8_t gate_mode; /* nvmens_gate_mode */
  uint8_t hosts;     /* 1: each controller is of a host of its own, that is known */
  nvmens_host host;  /* hooks beside those of this file */
} world_config;

/* All of these end the program when the library says no. */
void world_new(world *, const world_config *);
void world_del(world *);
/* Namespace of an identity that goes with serial, not attached unless auto_attach. */
nvmens_nsref world_ns(world *, uint32_t nsid, uint64_t serial, int auto_attach, void *user);
void world_detach(world *, nvmens_nsref, uint32_t ctrl); /* and polls */
void world_unplug(world *, nvmens_nsref);                /* and polls */
/* Commands of the first controller's host. */
void world_listen(world *); /* enables the event of log 04h and parks the AER */
void world_park(world *);   /* the AER, if it is not */
void world_read_log(world *, uint8_t lid);
void world_identify(world *, uint8_t cns, uint32_t nsid);

#endif
