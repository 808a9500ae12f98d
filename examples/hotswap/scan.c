/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scan.c: how the two kinds of driver learn what is there.
 *
 * The one modelled on Linux walks CNS 02h whatever the log says, and reads the log only if an event
 * has asked for it since. A disk whose identity changed is dropped and not added in the same scan
 * (C14), a listed NSID whose CNS 03h fails stays as it was (C11). At the end of the scan it drops
 * what is not listed.
 * The one modelled on SPDK looks at the NSIDs of the log, and at no others (C6). While an NSID is
 * listed it keeps the disk, with its old UUID, and looks only at the size.
 */
#include "hotswap.h"

#include <string.h>

/* ---- pages ---- */

/* A namespace list of any length into d->listed. */
static bool read_list(struct driver *d, uint8_t cns)
{
  uint32_t after = 0, nsid;

  memset(d->listed, 0, d->world->nn + 1);
  for (;;) {
    nvmens_sqe e = sqe_identify(cns, after, 0);

    if (!driver_read(d, &e, d->page, NVMENS_PAGE, 0))
      return false;
    for (unsigned i = 0; i < NVMENS_LIST_NSIDS; i++) {
      nsid = (uint32_t)get_le(d->page + 4 * i, 4);
      if (nsid == 0)
        return true;
      if (nsid <= after || nsid > d->world->nn) {
        watch_fail(d->world, "CNS %02Xh: NSID %u follows %u", cns, nsid, after);
        return false;
      }
      d->listed[nsid] = 1;
      after = nsid;
    }
  }
}

/* CNS 03h. False: not there (any more). */
static bool read_uuid(struct driver *d, uint32_t nsid, uint8_t uuid[16])
{
  nvmens_sqe e = sqe_identify(NVMENS_CNS_NS_DESC_LIST, nsid, 0);
  size_t at = 0;

  if (!driver_read(d, &e, d->page, NVMENS_PAGE, NVMENS_SC_INVALID_FIELD))
    return false;
  while (at + 4 < NVMENS_PAGE && d->page[at + 1]) {
    if (d->page[at] == NVMENS_NIDT_UUID && d->page[at + 1] == 16 && at + 20 <= NVMENS_PAGE) {
      memcpy(uuid, d->page + at + 4, 16);
      return true;
    }
    at += 4u + d->page[at + 1];
  }
  watch_fail(d->world, "CNS 03h of NSID %u has no UUID", nsid);
  return false;
}

/* CNS 00h. False: inactive, all zero. */
static bool read_size(struct driver *d, uint32_t nsid, uint64_t *nsze)
{
  nvmens_sqe e = sqe_identify(NVMENS_CNS_NS, nsid, 0);
  const nvmens_id_ns *id = (const nvmens_id_ns *)(const void *)d->page;

  if (!driver_read(d, &e, d->page, NVMENS_PAGE, 0))
    return false;
  *nsze = get_le(id->nsze, 8);
  return get_le(id->ncap, 8) != 0;
}

static bool read_ready(struct driver *d, uint32_t nsid)
{
  nvmens_sqe e = sqe_identify(NVMENS_CNS_NS_INDEPENDENT, nsid, 0);
  const nvmens_id_ns_independent *id = (const nvmens_id_ns_independent *)(const void *)d->page;

  return driver_read(d, &e, d->page, NVMENS_PAGE, 0) && (id->nstat & NVMENS_NSTAT_NRDY);
}

/* The whole log. Some hosts read it in parts, which must end with RAE=0 on the last one only. */
static bool read_log(struct driver *d, uint8_t lid, uint8_t log[NVMENS_PAGE])
{
  const size_t half = NVMENS_PAGE / 2;
  nvmens_sqe e = sqe_log(lid, 0, NVMENS_PAGE, false);
  nvmens_sqe first = sqe_log(lid, 0, half, true);
  nvmens_sqe second = sqe_log(lid, half, half, false);
  uint32_t before = 0, nsid;
  bool read;

  if (d->kind == DRIVER_SPDK && rng_percent(&d->rng, 30))
    read = driver_read(d, &first, log, half, 0) && driver_read(d, &second, log + half, half, 0);
  else
    read = driver_read(d, &e, log, NVMENS_PAGE, 0);
  if (!read || get_le(log, 4) == NVMENS_NSID_ALL)
    return read;
  d->empty += get_le(log, 4) == 0;
  for (unsigned i = 0; i < NVMENS_LIST_NSIDS; i++, before = nsid) {
    nsid = (uint32_t)get_le(log + 4 * i, 4);
    if (before == 0 && i > 0) {
      if (nsid)
        watch_fail(d->world, "log %02Xh: NSID %u after the end", lid, nsid);
    } else if (nsid && (nsid <= before || nsid > d->world->nn)) {
      watch_fail(d->world, "log %02Xh: NSID %u follows %u", lid, nsid, before);
      return false;
    }
  }
  return true;
}

