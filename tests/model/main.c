/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c: the reference model as a program.
 *
 *   model                      as a test: TAP. NVMENS_SEED, NVMENS_STEPS, NVMENS_LONG=1
 *   model --steps N --runs N   random runs; --seed N: from there on; --jobs N: by N processes
 *   model --seed N --show      that run, with every step and hook; --print: as a file
 *   model --cover --steps N    and which cells of the library's tables were not reached
 *   model --break NAME ...     with a rule of the model's turned round; --breaks: which there are
 *   model [-v [-v]] FILE ...   runs files (tests/model/regress); -v: with every step and hook, and
 *                              -v -v with every step of the library's machines
 *
 * A run that fails is shrunk and printed as a file, which this program runs again.
 */
#include "run.h"

#include <dirent.h>
#include <inttypes.h>

enum { LONG_STEPS = 100000000, SHORT_STEPS = 1500000, MOST_STEPS_OF_A_BREAK = 40 };

static gen_run R;

static uint64_t setting(const char *name, uint64_t otherwise)
{
  const char *text = getenv(name);

  return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void say_cover(const w_stats *t)
{
  unsigned reached = 0;

  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    for (unsigned e = 0; nvmens_event_name(m, e); e++)
      for (unsigned s = 0; nvmens_state_name(m, s); s++) {
        reached += t->cell[m][e][s] != 0;
        if (!t->cell[m][e][s])
          printf("# not reached: %s: %s in %s\n", nvmens_machine_name(m), nvmens_event_name(m, e),
                 nvmens_state_name(m, s));
      }
  printf("# %u cells reached\n", reached);
}

static int random_runs(uint64_t seed, uint64_t steps, uint64_t runs, unsigned jobs)
{
  uint64_t begun = run_clock(), failed = 0;
  double worked = run_worked();
  int bad = run_many(seed, steps, runs, jobs, &failed);
  double took = (double)(run_clock() - begun) / 1e9;
  const w_stats *t = &run_of->stats;

  worked = run_worked() - worked;
  printf("# seed %" PRIu64 ": %" PRIu64 " runs, %" PRIu64
         " steps, %.1f s by %u jobs, %.0f steps/s, "
         "%.0f steps/s of CPU\n",
         seed, t->runs, t->steps, took, jobs, (double)t->steps / took, (double)t->steps / worked);
  printf("# compared: %" PRIu64 " calls, %" PRIu64 " hooks, %" PRIu64
         " pages; nvmens_subsys_check %" PRIu64 " times\n",
         t->calls, t->hooks, t->pages, t->checks);
  printf("# drivers: %" PRIu64 " events, %" PRIu64 " scans, %" PRIu64 " swaps seen, %" PRIu64
         " refused, %" PRIu64 " views held true\n",
         t->events, t->scans, t->swaps, t->refusals, t->views);
  if (w_cover)
    say_cover(t);
  if (!bad)
    return 0;
  gen_make(&R, failed);
  if (run_try(&R, 0))
    run_report(failed, &R);
  else
    printf("# seed %" PRIu64 " failed, and does not fail alone\n", failed);
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
    printf("# %s:%d: what is this?\n", name, line);
    return 1;
  }
  if (run_try(&R, verbose)) {
    printf("# %s: %s (step %u)\n", name, run_of->why, run_of->at);
    return 1;
  }
  return 0;
}

/* ---- as a test ---- */

static int number, failures;

static void point(int ok, const char *what, const char *more)
{
  failures += !ok;
  printf("%s %d - %s%s\n", ok ? "ok" : "not ok", ++number, what, more);
  fflush(stdout);
}

static int is_sequence(const struct dirent *d)
{
  size_t n = strlen(d->d_name);

  return n > 4 && strcmp(d->d_name + n - 4, ".seq") == 0;
}

static void test_files(void)
{
  const char *top = getenv("srcdir");
  struct dirent **list;
  char dir[2000], path[2300];
  int n;

  snprintf(dir, sizeof(dir), "%s/tests/model/regress", top ? top : ".");
  n = scandir(dir, &list, is_sequence, alphasort);
  point(n > 0, "there are sequences in ", dir);
  for (int i = 0; i < n; i++) {
    snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
    point(run_file(path, 0) == 0, list[i]->d_name, "");
    free(list[i]);
  }
  if (n >= 0)
    free(list);
}

