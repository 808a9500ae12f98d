/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.c: what operations cost by the number of namespaces, where their NSIDs lie, and the
 * number of controllers.
 *
 * The namespaces are allocated and attached to the first controller. An operation is counted (by
 * stepping through it) and timed at places all over the NSIDs; of the times the median is shown.
 * Control operations come rarely, so the first and second level caches hold something else when one
 * is timed: here, because they are swept; only "in a row" they are not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bytes.h"
#include "steps.h"
#include "world.h"

enum { BATCH = 64, BATCHES = 7, TIMED = BATCH * BATCHES, COUNTED = 5, LONG = 20000 };
enum { SWEPT = 8 << 20, IN_A_ROW = 16 };
static const uint32_t sizes[] = {16, 1024, 65536, 1000000};
enum { SIZES = 4, SMALL = 1, LARGE = 3 };

typedef struct scene {
  world w;
  nvmens_nsref *ref;
  uint32_t count, at; /* at: the place of the operation under way */
  spread how;
} scene;

/* Each leaves the scene as it was. The first and the last part are not measured. */
typedef struct operation {
  const char *key, *what;
  void (*before)(scene *);
  void (*measured)(scene *);
  void (*after)(scene *);
} operation;

static nvmens_nsref *here(scene *s)
{
  return &s->ref[s->at];
}

static void nothing(scene *s)
{
  (void)s;
}

static void do_attach(scene *s)
{
  if (nvmens_ns_attach(s->w.subsys, *here(s), s->w.ctrl[0]))
    exit(1);
}

static void do_detach(scene *s)
{
  world_detach(&s->w, *here(s), 0);
}

static void do_unplug(scene *s)
{
  world_unplug(&s->w, *here(s));
}

static void do_create(scene *s)
{
  *here(s) = world_ns(&s->w, spread_nsid(s->how, s->at, s->count), s->at, 0, NULL);
}

static void do_create_attach(scene *s)
{
  do_create(s);
  do_attach(s);
}

static void do_plug(scene *s)
{
  if (nvmens_ns_plug(s->w.subsys, *here(s)))
    exit(1);
}

static void do_unplug_create_attach(scene *s)
{
  do_unplug(s);
  do_create_attach(s);
}

static void do_read(scene *s)
{
  world_read_log(&s->w, NVMENS_LID_CHANGED_ATTACHED_NS);
  world_park(&s->w);
}

/* A change, its event, the log that the event names, and the next AER. */
static void do_change(scene *s)
{
  const nvmens_ns_attrs attrs = {.set = NVMENS_SET_OTHER};
  uint64_t events = s->w.events;

  if (nvmens_ns_update(s->w.subsys, *here(s), &attrs))
    exit(1);
  do_read(s);
  if (s->w.events != events + 1)
    exit(1);
}

static void do_active(scene *s)
{
  world_identify(&s->w, NVMENS_CNS_ACTIVE_NS_LIST, here(s)->nsid - 1);
}

static void do_allocated(scene *s)
{
  world_identify(&s->w, NVMENS_CNS_ALLOCATED_NS_LIST, here(s)->nsid - 1);
}

static const operation operations[] = {
    {"create", "create", do_unplug, do_create, do_attach},
    {"plug", "plug (attach to all)", do_detach, do_plug, nothing},
    {"unplug", "unplug and release", nothing, do_unplug, do_create_attach},
    {"attach", "attach", do_detach, do_attach, nothing},
    {"detach", "detach and its poll", nothing, do_detach, do_attach},
    {"change", "change, event, log 04h, AER", do_read, do_change, nothing},
    {"swap", "unplug, create, attach", nothing, do_unplug_create_attach, nothing},
    {"active", "Identify CNS 02h", nothing, do_active, nothing},
    {"allocated", "Identify CNS 10h", nothing, do_allocated, nothing},
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), PLUG = 1, FIRST_PAGE = 7 };

