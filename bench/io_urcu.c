/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * io_urcu.c: liburcu's read lock in three flavours, inlined, where it is installed.
 *
 * What they guard is looked at in the same way: found, not closing, used. A reader of qsbr pays
 * nothing, but it holds nothing across its next quiescent state: a command that is still in flight
 * when its queue's thread looks for the next one cannot be held that way.
 */
#include "io.h"

#include "bench.h"

#if defined(BENCH_URCU)
#define _LGPL_SOURCE
#include <urcu/urcu-bp.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#define RUN(flavour)                                                                               \
  static void run_##flavour(io_thread *t, uint32_t pairs)                                          \
  {                                                                                                \
    for (uint32_t i = 0; i < pairs; i++) {                                                         \
      object *o;                                                                                   \
                                                                                                   \
      urcu_##flavour##_read_lock();                                                                \
      o = io_find(t, i)->ns_user;                                                                  \
      if (__atomic_load_n(&o->closing, __ATOMIC_ACQUIRE))                                          \
        __builtin_trap();                                                                          \
      BENCH_KEEP(o);                                                                               \
      urcu_##flavour##_read_unlock();                                                              \
    }                                                                                              \
    urcu_##flavour##_quiescent_state();                                                            \
  }

RUN(memb)
RUN(bp)
RUN(qsbr)

const io_way io_urcu[] = {{"urcu_memb", "liburcu memb, read lock", run_memb},
                          {"urcu_bp", "liburcu bp, read lock", run_bp},
                          {"urcu_qsbr", "liburcu qsbr, read lock (holds no command)", run_qsbr}};
const unsigned io_urcus = 3;

/* A reader that takes the next command before it lets go of the last: never outside. */
typedef struct holder {
  unsigned flavour;
  uint32_t inside, stop, ended;
} holder;

static void lock(unsigned flavour)
{
  flavour == 0 ? urcu_memb_read_lock() : flavour == 1 ? urcu_bp_read_lock() : (void)0;
}

static void unlock(unsigned flavour)
{
  flavour == 0 ? urcu_memb_read_unlock() : flavour == 1 ? urcu_bp_read_unlock() : (void)0;
}

static void *hold(void *arg)
{
  holder *h = arg;

  io_urcu_thread();
  lock(h->flavour);
  __atomic_store_n(&h->inside, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
    lock(h->flavour);
    unlock(h->flavour);
  }
  unlock(h->flavour);
  io_urcu_thread_end();
  return NULL;
}

static void *wait_for_all(void *arg)
{
  holder *h = arg;

  h->flavour == 0   ? urcu_memb_synchronize_rcu()
  : h->flavour == 1 ? urcu_bp_synchronize_rcu()
                    : urcu_qsbr_synchronize_rcu();
  __atomic_store_n(&h->ended, 1, __ATOMIC_RELEASE);
  return NULL;
}

double io_urcu_wait(unsigned flavour, uint64_t ns)
{
  holder h = {flavour, 0, 0, 0};
  pthread_t reader, waiter;
  uint64_t start;
  double took = -1;

  urcu_qsbr_thread_offline(); /* this one holds nothing */
  pthread_create(&reader, NULL, hold, &h);
  while (!__atomic_load_n(&h.inside, __ATOMIC_ACQUIRE))
    continue;
  start = bench_now();
  pthread_create(&waiter, NULL, wait_for_all, &h);
  while (took < 0 && bench_now() - start < ns)
    if (__atomic_load_n(&h.ended, __ATOMIC_ACQUIRE))
      took = (double)(bench_now() - start) / 1000;
  __atomic_store_n(&h.stop, 1, __ATOMIC_RELEASE);
  pthread_join(reader, NULL);
  pthread_join(waiter, NULL);
  urcu_qsbr_thread_online();
  return took;
}

void io_urcu_thread(void)
{
  urcu_memb_register_thread();
  urcu_bp_register_thread();
  urcu_qsbr_register_thread();
}

void io_urcu_thread_end(void)
{
  urcu_memb_unregister_thread();
  urcu_bp_unregister_thread();
  urcu_qsbr_unregister_thread();
}
#else
const io_way io_urcu[] = {{NULL, NULL, NULL}};
const unsigned io_urcus = 0;

double io_urcu_wait(unsigned flavour, uint64_t ns)
{
  (void)flavour, (void)ns;
  return -1;
}

void io_urcu_thread(void)
{
}

void io_urcu_thread_end(void)
{
}
#endif
