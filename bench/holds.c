/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holds.c: how long the lock is held in one piece, in processor time, whatever a host does.
 *
 * Others' I/O, commands and Keep Alives get through between two pieces. A verb is measured in
 * worlds that are large in different ways.
 */
#include "bench.h"

#include <nvmens/gate.h>
#include <nvmens/nvmens.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COMMANDS = 4096 };

typedef struct shape {
  const char *what;
  uint32_t namespaces, controllers, hosts, drains;
} shape;

static struct {
  nvmens_subsys *s;
  nvmens_ctrl **ctrl;
  nvmens_nsref *ns;
  nvmens_lane *lane;
  nvmens_ticket *ticket;
  nvmens_cmd cmd[COMMANDS];
  uint32_t controllers, ended;
  uint8_t page[NVMENS_PAGE]; /* what a command sends */
  uint64_t now, since, longest, holds;
  const shape *shape;
} w;

static void must(int err, const char *what)
{
  if (!err)
    return;
  fprintf(stderr, "holds: %s: %s\n", what, nvmens_strerror(err));
  exit(1);
}

static uint64_t cpu(void)
{
  struct timespec at;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* ---- hooks ---- */

static void lock(void *user)
{
  (void)user;
  w.since = cpu();
}

static void unlock(void *user)
{
  uint64_t took = cpu() - w.since;

  (void)user;
  w.holds++;
  if (took > w.longest)
    w.longest = took;
}

static void cmd_complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                         uint64_t error_info)
{
  (void)user, (void)cmd, (void)dw0, (void)error_info;
  must(status.sf, "a command failed");
  w.ended++;
}

static void cmd_drop(void *user, nvmens_cmd *cmd)
{
  (void)user, (void)cmd;
  w.ended++;
}

static nvmens_status transfer(void *user, nvmens_cmd *cmd, void *buf, size_t len, nvmens_dir dir)
{
  (void)user, (void)cmd;
  if (dir == NVMENS_FROM_HOST)
    memcpy(buf, w.page, len);
  return (nvmens_status){0};
}

static nvmens_wait prepare(void *user, nvmens_cmd *cmd, const nvmens_intent *intent,
                           nvmens_token token)
{
  (void)user, (void)cmd, (void)intent, (void)token;
  return NVMENS_DONE;
}

/* ---- verbs, each measured ---- */

static void begin(void)
{
  w.longest = w.holds = 0;
}

static void done(const char *verb)
{
  char what[160];

  snprintf(what, sizeof(what), "%s: %s", w.shape->what, verb);
  bench_row("hold", what, 0, (double)w.longest / 1000, "us");
  bench_goal(what, (double)w.longest / 1000, "us", -1, 1000);
}

static void ctrl_new(uint32_t i)
{
  nvmens_ctrl_config config = {0};

  if (w.shape->hosts)
    memcpy(config.hostid, &(uint32_t){i % w.shape->hosts + 1}, sizeof(uint32_t));
  must(nvmens_ctrl_new(&w.ctrl[i], w.s, &config, NULL), "nvmens_ctrl_new");
}

static void ns_new(uint32_t i)
{
  nvmens_ns_config config = {.nsid = i + 1, .shared = 1, .auto_attach = 1, .nsze = 2048};

  memcpy(config.ident.uuid, &(uint32_t){i + 1}, sizeof(uint32_t));
  must(nvmens_ns_new(w.s, &config, NULL, &w.ns[i]), "nvmens_ns_new");
}

static void command(nvmens_cmd *cmd, nvmens_ctrl *ctrl, uint8_t opcode, uint32_t nsid,
                    uint32_t cdw10)
{
  uint8_t sqe[64] = {opcode};

  memcpy(sqe + 4, &nsid, 4);
  memcpy(sqe + 40, &cdw10, 4);
  if (nvmens_admin(ctrl, cmd, sqe, ++w.now) != NVMENS_TAKEN)
    must(NVMENS_ERR_INVAL, "not taken");
}

