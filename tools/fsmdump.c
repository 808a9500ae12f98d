/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fsmdump.c: prints the state machines from the tables that the library runs.
 *
 * fsmdump [page]     docs/states.md: for each machine a diagram, a table, and the reasons
 * fsmdump mermaid    the diagrams alone
 * fsmdump markdown   the tables and the reasons alone
 * fsmdump names      what nvmens_machine_name, nvmens_state_name and nvmens_event_name say
 */
#include <stdio.h>
#include <string.h>

#include "tables.h"

static const char *const err_name[] = {
    [-NVMENS_OK] = "",
    [-NVMENS_ERR_INVAL] = "INVAL",
    [-NVMENS_ERR_NOMEM] = "NOMEM",
    [-NVMENS_ERR_EXISTS] = "EXISTS",
    [-NVMENS_ERR_STALE] = "STALE",
    [-NVMENS_ERR_NOT_ATTACHED] = "NOT_ATTACHED",
    [-NVMENS_ERR_BUSY] = "BUSY",
    [-NVMENS_ERR_PRIVATE] = "PRIVATE",
    [-NVMENS_ERR_LIMIT] = "LIMIT",
    [-NVMENS_ERR_CAPACITY] = "CAPACITY",
    [-NVMENS_ERR_COMMAND_SET] = "COMMAND_SET",
    [-NVMENS_ERR_KIND] = "KIND",
    [-NVMENS_ERR_NOT_FOUND] = "NOT_FOUND",
};

static const nvmens_cell *cell_of(const nvmens_table *t, unsigned event, unsigned state)
{
  return &t->cell[event * t->states + state];
}

/* ---- names ---- */

static void print_names(const nvmens_table *t)
{
  for (unsigned s = 0; s < t->states; s++)
    printf("%s state %u: %s\n", t->name, s, t->state[s]);
  for (unsigned e = 0; e < t->events; e++)
    printf("%s event %u: %s\n", t->name, e, t->event[e]);
}

/* ---- diagrams ---- */

/* One arrow for all events that lead from here to there. */
static void print_arrow(const nvmens_table *t, unsigned from, unsigned to)
{
  const char *before = "";

  for (unsigned e = 0; e < t->events; e++) {
    const nvmens_cell *cell = cell_of(t, e, from);

    if (cell->kind != NVMENS_GO || cell->next != to)
      continue;
    if (!*before)
      printf("    %s --> %s: ", t->state[from], t->state[to]);
    printf("%s%s", before, t->event[e]);
    before = "<br>";
  }
  if (*before)
    printf("\n");
}

static void print_mermaid(const nvmens_table *t)
{
  printf("```mermaid\nstateDiagram-v2\n    [*] --> %s\n", t->state[0]);
  for (unsigned from = 0; from < t->states; from++)
    for (unsigned to = 0; to < t->states; to++)
      print_arrow(t, from, to);
  printf("```\n");
}

/* ---- tables ---- */

static void print_go(const nvmens_table *t, const nvmens_cell *cell, unsigned state)
{
  const char *before = ": ";

  if (cell->next == state && !cell->actions) {
    printf("stay");
    return;
  }
  printf("%s%s", cell->next == state ? "stay" : "→ ",
         cell->next == state ? "" : t->state[cell->next]);
  for (unsigned bit = 0; cell->actions >> bit; bit++)
    if (cell->actions >> bit & 1) {
      printf("%s%s", before, t->action[bit]);
      before = "; ";
    }
}

static void print_cell(const nvmens_table *t, unsigned event, unsigned state)
{
  const nvmens_cell *cell = cell_of(t, event, state);

  switch (cell->kind) {
  case NVMENS_GO:
    print_go(t, cell, state);
    break;
  case NVMENS_REFUSE:
    printf("*");
    if (cell->sf)
      printf("%03Xh%s%s", cell->sf & 0x7FFu, cell->sf & NVMENS_SF_DNR ? " DNR" : "",
             cell->err ? " / " : "");
    printf("%s*", err_name[-cell->err]);
    break;
  default:
    printf("never");
  }
}

static void print_reasons(const nvmens_table *t)
{
  for (unsigned e = 0; e < t->events; e++) {
    printf("- **%s**\n", t->event[e]);
    for (unsigned s = 0; s < t->states; s++) {
      const nvmens_cell *cell = cell_of(t, e, s);

      printf("  - %s: %s%s%s%s\n", t->state[s], cell->why, *cell->rule ? " (" : "", cell->rule,
             *cell->rule ? ")" : "");
    }
  }
}

static void print_markdown(const nvmens_table *t)
{
  printf("| event |");
  for (unsigned s = 0; s < t->states; s++)
    printf(" %s |", t->state[s]);
  printf("\n|---|");
  for (unsigned s = 0; s < t->states; s++)
    printf("---|");
  printf("\n");
  for (unsigned e = 0; e < t->events; e++) {
    printf("| %s |", t->event[e]);
    for (unsigned s = 0; s < t->states; s++) {
      printf(" ");
      print_cell(t, e, s);
      printf(" |");
    }
    printf("\n");
  }
  printf("\nWhy:\n");
  print_reasons(t);
}

/* ---- all of it ---- */

static void print_section(const nvmens_table *t)
{
  print_mermaid(t);
  printf("\n");
  print_markdown(t);
}

static const char head[] =
    "# The state machines\n"
    "\n"
    "Printed by `tools/fsmdump` from `lib/tables.c`, which is what the library runs; a test "
    "compares\n"
    "the two. After a change of the tables: `tools/fsmdump > docs/states.md`.\n"
    "\n"
    "In a table a row is an event and a column the state in which it happens. `→ STATE: actions` "
    "goes\n"
    "there, `stay` remains (and acts, where actions follow). In italics: refused, nothing changes; "
    "the\n"
    "status for the host (where it can ask) and the `NVMENS_ERR_` for the backend. `never` cannot\n"
    "happen. R, C and P are the numbers of [rules.md](rules.md) and [hosts.md](hosts.md).\n";

static void print_all(void print(const nvmens_table *), int titles)
{
  for (unsigned m = 0; m < NVMENS_MACHINES; m++) {
    if (titles)
      printf("%s## %s\n\n", m || print == print_section ? "\n" : "", nvmens_tables[m].name);
    print(&nvmens_tables[m]);
  }
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "page";

  if (argc > 2) {
    what = "";
  } else if (strcmp(what, "page") == 0) {
    printf("%s", head);
    print_all(print_section, 1);
  } else if (strcmp(what, "mermaid") == 0) {
    print_all(print_mermaid, 1);
  } else if (strcmp(what, "markdown") == 0) {
    print_all(print_markdown, 1);
  } else if (strcmp(what, "names") == 0) {
    print_all(print_names, 0);
  } else {
    what = "";
  }
  if (!*what)
    fprintf(stderr, "usage: fsmdump [page | mermaid | markdown | names]\n");
  return *what && !fflush(stdout) && !ferror(stdout) ? 0 : 1;
}
