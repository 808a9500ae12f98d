/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_rig.h: a running nvmens-tcp-target for a test, and what its control socket says. One thread.
 * A claim that does not hold is told and counted; rig_result is the test's exit code.
 */
#ifndef TESTS_TCP_RIG_H
#define TESTS_TCP_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tcp_host.h"

/* A line of the control socket: `status` with all the controllers that there may be. */
enum { RIG_LINE = 65536 };

typedef struct tcp_rig {
  pid_t pid;
  uint16_t port;
  int control; /* -1: none */
  char dir[64], socket[96];
  char rest[RIG_LINE]; /* what the control socket said and nobody has read */
  size_t rest_len;
} tcp_rig;

extern th_id rig_id; /* the host that tests are */

/* Starts the target with these arguments, NULL at the end, and --listen and --control before them.
 * Exits with 77 if there is no target to be had. */
void rig_start(tcp_rig *, const char *const *args);
void rig_stop(tcp_rig *); /* by SIGTERM: it must end with 0 */
/* The two halves of that, once it was told to end: it must, within ms; what the control socket has
 * said is still there until it is closed. */
void rig_ended(tcp_rig *, int ms);
void rig_close(tcp_rig *);

/* A line to the control socket; the last line before `ok`, or the `error:` line, in *answer, which
 * may be NULL. True for ok. */
bool rig_ctl(tcp_rig *, char *answer, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Without waiting for the answer, and the answer. */
void rig_say(tcp_rig *, const char *line);
bool rig_line(tcp_rig *, char *line, size_t size, int ms);
/* Until the line of `status` has this in it; false after 20 s. */
bool rig_status(tcp_rig *, const char *text);

/* Until every attachment takes commands: to be attached comes a moment earlier. */
bool rig_open(tcp_rig *);
bool rig_add(tcp_rig *, const char *words); /* `add`, and that */

/* An admin queue, enabled; and an I/O queue of its controller. */
void rig_admin(tcp_rig *, th_queue *);
void rig_io(tcp_rig *, th_queue *, const th_queue *admin, uint16_t qid);

void rig_claim(bool holds, const char *file, int line, const char *what, long a, long b);
#define CLAIM(holds)  rig_claim((holds), __FILE__, __LINE__, #holds, 0, 0)
#define IS(got, want) rig_claim_is(__FILE__, __LINE__, #got, (long)(got), (long)(want))
void rig_claim_is(const char *file, int line, const char *what, long got, long want);
int rig_result(void);
int64_t rig_ms(void);
uint64_t rig_get(const uint8_t *, unsigned bytes);

#endif
