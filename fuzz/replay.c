/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay.c: a main for a fuzz target without a fuzzer. It runs the target once with each file, in
 * memory of just its length. Arguments: files and directories; none: the target's part of the
 * corpus, and that there is one is part of the test.
 */
#define _POSIX_C_SOURCE 200809L
#include "target.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned files;
static const char *now = "none"; /* that is being tried */

static int replay(const char *path)
{
  FILE *f = fopen(path, "rb");
  uint8_t *in;
  struct stat st;
  size_t len;

  if (!f || fstat(fileno(f), &st)) {
    perror(path);
    return 1;
  }
  in = malloc((size_t)st.st_size + !st.st_size);
  len = in ? fread(in, 1, (size_t)st.st_size, f) : 0;
  fclose(f);
  now = path;
  LLVMFuzzerTestOneInput(in, len);
  free(in);
  files++;
  return 0;
}

static int replay_all(const char *path)
{
  struct dirent **entry;
  int n = scandir(path, &entry, NULL, alphasort), failed = 0;

  if (n < 0)
    return replay(path);
  for (int i = 0; i < n; i++) {
    char *file = malloc(strlen(path) + strlen(entry[i]->d_name) + 2);

    sprintf(file, "%s/%s", path, entry[i]->d_name);
    if (entry[i]->d_name[0] != '.')
      failed |= replay(file);
    free(file);
    free(entry[i]);
  }
  free(entry);
  return failed;
}

/* Aborting is how a target fails; the second time it is the signal's own way. */
static void on_abort(int number)
{
  signal(number, SIG_DFL);
  fprintf(stderr, "the input was %s\n", now);
}

int main(int argc, char **argv)
{
  const char *srcdir = getenv("srcdir");
  char corpus[1024];
  int failed = 0;

  signal(SIGABRT, on_abort);
  for (int i = 1; i < argc; i++)
    failed |= replay_all(argv[i]);
  if (argc < 2) {
    snprintf(corpus, sizeof(corpus), "%s/fuzz/corpus/" TARGET, srcdir ? srcdir : ".");
    failed = replay_all(corpus);
  }
  printf("%s: %u inputs\n", TARGET, files);
  return failed || files == 0;
}
