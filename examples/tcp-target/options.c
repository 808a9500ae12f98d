/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c: see options.h. What can be refused without opening anything is refused here.
 */
#define _POSIX_C_SOURCE 200809L
#include "options.h"
#include <nvmens/nvmens.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: nvmens-tcp-target --listen ADDR:PORT [options]\n"
    "  --listen ADDR:PORT      [ADDR]:PORT for IPv6; port 0: any free one\n"
    "  --nqn NQN               default nqn.2026-11.io.nvmens:target\n"
    "  --ns NSID=ram:SIZE[,private][,detached][,bs=4096][,uuid=UUID]\n"
    "  --ns NSID=file:PATH[,...]   may be given often; no comma in PATH\n"
    "  --nn N                  largest NSID, default 1024\n"
    "  --aerl N                0's based limit of AERs, 0 to 255, default 3\n"
    "  --tnvmcap SIZE          capacity of the subsystem, default 1T\n"
    "  --inactive-io auto|spec   status for I/O to an inactive NSID, default auto\n"
    "  --mask-scope type|event   what one unread event masks, default type\n"
    "  --deadline SECONDS      for drains, default 10\n"
    "  --io-delay MICROSECONDS   every I/O command takes so long at least\n"
    "  --control SOCKET        a Unix socket for control lines\n"
    "  --trace FILE            Chrome trace events of the state machines\n"
    "  --quiet                 no log on stderr\n"
    "SIZE is in bytes, or with a suffix K, M, G or T.\n";

const char *parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *out)
{
  uint64_t n = 0;

  if (!*word)
    return "not a number";
  for (; *word; word++) {
    if (*word < '0' || *word > '9')
      return "not a number";
    if (n > (UINT64_MAX - 9) / 10)
      return "out of range";
    n = n * 10 + (uint64_t)(*word - '0');
  }
  if (n < min || n > max)
    return "out of range";
  *out = n;
  return NULL;
}

const char *parse_size(const char *word, uint64_t *out)
{
  static const char suffixes[] = "KMGT";
  size_t len = strlen(word);
  const char *suffix = len > 1 ? strchr(suffixes, word[len - 1]) : NULL;
  unsigned shift = suffix ? (unsigned)(suffix - suffixes + 1) * 10 : 0;
  char digits[32];
  const char *why;

  if (len >= sizeof(digits))
    return "out of range";
  memcpy(digits, word, len + 1);
  if (suffix)
    digits[len - 1] = '\0';
  why = parse_number(digits, 1, (UINT64_C(1) << 60) >> shift, out);
  *out = why ? 0 : *out << shift;
  return why;
}

const char *parse_seconds(const char *word, uint64_t *out_ns)
{
  const char *why = parse_number(word, 0, 86400 * 365, out_ns);

  if (!why)
    *out_ns *= 1000000000;
  return why;
}

