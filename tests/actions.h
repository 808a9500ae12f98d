/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * actions.h: one call, the one step of one machine that it takes, and whether the actions that were
 * seen are those of the cell. For test_actions.c and test_actions_att.c.
 */
#ifndef NVMENS_TESTS_ACTIONS_H
#define NVMENS_TESTS_ACTIONS_H

#include "cells.h"
#include "rig_more.h"

/* ---- the one step of a call ---- */

static struct {
  nvmens_trace want; /* machine, detail (notices: DW0) */
  unsigned steps, others;
  uint8_t event, from;
} step;

static inline void on_step(rig *r, const nvmens_trace *t)
{
  (void)r;
  step.others += t->machine == NVMENS_M_ATTACHMENT;
  if (t->machine != step.want.machine || (t->cntlid != 0 && t->cntlid != NVMENS_CNTLID_ANY) ||
      (t->machine == NVMENS_M_NOTICE && t->detail != step.want.detail))
    return;
  step.steps++;
  step.event = t->event;
  step.from = t->from;
}

static inline void watch(rig *r, nvmens_machine machine, uint32_t detail)
{
  memset(&step, 0, sizeof(step));
  step.want.machine = (uint8_t)machine;
  step.want.detail = detail;
  rig_log_clear(r);
  r->on_trace = on_step;
}

static inline void judge(rig *r, unsigned event, unsigned state, unsigned seen)
{
  const unsigned m = step.want.machine;
  const nvmens_cell *cell = nvmens_cell_of((nvmens_machine)m, (uint8_t)state, event);

  RIG_SAY(step.steps == 1 && step.event == event && step.from == state, "%s: %u steps, of %u in %u",
          cells_name(m, event, state), step.steps, step.event, step.from);
  for (unsigned i = 0; i < 16; i++)
    RIG_SAY(!((cell->actions ^ seen) >> i & 1), "%s: \"%s\" is %s the table, but was %s",
            cells_name(m, event, state), nvmens_tables[m].action[i],
            cell->actions >> i & 1 ? "in" : "not in", seen >> i & 1 ? "seen" : "not seen");
  r->on_trace = NULL;
  rig_end(r);
}

static inline bool goes(nvmens_machine machine, unsigned event, unsigned state)
{
  return nvmens_cell_of(machine, (uint8_t)state, event)->kind == NVMENS_GO;
}

#define EACH_CELL(machine, run)                                                                    \
  for (unsigned e_ = 0; e_ < nvmens_tables[machine].events; e_++)                                  \
    for (unsigned s_ = 0; s_ < nvmens_tables[machine].states; s_++)                                \
      if (goes((machine), e_, s_))                                                                 \
  run(e_, s_)

/* ---- two controllers ---- */

typedef struct world {
  rig *r;
  rig_ctrl *c[2];
  rig_ns *ns;
  rig_cmd *cmd; /* of the call */
} world;

static inline world two_controllers(void)
{
  world w = {.r = rig_new(&(nvmens_subsys_config){.tnvmcap = {UINT64_C(1) << 40, 0}})};

  w.c[0] = rig_ctrl_on(w.r);
  w.c[1] = rig_ctrl_on(w.r);
  return w;
}

/* Whether the log of both, or of none, has namespace 1; then it has not. */
static inline bool logged_at_both(world *w)
{
  const bool first = *rig_changed(w->c[0], RIG_LID1C, RIG_CONSUME);

  RIG_MUST(first == (*rig_changed(w->c[1], RIG_LID1C, RIG_CONSUME) != 0));
  return first;
}

static inline bool logged_at_0(world *w)
{
  return w->c[0]->c && *rig_changed(w->c[0], RIG_LID4, RIG_CONSUME);
}

static inline nvmens_att_info attachment_of(world *w)
{
  nvmens_att_info info;

  if (!w->ns || !w->c[0]->c || nvmens_att_query(w->r->s, w->ns->ref, w->c[0]->c, &info) != 0)
    memset(&info, 0, sizeof(info));
  return info;
}

#endif
