/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.h: checks that several verbs make. Floor 5.
 */
#ifndef NVMENS_LIB_API_H
#define NVMENS_LIB_API_H

#include "objects.h"

/* A struct of the caller's, by its size: shorter is followed by zeroes, longer must end in them.
 * from may be NULL: all zeroes. */
int nvmens_adopt(void *to, size_t size, const void *from, size_t given);
int nvmens_check_formats(const nvmens_lbaf *, uint8_t count);

#endif
