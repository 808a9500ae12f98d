/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c: runs of random steps, the library beside the model; what fails is shrunk and printed.
 *
 *   model             random runs; NVMENS_SEED, NVMENS_STEPS, NVMENS_LONG=1
 *   model -s SEED     one run, with every step and hook printed
 *   model -n SEED N   which of N runs fail, and why
 *   model -r SEED     shrinks a run that fails
 *   model -p SEED     prints the run as a file
 *   model FILE ...    runs files (tests/model/regress); -v: prints every step and hook, -v -v: more
 */
#include "gen.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct shared { /* with the children */
  uint64_t seed;        /* of the run at work */
  uint64_t steps, runs;
  int failed;
  unsigned at;
  char why[600];
} shared;
static shared *S;
static gen_run R;

/* Does a run. 0: library and model agree. */
static int play(const gen_run *r, int verbose)
{
  static unsigned at; /* static: survives longjmp */

  at = 0;
  w_init(&r->conf, verbose);
  if (setjmp(W.escape) == 0) {
    for (; at < r->n; at++) {
      S->at = at;
      w_do(&r->step[at]);
    }
    S->steps += r->n;
    w_end();
    return 0;
  }
  S->failed = 1;
  memcpy(S->why, W.why, sizeof(S->why));
  return 1;
}

/* A run in a child, so that it may crash. 0: passed. */
static int try_run(const gen_run *r, int verbose)
{
  int status;
  pid_t pid;

  fflush(stdout);
  S->failed = 0;
  S->why[0] = 0;
  pid = fork();
  if (pid == 0) {
    int rc;

    if (!verbose && !freopen("/dev/null", "w", stderr))
      _exit(3);
    alarm(20);
    rc = play(r, verbose);
    fflush(stdout);
    _exit(rc);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    abort();
  if (WIFSIGNALED(status))
    snprintf(S->why, sizeof(S->why), "killed by signal %d", WTERMSIG(status));
  return status != 0;
}

/* Whether it fails, and in the same way: what is said before the first number or colon. */
static int fails_so(const gen_run *r, const char *why)
{
  size_t n = strcspn(why, ":0123456789");

  return try_run(r, 0) && strncmp(S->why, why, n < 40 ? n : 40) == 0;
}

/* Takes steps out as long as it still fails. */
static void shrink(gen_run *r, const char *why)
{
  static gen_run less;
  unsigned size = r->n / 2;
  uint64_t until = (uint64_t)time(NULL) + 60;

  while (size && (uint64_t)time(NULL) < until) {
    int any = 0;

    for (unsigned from = 0; from < r->n;) {
      unsigned n = size < r->n - from ? size : r->n - from;

      less = *r;
      memmove(less.step + from, less.step + from + n, (r->n - from - n) * sizeof(w_step));
      less.n -= n;
      if (fails_so(&less, why)) {
        *r = less;
        any = 1;
      } else {
        from += n;
      }
    }
    if (size > 1)
      size /= 2;
    else if (!any)
      break;
  }
  for (unsigned i = 0; i < r->n; i++)
    for (int a = 0; a < W_ARGS; a++) {
      less = *r;
      less.step[i].a[a] = 0;
      if (r->step[i].a[a] && fails_so(&less, why))
        *r = less;
    }
}

static void report(uint64_t seed, gen_run *r)
{
  static gen_run all;
  char why[600];

  all = *r;
  memcpy(why, S->why, sizeof(why));
  printf("# seed %" PRIu64 " fails: %s\n", seed, S->why);
  shrink(r, why);
  printf("# shrunk to %u steps; as a file:\n", r->n);
  gen_print(stdout, r);
  printf("# and as it happens:\n");
  try_run(r, 1);
  printf("# %s\n", S->why);
  if (S->why[0] == 0)
    printf("# (%u steps, not shrunk)\n", all.n);
  fflush(stdout);
}

static uint64_t nanoseconds(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int random_runs(uint64_t seed, uint64_t steps)
{
  uint64_t begun = nanoseconds(), took;
  int status;
  pid_t pid;

  printf("# NVMENS_SEED=%" PRIu64 " NVMENS_STEPS=%" PRIu64 "\n", seed, steps);
  fflush(stdout);
  S->seed = seed;
  pid = fork();
  if (pid == 0) {
    for (; S->steps < steps; S->seed++, S->runs++) {
      gen_make(&R, S->seed);
      alarm(20);
      if (play(&R, 0))
        _exit(1);
    }
    _exit(0);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    abort();
  took = nanoseconds() - begun;
  printf("# %" PRIu64 " runs, %" PRIu64 " steps, %.1f s, %.0f steps/s\n", S->runs, S->steps,
         (double)took / 1e9, (double)S->steps * 1e9 / (double)took);
  if (status == 0)
    return 0;
  if (WIFSIGNALED(status))
    snprintf(S->why, sizeof(S->why), "killed by signal %d", WTERMSIG(status));
  gen_make(&R, S->seed);
  report(S->seed, &R);
  return 1;
}

static int run_file(const char *name, int verbose)
{
  FILE *in = fopen(name, "r");
  int line;

  if (!in) {
    perror(name);
    return 1;
  }
  line = gen_read(in, &R);
  fclose(in);
  if (line) {
    fprintf(stderr, "%s:%d: what is this?\n", name, line);
    return 1;
  }
  if (try_run(&R, verbose)) {
    printf("%s: %s (step %u)\n", name, S->why, S->at);
    return 1;
  }
  return 0;
}

/* Which kinds of failures there are among many runs. */
static int survey(uint64_t seed, unsigned runs)
{
  for (unsigned i = 0; i < runs; i++, seed++) {
    gen_make(&R, seed);
    if (try_run(&R, 0))
      printf("%" PRIu64 " %u %s\n", seed, S->at, S->why);
  }
  return 0;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
  const char *text = getenv(name);

  return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
  int bad = 0, verbose = 0, i = 1;

  S = mmap(NULL, sizeof(*S), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (S == MAP_FAILED)
    return 1;
  if (argc == 3 && strcmp(argv[1], "-r") == 0) {
    gen_make(&R, strtoull(argv[2], NULL, 0));
    if (try_run(&R, 0))
      report(strtoull(argv[2], NULL, 0), &R);
    return 0;
  }
  if (argc == 3 && (strcmp(argv[1], "-s") == 0 || strcmp(argv[1], "-p") == 0)) {
    gen_make(&R, strtoull(argv[2], NULL, 0));
    if (argv[1][1] == 'p') {
      gen_print(stdout, &R);
      return 0;
    }
    bad = try_run(&R, 2);
    printf("# %s\n", S->why);
    return bad;
  }
  if (argc == 4 && strcmp(argv[1], "-n") == 0)
    return survey(strtoull(argv[2], NULL, 0), (unsigned)atoi(argv[3]));
  for (; i < argc && strcmp(argv[i], "-v") == 0; i++)
    verbose++;
  for (; i < argc; i++)
    bad |= run_file(argv[i], verbose);
  if (argc == 1)
    bad = random_runs(setting("NVMENS_SEED", 1),
                      setting("NVMENS_STEPS", getenv("NVMENS_LONG") ? 100000000 : 2000000));
  return bad;
}
