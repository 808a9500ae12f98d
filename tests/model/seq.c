/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seq.c: runs as text: a line of the configuration, one of hosts, one of the NSIDs, formats, and
 * a line for each
 * step: when (now, or inside the next hook of that name), what, and seven small numbers.
 */
#include "gen.h"

#include <inttypes.h>

void gen_print(FILE *out, const gen_run *r)
{
  const nvmens_subsys_config *c = &r->conf.cfg;

  fprintf(out,
          "config nn=%u mnan=%u max_ctrls=%u aerl=%u aerl_is_zero=%u mask_scope=%u inactive_io=%u "
          "tnvmcap=%" PRIu64 " maxdna=%" PRIu64 " maxcna=%u csi=%u aec=%u aec_default=%u "
          "deadline=%" PRIu64 " gate=%u no_prepare=%u no_drain=%u no_identify=%u drivers=%u\n",
          c->nn, c->mnan, c->max_ctrls, c->aerl, c->aerl_is_zero, c->mask_scope, c->inactive_io,
          c->tnvmcap.lo, c->maxdna, c->maxcna, c->csi_supported, c->aec_supported, c->aec_default,
          c->deadline_ns, c->gate_mode, r->conf.no_prepare, r->conf.no_drain, r->conf.no_identify,
          r->conf.drivers);
  if (c->host_wait_ns || c->host_memory_ns || r->conf.quiet)
    fprintf(out, "hosts wait=%" PRIu64 " memory=%" PRIu64 " quiet=%u\n", c->host_wait_ns,
            c->host_memory_ns, r->conf.quiet);
  if (r->conf.now)
    fprintf(out, "time %" PRIu64 "\n", r->conf.now);
  fprintf(out, "nsids");
  for (int i = 0; i < r->conf.nnsids; i++)
    fprintf(out, " %u", r->conf.nsid[i]);
  fprintf(out, "\n");
  for (int i = 0; i < c->nlbaf; i++)
    fprintf(out, "lbaf %u %u %u\n", c->lbaf[i].lbads, c->lbaf[i].rp, c->lbaf[i].ms);
  for (unsigned i = 0; i < r->n; i++) {
    const w_step *s = &r->step[i];

    fprintf(out, "%s %s %u %u %u %u %u %u %u\n", w_hook_name[s->when], w_op_name[s->op], s->a[0],
            s->a[1], s->a[2], s->a[3], s->a[4], s->a[5], s->a[6]);
  }
}

static int read_config(const char *line, gen_run *r)
{
  nvmens_subsys_config *c = &r->conf.cfg;
  unsigned aerl, zero, scope, inactive, gate, no[3], drivers;
  int n;

  n = sscanf(line,
             "config nn=%u mnan=%u max_ctrls=%u aerl=%u aerl_is_zero=%u mask_scope=%u "
             "inactive_io=%u tnvmcap=%" SCNu64 " maxdna=%" SCNu64 " maxcna=%u csi=%u aec=%u "
             "aec_default=%u deadline=%" SCNu64 " gate=%u no_prepare=%u no_drain=%u "
             "no_identify=%u drivers=%u",
             &c->nn, &c->mnan, &c->max_ctrls, &aerl, &zero, &scope, &inactive, &c->tnvmcap.lo,
             &c->maxdna, &c->maxcna, &c->csi_supported, &c->aec_supported, &c->aec_default,
             &c->deadline_ns, &gate, &no[0], &no[1], &no[2], &drivers);
  c->aerl = (uint8_t)aerl;
  c->aerl_is_zero = (uint8_t)zero;
  c->mask_scope = (uint8_t)scope;
  c->inactive_io = (uint8_t)inactive;
  c->gate_mode = (uint8_t)gate;
  r->conf.no_prepare = (uint8_t)no[0];
  r->conf.no_drain = (uint8_t)no[1];
  r->conf.no_identify = (uint8_t)no[2];
  r->conf.drivers = (uint8_t)drivers;
  return n == 19;
}

static int find(const char *name, const char *const *names, int n)
{
  for (int i = 0; i < n; i++)
    if (strcmp(names[i], name) == 0)
      return i;
  return -1;
}

