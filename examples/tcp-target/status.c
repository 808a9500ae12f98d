/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c: the status line: everything that the library and the target know, as one line of JSON.
 * Control thread only. Each object is looked at by itself; while things change the line is no
 * snapshot.
 */
#include "control.h"
#include <stdlib.h>

static const char *const ctrl_states[] = {"disabled", "ready", "shutdown", "going"};
static const char *const ns_states[] = {"absent", "allocated", "deleting"};
static const char *const waits_for[] = {"nothing", "drain", "command set", "host", "limit"};
static const char *const att_states[] = {"detached", "wanted",   "fenced",
                                         "attached", "draining", "aborting"};
static const char *const stalls[] = {"no", "soft", "hard"};

static void say_string(client *c, const char *s)
{
  client_say(c, "\"");
  for (; *s; s++) {
    unsigned char b = (unsigned char)*s;

    if (b < 0x20 || b == '"' || b == '\\' || b >= 0x7F)
      client_say(c, "\\u%04x", b);
    else
      client_say(c, "%c", b);
  }
  client_say(c, "\"");
}

static void say_ctrl(client *c, ctrl *k, bool first)
{
  nvmens_ctrl_info i;
  int err = NVMENS_ERR_NOT_FOUND, queues = 0;

  pthread_mutex_lock(&k->life);
  if (!k->gone)
    err = nvmens_ctrl_query(k->lib, &i);
  pthread_mutex_unlock(&k->life);
  if (err)
    return;
  pthread_mutex_lock(&k->t->lock);
  for (int q = 1; q <= MAX_IO_QUEUES; q++)
    queues += k->ioq[q] != NULL;
  pthread_mutex_unlock(&k->t->lock);
  client_say(c,
             "%s{\"cntlid\":%u,\"kind\":\"%s\",\"state\":\"%s\",\"queues\":%d,\"attached\":%u,"
             "\"wanted\":%u,\"fenced\":%u,\"draining\":%u,\"parked\":%u,\"owed\":%u,\"reported\":%"
             "u,\"aec\":%u,"
             "\"sent\":%llu,\"coalesced\":%llu,\"hostnqn\":",
             first ? "" : ",", i.cntlid, k->discovery ? "discovery" : "io", ctrl_states[i.state],
             queues, i.attached, i.wanted, i.fenced, i.draining, i.parked, i.owed, i.reported,
             i.aec, (unsigned long long)i.sent, (unsigned long long)i.coalesced);
  say_string(c, k->hostnqn);
  client_say(c, "}");
}

static uint32_t say_attachments(target *t, client *c, nvmens_nsref ref, ctrl **ctrls, size_t count)
{
  uint32_t in_flight = 0;
  bool any = false;

  client_say(c, ",\"attachments\":[");
  for (size_t i = 0; i < count; i++) {
    ctrl *k = ctrls[i];
    nvmens_att_info info;
    int err = NVMENS_ERR_NOT_FOUND;

    pthread_mutex_lock(&k->life);
    if (!k->gone && !k->discovery)
      err = nvmens_att_query(t->subsys, ref, k->lib, &info);
    pthread_mutex_unlock(&k->life);
    if (err || info.state == NVMENS_ATT_DETACHED)
      continue;
    client_say(c,
               "%s{\"cntlid\":%u,\"state\":\"%s\",\"waits_for\":\"%s\",\"open\":%s,"
               "\"in_flight\":%u}",
               any ? "," : "", k->cntlid, att_states[info.state], waits_for[info.waits_for],
               info.open ? "true" : "false", info.in_flight);
    in_flight += info.in_flight;
    any = true;
  }
  client_say(c, "]");
  return in_flight;
}

static void say_uuid(client *c, const uint8_t *uuid)
{
  for (int i = 0; i < 16; i++)
    client_say(c, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

static bool say_ns(target *t, client *c, ns *n, ctrl **ctrls, size_t count, bool first)
{
  nvmens_nsref ref;
  nvmens_ns_info i;

  if (nvmens_ns_find(t->subsys, n->nsid, &ref) || nvmens_ns_query(t->subsys, ref, &i))
    return false;
  client_say(c,
             "%s{\"nsid\":%u,\"state\":\"%s\",\"blocks\":%llu,\"bs\":%u,\"shared\":%s,"
             "\"backend\":\"%s\",\"stall\":\"%s\",\"attached\":%u,\"wanted\":%u,"
             "\"fenced\":%u,\"draining\":%u,\"uuid\":\"",
             first ? "" : ",", i.nsid, ns_states[i.state], (unsigned long long)i.nsze,
             1u << i.lbads, i.shared ? "true" : "false", n->b.fd >= 0 ? "file" : "ram",
             stalls[atomic_load(&n->stall)], i.attached, i.wanted, i.fenced, i.draining);
  say_uuid(c, i.ident.uuid);
  client_say(c, "\"");
  client_say(c, ",\"in_flight\":%u}", say_attachments(t, c, ref, ctrls, count));
  return true;
}

void status_say(target *t, client *c)
{
  ctrl **ctrls;
  ns **all;
  size_t nctrls = ctrl_all(t, &ctrls), count = ns_all(t, &all);
  unsigned conns;
  bool any = false;

  pthread_mutex_lock(&t->lock);
  conns = t->nconns;
  pthread_mutex_unlock(&t->lock);
  client_say(c, "{\"connections\":%u,\"controllers\":[", conns);
  for (size_t i = nctrls; i-- > 0;)
    say_ctrl(c, ctrls[i], i == nctrls - 1);
  client_say(c, "],\"namespaces\":[");
  for (size_t i = count; i-- > 0;) {
    any |= say_ns(t, c, all[i], ctrls, nctrls, !any);
    ns_put(all[i]);
  }
  client_say(c, "]}\n");
  for (size_t i = 0; i < nctrls; i++)
    ctrl_put(ctrls[i]);
  free(ctrls);
  free(all);
}
