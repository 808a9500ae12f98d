/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disks.c: the disks that hosts have, by path and NSID, and what must hold of them (H1 to H3).
 *
 * A host over fabrics keeps the disks of a path while it reconnects: they outlive the controller,
 * and
 * the next controller of that host may be that path. It gives up after host_memory_ns.
 */
#include "drivers.h"

typedef struct path { /* one that is away */
  uint8_t used, hostid, kind;
  uint64_t until;
  d_disk disk[M_NSIDS];
} path;
static path away[D_AWAY];

void d_init(void)
{
  memset(away, 0, sizeof(away));
}

int d_same(const d_disk *a, const d_disk *b)
{
  return a->csi == b->csi && memcmp(&a->ident, &b->ident, sizeof(a->ident)) == 0;
}

static int is_what_is_there(const d_disk *k, int n)
{
  const nvmens_ns_config *c = &M.ns[n].c;

  return k->csi == c->csi && memcmp(&k->ident, &c->ident, sizeof(c->ident)) == 0;
}

/* Those whose hosts have given up. */
static void give_up(void)
{
  for (int i = 0; i < D_AWAY; i++)
    if (away[i].until <= M.now && away[i].until != UINT64_MAX)
      away[i].used = 0;
}

/* Who was refused by the one was refused by the other: it is the same path. */
static void rename_path(int from, int to)
{
  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M_NSIDS; n++)
      if (D[c].refused[n] == from + 1)
        D[c].refused[n] = (uint8_t)(to + 1);
}

void d_goes_away(int ctrl)
{
  uint64_t memory = M.conf.cfg.host_memory_ns ? M.conf.cfg.host_memory_ns : UINT64_C(900000000000);
  d_driver *d = &D[ctrl];

  give_up();
  if (d->pci || !d->hostid || d->kind == D_NONE)
    return;
  for (int i = 0; i < D_AWAY; i++)
    if (!away[i].used) {
      away[i] = (path){1, d->hostid, d->kind, m_after(M.now, memory), {{0}}};
      memcpy(away[i].disk, d->disk, sizeof(d->disk));
      rename_path(ctrl, M_CTRLS + i);
      break;
    }
  memset(d->disk, 0, sizeof(d->disk));
}

void d_comes_back(int ctrl)
{
  d_driver *d = &D[ctrl];

  give_up();
  for (int i = 0; i < D_AWAY && !d->pci; i++)
    if (away[i].used && away[i].hostid == d->hostid && away[i].kind == d->kind) {
      memcpy(d->disk, away[i].disk, sizeof(d->disk));
      away[i].used = 0;
      rename_path(M_CTRLS + i, ctrl);
      return;
    }
}

static int blocks(const d_disk *other, const d_disk *k)
{
  if (!other->there || (!other->shared && M.conf.no_prepare)) /* an NSID may be several then */
    return 0;
  return !d_same(other, k) || !k->shared || !other->shared;
}

/* Linux has one head for an NSID and all its paths on a host. A path is refused if its namespace
 * has another identity than that of the paths that are there, or if either is private. Whose path
 * is in the way, or M_NONE; M_CTRLS and above: one that is away. */
int d_in_the_way(const d_driver *d, int n, const d_disk *k)
{
  if (!d->hostid)
    return M_NONE;
  give_up();
  for (int o = 0; o < M_CTRLS; o++)
    if (&D[o] != d && D[o].kind == D_LINUX && D[o].hostid == d->hostid && blocks(&D[o].disk[n], k))
      return o;
  for (int i = 0; i < D_AWAY; i++)
    if (away[i].used && away[i].kind == D_LINUX && away[i].hostid == d->hostid &&
        blocks(&away[i].disk[n], k))
      return M_CTRLS + i;
  return M_NONE;
}

/* A host whose disk is another stops using it there and then: CNS 03h tells it. */
void d_identified(int ctrl, int n, const d_disk *k)
{
  if (D[ctrl].disk[n].there && !d_same(&D[ctrl].disk[n], k) && D[ctrl].quiet)
    D[ctrl].disk[n].there = 0;
}

/* H3: a path is not shown another identity before it has let go; but by the fence (R64). */
void d_was_shown(int ctrl, int n)
{
  if (!D[ctrl].quiet && !M.has_forgotten)
    w_fail("H3: the host of controller %d has nsid %u, and is shown another", ctrl, M.conf.nsid[n]);
}

/* H1: no command for a disk that a host has is executed on another namespace. */
void w_disks_check(void)
{
  for (int c = 0; c < M_CTRLS; c++)
    for (int n = 0; n < M.conf.nnsids; n++)
      if (D[c].disk[n].there && M.att[c][n].open && !is_what_is_there(&D[c].disk[n], n) &&
          !M.has_forgotten)
        w_fail("H1: controller %d admits I/O to nsid %u, and its host has another there", c,
               M.conf.nsid[n]);
}

/* It was refused, and the path that was in the way has not come to rest: it is down, or is going,
 * or
 * away. When it has, or has gone for good, this one is told. */
static int excused(const d_driver *d, int n)
{
  int o = d->refused[n] - 1;

  if (d->disk[n].there || o < 0)
    return 0;
  for (int c = 0; c < M_CTRLS && o >= M_CTRLS; c++) /* it is still on its way out */
    if (M.ctrl[c].used && M.ctrl[c].state == NVMENS_CTRL_GOING && M.ctrl[c].hostid == d->hostid)
      return 1;
  if (o >=
      M_CTRLS) /* it may have come back by another controller, or was forgotten for want of room */
    return M.has_forgotten || m_remembered(d->hostid, UINT64_MAX, n, NULL);
  return !M.ctrl[o].used || !d_at_rest(&D[o]) || D[o].quiet; /* nobody knows what that has read */
}

void d_check_view(int ctrl)
{
  const d_driver *d = &D[ctrl];
  const char *who = d->kind == D_LINUX ? "Linux" : "SPDK";

  w_count->views++;
  for (int n = 0; n < M.conf.nnsids; n++) {
    const m_att *a = &M.att[ctrl][n];
    const nvmens_ns_config *c = &M.ns[n].c;
    const d_disk *k = &d->disk[n];

    if (excused(d, n))
      continue;
    if (k->there != (a->state == NVMENS_ATT_ATTACHED))
      w_fail("H2: %s on controller %d %s nsid %u (refused by %d)", who, ctrl,
             k->there ? "still has" : "does not see", M.conf.nsid[n], d->refused[n] - 1);
    if (k->there && !is_what_is_there(k, n))
      w_fail("H2: %s on controller %d has another nsid %u", who, ctrl, M.conf.nsid[n]);
    if (k->there && k->nsze != c->nsze && k->csi != NVMENS_CSI_KV)
      w_fail("H2: %s on controller %d has an old size of nsid %u", who, ctrl, M.conf.nsid[n]);
  }
}
