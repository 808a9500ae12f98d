/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps.c: counts the instructions of a call.
 *
 * The child stops itself before and after the call; what the two stops cost is measured with a call
 * that does nothing.
 */
#define _GNU_SOURCE
#include "steps.h"

#include <stddef.h>
#if defined(__linux__) && defined(__x86_64__)
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(void (*call)(void *), void *arg)
{
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
    _exit(1);
  __asm__ volatile("int3" : : : "memory");
  call(arg);
  __asm__ volatile("int3" : : : "memory");
  _exit(0);
}

static const unsigned char *where(pid_t pid)
{
  size_t offset = offsetof(struct user_regs_struct, rip);

  return (const unsigned char *)ptrace(PTRACE_PEEKUSER, pid, (void *)offset, NULL);
}

/* The instruction that is done next is the second stop. */
static int at_the_end(const unsigned char *code, long steps)
{
  return steps > 0 && *code == 0xCC;
}

static long follow(pid_t pid, steps_see *see, void *see_arg)
{
  const unsigned char *last = NULL;
  long steps = 0;
  int status;

  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
    return -1;
  for (;;) {
    const unsigned char *code = where(pid);

    if (at_the_end(code, steps))
      return steps;
    if (code != last) {
      steps++;
      if (see)
        see(see_arg, code);
    }
    last = code;
    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid ||
        !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
      return -1;
  }
}

static long count(void (*call)(void *), void *arg, steps_see *see, void *see_arg)
{
  pid_t pid = fork();
  long steps;

  if (pid == 0)
    child(call, arg);
  if (pid < 0)
    return -1;
  steps = follow(pid, see, see_arg);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  return steps;
}

static void nothing(void *arg)
{
  (void)arg;
}

long steps_of(void (*call)(void *), void *arg, steps_see *see, void *see_arg)
{
  void (*volatile empty)(void *) = nothing;
  long around = count(empty, NULL, NULL, NULL);
  long all = count(call, arg, see, see_arg);

  return around < 0 || all < 0 ? -1 : all - around;
}
#else
long steps_of(void (*call)(void *), void *arg, steps_see *see, void *see_arg)
{
  (void)call, (void)arg, (void)see, (void)see_arg;
  return -1;
}
#endif
