/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns.h: one namespace. Floor 3.
 */
#ifndef NVMENS_LIB_NS_H
#define NVMENS_LIB_NS_H

#include "objects.h"

/* The namespace of this NSID that is allocated, or being deleted; NULL. */
nvmens_ns *nvmens_ns_of(const nvmens_subsys *, uint32_t nsid);
nvmens_ns *nvmens_ns_of_ref(const nvmens_subsys *, nvmens_nsref);
nvmens_ns *nvmens_ns_allocated(const nvmens_subsys *, uint32_t nsid);
nvmens_subject nvmens_about_ns(const nvmens_ns *);
nvmens_u128 nvmens_ns_bytes(uint64_t blocks, uint8_t lbads);
/* Takes an NSID, the identity, and room in every log for its changes. config is valid. Nothing has
 * changed on failure. It is ABSENT until published; until then it can be forgotten. */
nvmens_verdict nvmens_ns_prepare(nvmens_subsys *, const nvmens_ns_config *, void *user,
                                 nvmens_ns **);
void nvmens_ns_forget(nvmens_ns *);
void nvmens_ns_publish(nvmens_ns *); /* ALLOCATED, capacity debited */
/* DELETE, UNPLUG, UNPLUG_SURPRISE: the state only; returns the cell's actions. */
nvmens_verdict nvmens_ns_leave(nvmens_ns *, unsigned event, nvmens_cmd *owner, uint16_t *actions);
/* A new size or format, its capacity debited or credited. */
nvmens_verdict nvmens_ns_resize(nvmens_ns *, uint64_t nsze, uint64_t ncap, uint8_t flbas);
/* Its attachments or its Identify data changed: log 1Ch of every controller, by nvmens_deliver_all.
 */
void nvmens_ns_changed(nvmens_ns *);
/* Private, without a home and a keeper: the lowest controller's (R56). Whether it was given one. */
bool nvmens_ns_find_keeper(nvmens_ns *);
/* DELETING and nothing refers to it: ABSENT, and released. */
void nvmens_ns_quiet(nvmens_ns *);
/* DELETING and all that is left is being aborted: the delete command does not wait for it. */
void nvmens_ns_late(nvmens_ns *);

#endif
