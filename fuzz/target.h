/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.h: what every fuzz target is: one function, the same for libFuzzer, AFL++ and replay.c.
 */
#ifndef NVMENS_FUZZ_TARGET_H
#define NVMENS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

#endif
