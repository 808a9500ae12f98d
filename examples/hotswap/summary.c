/* SPDX-License-Identifier: BSD-3-Clause */
/* summary.c: the figures, for people. */
#include "hotswap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void format_count(char out[32], uint64_t n)
{
  char digits[24];
  int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

  for (int i = 0; i < len; i++) {
    out[at++] = digits[i];
    if ((len - i) % 3 == 1 && i + 1 < len)
      out[at++] = ',';
  }
  out[at] = '\0';
}

void format_ns(char out[32], uint64_t ns)
{
  if (ns < 10 * US)
    snprintf(out, 32, "%.1f us", (double)ns / 1e3);
  else if (ns < MS)
    snprintf(out, 32, "%.0f us", (double)ns / 1e3);
  else if (ns < 100 * MS)
    snprintf(out, 32, "%.1f ms", (double)ns / 1e6);
  else if (ns < S)
    snprintf(out, 32, "%.0f ms", (double)ns / 1e6);
  else
    snprintf(out, 32, "%.2f s", (double)ns / 1e9);
}

static void row(const char *name, uint64_t n, const char *note)
{
  char count[32];

  format_count(count, n);
  printf("  %-28s %13s%s%s\n", name, count, *note ? "  " : "", note);
}

static void rate_row(const struct world *w, const char *name, uint64_t n)
{
  char count[32], note[48];
  double rate = (double)n * 1e9 / (double)(w->ran ? w->ran : 1);

  format_count(count, (uint64_t)(rate + 0.5));
  snprintf(note, sizeof(note), "%s a second", count);
  row(name, n, note);
}

static void latency_row(const char *name, const struct hist *h, const char *note)
{
  char count[32], p50[32], p99[32], max[32];

  if (!h->count)
    return;
  format_count(count, h->count);
  format_ns(p50, hist_quantile(h, 0.50));
  format_ns(p99, hist_quantile(h, 0.99));
  format_ns(max, h->max);
  printf("  %-20s %10s %10s %10s %10s%s\n", name, count, p50, p99, max, note);
}

static void latency_head(const char *what, const char *of)
{
  printf("\n  %-24s %6s %10s %10s %10s\n", what, of, "p50", "p99", "max");
}

static void latencies(const struct world *w)
{
  const struct stats *s = &w->stats;
  static struct hist all;
  char note[SWAP_KINDS][64] = {"", "", ""};

  if (s->escalated)
    snprintf(note[SWAP_ORDERLY], 64, "  %" PRIu64 " turned into a surprise", s->escalated);
  if (s->missed)
    snprintf(note[SWAP_DEADLINE], 64, "  %" PRIu64 " missed it, and were aborted", s->missed);
  for (unsigned i = 0; i < SWAP_KINDS; i++)
    hist_join(&all, &s->unplug[i]);
  latency_head("Unplug to released", "swaps");
  latency_row("all", &all, "");
  latency_row("orderly", &s->unplug[SWAP_ORDERLY], note[SWAP_ORDERLY]);
  latency_row("with a deadline", &s->unplug[SWAP_DEADLINE], note[SWAP_DEADLINE]);
  latency_row("surprise", &s->unplug[SWAP_SURPRISE], "");
  latency_head("Swap to new disk usable", "disks");
  latency_row("as Linux", &s->usable[DRIVER_LINUX], "");
  latency_row("as SPDK", &s->usable[DRIVER_SPDK], "");
}

static void statuses(const struct world *w)
{
  const char *name;
  uint16_t sf = 0;

  printf("\n  %-34s %14s %12s\n", "Commands by status", "I/O", "admin");
  for (unsigned k = 0; (name = tally_name(k, &sf)) != NULL; k++) {
    uint64_t io = 0, admin = 0;
    char a[32], b[32];

    for (unsigned i = 0; i < w->opt.threads; i++)
      io += peek(&w->io[i].tally.count[k]);
    for (unsigned i = 0; i < w->opt.controllers; i++)
      admin += peek(&w->port[i].driver.tally.count[k]);
    if (!io && !admin)
      continue;
    format_count(a, io);
    format_count(b, admin);
    printf("  %03Xh %-29s %14s %12s\n", sf & 0xFFF, name, io ? a : "-", admin ? b : "-");
  }
}

static void hosts(const struct world *w)
{
  printf("\n  %-26s %9s %9s %9s %9s %9s\n", "Host drivers", "commands", "events", "rescans",
         "resets", "removals");
  for (unsigned i = 0; i < w->opt.controllers; i++) {
    const struct driver *d = &w->port[i].driver;
    char name[32], sent[32], handled[32], scans[32];

    snprintf(name, sizeof(name), "controller %u, %s", w->port[i].cntlid, driver_name(d));
    format_count(sent, d->sent);
    format_count(handled, d->handled);
    format_count(scans, d->scans);
    printf("  %-26s %9s %9s %9s %9" PRIu64 " %9" PRIu64 "\n", name, sent, handled, scans, d->resets,
           d->removals);
  }
}

static void sendings(const struct world *w)
{
  printf("\n  %-26s %11s %11s %11s %11s\n", "I/O of the host drivers", "for a disk", "barred, old",
         "on another", "raw probes");
  for (unsigned p = 0; p < w->opt.controllers; p++) {
    char name[32], sent[32], old[32], astray[32], raw[32];
    uint64_t sum[4] = {0, 0, 0, 0};

    for (unsigned i = 0; i < w->opt.threads; i++) {
      const struct sendings *s = &w->io[i].sendings[p];

      sum[0] += peek(&s->sent);
      sum[1] += peek(&s->old);
      sum[2] += peek(&s->astray);
      sum[3] += peek(&s->raw);
    }
    snprintf(name, sizeof(name), "controller %u, %s", w->port[p].cntlid,
             driver_name(&w->port[p].driver));
    format_count(sent, sum[0]);
    format_count(old, sum[1]);
    format_count(astray, sum[2]);
    format_count(raw, sum[3]);
    printf("  %-26s %11s %11s %11s %11s\n", name, sent, old, astray, raw);
  }
}

void summary_print(struct world *w)
{
  uint64_t io = 0, admin = 0;
  const struct stats *s = &w->stats;

  for (unsigned i = 0; i < w->opt.threads; i++)
    io += tally_sum(&w->io[i].tally);
  for (unsigned i = 0; i < w->opt.controllers; i++)
    admin += w->port[i].driver.sent;
  printf("\nSummary of %.1f s, seed %" PRIu64 "\n\n", (double)w->ran / 1e9, w->opt.seed);
  rate_row(w, "swaps", peek(&s->swaps));
  rate_row(w, "I/O commands", io);
  rate_row(w, "admin commands", admin);
  row("most in flight at an unplug", s->most_in_flight, "");
  row("namespaces deleted by hosts", s->released[NVMENS_HOST_DELETED], "");
  row("times at rest, all compared", s->rests, "");
  row("events sent", s->sent, "");
  row("events coalesced", s->coalesced, "changes told by an event already owed");
  latencies(w);
  statuses(w);
  hosts(w);
  sendings(w);
}