static int read_step(const char *line, gen_run *r)
{
  w_step *s = &r->step[r->n];
  char when[16], op[24];
  unsigned a[W_ARGS];
  int o, k;

  if (r->n == GEN_STEPS || sscanf(line, "%15s %23s %u %u %u %u %u %u %u", when, op, &a[0], &a[1],
                                  &a[2], &a[3], &a[4], &a[5], &a[6]) != 9)
    return 0;
  k = find(when, w_hook_name, K_KINDS);
  o = find(op, w_op_name, W_NOPS);
  if (k < 0 || o < 0)
    return 0;
  s->when = (uint8_t)k;
  s->op = (uint8_t)o;
  for (int i = 0; i < W_ARGS; i++)
    s->a[i] = (uint8_t)a[i];
  r->n++;
  return 1;
}

int gen_read(FILE *in, gen_run *r)
{
  char line[512], *at, *end;
  unsigned f[3];
  int number = 0;

  memset(r, 0, sizeof(*r));
  while (fgets(line, sizeof(line), in)) {
    number++;
    if (line[0] == '#' || line[0] == '\n')
      continue;
    if (strncmp(line, "config ", 7) == 0) {
      if (!read_config(line, r))
        return number;
    } else if (sscanf(line, "hosts wait=%" SCNu64 " memory=%" SCNu64 " quiet=%u",
                      &r->conf.cfg.host_wait_ns, &r->conf.cfg.host_memory_ns, &f[0]) == 3) {
      r->conf.quiet = (uint8_t)f[0];
    } else if (sscanf(line, "time %" SCNu64, &r->conf.now) == 1) {
      continue;
    } else if (strncmp(line, "nsids", 5) == 0) {
      for (at = line + 5; r->conf.nnsids < M_NSIDS; at = end) {
        uint32_t nsid = (uint32_t)strtoul(at, &end, 10);

        if (end == at)
          break;
        r->conf.nsid[r->conf.nnsids++] = nsid;
      }
    } else if (sscanf(line, "lbaf %u %u %u", &f[0], &f[1], &f[2]) == 3) {
      nvmens_lbaf fmt = {(uint8_t)f[0], (uint8_t)f[1], (uint16_t)f[2]};

      r->conf.cfg.lbaf[r->conf.cfg.nlbaf++] = fmt;
    } else if (!read_step(line, r)) {
      return number;
    }
  }
  return 0;
}

/* One thing of the configuration becomes its default. */
static void make_default(gen_run *r, int i)
{
  nvmens_subsys_config *c = &r->conf.cfg;

  switch (i) {
  case 0:
    c->mnan = 0;
    break;
  case 1:
    c->max_ctrls = 0;
    break;
  case 2:
    c->aerl = c->aerl_is_zero = 0;
    break;
  case 3:
    c->mask_scope = 0;
    break;
  case 4:
    c->inactive_io = 0;
    break;
  case 5:
    c->tnvmcap.lo = 0;
    break;
  case 6:
    c->maxdna = 0;
    break;
  case 7:
    c->maxcna = 0;
    break;
  case 8:
    c->csi_supported = 1;
    break;
  case 9:
    c->aec_supported = 0;
    break;
  case 10:
    c->aec_default = 0;
    break;
  case 11:
    c->nlbaf = 0;
    break;
  case 12:
    r->conf.no_prepare = 0;
    break;
  case 13:
    r->conf.no_drain = 0;
    break;
  case 14:
    r->conf.no_identify = 0;
    break;
  case 15:
    r->conf.now = 0;
    break;
  case 16:
    c->host_wait_ns = 0;
    break;
  case 17:
    c->host_memory_ns = 0;
    break;
  case 18:
    r->conf.quiet = 0;
    break;
  default:
    r->conf.drivers = 0;
  }
}

/* Whatever of the configuration does not matter becomes its default. */
void gen_simpler(gen_run *r, const char *why, int (*fails)(const gen_run *, const char *))
{
  static gen_run less;

  for (int i = 0; i < 20; i++) {
    less = *r;
    make_default(&less, i);
    if (memcmp(&less, r, sizeof(less)) != 0 && fails(&less, why))
      *r = less;
  }
}
