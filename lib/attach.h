/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attach.h: one attachment, that is one namespace seen by one controller. Floor 3.
 */
#ifndef NVMENS_LIB_ATTACH_H
#define NVMENS_LIB_ATTACH_H

#include "objects.h"

/* The attachment of an NSID, at rest or not; NULL: never had one. */
nvmens_attachment *nvmens_att_of(const nvmens_ctrl *, uint32_t nsid);
/* The host sees it. */
static inline bool nvmens_att_visible(const nvmens_attachment *att)
{
  return att->state == NVMENS_ATT_ATTACHED || att->state == NVMENS_ATT_FENCED;
}
static inline uint32_t nvmens_atts_visible(const nvmens_ctrl *ctrl)
{
  return ctrl->count[NVMENS_ATT_ATTACHED] + ctrl->count[NVMENS_ATT_FENCED];
}
/* It refers to a namespace, and is not merely WANTED. */
static inline bool nvmens_att_holds(const nvmens_attachment *att)
{
  return att->ns && att->state != NVMENS_ATT_WANTED;
}

/* ---- what should be attached (R56) ---- */

bool nvmens_att_covers(const nvmens_ns *, const nvmens_ctrl *); /* by auto attach */
bool nvmens_att_should(const nvmens_ns *, const nvmens_ctrl *);
/* The explicit attach or detach is about a namespace that is still allocated. */
bool nvmens_att_wish_is_alive(const nvmens_attachment *);
/* What an explicit attach would say (R22, R58, in the order of R23), without memory being asked
 * for.
 */
nvmens_verdict nvmens_att_may(const nvmens_ns *, const nvmens_ctrl *);
/* Private, another controller has it, and here it only follows by auto attach: to the host's
 * commands it is not here (R58). */
bool nvmens_att_is_elsewhere(const nvmens_ns *, const nvmens_attachment *);
/* All the memory that it takes to be attached, now or later. 0, NOMEM. */
int nvmens_att_reserve(const nvmens_ns *, nvmens_ctrl *);
void nvmens_att_unreserve(const nvmens_ns *, nvmens_ctrl *);          /* if it is at rest */
void nvmens_att_wish(const nvmens_ns *, nvmens_ctrl *, uint8_t wish); /* of what was reserved */
/* WANTED, or again when it has drained; what was reserved. Then attached if nothing is in the way.
 */
void nvmens_att_want(nvmens_ns *, nvmens_ctrl *);
/* It should not be attached any more, and is not visible: WANTED ends, and what leaves does not
 * come again. */
void nvmens_att_unwant(nvmens_ns *, nvmens_ctrl *);
/* Why it cannot be attached, host and limits apart: NVMENS_WAIT_* (R57). */
uint8_t nvmens_att_hindered(const nvmens_ns *, const nvmens_ctrl *);
bool nvmens_att_full(const nvmens_ctrl *); /* a limit is reached */
/* WANTED or FENCED: what follows from that. For nvmens_disk_settle. */
void nvmens_att_decide(nvmens_attachment *, uint8_t waits);

/* ---- for drain.c ---- */

/* The state, and what is counted by it. */
const nvmens_cell *nvmens_att_step(nvmens_attachment *, unsigned event);
void nvmens_att_record(const nvmens_attachment *, bool loud); /* log 04h of its controller */
void nvmens_att_unlink_ns(nvmens_attachment *);
void nvmens_atts_link(nvmens_attachment **first, nvmens_attachment *); /* by next and prev */
void nvmens_atts_unlink(nvmens_attachment **first, nvmens_attachment *);
/* Who has a private namespace has changed: those that wait for it are looked at, by CNTLID. */
void nvmens_att_settle_private(const nvmens_ns *);
/* It is one attachment less at ctrl: who waited for that tries again. */
void nvmens_att_let_in(nvmens_ctrl *);

/* ---- leaving ---- */

/* DETACH, REMOVE, ABORT, REMOVE_SURPRISE, CTRL_GOES. att may be NULL. owner: the command that
 * completes when the drain is over. loud: its own host is told. */
nvmens_verdict nvmens_att_leave(nvmens_attachment *, unsigned event, nvmens_cmd *owner, bool loud);
void nvmens_att_late(nvmens_attachment *);    /* the deadline */
void nvmens_att_drained(nvmens_attachment *); /* if both halves are done */
/* No begin succeeds any more at its gate, which is closed. */
bool nvmens_att_is_barred(const nvmens_attachment *);
/* The gates that were closed bar from now on, if there is a barrier to be had; else a later call
 * tries again, after NVMENS_BARRIER_RETRY nanoseconds if none comes before. */
enum { NVMENS_BARRIER_RETRY = 10000000 };
void nvmens_bar(nvmens_subsys *);
/* Those that have ended, and those that waited for a barrier, or for the last lane to go. */
void nvmens_look_at_drains(nvmens_subsys *);

#endif
