/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hosts.c: hosts, their controllers, and what is remembered when one goes (R66-R69). Floor 3.
 *
 * Invariants: a host is there while it has a controller, or something of it is remembered; a disk
 * while it has an attachment or a past; npast and nwishes count what the disks hold.
 */
#include <string.h>

#include "attach.h"
#include "ctrl.h"
#include "paths.h"

enum { MOST_DISKS = 4, MOST_WISHES = 16, LEFT = 16 };

/* ---- hosts ---- */

static bool is_known(const uint8_t hostid[16])
{
  static const uint8_t unknown[16];

  return memcmp(hostid, unknown, sizeof(unknown)) != 0;
}

nvmens_paths *nvmens_paths_find(const nvmens_subsys *s, const uint8_t hostid[16])
{
  nvmens_paths *host = is_known(hostid) ? s->hosts : NULL;

  while (host && memcmp(host->hostid, hostid, sizeof(host->hostid)) != 0)
    host = host->next;
  return host;
}

static void append(nvmens_paths *host)
{
  nvmens_paths **at = &host->subsys->hosts;

  while (*at)
    at = &(*at)->next;
  host->next = NULL;
  *at = host;
}

static void take_out(nvmens_paths *host)
{
  nvmens_paths **at = &host->subsys->hosts;

  while (*at != host)
    at = &(*at)->next;
  *at = host->next;
}

static void link_ctrl(nvmens_paths *host, nvmens_ctrl *ctrl)
{
  nvmens_ctrl **at = &host->first;

  while (*at && (*at)->cntlid < ctrl->cntlid)
    at = &(*at)->path_next;
  ctrl->path_next = *at;
  *at = ctrl;
  ctrl->host = host;
}

static void unlink_ctrl(const nvmens_ctrl *ctrl)
{
  nvmens_ctrl **at = &ctrl->host->first;

  while (*at != ctrl)
    at = &(*at)->path_next;
  *at = ctrl->path_next;
}

int nvmens_paths_join(nvmens_ctrl *ctrl, const uint8_t hostid[16])
{
  nvmens_subsys *s = ctrl->subsys;
  nvmens_paths *host = nvmens_paths_find(s, hostid);

  if (!host) {
    host = nvmens_zalloc(&s->core.mem, 1, sizeof(*host));
    if (!host)
      return NVMENS_ERR_NOMEM;
    host->subsys = s;
    host->known = is_known(hostid);
    memcpy(host->hostid, hostid, sizeof(host->hostid));
    append(host);
  }
  link_ctrl(host, ctrl);
  ctrl->born = ++s->serial;
  if (!host->known || ctrl->pci)
    return 0;
  if (host->npast)
    ctrl->owes = NVMENS_MARK_TWICE;
  if (s->core.now < s->strangers_until)
    ctrl->stranger = NVMENS_STRANGER_UNLISTED;
  return 0;
}

/* ---- numbers (R68, R69) ---- */

static bool had(const nvmens_paths *host, uint16_t cntlid)
{
  for (uint8_t i = 0; host && i < host->nleft; i++)
    if (host->left[i] == cntlid)
      return true;
  return false;
}

static bool any_had(const nvmens_subsys *s, uint16_t cntlid)
{
  const nvmens_paths *host = s->hosts;

  while (host && !had(host, cntlid))
    host = host->next;
  return host != NULL;
}

uint16_t nvmens_paths_cntlid(const nvmens_subsys *s, const uint8_t hostid[16])
{
  const nvmens_paths *host = nvmens_paths_find(s, hostid);
  uint32_t lowest = NVMENS_CNTLID_MAX + 1, unused = lowest, at = 0;

  for (uint32_t id = 0; id <= NVMENS_CNTLID_MAX; id++) {
    if (at < s->nctrl && s->ctrl[at]->cntlid == id) {
      at++;
      continue;
    }
    if (had(host, (uint16_t)id))
      return (uint16_t)id;
    if (lowest > NVMENS_CNTLID_MAX)
      lowest = id;
    if (unused > NVMENS_CNTLID_MAX && !any_had(s, (uint16_t)id))
      unused = id;
    if (unused <= NVMENS_CNTLID_MAX && (!host || !host->nleft))
      break;
  }
  return (uint16_t)(unused <= NVMENS_CNTLID_MAX ? unused : lowest);
}

