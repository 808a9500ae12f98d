/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lanes.c: the verbs of the data path that are not inline. Floor 5.
 */
#include "attach.h"
#include "subsys.h"

int nvmens_lane_new(nvmens_lane **out, nvmens_ctrl *ctrl)
{
  int err;

  if (!out || !ctrl)
    return NVMENS_ERR_INVAL;
  nvmens_enter(ctrl->subsys);
  err = ctrl->state == NVMENS_CTRL_GOING ? NVMENS_ERR_BUSY : nvmens_gate_lane(ctrl->gate, out);
  nvmens_commit(ctrl->subsys);
  return err;
}

void nvmens_lane_del(nvmens_lane *lane)
{
  nvmens_subsys *s;

  if (!lane)
    return;
  s = nvmens_gate_of_lane(lane)->subsys;
  nvmens_enter(s);
  nvmens_gate_unlane(lane);
  if (s->barrier_due)
    nvmens_look_at_drains(s);
  nvmens_commit(s);
}

nvmens_status nvmens_io_begin_next(nvmens_lane *lane, uint32_t after, uint32_t *nsid,
                                   nvmens_ticket *ticket, void **ns_user)
{
  const nvmens_gate *gate = nvmens_gate_of_lane(lane);
  nvmens_subsys *s = gate->subsys;
  nvmens_status status = {NVMENS_SC_ABORTED_SQ_DELETED};

  *nsid = NVMENS_NSID_NONE;
  *ticket = (nvmens_ticket){NULL, NULL};
  nvmens_enter(s);
  if (gate->ctrl && gate->ready) {
    status.sf = NVMENS_SC_SUCCESS;
    while (nvmens_nsid_set_next(&gate->ctrl->active, after, &after))
      if (nvmens_io_begin(lane, after, ticket, ns_user).sf == NVMENS_SC_SUCCESS) {
        *nsid = after;
        break;
      }
  }
  nvmens_commit(s);
  return status;
}

void nvmens_io_end_remote(nvmens_subsys *s, nvmens_ticket ticket)
{
  nvmens_gate_end_remote(&s->bell, ticket);
}
