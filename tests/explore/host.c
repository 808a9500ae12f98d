/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * host.c: drivers, one command a step, so that anything may come between two of them (C4, C6, C11,
 * C14, C18). A driver has disks by path and identity, and can send I/O to them in every state
 * (wants.c). Where hosts keep their disks (fabrics), a path has them while its controller is away,
 * for as long as the library remembers.
 *
 * Linux: one AER, sent again at once; its completion wants a scan. A scan reads log 04h with RAE=0
 * if an event asked for it, takes CNS 02h, then for each NSID CNS 03h and 00h. What is not listed
 * is dropped when the next one listed has been looked at, or else at the end of the scan; a disk
 * whose identity has changed is dropped and not added in that scan; a listed NSID whose CNS 03h
 * fails stays as it is. All controllers of one host are paths to one disk for each NSID: a path
 * whose identity is not that of the other paths, or that is private, is not added.
 * SPDK: as many AERs as it may have; a completion reads log 04h and looks at the NSIDs it lists,
 * and at no others; at its start it looks at all. It compares the size only: what is there again
 * stays as it was, with its old identity.
 * Lazy: asks for no events. It lists and looks when it likes, and believes what it sees.
 */
#include "explore.h"

#include "le.h"

enum { START = 1, EVENT = 2 }; /* what a scan is queued for */

/* One host may ask for events by one path, and not by another. */
bool host_is_lazy(const host *h)
{
  return W->host == HOST_LAZY || (W->lazy >> (h - E->host) & 1);
}

uint8_t host_of(const ctl *c)
{
  return W->other_hosts ? c->index : 0;
}

void host_start(ctl *c)
{
  host *h = &E->host[c->index];

  h->phase = host_is_lazy(h) ? H_IDLE : H_START;
  h->queued = START;
  h->at = 0;
  h->left_at = 0;
  memset(h->todo, 0, sizeof(h->todo));
}

void host_event(ctl *c)
{
  E->host[c->index].queued |= W->host != HOST_NONE ? EVENT : 0;
}

/* It keeps its disks while it reconnects, or they go with the device. */
void host_goes(host *h)
{
  host kept = {0};

  if (W->keeps)
    memcpy(kept.seen, h->seen, sizeof(kept.seen));
  kept.left_at = W->keeps ? E->now + 1 : 0;
  *h = kept;
}

/* As ctrl_loss_tmo has it: what is away for as long as the library remembers has gone. */
void hosts_give_up(void)
{
  for (host *h = E->host; h < E->host + W->ctrls; h++)
    if (h->left_at && E->now + 1 >= h->left_at + W->memory)
      memset(h, 0, sizeof(*h));
}

outcome host_arm(ctl *c)
{
  const host *h = &E->host[c->index];

  if (host_is_lazy(h) || h->phase == H_START || c->nfifo >= (W->host == HOST_LINUX ? 1 : W->aers))
    return SKIPPED;
  submit(c, C_AER, NVMENS_OP_ASYNC_EVENT_REQUEST, 0, (uint32_t[6]){0});
  return DONE;
}

/* The brisk ones, after each action. */
void hosts_arm(void)
{
  for (ctl *c = E->ctl; c < E->ctl + W->ctrls && W->brisk; c++)
    if (c->ctrl && c->state == READY && !violation[0])
      while (host_arm(c) == DONE && !violation[0])
        continue;
}

static void read_log(ctl *c, host *h)
{
  uint32_t nsid;

  h->queued = 0;
  memset(h->todo, 0, sizeof(h->todo));
  read_page(c, A_LOG, false, 0, NVMENS_PAGE);
  MUST(24, now.sf == 0, "the log cannot be read (C5)");
  for (int i = 0; (nsid = nvmens_get32(now.page + 4 * i)) != 0 && i < 15; i++)
    h->todo[nsid <= NSIDS ? nsid : 0] = 1;
  h->phase = W->host == HOST_LINUX ? H_LIST : H_LOOK;
  h->at = 1;
}

