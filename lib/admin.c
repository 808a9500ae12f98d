/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admin.c: from an SQE to what it asks for: AER, Abort, feature 0Bh, and the way to the others.
 * Floor 5.
 *
 * Sections: Asynchronous Event Request, Abort, Get Features and Set Features (R26-R37).
 */
#include "admin.h"

#include "ctrl.h"
#include "kinds.h"
#include "le.h"
#include "paths.h"
#include "subsys.h"

void nvmens_fail(const nvmens_request *r, uint16_t sf)
{
  nvmens_cmd_end(r->cmd, sf | NVMENS_SF_DNR, 0, 0);
}

bool nvmens_transfer(const nvmens_request *r, void *buf, size_t len, nvmens_dir dir)
{
  nvmens_core *core = &r->ctrl->subsys->core;
  nvmens_status status;

  nvmens_hook_enter(core);
  status = core->host.transfer(r->ctrl->user, r->cmd, buf, len, dir);
  nvmens_hook_leave(core);
  if (!status.sf && !nvmens_cmd_old(r->cmd))
    return true;
  nvmens_cmd_end(r->cmd, status.sf, 0, 0);
  return false;
}

/* ---- AER ---- */

static uint16_t park(nvmens_ctrl *ctrl, nvmens_cmd *cmd)
{
  const nvmens_subsys_config *config = &ctrl->subsys->config;

  if (ctrl->state == NVMENS_CTRL_SHUTDOWN)
    return NVMENS_SC_ABORTED_POWER_LOSS;
  if (ctrl->state != NVMENS_CTRL_READY)
    return NVMENS_SC_ABORTED_SQ_DELETED;
  if (ctrl->notices.parked_count > config->aerl)
    return NVMENS_SC_AER_LIMIT_EXCEEDED | NVMENS_SF_DNR;
  cmd->state = NVMENS_CMD_PARKED;
  nvmens_notice_park(&ctrl->notices, cmd);
  nvmens_ctrl_deliver(ctrl);
  return 0;
}

nvmens_status nvmens_aer(nvmens_ctrl *ctrl, nvmens_cmd *cmd, uint16_t cid)
{
  nvmens_status status = {NVMENS_SC_INTERNAL_ERROR};

  if (!ctrl || !cmd)
    return status;
  nvmens_enter(ctrl->subsys);
  nvmens_cmd_take(ctrl, cmd, cid);
  status.sf = park(ctrl, cmd);
  if (status.sf)
    nvmens_cmd_give_back(cmd);
  nvmens_commit(ctrl->subsys);
  return status;
}

static bool abort_parked(nvmens_ctrl *ctrl, uint16_t cid)
{
  nvmens_cmd *aer = nvmens_notice_unpark_cid(&ctrl->notices, cid);

  if (aer)
    nvmens_cmd_end(aer, NVMENS_SC_ABORTED_BY_REQUEST, 0, 0);
  return aer != NULL;
}

int nvmens_aer_abort(nvmens_ctrl *ctrl, uint16_t cid)
{
  bool found;

  if (!ctrl)
    return NVMENS_ERR_INVAL;
  nvmens_enter(ctrl->subsys);
  found = abort_parked(ctrl, cid);
  nvmens_commit(ctrl->subsys);
  return found ? 0 : NVMENS_ERR_NOT_FOUND;
}

static void do_aer(const nvmens_request *r)
{
  uint16_t sf = park(r->ctrl, r->cmd);

  if (sf)
    nvmens_cmd_end(r->cmd, sf, 0, 0);
}

/* Mine only if it names a parked AER, which sits on the Admin Submission Queue (R36). */
static bool abort_is_mine(const nvmens_ctrl *ctrl, uint32_t cdw10)
{
  if ((uint16_t)cdw10 != 0)
    return false;
  for (const nvmens_cmd *aer = ctrl->notices.parked; aer; aer = aer->park_next)
    if (aer->cid == cdw10 >> 16)
      return true;
  return false;
}

static void do_abort(const nvmens_request *r)
{
  bool found = abort_parked(r->ctrl, (uint16_t)(r->cdw[0] >> 16));

  nvmens_cmd_end(r->cmd, 0, !found, 0);
}

/* ---- feature 0Bh (R32-R34) ---- */

enum { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_CAPABILITIES, CHANGEABLE = 4 };

static void do_get_feature(const nvmens_request *r)
{
  const nvmens_ctrl *ctrl = r->ctrl;

  switch (r->cdw[0] >> 8 & 7) {
  case SELECT_CURRENT:
    nvmens_cmd_end(r->cmd, 0, ctrl->notices.aec, 0);
    break;
  case SELECT_DEFAULT:
  case SELECT_SAVED: /* not saveable: the default */
    nvmens_cmd_end(r->cmd, 0, nvmens_ctrl_aec_default(ctrl), 0);
    break;
  case SELECT_CAPABILITIES:
    nvmens_cmd_end(r->cmd, 0, CHANGEABLE, 0);
    break;
  default:
    nvmens_fail(r, NVMENS_SC_INVALID_FIELD);
    break;
  }
}

