// SPDX-License-Identifier: BSD-3-Clause
// headers_cxx.cc: the public headers are C++11 and link from it. A subsystem without a host's
// commands comes and goes; a lane's inline functions need only compile.
#include <nvmens/gate.h>
#include <nvmens/nvmens.h>
#include <nvmens/version.h>
#include <nvmens/wire.h>

namespace
{
void complete(void *, nvmens_cmd *, nvmens_status, uint32_t, uint64_t)
{
}

void drop(void *, nvmens_cmd *)
{
}

nvmens_status transfer(void *, nvmens_cmd *, void *, size_t, nvmens_dir)
{
  return nvmens_status();
}

nvmens_status command(nvmens_lane *lane, uint32_t nsid)
{
  nvmens_ticket ticket;
  void *ns_user;
  nvmens_status status = nvmens_io_begin(lane, nsid, &ticket, &ns_user);

  if (status.sf == NVMENS_SC_SUCCESS)
    nvmens_io_end(lane, ticket);
  return status;
}
} // namespace

int main()
{
  nvmens_subsys *subsys = nullptr;
  nvmens_ctrl *ctrl = nullptr;
  nvmens_lane *lane = nullptr;
  nvmens_host host = nvmens_host();

  host.cmd_complete = complete;
  host.cmd_drop = drop;
  host.transfer = transfer;
  if (nvmens_subsys_new(&subsys, nullptr, &host, nullptr, nullptr) != NVMENS_OK)
    return 1;
  if (nvmens_ctrl_new(&ctrl, subsys, nullptr, nullptr) != NVMENS_OK)
    return 1;
  if (nvmens_lane_new(&lane, ctrl) != NVMENS_OK)
    return 1;
  if (command(lane, 1).sf == NVMENS_SC_SUCCESS) // there is no namespace
    return 1;
  nvmens_lane_del(lane);
  return nvmens_subsys_del(subsys) == NVMENS_OK ? 0 : 1;
}
