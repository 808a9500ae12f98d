/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mem.c: memory through the backend's allocator. Floor 0.
 */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#include "always.h"

static void *libc_alloc(void *user, size_t size)
{
  (void)user;
  return malloc(size);
}

static void libc_free(void *user, void *ptr)
{
  (void)user;
  free(ptr);
}

const nvmens_mem nvmens_mem_libc = {NULL, libc_alloc, libc_free};

void *nvmens_zalloc(const nvmens_mem *mem, size_t count, size_t size)
{
  void *ptr;

  if (NVMENS_ALWAYS(size) && count > SIZE_MAX / size)
    return NULL;
  ptr = mem->alloc(mem->user, count * size);
  if (ptr)
    memset(ptr, 0, count * size);
  return ptr;
}

void nvmens_free(const nvmens_mem *mem, void *ptr)
{
  if (ptr)
    mem->free(mem->user, ptr);
}
