/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.c: what it costs to hold a namespace for the time of a command.
 *
 * In a round each way runs a slice, all threads at once and each on a processor of its own, so that
 * what disturbs one way disturbs the others too; ratios are taken within a round, and of all rounds
 * the median counts. A slice is short against a time slice of the kernel's.
 *
 *   io                    the table
 *   io count WAY PAIRS    runs PAIRS pairs on one thread, for callgrind
 *   io ways               prints the ways
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "io.h"
#include "world.h"

enum { THREADS = 2, MOST = 16, ROUNDS = 101, FEWEST = 15 };
enum { NAMESPACES = 16, SLICE_NS = 150000, BUDGET_NS = 1500000000 };

/* ---- the ways ---- */

static void run_bare(io_thread *t, uint32_t pairs)
{
  for (uint32_t i = 0; i < pairs; i++)
    BENCH_KEEP(io_find(t, i)->ns_user);
}

static void run_gate(io_thread *t, uint32_t pairs)
{
  nvmens_ticket ticket;
  void *user = NULL;

  for (uint32_t i = 0; i < pairs; i++) {
    if (nvmens_io_begin(t->lane, t->nsid[i % IO_NSIDS], &ticket, &user).sf)
      __builtin_trap();
    BENCH_KEEP(user);
    nvmens_io_end(t->lane, ticket);
  }
}

/* One counter for all threads, as a percpu_ref in atomic mode. */
static void run_shared(io_thread *t, uint32_t pairs)
{
  for (uint32_t i = 0; i < pairs; i++) {
    object *o = io_find(t, i)->ns_user;

    __atomic_fetch_add(&o->count, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&o->closing, __ATOMIC_ACQUIRE))
      __builtin_trap();
    BENCH_KEEP(o);
    if (__atomic_fetch_sub(&o->count, 1, __ATOMIC_SEQ_CST) == 1 &&
        __atomic_load_n(&o->closing, __ATOMIC_ACQUIRE))
      __builtin_trap();
  }
}

/* A counter for each thread, but with atomic operations in place of membarrier. */
static void run_own(io_thread *t, uint32_t pairs)
{
  for (uint32_t i = 0; i < pairs; i++) {
    const nvmens_slot *slot = io_find(t, i);
    nvmens_counter *c = &t->counter[slot->index];
    object *o = slot->ns_user;

    __atomic_fetch_add(&c->begun, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&o->closing, __ATOMIC_ACQUIRE))
      __builtin_trap();
    BENCH_KEEP(o);
    __atomic_fetch_add(&c->ended, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&o->closing, __ATOMIC_ACQUIRE))
      __builtin_trap();
  }
}

static void run_rwlock(io_thread *t, uint32_t pairs)
{
  for (uint32_t i = 0; i < pairs; i++) {
    object *o = io_find(t, i)->ns_user;

    pthread_rwlock_rdlock(&o->rwlock);
    BENCH_KEEP(o);
    pthread_rwlock_unlock(&o->rwlock);
  }
}

static void run_mutex(io_thread *t, uint32_t pairs)
{
  for (uint32_t i = 0; i < pairs; i++) {
    object *o = io_find(t, i)->ns_user;

    pthread_mutex_lock(&o->mutex);
    BENCH_KEEP(o);
    pthread_mutex_unlock(&o->mutex);
  }
}

/* For counting only: what the loop costs. */
static void run_loop(io_thread *t, uint32_t pairs)
{
  for (uint32_t i = 0; i < pairs; i++)
    BENCH_KEEP(t->nsid[i % IO_NSIDS]);
}

static io_way ways[MOST] = {{"bare", "the lookup alone", run_bare},
                            {"gate", "nvmens_io_begin, nvmens_io_end", run_gate},
                            {"gate_fence", "the same with fences, no membarrier", run_gate},
                            {"shared", "shared atomic count", run_shared},
                            {"own", "atomic counts of each thread", run_own},
                            {"rwlock", "pthread rwlock, read", run_rwlock},
                            {"mutex", "pthread mutex", run_mutex}};
enum { BARE, GATE, GATE_FENCE, SHARED, OWN, RWLOCK, MUTEX, OWN_WAYS };
static unsigned nways = OWN_WAYS;

