/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_barrier_filter.c: threads begin and end commands while namespaces are detached, after a
 * filter of system calls (seccomp) has taken membarrier from the process. No command holds a
 * namespace after its `detached` (G1). What it takes to break that is a store of the owner's that
 * the closer does not see yet. So a thread keeps its store buffer full; and once the kernel has
 * refused, this program's syscall() says so itself, which leaves the closer less time.
 *
 * A filter cannot be taken off again: each run is a process of its own, which ends with 0 (all is
 * well), 1 (a promise was broken) or 77 (nothing to be tried here).
 */
#define _GNU_SOURCE
#include "mute.h"
#include "rig_main.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <nvmens/gate.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAMESPACES = 20000, THREADS = 2, COLD = 1 << 25, SKIPPED = 77 };

typedef struct thread {
  pthread_t id;
  nvmens_lane *lane;
  unsigned long commands, broken;
} thread;

static struct {
  nvmens_subsys *s;
  nvmens_ctrl *ctrl;
  nvmens_nsref ref[NAMESPACES + 1];
  uint32_t gone[NAMESPACES + 1]; /* `detached` was called */
  thread thread[THREADS];
  unsigned threads;
  uint32_t nsid; /* at which commands are sent */
  uint32_t stop;
  uint32_t asked, passed; /* barriers; threads that have made the last one */
  unsigned detached;
  unsigned char *cold; /* memory that is in no cache */
} w;

static int refused;

