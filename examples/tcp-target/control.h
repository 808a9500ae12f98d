/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.h: the control socket (control.c), its verbs (verbs.c) and its status line (status.c).
 * One thread; control_tell and control_released are for the hooks, from any thread, and never wait.
 */
#ifndef TCP_TARGET_CONTROL_H
#define TCP_TARGET_CONTROL_H

#include "target.h"

enum { LINE_MAX_LEN = 2048, REPLY_MAX = 1 << 23 };

typedef struct client {
  int fd; /* -1: free */
  char line[LINE_MAX_LEN];
  size_t line_len;
  bool too_long; /* until the end of the line */
  char *out;     /* answers that the client has not taken yet */
  size_t out_len, out_size;
  bool watch, dead;
  uint64_t waits_for; /* the namespace (its serial) whose release answers; 0: none */
} client;

const char *control_start(target *, struct control **);
/* Both: NULL: nothing. The first ends the thread, while hooks may still tell; the second comes when
 * everything is released. */
void control_quiesce(struct control *);
void control_stop(struct control *);
void control_tell(struct control *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void control_released(struct control *, ns *); /* takes the library's count of it */

void client_say(client *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void client_end(client *, const char *why); /* `ok`, or `error: why` */

/* One line. Ends in client_end now, or when what it waits for is released. */
void verb_run(target *, client *, char *line);
void status_say(target *, client *);

#endif
