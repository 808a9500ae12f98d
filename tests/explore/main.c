/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c: explores the quick worlds, all of them (--all, or NVMENS_LONG in the environment), or
 * those that are named; JOBS of them at a time. Counts are compared with those in worlds.c; all
 * worlds together have to cover every pair of features.
 */
#include "explore.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define F_NAME(name) #name,
static const char *const feature_name[] = {F_LIST(F_NAME)};

static const world *find(const char *name)
{
  for (const world *w = worlds; w < worlds + nworlds; w++)
    if (strcmp(w->name, name) == 0)
      return w;
  fprintf(stderr, "there is no world %s\n", name);
  exit(2);
}

static void print_pairs(const uint32_t pairs[FEATURES], bool missing)
{
  unsigned have = 0, all = 0;

  for (unsigned a = 0; a < FEATURES; a++)
    for (unsigned b = 0; b < a; b++) {
      all++;
      if (pairs[a] >> b & 1)
        have++;
      else if (missing)
        printf("# not on one path: %s and %s\n", feature_name[b], feature_name[a]);
    }
  printf("# %u of %u pairs of features occur on one path\n", have, all);
}

static bool every_pair(const uint32_t pairs[FEATURES])
{
  for (unsigned f = 0; f < FEATURES; f++)
    if (pairs[f] != (1u << FEATURES) - 1)
      return false;
  return true;
}

/* ---- worlds, several at a time ---- */

enum { MOST_WORLDS = 64 };

/* Of the processes: what is to be done next, and what came of it. */
static struct shared {
  atomic_uint next;
  uint8_t cells[NVMENS_MACHINES][16][6];
  struct {
    result r;
    bool done, good;
  } of[MOST_WORLDS];
} * shared;

/* The rows of the tables that are GO, and how many of them were seen. */
static void print_cells(void)
{
  unsigned seen[NVMENS_MACHINES] = {0};

  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    for (unsigned e = 0; e < 16; e++)
      for (unsigned s = 0; s < 6; s++)
        seen[m] += shared->cells[m][e][s];
  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    printf("# %s: %u cells of its table were entered\n", nvmens_machine_name(m), seen[m]);
}

static void work(const world *const *list, unsigned count)
{
  unsigned i;

  while ((i = atomic_fetch_add(&shared->next, 1)) < count) {
    shared->of[i].good = explore(list[i], &shared->of[i].r);
    shared->of[i].done = true;
    fflush(stdout);
  }
  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    for (unsigned e = 0; e < 16; e++)
      for (unsigned s = 0; s < 6; s++)
        if (cells[m][e][s])
          shared->cells[m][e][s] = 1;
}

/* Each world in a process of one of `jobs`; those that died have not said that they are done. */
static void explore_all(const world *const *list, unsigned count, unsigned jobs)
{
  fflush(stdout);
  for (unsigned j = 1; j < jobs; j++) {
    pid_t pid = fork();

    if (pid < 0)
      break; /* the others do it */
    if (pid == 0) {
      work(list, count);
      exit(0);
    }
  }
  work(list, count);
  while (wait(NULL) > 0)
    continue;
}

static bool judge(const world *w, unsigned i, bool print, uint32_t pairs[FEATURES])
{
  const result *r = &shared->of[i].r;
  bool good = shared->of[i].done && shared->of[i].good;
  bool as_expected =
      r->states == w->states && r->transitions == w->transitions && r->depth == w->depth;

  for (unsigned f = 0; f < FEATURES; f++)
    pairs[f] |= r->pairs[f];
  if (print)
    printf("    /* %s */ SIZE(%u, %llu, %u),\n", w->name, r->states,
           (unsigned long long)r->transitions, r->depth);
  if (good && !as_expected && !print)
    printf("# expected: %u states, %llu transitions, depth %u (--print)\n", w->states,
           (unsigned long long)w->transitions, w->depth);
  good = good && (as_expected || print);
  printf("%s %u - %s: %u states, %llu transitions, depth %u\n", good ? "ok" : "not ok", i + 1,
         w->name, r->states, (unsigned long long)r->transitions, r->depth);
  if (print)
    printf("# %.1f s\n", r->seconds);
  return good;
}

/* JOBS in the environment; else one, or with all worlds one for each processor. */
static unsigned jobs_for(bool all)
{
  const char *given = getenv("JOBS");
  long jobs = given ? strtol(given, NULL, 10) : all ? sysconf(_SC_NPROCESSORS_ONLN) : 1;

  return jobs < 1 ? 1 : jobs > MOST_WORLDS ? MOST_WORLDS : (unsigned)jobs;
}

int main(int argc, char **argv)
{
  bool all = getenv("NVMENS_LONG") != NULL, large = true, print = false, good = true;
  const world *list[MOST_WORLDS];
  uint32_t pairs[FEATURES] = {0};
  unsigned count = 0, named;

  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--all") == 0)
      all = true;
    else if (strcmp(argv[i], "--most") == 0)
      all = true, large = false;
    else if (strcmp(argv[i], "--print") == 0)
      print = true;
    else if (strcmp(argv[i], "--replay") == 0 && i + 2 < argc)
      return replay(find(argv[i + 1]), argv[i + 2]) ? 0 : 1;
    else if (argv[i][0] == '-' || count == MOST_WORLDS)
      return fprintf(stderr, "usage: explore [--all | --most] [--print] [--replay WORLD PATH] "
                             "[WORLD...]\n"),
             2;
    else
      list[count++] = find(argv[i]);
  }
  named = count;
  for (const world *w = worlds; w < worlds + nworlds && !named; w++)
    if (w->quick || (all && (large || !w->large)))
      list[count++] = w;
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return perror("mmap"), 2;
  explore_all(list, count, jobs_for(all && !named));
  for (unsigned i = 0; i < count; i++)
    good &= judge(list[i], i, print, pairs);
  print_pairs(pairs, all && !named);
  print_cells();
  if (all && !named) {
    bool covered = every_pair(pairs);

    printf("%s %u - every pair of features occurs\n", covered ? "ok" : "not ok", ++count);
    good &= covered;
  }
  printf("1..%u\n", count);
  return good ? 0 : 1;
}
