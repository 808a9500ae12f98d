/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faults.h: which functions may allocate. test_faults.c has a row for each, and lets it fail;
 * test_nomem.c calls all the others with no memory left.
 */
#ifndef NVMENS_TESTS_FAULTS_H
#define NVMENS_TESTS_FAULTS_H

#include <string.h>

#define FAULTS_ALLOCATE                                                                            \
  "nvmens_subsys_new_sized nvmens_ctrl_new_sized nvmens_ns_new_sized nvmens_ns_attach "            \
  "nvmens_ns_plug nvmens_prepared nvmens_admin nvmens_lane_new"

/* Whether it is one of these words. */
static inline int faults_named(const char *words, const char *name)
{
  const size_t len = strlen(name);

  for (const char *at = words; (at = strstr(at, name)) != NULL; at += len)
    if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
      return 1;
  return 0;
}

#endif
