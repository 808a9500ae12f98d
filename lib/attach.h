/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attach.h: one attachment, that is one namespace seen by one controller. Floor 3.
 */
#ifndef NVMENS_LIB_ATTACH_H
#define NVMENS_LIB_ATTACH_H

#include "objects.h"

/* The attachment of an NSID, at rest or not; NULL: never had one. */
nvmens_attachment *nvmens_att_of(const nvmens_ctrl *, uint32_t nsid);
/* What attach would say (R22, in the order of R23), without memory being asked for. */
nvmens_verdict nvmens_att_may(const nvmens_ns *, const nvmens_ctrl *);
/* After may has said yes: all the memory that it takes, for good. 0, NOMEM. */
int nvmens_att_reserve(nvmens_ns *, nvmens_ctrl *);
void nvmens_att_unreserve(nvmens_ns *, nvmens_ctrl *);
bool nvmens_att_reserved(const nvmens_ns *, const nvmens_ctrl *);
void nvmens_att_attach(nvmens_ns *, nvmens_ctrl *); /* what was reserved */
/* DETACH, REMOVE, ABORT, REMOVE_SURPRISE, CTRL_GOES. att may be NULL. owner: the command that
 * completes when the drain is over. loud: its own host is told. */
nvmens_verdict nvmens_att_leave(nvmens_attachment *, unsigned event, nvmens_cmd *owner, bool loud);
void nvmens_att_late(nvmens_attachment *);    /* the deadline */
void nvmens_att_drained(nvmens_attachment *); /* if both halves are done */
void nvmens_att_mark(nvmens_attachment *, unsigned event);
/* The first with a listed mark from here on, or NULL. Marks may be stepped on the way. */
nvmens_attachment *nvmens_att_shown(nvmens_attachment **);
/* Left here alone: its host may have an older disk here, in the way of the other paths (C14). */
void nvmens_att_left(nvmens_attachment *);
void nvmens_att_gone(const nvmens_attachment *); /* its controller is released: tells the others */

#endif
