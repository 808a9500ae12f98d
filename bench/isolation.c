/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * isolation.c: what commands to some namespaces feel of others that are swapped without pause.
 *
 * One thread reads 4 KiB at a time from namespaces that stay; the other, on a processor of its own,
 * swaps (unplug, drain, create, attach, event, log, identify) or, in every second slice, computes
 * the same time away without a call. The ratio is of the two slices that follow each other.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "world.h"

enum { STAY = 16, SWAPPED = 8, BLOCK = 4096, BLOCKS = 1024, SLICE_NS = 40000000, SLICES = 60 };
enum { SAMPLES = 400000, DRAINS = 101, HELD_NS = 200000, HOLDS = 4096 };

typedef struct slice {
  double p50, p99, p999;
} slice;

typedef struct rig {
  world w;
  nvmens_lane *lane;
  nvmens_nsref ref[SWAPPED];
  uint64_t serial, swaps;
  uint32_t phase; /* 1: measure, 2: swap meanwhile; 3: hold one; 4: the end */
  uint32_t seen;  /* the phase that the other thread is in */
  uint32_t rung;
  uint64_t ended, detached; /* when */
  double *ns;
  size_t samples;
} rig;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct timespec locked;
static double holds[SAMPLES];
static size_t nholds;

/* Without the time in which the thread does not run. */
static struct timespec cpu_time(void)
{
  struct timespec t;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t;
}

static void lock(void *user)
{
  (void)user;
  pthread_mutex_lock(&mutex);
  locked = cpu_time();
}

static void unlock(void *user)
{
  struct timespec t = cpu_time();

  (void)user;
  if (nholds < SAMPLES)
    holds[nholds++] =
        (double)(t.tv_sec - locked.tv_sec) * 1e9 + (double)(t.tv_nsec - locked.tv_nsec);
  pthread_mutex_unlock(&mutex);
}

static rig *the;

static void wake(void *user)
{
  (void)user;
  __atomic_store_n(&the->rung, 1, __ATOMIC_RELEASE);
}

static void detached(void *ns_user, void *ctrl_user)
{
  (void)ns_user, (void)ctrl_user;
  the->detached = bench_now();
}

/* ---- the I/O thread ---- */

static uint32_t phase_of(const rig *r)
{
  return __atomic_load_n(&r->phase, __ATOMIC_ACQUIRE);
}

static void one_command(rig *r, uint32_t i, uint8_t *buffer)
{
  const uint8_t *data;
  nvmens_ticket ticket;
  void *user = NULL;

  if (nvmens_io_begin(r->lane, i % STAY + 1, &ticket, &user).sf)
    exit(1);
  data = (const uint8_t *)user + (size_t)(i * 7919 % BLOCKS) * BLOCK;
  memcpy(buffer, data, BLOCK);
  BENCH_KEEP(buffer);
  nvmens_io_end(r->lane, ticket);
}

static void measure_commands(rig *r)
{
  static uint8_t buffer[BLOCK];
  uint32_t phase = phase_of(r);

  for (uint32_t i = 0; phase_of(r) == phase; i++) {
    uint64_t start = bench_now();

    one_command(r, i, buffer);
    if (r->samples < SAMPLES)
      r->ns[r->samples++] = (double)(bench_now() - start);
  }
}

/* A command that holds the first of the namespaces that are swapped. */
static void hold_one(rig *r)
{
  nvmens_ticket ticket;
  void *user = NULL;
  uint64_t end;

  if (nvmens_io_begin(r->lane, r->ref[0].nsid, &ticket, &user).sf)
    exit(1);
  __atomic_store_n(&r->seen, 3, __ATOMIC_RELEASE);
  end = bench_now() + HELD_NS;
  while (bench_now() < end)
    continue;
  r->ended = bench_now();
  nvmens_io_end(r->lane, ticket);
  while (phase_of(r) == 3)
    continue;
}

