/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * always.h: defensive branches kept honest. Floor 0.
 *
 * NVMENS_ALWAYS(x) and NVMENS_NEVER(x) stand in an `if` where x is believed to be true or false.
 * Debug builds assert it, releases pass x through, so that the branch still protects; under
 * coverage they are constants, so that the branch does not count.
 */
#ifndef NVMENS_LIB_ALWAYS_H
#define NVMENS_LIB_ALWAYS_H

#if defined(NVMENS_COVERAGE)
#define NVMENS_ALWAYS(x) 1
#define NVMENS_NEVER(x)  0
#elif defined(NVMENS_DEBUG)
#include <assert.h>
#define NVMENS_ALWAYS(x) ((x) ? 1 : (assert(!#x), 0))
#define NVMENS_NEVER(x)  ((x) ? (assert(!#x), 1) : 0)
#else
#define NVMENS_ALWAYS(x) (x)
#define NVMENS_NEVER(x)  (x)
#endif

#endif
