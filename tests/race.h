/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * race.h: the gate on a machine of its own, for every order in which its threads can run.
 *
 * gate.h and gate.c are compiled here with their atomic operations replaced: each is a point at
 * which another thread may go on, and what a thread stores stays in its store buffer, unseen by
 * others, until it is flushed: by a fence, a locked instruction, membarrier, or by itself at any
 * point. That is the memory of x86; other machines are free to do more. Threads are coroutines,
 * so that a schedule is a list of choices, and all lists are tried with up to `budget` choices
 * other than to go on. The rest of the library is linked as it is, and calls this gate.
 *
 * Each location has one writer at a time, or is written by locked instructions only; so memory
 * holds what the writer sees, and the buffer what the others still see.
 */
#ifndef NVMENS_TESTS_RACE_H
#define NVMENS_TESTS_RACE_H

#define _GNU_SOURCE
#include <nvmens/nvmens.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { RACE_THREADS = 4, RACE_STORES = 16, RACE_CHOICES = 2000, RACE_STACK = 256 * 1024 };

typedef struct race_store { /* one that the others do not see */
  const void *at;
  uint32_t old;
} race_store;

typedef struct race_thread {
  ucontext_t context;
  void (*run)(unsigned self);
  const int *waits; /* until this is not 0; NULL: it can go on */
  int done;
  int looks, looked; /* see race_look */
  unsigned stores;
  race_store store[RACE_STORES]; /* oldest first */
  char *stack;
} race_thread;

static struct {
  race_thread thread[RACE_THREADS];
  unsigned threads, now;
  int running;
  ucontext_t main;
  unsigned char choice[RACE_CHOICES], among[RACE_CHOICES];
  unsigned length, step; /* of the schedule */
  unsigned budget, left;
  unsigned refusals; /* so many calls of membarrier fail from now on */
  const char *failed;
  const int *clock; /* what race_look remembers */
  char text[8000];  /* what happened */
  size_t at;
} race;

/* ---- schedules ---- */

static inline unsigned race_choose(unsigned n)
{
  if (n < 2)
    return 0;
  if (race.step == race.length) {
    if (race.length == RACE_CHOICES)
      abort();
    race.choice[race.length] = 0;
    race.among[race.length++] = (unsigned char)n;
  }
  return race.choice[race.step++];
}

/* The next schedule in order; 0: that was the last. */
static inline int race_another(void)
{
  while (race.length && race.choice[race.length - 1] + 1 == race.among[race.length - 1])
    race.length--;
  if (race.length)
    race.choice[race.length - 1]++;
  return race.length != 0;
}

static inline void race_note(const char *what)
{
  size_t room = sizeof(race.text) - race.at;
  int n = snprintf(race.text + race.at, room, "%u:%s ", race.now, what);

  race.at += (size_t)n < room ? (size_t)n : room - 1;
}

static inline void race_flush_one(race_thread *t)
{
  memmove(&t->store[0], &t->store[1], --t->stores * sizeof(t->store[0]));
}

enum { RACE_NOBODY = 100, RACE_FLUSH = 200 };

static inline int race_can_go_on(const race_thread *t)
{
  return !t->done && (!t->waits || *t->waits);
}

/* Who goes on; costs: to preempt somebody who could (stay), and to have a store seen early. */
static inline unsigned race_pick(int stay)
{
  for (;;) {
    unsigned option[2 * RACE_THREADS], n = 0, which;

    if (stay)
      option[n++] = race.now;
    for (unsigned t = 0; t < race.threads; t++)
      if (t != race.now && race_can_go_on(&race.thread[t]) && (!stay || race.left))
        option[n++] = t;
    if (!n)
      return RACE_NOBODY;
    for (unsigned t = 0; t < race.threads && race.left; t++)
      if (race.thread[t].stores)
        option[n++] = RACE_FLUSH + t;
    which = option[race_choose(n)];
    if ((stay && which != race.now) || which >= RACE_FLUSH)
      race.left--;
    if (which < RACE_FLUSH)
      return which;
    race_note("(seen)");
    race_flush_one(&race.thread[which - RACE_FLUSH]);
  }
}

/* ---- threads ---- */

static inline void race_leave(void)
{
  setcontext(&race.main);
}

static inline void race_go(unsigned to)
{
  ucontext_t *from = &race.thread[race.now].context;

  if (to == race.now)
    return;
  if (to == RACE_NOBODY)
    race_leave();
  race.now = to;
  swapcontext(from, &race.thread[to].context);
}

static inline void race_point(const char *what)
{
  if (!race.running)
    return;
  race_go(race_pick(1));
  race_note(what);
}

static inline void race_flush(unsigned thread)
{
  race.thread[thread].stores = 0;
}

/* The others see everything that this thread has done. */
static inline void race_publish(void)
{
  if (race.running)
    race_flush(race.now);
}

static inline void race_wait(const int *flag)
{
  while (!*flag) {
    race.thread[race.now].waits = flag;
    race_go(race_pick(0));
  }
  race.thread[race.now].waits = NULL;
}