/* ---- threads ---- */

typedef struct rig {
  world w[2]; /* with membarrier, with fences */
  io_thread thread[THREADS][2];
  uint32_t threads;
  unsigned way;   /* of the slice under way */
  uint32_t pairs; /* 0: the end */
  uint32_t arrived, go;
  double took[THREADS];
} rig;

/* All threads leave it at one moment: whoever arrives waits on its processor for the others. */
static void meet(rig *r, uint32_t *sense)
{
  *sense = !*sense;
  if (__atomic_add_fetch(&r->arrived, 1, __ATOMIC_ACQ_REL) == r->threads) {
    r->arrived = 0;
    __atomic_store_n(&r->go, *sense, __ATOMIC_RELEASE);
  }
  while (__atomic_load_n(&r->go, __ATOMIC_ACQUIRE) != *sense)
    continue;
}

static void slice(rig *r, unsigned number, uint32_t *sense)
{
  io_thread *t = &r->thread[number][r->way == GATE_FENCE];
  uint64_t start;

  meet(r, sense);
  start = bench_now();
  ways[r->way].run(t, r->pairs);
  r->took[number] = (double)(bench_now() - start) / r->pairs;
  meet(r, sense);
}

typedef struct helper {
  rig *r;
  unsigned number;
} helper;

static void *help(void *arg)
{
  helper *h = arg;
  uint32_t sense = 0;

  bench_pin(h->number);
  io_urcu_thread();
  for (;;) {
    meet(h->r, &sense);
    if (!h->r->pairs)
      break;
    slice(h->r, h->number, &sense);
  }
  io_urcu_thread_end();
  return NULL;
}

/* ns a pair, of the slower thread. */
static double measure(rig *r, unsigned way, uint32_t pairs, uint32_t *sense)
{
  double most = 0;

  r->way = way;
  r->pairs = pairs;
  meet(r, sense);
  slice(r, 0, sense);
  for (unsigned i = 0; i < r->threads; i++)
    most = r->took[i] > most ? r->took[i] : most;
  return most;
}

static void make(rig *r, uint32_t namespaces)
{
  static object objects[NAMESPACES];
  static nvmens_counter counters[THREADS][IO_LINE];
  static const uint8_t mode[2] = {NVMENS_GATE_AUTO, NVMENS_GATE_FENCE};

  memset(r, 0, sizeof(*r));
  for (unsigned m = 0; m < 2; m++) {
    world_new(&r->w[m], &(world_config){.controllers = 1, .gate_mode = mode[m]});
    for (uint32_t i = 0; i < namespaces; i++) {
      pthread_rwlock_init(&objects[i].rwlock, NULL);
      pthread_mutex_init(&objects[i].mutex, NULL);
      world_ns(&r->w[m], i + 1, i, 1, &objects[i]);
    }
    for (unsigned n = 0; n < THREADS; n++) {
      io_thread *t = &r->thread[n][m];

      if (nvmens_lane_new(&t->lane, r->w[m].ctrl[0]))
        exit(1);
      t->counter = counters[n];
      for (uint32_t i = 0; i < IO_NSIDS; i++)
        t->nsid[i] = (i * UINT32_C(2654435769) >> 16) % namespaces + 1;
    }
  }
}

static void drop(rig *r)
{
  for (unsigned m = 0; m < 2; m++) {
    for (unsigned n = 0; n < THREADS; n++)
      nvmens_lane_del(r->thread[n][m].lane);
    world_del(&r->w[m]);
  }
}

/* ---- the table ---- */

typedef struct samples {
  double ns[MOST][ROUNDS];
  unsigned rounds;
} samples;