long syscall(long number, ...)
{
  static long (*real)(long, ...);
  va_list list;
  long arg[6];

  if (number == SYS_membarrier && refused) {
    errno = EPERM;
    return -1;
  }
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
  va_start(list, number);
  for (int i = 0; i < 6; i++)
    arg[i] = va_arg(list, long);
  va_end(list);
  return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* ---- the backend ---- */

static void on_detached(void *ns_user, void *ctrl_user)
{
  (void)ctrl_user;
  __atomic_store_n((uint32_t *)ns_user, 1, __ATOMIC_SEQ_CST);
  w.detached++;
}

static void on_signal(int number)
{
  (void)number;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  __atomic_fetch_add(&w.passed, 1, __ATOMIC_SEQ_CST);
}

/* Each thread is interrupted, and has made a barrier when it says so. */
static int on_barrier(void *user)
{
  (void)user;
  if (w.stop)
    return 0; /* they have ended */
  __atomic_store_n(&w.passed, 0, __ATOMIC_SEQ_CST);
  w.asked++;
  for (unsigned i = 0; i < w.threads; i++)
    if (pthread_kill(w.thread[i].id, SIGUSR1))
      return -1;
  while (__atomic_load_n(&w.passed, __ATOMIC_SEQ_CST) < w.threads)
    sched_yield();
  return 0;
}

/* ---- threads ---- */

static void command(thread *t, uint32_t nsid, uint32_t *seed)
{
  nvmens_ticket ticket;
  void *user = NULL;

  for (unsigned i = 0; i < 48; i++) { /* stores that take long, before that of the count */
    *seed = *seed * 1664525 + 1013904223;
    __atomic_store_n(&w.cold[*seed % COLD], 1, __ATOMIC_RELAXED);
  }
  if (nvmens_io_begin(t->lane, nsid, &ticket, &user).sf)
    return;
  for (unsigned i = 0; i < 3000; i++)
    if (__atomic_load_n((uint32_t *)user, __ATOMIC_RELAXED)) {
      t->broken++;
      break;
    }
  __atomic_store_n(&t->commands, t->commands + 1, __ATOMIC_RELAXED);
  nvmens_io_end(t->lane, ticket);
}

static void *run(void *arg)
{
  thread *t = arg;
  uint32_t seed = (uint32_t)(t - w.thread) + 1;

  while (!__atomic_load_n(&w.stop, __ATOMIC_RELAXED))
    command(t, __atomic_load_n(&w.nsid, __ATOMIC_RELAXED), &seed);
  return NULL;
}

/* ---- a process ---- */

static int refuse_membarrier(void)
{
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

  refused = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
            syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0;
  return refused;
}

#define SURE(what)                                                                                 \
  do {                                                                                             \
    if (!(what)) {                                                                                 \
      printf("# %s\n", #what);                                                                     \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static void build(int (*barrier)(void *))
{
  const nvmens_host host = {.cmd_complete = on_complete,
                            .cmd_drop = on_drop,
                            .transfer = on_transfer,
                            .detached = on_detached,
                            .barrier = barrier};
  const nvmens_subsys_config config = {.nn = NAMESPACES};

  w.threads = barrier ? 1 : THREADS; /* which it has to wait for */
  w.nsid = 1;
  w.cold = malloc(COLD);
  SURE(w.cold);
  memset(w.cold, 0, COLD);
  SURE(nvmens_subsys_new(&w.s, &config, &host, NULL, NULL) == 0);
  SURE(nvmens_ctrl_new(&w.ctrl, w.s, NULL, NULL) == 0);
  SURE(nvmens_ctrl_enable(w.ctrl, 0) == 0);
  for (unsigned i = 0; i < w.threads; i++)
    SURE(nvmens_lane_new(&w.thread[i].lane, w.ctrl) == 0);
  for (uint32_t n = 1; n <= NAMESPACES; n++) {
    nvmens_ns_config ns = {.nsid = n, .shared = 1, .auto_attach = 1, .nsze = 1};

    memcpy(ns.ident.uuid, &n, sizeof(n));
    SURE(nvmens_ns_new(w.s, &ns, &w.gone[n], &w.ref[n]) == 0);
  }
}

static uint64_t now(void)
{
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Each namespace is detached while commands are sent to it, for some seconds. */
static unsigned detach_all(void)
{
  const uint64_t end = now() + UINT64_C(3000000000);
  uint32_t n;

  for (n = 1; n <= NAMESPACES && now() < end; n++) {
    const uint64_t then = now() + 4000 + n % 7 * 300;

    __atomic_store_n(&w.nsid, n, __ATOMIC_RELAXED);
    while (now() < then)
      continue;
    SURE(nvmens_ns_detach(w.s, w.ref[n], w.ctrl, NVMENS_ORDERLY, now(), UINT64_MAX) == 0);
    if (n % 256 == 0) /* it looks at all that wait */
      nvmens_poll(w.s, now());
  }
  nvmens_poll(w.s, now());
  return n - 1;
}

static int has_membarrier(void)
{
  const long has = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

  return has > 0 && (has & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

static int process(int (*barrier)(void *))
{
  const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  unsigned long commands = 0, broken = 0;
  unsigned closed, meanwhile;

  SURE(sigaction(SIGUSR1, &action, NULL) == 0);
  if (!has_membarrier())
    return SKIPPED;
  build(barrier);
  if (!refuse_membarrier())
    return SKIPPED;
  for (unsigned i = 0; i < w.threads; i++)
    SURE(pthread_create(&w.thread[i].id, NULL, run, &w.thread[i]) == 0);
  for (unsigned i = 0; i < w.threads; i++)
    while (!__atomic_load_n(&w.thread[i].commands, __ATOMIC_RELAXED))
      sched_yield();
  closed = detach_all();
  meanwhile = w.detached;
  __atomic_store_n(&w.stop, 1, __ATOMIC_RELAXED);
  for (unsigned i = 0; i < w.threads; i++) {
    pthread_join(w.thread[i].id, NULL);
    nvmens_lane_del(w.thread[i].lane);
    commands += w.thread[i].commands;
    broken += w.thread[i].broken;
  }
  for (unsigned i = 0; i < 2 + 2 * NAMESPACES / 4096; i++) /* so many effects at a time */
    nvmens_poll(w.s, now());
  printf("# %lu commands, %u gates closed, %u detached meanwhile, %u at last, %u barriers by the "
         "backend, %lu commands held what was detached\n",
         commands, closed, meanwhile, w.detached, w.asked, broken);
  fflush(stdout);
  if (broken || w.detached != closed || (barrier ? meanwhile == 0 : meanwhile != 0))
    return 1;
  SURE(nvmens_subsys_del(w.s) == 0);
  free(w.cold);
  return 0;
}

static void in_a_process(int (*barrier)(void *))
{
  int status = 0;
  pid_t pid;

  fflush(stdout);
  pid = fork();
  if (pid == 0)
    exit(process(barrier));
  ck_assert_int_gt(pid, 0);
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  ck_assert(WIFEXITED(status));
  if (WEXITSTATUS(status) == SKIPPED)
    printf("# no membarrier, or no filters: not tried\n");
  else
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

/* None ends while there are lanes; all when there are none. */
START_TEST(G1_nothing_is_detached_without_a_barrier)
{
  in_a_process(NULL);
}
END_TEST

START_TEST(G1_the_backends_barrier_is_one)
{
  in_a_process(on_barrier);
}
END_TEST

int main(void)
{
#ifdef NVMENS_GATE_TSAN_
  printf("1..0 # SKIP with the thread sanitizer there is no barrier\n");
  return EXIT_SUCCESS;
#else
  return RIG_RUN("barrier_filter", G1_nothing_is_detached_without_a_barrier,
                 G1_the_backends_barrier_is_one);
#endif
}
