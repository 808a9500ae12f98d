/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tokens.h: 64-bit names for what is pending, which never come again. Floor 0.
 *
 * A place is reserved when memory may be taken; arming and retiring it cannot fail. A token is the
 * place's number and a serial that grows with each arming, also when the place changes its owner.
 */
#ifndef NVMENS_LIB_TOKENS_H
#define NVMENS_LIB_TOKENS_H

#include "mem.h"

typedef struct nvmens_place {
  union {
    void *object;       /* while armed */
    uint32_t next_free; /* while free */
  };
  uint64_t serial : 36, kind : 8; /* serial: not 0 once armed; kind 0: not armed */
} nvmens_place;

typedef struct nvmens_tokens { /* zero-initialise */
  nvmens_place *place;
  uint32_t size, free; /* free: number + 1 of the first free place */
} nvmens_tokens;

enum { NVMENS_PLACE_BITS = 28 };

int nvmens_tokens_reserve(nvmens_tokens *, const nvmens_mem *, uint32_t *number); /* 0, NOMEM */
void nvmens_tokens_release(nvmens_tokens *, uint32_t number);
/* kind is not 0. */
nvmens_token nvmens_tokens_arm(nvmens_tokens *, uint32_t number, uint8_t kind, void *object);
void nvmens_tokens_retire(nvmens_tokens *, uint32_t number);
/* What the place was last armed with. */
nvmens_token nvmens_tokens_last(const nvmens_tokens *, uint32_t number);
/* The object, if the token is live and of this kind. */
void *nvmens_tokens_find(const nvmens_tokens *, nvmens_token, uint8_t kind);
void nvmens_tokens_clear(nvmens_tokens *, const nvmens_mem *);

#endif
