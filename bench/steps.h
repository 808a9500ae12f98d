/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps.h: counts the instructions of a call, by stepping through it in a forked child.
 *
 * The count is of instructions in user space and does not depend on the load of the machine. A
 * repeated string instruction counts once, a system call too.
 */
#ifndef NVMENS_BENCH_STEPS_H
#define NVMENS_BENCH_STEPS_H

/* Is told the address of each instruction; the code there is the same in this process. */
typedef void steps_see(void *arg, const unsigned char *code);

/* The instructions of call(arg), which has no effect in this process; see may be NULL.
 * -1: it cannot be done here. */
long steps_of(void (*call)(void *), void *arg, steps_see *see, void *see_arg);

#endif
