/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp.c: commands a second of nvmens-tcp-target over loopback, with its gate and without.
 *
 * Both targets run all the time; slices of reads go to the one and to the other in turn. Beside the
 * rate stands the target's processor time for a command, which the load of the machine does not
 * change much.
 *
 *   tcp           the table
 *   tcp load N    N reads from the target that TARGET names, for callgrind
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tests/tcp_rig.h"
#include "bench.h"

enum { CONNECTIONS = 2, ROUNDS = 11, SLICE_NS = 100000000, BLOCK = 4096, DEPTH = 32 };

typedef struct load { /* a host's thread, with a connection to each target */
  th_queue queue[2];
  int which;
  uint32_t depth;
  uint64_t until, count; /* reads: until then, or so many */
  uint8_t *data;
} load;

typedef struct rigs {
  tcp_rig rig[2]; /* with the gate, without */
  th_queue admin[2][CONNECTIONS];
  load load[CONNECTIONS];
} rigs;

static void send_read(load *l, uint64_t number)
{
  uint8_t sqe[64];

  th_sqe(sqe, 2, 1 + number % 2);
  th_cdw(sqe, 10, (uint32_t)(number * 8 % 8192));
  th_cdw(sqe, 12, BLOCK / 512 - 1);
  if (th_send(&l->queue[l->which], sqe, l->data + number % DEPTH * BLOCK, BLOCK, TH_READ) < 0)
    exit(1);
}

static void *run(void *arg)
{
  load *l = arg;
  uint64_t sent = 0, done = 0, most = l->until ? UINT64_MAX : l->count;
  th_cqe cqe;

  while (sent < l->depth && sent < most)
    send_read(l, sent++);
  while (done < sent) {
    if (th_next(&l->queue[l->which], &cqe, 10000) || cqe.sf)
      exit(1);
    done++;
    if (l->until && bench_now() >= l->until)
      most = sent;
    if (sent < most)
      send_read(l, sent++);
  }
  l->count = done;
  return NULL;
}

/* In processor time, of the target. */
static double busy(const tcp_rig *rig)
{
  struct timespec t = {0};
  clockid_t clock;

  if (clock_getcpuclockid(rig->pid, &clock) == 0)
    clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef struct rate {
  double commands; /* a second */
  double ns;       /* of the target, for a command */
} rate;

static rate slice(rigs *r, int which, int connections, uint32_t depth)
{
  double before = busy(&r->rig[which]), count = 0;
  pthread_t thread[CONNECTIONS];
  uint64_t start = bench_now();

  for (int i = 0; i < connections; i++) {
    load *l = &r->load[i];

    l->which = which;
    l->depth = depth;
    l->until = start + SLICE_NS;
    pthread_create(&thread[i], NULL, run, l);
  }
  for (int i = 0; i < connections; i++) {
    pthread_join(thread[i], NULL);
    count += (double)r->load[i].count;
  }
  return (rate){count / (double)(bench_now() - start) * 1e9,
                (busy(&r->rig[which]) - before) / count};
}

static void compare(rigs *r, int connections, uint32_t depth)
{
  static const char *const name[] = {"with the gate", "without"};
  double commands[2][ROUNDS], ns[2][ROUNDS], ratio[ROUNDS];
  char what[100], key[40];

  for (int i = 0; i < ROUNDS; i++) {
    for (int which = 0; which < 2; which++) {
      rate x = slice(r, which, connections, depth);

      commands[which][i] = x.commands;
      ns[which][i] = x.ns;
    }
    ratio[i] = ns[0][i] / ns[1][i];
  }
  for (int which = 0; which < 2; which++) {
    snprintf(what, sizeof(what), "4 KiB reads, %d connection%s, queue depth %u, %s", connections,
             connections > 1 ? "s" : "", depth, name[which]);
    snprintf(key, sizeof(key), "tcp/%u/%s", depth, which ? "without" : "gate");
    bench_row(key, what, connections, bench_median(commands[which], ROUNDS), "commands a second");
    bench_row(key, "  the target's processor time", connections, bench_median(ns[which], ROUNDS),
              "ns a command");
  }
  bench_row("tcp/ratio", "  with to without, processor time", connections,
            bench_median(ratio, ROUNDS), "times");
}

static void connect_all(rigs *r, int which, int connections)
{
  static const char *const args[] = {"--ns", "1=ram:8M", "--ns", "2=ram:8M", NULL};

  rig_start(&r->rig[which], args);
  for (int i = 0; i < connections; i++) {
    rig_admin(&r->rig[which], &r->admin[which][i]);
    rig_io(&r->rig[which], &r->load[i].queue[which], &r->admin[which][i], 1);
    if (!r->load[i].data)
      r->load[i].data = calloc(DEPTH, BLOCK);
  }
}

static void disconnect_all(rigs *r, int which, int connections)
{
  for (int i = 0; i < connections; i++) {
    th_close(&r->load[i].queue[which]);
    th_close(&r->admin[which][i]);
  }
  rig_stop(&r->rig[which]);
}

int main(int argc, char **argv)
{
  static rigs r;
  const char *build = getenv("top_builddir");
  char target[512];

  if (argc == 3 && strcmp(argv[1], "load") == 0) {
    connect_all(&r, 0, 1);
    r.load[0].depth = DEPTH;
    r.load[0].count = strtoull(argv[2], NULL, 10);
    run(&r.load[0]);
    disconnect_all(&r, 0, 1);
    return rig_result();
  }
  bench_title("nvmens-tcp-target over loopback");
  connect_all(&r, 0, CONNECTIONS);
  snprintf(target, sizeof(target), "%s/bench/tcp-no-gate", build ? build : ".");
  setenv("TARGET", target, 1);
  connect_all(&r, 1, CONNECTIONS);
  for (int connections = 1; connections <= CONNECTIONS; connections++) {
    compare(&r, connections, 1);
    compare(&r, connections, DEPTH);
  }
  disconnect_all(&r, 0, CONNECTIONS);
  disconnect_all(&r, 1, CONNECTIONS);
  return rig_result();
}
