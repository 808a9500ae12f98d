/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ens.h: what QEMU's NVMe objects hold for libnvmens; hw/nvme/nvme.h includes it. "ens" stands for
 * both in names. All of it is used under QEMU's global lock, which serialises control calls.
 */
#ifndef HW_NVME_ENS_H
#define HW_NVME_ENS_H

#include <nvmens/gate.h>

#include "qemu/queue.h"
#include "qom/object.h"
#include "hw/qdev-core.h"

typedef struct NvmeCtrl NvmeCtrl;
typedef struct NvmeNamespace NvmeNamespace;
typedef struct NvmeRequest NvmeRequest;
typedef struct NvmeSubsystem NvmeSubsystem;

#define ENS_NSIDS       256   /* the size of QEMU's arrays, less one */
#define ENS_DEADLINE_MS 10000 /* for drains: well within a host's 30 s */

/* One library subsystem: of an nvme-subsys, or of an nvme that has none. It is a QOM object because
 * the hotplug handler of a bus must be one. */
typedef struct EnsSubsys {
  Object parent;
  nvmens_subsys *lib;
  QEMUBH *poll;
  QEMUTimer *timer;
  uint64_t deadline_ns;
  QTAILQ_HEAD(, NvmeNamespace) spares; /* for create by the host, oldest first */
} EnsSubsys;

typedef struct EnsNs {
  EnsSubsys *subsys; /* NULL: was never plugged */
  nvmens_nsref ref;  /* {0, 0}: not allocated */
  uint16_t home;     /* private: its controller, or NVMENS_CNTLID_ANY */
  bool spare;        /* the property: is not allocated when it is plugged */
  bool pooled;       /* in `spares` */
  bool preparing;    /* being zeroed for a create */
  bool unrealizing;  /* goes with its bus: whoever waits for the release removes it */
  bool embedded;     /* the drive of an nvme, no device of its own */
  nvmens_token token;
  int64_t capacity, zeroed; /* bytes: of the drive; that are zero already */
  QTAILQ_ENTRY(NvmeNamespace) next;
} EnsNs;

typedef struct EnsCtrl {
  EnsSubsys *subsys;
  nvmens_ctrl *lib; /* NULL before realize and from exit on */
  bool released;
  bool reset_over;
  bool stopping;       /* no queue is looked at: a reset waits for the commands that are out */
  bool cc_waits;       /* the guest's last write to CC waits */
  bool function_waits; /* and so does a function level reset */
  bool in_config;      /* the guest writes to configuration space */
  bool shut;           /* the caches have been asked to flush for this shutdown */
  uint32_t cc;
  unsigned busy;    /* commands that hold a namespace, and flushes */
  unsigned flushes; /* those of a shutdown */
  QEMUBH *resume;
} EnsCtrl;

typedef struct EnsSq {
  nvmens_lane *lane;
  NvmeRequest *deletion; /* the Delete I/O Submission Queue that waits for its commands */
} EnsSq;

typedef struct EnsHold {
  nvmens_ticket ticket;
  NvmeNamespace *ns;
  uint32_t nsid;
} EnsHold;

typedef struct EnsReq {
  nvmens_cmd cmd;
  EnsHold one, *many; /* many: of a broadcast command */
  unsigned holds;
} EnsReq;

/* Called by the edited files. */
void ens_subsys_realize(NvmeSubsystem *subsys);
void ens_ns_class_init(DeviceClass *dc);
void ens_ns_formatted(NvmeNamespace *ns);
NvmeNamespace *ens_held(NvmeRequest *req, uint32_t nsid);
#define ens_held_ns(ctrl, nsid) ((void)(ctrl), ens_held(req, nsid))
#define ens_nothing(object)     ((void)(object)) /* in place of a drain or a flush that waits */

/* QEMU keeps this string of an nvme-ns beyond the g_free that follows; seen when one is removed. */
static inline char *ens_kept(const char *format, uint32_t nsid)
{
  g_autofree char *s = g_strdup_printf(format, nsid);

  return (char *)g_intern_string(s);
}

#endif
