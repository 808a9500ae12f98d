/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hosts.c: hosts, their controllers, and the numbers that are chosen for them (R66-R69). Floor 3.
 *
 * Invariants: a host is there while it has a controller, or is one of the max_ctrls that are
 * remembered; a disk while it has an attachment or a past.
 */
#include <string.h>

#include "attach.h"
#include "ctrl.h"
#include "ns.h"
#include "paths.h"
#include "unanswered.h"

enum { LEFT = 16 }; /* as nvmens_paths.left */

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

static int reserve_logs(const nvmens_paths *, uint32_t disks);

/* One of its controllers is going, whose disks it keeps. */
static bool is_leaving(const nvmens_paths *host)
{
  const nvmens_ctrl *ctrl = host->first;

  while (ctrl && (ctrl->state != NVMENS_CTRL_GOING || ctrl->pci))
    ctrl = ctrl->path_next;
  return ctrl != NULL;
}

static bool had(const nvmens_paths *host, uint16_t cntlid)
{
  for (uint8_t i = 0; i < host->nleft; i++)
    if (host->left[i] == cntlid)
      return true;
  return false;
}

/* In the place of itself, else of the one that went longest ago if there is no room. */
static void note_left(nvmens_paths *host, uint16_t cntlid)
{
  uint8_t at = 0;

  while (at < host->nleft && host->left[at] != cntlid)
    at++;
  if (at == LEFT)
    at = 0;
  if (at < host->nleft)
    memmove(&host->left[at], &host->left[at + 1], (--host->nleft - at) * sizeof(host->left[0]));
  host->left[host->nleft++] = cntlid;
}

/* It reconnects while what it had is still going: with the lowest CNTLID that none has followed. */
static nvmens_ctrl *follow(const nvmens_paths *host)
{
  nvmens_ctrl *ctrl = host->first;

  while (ctrl &&
         (ctrl->state != NVMENS_CTRL_GOING || ctrl->kind != NVMENS_CTRL_IO || ctrl->succeeded))
    ctrl = ctrl->path_next;
  if (ctrl)
    ctrl->succeeded = 1;
  return ctrl;
}

int nvmens_paths_join(nvmens_ctrl *ctrl, const uint8_t hostid[16], bool chosen)
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
  if (chosen && host->known && ctrl->kind == NVMENS_CTRL_IO && !had(host, ctrl->cntlid))
    ctrl->before = follow(host);
  link_ctrl(host, ctrl);
  ctrl->born = ++s->serial;
  if (!host->known || ctrl->pci || ctrl->kind != NVMENS_CTRL_IO)
    return reserve_logs(host, host->disks.count);
  if (host->npast || is_leaving(host))
    ctrl->owes = NVMENS_MARK_TWICE;
  nvmens_paths_look(host); /* what is over is kept for it */
  if (s->core.now < s->strangers_until)
    ctrl->stranger = NVMENS_STRANGER_UNLISTED;
  return reserve_logs(host, host->disks.count);
}

/* ---- numbers (R68, R69) ---- */

static bool any_had(const nvmens_subsys *s, uint16_t cntlid)
{
  const nvmens_paths *host = s->hosts;

  while (host && !had(host, cntlid))
    host = host->next;
  return host != NULL;
}

static bool in_use(const nvmens_subsys *s, uint16_t cntlid)
{
  for (uint32_t i = 0; i < s->nctrl; i++)
    if (s->ctrl[i]->cntlid == cntlid)
      return true;
  return false;
}

uint16_t nvmens_paths_cntlid(const nvmens_subsys *s, const uint8_t hostid[16])
{
  const nvmens_paths *host = nvmens_paths_find(s, hostid);
  uint32_t own = NVMENS_CNTLID_ANY, lowest = NVMENS_CNTLID_ANY, at = 0;

  for (uint8_t i = 0; host && i < host->nleft; i++)
    if (host->left[i] < own && !in_use(s, host->left[i]))
      own = host->left[i];
  if (own != NVMENS_CNTLID_ANY)
    return (uint16_t)own;
  for (uint32_t id = 0; id <= NVMENS_CNTLID_MAX; id++) {
    if (at < s->nctrl && s->ctrl[at]->cntlid == id) {
      at++;
      continue;
    }
    if (lowest == NVMENS_CNTLID_ANY)
      lowest = id;
    if (!any_had(s, (uint16_t)id))
      return (uint16_t)id;
  }
  return (uint16_t)lowest;
}

