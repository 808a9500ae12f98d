/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c: a subsystem with a backend that does nothing. Its allocator counts what it gives.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int err, const char *what)
{
  if (!err)
    return;
  fprintf(stderr, "bench: %s: %s\n", what, nvmens_strerror(err));
  exit(1);
}

/* ---- hooks ---- */

static void cmd_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                         uint64_t error_info)
{
  world *w = ctrl_user;

  (void)dw0, (void)error_info;
  must(status.sf, "a command failed");
  w->completed++;
  if (cmd == &w->aer) {
    w->parked = 0;
    w->events++;
  }
}

static void cmd_drop(void *ctrl_user, nvmens_cmd *cmd)
{
  world *w = ctrl_user;

  if (cmd == &w->aer)
    w->parked = 0;
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  world *w = ctrl_user;

  (void)cmd, (void)dir;
  memcpy(w->page, buf, len);
  return (nvmens_status){NVMENS_SC_SUCCESS};
}

/* The size stands before the block. */
typedef union header {
  size_t size;
  max_align_t align;
} header;

static void *count_alloc(void *user, size_t size)
{
  world *w = user;
  header *h = malloc(sizeof(*h) + size);

  if (!h)
    return NULL;
  h->size = size;
  w->live += size;
  w->blocks++;
  if (w->live > w->most)
    w->most = w->live;
  return h + 1;
}

static void count_free(void *user, void *ptr)
{
  world *w = user;
  header *h = ptr;

  w->live -= h[-1].size;
  w->blocks--;
  free(h - 1);
}

/* ---- the world ---- */

void world_new(world *w, const world_config *config)
{
  const nvmens_mem mem = {w, count_alloc, count_free};
  nvmens_subsys_config subsys = {.nn = config->nn ? config->nn : NVMENS_NSID_MAX,
                                 .max_ctrls = config->controllers,
                                 .gate_mode = config->gate_mode};
  nvmens_host host = config->host;

  memset(w, 0, sizeof(*w));
  host.cmd_complete = cmd_complete;
  host.cmd_drop = cmd_drop;
  host.transfer = transfer;
  must(nvmens_subsys_new(&w->subsys, &subsys, &host, &mem, w), "nvmens_subsys_new");
  w->controllers = config->controllers;
  w->ctrl = calloc(w->controllers, sizeof(nvmens_ctrl *));
  must(w->ctrl ? 0 : NVMENS_ERR_NOMEM, "calloc");
  for (uint32_t i = 0; i < w->controllers; i++) {
    nvmens_ctrl_config ctrl = {0};

    if (config->hosts)
      memcpy(ctrl.hostid, &(uint32_t){i + 1}, sizeof(uint32_t));
    must(nvmens_ctrl_new(&w->ctrl[i], w->subsys, &ctrl, w), "nvmens_ctrl_new");
    must(nvmens_ctrl_enable(w->ctrl[i], 1), "nvmens_ctrl_enable");
  }
}

void world_del(world *w)
{
  must(nvmens_subsys_del(w->subsys), "nvmens_subsys_del");
  free(w->ctrl);
  if (w->live) {
    fprintf(stderr, "bench: %llu bytes are left\n", (unsigned long long)w->live);
    exit(1);
  }
}

nvmens_nsref world_ns(world *w, uint32_t nsid, uint64_t serial, int auto_attach, void *user)
{
  nvmens_ns_config config = {
      .nsid = nsid, .shared = 1, .auto_attach = auto_attach != 0, .nsze = 2048};
  nvmens_nsref ref;

  memcpy(config.ident.uuid, &serial, sizeof(serial));
  config.ident.uuid[15] = 1;
  must(nvmens_ns_new(w->subsys, &config, user, &ref), "nvmens_ns_new");
  return ref;
}

void world_detach(world *w, nvmens_nsref ref, uint32_t ctrl)
{
  w->now++;
  must(nvmens_ns_detach(w->subsys, ref, w->ctrl[ctrl], NVMENS_ORDERLY, w->now, 1000000),
       "nvmens_ns_detach");
  nvmens_poll(w->subsys, w->now);
}

void world_unplug(world *w, nvmens_nsref ref)
{
  w->now++;
  must(nvmens_ns_unplug(w->subsys, ref, NVMENS_ORDERLY, w->now, 1000000), "nvmens_ns_unplug");
  nvmens_poll(w->subsys, w->now);
}

/* ---- the host ---- */

static void put32(uint8_t *at, uint32_t value)
{
  for (int i = 0; i < 4; i++)
    at[i] = (uint8_t)(value >> 8 * i);
}

static void command(world *w, nvmens_cmd *cmd, const uint8_t sqe[64], const char *what)
{
  must(nvmens_admin(w->ctrl[0], cmd, sqe, w->now) == NVMENS_TAKEN ? 0 : NVMENS_ERR_INVAL, what);
}

void world_listen(world *w)
{
  uint8_t sqe[64] = {0x09}; /* Set Features 0Bh */

  put32(sqe + 40, 0x0B);
  put32(sqe + 44, NVMENS_AEC_ATTACHED_NS);
  command(w, &w->cmd, sqe, "Set Features");
  world_park(w);
}

void world_park(world *w)
{
  if (w->parked)
    return;
  w->parked = 1;
  must(nvmens_aer(w->ctrl[0], &w->aer, 1).sf, "nvmens_aer");
}

void world_read_log(world *w, uint8_t lid)
{
  uint8_t sqe[64] = {0x02}; /* Get Log Page, 4096 bytes */

  put32(sqe + 40, lid | 1023u << 16);
  command(w, &w->cmd, sqe, "Get Log Page");
}

void world_identify(world *w, uint8_t cns, uint32_t nsid)
{
  uint8_t sqe[64] = {0x06}; /* Identify */

  put32(sqe + 4, nsid);
  put32(sqe + 40, cns);
  command(w, &w->cmd, sqe, "Identify");
}