static void sample(rig *r, samples *s)
{
  helper helpers[THREADS];
  pthread_t thread[THREADS];
  uint32_t pairs[MOST], sense = 0;
  uint64_t end;

  for (unsigned n = 1; n < r->threads; n++) {
    helpers[n] = (helper){r, n};
    pthread_create(&thread[n], NULL, help, &helpers[n]);
  }
  for (unsigned i = 0; i < nways; i++) { /* warm up, and how many fill a slice */
    double ns = measure(r, i, 4000, &sense);

    ns = fmin(ns, measure(r, i, 4000, &sense));
    pairs[i] = (uint32_t)(SLICE_NS / ns) + 1000;
  }
  end = bench_now() + (uint64_t)BUDGET_NS * 4;
  for (s->rounds = 0; s->rounds < ROUNDS && (s->rounds < FEWEST || bench_now() < end); s->rounds++)
    for (unsigned i = 0; i < nways; i++)
      s->ns[i][s->rounds] = measure(r, i, pairs[i], &sense);
  r->pairs = 0;
  meet(r, &sense);
  for (unsigned n = 1; n < r->threads; n++)
    pthread_join(thread[n], NULL);
}

/* The undisturbed rounds: the half that took the least time in all. */
static void keep_quiet(samples *s)
{
  double sum[ROUNDS] = {0}, sorted[ROUNDS], most;
  unsigned kept = 0;

  for (unsigned i = 0; i < s->rounds; i++)
    for (unsigned way = 0; way < nways; way++)
      sum[i] += s->ns[way][i];
  memcpy(sorted, sum, sizeof(sum));
  most = bench_median(sorted, s->rounds);
  for (unsigned i = 0; i < s->rounds; i++) {
    if (sum[i] > most)
      continue;
    for (unsigned way = 0; way < nways; way++)
      s->ns[way][kept] = s->ns[way][i];
    kept++;
  }
  s->rounds = kept;
}

/* Of way a to way b, round by round; less: their difference. */
static double against(const samples *s, unsigned a, unsigned b, int less)
{
  double value[ROUNDS];

  for (unsigned i = 0; i < s->rounds; i++)
    value[i] = less ? s->ns[a][i] - s->ns[b][i] : s->ns[a][i] / s->ns[b][i];
  return bench_median(value, s->rounds);
}

static void show(const samples *s, uint32_t threads, uint32_t namespaces)
{
  char what[120], key[60];

  for (unsigned i = 0; i < nways; i++) {
    double value[ROUNDS];

    memcpy(value, s->ns[i], sizeof(value));
    snprintf(what, sizeof(what), "%s: %u thread%s, %u namespace%s", ways[i].what, threads,
             threads > 1 ? "s" : "", namespaces, namespaces > 1 ? "s" : "");
    snprintf(key, sizeof(key), "io/%u/%s", namespaces, ways[i].key);
    bench_row(key, what, threads, bench_median(value, s->rounds), "ns a pair");
  }
}

static void goals(const samples *s, uint32_t threads)
{
  char what[120];

  snprintf(what, sizeof(what), "shared atomic count to gate, %u thread%s", threads,
           threads > 1 ? "s" : "");
  bench_goal(what, against(s, SHARED, GATE, 0), "times", 1, threads > 1 ? 8 : 2);
  for (unsigned i = OWN_WAYS; i < nways; i++) {
    snprintf(what, sizeof(what), "%s to gate, %u thread%s", ways[i].what, threads,
             threads > 1 ? "s" : "");
    if (strcmp(ways[i].key, "urcu_qsbr") != 0)
      bench_goal(what, against(s, i, GATE, 0), "times", 1, 1);
  }
  snprintf(what, sizeof(what), "gate less the lookup, %u thread%s", threads,
           threads > 1 ? "s" : "");
  bench_goal(what, against(s, GATE, BARE, 1), "ns", 0, 3);
}

static void compare(uint32_t threads, uint32_t namespaces)
{
  static samples s;
  static rig r;

  make(&r, namespaces);
  r.threads = threads;
  sample(&r, &s);
  keep_quiet(&s);
  drop(&r);
  show(&s, threads, namespaces);
  if (namespaces == 1)
    goals(&s, threads);
}

/* ---- a command is always in flight ---- */

enum { PATIENCE_NS = 100000000 };

/* The I/O thread of the test begins the next command before it ends the last one, on namespaces
 * that stay, while another is waited for. us until the wait ends; less than 0: not in 100 ms. */
typedef struct hold {
  rig *r;
  uint32_t waited, stop;
} hold;

