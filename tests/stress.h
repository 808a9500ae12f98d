/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stress.h: what test_threads.c needs beside the test itself: a clock, dice, a queue of jobs.
 */
#ifndef NVMENS_TESTS_STRESS_H
#define NVMENS_TESTS_STRESS_H

#include <nvmens/gate.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { QUEUED = 256 };

struct path {        /* one attachment, as the test sees it */
  atomic_uint epoch; /* odd: the detach has returned, and attach was not called since */
  atomic_int held;   /* begun and not yet about to end */
  atomic_int down;   /* detached was called */
};

struct job { /* for the remote thread: end a ticket, or answer a drain */
  nvmens_ticket ticket;
  struct path *path;
  nvmens_token token;
};

struct queue {
  pthread_mutex_t lock;
  struct job job[QUEUED];
  unsigned head, tail;
};

static inline uint64_t now(void)
{
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline void nap(void)
{
  const struct timespec ts = {0, 20000};

  nanosleep(&ts, NULL);
}

static inline uint32_t roll(uint32_t *seed)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

static inline int push(struct queue *q, const struct job *job)
{
  int room;

  pthread_mutex_lock(&q->lock);
  room = q->head - q->tail < QUEUED;
  if (room)
    q->job[q->head++ % QUEUED] = *job;
  pthread_mutex_unlock(&q->lock);
  return room;
}

static inline int pop(struct queue *q, struct job *job)
{
  int any;

  pthread_mutex_lock(&q->lock);
  any = q->head != q->tail;
  if (any)
    *job = q->job[q->tail++ % QUEUED];
  pthread_mutex_unlock(&q->lock);
  return any;
}

#endif
