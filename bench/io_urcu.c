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

void io_urcu_thread(void)
{
  urcu_memb_register_thread();
  urcu_bp_register_thread();
  urcu_qsbr_register_thread();
}
#else
const io_way io_urcu[] = {{NULL, NULL, NULL}};
const unsigned io_urcus = 0;

void io_urcu_thread(void)
{
}
#endif
