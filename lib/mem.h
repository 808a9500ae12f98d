/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mem.h: memory through the backend's allocator. Floor 0.
 */
#ifndef NVMENS_LIB_MEM_H
#define NVMENS_LIB_MEM_H

#include <nvmens/nvmens.h>

extern const nvmens_mem nvmens_mem_libc;

/* Zeroed memory, or NULL; count times size is checked. */
void *nvmens_zalloc(const nvmens_mem *mem, size_t count, size_t size);
void nvmens_free(const nvmens_mem *mem, void *ptr); /* NULL: nothing */

#endif
