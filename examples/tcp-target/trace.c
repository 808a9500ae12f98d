/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.c: see trace.h. The library calls under its lock, one at a time, so nothing is locked here;
 * who traces pays for the writing.
 */
#include "trace.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trace {
  FILE *file;
  uint64_t start;
  int any;
};

const char *trace_open(struct trace **out, const char *path)
{
  struct trace *t = calloc(1, sizeof(*t));

  *out = NULL;
  if (!t)
    return "out of memory";
  t->file = fopen(path, "we");
  if (!t->file) {
    free(t);
    return strerror(errno);
  }
  fputs("[", t->file);
  *out = t;
  return NULL;
}

static void event(struct trace *t, const nvmens_trace *step, char phase, const char *name,
                  double us)
{
  const char *machine = nvmens_machine_name(step->machine);
  const char *cause = nvmens_event_name(step->machine, step->event);

  fprintf(t->file,
          "%s\n{\"ph\":\"%c\",\"cat\":\"%s\",\"name\":\"%s\",\"id\":\"%s %x.%x\",\"ts\":%.3f,"
          "\"pid\":%u,\"tid\":1,\"args\":{\"event\":\"%s\",\"nsid\":%u,\"cntlid\":%u,"
          "\"detail\":%u}}",
          t->any ? "," : "", phase, machine ? machine : "?", name ? name : "?",
          machine ? machine : "?", step->cntlid, step->nsid, us, step->machine, cause ? cause : "?",
          step->nsid, step->cntlid, step->detail);
  t->any = 1;
}

/* State 0 of every machine is where nothing is: it has no span. */
void trace_step(struct trace *t, const nvmens_trace *step, uint64_t now)
{
  double us;

  if (t->start == 0)
    t->start = now;
  us = (double)(now - t->start) / 1000;
  if (step->from == step->to) {
    event(t, step, 'n', nvmens_event_name(step->machine, step->event), us);
    return;
  }
  if (step->from != 0)
    event(t, step, 'e', nvmens_state_name(step->machine, step->from), us);
  if (step->to != 0)
    event(t, step, 'b', nvmens_state_name(step->machine, step->to), us);
}

void trace_close(struct trace *t)
{
  if (!t)
    return;
  fputs("\n]\n", t->file);
  fclose(t->file);
  free(t);
}
