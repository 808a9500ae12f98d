/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h: the command line, and the words that name a namespace (which the control socket uses
 * too). Parsing only: nothing is opened here. Any thread.
 */
#ifndef TCP_TARGET_OPTIONS_H
#define TCP_TARGET_OPTIONS_H

#include "nvme.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_NS_MAX = 1024, OPTIONS_PATH_MAX = 1024 };

typedef struct ns_spec {
  uint32_t nsid;
  bool file, priv, detached, uuid_given;
  uint8_t uuid[16];
  uint32_t block; /* 512 or 4096 */
  uint64_t size;  /* ram: bytes */
  char path[OPTIONS_PATH_MAX];
} ns_spec;

typedef struct options {
  char listen[128]; /* ADDR:PORT as given */
  char nqn[NQN_SIZE];
  char control[OPTIONS_PATH_MAX];
  char trace[OPTIONS_PATH_MAX];
  ns_spec *ns;
  size_t nns;
  uint32_t nn;
  uint32_t aerl;
  uint64_t tnvmcap;
  uint8_t inactive_io, mask_scope;
  uint64_t deadline_ns, io_delay_ns;
  bool quiet;
} options;

/* 0: go on; 1: asked for help, which was printed; -1: refused, and said why on stderr. */
int options_parse(options *, int argc, char **argv);
void options_free(options *);

/* Each returns NULL, or what is wrong. Numbers are decimal; sizes take K, M, G and T. */
const char *parse_number(const char *word, uint64_t min, uint64_t max, uint64_t *out);
const char *parse_size(const char *word, uint64_t *out);
const char *parse_seconds(const char *word, uint64_t *out_ns);
const char *spec_source(ns_spec *, const char *word); /* ram:SIZE or file:PATH */
const char *spec_word(ns_spec *, const char *word);   /* private, detached, uuid=, bs= */

#endif