static inline void race_main(void)
{
  race.thread[race.now].run(race.now);
  race_point("end"); /* what it stored may not be seen yet */
  race_flush(race.now);
  race.thread[race.now].done = 1;
  race_go(race_pick(0));
}

/* Ends this schedule; libcheck is told in the context that it knows. */
static inline void race_fail(const char *why)
{
  race.failed = why;
  if (race.running)
    race_leave();
}
#define RACE_MUST(what, why)                                                                       \
  do {                                                                                             \
    if (!(what))                                                                                   \
      race_fail(why);                                                                              \
  } while (0)

/* One schedule of these threads: 0, or what went wrong. */
static inline const char *race_run(void (*const *run)(unsigned), unsigned threads)
{
  race.threads = threads;
  race.now = 0;
  race.step = 0;
  race.left = race.budget;
  race.failed = NULL;
  race.at = 0;
  for (unsigned t = 0; t < threads; t++) {
    race_thread *thread = &race.thread[t];

    if (!thread->stack)
      thread->stack = malloc(RACE_STACK);
    thread->run = run[t];
    thread->waits = NULL;
    thread->done = 0;
    thread->stores = 0;
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = thread->stack;
    thread->context.uc_stack.ss_size = RACE_STACK;
    thread->context.uc_link = NULL;
    makecontext(&thread->context, race_main, 0);
  }
  race.running = 1;
  race.now = race_choose(threads);
  swapcontext(&race.main, &race.thread[race.now].context);
  race.running = 0;
  for (unsigned t = 0; t < threads && !race.failed; t++)
    if (!race.thread[t].done)
      race.failed = "G3: a thread waits for a wake that does not come";
  return race.failed;
}

/* ---- operations ---- */

static inline void *race_view(const void *at)
{
  for (unsigned t = 0; t < race.threads && race.running; t++)
    for (unsigned i = 0; t != race.now && i < race.thread[t].stores; i++)
      if (race.thread[t].store[i].at == at)
        return &race.thread[t].store[i].old;
  return (void *)(uintptr_t)at;
}

static inline void race_store_32(uint32_t *at, const char *what)
{
  race_thread *t = &race.thread[race.now];

  race_point(what);
  if (!race.running)
    return;
  if (t->stores == RACE_STORES)
    race_flush_one(t);
  t->store[t->stores++] = (race_store){at, *at};
}

static inline void race_locked(const char *what)
{
  race_point(what);
  race_publish();
}

/* All of them pass a fence, each when it pleases the kernel. */
static inline long race_membarrier(int command)
{
  race_point("membarrier");
  if (race.refusals) {
    race.refusals--;
    return -1;
  }
  for (unsigned t = 0; t < race.threads && race.running; t++) {
    race_flush(t);
    race_point("membarrier");
  }
  (void)command;
  return 0;
}

/* Notes the clock at the first look that a begin takes. */
static inline void race_look(const char *what)
{
  race_thread *t = &race.thread[race.now];

  if (race.running && strcmp(what, "&slot->word") == 0 && t->looks++ == 0)
    t->looked = *race.clock;
}

/* Words of 32 bits and exchanges are points; to load or store a pointer or a smaller number is not
 * what the protocol is about. */
#define __atomic_load_n(p, order)                                                                  \
  (sizeof(*(p)) == 4 ? race_point("load " #p), race_look(#p) : (void)0,                            \
   *(__typeof__(p))race_view(p))
#define __atomic_store_n(p, v, order)                                                              \
  do {                                                                                             \
    if (sizeof(*(p)) == 4)                                                                         \
      race_store_32((uint32_t *)(void *)(p), "store " #p);                                         \
    *(p) = (v);                                                                                    \
    if ((order) == __ATOMIC_SEQ_CST)                                                               \
      race_publish();                                                                              \
  } while (0)
#define RACE_CHANGE(p, what, change)                                                               \
  __extension__({                                                                                  \
    __typeof__(*(p)) race_old_;                                                                    \
                                                                                                   \
    race_locked(what);                                                                             \
    race_old_ = *(p);                                                                              \
    change;                                                                                        \
    race_old_;                                                                                     \
  })
#define __atomic_fetch_add(p, v, order)  RACE_CHANGE(p, "add " #p, *(p) += (v))
#define __atomic_fetch_sub(p, v, order)  RACE_CHANGE(p, "subtract " #p, *(p) -= (v))
#define __atomic_exchange_n(p, v, order) RACE_CHANGE(p, "exchange " #p, *(p) = (v))
#define __atomic_compare_exchange_n(p, expected, v, weak, yes, no)                                 \
  __extension__({                                                                                  \
    race_locked("compare " #p);                                                                    \
    *(p) == *(expected) ? (*(p) = (v), true) : (*(expected) = *(p), false);                        \
  })
#define __atomic_thread_fence(order)  race_locked("fence")
#define __atomic_signal_fence(order)  ((void)0)
#define syscall(number, command, ...) race_membarrier(command)

#include "bell.c"
#include "gate.c"

#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_fetch_add
#undef __atomic_fetch_sub
#undef __atomic_exchange_n
#undef __atomic_compare_exchange_n
#undef __atomic_thread_fence
#undef __atomic_signal_fence
#undef syscall

#endif