static void begin_scan(ctl *c, host *h)
{
  if ((h->queued & EVENT) && !(W->host == HOST_SPDK && (h->queued & START))) {
    read_log(c, h);
    return;
  }
  h->queued &= (uint8_t)~START;
  h->at = 1;
  memset(h->todo, W->host == HOST_SPDK, sizeof(h->todo));
  h->phase = W->host == HOST_SPDK ? H_LOOK : H_LIST;
}

static void drop_unlisted(host *h)
{
  for (uint32_t nsid = 1; nsid < h->at; nsid++)
    if (!h->todo[nsid])
      h->seen[nsid] = (disk){0, 0};
}

static void read_list(ctl *c, host *h)
{
  uint32_t nsid;

  memset(h->todo, 0, sizeof(h->todo));
  simple(c, NVMENS_OP_IDENTIFY, 0, NVMENS_CNS_ACTIVE_NS_LIST, 0);
  for (int i = 0; (nsid = nvmens_get32(now.page + 4 * i)) != 0 && i < 15; i++)
    h->todo[nsid <= NSIDS ? nsid : 0] = 1;
  h->phase = H_LOOK;
}

static void end_scan(host *h)
{
  h->phase = H_IDLE;
  h->at = 0;
  memset(h->todo, 0, sizeof(h->todo));
}

static void next(host *h)
{
  if (W->host == HOST_LINUX)
    drop_unlisted(h);
  do
    h->at++;
  while (h->at <= W->nsids && !h->todo[h->at]);
  h->phase = H_LOOK;
  h->who = 0;
  if (h->at > W->nsids && W->host != HOST_SPDK)
    h->phase = H_DROP;
  else if (h->at > W->nsids)
    end_scan(h);
}

static void look(ctl *c, host *h)
{
  simple(c, NVMENS_OP_IDENTIFY, h->at, NVMENS_CNS_NS_DESC_LIST, 0);
  h->who = now.sf == 0 ? now.page[4] : 0;
  if (host_is_lazy(h) && h->seen[h->at].who != h->who)
    h->seen[h->at] = (disk){0, 0}; /* it believes what it sees */
  if (now.sf && W->host == HOST_LINUX)
    next(h); /* C11 */
  else
    h->phase = H_SIZE;
}

/* Another path of the same host to this NSID, as somebody else. */
static bool in_the_way(const host *h, uint8_t who)
{
  if (W->other_hosts)
    return false;
  for (unsigned i = 0; i < W->ctrls; i++) {
    uint8_t other = E->host[i].seen[h->at].who;

    if (&E->host[i] != h && other && (other != who || W->private_ns >> h->at & 1))
      return true;
  }
  return false;
}

static void take(ctl *c, host *h)
{
  disk *seen = &h->seen[h->at];
  uint8_t who = h->who, size;

  simple(c, NVMENS_OP_IDENTIFY, h->at, NVMENS_CNS_NS, 0);
  size = now.page[0];
  if (!size)
    who = 0;
  if (W->host == HOST_LINUX && seen->who && seen->who != who)
    who = 0; /* C14 */
  else if (W->host == HOST_LINUX && !seen->who && in_the_way(h, who))
    who = 0;
  else if (W->host == HOST_SPDK && who && seen->who)
    who = seen->who;
  *seen = who ? (disk){who, size} : (disk){0, 0};
  next(h);
}

outcome host_scan(ctl *c)
{
  host *h = &E->host[c->index];

  switch (h->phase) {
  case H_START:
    simple(c, NVMENS_OP_SET_FEATURES, 0, NVMENS_FID_ASYNC_EVENT_CONFIG, NVMENS_AEC_ATTACHED_NS);
    c->aec = NVMENS_AEC_ATTACHED_NS;
    h->phase = H_IDLE;
    return DONE;
  case H_IDLE:
    if (!h->queued && !host_is_lazy(h))
      return SKIPPED;
    begin_scan(c, h);
    break;
  case H_LIST:
    read_list(c, h);
    break;
  case H_LOOK:
    look(c, h);
    if (W->brisk && h->phase == H_SIZE)
      take(c, h);
    return DONE;
  case H_DROP:
    drop_unlisted(h);
    end_scan(h);
    return DONE;
  default:
    take(c, h);
    return DONE;
  }
  if (h->phase == H_LOOK && !h->todo[h->at])
    next(h);
  return DONE;
}
