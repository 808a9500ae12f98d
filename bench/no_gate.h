/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * no_gate.h: is put before every file of nvmens-tcp-target, for tcp-no-gate: a command finds its
 * namespace but does not hold it. For comparison only: nothing may be removed from such a target.
 */
#ifndef NVMENS_BENCH_NO_GATE_H
#define NVMENS_BENCH_NO_GATE_H

#define _GNU_SOURCE /* before the first header; the files behind say the same */
#include <nvmens/gate.h>

static inline nvmens_status no_gate_begin(nvmens_lane *lane, uint32_t nsid, nvmens_ticket *ticket,
                                          void **ns_user)
{
  nvmens_slot *slot = nvmens_gate_find_(__atomic_load_n(lane->table, __ATOMIC_ACQUIRE), nsid);

  ticket->slot = slot;
  if (!slot)
    return (nvmens_status){NVMENS_SC_INVALID_FIELD | NVMENS_SF_DNR};
  *ns_user = slot->ns_user;
  return (nvmens_status){NVMENS_SC_SUCCESS};
}

static inline void no_gate_end(nvmens_lane *lane, nvmens_ticket ticket)
{
  (void)lane, (void)ticket;
}

#define nvmens_io_begin no_gate_begin
#define nvmens_io_end   no_gate_end

#endif
