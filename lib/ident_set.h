/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ident_set.h: the identifiers in use in a subsystem, so that they stay unique (C15). Floor 0.
 */
#ifndef NVMENS_LIB_IDENT_SET_H
#define NVMENS_LIB_IDENT_SET_H

#include "mem.h"

typedef struct nvmens_ident_set { /* zero-initialise */
  const nvmens_ident **entry; /* open addressing; each identity stands here once per identifier */
  uint32_t count, size;
} nvmens_ident_set;

/* The UUID, NGUID or EUI64 (those that are not zero) of some member equals that of *ident. */
bool nvmens_ident_set_has(const nvmens_ident_set *, const nvmens_ident *ident);
/* *ident stays where it is until it is removed. 0, NVMENS_ERR_NOMEM, NVMENS_ERR_EXISTS: nothing
 * changed. */
int nvmens_ident_set_add(nvmens_ident_set *, const nvmens_mem *, const nvmens_ident *ident);
/* By address. Never fails. */
void nvmens_ident_set_remove(nvmens_ident_set *, const nvmens_ident *ident);
void nvmens_ident_set_clear(nvmens_ident_set *, const nvmens_mem *);

#endif
