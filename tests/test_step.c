/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_step.c: the one place where a state changes does what the cell says, for every cell of every
 * table, and nothing else.
 */
#include <signal.h>

#include "dice.h"
#include "rig_main.h"
#include "step.h"

typedef struct seen {
  nvmens_trace trace;
  unsigned count;
} seen;

static void on_trace(void *user, const nvmens_trace *trace)
{
  seen *s = user;

  s->trace = *trace;
  s->count++;
}

/* Calls f for every cell. */
static void each_cell(void f(nvmens_machine, uint8_t state, unsigned event, const nvmens_cell *))
{
  for (unsigned machine = 0; machine < NVMENS_MACHINES; machine++) {
    const nvmens_table *table = &nvmens_tables[machine];

    for (unsigned event = 0; event < table->events; event++)
      for (uint8_t state = 0; state < table->states; state++)
        f((nvmens_machine)machine, state, event, &table->cell[event * table->states + state]);
  }
}

static void looks_up(nvmens_machine machine, uint8_t state, unsigned event, const nvmens_cell *cell)
{
  MUST_SAY(nvmens_cell_of(machine, state, event) == cell, "machine %u, state %u, event %u",
           (unsigned)machine, state, event);
}

START_TEST(step_a_cell_is_looked_up_by_event_and_state)
{
  each_cell(looks_up);
}
END_TEST

static void steps(nvmens_machine machine, uint8_t state, unsigned event, const nvmens_cell *cell)
{
  const nvmens_subject who = {.cntlid = 0x1234, .nsid = 0x56789ABC, .detail = 0xDEADBEEF};
  const bool go = cell->kind == NVMENS_GO;
  seen s = {.count = 0};
  nvmens_core core = {.host = {.trace = on_trace}, .user = &s};
  uint8_t around[3] = {0xAA, state, 0xBB};

  if (cell->kind == NVMENS_NEVER_CELL)
    return;
  MUST(nvmens_step(&core, machine, &around[1], event, who) == cell);
  MUST_SAY(around[1] == (go ? cell->next : state), "machine %u, state %u, event %u: now in %u",
           (unsigned)machine, state, event, around[1]);
  MUST(around[0] == 0xAA && around[2] == 0xBB);
  MUST_SAY(s.count == 1, "a step is traced once, not %u times", s.count);
  MUST(s.trace.machine == machine && s.trace.event == event && s.trace.from == state);
  MUST(s.trace.to == around[1]);
  MUST(s.trace.refused == !go);
  MUST(s.trace.cntlid == who.cntlid && s.trace.nsid == who.nsid && s.trace.detail == who.detail);
}

START_TEST(step_does_what_the_cell_says_and_tells_once)
{
  each_cell(steps);
}
END_TEST

static void steps_untold(nvmens_machine machine, uint8_t state, unsigned event,
                         const nvmens_cell *cell)
{
  nvmens_core core = {.now = 0};
  uint8_t now = state;

  if (cell->kind == NVMENS_NEVER_CELL)
    return;
  MUST(nvmens_step(&core, machine, &now, event, (nvmens_subject){0, 0, 0}) == cell);
  MUST(now == (cell->kind == NVMENS_GO ? cell->next : state));
}

START_TEST(step_needs_no_trace_hook)
{
  each_cell(steps_untold);
}
END_TEST

#if !defined(NVMENS_COVERAGE)
static void never(nvmens_machine machine, uint8_t state, unsigned event, const nvmens_cell *cell)
{
  seen s = {.count = 0};
  nvmens_core core = {.host = {.trace = on_trace}, .user = &s};
  uint8_t now = state;
  const nvmens_cell *got;

  if (cell->kind != NVMENS_NEVER_CELL)
    return;
  got = nvmens_step(&core, machine, &now, event, (nvmens_subject){0, 0, 0});
  MUST_SAY(now == state && s.count == 0, "a never cell was taken: machine %u, state %u, event %u",
           (unsigned)machine, state, event);
  MUST(got->kind == NVMENS_REFUSE && got->actions == 0);
  MUST(got->sf == NVMENS_SC_INTERNAL_ERROR && got->err == NVMENS_ERR_BUSY);
}

/* A release protects itself; a debug build says where. */
START_TEST(step_into_a_never_cell_changes_nothing)
{
  each_cell(never);
}
END_TEST
#endif

int main(void)
{
  Suite *suite = suite_create("step");
  TCase *tcase = tcase_create("step");

  tcase_add_test(tcase, step_a_cell_is_looked_up_by_event_and_state);
  tcase_add_test(tcase, step_does_what_the_cell_says_and_tells_once);
  tcase_add_test(tcase, step_needs_no_trace_hook);
#if defined(NVMENS_COVERAGE)
  /* the branch is not there */
#elif defined(NVMENS_DEBUG)
  if (!getenv("CK_FORK") || strcmp(getenv("CK_FORK"), "no") != 0)
    tcase_add_test_raise_signal(tcase, step_into_a_never_cell_changes_nothing, SIGABRT);
#else
  tcase_add_test(tcase, step_into_a_never_cell_changes_nothing);
#endif
  suite_add_tcase(suite, tcase);
  return rig_main(suite);
}
