/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ns.c: one namespace: allocation, capacity, its end (R3-R5, R8-R15, R54). Floor 3.
 *
 * Invariants: an NSID, an identity and the capacity are taken from create to quiet; a namespace is
 * released once, after the last attachment and the last hook that uses it.
 */
#include "ns.h"

#include <string.h>

#include "always.h"
#include "ctrl.h"
#include "le.h"
#include "paths.h"

nvmens_ns *nvmens_ns_of(const nvmens_subsys *s, uint32_t nsid)
{
  return nvmens_nsid_set_get(&s->ns, nsid);
}

nvmens_ns *nvmens_ns_of_ref(const nvmens_subsys *s, nvmens_nsref ref)
{
  nvmens_ns *ns = ref.nsid ? nvmens_ns_of(s, ref.nsid) : NULL;

  return ns && ns->gen == ref.gen ? ns : NULL;
}

nvmens_ns *nvmens_ns_allocated(const nvmens_subsys *s, uint32_t nsid)
{
  nvmens_ns *ns = nvmens_ns_of(s, nsid);

  return ns && ns->state == NVMENS_NS_ALLOCATED ? ns : NULL;
}

nvmens_subject nvmens_about_ns(const nvmens_ns *ns)
{
  return (nvmens_subject){NVMENS_CNTLID_ANY, ns->nsid, 0};
}

/* ---- capacity (R54) ---- */

nvmens_u128 nvmens_ns_bytes(uint64_t blocks, uint8_t lbads)
{
  return (nvmens_u128){blocks << lbads, NVMENS_ALWAYS(lbads) ? blocks >> (64 - lbads) : 0};
}

