/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tables.h: the state machines as data. Floor 1.
 *
 * A cell is looked up by machine, event and state. GO: enter `next` and do `actions` (the same
 * state again is a GO too). REFUSE: nothing changes, the answer is `sf` for the host and `err` for
 * the backend (0: that side does not ask). NEVER: cannot happen; the tests prove it. There are no
 * guards: where something decides between two outcomes, they are two events.
 */
#ifndef NVMENS_LIB_TABLES_H
#define NVMENS_LIB_TABLES_H

#include <nvmens/nvmens.h>

enum { NVMENS_NEVER_CELL, NVMENS_GO, NVMENS_REFUSE };

typedef struct nvmens_cell {
  uint8_t kind, next;
  uint16_t actions;
  uint16_t sf;
  int16_t err;
  const char *rule, *why;
} nvmens_cell;

typedef struct nvmens_table {
  const char *name;
  const char *const *state, *const *event;
  const char *const *action; /* by bit */
  const nvmens_cell *cell;   /* [event * states + state] */
  uint8_t states, events;
} nvmens_table;

extern const nvmens_table nvmens_tables[NVMENS_MACHINES];

/* Controller: nvmens_ctrl_state. */
enum { NVMENS_EV_ENABLE, NVMENS_EV_RESET, NVMENS_EV_SHUTDOWN, NVMENS_EV_CTRL_REMOVE };
enum {
  NVMENS_DO_READY = 1,   /* the data path may look namespaces up */
  NVMENS_DO_UNREADY = 2, /* it may not */
  NVMENS_DO_EPOCH = 4,   /* old commands end in cmd_drop; logs, notices, feature 0Bh go back */
  NVMENS_DO_ABORT_ALL = 8,
  NVMENS_DO_RESET_DONE = 16 /* when no hook names an old command any more */
};

/* Namespace: nvmens_ns_state. */
enum {
  NVMENS_EV_CREATE,
  NVMENS_EV_DELETE,
  NVMENS_EV_UNPLUG,
  NVMENS_EV_UNPLUG_SURPRISE,
  NVMENS_EV_UPDATE,
  NVMENS_EV_QUIET
};
enum {
  NVMENS_DO_DEBIT = 1,
  NVMENS_DO_CREDIT = 2,
  NVMENS_DO_RECORD_ALLOCATED = 4, /* 1Ch at every controller */
  NVMENS_DO_RECORD_ATTACHED = 8,  /* 04h where it is attached */
  NVMENS_DO_REMOVE_EACH = 16,
  NVMENS_DO_ABORT_EACH = 32,
  NVMENS_DO_OWN_NS = 64, /* the command that completes at the end */
  NVMENS_DO_RELEASE = 128
};

/* Attachment: nvmens_att_state. */
enum {
  NVMENS_EV_WANT,   /* it should be attached (R56) */
  NVMENS_EV_ATTACH, /* nothing is in the way (R57) */
  NVMENS_EV_SHOW,   /* nothing but its own path, which does not answer (R64) */
  NVMENS_EV_HIDE,   /* the path answers again, or is not ready */
  NVMENS_EV_DETACH,
  NVMENS_EV_REMOVE,
  NVMENS_EV_ABORT,
  NVMENS_EV_REMOVE_SURPRISE,
  NVMENS_EV_CTRL_GOES,
  NVMENS_EV_DRAINED,
  NVMENS_EV_DEADLINE
};
enum {
  NVMENS_DO_ATTACH = 1, /* `attached`, then open */
  NVMENS_DO_RECORD = 2, /* 04h here */
  NVMENS_DO_CLOSE = 4,  /* invisible, gate closing, token, drain_begin; the path owes scans */
  NVMENS_DO_TIMER = 8,
  NVMENS_DO_TIMER_MIN = 16, /* the earlier of the two */
  NVMENS_DO_TIMER_STOP = 32,
  NVMENS_DO_OWN = 64,
  NVMENS_DO_SETTLE = 128,
  NVMENS_DO_ABORT = 256,  /* drain_abort */
  NVMENS_DO_DETACH = 512, /* retire the token, `detached` */
  NVMENS_DO_UNWANT = 1024 /* it refers to the namespace no more */
};

/* Notice. */
enum { NVMENS_NOTICE_CLEAR, NVMENS_NOTICE_PENDING, NVMENS_NOTICE_REPORTED };
enum {
  NVMENS_EV_CHANGE,       /* a loud change, or a post */
  NVMENS_EV_QUIET_CHANGE, /* one that only enters the log */
  NVMENS_EV_DELIVER,
  NVMENS_EV_DELIVER_SELF, /* types 3 and 4: nothing to read */
  NVMENS_EV_READ,         /* consumed, and nothing is left or newer */
  NVMENS_EV_READ_PART,    /* consumed, but something is left, newer, or has to be told again */
  NVMENS_EV_PEEK,
  NVMENS_EV_BIT_ON,
  NVMENS_EV_BIT_OFF,
  NVMENS_EV_NOTICE_RESET
};
enum {
  NVMENS_DO_QUEUE = 1,    /* last in the order of delivery */
  NVMENS_DO_UNQUEUE = 2,  /* out of it */
  NVMENS_DO_COMPLETE = 4, /* the oldest AER */
  NVMENS_DO_JOIN = 8      /* coalesced with what is owed or reported */
};

/* Mark: how many scans a path owes until its host has no disk of what left (R60-R61). */
enum { NVMENS_MARK_NONE, NVMENS_MARK_ONCE, NVMENS_MARK_TWICE };
enum {
  NVMENS_EV_LEFT,
  NVMENS_EV_BACK,        /* the same is attached here again */
  NVMENS_EV_READ_DONE,   /* a read that counts has reached the host */
  NVMENS_EV_READ_BEGINS, /* one begins, with a new snapshot */
  NVMENS_EV_MARK_RESET,
  NVMENS_EV_IDENTIFIED, /* behind the fence: the host has seen what is there now (R64) */
  NVMENS_EV_GONE        /* the path has gone */
};
enum { NVMENS_DO_LET_GO = 1 };

#endif