/* Of a free NSID there are no wishes any more: what is in the past is a disk. */
bool nvmens_paths_remember(const nvmens_subsys *s, uint32_t nsid)
{
  for (const nvmens_paths *host = s->hosts; host; host = host->next) {
    const nvmens_disk *disk = nvmens_nsid_set_get(&host->disks, nsid);

    if (!disk)
      continue;
    if (disk->past)
      return true;
    for (const nvmens_attachment *att = disk->atts; att; att = att->path_next)
      if (att->mark != NVMENS_MARK_NONE)
        return true;
  }
  return false;
}

/* ---- disks ---- */

/* Room in log 04h of each of its controllers for every NSID of the host: any may be told of any. */
static int reserve_logs(const nvmens_paths *host, uint32_t disks)
{
  for (nvmens_ctrl *ctrl = host->first; ctrl; ctrl = ctrl->path_next)
    if (nvmens_changed_reserve(&ctrl->changed[NVMENS_LOG_ATTACHED], &host->subsys->core.mem, disks))
      return NVMENS_ERR_NOMEM;
  return 0;
}

static nvmens_disk *disk_of(nvmens_paths *host, uint32_t nsid)
{
  const nvmens_mem *mem = &host->subsys->core.mem;
  nvmens_disk *disk = nvmens_nsid_set_get(&host->disks, nsid);

  if (disk)
    return disk;
  if (reserve_logs(host, host->disks.count + 1))
    return NULL;
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

void nvmens_disk_quiet(nvmens_disk *disk)
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

/* ---- coming and going ---- */

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
  if (disk->host->known && att->wish && nvmens_att_wish_is_alive(att))
    past->wish = att->wish;
  disk->owed -= att->mark != NVMENS_MARK_NONE;
  disk->told -= att->told;
  unlink_att(att);
  if (past->has_disk || past->wish) {
    past->cntlid = att->ctrl->cntlid;
    past->serial = att->ctrl->went;
    past->until = UINT64_MAX;
    nvmens_past_remember(disk, past);
  } else {
    nvmens_free(&s->core.mem, past);
  }
  nvmens_tokens_release(&s->tokens, att->place);
  nvmens_slot_own(att->slot, NULL);
  nvmens_free(&s->core.mem, att);
  nvmens_disk_settle(disk);
  nvmens_disk_quiet(disk);
}

static void forget(nvmens_paths *host)
{
  nvmens_subsys *s = host->subsys;
  nvmens_disk *disk;
  nvmens_ns *ns;
  uint32_t nsid = 0;

  while ((disk = nvmens_nsid_set_next(&host->disks, nsid, &nsid)) != NULL) {
    nvmens_past_clear(disk);
    nvmens_free(&s->core.mem, disk);
  }
  nvmens_nsid_set_clear(&host->disks, &s->core.mem);
  nvmens_timer_stop(&s->forgetting, &host->timer);
  for (nsid = 0; (ns = nvmens_nsid_set_next(&s->ns, nsid, &nsid)) != NULL;)
    if (ns->keeper == host)
      ns->keeper = NULL;
  nvmens_unanswered_forget(host);
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

  nvmens_timer_stop(&s->patience, &ctrl->patience);
  if (ctrl->owes != NVMENS_MARK_NONE)
    nvmens_past_renew(ctrl);
  while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL)
    leave_disk(att, keeps);
  unlink_ctrl(ctrl);
  note_left(host, ctrl->cntlid);
  nvmens_paths_look(host);
  if (!host->first)
    be_away(host);
}

void nvmens_paths_abandon(nvmens_ctrl *ctrl)
{
  nvmens_paths *host = ctrl->host;
  nvmens_attachment *att;
  uint32_t nsid = 0;

  while ((att = nvmens_nsid_set_next(&ctrl->atts, nsid, &nsid)) != NULL) {
    att->wish = NVMENS_WISH_NONE; /* it has taken over nothing */
    leave_disk(att, false);
  }
  unlink_ctrl(ctrl);
  if (ctrl->before)
    ctrl->before->succeeded = 0;
  nvmens_paths_look(host);
  if (!host->first && !host->nleft) /* it came for this one */
    forget(host);
}

void nvmens_paths_clear(nvmens_subsys *s)
{
  while (s->hosts)
    forget(s->hosts);
}