static bool less(nvmens_u128 a, nvmens_u128 b)
{
  return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

static nvmens_u128 add(nvmens_u128 a, nvmens_u128 b)
{
  return (nvmens_u128){a.lo + b.lo, a.hi + b.hi + (a.lo + b.lo < a.lo)};
}

static nvmens_u128 subtract(nvmens_u128 a, nvmens_u128 b)
{
  return (nvmens_u128){a.lo - b.lo, a.hi - b.hi - (a.lo < b.lo)};
}

static bool accounted(const nvmens_subsys *s)
{
  return s->config.tnvmcap.lo || s->config.tnvmcap.hi;
}

static nvmens_u128 bytes_of(const nvmens_ns *ns)
{
  return nvmens_ns_bytes(ns->ncap, ns->lbaf[ns->flbas].lbads);
}

/* ---- create ---- */

/* Room for an entry of each allocated namespace in each controller's log 1Ch. */
static int reserve_logs(nvmens_subsys *s)
{
  for (uint32_t i = 0; i < s->nctrl; i++)
    if (nvmens_changed_reserve(&s->ctrl[i]->changed[NVMENS_LOG_ALLOCATED], &s->core.mem,
                               s->ns.count))
      return NVMENS_ERR_NOMEM;
  return 0;
}

/* R69. */
static uint32_t free_nsid(const nvmens_subsys *s)
{
  enum { TRIES = 1024 };
  uint32_t first = nvmens_nsid_set_gap(&s->ns, s->config.nn), nsid = first;

  for (int tries = 0; tries < TRIES && nsid <= s->config.nn; nsid++) {
    if (nvmens_ns_of(s, nsid))
      continue;
    if (!nvmens_paths_remember(s, nsid))
      return nsid;
    tries++;
  }
  return first;
}

static nvmens_verdict choose_nsid(const nvmens_subsys *s, uint32_t *nsid)
{
  const nvmens_verdict none = {NVMENS_SC_NS_ID_UNAVAILABLE | NVMENS_SF_DNR, NVMENS_ERR_LIMIT};
  const nvmens_ns *there = *nsid ? nvmens_ns_of(s, *nsid) : NULL;
  const nvmens_cell *cell;

  if (there) {
    cell = nvmens_cell_of(NVMENS_M_NS, there->state, NVMENS_EV_CREATE);
    return NVMENS_VERDICT(cell->sf, cell->err);
  }
  if (s->ns.count >= (s->config.mnan ? s->config.mnan : s->config.nn))
    return none;
  if (!*nsid)
    *nsid = free_nsid(s);
  return NVMENS_ALWAYS(*nsid) ? NVMENS_VERDICT_OK : none;
}

/* Word by word, each well mixed before the next, so that no field undoes another. 64 bits stand for
 * 41 bytes: a chance of 2^-64 to miss a swap, for a sixth of the memory. */
static uint64_t identity_of(const nvmens_ident *ident, uint8_t csi)
{
  uint8_t bytes[48] = {0};
  uint64_t hash = UINT64_C(0xcbf29ce484222325);

  memcpy(bytes, ident->uuid, 16);
  memcpy(bytes + 16, ident->nguid, 16);
  memcpy(bytes + 32, ident->eui64, 8);
  bytes[40] = csi;
  for (size_t i = 0; i < sizeof(bytes); i += 8) {
    uint64_t word = nvmens_get64(bytes + i);

    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 29;
  }
  return hash;
}

static nvmens_ns *ns_new(nvmens_subsys *s, const nvmens_ns_config *config, void *user)
{
  const nvmens_mem *mem = &s->core.mem;
  nvmens_ns *ns = nvmens_zalloc(mem, 1, sizeof(*ns));
  nvmens_lbaf *lbaf = NULL;

  if (!ns)
    return NULL;
  if (config->nlbaf) {
    lbaf = nvmens_zalloc(mem, config->nlbaf, sizeof(*lbaf));
    if (!lbaf) {
      nvmens_free(mem, ns);
      return NULL;
    }
    memcpy(lbaf, config->lbaf, config->nlbaf * sizeof(*lbaf));
  }
  ns->subsys = s;
  ns->user = user;
  ns->lbaf = lbaf ? lbaf : s->config.lbaf;
  ns->nlbaf = lbaf ? config->nlbaf : s->config.nlbaf;
  ns->nsze = config->nsze;
  ns->ncap = config->ncap ? config->ncap : config->nsze;
  ns->ident = config->ident;
  ns->anagrpid = config->anagrpid;
  ns->nvmsetid = config->nvmsetid;
  ns->endgid = config->endgid;
  ns->home = config->home_given ? config->home_cntlid : NVMENS_CNTLID_ANY;
  ns->csi = config->csi;
  ns->identity = identity_of(&config->ident, config->csi);
  ns->flbas = config->flbas;
  ns->shared = config->shared != 0;
  ns->auto_attach = config->auto_attach != 0;
  ns->write_protected = config->write_protected != 0;
  return ns;
}

static void ns_free(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;

  if (ns->lbaf != s->config.lbaf)
    nvmens_free(&s->core.mem, (void *)ns->lbaf);
  nvmens_free(&s->core.mem, ns);
}

nvmens_verdict nvmens_ns_prepare(nvmens_subsys *s, const nvmens_ns_config *config, void *user,
                                 nvmens_ns **out)
{
  const nvmens_verdict full = {NVMENS_SC_NS_INSUFFICIENT_CAPACITY | NVMENS_SF_DNR,
                               NVMENS_ERR_CAPACITY};
  uint32_t nsid = config->nsid;
  nvmens_verdict verdict = choose_nsid(s, &nsid);
  nvmens_ns *ns;

  if (verdict.err)
    return verdict;
  if (nvmens_ident_set_has(&s->idents, &config->ident))
    return NVMENS_VERDICT(NVMENS_SC_INTERNAL_ERROR, NVMENS_ERR_EXISTS);
  ns = ns_new(s, config, user);
  if (!ns)
    return NVMENS_VERDICT_NOMEM;
  if (accounted(s) && less(s->unvmcap, bytes_of(ns))) {
    ns_free(ns);
    return full;
  }
  if (reserve_logs(s) || nvmens_ident_set_add(&s->idents, &s->core.mem, &ns->ident)) {
    ns_free(ns);
    return NVMENS_VERDICT_NOMEM;
  }
  if (nvmens_nsid_set_add(&s->ns, &s->core.mem, nsid, ns)) {
    nvmens_ident_set_remove(&s->idents, &ns->ident);
    ns_free(ns);
    return NVMENS_VERDICT_NOMEM;
  }
  ns->nsid = nsid;
  ns->gen = ++s->gen ? s->gen : ++s->gen; /* 0 names none */
  *out = ns;
  return NVMENS_VERDICT_OK;
}

static void give_names_back(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;

  nvmens_ident_set_remove(&s->idents, &ns->ident);
  nvmens_nsid_set_remove(&s->ns, &s->core.mem, ns->nsid);
}

void nvmens_ns_forget(nvmens_ns *ns)
{
  give_names_back(ns);
  ns_free(ns);
}

void nvmens_ns_changed(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;

  if (ns->changed)
    return;
  ns->changed = 1;
  ns->changed_next = s->changed;
  s->changed = ns;
}

bool nvmens_ns_find_keeper(nvmens_ns *ns)
{
  const nvmens_subsys *s = ns->subsys;
  const nvmens_ctrl *ctrl = NULL;

  if (!ns->auto_attach || ns->shared || ns->home != NVMENS_CNTLID_ANY || ns->keeper)
    return false;
  for (uint32_t i = 0; i < s->nctrl && !ctrl; i++)
    if (s->ctrl[i]->kind == NVMENS_CTRL_IO && s->ctrl[i]->state != NVMENS_CTRL_GOING)
      ctrl = s->ctrl[i];
  if (!ctrl)
    return false;
  if (ctrl->host->known) {
    ns->keeper = ctrl->host;
  } else {
    ns->home = ctrl->cntlid;
    ns->home_found = 1;
  }
  return true;
}

void nvmens_ns_publish(nvmens_ns *ns)
{
  nvmens_subsys *s = ns->subsys;

  if (accounted(s))
    s->unvmcap = subtract(s->unvmcap, bytes_of(ns));
  nvmens_step(&s->core, NVMENS_M_NS, &ns->state, NVMENS_EV_CREATE, nvmens_about_ns(ns));
}

nvmens_verdict nvmens_ns_resize(nvmens_ns *ns, uint64_t nsze, uint64_t ncap, uint8_t flbas)
{
  nvmens_subsys *s = ns->subsys;
  nvmens_u128 free = add(s->unvmcap, bytes_of(ns));
  nvmens_u128 wanted = nvmens_ns_bytes(ncap, ns->lbaf[flbas].lbads);

  if (accounted(s) && less(free, wanted))
    return NVMENS_VERDICT(NVMENS_SC_NS_INSUFFICIENT_CAPACITY | NVMENS_SF_DNR, NVMENS_ERR_CAPACITY);
  if (accounted(s))
    s->unvmcap = subtract(free, wanted);
  ns->nsze = nsze;
  ns->ncap = ncap;
  ns->flbas = flbas;
  return NVMENS_VERDICT_OK;
}

/* ---- the end ---- */

nvmens_verdict nvmens_ns_leave(nvmens_ns *ns, unsigned event, nvmens_cmd *owner, uint16_t *actions)
{
  nvmens_subsys *s = ns->subsys;
  bool was = ns->state == NVMENS_NS_ALLOCATED;
  const nvmens_cell *cell =
      nvmens_step(&s->core, NVMENS_M_NS, &ns->state, event, nvmens_about_ns(ns));

  *actions = cell->actions;
  if (NVMENS_NEVER(cell->kind != NVMENS_GO)) /* callers have looked */
    return NVMENS_VERDICT(cell->sf, NVMENS_ERR_STALE);
  if (cell->actions & NVMENS_DO_OWN_NS) {
    ns->reason = NVMENS_HOST_DELETED;
    nvmens_cmd_owe(owner, &ns->debt);
  }
  s->ndeleting += was;
  return NVMENS_VERDICT_OK;
}

/* The NSID and the capacity are back when the backend hears of it, so that it can use them. */
static void released_run(nvmens_subsys *s, nvmens_effect *effect)
{
  nvmens_ns *ns = NVMENS_OBJECT(effect, nvmens_ns, released);

  nvmens_step(&s->core, NVMENS_M_NS, &ns->state, NVMENS_EV_QUIET, nvmens_about_ns(ns));
  if (accounted(s))
    s->unvmcap = add(s->unvmcap, bytes_of(ns));
  nvmens_paths_forget_wishes(s, ns);
  give_names_back(ns);
  if (s->core.host.released) {
    nvmens_hook_enter(&s->core);
    s->core.host.released(ns->user, (nvmens_reason)ns->reason);
    nvmens_hook_leave(&s->core);
  }
  nvmens_debt_settle(&ns->debt); /* the host may rely on it that the storage is free */
  s->ndeleting--;
  ns_free(ns);
}

void nvmens_ns_quiet(nvmens_ns *ns)
{
  if (ns->state != NVMENS_NS_DELETING || ns->attachments || ns->pins || ns->leaving)
    return;
  ns->leaving = 1;
  nvmens_outbox_add(&ns->subsys->core, &ns->released, released_run);
}

void nvmens_ns_late(nvmens_ns *ns)
{
  if (ns->state == NVMENS_NS_DELETING && ns->count[NVMENS_ATT_ABORTING] &&
      !ns->count[NVMENS_ATT_ATTACHED] && !ns->count[NVMENS_ATT_DRAINING])
    nvmens_debt_settle(&ns->debt);
}
