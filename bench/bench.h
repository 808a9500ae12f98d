/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench.h: what the benchmarks share: time, processors, medians, rows and goals.
 *
 * A row and a goal go to standard output for people and, if BENCH_JSON names a file, to its end as
 * a line of JSON for bench/table and bench/plot.
 */
#ifndef NVMENS_BENCH_H
#define NVMENS_BENCH_H

#include <stddef.h>
#include <stdint.h>

uint64_t bench_now(void); /* ns, monotonic */

unsigned bench_cpus(void);       /* that this process may use */
void bench_pin(unsigned number); /* this thread to the number-th of them; where that can be done */

/* Sorts. NaN where there is nothing. */
double bench_quantile(double *value, size_t count, double q);
double bench_median(double *value, size_t count);

/* key is for programs, what for people; x is where the point stands in a plot, or 0. */
void bench_row(const char *key, const char *what, double x, double value, const char *unit);
/* limit: value has to be at most (sign <= 0) or at least (sign > 0) this. */
void bench_goal(const char *what, double value, const char *unit, int sign, double limit);
void bench_skip(const char *what, const char *why); /* a goal that cannot be measured here */
void bench_title(const char *);
void bench_note(const char *); /* what bounds something */

#define BENCH_KEEP(x) __asm__ volatile("" : : "r"(x) : "memory")

#endif