static void make(const shape *s)
{
  static const nvmens_host host = {.cmd_complete = cmd_complete,
                                   .cmd_drop = cmd_drop,
                                   .transfer = transfer,
                                   .prepare = prepare,
                                   .lock = lock,
                                   .unlock = unlock};
  const nvmens_subsys_config config = {.nn = NVMENS_NSID_MAX, .max_ctrls = s->controllers};

  memset(&w, 0, sizeof(w));
  w.shape = s;
  w.ctrl = calloc(s->controllers, sizeof(nvmens_ctrl *));
  w.ns = calloc(s->namespaces, sizeof(*w.ns));
  w.ticket = calloc(s->namespaces, sizeof(*w.ticket));
  must(nvmens_subsys_new(&w.s, &config, &host, NULL, NULL), "nvmens_subsys_new");
  for (uint32_t i = 0; i + 1 < s->namespaces; i++)
    ns_new(i);
  for (uint32_t i = 0; i + 1 < s->controllers; i++) {
    ctrl_new(i);
    must(nvmens_ctrl_enable(w.ctrl[i], 1), "nvmens_ctrl_enable");
  }
}

static void come(void)
{
  const shape *s = w.shape;

  begin();
  ns_new(s->namespaces - 1);
  done("nvmens_ns_new");
  begin();
  ctrl_new(s->controllers - 1);
  done("nvmens_ctrl_new");
  begin();
  must(nvmens_ctrl_enable(w.ctrl[s->controllers - 1], 1), "nvmens_ctrl_enable");
  done("nvmens_ctrl_enable");
  begin();
  nvmens_ctrl_reset(w.ctrl[0]);
  done("nvmens_ctrl_reset");
  must(nvmens_ctrl_enable(w.ctrl[0], 1), "nvmens_ctrl_enable");
}

/* I/O is out on each of the first namespaces, and commands wait for their detach. */
static void drain(void)
{
  const shape *s = w.shape;
  void *user;

  must(nvmens_lane_new(&w.lane, w.ctrl[0]), "nvmens_lane_new");
  for (uint32_t i = 0; i < s->drains; i++)
    if (nvmens_io_begin(w.lane, i + 1, &w.ticket[i], &user).sf)
      must(NVMENS_ERR_BUSY, "nvmens_io_begin");
  w.page[0] = 1; /* one controller, CNTLID 0 */
  for (uint32_t i = 0; i < s->drains; i++)
    if (i < COMMANDS)
      command(&w.cmd[i], w.ctrl[0], NVMENS_OP_NS_ATTACHMENT, i + 1, NVMENS_NS_DETACH);
    else
      must(nvmens_ns_detach(w.s, w.ns[i], w.ctrl[0], NVMENS_ORDERLY, w.now, UINT64_MAX),
           "nvmens_ns_detach");
  begin();
  nvmens_poll(w.s, ++w.now);
  done("nvmens_poll, nothing has ended");
  begin();
  nvmens_ctrl_reset(w.ctrl[0]);
  done("nvmens_ctrl_reset, commands wait");
  for (uint32_t i = 0; i < s->drains; i++)
    nvmens_io_end(w.lane, w.ticket[i]);
  begin();
  nvmens_poll(w.s, ++w.now);
  done("nvmens_poll, all have ended");
  nvmens_lane_del(w.lane);
  must(nvmens_ctrl_enable(w.ctrl[0], 1), "nvmens_ctrl_enable");
}

static void go(void)
{
  const shape *s = w.shape;

  begin();
  must(nvmens_ns_unplug(w.s, w.ns[s->namespaces - 1], NVMENS_ORDERLY, w.now, UINT64_MAX),
       "nvmens_ns_unplug");
  done("nvmens_ns_unplug");
  begin();
  nvmens_ctrl_del(w.ctrl[s->controllers - 1]);
  done("nvmens_ctrl_del");
  begin();
  command(&w.cmd[0], w.ctrl[0], NVMENS_OP_NS_MANAGEMENT, NVMENS_NSID_ALL, NVMENS_NS_MGMT_DELETE);
  nvmens_poll(w.s, ++w.now);
  done("Namespace Management, delete FFFFFFFFh");
  while (nvmens_subsys_del(w.s))
    nvmens_poll(w.s, ++w.now);
  free(w.ctrl);
  free(w.ns);
  free(w.ticket);
}

int main(void)
{
  static const shape shapes[] = {
      {"1,024 namespaces, 64 controllers of one host", 1024, 64, 1, 0},
      {"64 namespaces, 1,024 controllers", 64, 1024, 1024, 0},
      {"16,384 namespaces, 8 controllers of one host", 16384, 8, 1, 16383},
      {"65,536 namespaces, one controller", 65536, 1, 1, 65535},
  };

  bench_title("the longest hold of the lock");
  for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
    make(&shapes[i]);
    come();
    if (shapes[i].drains)
      drain();
    go();
  }
  return 0;
}