typedef struct cost {
  double ns, steps;
} cost;

/* ---- one scene ---- */

static void make(scene *s, spread how, uint32_t count, uint32_t controllers)
{
  memset(s, 0, sizeof(*s));
  s->how = how;
  s->count = count;
  s->ref = calloc(count, sizeof(*s->ref));
  if (!s->ref)
    exit(1);
  world_new(&s->w, &(world_config){.controllers = controllers});
  for (s->at = 0; s->at < count; s->at++)
    do_create_attach(s);
  world_listen(&s->w);
}

static void drop(scene *s)
{
  nvmens_ctrl_reset(s->w.ctrl[0]); /* its AER */
  world_del(&s->w);
  free(s->ref);
}

/* Anywhere; a page is full as far as there are so many. */
static void place(scene *s, uint32_t i, bool page)
{
  uint32_t room = !page ? s->count : s->count > 1024 ? s->count - 1023 : 1;

  if (room <= BATCH)
    s->at = i % room;
  else
    s->at = (uint32_t)((uint64_t)(i * UINT32_C(2654435769)) * room >> 32);
}

typedef struct stepped {
  scene *s;
  const operation *op;
} stepped;

static void step_through(void *arg)
{
  stepped *x = arg;

  x->op->measured(x->s);
}

static void sweep(void)
{
  static volatile uint8_t other[SWEPT];

  for (size_t i = 0; i < SWEPT; i += 64)
    other[i]++;
}

static double time_of(scene *s, const operation *op, bool page)
{
  uint32_t each = s->count < BATCH ? s->count : BATCH, n = 0;
  double ns[TIMED];

  for (uint32_t first = 0; first < each * BATCHES; first += each) {
    for (uint32_t i = 0; i < each; i++) {
      place(s, first + i, page);
      op->before(s);
    }
    sweep();
    for (uint32_t i = 0; i < each; i++) {
      uint64_t start;

      place(s, first + i, page);
      start = bench_now();
      op->measured(s);
      ns[n++] = (double)(bench_now() - start);
    }
    for (uint32_t i = 0; i < each; i++) {
      place(s, first + i, page);
      op->after(s);
    }
  }
  return bench_median(ns, n);
}

/* What takes long is counted once. */
static double steps_at(scene *s, const operation *op, bool page)
{
  double steps = 0;
  uint32_t i = 0;

  while (i < COUNTED && steps >= 0 && steps <= LONG) {
    stepped x = {s, op};

    place(s, i++ * 77, page);
    op->before(s);
    steps += (double)steps_of(step_through, &x, NULL, NULL);
    op->measured(s);
    op->after(s);
  }
  return steps / i;
}

static cost measure(scene *s, const operation *op, bool count)
{
  bool page = op >= &operations[FIRST_PAGE];

  return (cost){time_of(s, op, page), count ? steps_at(s, op, page) : -1};
}

static void show(const char *config, const operation *op, cost c, double x, const char *where)
{
  char what[120], key[60];

  snprintf(what, sizeof(what), "%s: %s", op->what, config);
  snprintf(key, sizeof(key), "control/%s/ns/%s", op->key, where);
  bench_row(key, what, x, c.ns, "ns");
  snprintf(key, sizeof(key), "control/%s/instructions/%s", op->key, where);
  if (c.steps >= 0)
    bench_row(key, what, x, c.steps, "instructions");
}

/* ---- goals ---- */

static void goal(const char *name, const operation *op, const char *where, double ratio,
                 double limit)
{
  char what[120];

  snprintf(what, sizeof(what), "%s at 1000000 to 1024: %s, NSIDs %s", name, op->what, where);
  bench_goal(what, ratio, "times", 0, limit);
}

