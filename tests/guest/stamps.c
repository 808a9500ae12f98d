/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stamps FILE STAMP: whose data a disk has. Who writes to a disk fills each block of 4 KiB with
 * the disk's stamp of 16 characters. Prints "OWN FOREIGN": the number of blocks of FILE that hold
 * STAMP, and of those that hold anything else but zeroes. Blocks of zeroes were not written.
 */
#include <stdio.h>
#include <string.h>

enum { BLOCK = 4096, STAMP = 16 };

int main(int argc, char **argv)
{
  static char block[BLOCK], mine[BLOCK], zeroes[BLOCK];
  unsigned own = 0, foreign = 0;
  FILE *f;

  if (argc != 3 || strlen(argv[2]) != STAMP) {
    fprintf(stderr, "usage: stamps FILE STAMP\n");
    return 2;
  }
  for (int i = 0; i < BLOCK; i += STAMP)
    memcpy(mine + i, argv[2], STAMP);
  f = fopen(argv[1], "r");
  if (!f) {
    perror(argv[1]);
    return 1;
  }
  while (fread(block, BLOCK, 1, f) == 1)
    if (memcmp(block, mine, BLOCK) == 0)
      own++;
    else if (memcmp(block, zeroes, BLOCK) != 0)
      foreign++;
  if (ferror(f))
    return 1;
  fclose(f);
  printf("%u %u\n", own, foreign);
  return 0;
}
