/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.h: the states of the objects, and the steps of the machines. Included by nvmens.h.
 */
#ifndef NVMENS_QUERY_H
#define NVMENS_QUERY_H

#include <nvmens/nvmens.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- looking in ---- */

typedef enum nvmens_ctrl_state {
  NVMENS_CTRL_DISABLED,
  NVMENS_CTRL_READY,
  NVMENS_CTRL_SHUTDOWN,
  NVMENS_CTRL_GOING
} nvmens_ctrl_state;
typedef enum nvmens_ns_state {
  NVMENS_NS_ABSENT,
  NVMENS_NS_ALLOCATED,
  NVMENS_NS_DELETING
} nvmens_ns_state;
typedef enum nvmens_att_state {
  NVMENS_ATT_DETACHED,
  NVMENS_ATT_WANTED, /* to be attached, and something is in the way (R57): see waits_for */
  NVMENS_ATT_FENCED, /* visible to the host, and barred until it is identified (R64) */
  NVMENS_ATT_ATTACHED,
  NVMENS_ATT_DRAINING,
  NVMENS_ATT_ABORTING
} nvmens_att_state;

typedef struct nvmens_ctrl_info {
  uint16_t cntlid;
  uint8_t kind;
  uint8_t state;     /* nvmens_ctrl_state */
  uint32_t attached; /* namespaces ATTACHED */
  uint32_t wanted;   /* WANTED */
  uint32_t fenced;   /* FENCED */
  uint32_t draining; /* DRAINING or ABORTING */
  uint32_t parked;   /* AERs */
  uint32_t owed;     /* sources PENDING, their bit on: events that the host will get */
  uint32_t reported; /* sources REPORTED: logs that the host should read */
  uint32_t aec;
  uint64_t sent;      /* events delivered since ctrl_new */
  uint64_t coalesced; /* loud changes that joined an event owed or reported */
} nvmens_ctrl_info;
NVMENS_API int nvmens_ctrl_query_sized(const nvmens_ctrl *, nvmens_ctrl_info *, size_t);
static inline int nvmens_ctrl_query(const nvmens_ctrl *ctrl, nvmens_ctrl_info *out)
{
  return nvmens_ctrl_query_sized(ctrl, out, sizeof(*out));
}

typedef struct nvmens_ns_info {
  uint32_t nsid;
  uint8_t state; /* nvmens_ns_state */
  uint8_t csi, shared, flbas, lbads, write_protected;
  uint64_t nsze, ncap;
  uint32_t attached, wanted, fenced, draining; /* controllers */
  nvmens_ident ident;
  void *ns_user;
} nvmens_ns_info;
NVMENS_API int nvmens_ns_query_sized(nvmens_subsys *, nvmens_nsref, nvmens_ns_info *, size_t);
/* STALE when released. */
static inline int nvmens_ns_query(nvmens_subsys *s, nvmens_nsref ref, nvmens_ns_info *out)
{
  return nvmens_ns_query_sized(s, ref, out, sizeof(*out));
}

/* Why an attachment is WANTED or FENCED, or that it comes again when it has drained: the first of
 * these that holds (R57). */
typedef enum nvmens_waits_for {
  NVMENS_WAITS_FOR_NOTHING,
  NVMENS_WAITS_FOR_DRAIN, /* here, or of a private namespace elsewhere, or it is attached there */
  NVMENS_WAITS_FOR_COMMAND_SET, /* CC.CSS of this controller */
  NVMENS_WAITS_FOR_HOST, /* which may still have another disk of this NSID, here or elsewhere */
  NVMENS_WAITS_FOR_LIMIT /* MAXDNA or MAXCNA */
} nvmens_waits_for;

typedef struct nvmens_att_info {
  uint8_t state;      /* nvmens_att_state */
  uint8_t waits_for;  /* nvmens_waits_for */
  uint8_t open;       /* the gate */
  uint32_t in_flight; /* commands that hold it by the gate; exact at rest, else an estimate */
  uint64_t deadline;  /* UINT64_MAX: none */
} nvmens_att_info;
NVMENS_API int nvmens_att_query_sized(nvmens_subsys *, nvmens_nsref, nvmens_ctrl *,
                                      nvmens_att_info *, size_t);
/* Of a namespace and a controller. STALE. */
static inline int nvmens_att_query(nvmens_subsys *s, nvmens_nsref ref, nvmens_ctrl *ctrl,
                                   nvmens_att_info *out)
{
  return nvmens_att_query_sized(s, ref, ctrl, out, sizeof(*out));
}

/* ---- the machines ---- */

typedef enum nvmens_machine {
  NVMENS_M_CTRL,
  NVMENS_M_NS,
  NVMENS_M_ATTACHMENT,
  NVMENS_M_NOTICE,
  NVMENS_M_MARK,
  NVMENS_MACHINES
} nvmens_machine;

/* One step of one machine. */
struct nvmens_trace {
  uint8_t machine; /* nvmens_machine */
  uint8_t event, from, to;
  uint16_t cntlid; /* FFFFh: no controller */
  uint32_t nsid;   /* 0: no namespace */
  uint32_t detail; /* notice: DW0 of the event; drained: what nvmens_done was given */
  uint8_t refused; /* the cell refuses: to equals from */
};
/* Names, as in docs/states.md; NULL where there is none. */
NVMENS_API const char *nvmens_machine_name(unsigned machine);
NVMENS_API const char *nvmens_state_name(unsigned machine, unsigned state);
NVMENS_API const char *nvmens_event_name(unsigned machine, unsigned event);

#ifdef __cplusplus
}
#endif
#endif