/* ---- modelled on Linux ---- */

static void linux_look(struct driver *d, uint32_t nsid)
{
  const struct disk *disk = &d->view[nsid];
  uint8_t uuid[16];
  uint64_t nsze = 0;

  if (!read_uuid(d, nsid, uuid) || !read_ready(d, nsid))
    return;
  if (!read_size(d, nsid, &nsze) ||
      (disk_there(disk) && memcmp(disk->uuid, uuid, sizeof(uuid)) != 0))
    disk_drop(d, nsid);
  else
    disk_add(d, nsid, uuid, nsze);
}

static void linux_scan(struct driver *d)
{
  uint8_t log[NVMENS_PAGE];

  if (atomic_exchange(&d->told, false) && !read_log(d, NVMENS_LID_CHANGED_ATTACHED_NS, log))
    return;
  if (!read_list(d, NVMENS_CNS_ACTIVE_NS_LIST))
    return;
  for (uint32_t nsid = 1; nsid <= d->world->nn; nsid++)
    if (d->listed[nsid])
      linux_look(d, nsid);
  for (uint32_t nsid = 1; nsid <= d->world->nn; nsid++)
    if (!d->listed[nsid])
      disk_drop(d, nsid);
}

/* ---- modelled on SPDK ---- */

static void spdk_look(struct driver *d, uint32_t nsid)
{
  struct disk *disk = &d->view[nsid];
  uint8_t uuid[16];
  uint64_t nsze = 0;

  if (!d->listed[nsid] || !read_size(d, nsid, &nsze))
    disk_drop(d, nsid);
  else if (disk_there(disk))
    disk->nsze = nsze;
  else if (read_uuid(d, nsid, uuid))
    disk_add(d, nsid, uuid, nsze);
}

/* Those of the log if there is one, else all. */
static void spdk_scan(struct driver *d, const uint8_t *log)
{
  if (!read_list(d, NVMENS_CNS_ACTIVE_NS_LIST))
    return;
  for (uint32_t nsid = 1; !log && nsid <= d->world->nn; nsid++)
    spdk_look(d, nsid);
  for (unsigned i = 0; log && i < NVMENS_LIST_NSIDS; i++) {
    uint32_t nsid = (uint32_t)get_le(log + 4 * i, 4);

    if (nsid == 0)
      break;
    spdk_look(d, nsid);
  }
}

/* ---- events ---- */

void scan_attached_event(struct driver *d)
{
  uint8_t log[NVMENS_PAGE];

  d->scans++;
  if (d->kind == DRIVER_LINUX)
    linux_scan(d);
  else if (read_log(d, NVMENS_LID_CHANGED_ATTACHED_NS, log))
    spdk_scan(d, get_le(log, 4) == NVMENS_NSID_ALL ? NULL : log);
}

void scan_allocated(struct driver *d)
{
  if (read_list(d, NVMENS_CNS_ALLOCATED_NS_LIST))
    memcpy(d->allocated, d->listed, d->world->nn + 1);
}

void scan_allocated_event(struct driver *d)
{
  uint8_t log[NVMENS_PAGE];

  if (read_log(d, NVMENS_LID_CHANGED_ALLOCATED_NS, log))
    scan_allocated(d);
}

void scan_all(struct driver *d)
{
  if (d->kind == DRIVER_LINUX)
    linux_scan(d);
  else
    spdk_scan(d, NULL);
}

/* A host gets no event for its own delete (R40), so it looks for itself. */
void scan_after_command(struct driver *d, uint32_t nsid)
{
  uint8_t log[NVMENS_PAGE];

  memset(log, 0, sizeof(log));
  put_le(log, 4, nsid);
  if (d->kind == DRIVER_LINUX || nsid == NVMENS_NSID_ALL)
    scan_all(d);
  else
    spdk_scan(d, log);
  scan_allocated(d);
}
