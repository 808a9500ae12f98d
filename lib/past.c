/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * past.c: what is remembered of paths that went away: disks, for a time, and what was attached or
 * detached explicitly (R66, R67). Floor 3.
 *
 * Invariant: the host's npast and nwishes count what its disks hold; what holds nothing is freed.
 */
#include "paths.h"

#include "attach.h"
#include "ctrl.h"
#include "ns.h"

enum { MOST_DISKS = 4, MOST_WISHES = 16 };

bool nvmens_past_clashes(const nvmens_past *past, const nvmens_ns *ns)
{
  return past->any || past->identity != ns->identity || !past->shared || !ns->shared;
}

/* Paths that may have been refused while another had that disk. */
static void tell_past(const nvmens_disk *disk, const nvmens_past *past)
{
  for (nvmens_attachment *att = disk->atts; att; att = att->path_next)
    if (nvmens_att_visible(att) && nvmens_past_clashes(past, att->ns))
      nvmens_ctrl_record(att->ctrl, NVMENS_LOG_ATTACHED, disk->nsid, true);
}

static void drop_disk(nvmens_disk *disk, nvmens_past *past)
{
  disk->host->npast--;
  past->has_disk = 0;
}

/* Whoever came since the earlier of the two went may be that path (R66). */
static void take_over(nvmens_disk *disk, nvmens_past *past, nvmens_past *fresh)
{
  if (past->serial < fresh->serial)
    fresh->serial = past->serial;
  fresh->shared &= past->shared;
  drop_disk(disk, past);
}

static void drop_wish(const nvmens_disk *disk, nvmens_past *past)
{
  disk->host->nwishes--;
  past->wish = NVMENS_WISH_NONE;
}

/* Those that hold nothing any more are freed. */
static void sweep(nvmens_disk *disk)
{
  nvmens_past **at = &disk->past, *past;

  while ((past = *at) != NULL) {
    if (past->has_disk || past->wish) {
      at = &past->next;
      continue;
    }
    *at = past->next;
    nvmens_free(&disk->host->subsys->core.mem, past);
  }
}

void nvmens_past_clear(nvmens_disk *disk)
{
  for (nvmens_past *past = disk->past; past; past = past->next)
    past->has_disk = past->wish = 0;
  sweep(disk);
}

/* At most so many of each; a disk that is new takes over one that says the same (R67). A wish that
 * is new is the only one of its CNTLID: its controller took over what was remembered of that. */
static void make_room(nvmens_disk *disk, nvmens_past *fresh)
{
  nvmens_past *any = NULL, *last_wish = NULL;
  uint32_t disks = 0, wishes = 0;

  for (nvmens_past *past = disk->past; past; past = past->next) {
    if (past->has_disk && past->any)
      any = past;
    else if (past->has_disk && fresh->has_disk && past->identity == fresh->identity)
      take_over(disk, past, fresh);
    else
      disks += past->has_disk;
    if (past->wish) {
      wishes++;
      last_wish = past;
    }
  }
  if (fresh->wish && wishes == MOST_WISHES)
    drop_wish(disk, last_wish);
  if (fresh->has_disk && disks == MOST_DISKS) {
    fresh->any = 1;
    if (any)
      take_over(disk, any, fresh);
  }
}

void nvmens_past_remember(nvmens_disk *disk, nvmens_past *fresh)
{
  nvmens_paths *host = disk->host;

  make_room(disk, fresh);
  sweep(disk);
  host->npast += fresh->has_disk;
  host->nwishes += fresh->wish != NVMENS_WISH_NONE;
  fresh->next = disk->past;
  disk->past = fresh;
}

void nvmens_past_renew(const nvmens_ctrl *ctrl)
{
  nvmens_disk *disk;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&ctrl->host->disks, nsid, &nsid)) != NULL)
    for (nvmens_past *past = disk->past; past; past = past->next)
      if (past->has_disk && past->serial < ctrl->born)
        past->until = UINT64_MAX;
}

/* It may be one of the controllers that came since, and have not read the log twice (R66). */
static bool may_be_back(const nvmens_paths *host, const nvmens_past *past)
{
  const nvmens_ctrl *ctrl = host->first;

  while (ctrl && (ctrl->owes == NVMENS_MARK_NONE || ctrl->born <= past->serial))
    ctrl = ctrl->path_next;
  return ctrl != NULL;
}

