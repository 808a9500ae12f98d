/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c: runs in children, many at a time, and delta debugging of those that fail.
 */
#include "run.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 60 }; /* more than any run needs, even under valgrind */

run_shared *run_of;
w_stats *w_count;
static gen_run one;

void run_init(void)
{
  run_of = mmap(NULL, RUN_JOBS * sizeof(*run_of), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (run_of == MAP_FAILED)
    abort();
  w_count = &run_of->stats;
}

uint64_t run_clock(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

double run_worked(void)
{
  struct rusage u;

  getrusage(RUSAGE_CHILDREN, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int play(const gen_run *r, run_shared *s, int verbose)
{
  static unsigned at; /* static: survives longjmp */

  w_init(&r->conf, verbose);
  if (setjmp(W.escape) == 0) {
    for (at = 0; at < r->n; at++) {
      s->at = at;
      w_step_do(&r->step[at]);
    }
    s->at = at;
    w_end();
    w_count->runs++;
    return 0;
  }
  s->failed = 1;
  memcpy(s->why, W.why, sizeof(s->why));
  return 1;
}

static void wait_for(pid_t pid, run_shared *s)
{
  int status;

  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    abort();
  if (WIFSIGNALED(status))
    snprintf(s->why, sizeof(s->why), "killed by signal %d", WTERMSIG(status));
  else if (WEXITSTATUS(status) && !s->failed)
    snprintf(s->why, sizeof(s->why), "exit with status %d", WEXITSTATUS(status));
  s->failed = status != 0;
}

int run_try(const gen_run *r, int verbose)
{
  pid_t pid;

  fflush(stdout);
  run_of->failed = 0;
  run_of->why[0] = 0;
  pid = fork();
  if (pid == 0) {
    int rc;

    if (!verbose && !freopen("/dev/null", "w", stderr))
      _exit(3);
    alarm(SECONDS);
    rc = play(r, run_of, verbose);
    fflush(stdout);
    _exit(rc);
  }
  wait_for(pid, run_of);
  return run_of->failed;
}

/* ---- making it small ---- */

/* Whether it fails, and in the same way: what is said before the first number or colon. */
static int fails_so(const gen_run *r, const char *why)
{
  size_t n = strcspn(why, ":0123456789");

  return run_try(r, 0) && strncmp(run_of->why, why, n < 40 ? n : 40) == 0;
}

static int without(gen_run *r, unsigned from, unsigned n, const char *why)
{
  static gen_run less;

  less = *r;
  memmove(less.step + from, less.step + from + n, (r->n - from - n) * sizeof(w_step));
  less.n -= n;
  if (!fails_so(&less, why))
    return 0;
  *r = less;
  return 1;
}

static void fewer_steps(gen_run *r, const char *why)
{
  unsigned size = r->n / 2 ? r->n / 2 : 1;
  int any = 1;

  while (any || size > 1) {
    any = 0;
    for (unsigned from = r->n; from > 0;) { /* from behind: less depends on what comes last */
      unsigned n = size < from ? size : from;

      from -= n;
      any |= without(r, from, n, why);
    }
    size = size > 1 ? size / 2 : 1;
  }
}

/* The first step's arguments, one by one: numbers that do not matter become 0. */
static void simpler_args(gen_run *r, const char *why)
{
  static gen_run less;

  for (unsigned i = 0; i < r->n; i++)
    for (int a = 0; a < W_ARGS; a++) {
      less = *r;
      less.step[i].a[a] = 0;
      if (r->step[i].a[a] && fails_so(&less, why))
        *r = less;
    }
}

void run_shrink(gen_run *r, const char *why)
{
  if (run_of->at < r->n) { /* it did not get further than that */
    unsigned rest = r->n - run_of->at - 1;

    if (rest)
      without(r, run_of->at + 1, rest, why);
  }
  fewer_steps(r, why);
  gen_simpler(r, why, fails_so);
  simpler_args(r, why);
  fewer_steps(r, why);
}

void run_report(uint64_t seed, gen_run *r)
{
  char why[600];

  memcpy(why, run_of->why, sizeof(why));
  printf("# seed %llu fails at step %u: %s\n", (unsigned long long)seed, run_of->at, why);
  run_shrink(r, why);
  printf("# shrunk to %u steps; as a file, for tests/model/regress:\n", r->n);
  gen_print(stdout, r);
  printf("# and as it happens:\n");
  run_try(r, 1);
  printf("# %s\n", run_of->why);
  fflush(stdout);
}

/* ---- many ---- */

static void job(run_shared *s, uint64_t seed, uint64_t steps, uint64_t runs, unsigned by)
{
  w_count = &s->stats;
  for (s->seed = seed; (!steps || w_count->steps < steps) && (!runs || w_count->runs < runs);
       s->seed += by) {
    gen_make(&one, s->seed);
    alarm(SECONDS);
    if (play(&one, s, 0)) {
      fflush(stdout);
      _exit(1);
    }
  }
  _exit(0);
}

int run_many(uint64_t seed, uint64_t steps, uint64_t runs, unsigned jobs, uint64_t *failed)
{
  pid_t pid[RUN_JOBS];
  int bad = 0;

  fflush(stdout);
  memset(run_of, 0, RUN_JOBS * sizeof(*run_of));
  for (unsigned j = 0; j < jobs; j++) {
    pid[j] = fork();
    if (pid[j] == 0)
      job(&run_of[j], seed + j, (steps + jobs - 1) / jobs, (runs + jobs - 1) / jobs, jobs);
  }
  for (unsigned j = 0; j < jobs; j++) {
    wait_for(pid[j], &run_of[j]);
    if (run_of[j].failed && (!bad || run_of[j].seed < *failed)) {
      bad = 1;
      *failed = run_of[j].seed;
    }
    if (j)
      w_stats_add(&run_of->stats, &run_of[j].stats);
  }
  return bad;
}
