/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * subsys.h: changes that concern several objects, in phases. Floor 4.
 *
 * Every call of the library stands between enter and commit: the lock is held, the objects change,
 * then one barrier makes the closed gates bar, then the effects run. A fan-out keeps this order:
 * gates and states, logs, and then deliveries in the order of CNTLIDs; the issuer's completion
 * comes last.
 */
#ifndef NVMENS_LIB_SUBSYS_H
#define NVMENS_LIB_SUBSYS_H

#include "objects.h"

void nvmens_enter(nvmens_subsys *);
void nvmens_commit(nvmens_subsys *);
void nvmens_set_now(nvmens_subsys *, uint64_t now_ns);
void nvmens_set_deadline(nvmens_subsys *, uint64_t now_ns, uint64_t after_ns);
uint64_t nvmens_earliest(const nvmens_subsys *);
/* Those that are due, at most so many that the lock is not held for long: whether there are more.
 */
bool nvmens_run_timers(nvmens_subsys *);

nvmens_ctrl *nvmens_ctrl_of(const nvmens_subsys *, uint16_t cntlid); /* not one that is going */
nvmens_gate *nvmens_gate_take(nvmens_subsys *, nvmens_ctrl *);       /* NULL: no memory */
/* What should be attached to a new controller is wanted. 0, NOMEM: nothing is. */
int nvmens_fan_new_ctrl(nvmens_ctrl *);
/* ENABLE, RESET, SHUTDOWN, CTRL_REMOVE. 0, or the table's refusal. */
int nvmens_fan_ctrl(nvmens_ctrl *, unsigned event);

nvmens_verdict nvmens_fan_create(nvmens_subsys *, const nvmens_ns_config *, void *user,
                                 nvmens_ns **);
int nvmens_fan_plug(nvmens_ns *);
nvmens_verdict nvmens_fan_attach(nvmens_ns *, nvmens_ctrl *);
nvmens_verdict nvmens_fan_detach(nvmens_ns *, nvmens_ctrl *, unsigned event, nvmens_cmd *owner);
/* DELETE (by owner), UNPLUG, UNPLUG_SURPRISE. */
nvmens_verdict nvmens_fan_remove(nvmens_ns *, unsigned event, nvmens_cmd *owner);
nvmens_verdict nvmens_fan_update(nvmens_ns *, const nvmens_ns_attrs *);
/* After all changes of a call, before its issuer's completion. */
void nvmens_fan_deliver(nvmens_subsys *);

#endif
