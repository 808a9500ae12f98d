/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * objects.h: the four objects, so that the files of floor 3 can see each other's. Floor 3.
 *
 * Ownership: the subsystem owns controllers, namespaces, gates and tokens; a controller owns its
 * attachments, one for each NSID that it ever had attached (they remember the identity for the swap
 * mark); a namespace lists those attachments that refer to it, from attach until `detached` is
 * called.
 * Everything but what the gate's data path reads is under the subsystem's lock.
 */
#ifndef NVMENS_LIB_OBJECTS_H
#define NVMENS_LIB_OBJECTS_H

#include "changed.h"
#include "core.h"
#include "gate_ctl.h"
#include "ident_set.h"
#include "notice.h"
#include "nsid_set.h"
#include "outbox.h"
#include "step.h"
#include "timer.h"
#include "tokens.h"

typedef struct nvmens_ns nvmens_ns;

typedef struct nvmens_attachment {
  nvmens_timer timer; /* first: from a timer to its attachment */
  nvmens_ctrl *ctrl;
  nvmens_ns *ns; /* NULL: at rest */
  nvmens_slot *slot;
  nvmens_cmd *owner;                           /* of the drain: a detach command, or none */
  struct nvmens_attachment *ns_next, *ns_prev; /* of the namespace */
  struct nvmens_attachment *next, *prev;       /* gates that close */
  struct nvmens_attachment *shown_next;
  uint64_t identity; /* of what is or was attached here */
  nvmens_effect drain_begin, drain_abort;
  nvmens_effect edge; /* attached, or detached: never both are due */
  uint32_t nsid;
  uint32_t place;   /* of its tokens */
  uint16_t outcome; /* of the backend's half, for the trace */
  uint8_t state;    /* nvmens_att_state */
  uint8_t mark;
  uint8_t known : 1;     /* identity and shared are valid */
  uint8_t shared : 1;    /* it is or was */
  uint8_t opening : 1;   /* ATTACHED, `attached` has not returned */
  uint8_t hook_done : 1; /* the backend's half of the drain */
  uint8_t listed : 1;    /* the mark is to be told */
  uint8_t linked : 1;    /* in the controller's list, where a walk leaves out what is not listed */
} nvmens_attachment;

struct nvmens_ns {
  nvmens_subsys *subsys;
  void *user;
  nvmens_cmd *owner; /* a delete that completes when this is quiet or late */
  nvmens_attachment *attachments;
  nvmens_ns *next, *prev;  /* those DELETING */
  const nvmens_lbaf *lbaf; /* the subsystem's, or its own */
  uint64_t nsze, ncap;
  nvmens_ident ident;
  nvmens_effect released;
  uint32_t nsid, gen;
  uint16_t count[4]; /* attachments that refer to it, by state; CNTLIDs end at FFEFh */
  uint32_t anagrpid;
  uint16_t pins; /* hooks that use `user` without holding the gate: a thread each */
  uint16_t nvmsetid, endgid;
  uint16_t home;
  uint16_t flbas : 4, nlbaf : 5, reason : 2;
  uint16_t leaving : 1; /* `released` is queued, or was called */
  uint16_t shared : 1, auto_attach : 1, write_protected : 1;
  uint8_t csi;
  uint8_t state; /* nvmens_ns_state */
};

typedef void nvmens_prepared_go(struct nvmens_prep *, const nvmens_ident *);

typedef struct nvmens_prep { /* a command that waits for the backend */
  nvmens_timer timer;        /* first, as in nvmens_attachment */
  nvmens_ctrl *ctrl;         /* while cmd is there */
  nvmens_cmd *cmd;           /* NULL: it ended meanwhile */
  struct nvmens_prep *next, *prev;
  void *ns_user;      /* prepared, and to be given back */
  nvmens_effect last; /* created, or released(CREATE_FAILED) */
  nvmens_nsref ref;   /* attach: which; create: what came of it */
  uint32_t place;
  nvmens_prepared_go *go;
  uint8_t create, csi, answered, asked, in_hook, telling;
  uint16_t ncntlid;
  uint16_t cntlid[NVMENS_LIST_CTRLS];
  uint8_t data[NVMENS_PAGE];
} nvmens_prep;

enum { NVMENS_TOKEN_DRAIN = 1, NVMENS_TOKEN_PREP = 2 };

struct nvmens_ctrl {
  nvmens_subsys *subsys;
  void *user;
  nvmens_gate *gate;
  nvmens_ctrl *peer;    /* a ring of the controllers of one host, by CNTLID; unknown hosts: alone */
  nvmens_nsid_set atts; /* every NSID it ever had: nvmens_attachment */
  nvmens_nsid_set active;   /* those ATTACHED */
  nvmens_cmd *cmds;         /* taken and not ended */
  nvmens_attachment *shown; /* swap marks that are listed; see nvmens_att_shown */
  uint32_t nshown;          /* those listed */
  nvmens_effect deliver, released;
  nvmens_changed changed[2]; /* by NVMENS_LOG_* */
  uint32_t live;             /* attachments that refer to a namespace */
  uint32_t opening;          /* of those, ATTACHED and not yet open */
  uint32_t epoch;
  uint32_t pins;          /* hooks that use `user`, but for those of a command */
  uint32_t calling_epoch; /* of the command that a hook is called for, if `calling` */
  uint32_t css;
  uint16_t cntlid;
  uint8_t kind, state;
  uint8_t calling;
  uint8_t hostid[16];
  nvmens_notices notices;
};
enum { NVMENS_LOG_ATTACHED = 0, NVMENS_LOG_ALLOCATED = 1 };

struct nvmens_subsys {
  nvmens_core core;
  nvmens_subsys_config config;
  nvmens_nsid_set ns; /* every namespace not ABSENT */
  nvmens_ctrl **ctrl; /* by CNTLID */
  nvmens_gate *gates; /* in use and free ones */
  nvmens_attachment *closing;
  nvmens_ns *deleting;
  nvmens_prep *preps;
  nvmens_ident_set idents;
  nvmens_tokens tokens;
  nvmens_timers timers;      /* of attachments */
  nvmens_timers prep_timers; /* of commands that wait for the backend */
  nvmens_bell bell;
  nvmens_u128 unvmcap;
  uint64_t attached; /* attachments not DETACHED, against MAXDNA */
  uint64_t deadline; /* of the call under way: when its drains are over */
  uint64_t told;     /* the next deadline as the backend knows it */
  uint32_t nctrl, ctrl_room;
  uint32_t gen;
  uint8_t barrier_due; /* a gate was closed by the call under way */
  uint8_t ending;      /* nvmens_subsys_del has begun */
};

enum { NVMENS_CMD_RUNNING, NVMENS_CMD_PARKED, NVMENS_CMD_WAITING, NVMENS_CMD_ENDING };

/* One outcome in both tongues: for the host and for the backend. {0, 0} is success. */
typedef struct nvmens_verdict {
  uint16_t sf;
  int16_t err;
} nvmens_verdict;

#define NVMENS_VERDICT(sf, err) ((nvmens_verdict){(uint16_t)(sf), (int16_t)(err)})
#define NVMENS_VERDICT_OK       NVMENS_VERDICT(0, 0)
#define NVMENS_VERDICT_NOMEM    NVMENS_VERDICT(NVMENS_SC_INTERNAL_ERROR, NVMENS_ERR_NOMEM)

#define NVMENS_OBJECT(pointer, type, member)                                                       \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline nvmens_subject nvmens_about_att(const nvmens_attachment *att)
{
  return (nvmens_subject){att->ctrl->cntlid, att->nsid, att->outcome};
}

#endif
