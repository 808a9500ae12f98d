/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c: explores the quick worlds, all of them (--all, or NVMENS_LONG in the environment), or
 * those that are named. Counts are compared with those in worlds.c; all worlds together have to
 * cover every pair of features.
 */
#include "explore.h"

#include <stdlib.h>

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

/* The rows of the tables that are GO, and how many of them were seen. */
static void print_cells(void)
{
  unsigned seen[NVMENS_MACHINES] = {0};

  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    for (unsigned e = 0; e < 16; e++)
      for (unsigned s = 0; s < 6; s++)
        seen[m] += cells[m][e][s];
  for (unsigned m = 0; m < NVMENS_MACHINES; m++)
    printf("# %s: %u cells of its table were entered\n", nvmens_machine_name(m), seen[m]);
}

static bool one(const world *w, unsigned number, bool print, uint32_t pairs[FEATURES])
{
  result r;
  bool good = explore(w, &r);
  bool as_expected =
      r.states == w->states && r.transitions == w->transitions && r.depth == w->depth;

  for (unsigned f = 0; f < FEATURES; f++)
    pairs[f] |= r.pairs[f];
  if (print)
    printf("    /* %s */ SIZE(%u, %llu, %u),\n", w->name, r.states,
           (unsigned long long)r.transitions, r.depth);
  if (good && !as_expected && !print)
    printf("# expected: %u states, %llu transitions, depth %u (--print)\n", w->states,
           (unsigned long long)w->transitions, w->depth);
  good = good && (as_expected || print);
  printf("%s %u - %s: %u states, %llu transitions, depth %u\n", good ? "ok" : "not ok", number,
         w->name, r.states, (unsigned long long)r.transitions, r.depth);
  if (print)
    printf("# %.1f s\n", r.seconds);
  fflush(stdout);
  return good;
}

int main(int argc, char **argv)
{
  bool all = getenv("NVMENS_LONG") != NULL, large = true, print = false, good = true;
  uint32_t pairs[FEATURES] = {0};
  unsigned number = 0, named = 0;

  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--all") == 0)
      all = true;
    else if (strcmp(argv[i], "--most") == 0)
      all = true, large = false;
    else if (strcmp(argv[i], "--print") == 0)
      print = true;
    else if (strcmp(argv[i], "--replay") == 0 && i + 2 < argc)
      return replay(find(argv[i + 1]), argv[i + 2]) ? 0 : 1;
    else if (argv[i][0] == '-')
      return fprintf(stderr, "usage: explore [--all | --most] [--print] [--replay WORLD PATH] "
                             "[WORLD...]\n"),
             2;
    else
      good &= one(find(argv[i]), ++number, print, pairs), named++;
  }
  for (const world *w = worlds; w < worlds + nworlds && !named; w++)
    if (w->quick || (all && (large || !w->large)))
      good &= one(w, ++number, print, pairs);
  print_pairs(pairs, all && !named);
  print_cells();
  if (all && !named) {
    bool covered = every_pair(pairs);

    printf("%s %u - every pair of features occurs\n", covered ? "ok" : "not ok", ++number);
    good &= covered;
  }
  printf("1..%u\n", number);
  return good ? 0 : 1;
}
