/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c: the command line. Nothing is guessed: what is not understood ends with a reason. */
#include "hotswap.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "Usage: nvmens-hotswap [OPTION]...\n"
    "Swaps namespaces under I/O, with host drivers in miniature, and checks what comes of it.\n"
    "\n"
    "  --controllers N     controllers, 1-8 (2); each has its own host driver\n"
    "  --namespaces N      namespaces that are swapped, 1-4096 (8)\n"
    "  --threads N         I/O threads, 1-32 (2)\n"
    "  --cycles N          stop after N swaps\n"
    "  --seconds T         stop after T seconds (5, if there is no --cycles)\n"
    "  --seed N            of all random decisions (from the clock)\n"
    "  --stuck-percent P   share of backends that hold every command until they are told to\n"
    "                      abort it, some for longer (5)\n"
    "  --trace FILE        write a trace that ui.perfetto.dev opens\n"
    "  --keep-going        run to the end after a failed check too\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0 all checks passed, 1 a check failed or something hangs, 2 bad arguments.\n";

static int bad(const char *option, const char *value, const char *wanted)
{
  fprintf(stderr, "nvmens-hotswap: --%s: '%s' is not %s\n", option, value, wanted);
  return 2;
}

static int number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
  char wanted[80], *end;
  uint64_t value;

  errno = 0;
  value = strtoull(text, &end, 0);
  if (*text >= '0' && *text <= '9' && !*end && !errno && value >= low && value <= high) {
    *out = value;
    return 0;
  }
  snprintf(wanted, sizeof(wanted), "a number from %" PRIu64 " to %" PRIu64, low, high);
  return bad(option, text, wanted);
}

static int small(const char *option, const char *text, unsigned low, unsigned high, unsigned *out)
{
  uint64_t value = 0;
  int rc = number(option, text, low, high, &value);

  *out = (unsigned)value;
  return rc;
}

static int seconds(const char *text, uint64_t *ns)
{
  char *end;
  double value = strtod(text, &end);

  if (end == text || *end || !(value > 0 && value <= 1e6))
    return bad("seconds", text, "a number of seconds above 0");
  *ns = (uint64_t)(value * 1e9);
  return 0;
}

static int one(struct options *o, int c, const char *text)
{
  switch (c) {
  case 'c':
    return small("controllers", text, 1, MAX_PORTS, &o->controllers);
  case 'n':
    return small("namespaces", text, 1, MAX_NAMESPACES, &o->namespaces);
  case 't':
    return small("threads", text, 1, MAX_THREADS, &o->threads);
  case 'y':
    return number("cycles", text, 1, UINT64_MAX, &o->cycles);
  case 's':
    return seconds(text, &o->run_ns);
  case 'r':
    return number("seed", text, 0, UINT64_MAX, &o->seed);
  case 'p':
    return small("stuck-percent", text, 0, 100, &o->stuck_percent);
  case 'o':
    o->trace = text;
    return *text ? 0 : bad("trace", text, "a file name");
  case 'k':
    o->keep_going = true;
    return 0;
  case 'h':
    fputs(HELP, stdout);
    return 1;
  default:
    return 2; /* getopt has said why */
  }
}

int options_parse(struct options *o, int argc, char **argv)
{
  static const struct option longs[] = {
      {"controllers", required_argument, NULL, 'c'},
      {"namespaces", required_argument, NULL, 'n'},
      {"threads", required_argument, NULL, 't'},
      {"cycles", required_argument, NULL, 'y'},
      {"seconds", required_argument, NULL, 's'},
      {"seed", required_argument, NULL, 'r'},
      {"stuck-percent", required_argument, NULL, 'p'},
      {"trace", required_argument, NULL, 'o'},
      {"keep-going", no_argument, NULL, 'k'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  int c, rc = 0;

  memset(o, 0, sizeof(*o));
  o->controllers = 2;
  o->namespaces = 8;
  o->threads = 2;
  o->stuck_percent = 5;
  o->seed = (now_ns() / 1000) % 1000000;
  while (!rc && (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
    rc = one(o, c, optarg);
  if (!rc && optind < argc) {
    fprintf(stderr, "nvmens-hotswap: '%s' is not an option\n", argv[optind]);
    rc = 2;
  }
  o->gate_mode = o->seed % 2 ? NVMENS_GATE_FENCE : NVMENS_GATE_AUTO;
  o->mask_scope = o->seed / 2 % 2 ? NVMENS_MASK_EVENT : NVMENS_MASK_TYPE;
  if (!o->cycles && !o->run_ns)
    o->run_ns = 5 * S;
  if (rc == 2)
    fprintf(stderr, "Try 'nvmens-hotswap --help'.\n");
  return rc;
}
