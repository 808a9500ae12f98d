/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writer DEVICE STAMP OFFSET SIZE: four processes, each with 32 writes in flight (Linux AIO, no
 * page cache) to random blocks of 4 KiB of [OFFSET, OFFSET + SIZE), all filled with STAMP of 16
 * characters. A process says "writing" after its first write. After an error it ends when what it
 * has in flight has ended: status 1, and a line that tells the error and the number of writes.
 * SIGTERM ends them too, with status 0.
 *
 * It starts in a few milliseconds, and fio in half a second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS = 4, DEPTH = 32, BLOCK = 4096, STAMP = 16 };

static _Alignas(BLOCK) char block[BLOCK];
static volatile sig_atomic_t told;
static volatile pid_t pids[JOBS]; /* in the parent; 0: not started */
static bool is_job;

static void on_term(int sig)
{
  told = 1;
  for (int i = 0; i < JOBS; i++)
    if (!is_job && pids[i] > 0)
      kill(pids[i], sig);
}

typedef struct job {
  int fd;
  aio_context_t ctx;
  uint64_t offset, blocks, dice, done;
  int in_flight, error; /* error: a negative errno, the first one */
  struct iocb cb[DEPTH];
} job;

static void submit(job *j, struct iocb *cb)
{
  j->dice ^= j->dice << 13;
  j->dice ^= j->dice >> 7;
  j->dice ^= j->dice << 17;
  *cb = (struct iocb){.aio_fildes = (uint32_t)j->fd,
                      .aio_lio_opcode = IOCB_CMD_PWRITE,
                      .aio_buf = (uint64_t)(uintptr_t)block,
                      .aio_nbytes = BLOCK,
                      .aio_offset = (int64_t)(j->offset + j->dice % j->blocks * BLOCK),
                      .aio_data = (uint64_t)(uintptr_t)cb};
  if (syscall(SYS_io_submit, j->ctx, 1, &cb) == 1)
    j->in_flight++;
  else if (!j->error)
    j->error = -errno;
}

/* One that ended; its slot is used again, unless it is time to end. */
static void take(job *j, const struct io_event *e)
{
  j->in_flight--;
  if (e->res == BLOCK && j->done++ == 0)
    (void)!write(STDOUT_FILENO, "writing\n", 8);
  if (e->res != BLOCK && !j->error)
    j->error = e->res < 0 ? (int)e->res : -EIO;
  if (!j->error && !told)
    submit(j, (struct iocb *)(uintptr_t)e->data);
}

static int run(job *j)
{
  struct io_event events[DEPTH];
  char line[100];

  if (syscall(SYS_io_setup, DEPTH, &j->ctx) < 0)
    return 2;
  for (int i = 0; i < DEPTH && !j->error; i++)
    submit(j, &j->cb[i]);
  while (j->in_flight > 0) {
    long n = syscall(SYS_io_getevents, j->ctx, 1, DEPTH, events, NULL);

    for (long i = 0; i < n; i++)
      take(j, &events[i]);
  }
  snprintf(line, sizeof(line), "%s after %llu writes\n", strerror(-j->error),
           (unsigned long long)j->done);
  (void)!write(STDOUT_FILENO, line, strlen(line));
  return j->error != 0;
}

static pid_t start_job(const char *device, uint64_t offset, uint64_t size, unsigned i)
{
  static job j;
  pid_t pid = fork();

  if (pid != 0)
    return pid;
  is_job = true;
  j.fd = open(device, O_WRONLY | O_DIRECT);
  j.offset = offset;
  j.blocks = size / BLOCK;
  j.dice = UINT64_C(88172645463325252) + i * 12345;
  _exit(j.fd < 0 ? 2 : run(&j));
}

int main(int argc, char **argv)
{
  const struct sigaction term = {.sa_handler = on_term};
  int worst = 0, status;

  if (argc != 5 || strlen(argv[2]) != STAMP || strtoull(argv[4], NULL, 10) < BLOCK) {
    fprintf(stderr, "usage: writer DEVICE STAMP OFFSET SIZE\n");
    return 2;
  }
  for (int i = 0; i < BLOCK; i += STAMP)
    memcpy(block + i, argv[2], STAMP);
  sigaction(SIGTERM, &term, NULL);
  for (int i = 0; i < JOBS; i++)
    pids[i] = start_job(argv[1], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), i);
  if (told)
    on_term(SIGTERM); /* it came before all were there */
  while (wait(&status) > 0 || errno == EINTR) {
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    worst = status > worst ? status : worst;
  }
  return worst;
}
