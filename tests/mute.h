/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mute.h: the hooks that a backend must have, where a test sends no command.
 */
#ifndef NVMENS_TESTS_MUTE_H
#define NVMENS_TESTS_MUTE_H

#include <nvmens/nvmens.h>

static inline void on_complete(void *user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                               uint64_t info)
{
  (void)user, (void)cmd, (void)status, (void)dw0, (void)info;
}

static inline void on_drop(void *user, nvmens_cmd *cmd)
{
  (void)user, (void)cmd;
}

static inline nvmens_status on_transfer(void *user, nvmens_cmd *cmd, void *buf, size_t len,
                                        nvmens_dir dir)
{
  (void)user, (void)cmd, (void)buf, (void)len, (void)dir;
  return (nvmens_status){0};
}

#endif