static void do_set_feature(const nvmens_request *r)
{
  nvmens_ctrl *ctrl = r->ctrl;
  uint32_t before = ctrl->notices.aec;

  if (r->cdw[0] >> 31) {
    nvmens_fail(r, NVMENS_SC_FEATURE_NOT_SAVEABLE);
  } else if (r->nsid != NVMENS_NSID_NONE && r->nsid != NVMENS_NSID_ALL) {
    nvmens_fail(r, NVMENS_SC_FEATURE_NOT_PER_NS);
  } else if (r->cdw[1] & ~nvmens_ctrl_aec_supported(ctrl)) {
    nvmens_fail(r, NVMENS_SC_INVALID_FIELD);
  } else {
    nvmens_notice_set_aec(&ctrl->notices, r->cdw[1]);
    if ((before ^ r->cdw[1]) & NVMENS_AEC_ATTACHED_NS)
      nvmens_path_asks(ctrl);
    nvmens_cmd_end(r->cmd, 0, 0, 0);
    nvmens_ctrl_deliver(ctrl);
    nvmens_deliver_all(ctrl->subsys);
  }
}

/* ---- the way in ---- */

typedef void do_command(const nvmens_request *);

static do_command *command_of(const nvmens_request *r)
{
  uint8_t low = (uint8_t)r->cdw[0]; /* CNS, LID, FID */

  switch (r->opcode) {
  case NVMENS_OP_IDENTIFY:
    return nvmens_identify_knows(low) ? nvmens_do_identify : NULL;
  case NVMENS_OP_GET_LOG_PAGE:
    return low == NVMENS_LID_CHANGED_ATTACHED_NS || low == NVMENS_LID_CHANGED_ALLOCATED_NS
               ? nvmens_do_get_log
               : NULL;
  case NVMENS_OP_GET_FEATURES:
    return low == NVMENS_FID_ASYNC_EVENT_CONFIG ? do_get_feature : NULL;
  case NVMENS_OP_SET_FEATURES:
    return low == NVMENS_FID_ASYNC_EVENT_CONFIG ? do_set_feature : NULL;
  case NVMENS_OP_ASYNC_EVENT_REQUEST:
    return do_aer;
  case NVMENS_OP_ABORT:
    return abort_is_mine(r->ctrl, r->cdw[0]) ? do_abort : NULL;
  case NVMENS_OP_NS_MANAGEMENT:
    return nvmens_do_ns_management;
  case NVMENS_OP_NS_ATTACHMENT:
    return nvmens_do_ns_attachment;
  default:
    return NULL;
  }
}

/* What its type does not have is refused before anything else is looked at (R70). */
static void do_what_it_has(const nvmens_request *r, do_command *run)
{
  uint16_t sf = nvmens_kind_lacks(r->ctrl->kind, r->opcode, (uint8_t)r->cdw[0]);

  if (sf)
    nvmens_fail(r, sf);
  else
    run(r);
}

size_t nvmens_admin_data_len(const void *sqe)
{
  const uint8_t *bytes = sqe;
  uint8_t select;

  if (!sqe)
    return 0;
  select = bytes[offsetof(nvmens_sqe, cdw10)] & 0x0F;
  switch (bytes[offsetof(nvmens_sqe, opcode)]) {
  case NVMENS_OP_NS_MANAGEMENT:
    return select == NVMENS_NS_MGMT_CREATE ? NVMENS_PAGE : 0;
  case NVMENS_OP_NS_ATTACHMENT:
    return select == NVMENS_NS_ATTACH || select == NVMENS_NS_DETACH ? NVMENS_PAGE : 0;
  default:
    return 0;
  }
}

nvmens_taken nvmens_admin(nvmens_ctrl *ctrl, nvmens_cmd *cmd, const void *bytes, uint64_t now_ns)
{
  const nvmens_sqe *sqe = bytes;
  nvmens_request r = {.ctrl = ctrl, .cmd = cmd};
  nvmens_subsys *s;
  do_command *run;

  if (!ctrl || !cmd || !sqe)
    return NVMENS_NOT_MINE;
  s = ctrl->subsys;
  r.opcode = sqe->opcode;
  r.nsid = nvmens_get32(sqe->nsid);
  for (int i = 0; i < 6; i++)
    r.cdw[i] = nvmens_get32((const uint8_t *)bytes + offsetof(nvmens_sqe, cdw10) + 4 * i);
  nvmens_enter(s);
  run = command_of(&r);
  if (run) {
    nvmens_set_deadline(s, now_ns, s->config.deadline_ns);
    nvmens_cmd_take(ctrl, cmd, nvmens_get16(sqe->cid));
    if (ctrl->state == NVMENS_CTRL_READY)
      do_what_it_has(&r, run);
    else
      nvmens_cmd_end(cmd,
                     ctrl->state == NVMENS_CTRL_SHUTDOWN ? NVMENS_SC_ABORTED_POWER_LOSS
                                                         : NVMENS_SC_ABORTED_SQ_DELETED,
                     0, 0);
  }
  nvmens_commit(s);
  return run ? NVMENS_TAKEN : NVMENS_NOT_MINE;
}
