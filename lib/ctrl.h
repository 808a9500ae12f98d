/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctrl.h: one controller: its commands, its logs and events, its end. Floor 3.
 */
#ifndef NVMENS_LIB_CTRL_H
#define NVMENS_LIB_CTRL_H

#include "objects.h"

/* A command is the library's from take to end; what ends it decides nothing about drop or complete:
 * the epoch does, when the hook is called. */
void nvmens_cmd_take(nvmens_ctrl *, nvmens_cmd *, uint16_t cid);
void nvmens_cmd_give_back(nvmens_cmd *); /* without a hook: it is the caller's again */
void nvmens_cmd_end(nvmens_cmd *, uint16_t sf, uint32_t dw0, uint64_t error_info);
bool nvmens_cmd_old(const nvmens_cmd *);
/* A hook that named a command of this epoch has returned. */
void nvmens_cmd_uncount(nvmens_ctrl *, uint32_t epoch);
/* Nothing refers to it any more as the one to be completed. */
void nvmens_cmd_abandon(nvmens_cmd *);
/* It waits for this too; and no more, which ends it if it was the last. */
void nvmens_cmd_owe(nvmens_cmd *, nvmens_debt *);
void nvmens_debt_settle(nvmens_debt *); /* nobody waits: nothing */
/* Queues reset_done if it is due. */
void nvmens_ctrl_settle_reset(nvmens_ctrl *);

/* A change of an NSID in one of its logs; loud: the host is to hear of it. Nothing unless it is
 * ready and has that log. */
void nvmens_ctrl_record(nvmens_ctrl *, int log, uint32_t nsid, bool loud);
/* Queues the delivery of what can be delivered. */
void nvmens_ctrl_deliver(nvmens_ctrl *);
/* Of an NSID in log 1Ch of every controller. deleter: the delete command, whose host is not
 * told. */
void nvmens_record_allocated(nvmens_subsys *, uint32_t nsid, const nvmens_cmd *deleter);
/* Log 1Ch of what nvmens_ns_changed was called for, then what can be delivered, by CNTLID. */
void nvmens_deliver_all(nvmens_subsys *);
/* Of feature 0Bh, as it is configured and as its type may have it (R70). */
uint32_t nvmens_ctrl_aec_supported(const nvmens_ctrl *);
uint32_t nvmens_ctrl_aec_default(const nvmens_ctrl *);
void nvmens_ctrl_epoch(nvmens_ctrl *);
/* Being removed and nothing left: queues ctrl_released. */
void nvmens_ctrl_quiet(nvmens_ctrl *);
void nvmens_ctrl_unlist(nvmens_ctrl *);
void nvmens_ctrl_free(nvmens_ctrl *); /* and its attachments; the gate waits for its lanes */
/* The last CC.CSS enables it, or none was written yet. */
bool nvmens_ctrl_enables_csi(const nvmens_ctrl *, uint8_t csi);
bool nvmens_ctrl_has_csi(const nvmens_ctrl *,
                         uint8_t csi); /* CC.CSS enables it, or is not set yet */

#endif