bool nvmens_paths_remember(const nvmens_subsys *s, uint32_t nsid)
{
  for (const nvmens_paths *host = s->hosts; host; host = host->next) {
    const nvmens_disk *disk = nvmens_nsid_set_get(&host->disks, nsid);

    if (!disk)
      continue;
    for (const nvmens_past *past = disk->past; past; past = past->next)
      if (past->has_disk)
        return true;
    for (const nvmens_attachment *att = disk->atts; att; att = att->path_next)
      if (att->mark != NVMENS_MARK_NONE)
        return true;
  }
  return false;
}

/* ---- disks ---- */

static nvmens_disk *disk_of(nvmens_paths *host, uint32_t nsid)
{
  const nvmens_mem *mem = &host->subsys->core.mem;
  nvmens_disk *disk = nvmens_nsid_set_get(&host->disks, nsid);

  if (disk)
    return disk;
  disk = nvmens_zalloc(mem, 1, sizeof(*disk));
  if (!disk)
    return NULL;
  disk->host = host;
  disk->nsid = nsid;
  if (!nvmens_nsid_set_add(&host->disks, mem, nsid, disk))
    return disk;
  nvmens_free(mem, disk);
  return NULL;
}

static void disk_quiet(nvmens_disk *disk)
{
  nvmens_subsys *s = disk->host->subsys;

  if (disk->atts || disk->past)
    return;
  nvmens_nsid_set_remove(&disk->host->disks, &s->core.mem, disk->nsid);
  nvmens_free(&s->core.mem, disk);
}

int nvmens_disk_reserve(nvmens_attachment *att)
{
  nvmens_paths *host = att->ctrl->host;
  nvmens_attachment **at;

  att->past = nvmens_zalloc(&host->subsys->core.mem, 1, sizeof(*att->past));
  att->disk = att->past ? disk_of(host, att->nsid) : NULL;
  if (!att->disk) {
    nvmens_free(&host->subsys->core.mem, att->past);
    return NVMENS_ERR_NOMEM;
  }
  at = &att->disk->atts;
  while (*at && (*at)->ctrl->cntlid < att->ctrl->cntlid)
    at = &(*at)->path_next;
  att->path_next = *at;
  *at = att;
  return 0;
}

static void unlink_att(const nvmens_attachment *att)
{
  nvmens_attachment **at = &att->disk->atts;

  while (*at != att)
    at = &(*at)->path_next;
  *at = att->path_next;
}

/* ---- the past ---- */

