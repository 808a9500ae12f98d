/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nsid_set.h: an ordered sparse map from NSID to pointer. Floor 0.
 *
 * Any NSID but 0; every operation takes a bounded number of steps whatever the NSIDs are and
 * however many there are; memory follows the number of members, not the largest NSID.
 */
#ifndef NVMENS_LIB_NSID_SET_H
#define NVMENS_LIB_NSID_SET_H

#include "mem.h"

typedef struct nvmens_nsid_set {
  void *root; /* NULL: empty; zero-initialise */
  uint32_t count;
} nvmens_nsid_set;

/* value is not NULL. 0, NVMENS_ERR_NOMEM (nothing changed), NVMENS_ERR_EXISTS. */
int nvmens_nsid_set_add(nvmens_nsid_set *, const nvmens_mem *, uint32_t nsid, void *value);
/* Never fails, never allocates. The value that was there, or NULL. */
void *nvmens_nsid_set_remove(nvmens_nsid_set *, const nvmens_mem *, uint32_t nsid);
void *nvmens_nsid_set_get(const nvmens_nsid_set *, uint32_t nsid);
/* The member with the smallest NSID greater than `after`; its NSID to *nsid. NULL at the end. */
void *nvmens_nsid_set_next(const nvmens_nsid_set *, uint32_t after, uint32_t *nsid);
/* As many members with larger NSIDs than `after` as there are, at most `most`, ascending. How many.
 * value may be NULL. */
uint32_t nvmens_nsid_set_some(const nvmens_nsid_set *, uint32_t after, uint32_t most,
                              uint32_t *nsid, void **value);
/* The smallest NSID from 1 to max that is not a member; 0: none. */
uint32_t nvmens_nsid_set_gap(const nvmens_nsid_set *, uint32_t max);
/* Frees all nodes; the values are the caller's. */
void nvmens_nsid_set_clear(nvmens_nsid_set *, const nvmens_mem *);

#endif
