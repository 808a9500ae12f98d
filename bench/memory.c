/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.c: bytes per object, at several sizes; the same goals as tests/memory-goals. */
#include <stdio.h>

#include "bench.h"
#include "bytes.h"

static void show(const bytes *b, spread how, uint32_t count)
{
  const struct {
    const char *key, *what;
    double value;
  } row[] = {{"memory/namespace", "namespace", b->ns},
             {"memory/attached", "attachment, attached", b->attached},
             {"memory/draining", "attachment, while all drain", b->draining},
             {"memory/detached", "attachment, detached and remembered", b->detached},
             {"memory/lane", "a lane, for each attachment", b->lane_each}};
  char what[100];

  for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
    snprintf(what, sizeof(what), "%s, %u, NSIDs %s", row[i].what, count, spread_name[how]);
    bench_row(row[i].key, what, count, row[i].value, "B");
  }
}

int main(void)
{
  static const uint32_t count[] = {16, 1024, 65536, 1000000};
  bytes b = {0}, worst = {0};
  char what[100];

  bench_title("Memory: bytes as asked of the allocator");
  for (int how = 0; how < SPREADS; how++)
    for (size_t i = 0; i < sizeof(count) / sizeof(count[0]); i++) {
      bytes_measure(&b, (spread)how, count[i]);
      show(&b, (spread)how, count[i]);
      if (count[i] >= 1024)
        bytes_most(&worst, &b);
    }
  bench_row("memory/idle", "an idle subsystem of one controller", 0, b.idle, "B");
  bench_row("memory/controller", "a controller more", 0, b.controller, "B");
  bench_row("memory/lane_alone", "a lane, no attachments", 0, b.lane, "B");
  for (size_t i = 0; i < BYTES_GOALS; i++) {
    snprintf(what, sizeof(what), "bytes: %s", bytes_goals[i].what);
    bench_goal(what, bytes_value(&worst, &bytes_goals[i]), "B", 0, bytes_goals[i].limit);
  }
  return 0;
}