static void *io_thread(void *arg)
{
  rig *r = arg;

  bench_pin(0);
  for (;;) {
    uint32_t phase = phase_of(r);

    __atomic_store_n(&r->seen, phase == 3 ? 0 : phase, __ATOMIC_RELEASE);
    if (phase == 4)
      return NULL;
    if (phase == 3)
      hold_one(r);
    else if (phase)
      measure_commands(r);
  }
}

/* ---- the control thread ---- */

static void enter_phase(rig *r, uint32_t phase)
{
  __atomic_store_n(&r->phase, phase, __ATOMIC_RELEASE);
  while (__atomic_load_n(&r->seen, __ATOMIC_ACQUIRE) != phase)
    continue;
}

static void create(rig *r, uint32_t i)
{
  static uint8_t nothing[BLOCK];

  r->ref[i] = world_ns(&r->w, STAY + 1 + i, 1000 + r->serial++, 1, nothing);
}

/* The host drops the old disk by its first scan; when the second begins, the new is attached. */
static void scan_twice(rig *r, uint32_t i)
{
  for (int n = 0; n < 2; n++) {
    world_read_log(&r->w, NVMENS_LID_CHANGED_ATTACHED_NS);
    world_identify(&r->w, NVMENS_CNS_ACTIVE_NS_LIST, 0);
    if (n == 1)
      world_identify(&r->w, NVMENS_CNS_NS_DESC_LIST, STAY + 1 + i);
    world_park(&r->w);
  }
}

static void swap(rig *r)
{
  uint32_t i = (uint32_t)(r->swaps++ % SWAPPED);

  world_unplug(&r->w, r->ref[i]);
  create(r, i);
  scan_twice(r, i);
}

static slice run_slice(rig *r, int swapping)
{
  uint64_t end;
  slice s;

  r->samples = 0;
  enter_phase(r, swapping ? 2 : 1);
  end = bench_now() + SLICE_NS;
  while (bench_now() < end)
    if (swapping)
      swap(r);
  enter_phase(r, 0);
  s.p50 = bench_quantile(r->ns, r->samples, 0.5);
  s.p99 = bench_quantile(r->ns, r->samples, 0.99);
  s.p999 = bench_quantile(r->ns, r->samples, 0.999);
  return s;
}

static double ratio_of(const slice *with, const slice *without, size_t offset, double *value)
{
  for (int i = 0; i < SLICES / 2; i++)
    value[i] = *(const double *)(const void *)((const char *)&with[i] + offset) /
               *(const double *)(const void *)((const char *)&without[i] + offset);
  return bench_median(value, SLICES / 2);
}

static double middle(const slice *s, size_t offset, double *value)
{
  for (int i = 0; i < SLICES / 2; i++)
    value[i] = *(const double *)(const void *)((const char *)&s[i] + offset);
  return bench_median(value, SLICES / 2);
}

static void latency(rig *r, int fences)
{
  static const struct {
    const char *name;
    size_t offset;
  } part[] = {{"p50", offsetof(slice, p50)},
              {"p99", offsetof(slice, p99)},
              {"p99.9", offsetof(slice, p999)}};
  slice with[SLICES / 2], without[SLICES / 2];
  double value[SLICES / 2], p99;
  uint64_t swaps, start;
  char what[80];

  swaps = r->swaps;
  start = bench_now();
  for (int i = 0; i < SLICES / 2; i++) {
    without[i] = run_slice(r, 0);
    with[i] = run_slice(r, 1);
  }
  bench_row("isolation/swaps", fences ? "swaps a second, fences" : "swaps a second, membarrier", 0,
            (double)(r->swaps - swaps) / ((double)(bench_now() - start) / 2) * 1e9, "a second");
  for (int i = 0; i < 3; i++) {
    snprintf(what, sizeof(what), "4 KiB read, %s, no swaps", part[i].name);
    bench_row("isolation/without", what, 0, middle(without, part[i].offset, value), "ns");
    snprintf(what, sizeof(what), "4 KiB read, %s, while others are swapped", part[i].name);
    bench_row("isolation/with", what, 0, middle(with, part[i].offset, value), "ns");
    snprintf(what, sizeof(what), "their ratio, %s", part[i].name);
    bench_row("isolation/ratio", what, 0, ratio_of(with, without, part[i].offset, value), "times");
  }
  p99 = ratio_of(with, without, offsetof(slice, p99), value);
  if (!fences)
    bench_goal("latency of other namespaces while swapping, p99", p99, "times", 0, 1.1);
}

