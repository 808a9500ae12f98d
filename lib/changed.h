/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changed.h: one changed namespace list of one controller (logs 04h and 1Ch). Floor 2.
 *
 * Two sets: `since` takes the changes, `latched` is the snapshot that reads are served from. A read
 * at offset 0 merges since into latched. What was transferred since then and is consumed leaves at
 * the next latch, so that offsets into a snapshot stay good.
 */
#ifndef NVMENS_LIB_CHANGED_H
#define NVMENS_LIB_CHANGED_H

#include "mem.h"

typedef struct nvmens_changed_set {
  uint32_t *nsid; /* ascending */
  uint16_t count;
  bool overflow; /* more than 1024: count is 0 */
} nvmens_changed_set;

typedef struct nvmens_changed {
  nvmens_changed_set latched, since;
  uint16_t room;                         /* of each set */
  bool snapshot;                         /* latched is being read */
  uint64_t latch;                        /* its number: which snapshot */
  uint64_t seq;                          /* of the changes it holds (notice.h) */
  uint32_t sent[NVMENS_LIST_NSIDS / 32]; /* entries transferred since the latch */
  uint32_t gone[NVMENS_LIST_NSIDS / 32]; /* entries consumed */
} nvmens_changed;

/* Room for one more than `more` namespaces that may still change. 0, NOMEM. */
int nvmens_changed_reserve(nvmens_changed *, const nvmens_mem *, uint64_t more);
void nvmens_changed_free(nvmens_changed *, const nvmens_mem *);
void nvmens_changed_add(nvmens_changed *, uint32_t nsid); /* in either set or not; never fails */
void nvmens_changed_reset(nvmens_changed *);
bool nvmens_changed_has(const nvmens_changed *, uint32_t nsid);       /* or an overflow covers it */
bool nvmens_changed_latches(const nvmens_changed *, uint64_t offset); /* a read here does so */
/* For a read at this offset: takes the snapshot where one is due. seq: the changes up to now. */
void nvmens_changed_latch(nvmens_changed *, uint64_t offset, uint64_t seq);
/* The snapshot as the log page. */
void nvmens_changed_page(const nvmens_changed *, uint8_t page[NVMENS_PAGE]);
/* These bytes of the snapshot have reached the host; consume: with RAE=0. Returns whether a
 * consuming read has left nothing of the snapshot. */
bool nvmens_changed_sent(nvmens_changed *, uint32_t offset, uint32_t len, bool consume);

#endif
