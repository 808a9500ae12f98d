/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cells.h: which cells of the tables were taken. A program that includes this has a step.c of its
 * own, so that a never cell that is reached is seen in every build.
 */
#ifndef NVMENS_TESTS_CELLS_H
#define NVMENS_TESTS_CELLS_H

#include <stdio.h>

#include "always.h"
#include "rig.h"
#include "tables.h"

static unsigned never_reached;
#undef NVMENS_NEVER
#define NVMENS_NEVER(x) ((x) ? (never_reached++, 1) : 0)
#include "step.c"

enum { CELLS_EVENTS = 16, CELLS_STATES = 8 };
static unsigned cells_taken[NVMENS_MACHINES][CELLS_EVENTS][CELLS_STATES];

static inline const char *cells_name(unsigned machine, unsigned event, unsigned state)
{
  static char text[4][120];
  static unsigned turn;
  char *at = text[turn++ & 3];

  snprintf(at, sizeof(text[0]), "%s: %s in %s", nvmens_machine_name(machine),
           nvmens_event_name(machine, event), nvmens_state_name(machine, state));
  return at;
}

static inline void cells_trace(rig *r, const nvmens_trace *t)
{
  const nvmens_cell *cell = nvmens_cell_of((nvmens_machine)t->machine, t->from, t->event);

  (void)r;
  RIG_SAY(cell->kind != NVMENS_NEVER_CELL, "%s was taken",
          cells_name(t->machine, t->event, t->from));
  RIG_SAY(t->refused == (cell->kind == NVMENS_REFUSE) &&
              t->to == (t->refused ? t->from : cell->next),
          "%s is traced as what it is not", cells_name(t->machine, t->event, t->from));
  cells_taken[t->machine][t->event][t->from]++;
}

static inline rig *cells_rig(const nvmens_subsys_config *config)
{
  rig *r = rig_new(config);

  r->on_trace = cells_trace;
  return r;
}

/* None is left out, but for those that are never. */
static inline void cells_all_taken(unsigned machine)
{
  const nvmens_table *t = &nvmens_tables[machine];
  unsigned missing = 0;
  char text[2000] = "";
  int at = 0;

  for (unsigned e = 0; e < t->events; e++)
    for (unsigned s = 0; s < t->states; s++) {
      const bool due = t->cell[e * t->states + s].kind != NVMENS_NEVER_CELL;

      if (due == (cells_taken[machine][e][s] != 0) || at > 1800)
        continue;
      missing++;
      at += snprintf(text + at, sizeof(text) - (size_t)at, "; %s", cells_name(machine, e, s));
    }
  RIG_SAY(missing == 0, "%u cells not taken, or taken and not to be: %s", missing, text + 2);
}

static inline void cells_end(rig *r)
{
  rig_end(r);
  RIG_SAY(never_reached == 0, "a never cell was reached");
}

#endif