/* When it is to be looked at: when its time is over, or now if that has not begun; UINT64_MAX: not
 * before that controller lets go, or goes. */
static uint64_t due(const nvmens_paths *host, const nvmens_past *past)
{
  uint64_t now = host->subsys->core.now;

  if (!past->has_disk)
    return UINT64_MAX;
  if (past->until == UINT64_MAX)
    return now;
  return past->until <= now && may_be_back(host, past) ? UINT64_MAX : past->until;
}

void nvmens_paths_look(nvmens_paths *host)
{
  nvmens_timers *timers = &host->subsys->forgetting;
  uint64_t next = UINT64_MAX;
  const nvmens_disk *disk;
  uint32_t nsid = 0;

  while (host->npast && (disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL)
    for (const nvmens_past *past = disk->past; past; past = past->next)
      if (due(host, past) < next)
        next = due(host, past);
  if (next == UINT64_MAX)
    nvmens_timer_stop(timers, &host->timer);
  else
    nvmens_timer_set(timers, &host->timer, next);
}

static void expire(nvmens_disk *disk, nvmens_past *past)
{
  const nvmens_subsys *s = disk->host->subsys;
  uint64_t memory = s->config.host_memory_ns;

  if (past->has_disk && past->until == UINT64_MAX)
    past->until = memory > UINT64_MAX - 1 - s->core.now ? UINT64_MAX - 1 : s->core.now + memory;
  if (due(disk->host, past) > s->core.now)
    return;
  drop_disk(disk, past);
  tell_past(disk, past);
}

/* What is over is forgotten, and whom it was in the way of is told; what went away since the last
 * poll lasts from now on. */
void nvmens_paths_expire(nvmens_paths *host)
{
  nvmens_disk *disk;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL) {
    for (nvmens_past *past = disk->past; past; past = past->next)
      expire(disk, past);
    sweep(disk);
    nvmens_disk_settle(disk);
    nvmens_disk_quiet(disk);
  }
  nvmens_paths_look(host);
}

/* ---- explicit attaches and detaches that are remembered ---- */

static uint8_t wish_before(const nvmens_ctrl *ctrl, const nvmens_ns *ns)
{
  const nvmens_attachment *att = ctrl->before ? nvmens_att_of(ctrl->before, ns->nsid) : NULL;

  return att && att->wish_gen == ns->gen ? att->wish : NVMENS_WISH_NONE;
}

uint8_t nvmens_paths_wish(const nvmens_ctrl *ctrl, const nvmens_ns *ns)
{
  const nvmens_disk *disk =
      ctrl->host->nwishes ? nvmens_nsid_set_get(&ctrl->host->disks, ns->nsid) : NULL;

  for (const nvmens_past *past = disk ? disk->past : NULL; past; past = past->next)
    if (past->wish && past->cntlid == ctrl->cntlid)
      return past->wish;
  return wish_before(ctrl, ns);
}

/* Those of this CNTLID, or of any. */
static void drop_wishes(nvmens_disk *disk, uint16_t cntlid)
{
  for (nvmens_past *past = disk->past; past; past = past->next)
    if (past->wish && (cntlid == NVMENS_CNTLID_ANY || cntlid == past->cntlid))
      drop_wish(disk, past);
  sweep(disk);
  nvmens_disk_quiet(disk);
}

void nvmens_paths_take_wishes(const nvmens_ctrl *ctrl)
{
  nvmens_paths *host = ctrl->host;
  nvmens_disk *disk;
  uint32_t nsid = 0;

  while (host->nwishes && (disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL)
    if (nvmens_ns_allocated(host->subsys, nsid)) /* else they end with it */
      drop_wishes(disk, ctrl->cntlid);
}

void nvmens_paths_forget_wishes(nvmens_subsys *s, const nvmens_ns *ns)
{
  for (nvmens_paths *host = s->hosts; host; host = host->next) {
    nvmens_disk *disk = host->nwishes ? nvmens_nsid_set_get(&host->disks, ns->nsid) : NULL;

    if (disk)
      drop_wishes(disk, NVMENS_CNTLID_ANY);
  }
}