/* From the end of the command that holds the namespace to `detached`. */
static void drains(rig *r)
{
  double after[DRAINS];

  for (int i = 0; i < DRAINS; i++) {
    r->detached = 0;
    if (__atomic_exchange_n(&r->rung, 0, __ATOMIC_ACQ_REL))
      nvmens_poll(r->w.subsys, r->w.now); /* else the next wake is not called (T8) */
    enter_phase(r, 3);
    if (nvmens_ns_unplug(r->w.subsys, r->ref[0], NVMENS_ORDERLY, ++r->w.now, UINT64_MAX))
      exit(1);
    while (!r->detached)
      if (__atomic_exchange_n(&r->rung, 0, __ATOMIC_ACQ_REL))
        nvmens_poll(r->w.subsys, r->w.now);
    after[i] = (double)(r->detached - r->ended) / 1000;
    enter_phase(r, 0);
    create(r, 0);
    scan_twice(r, 0);
  }
  bench_row("isolation/drain99", "from the end of the last command to `detached`, p99", 0,
            bench_quantile(after, DRAINS, 0.99), "us");
  bench_row("isolation/drain10", "  the quietest tenth", 0, bench_quantile(after, DRAINS, 0.1),
            "us");
  bench_goal("drain, beyond the longest command in flight", bench_median(after, DRAINS), "us", 0,
             100);
}

/* A maximum also has what the machine does in between: so that of many in a row, and of the many
 * maxima the median. */
static void lock_held(void)
{
  static double most[SAMPLES / HOLDS + 1];
  size_t blocks = 0;

  for (size_t i = 0; i + HOLDS <= nholds; i += HOLDS)
    most[blocks++] = bench_quantile(&holds[i], HOLDS, 1);
  bench_row("isolation/lock", "the lock is held by a part of a call, median, processor time", 0,
            bench_median(holds, nholds), "ns");
  bench_row("isolation/lock_most", "  the longest of 4096 in a row", 0, bench_median(most, blocks),
            "ns");
  bench_row("isolation/lock_ever", "  the longest ever", 0, bench_quantile(holds, nholds, 1), "ns");
}

static void measure(rig *r, uint8_t mode)
{
  pthread_t thread;

  memset(r, 0, sizeof(*r));
  the = r;
  nholds = 0;
  world_new(&r->w,
            &(world_config){
                .controllers = 1,
                .gate_mode = mode,
                .host = {.lock = lock, .unlock = unlock, .wake = wake, .detached = detached}});
  for (uint32_t i = 0; i < STAY; i++)
    world_ns(&r->w, i + 1, i, 1, calloc(BLOCKS, BLOCK));
  for (uint32_t i = 0; i < SWAPPED; i++)
    create(r, i);
  world_listen(&r->w);
  r->ns = calloc(SAMPLES, sizeof(*r->ns));
  if (!r->ns || nvmens_lane_new(&r->lane, r->w.ctrl[0]))
    exit(1);
  pthread_create(&thread, NULL, io_thread, r);
  latency(r, mode == NVMENS_GATE_FENCE);
  if (mode == NVMENS_GATE_AUTO) {
    lock_held();
    drains(r);
  }
  enter_phase(r, 4);
  pthread_join(thread, NULL);
  nvmens_lane_del(r->lane);
  nvmens_ctrl_reset(r->w.ctrl[0]);
  world_del(&r->w);
}

int main(void)
{
  static rig r;

  bench_title("Isolation: one I/O thread, one control thread");
  if (bench_cpus() < 2) {
    bench_skip("latency of other namespaces while swapping, p99", "one processor");
    return 0;
  }
  bench_pin(1);
  measure(&r, NVMENS_GATE_AUTO);
  bench_note("the same with fences, so without membarrier's interrupts");
  measure(&r, NVMENS_GATE_FENCE);
  return 0;
}