static int hex(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *parse_uuid(const char *word, uint8_t uuid[16])
{
  for (int i = 0; i < 16; i++) {
    int high, low;

    if ((i == 4 || i == 6 || i == 8 || i == 10) && *word++ != '-')
      return "not a UUID";
    high = hex(word[0]);
    low = high < 0 ? -1 : hex(word[1]);
    if (low < 0)
      return "not a UUID";
    uuid[i] = (uint8_t)(high << 4 | low);
    word += 2;
  }
  return *word ? "not a UUID" : NULL;
}

const char *spec_source(ns_spec *s, const char *word)
{
  if (strncmp(word, "ram:", 4) == 0)
    return parse_size(word + 4, &s->size) ? "not a size" : NULL;
  if (strncmp(word, "file:", 5) != 0)
    return "neither ram:SIZE nor file:PATH";
  if (!word[5] || strlen(word + 5) >= sizeof(s->path))
    return "not a path";
  s->file = true;
  strcpy(s->path, word + 5);
  return NULL;
}

const char *spec_word(ns_spec *s, const char *word)
{
  uint64_t n;

  if (strcmp(word, "private") == 0) {
    s->priv = true;
  } else if (strcmp(word, "detached") == 0) {
    s->detached = true;
  } else if (strncmp(word, "uuid=", 5) == 0) {
    s->uuid_given = true;
    return parse_uuid(word + 5, s->uuid);
  } else if (strncmp(word, "bs=", 3) == 0) {
    if (parse_number(word + 3, 512, 4096, &n) || (n != 512 && n != 4096))
      return "a block has 512 or 4096 bytes";
    s->block = (uint32_t)n;
  } else {
    return "unknown word";
  }
  return NULL;
}

static int refuse(const char *option, const char *value, const char *why)
{
  fprintf(stderr, "nvmens-tcp-target: --%s %s: %s\n", option, value, why);
  return -1;
}

/* NSID=source,word,word */
static const char *parse_ns(options *o, char *value)
{
  char *at = strchr(value, '='), *save = NULL;
  const char *why = NULL;
  uint64_t nsid;
  ns_spec *s;

  if (!at)
    return "not NSID=ram:SIZE or NSID=file:PATH";
  *at++ = '\0';
  if (parse_number(value, 1, NVMENS_NSID_MAX, &nsid))
    return "NSID out of range";
  if (o->nns == OPTIONS_NS_MAX)
    return "too many namespaces";
  s = realloc(o->ns, (o->nns + 1) * sizeof(*s));
  if (!s)
    return "out of memory";
  o->ns = s;
  s += o->nns++;
  memset(s, 0, sizeof(*s));
  s->nsid = (uint32_t)nsid;
  s->block = 512;
  at = strtok_r(at, ",", &save);
  why = at ? spec_source(s, at) : "neither ram:SIZE nor file:PATH";
  while (!why && (at = strtok_r(NULL, ",", &save)))
    why = spec_word(s, at);
  if (!why && !s->file && s->size % s->block)
    why = "not a multiple of the block size";
  return why;
}

static const char *copy(char *out, size_t size, const char *value)
{
  if (!*value || strlen(value) >= size)
    return "empty, or too long";
  strcpy(out, value);
  return NULL;
}

static const char *choose(uint8_t *out, const char *value, const char *zero, const char *one)
{
  *out = strcmp(value, one) == 0;
  return *out || strcmp(value, zero) == 0 ? NULL : "not one of the choices";
}

enum { LISTEN, NQN, NS, NN, AERL, CAP, INACTIVE, SCOPE, DEADLINE, DELAY, CONTROL, TRACE };

static const char *parse_one(options *o, int option, char *value)
{
  uint64_t n = 0;
  const char *why;

  switch (option) {
  case LISTEN:
    return copy(o->listen, sizeof(o->listen), value);
  case NQN:
    if (strncmp(value, "nqn.", 4) != 0 || strcmp(value, DISCOVERY_NQN) == 0)
      return "not the NQN of a subsystem";
    return copy(o->nqn, NQN_MAX + 1, value);
  case NS:
    return parse_ns(o, value);
  case NN:
    why = parse_number(value, 1, NVMENS_NSID_MAX, &n);
    o->nn = (uint32_t)n;
    return why;
  case AERL:
    why = parse_number(value, 0, 255, &n);
    o->aerl = (uint32_t)n;
    return why;
  case CAP:
    return parse_size(value, &o->tnvmcap);
  case INACTIVE:
    return choose(&o->inactive_io, value, "auto", "spec");
  case SCOPE:
    return choose(&o->mask_scope, value, "type", "event");
  case DEADLINE:
    why = parse_seconds(value, &o->deadline_ns);
    return !why && o->deadline_ns == 0 ? "out of range" : why;
  case DELAY:
    why = parse_number(value, 0, 60000000, &n);
    o->io_delay_ns = n * 1000;
    return why;
  case CONTROL:
    return copy(o->control, 108, value); /* as much as a socket address holds */
  default:
    return copy(o->trace, sizeof(o->trace), value);
  }
}

/* What depends on two options. */
static int check_together(const options *o)
{
  if (!o->listen[0]) {
    fprintf(stderr, "nvmens-tcp-target: --listen is needed\n%s", usage);
    return -1;
  }
  for (size_t i = 0; i < o->nns; i++) {
    if (o->ns[i].nsid > o->nn) {
      fprintf(stderr, "nvmens-tcp-target: --ns %u: larger than --nn %u\n", o->ns[i].nsid, o->nn);
      return -1;
    }
  }
  return 0;
}

int options_parse(options *o, int argc, char **argv)
{
  static const struct option longs[] = {{"listen", 1, NULL, LISTEN},
                                        {"nqn", 1, NULL, NQN},
                                        {"ns", 1, NULL, NS},
                                        {"nn", 1, NULL, NN},
                                        {"aerl", 1, NULL, AERL},
                                        {"tnvmcap", 1, NULL, CAP},
                                        {"inactive-io", 1, NULL, INACTIVE},
                                        {"mask-scope", 1, NULL, SCOPE},
                                        {"deadline", 1, NULL, DEADLINE},
                                        {"io-delay", 1, NULL, DELAY},
                                        {"control", 1, NULL, CONTROL},
                                        {"trace", 1, NULL, TRACE},
                                        {"quiet", 0, NULL, 'q'},
                                        {"help", 0, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int which, option;

  memset(o, 0, sizeof(*o));
  strcpy(o->nqn, "nqn.2026-11.io.nvmens:target");
  o->nn = 1024;
  o->aerl = 3;
  o->tnvmcap = UINT64_C(1) << 40;
  o->deadline_ns = UINT64_C(10000000000);
  while ((option = getopt_long(argc, argv, "", longs, &which)) != -1) {
    const char *why;

    if (option == 'h') {
      fputs(usage, stdout);
      return 1;
    }
    if (option == '?') {
      fputs(usage, stderr);
      return -1;
    }
    if (option == 'q') {
      o->quiet = true;
      continue;
    }
    why = parse_one(o, option, optarg);
    if (why)
      return refuse(longs[which].name, optarg, why);
  }
  if (optind < argc) {
    fprintf(stderr, "nvmens-tcp-target: %s: what is this?\n%s", argv[optind], usage);
    return -1;
  }
  return check_together(o);
}

void options_free(options *o)
{
  free(o->ns);
  o->ns = NULL;
}
