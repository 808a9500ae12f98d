/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c: the hotswap example: namespaces are swapped under I/O, while the hosts of all controllers
 * follow by AERs and change things themselves. `./bootstrap demo` runs it.
 *
 * The end goes in steps, each waited for with a limit: the I/O ends and the control thread finishes
 * its swaps; the drivers settle; all threads stop; then the checks, and the end of the subsystem.
 */
#include "hotswap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUND (200 * MS)

static bool done(struct world *w)
{
  const struct options *o = &w->opt;

  return (atomic_load(&w->failures) && !o->keep_going) ||
         (o->cycles && peek(&w->stats.swaps) >= o->cycles) ||
         (o->run_ns && now_ns() - w->started >= o->run_ns);
}

/* Swaps for a while, then a rest: everything that was told must have arrived, and be true. */
static void round_of(struct world *w)
{
  static unsigned round;
  uint64_t until = now_ns() + ROUND;

  atomic_store(&w->tail, TAIL_BOTH);
  while (!done(w) && now_ns() < until) {
    bump(&w->beat);
    sleep_ns(5 * MS);
  }
  atomic_store(&w->tail, (int)(++round % 3));
  sleep_ns(15 * MS);
  atomic_store(&w->phase, PHASE_PAUSE);
  watch_until(w, rest_settled, "the drivers do not come to rest");
  rest_check(w);
}

static void run(struct world *w)
{
  round_of(w);
  while (!done(w)) {
    atomic_store(&w->phase, PHASE_RUN);
    round_of(w);
  }
  w->ran = now_ns() - w->started;
  atomic_store(&w->phase, PHASE_DRAIN);
  watch_until(w, rest_io_gone, "the I/O does not end");
  watch_until(w, rest_control_quiet, "the removals do not end");
  watch_until(w, rest_settled, "the drivers do not come to rest");
  atomic_store(&w->phase, PHASE_STOP);
  swap_nudge(w);
  world_join(w);
}

static void headline(const struct options *o)
{
  printf("nvmens-hotswap %s: %u controllers, %u namespaces, %u I/O threads, %u %% stuck\n"
         "seed %" PRIu64 ": gate %s, AERs masked by %s\n",
         NVMENS_VERSION, o->controllers, o->namespaces, o->threads, o->stuck_percent, o->seed,
         o->gate_mode == NVMENS_GATE_FENCE ? "with fences" : "as the kernel allows",
         o->mask_scope == NVMENS_MASK_EVENT ? "event" : "type");
  fflush(stdout);
}

int main(int argc, char **argv)
{
  static struct world w;
  struct options options;
  int rc = options_parse(&options, argc, argv);

  if (rc)
    return rc == 1 ? EXIT_SUCCESS : 2;
  headline(&options);
  rc = world_new(&w, &options);
  if (!rc)
    rc = world_start(&w);
  if (rc) {
    fprintf(stderr, "nvmens-hotswap: cannot start (%d)\n", rc);
    return EXIT_FAILURE;
  }
  run(&w);
  rest_check(&w);
  rest_check_ended(&w);
  rest_teardown(&w);
  watch_end(&w);
  summary_print(&w);
  if (w.trace && trace_write(w.trace, options.trace, w.nn)) {
    fprintf(stderr, "nvmens-hotswap: cannot write %s\n", options.trace);
    atomic_fetch_add(&w.failures, 1);
  } else if (w.trace) {
    printf("\nThe trace is in %s: open it at https://ui.perfetto.dev\n", options.trace);
  }
  world_free(&w);
  if (atomic_load(&w.failures)) {
    printf("\nFAILED: %u checks, with seed %" PRIu64 "\n", atomic_load(&w.failures), options.seed);
    return EXIT_FAILURE;
  }
  printf(
      "\nOK: each command completed once, none touched a released backend, none reached another\n"
      "disk than it was sent for, every driver sees the truth, no event is owed.\n");
  return EXIT_SUCCESS;
}