static void *keep_one(void *arg)
{
  hold *h = arg;
  io_thread *t = &h->r->thread[1][0];
  nvmens_ticket ticket[2];
  void *user = NULL;

  if (nvmens_io_begin(t->lane, 2, &ticket[0], &user).sf)
    exit(1);
  __atomic_store_n(&h->waited, 1, __ATOMIC_RELEASE);
  for (unsigned i = 1; !__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE); i++) {
    if (nvmens_io_begin(t->lane, 2 + i % 2, &ticket[i % 2], &user).sf)
      exit(1);
    nvmens_io_end(t->lane, ticket[(i + 1) % 2]);
    ticket[(i + 1) % 2] = ticket[i % 2];
  }
  nvmens_io_end(t->lane, ticket[0]);
  return NULL;
}

static double gate_drain(void)
{
  static rig r;
  hold h = {&r, 0, 0};
  nvmens_nsref ref;
  pthread_t thread;
  uint64_t start;
  double took;

  make(&r, NAMESPACES);
  if (nvmens_ns_find(r.w[0].subsys, 1, &ref))
    exit(1);
  pthread_create(&thread, NULL, keep_one, &h);
  while (!__atomic_load_n(&h.waited, __ATOMIC_ACQUIRE))
    continue;
  start = bench_now();
  world_unplug(&r.w[0], ref);
  took = nvmens_ns_find(r.w[0].subsys, 1, &ref) ? (double)(bench_now() - start) / 1000 : -1;
  __atomic_store_n(&h.stop, 1, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  drop(&r);
  return took;
}

static void io_hold(void)
{
  bench_row("hold/gate", "a command always in flight elsewhere: a namespace drains, gate", 0,
            gate_drain(), "us");
  for (unsigned i = 0; i < io_urcus; i++) {
    double us = io_urcu_wait(i, PATIENCE_NS);
    char what[120];

    snprintf(what, sizeof(what), "the same: a grace period, %s (-1: not in 100 ms)",
             io_urcu[i].key);
    bench_row("hold/urcu", what, 0, us, "us");
  }
}

/* With one thread in the process libc takes mutexes without atomic operations. */
static void *sleeper(void *arg)
{
  for (;;)
    pause();
  return arg;
}

static int count(const char *key, uint32_t pairs)
{
  static rig r;

  make(&r, NAMESPACES);
  if (strcmp(key, "loop") == 0) {
    run_loop(&r.thread[0][0], pairs);
    return 0;
  }
  for (unsigned i = 0; i < nways; i++)
    if (strcmp(ways[i].key, key) == 0) {
      ways[i].run(&r.thread[0][i == GATE_FENCE], pairs);
      return 0;
    }
  return 1;
}

int main(int argc, char **argv)
{
  pthread_t other;

  for (unsigned i = 0; i < io_urcus; i++)
    ways[nways++] = io_urcu[i];
  io_urcu_thread();
  pthread_create(&other, NULL, sleeper, NULL);
  if (argc == 4 && strcmp(argv[1], "count") == 0)
    return count(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
  for (unsigned i = 0; i < nways && argc == 2 && strcmp(argv[1], "ways") == 0; i++)
    printf("%s %s\n", ways[i].key, ways[i].what);
  if (argc > 1)
    return strcmp(argv[1], "ways") != 0;
  bench_title("Data path: begin and end of a command, with the lookup of its NSID");
  bench_pin(0);
  for (uint32_t threads = 1; threads <= THREADS; threads++) {
    if (threads > bench_cpus()) {
      bench_skip("the data path on two threads", "one processor");
      break;
    }
    compare(threads, 1);
    compare(threads, NAMESPACES);
  }
  bench_note(
      "qsbr, memb and bp hold nothing for a single command: a reader that always has one in");
  bench_note("flight is never outside, and nothing that was taken out is ever free. See below:");
  io_hold();
  bench_note(
      "memb and bp count at one address of the thread, which is known early; the gate at one");
  bench_note(
      "for each namespace, which the lookup has to find first: that may be the difference");
  if (!io_urcus)
    bench_skip("liburcu to gate", "liburcu-dev is not installed");
  return 0;
}
