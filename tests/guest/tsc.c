/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tsc.c: prints the frequency of this machine's TSC in kHz. Under TCG a guest's TSC is the
 * machine's. A guest that finds out by itself how fast it is while the machine is busy may be wrong
 * by a factor, and with it are all its clocks and timeouts; ./job tells it.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

typedef struct look {
  uint64_t tsc, ns;
} look;

/* The two read as close together as they were in the best of some tries. */
static look look_at_both(void)
{
  uint64_t best = UINT64_MAX;
  look l = {0};

  for (int i = 0; i < 200; i++) {
    uint64_t before = __rdtsc(), after;
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    after = __rdtsc();
    if (after - before < best) {
      best = after - before;
      l.tsc = before;
      l.ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    }
  }
  return l;
}

int main(void)
{
  const struct timespec nap = {.tv_nsec = 100000000};
  look a = look_at_both(), b;

  nanosleep(&nap, NULL);
  b = look_at_both();
  printf("%llu\n", (unsigned long long)((b.tsc - a.tsc) * 1000000 / (b.ns - a.ns)));
  return 0;
}
