/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * barrier.h: a kernel that refuses its barrier when it is told to, for tests of one file each.
 */
#ifndef NVMENS_TESTS_BARRIER_H
#define NVMENS_TESTS_BARRIER_H

#define _GNU_SOURCE
#include "attach.h"
#include "rig_more.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RETRY = 10000000 };

static int refuses;
static struct {
  int answer; /* negative: could not */
  unsigned calls;
} backend;

/* The library's calls come here too. A kernel that does not refuse can do it, whatever it is. */
long syscall(long number, ...)
{
  static long (*real)(long, ...);
  va_list list;
  long arg[6];

  if (number == SYS_membarrier) {
    errno = EPERM;
    return refuses ? -1 : 0;
  }
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
  va_start(list, number);
  for (int i = 0; i < 6; i++)
    arg[i] = va_arg(list, long);
  va_end(list);
  return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static inline int on_barrier(void *user)
{
  (void)user;
  backend.calls++;
  return backend.answer;
}

/* A controller with a lane, and namespace 1 attached and opened while all was well. */
typedef struct world {
  rig *r;
  rig_ctrl *c;
  nvmens_lane *lane;
  rig_ns *ns;
} world;

static inline world setup(unsigned without)
{
  world w = {.r = NULL};

  refuses = 0;
  w.r = rig_new_without(NULL, without);
  w.c = rig_ctrl_on(w.r);
  w.lane = rig_lane(w.c);
  w.ns = rig_ns_auto(w.r, 1);
  rig_log_clear(w.r);
  ck_assert_uint_eq(more_att(w.ns, w.c), NVMENS_ATT_ATTACHED);
  return w;
}

static inline int detach(world *w, uint64_t deadline)
{
  return rig_detach(w->ns, w->c, NVMENS_ORDERLY, deadline);
}

static inline uint64_t next(const world *w)
{
  return nvmens_next_deadline(w->r->s);
}

static inline uint16_t begin_end(world *w, uint32_t nsid)
{
  rig_io io = rig_io_begin(w->r, w->lane, nsid);

  if (!io.sf)
    rig_io_end(&io);
  return io.sf;
}

/* Skips where there is nothing to refuse. */
static inline int barrier_run(const char *name, const TTest *const *tests, size_t count)
{
  const nvmens_host host = {.wake = NULL};
  nvmens_bell bell;

  nvmens_bell_init(&bell, &host, NULL, NVMENS_GATE_AUTO);
  refuses = 1;
  if (bell.fence || nvmens_gate_barrier(&bell)) {
    printf("1..0 # SKIP the library does not ask the kernel for a barrier\n");
    return EXIT_SUCCESS;
  }
  return rig_run(name, tests, count);
}
#define BARRIER_RUN(name, tests) barrier_run((name), (tests), sizeof(tests) / sizeof((tests)[0]))

#endif
