/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notice.h: the events of one controller and the AERs that wait for them. Floor 2.
 *
 * A source is a (type, information) pair; it holds at most one event, so nothing here can be full
 * and nothing allocates. Which sources are masked follows from the states of the others.
 */
#ifndef NVMENS_LIB_NOTICE_H
#define NVMENS_LIB_NOTICE_H

#include "step.h"

enum { NVMENS_TYPES = 7, NVMENS_SOURCES = NVMENS_TYPES * 256 }; /* type 5 is reserved */

typedef struct nvmens_source {
  uint64_t seq;  /* of its last loud change */
  uint32_t mask; /* bits of feature 0Bh, any of which lets it pass; 0: it always passes */
  uint16_t next; /* of those not CLEAR, in the order in which they became PENDING; number + 1 */
  uint8_t lid;
  uint8_t state;
} nvmens_source;

typedef struct nvmens_notices {
  nvmens_core *core;
  nvmens_cmd *parked, **parked_end; /* oldest first */
  uint64_t sent, coalesced;
  uint64_t seq, from; /* counts loud changes and resets: now, and at the last reset */
  uint32_t parked_count;
  uint32_t aec;
  uint16_t first; /* source number + 1 */
  uint16_t cntlid;
  uint8_t scope; /* nvmens_mask_scope */
  nvmens_source source[NVMENS_SOURCES];
} nvmens_notices;

static inline bool nvmens_type_valid(uint8_t type)
{
  return type < 8 && type != 5;
}

static inline uint16_t nvmens_source_of(uint8_t type, uint8_t info)
{
  return (uint16_t)((type > 5 ? type - 1 : type) * 256 + info);
}

enum { /* the library's own, as nvmens_source_of gives them */
       NVMENS_SOURCE_ATTACHED = NVMENS_AER_NOTICE * 256 + NVMENS_NOTICE_ATTACHED_NS_CHANGED,
       NVMENS_SOURCE_ALLOCATED = NVMENS_AER_NOTICE * 256 + NVMENS_NOTICE_ALLOCATED_NS_CHANGED
};

void nvmens_notice_init(nvmens_notices *, nvmens_core *, uint16_t cntlid, uint8_t scope);
void nvmens_notice_park(nvmens_notices *, nvmens_cmd *);
/* The oldest parked AER, taken out; by CID; NULL: none. */
nvmens_cmd *nvmens_notice_unpark(nvmens_notices *);
nvmens_cmd *nvmens_notice_unpark_cid(nvmens_notices *, uint16_t cid);
/* A change that the host is to hear of (loud), or that only entered the log. */
void nvmens_notice_change(nvmens_notices *, uint16_t source, bool loud);
/* The same (loud) for a source of the backend's, which says what clears it and what lets it pass.
 */
void nvmens_notice_post(nvmens_notices *, uint16_t source, uint8_t lid, uint32_t mask);
/* The source to be delivered next if an AER were there; held: not one of the library's own yet.
 * -1: none. */
int nvmens_notice_next(const nvmens_notices *, bool held);
/* Marks it sent; returns DW0 of the completion. */
uint32_t nvmens_notice_deliver(nvmens_notices *, uint16_t source);
/* A page was read with RAE=0: clears its sources, but those that are newer than seq, or all if
 * something is left to be read. */
void nvmens_notice_read(nvmens_notices *, uint8_t lid, uint64_t seq, bool left);
/* A page was read that consumed nothing. */
void nvmens_notice_peek(nvmens_notices *, uint8_t lid);
void nvmens_notice_set_aec(nvmens_notices *, uint32_t aec);
/* A new epoch: nothing is owed. Parked AERs are the caller's to end. */
void nvmens_notice_reset(nvmens_notices *, uint32_t aec);
/* Sources in this state whose bit is on. */
uint32_t nvmens_notice_count(const nvmens_notices *, uint8_t state);

#endif
