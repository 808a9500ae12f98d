/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * consumer.c: a program that knows only the installed library. It plugs a namespace into a
 * controller, uses it, and unplugs it under a command: released comes after the command's end.
 */
#include <nvmens/gate.h>
#include <nvmens/nvmens.h>
#include <stdio.h>
#include <string.h>

static int failed;
#define EXPECT(x)                                                                                  \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      fprintf(stderr, "consumer.c:%d: %s\n", __LINE__, #x);                                        \
      failed = 1;                                                                                  \
    }                                                                                              \
  } while (0)

static void complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                     uint64_t error_info)
{
  (void)ctrl_user, (void)cmd, (void)status, (void)dw0, (void)error_info;
}

static void drop(void *ctrl_user, nvmens_cmd *cmd)
{
  (void)ctrl_user, (void)cmd;
}

static nvmens_status transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                              nvmens_dir dir)
{
  const nvmens_status ok = {0};

  (void)ctrl_user, (void)cmd, (void)buf, (void)len, (void)dir;
  return ok;
}

static void released(void *ns_user, nvmens_reason reason)
{
  *(int *)ns_user = reason == NVMENS_UNPLUGGED;
}

static void use(nvmens_subsys *subsys)
{
  const nvmens_ns_config config = {
      .nsid = 5, .auto_attach = 1, .nsze = 2048, .ident.uuid = {1}};
  int gone = 0;
  void *ns_user = NULL;
  nvmens_ctrl *ctrl = NULL;
  nvmens_lane *lane = NULL;
  nvmens_nsref ns;
  nvmens_ticket ticket, none;

  EXPECT(nvmens_ctrl_new(&ctrl, subsys, NULL, NULL) == 0);
  EXPECT(nvmens_ctrl_enable(ctrl, NVMENS_CSS_ALL << NVMENS_CC_CSS_SHIFT) == 0);
  EXPECT(nvmens_ns_new(subsys, &config, &gone, &ns) == 0);
  EXPECT(nvmens_lane_new(&lane, ctrl) == 0);
  if (failed)
    return;
  EXPECT(nvmens_io_begin(lane, 5, &ticket, &ns_user).sf == NVMENS_SC_SUCCESS);
  EXPECT(ns_user == &gone);
  EXPECT(nvmens_ns_unplug(subsys, ns, NVMENS_ORDERLY, 0, UINT64_MAX) == 0);
  EXPECT(nvmens_io_begin(lane, 5, &none, &ns_user).sf != NVMENS_SC_SUCCESS);
  nvmens_poll(subsys, 1);
  EXPECT(!gone);
  nvmens_io_end(lane, ticket);
  nvmens_poll(subsys, 2);
  EXPECT(gone);
  nvmens_lane_del(lane);
}

int main(void)
{
  const nvmens_host host = {
      .cmd_complete = complete, .cmd_drop = drop, .transfer = transfer, .released = released};
  nvmens_subsys *subsys = NULL;

  EXPECT(strcmp(NVMENS_VERSION, "") != 0);
  EXPECT(nvmens_subsys_new(&subsys, NULL, &host, NULL, NULL) == 0);
  if (subsys)
    use(subsys);
  EXPECT(nvmens_subsys_del(subsys) == 0);
  return failed;
}