/* The run as text and back. */
static int by_text(gen_run *r)
{
  FILE *f = tmpfile();
  int line;

  if (!f)
    return 0;
  gen_print(f, r);
  rewind(f);
  line = gen_read(f, r);
  fclose(f);
  return line == 0;
}

/* A rule of the model's is turned round: that must come out, and in few steps. */
static void test_break(int b, uint64_t seed)
{
  uint64_t failed = 0;
  char more[200], why[600];
  int ok;

  m_broken = b;
  ok = run_many(seed, 0, 4000, 1, &failed);
  gen_make(&R, failed);
  snprintf(more, sizeof(more), ": nothing noticed");
  if (ok && run_try(&R, 0)) {
    memcpy(why, run_of->why, sizeof(why));
    run_shrink(&R, why);
    ok = R.n <= MOST_STEPS_OF_A_BREAK && by_text(&R) && run_try(&R, 0);
    m_broken = 0;
    ok = ok && !run_try(&R, 0);
    snprintf(more, sizeof(more), ": seed %" PRIu64 ", %u steps", failed, R.n);
  }
  m_broken = 0;
  point(ok, m_break_name[b], more);
}

static int as_a_test(uint64_t seed)
{
  int is_long = getenv("NVMENS_LONG") != NULL;
  uint64_t steps = setting("NVMENS_STEPS", is_long ? LONG_STEPS : SHORT_STEPS);

  printf("# NVMENS_SEED=%" PRIu64 " NVMENS_STEPS=%" PRIu64 "\n", seed, steps);
  point(random_runs(seed, steps, 0, is_long ? 2 : 1) == 0, "library and model agree", "");
  test_files();
  for (int b = 1; b < M_BREAKS; b++)
    test_break(b, 1);
  printf("1..%d\n", number);
  return failures != 0;
}

/* ---- by hand ---- */

static int break_of(const char *name)
{
  for (int b = 1; b < M_BREAKS; b++)
    if (strncmp(m_break_name[b], name, strlen(name)) == 0)
      return b;
  fprintf(stderr, "no such rule: %s\n", name);
  exit(2);
}

static int show(uint64_t seed, int as_file)
{
  int bad;

  gen_make(&R, seed);
  if (as_file) {
    gen_print(stdout, &R);
    return 0;
  }
  bad = run_try(&R, 2);
  printf("# %s\n", bad ? run_of->why : "library and model agree");
  return bad;
}

int main(int argc, char **argv)
{
  uint64_t seed = setting("NVMENS_SEED", 1), steps = 0, runs = 0;
  int verbose = 0, bad = 0, files = 0;
  unsigned jobs = 1;

  run_init();
  for (int i = 1; i < argc; i++) {
    const char *next = i + 1 < argc ? argv[i + 1] : "";

    if (strcmp(argv[i], "--seed") == 0)
      seed = strtoull(next, NULL, 0), i++;
    else if (strcmp(argv[i], "--steps") == 0)
      steps = strtoull(next, NULL, 0), i++;
    else if (strcmp(argv[i], "--runs") == 0)
      runs = strtoull(next, NULL, 0), i++;
    else if (strcmp(argv[i], "--jobs") == 0)
      jobs = (unsigned)strtoul(next, NULL, 0) % RUN_JOBS, i++;
    else if (strcmp(argv[i], "--break") == 0)
      m_broken = break_of(next), i++;
    else if (strcmp(argv[i], "--show") == 0 || strcmp(argv[i], "--print") == 0)
      return show(seed, argv[i][2] == 'p');
    else if (strcmp(argv[i], "--cover") == 0)
      w_cover = 1;
    else if (strcmp(argv[i], "-v") == 0)
      verbose++;
    else if (strcmp(argv[i], "--breaks") == 0)
      for (int b = 1; b < M_BREAKS; b++)
        printf("%s\n", m_break_name[b]), files++;
    else
      bad |= run_file(argv[i], verbose), files++;
  }
  if (files)
    return bad;
  if (steps || runs)
    return random_runs(seed, steps, runs, jobs ? jobs : 1);
  return as_a_test(seed);
}
