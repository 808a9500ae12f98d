/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paths.h: the paths of one host, and which disks it may still have on them. Floor 3.
 */
#ifndef NVMENS_LIB_PATHS_H
#define NVMENS_LIB_PATHS_H

#include "objects.h"

/* ---- controllers of a host ---- */

/* The host with this ID that is there or remembered; NULL. */
nvmens_paths *nvmens_paths_find(const nvmens_subsys *, const uint8_t hostid[16]);
/* A controller of this host, before it is listed. chosen: its CNTLID is not the backend's. 0,
 * NOMEM. */
int nvmens_paths_join(nvmens_ctrl *, const uint8_t hostid[16], bool chosen);
/* It never was: nothing is remembered of it. */
void nvmens_paths_abandon(nvmens_ctrl *);
/* It is released: what its host may still have, and was attached explicitly, is remembered; its
 * attachments are freed. */
void nvmens_paths_leave(nvmens_ctrl *);
/* R68. Free: the CNTLIDs in use are those of the controllers listed. */
uint16_t nvmens_paths_cntlid(const nvmens_subsys *, const uint8_t hostid[16]);
/* R69: some host may still have a disk of this NSID. */
bool nvmens_paths_remember(const nvmens_subsys *, uint32_t nsid);
/* The explicit attach or detach of this namespace that is remembered for this host and CNTLID
 * (R67), NVMENS_WISH_*. */
uint8_t nvmens_paths_wish(const nvmens_ctrl *, const nvmens_ns *);
void nvmens_paths_take_wishes(const nvmens_ctrl *); /* it has them: they are remembered no more */
void nvmens_paths_forget_wishes(nvmens_subsys *, const nvmens_ns *); /* of all hosts */
void nvmens_paths_look(nvmens_paths *);   /* the next poll looks for what is over */
void nvmens_paths_clear(nvmens_subsys *); /* hosts without a controller; the end */

void nvmens_disk_quiet(nvmens_disk *); /* nothing refers to it: it is freed */
/* What a path takes with it when it goes: at most so many, a disk that is new takes over one that
 * says the same. */
void nvmens_past_remember(nvmens_disk *, nvmens_past *);
/* ctrl may have been any of those that went before it came: they are away anew (R66). */
void nvmens_past_renew(const nvmens_ctrl *);
void nvmens_past_clear(nvmens_disk *);
/* The disk that it may have and ns cannot be two paths to one disk of their host. */
bool nvmens_past_clashes(const nvmens_past *, const nvmens_ns *);

/* ---- attachments ---- */

/* Memory for a new attachment of ctrl, whose nsid is set. 0, NOMEM. */
int nvmens_disk_reserve(nvmens_attachment *);
/* What left here is owed for (R60), or is not any more. Does not settle. */
void nvmens_mark_step(nvmens_attachment *, unsigned event);
/* Looks at one NSID of one host again: who waits and for what, what is told, what is answered to
 * barred I/O. After each change of one of its attachments, marks or paths. */
void nvmens_disk_settle(nvmens_disk *);
bool nvmens_disk_is_settled(const nvmens_attachment *); /* for the audit */
/* The same at nvmens_disks_settle, once, however many of its attachments have changed. */
void nvmens_disk_due(nvmens_disk *);
void nvmens_disks_settle(nvmens_subsys *);
/* What is counted of its attachments, before and after one has changed its state or its controller
 * whether it is READY. */
void nvmens_disk_uncount(const nvmens_attachment *);
void nvmens_disk_count(const nvmens_attachment *);
/* The same for all NSIDs that this path owes for or waits for: it is ready or not, answers or
 * not. */
void nvmens_path_settle(nvmens_ctrl *);
/* An attachment has become visible: newcomers that may be in its way are told (R65). */
void nvmens_disk_shown(const nvmens_attachment *);
/* Barred I/O is answered by whether the host has another path (R51, C16): of one attachment, or of
 * all, if another number of them serves. */
void nvmens_att_answer(const nvmens_attachment *);
void nvmens_disk_answer(nvmens_disk *);
uint16_t nvmens_att_answer_of(const nvmens_attachment *); /* for the audit */

/* ---- for scan.c ---- */

/* Paths that went before the newcomer came may have a disk of it; and another path shows it under
 * another identity, so that its host may have refused that: it is told. */
bool nvmens_disk_may_have(const nvmens_disk *, const nvmens_ctrl *newcomer);
bool nvmens_disk_refused(const nvmens_disk *, const nvmens_ctrl *newcomer);
void nvmens_disk_tell_refused(const nvmens_disk *, const nvmens_ctrl *newcomer);
void nvmens_path_be_patient(nvmens_ctrl *); /* its timer runs, or not (R63) */

/* ---- what the host does: scan.c ---- */

void nvmens_path_ready(nvmens_ctrl *); /* what was to be told before it was */
void nvmens_path_reset(nvmens_ctrl *);
void nvmens_path_asks(nvmens_ctrl *); /* bit 8 of feature 0Bh has changed */
/* A read of log 04h with RAE=0 begins (latches: and takes a new snapshot). Whether it counts (R61):
 * then it is told when it has reached the host, before the notice hears of it. read_over: after. */
bool nvmens_path_read_begins(nvmens_ctrl *, bool latches);
void nvmens_path_read_done(nvmens_ctrl *, uint64_t latch);
void nvmens_path_read_over(nvmens_ctrl *);
void nvmens_path_listed(nvmens_ctrl *); /* CNS 02h or 07h has reached it (R66) */
/* CNS 03h, or 00h and others, of a namespace that was visible has reached it (R64). */
void nvmens_path_identified(nvmens_ctrl *, nvmens_nsref, uint8_t cns);
/* Its timer. If this is true, when all that are due have been called: nvmens_paths_silent. */
bool nvmens_path_silent(nvmens_ctrl *);
void nvmens_paths_silent(const nvmens_subsys *);
void nvmens_paths_expire(nvmens_paths *); /* its timer */

#endif
