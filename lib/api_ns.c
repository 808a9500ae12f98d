/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api_ns.c: the backend's verbs for namespaces, for time, and its answers. Floor 5.
 */
#include <string.h>

#include "api.h"
#include "attach.h"
#include "ns.h"
#include "subsys.h"

static int check_ns_config(const nvmens_subsys *s, const nvmens_ns_config *c)
{
  static const nvmens_ident nobody;
  uint8_t formats = c->nlbaf ? c->nlbaf : s->config.nlbaf;

  if (c->nsid > s->config.nn || !c->nsze || c->ncap > c->nsze ||
      nvmens_check_formats(c->lbaf, c->nlbaf) || c->flbas >= formats ||
      memcmp(&c->ident, &nobody, sizeof(nobody)) == 0 ||
      (c->home_given && c->home_cntlid > NVMENS_CNTLID_MAX))
    return NVMENS_ERR_INVAL;
  if (c->csi >= 32 || !(s->config.csi_supported >> c->csi & 1))
    return NVMENS_ERR_COMMAND_SET;
  return 0;
}

int nvmens_ns_new_sized(nvmens_subsys *s, const nvmens_ns_config *config, size_t size,
                        void *ns_user, nvmens_nsref *out)
{
  nvmens_ns_config c;
  nvmens_ns *ns = NULL;
  int err;

  if (!s || !config || !out || nvmens_adopt(&c, sizeof(c), config, size))
    return NVMENS_ERR_INVAL;
  err = check_ns_config(s, &c);
  if (err)
    return err;
  nvmens_enter(s);
  err = s->ending ? NVMENS_ERR_BUSY : nvmens_fan_create(s, &c, ns_user, &ns).err;
  if (!err) {
    *out = (nvmens_nsref){ns->nsid, ns->gen};
    nvmens_fan_deliver(s);
  }
  nvmens_commit(s);
  return err;
}

int nvmens_ns_attach(nvmens_subsys *s, nvmens_nsref ref, nvmens_ctrl *ctrl)
{
  nvmens_ns *ns;
  int err = NVMENS_ERR_STALE;

  if (!s || !ctrl || ctrl->subsys != s)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nvmens_ns_of_ref(s, ref);
  if (ns)
    err = ns->state == NVMENS_NS_DELETING || ctrl->state == NVMENS_CTRL_GOING
              ? NVMENS_ERR_BUSY
              : nvmens_fan_attach(ns, ctrl).err;
  nvmens_fan_deliver(s);
  nvmens_commit(s);
  return err;
}

int nvmens_ns_detach(nvmens_subsys *s, nvmens_nsref ref, nvmens_ctrl *ctrl, nvmens_mode mode,
                     uint64_t now_ns, uint64_t deadline_ns)
{
  nvmens_ns *ns;
  int err = NVMENS_ERR_STALE;

  if (!s || !ctrl || ctrl->subsys != s || (mode != NVMENS_ORDERLY && mode != NVMENS_SURPRISE))
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  nvmens_set_deadline(s, now_ns, deadline_ns);
  ns = nvmens_ns_of_ref(s, ref);
  if (ns)
    err = nvmens_fan_detach(ns, ctrl, mode == NVMENS_SURPRISE ? NVMENS_EV_ABORT : NVMENS_EV_DETACH,
                            NULL)
              .err;
  nvmens_fan_deliver(s);
  nvmens_commit(s);
  return err;
}

int nvmens_ns_plug(nvmens_subsys *s, nvmens_nsref ref)
{
  nvmens_ns *ns;
  int err = NVMENS_ERR_STALE;

  if (!s)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nvmens_ns_of_ref(s, ref);
  if (ns)
    err = ns->state == NVMENS_NS_DELETING ? NVMENS_ERR_BUSY : nvmens_fan_plug(ns);
  nvmens_fan_deliver(s);
  nvmens_commit(s);
  return err;
}