void nvmens_disk_tell_past(const nvmens_disk *disk, const nvmens_past *past,
                           const nvmens_ctrl *but)
{
  for (nvmens_attachment *att = disk->atts; att; att = att->path_next)
    if (att->ctrl != but && nvmens_att_visible(att) &&
        (past->any || past->identity != att->ns->identity || !past->shared || !att->ns->shared))
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

/* At most so many of each; what is new takes over what says the same (R67). */
static void make_room(nvmens_disk *disk, nvmens_past *fresh)
{
  nvmens_past *last_disk = NULL, *last_wish = NULL;
  uint32_t disks = 0, wishes = 0;

  for (nvmens_past *past = disk->past; past; past = past->next) {
    if (past->wish && fresh->wish && past->cntlid == fresh->cntlid)
      drop_wish(disk, past);
    if (past->has_disk && fresh->has_disk && !past->any && past->identity == fresh->identity &&
        past->shared == fresh->shared)
      take_over(disk, past, fresh);
    if (past->has_disk) {
      disks++;
      last_disk = past;
    }
    if (past->wish) {
      wishes++;
      last_wish = past;
    }
  }
  if (fresh->wish && wishes == MOST_WISHES)
    drop_wish(disk, last_wish);
  if (fresh->has_disk && disks == MOST_DISKS) {
    fresh->any = 1;
    take_over(disk, last_disk, fresh);
  }
}

static void remember(nvmens_disk *disk, nvmens_past *fresh)
{
  nvmens_paths *host = disk->host;

  make_room(disk, fresh);
  sweep(disk);
  host->npast += fresh->has_disk;
  host->nwishes += fresh->wish != NVMENS_WISH_NONE;
  fresh->next = disk->past;
  disk->past = fresh;
}

static void leave_disk(nvmens_attachment *att, bool keeps)
{
  nvmens_subsys *s = att->ctrl->subsys;
  nvmens_disk *disk = att->disk;
  nvmens_past *past = att->past;

  if (keeps && att->mark != NVMENS_MARK_NONE) {
    past->has_disk = 1;
    past->identity = att->identity;
    past->shared = att->shared;
  } else if (att->mark != NVMENS_MARK_NONE) {
    nvmens_mark_step(att, NVMENS_EV_GONE);
  }
  if (keeps && att->wish && nvmens_att_wish_is_alive(att)) {
    past->wish = att->wish;
    past->wish_gen = att->wish_gen;
  }
  unlink_att(att);
  if (past->has_disk || past->wish) {
    past->cntlid = att->ctrl->cntlid;
    past->serial = s->serial;
    past->until = UINT64_MAX;
    remember(disk, past);
  } else {
    nvmens_free(&s->core.mem, past);
  }
  nvmens_tokens_release(&s->tokens, att->place);
  nvmens_free(&s->core.mem, att);
  nvmens_disk_settle(disk);
  disk_quiet(disk);
}

/* It may have been any of those that went before it came: they are away anew (R66). */
static void renew(const nvmens_ctrl *ctrl)
{
  nvmens_disk *disk;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&ctrl->host->disks, nsid, &nsid)) != NULL)
    for (nvmens_past *past = disk->past; past; past = past->next)
      if (past->has_disk && past->serial < ctrl->born)
        past->until = UINT64_MAX;
}

/* ---- forgetting ---- */

void nvmens_paths_look(nvmens_paths *host)
{
  if (host->npast)
    nvmens_timer_set(&host->subsys->forgetting, &host->timer, host->subsys->core.now);
}

static void forget(nvmens_paths *host)
{
  nvmens_subsys *s = host->subsys;
  nvmens_disk *disk;
  nvmens_ns *ns;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL) {
    for (nvmens_past *past = disk->past; past; past = past->next)
      past->has_disk = past->wish = 0;
    sweep(disk);
    nvmens_free(&s->core.mem, disk);
  }
  nvmens_nsid_set_clear(&host->disks, &s->core.mem);
  nvmens_timer_stop(&s->forgetting, &host->timer);
  for (nsid = 0; (ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL;)
    if (ns->keeper == host)
      ns->keeper = NULL;
  take_out(host);
  nvmens_free(&s->core.mem, host);
}

/* A host without a controller: gone, or one more to be remembered. */
static void be_away(nvmens_paths *host)
{
  nvmens_subsys *s = host->subsys;
  nvmens_paths *oldest = NULL;
  uint32_t away = 0;

  if (!host->known) {
    forget(host);
    return;
  }
  take_out(host);
  append(host);
  for (nvmens_paths *at = s->hosts; at; at = at->next) {
    away += at->first == NULL;
    if (!oldest && !at->first)
      oldest = at;
  }
  if (away > s->config.max_ctrls) {
    if (oldest->npast)
      s->strangers_until = UINT64_MAX;
    forget(oldest);
  }
}