static void by_namespaces(spread how)
{
  static scene s;
  cost c[SIZES][OPERATIONS];
  char config[80];

  for (int i = 0; i < SIZES; i++) {
    if (how == SPREAD_HIGH && i != SMALL && i != LARGE)
      continue;
    make(&s, how, sizes[i], 1);
    snprintf(config, sizeof(config), "%u namespaces, NSIDs %s", sizes[i], spread_name[how]);
    for (int op = 0; op < OPERATIONS; op++) {
      c[i][op] = measure(&s, &operations[op], true);
      show(config, &operations[op], c[i][op], sizes[i], spread_name[how]);
    }
    drop(&s);
  }
  for (int op = 0; op < OPERATIONS; op++) {
    cost small = c[SMALL][op], large = c[LARGE][op];

    if (small.steps > 0)
      goal("instructions", &operations[op], spread_name[how], large.steps / small.steps, 1.5);
    else
      bench_skip("instructions at 1000000 to 1024", "no single steps here");
    goal("time", &operations[op], spread_name[how], large.ns / small.ns, 4);
  }
}

/* The namespaces are all attached to the first. */
static void by_controllers(void)
{
  static const uint32_t controllers[] = {1, 16, 256, 1024};
  static scene s;
  char config[80];
  cost c[4];

  for (int i = 0; i < 4; i++) {
    make(&s, SPREAD_LOW, 1024, controllers[i]);
    snprintf(config, sizeof(config), "1024 namespaces, %u controllers", controllers[i]);
    for (int op = 0; op < OPERATIONS; op++) {
      if (op == PLUG) /* goes to all of them, and would not come back */
        continue;
      c[i] = measure(&s, &operations[op], false);
      show(config, &operations[op], c[i], controllers[i], "controllers");
    }
    drop(&s);
  }
}

/* Recording: a namespace that is attached to all controllers changes; many of them in a row. */
static void recording(uint32_t controllers)
{
  const nvmens_ns_attrs attrs = {.set = NVMENS_SET_OTHER};
  static scene s;
  double ns[TIMED];
  char what[80];

  make(&s, SPREAD_LOW, 1024, controllers);
  for (s.at = 0; s.at < s.count; s.at += 16)
    do_plug(&s);
  for (uint32_t i = 0; i < TIMED; i++) {
    uint64_t start = bench_now();

    for (uint32_t j = 0; j < IN_A_ROW; j++) {
      s.at = (i + j) * 16 % s.count;
      nvmens_ns_update(s.w.subsys, *here(&s), &attrs);
    }
    ns[i] = (double)(bench_now() - start) / controllers / IN_A_ROW;
  }
  drop(&s);
  snprintf(what, sizeof(what), "recording a change, per controller, %u controllers", controllers);
  bench_goal(what, bench_median(ns, TIMED), "ns", 0, 100);
}

/* Many in a row, on one core: as a million times a second. */
static void pairs(uint32_t count)
{
  enum { BLOCK = 2000, BLOCKS = 41 };
  static scene s;
  double ns[BLOCKS];
  char what[80];

  make(&s, SPREAD_LOW, count, 1);
  for (uint32_t i = 0; i < BLOCKS; i++) {
    uint64_t start = bench_now();

    for (uint32_t j = 0; j < BLOCK; j++) {
      place(&s, i * BLOCK + j, false);
      do_detach(&s);
      do_attach(&s);
    }
    ns[i] = (double)(bench_now() - start) / BLOCK;
  }
  drop(&s);
  snprintf(what, sizeof(what), "attach and detach pairs a second in a row, %u namespaces", count);
  bench_goal(what, 1e9 / bench_quantile(ns, BLOCKS, 0.25), "a second", 1, 1e6);
}

int main(void)
{
  bench_title("Control plane: time and instructions of an operation");
  bench_pin(0);
  for (int how = 0; how < SPREADS; how++)
    by_namespaces((spread)how);
  by_controllers();
  recording(1);
  recording(64);
  recording(1024);
  pairs(1024);
  pairs(1000000);
  return 0;
}
