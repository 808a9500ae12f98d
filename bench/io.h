/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io.h: ways to hold a namespace for the time of a command, all behind the same lookup by NSID.
 */
#ifndef NVMENS_BENCH_IO_H
#define NVMENS_BENCH_IO_H

#include <nvmens/gate.h>

#include <pthread.h>

enum { IO_LINE = 64, IO_NSIDS = 256 };

/* What the lookup finds beside the slot: the same namespace, guarded in other ways. */
typedef struct object {
  _Alignas(IO_LINE) uint32_t closing;
  _Alignas(IO_LINE) uint32_t count;
  _Alignas(IO_LINE) pthread_rwlock_t rwlock;
  _Alignas(IO_LINE) pthread_mutex_t mutex;
} object;

typedef struct io_thread {
  nvmens_lane *lane;
  nvmens_counter *counter; /* its own, by slot index */
  uint32_t nsid[IO_NSIDS]; /* the commands */
} io_thread;

/* pairs of begin and end. */
typedef void io_run(io_thread *, uint32_t pairs);

typedef struct io_way {
  const char *key, *what;
  io_run *run;
} io_way;

static inline nvmens_slot *io_find(const io_thread *t, uint32_t i)
{
  return nvmens_gate_find_(__atomic_load_n(t->lane->table, __ATOMIC_ACQUIRE),
                           t->nsid[i % IO_NSIDS]);
}

/* In io_urcu.c; without liburcu there are none. */
extern const io_way io_urcu[];
extern const unsigned io_urcus;
/* us until a grace period of this flavour ends beside a reader that always has a command in flight;
 * -1: it has not after so long. */
double io_urcu_wait(unsigned flavour, uint64_t ns);
void io_urcu_thread(void);     /* each thread calls it before it runs any of them, */
void io_urcu_thread_end(void); /* and this before it ends */

#endif
