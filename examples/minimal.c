/* SPDX-License-Identifier: BSD-3-Clause */
/* minimal.c: a namespace is unplugged while a command holds it. */
#include <nvmens/gate.h>
#include <stdio.h>

static void complete(void *ctrl, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0, uint64_t info)
{
  (void)ctrl, (void)cmd, (void)status, (void)dw0, (void)info; /* post the completion */
}
static void drop(void *ctrl, nvmens_cmd *cmd)
{
  (void)ctrl, (void)cmd; /* free the command */
}
static nvmens_status transfer(void *ctrl, nvmens_cmd *cmd, void *buf, size_t len, nvmens_dir dir)
{
  (void)ctrl, (void)cmd, (void)buf, (void)len, (void)dir; /* move the data */
  return (nvmens_status){NVMENS_SC_SUCCESS};
}
static void released(void *ns, nvmens_reason reason)
{
  printf("%s: may be freed now (reason %d)\n", (char *)ns, (int)reason);
}

int main(void)
{
  const nvmens_host host = {
      .cmd_complete = complete, .cmd_drop = drop, .transfer = transfer, .released = released};
  const nvmens_ns_config config = {.auto_attach = 1, .nsze = 2048, .ident = {.uuid = {1}}};
  char disk[] = "namespace"; /* anything of the backend's */
  nvmens_subsys *subsys;
  nvmens_ticket command, late;
  nvmens_ctrl *ctrl;
  nvmens_lane *queue;
  nvmens_nsref ns;
  void *user;

  if (nvmens_subsys_new(&subsys, NULL, &host, NULL, NULL) ||
      nvmens_ctrl_new(&ctrl, subsys, NULL, NULL) || nvmens_ctrl_enable(ctrl, 1) ||
      nvmens_ns_new(subsys, &config, disk, &ns) || nvmens_lane_new(&queue, ctrl) ||
      nvmens_io_begin(queue, ns.nsid, &command, &user).sf)
    return 1;
  nvmens_ns_unplug(subsys, ns, NVMENS_ORDERLY, 0, UINT64_MAX); /* the host sees it go at once */
  printf("a late command: status %Xh\n", nvmens_io_begin(queue, ns.nsid, &late, &user).sf & 0x7FFu);
  printf("%s: a command holds it still\n", disk);
  nvmens_io_end(queue, command);
  nvmens_poll(subsys, 1); /* what the hook wake asks for */
  nvmens_lane_del(queue);
  nvmens_ctrl_del(ctrl);
  return nvmens_subsys_del(subsys) ? 1 : 0;
}
