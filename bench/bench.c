/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.c: time, processors, medians, rows and goals. */
#define _GNU_SOURCE
#include "bench.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* As it was before anything was pinned. */
static const cpu_set_t *allowed(void)
{
  static cpu_set_t set;
  static int known;

  if (!known) {
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set))
      CPU_SET(0, &set);
    known = 1;
  }
  return &set;
}

unsigned bench_cpus(void)
{
  return (unsigned)CPU_COUNT(allowed());
}

void bench_pin(unsigned number)
{
  const cpu_set_t *set = allowed();
  unsigned cpus = bench_cpus();
  cpu_set_t one;

  for (unsigned cpu = 0, n = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, set) || n++ != number % cpus)
      continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

double bench_quantile(double *value, size_t count, double q)
{
  if (!count)
    return NAN;
  qsort(value, count, sizeof(*value), ascending);
  return value[(size_t)(q * (double)(count - 1) + 0.5)];
}

double bench_median(double *value, size_t count)
{
  return bench_quantile(value, count, 0.5);
}

static FILE *json(void)
{
  const char *name = getenv("BENCH_JSON");
  FILE *file = name ? fopen(name, "a") : NULL;

  if (name && !file) {
    perror(name);
    exit(1);
  }
  return file;
}

void bench_title(const char *title)
{
  printf("\n%s\n", title);
}

void bench_row(const char *key, const char *what, double x, double value, const char *unit)
{
  FILE *file = json();

  printf("  %-68s %12.6g %s\n", what, value, unit);
  fflush(stdout);
  if (!file)
    return;
  fprintf(file, "{\"row\":\"%s\",\"what\":\"%s\",\"x\":%.0f,\"value\":%.9g,\"unit\":\"%s\"}\n", key,
          what, x, value, unit);
  fclose(file);
}

void bench_goal(const char *what, double value, const char *unit, int sign, double limit)
{
  const char *relation = sign > 0 ? "at least" : "at most";
  int met = sign > 0 ? value >= limit : value <= limit;
  FILE *file = json();

  printf("  %s: %-60s %12.6g %s, %s %g\n", met ? "met   " : "MISSED", what, value, unit, relation,
         limit);
  fflush(stdout);
  if (!file)
    return;
  fprintf(file,
          "{\"goal\":\"%s\",\"value\":%.9g,\"unit\":\"%s\",\"wanted\":\"%s\",\"limit\":%.9g,"
          "\"result\":\"%s\"}\n",
          what, value, unit, relation, limit, met ? "met" : "missed");
  fclose(file);
}

void bench_skip(const char *what, const char *why)
{
  FILE *file = json();

  printf("  not measured: %s (%s)\n", what, why);
  if (!file)
    return;
  fprintf(file, "{\"goal\":\"%s\",\"unit\":\"\",\"wanted\":\"%s\",\"result\":\"not measured\"}\n",
          what, why);
  fclose(file);
}

void bench_note(const char *text)
{
  FILE *file = json();

  printf("  (%s)\n", text);
  if (!file)
    return;
  fprintf(file, "{\"note\":\"%s\"}\n", text);
  fclose(file);
}
