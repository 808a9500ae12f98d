/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_barrier.c: the barrier of a gate where the kernel's membarrier is not there, is not
 * registered for, or fails: then there are fences, it is registered for again, or had by another
 * command or from the backend. What the kernel refuses is decided by a filter on system calls;
 * where that cannot be had, nothing is refused. What follows for drains: test_barrier_fails.c.
 */
#define _GNU_SOURCE
#include "gate_ctl.h"
#include "rig_main.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The membarrier commands that were given, oldest first, as digits; in the library's calls too. */
static char given[32];

long syscall(long number, ...)
{
  static long (*real)(long, ...);
  va_list list;
  long arg[6];

  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
  va_start(list, number);
  for (int i = 0; i < 6; i++)
    arg[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_membarrier)
    snprintf(given + strlen(given), sizeof(given) - strlen(given), "%d ", (int)arg[0]);
  return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static long membarrier(int command)
{
  return syscall(SYS_membarrier, command, 0, 0);
}

static const unsigned low_word = /* of the first argument */
    offsetof(struct seccomp_data, args) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);

/* membarrier fails with these commands from now on; 0: such filters are not to be had. */
static int refuse(uint32_t one, uint32_t other)
{
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, one, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
    return 1;
  printf("# no filters: not tried\n");
  return 0;
}

/* Under the thread sanitizer the library does without. */
static int has_membarrier(void)
{
#ifdef NVMENS_GATE_TSAN_ /* there it is taken for granted */
  return 1;
#else
  return membarrier(MEMBARRIER_CMD_QUERY) > 0 &&
         (membarrier(MEMBARRIER_CMD_QUERY) & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
#endif
}

/* The library asks it. */
static int asks_the_kernel(void)
{
#ifdef NVMENS_GATE_TSAN_
  return 0;
#else
  return has_membarrier();
#endif
}

static nvmens_bell bell_of(uint8_t mode)
{
  static const nvmens_host host;
  nvmens_bell bell;

  nvmens_bell_init(&bell, &host, NULL, mode);
  return bell;
}

START_TEST(a_gate_uses_what_the_kernel_has)
{
  ck_assert_int_eq(bell_of(NVMENS_GATE_AUTO).fence, !has_membarrier());
  ck_assert_int_eq(bell_of(NVMENS_GATE_FENCE).fence, 1);
}
END_TEST

START_TEST(without_membarrier_there_are_fences)
{
  if (!asks_the_kernel() ||
      !refuse(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    return;
  ck_assert_int_eq(bell_of(NVMENS_GATE_AUTO).fence, 1);
}
END_TEST

/* As in a process that was forked where the registration is not inherited. */
START_TEST(a_registration_that_was_lost_is_made_again)
{
  nvmens_bell bell = {.fence = 0};

  if (!asks_the_kernel())
    return;
  ck_assert_int_ne(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), 0);
  given[0] = 0;
  ck_assert(nvmens_gate_barrier(&bell));
  ck_assert_str_eq(given, "8 16 8 "); /* tried, registered, and done */
  ck_assert_int_eq(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), 0);
}
END_TEST

/* As with ENOMEM: what is left is slow, and does not make gates open with fences. */
START_TEST(a_barrier_that_is_refused_is_had_by_the_slow_command)
{
  nvmens_bell bell = {.fence = 0};

  if (!asks_the_kernel() || !(membarrier(MEMBARRIER_CMD_QUERY) & MEMBARRIER_CMD_SHARED) ||
      !refuse(MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    return;
  given[0] = 0;
  ck_assert(nvmens_gate_barrier(&bell));
  ck_assert_str_eq(given, "8 16 8 1 ");
  ck_assert_int_eq(bell.fence, 0);
  ck_assert(refuse(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  given[0] = 0;
  ck_assert(nvmens_gate_barrier(&bell));
  ck_assert_str_eq(given, "8 16 1 ");
}
END_TEST

static int on_barrier(void *user)
{
  int *answers = user;

  return answers[++answers[0]];
}

START_TEST(a_barrier_that_is_refused_is_the_backends)
{
  static const nvmens_host host = {.barrier = on_barrier};
  int answers[] = {0, -1, 0, 1};
  nvmens_bell bell;

  if (!asks_the_kernel() || !refuse(MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_SHARED))
    return;
  nvmens_bell_init(&bell, &(nvmens_host){0}, NULL, NVMENS_GATE_AUTO);
  ck_assert_int_eq(bell.fence, 0);
  ck_assert(!nvmens_gate_barrier(&bell));
  ck_assert_int_eq(bell.fence, 1); /* what is opened from now on needs no barrier */
  nvmens_bell_init(&bell, &host, answers, NVMENS_GATE_AUTO);
  ck_assert(!nvmens_gate_barrier(&bell));
  ck_assert(nvmens_gate_barrier(&bell));
  ck_assert_int_eq(bell.fence, 1);
  ck_assert(!nvmens_gate_barrier(&bell));
  ck_assert_int_eq(answers[0], 3);
}
END_TEST

int main(void)
{
  return RIG_RUN("barrier", a_gate_uses_what_the_kernel_has, without_membarrier_there_are_fences,
                 a_registration_that_was_lost_is_made_again,
                 a_barrier_that_is_refused_is_had_by_the_slow_command,
                 a_barrier_that_is_refused_is_the_backends);
}