int nvmens_ns_unplug(nvmens_subsys *s, nvmens_nsref ref, nvmens_mode mode, uint64_t now_ns,
                     uint64_t deadline_ns)
{
  nvmens_ns *ns;
  int err = NVMENS_ERR_STALE;

  if (!s || (mode != NVMENS_ORDERLY && mode != NVMENS_SURPRISE))
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  nvmens_set_deadline(s, now_ns, deadline_ns);
  ns = nvmens_ns_of_ref(s, ref);
  if (ns)
    err = nvmens_fan_remove(
              ns, mode == NVMENS_SURPRISE ? NVMENS_EV_UNPLUG_SURPRISE : NVMENS_EV_UNPLUG, NULL)
              .err;
  nvmens_fan_deliver(s);
  nvmens_commit(s);
  return err;
}

static int check_attrs(const nvmens_ns *ns, const nvmens_ns_attrs *a)
{
  const uint32_t known =
      NVMENS_SET_SIZE | NVMENS_SET_FORMAT | NVMENS_SET_WRITE_PROTECT | NVMENS_SET_OTHER;

  if (!a->set || (a->set & ~known) || ((a->set & NVMENS_SET_FORMAT) && a->flbas >= ns->nlbaf) ||
      ((a->set & NVMENS_SET_SIZE) && (!a->nsze || a->ncap > a->nsze)))
    return NVMENS_ERR_INVAL;
  return 0;
}

int nvmens_ns_next(nvmens_subsys *s, uint32_t after, nvmens_nsref *out)
{
  const nvmens_ns *ns;

  if (!s || !out)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nvmens_nsid_set_next(&s->ns, after, &after);
  if (ns)
    *out = (nvmens_nsref){ns->nsid, ns->gen};
  nvmens_commit(s);
  return ns ? 0 : NVMENS_ERR_NOT_FOUND;
}

int nvmens_ns_update_sized(nvmens_subsys *s, nvmens_nsref ref, const nvmens_ns_attrs *attrs,
                           size_t size)
{
  nvmens_ns_attrs a;
  nvmens_ns *ns;
  int err = NVMENS_ERR_STALE;

  if (!s || !attrs || nvmens_adopt(&a, sizeof(a), attrs, size))
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  ns = nvmens_ns_of_ref(s, ref);
  if (ns)
    err = check_attrs(ns, &a);
  if (ns && !err)
    err = nvmens_fan_update(ns, &a).err;
  nvmens_fan_deliver(s);
  nvmens_commit(s);
  return err;
}

/* ---- time and answers ---- */

int nvmens_done(nvmens_subsys *s, nvmens_token token, nvmens_status status)
{
  nvmens_attachment *att;
  int err = NVMENS_ERR_STALE;

  if (!s)
    return NVMENS_ERR_INVAL;
  nvmens_enter(s);
  att = nvmens_tokens_find(&s->tokens, token, NVMENS_TOKEN_DRAIN);
  if (att && !att->hook_done) {
    att->hook_done = 1;
    att->outcome = status.sf;
    nvmens_att_drained(att);
    err = 0;
  }
  nvmens_commit(s);
  return err;
}

enum { PIECE = 256 }; /* of gates, under the lock */

/* Whether there are more. */
static bool look_at_gates(nvmens_subsys *s)
{
  nvmens_slot *slot = NULL;

  for (int i = 0; i < PIECE && (slot = nvmens_bell_next(&s->bell)) != NULL; i++)
    if (slot->owner)
      nvmens_att_drained(slot->owner);
  return slot != NULL;
}

void nvmens_poll(nvmens_subsys *s, uint64_t now_ns)
{
  if (!s)
    return;
  nvmens_enter(s);
  nvmens_set_now(s, now_ns);
  nvmens_bell_clear(&s->bell);
  s->barrier_at = UINT64_MAX; /* this call tries anew */
  if (s->barrier_due)
    nvmens_look_at_drains(s);
  while (look_at_gates(s) || nvmens_run_timers(s)) {
    s->core.hooks++;  /* it is not deleted meanwhile */
    nvmens_commit(s); /* let others in */
    nvmens_enter(s);
    s->core.hooks--;
  }
  nvmens_commit(s);
}

uint64_t nvmens_next_deadline(const nvmens_subsys *s)
{
  nvmens_subsys *own = (nvmens_subsys *)s;
  uint64_t at;

  if (!s)
    return UINT64_MAX;
  nvmens_enter(own);
  if (own->core.first && !own->core.flushing) /* effects left over: at once */
    at = own->core.now;
  else
    at = nvmens_earliest(own);
  nvmens_unlock(&own->core);
  return at;
}
