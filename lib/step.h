/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * step.h: the one place where a state changes. Floor 1.
 */
#ifndef NVMENS_LIB_STEP_H
#define NVMENS_LIB_STEP_H

#include "core.h"
#include "tables.h"

typedef struct nvmens_subject { /* of whom a trace speaks */
  uint16_t cntlid;
  uint32_t nsid;
  uint32_t detail;
} nvmens_subject;

/* What the table says, without doing it. */
const nvmens_cell *nvmens_cell_of(nvmens_machine, uint8_t state, unsigned event);
/* Looks up the cell, sets the state if it says GO, traces. The caller does the cell's actions, or
 * answers with its refusal. */
const nvmens_cell *nvmens_step(nvmens_core *, nvmens_machine, uint8_t *state, unsigned event,
                               nvmens_subject);

#endif
