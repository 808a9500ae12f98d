/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * step.c: look up the cell, set the state, trace. Floor 1.
 *
 * No other file assigns to a state of a machine.
 */
#include "step.h"

#include "always.h"

const nvmens_cell *nvmens_cell_of(nvmens_machine machine, uint8_t state, unsigned event)
{
  const nvmens_table *table = &nvmens_tables[machine];

  return &table->cell[event * table->states + state];
}

const nvmens_cell *nvmens_step(nvmens_core *core, nvmens_machine machine, uint8_t *state,
                               unsigned event, nvmens_subject subject)
{
  static const nvmens_cell nothing = {NVMENS_REFUSE,
                                      0,
                                      0,
                                      NVMENS_SC_INTERNAL_ERROR,
                                      NVMENS_ERR_BUSY,
                                      "",
                                      "a cell that is never reached"};
  const nvmens_cell *cell = nvmens_cell_of(machine, *state, event);
  nvmens_trace trace;

  if (NVMENS_NEVER(cell->kind == NVMENS_NEVER_CELL))
    return &nothing;
  trace = (nvmens_trace){.machine = (uint8_t)machine,
                         .event = (uint8_t)event,
                         .from = *state,
                         .to = cell->kind == NVMENS_GO ? cell->next : *state,
                         .cntlid = subject.cntlid,
                         .nsid = subject.nsid,
                         .detail = subject.detail,
                         .refused = cell->kind == NVMENS_REFUSE};
  *state = trace.to;
  core->work++;
  if (core->host.trace)
    core->host.trace(core->user, &trace);
  return cell;
}
