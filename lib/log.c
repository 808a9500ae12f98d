/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c: Get Log Page of the changed namespace lists, and of logs that the backend owns (R29-R30,
 * R41-R45). Floor 5.
 *
 * Nothing is consumed that has not reached the host in this epoch, from this snapshot.
 */
#include "admin.h"
#include "ctrl.h"
#include "paths.h"
#include "subsys.h"

typedef struct page_read {
  uint32_t offset, len;
  uint8_t lid;
  bool keep;   /* RAE */
  bool counts; /* as a scan (R61) */
} page_read;

static bool parse(const nvmens_request *r, page_read *read)
{
  uint64_t offset = r->cdw[2] | (uint64_t)r->cdw[3] << 32;
  uint64_t len = (((uint64_t)(r->cdw[1] & 0xFFFF) << 16 | r->cdw[0] >> 16) + 1) * 4;
  bool by_index = r->cdw[4] >> 23 & 1;

  if ((r->nsid != NVMENS_NSID_NONE && r->nsid != NVMENS_NSID_ALL) || by_index || offset % 4 ||
      offset > NVMENS_PAGE)
    return false;
  read->offset = (uint32_t)offset;
  read->len = (uint32_t)(len < NVMENS_PAGE - offset ? len : NVMENS_PAGE - offset);
  read->lid = (uint8_t)r->cdw[0];
  read->keep = r->cdw[0] >> 15 & 1;
  read->counts = false;
  return true;
}

/* What was transferred counts; with RAE=0 it is consumed, and the notice follows from what is left.
 * Where another read has taken a newer snapshot meanwhile, nothing is consumed: the host is told
 * again. */
static void account(nvmens_ctrl *ctrl, nvmens_changed *changed, const page_read *read,
                    uint64_t latch)
{
  bool left = latch != changed->latch ||
              !nvmens_changed_sent(changed, read->offset, read->len, !read->keep);

  if (read->keep) {
    nvmens_notice_peek(&ctrl->notices, read->lid);
    return;
  }
  if (read->counts)
    nvmens_path_read_done(ctrl, latch);
  nvmens_notice_read(&ctrl->notices, read->lid, changed->seq, left);
  if (read->lid == NVMENS_LID_CHANGED_ATTACHED_NS)
    nvmens_path_read_over(ctrl);
}

void nvmens_do_get_log(const nvmens_request *r)
{
  nvmens_ctrl *ctrl = r->ctrl;
  nvmens_changed *changed;
  uint8_t page[NVMENS_PAGE];
  page_read read;
  uint64_t latch;

  if (!parse(r, &read)) {
    nvmens_fail(r, NVMENS_SC_INVALID_FIELD);
    return;
  }
  changed = &ctrl->changed[read.lid == NVMENS_LID_CHANGED_ATTACHED_NS ? NVMENS_LOG_ATTACHED
                                                                      : NVMENS_LOG_ALLOCATED];
  if (read.lid == NVMENS_LID_CHANGED_ATTACHED_NS && !read.keep)
    read.counts = nvmens_path_read_begins(ctrl, nvmens_changed_latches(changed, read.offset));
  nvmens_changed_latch(changed, read.offset, ctrl->notices.seq);
  latch = changed->latch;
  nvmens_changed_page(changed, page);
  if (read.len && !nvmens_transfer(r, page + read.offset, read.len, NVMENS_TO_HOST)) {
    nvmens_notice_peek(&ctrl->notices, read.lid);
    nvmens_deliver_all(ctrl->subsys); /* what the read's beginning has let in */
    return;
  }
  account(ctrl, changed, &read, latch);
  nvmens_cmd_end(r->cmd, 0, 0, 0); /* first: the host is to know the read before the next event */
  nvmens_ctrl_deliver(ctrl);
  nvmens_deliver_all(ctrl->subsys);
}

/* ---- logs that the backend owns ---- */

uint64_t nvmens_log_latch(nvmens_ctrl *ctrl, uint8_t lid)
{
  uint64_t stamp;

  (void)lid; /* changes of all sources are counted by one number */
  if (!ctrl)
    return 0;
  nvmens_enter(ctrl->subsys);
  stamp = ctrl->notices.seq;
  nvmens_commit(ctrl->subsys);
  return stamp;
}

void nvmens_log_was_read(nvmens_ctrl *ctrl, uint8_t lid, uint64_t stamp)
{
  if (!ctrl || lid == NVMENS_LID_CHANGED_ATTACHED_NS || lid == NVMENS_LID_CHANGED_ALLOCATED_NS)
    return; /* those two are read here */
  nvmens_enter(ctrl->subsys);
  if (stamp >= ctrl->notices.from && stamp <= ctrl->notices.seq) {
    nvmens_notice_read(&ctrl->notices, lid, stamp, false);
    nvmens_ctrl_deliver(ctrl);
  }
  nvmens_commit(ctrl->subsys);
}

int nvmens_event_post(nvmens_ctrl *ctrl, uint8_t type, uint8_t info, uint8_t lid, uint32_t aec_mask)
{
  uint16_t source;

  if (!ctrl || !nvmens_type_valid(type) || lid == NVMENS_LID_CHANGED_ATTACHED_NS ||
      lid == NVMENS_LID_CHANGED_ALLOCATED_NS)
    return NVMENS_ERR_INVAL;
  source = nvmens_source_of(type, info);
  if (source == NVMENS_SOURCE_ATTACHED || source == NVMENS_SOURCE_ALLOCATED)
    return NVMENS_ERR_INVAL;
  nvmens_enter(ctrl->subsys);
  if (ctrl->state == NVMENS_CTRL_READY) {
    nvmens_notice_post(&ctrl->notices, source, lid, aec_mask);
    nvmens_ctrl_deliver(ctrl);
  }
  nvmens_commit(ctrl->subsys);
  return 0;
}

uint32_t nvmens_aec(const nvmens_ctrl *ctrl)
{
  uint32_t aec;

  if (!ctrl)
    return 0;
  nvmens_enter(ctrl->subsys);
  aec = ctrl->notices.aec;
  nvmens_commit(ctrl->subsys);
  return aec;
}