void nvmens_paths_leave(nvmens_ctrl *ctrl)
{
  nvmens_subsys *s = ctrl->subsys;
  nvmens_paths *host = ctrl->host;
  bool keeps = host->known && !ctrl->pci;
  nvmens_attachment *att;
  uint32_t nsid = 0;

  s->serial++;
  nvmens_timer_stop(&s->patience, &ctrl->patience);
  if (ctrl->owes != NVMENS_MARK_NONE)
    renew(ctrl);
  while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL)
    leave_disk(att, keeps);
  unlink_ctrl(ctrl);
  if (!had(host, ctrl->cntlid)) {
    host->left[host->left_at] = ctrl->cntlid;
    host->left_at = (uint8_t)((host->left_at + 1) % LEFT);
    host->nleft = (uint8_t)(host->nleft + (host->nleft < LEFT));
  }
  nvmens_paths_look(host);
  if (!host->first)
    be_away(host);
}

/* It may be one of the controllers that came since, and have not read the log twice (R66). */
static bool may_be_back(const nvmens_paths *host, const nvmens_past *past)
{
  const nvmens_ctrl *ctrl = host->first;

  while (ctrl && (ctrl->owes == NVMENS_MARK_NONE || ctrl->born <= past->serial))
    ctrl = ctrl->path_next;
  return ctrl != NULL;
}

/* Looks at all of it: what is over is forgotten, and whom it was in the way of is told; what went
 * away since the last poll lasts from now on. */
void nvmens_paths_expire(nvmens_paths *host)
{
  nvmens_subsys *s = host->subsys;
  uint64_t now = s->core.now, memory = s->config.host_memory_ns, next = UINT64_MAX;
  nvmens_disk *disk;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL) {
    for (nvmens_past *past = disk->past; past; past = past->next) {
      if (!past->has_disk)
        continue;
      if (past->until == UINT64_MAX)
        past->until = memory > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + memory;
      if (past->until <= now && may_be_back(host, past))
        continue; /* looked at again when that one lets go, or goes */
      if (past->until <= now) {
        drop_disk(disk, past);
        nvmens_disk_tell_past(disk, past, NULL);
      } else if (past->until < next) {
        next = past->until;
      }
    }
    sweep(disk);
    nvmens_disk_settle(disk);
    disk_quiet(disk);
  }
  if (next != UINT64_MAX)
    nvmens_timer_set(&s->forgetting, &host->timer, next);
}

void nvmens_paths_clear(nvmens_subsys *s)
{
  while (s->hosts)
    forget(s->hosts);
}

/* ---- explicit attaches and detaches that are remembered ---- */

uint8_t nvmens_paths_wish(nvmens_ctrl *ctrl, const nvmens_ns *ns, bool take)
{
  nvmens_disk *disk =
      ctrl->host->nwishes ? nvmens_nsid_set_get(&ctrl->host->disks, ns->nsid) : NULL;

  for (nvmens_past *past = disk ? disk->past : NULL; past; past = past->next) {
    uint8_t wish = past->wish;

    if (!wish || past->cntlid != ctrl->cntlid || past->wish_gen != ns->gen)
      continue;
    if (take) {
      drop_wish(disk, past);
      sweep(disk);
      disk_quiet(disk);
    }
    return wish;
  }
  return NVMENS_WISH_NONE;
}

void nvmens_paths_forget_wishes(nvmens_subsys *s, const nvmens_ns *ns)
{
  for (nvmens_paths *host = s->hosts; host; host = host->next) {
    nvmens_disk *disk = host->nwishes ? nvmens_nsid_set_get(&host->disks, ns->nsid) : NULL;

    for (nvmens_past *past = disk ? disk->past : NULL; past; past = past->next)
      if (past->wish)
        drop_wish(disk, past);
    if (!disk)
      continue;
    sweep(disk);
    disk_quiet(disk);
  }
}
