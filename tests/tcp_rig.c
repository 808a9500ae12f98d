/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_rig.c: see tcp_rig.h.
 */
#define _GNU_SOURCE
#include "tcp_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGS = 40 };

th_id rig_id = {.subnqn = "nqn.2026-11.io.nvmens:target",
                .hostnqn = "nqn.2014-08.org.nvmexpress:uuid:6e7a0000-0000-4000-8000-000000000001",
                .hostid = {0x6E, 0x7A, [15] = 1}};
static int failures;

void rig_claim(bool holds, const char *file, int line, const char *what, long a, long b)
{
  if (!holds && failures++ < 30)
    fprintf(stderr, "%s:%d: not true: %s (%ld, %ld)\n", file, line, what, a, b);
}

void rig_claim_is(const char *file, int line, const char *what, long got, long want)
{
  if (got != want && failures++ < 30)
    fprintf(stderr, "%s:%d: %s is %ld (%lxh), not %ld (%lxh)\n", file, line, what, got,
            (unsigned long)got, want, (unsigned long)want);
}

int rig_result(void)
{
  return failures > 0;
}

static void fatal(const char *what)
{
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

int64_t rig_ms(void)
{
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t rig_get(const uint8_t *at, unsigned bytes)
{
  uint64_t value = 0;

  for (unsigned i = 0; i < bytes; i++)
    value |= (uint64_t)at[i] << 8 * i;
  return value;
}

/* ---- the process ---- */

static void find_target(char *path, size_t size)
{
  const char *given = getenv("TARGET"), *build = getenv("top_builddir");

  if (given)
    snprintf(path, size, "%s", given);
  else
    snprintf(path, size, "%s/examples/tcp-target/nvmens-tcp-target", build ? build : ".");
  if (access(path, X_OK) != 0) {
    fprintf(stderr, "no target at %s\n", path);
    exit(77);
  }
}

static void run_target(tcp_rig *rig, const char *path, const char *const *args, int out)
{
  const char *argv[ARGS] = {"nvmens-tcp-target", "--listen",  "127.0.0.1:0",
                            "--control",         rig->socket, "--quiet"};
  int n = 6;

  while (n < ARGS - 1 && *args)
    argv[n++] = *args++;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(out, 1);
  execv(path, (char *const *)(uintptr_t)argv);
  fatal(path);
}

static void read_port(tcp_rig *rig, int fd)
{
  char line[128];
  size_t len = 0;
  int64_t until = rig_ms() + 20000;

  while (len < sizeof(line) - 1 && (len == 0 || line[len - 1] != '\n')) {
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    if (rig_ms() > until || poll(&pfd, 1, 1000) < 0)
      break;
    if (pfd.revents && read(fd, line + len, 1) != 1)
      break;
    len += pfd.revents != 0;
  }
  line[len] = '\0';
  if (strncmp(line, "listening on 127.0.0.1:", 23) != 0)
    fatal("the target does not listen");
  rig->port = (uint16_t)atoi(line + 23);
}

static void open_control(tcp_rig *rig)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};

  strcpy(address.sun_path, rig->socket);
  rig->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (rig->control < 0 || connect(rig->control, (struct sockaddr *)&address, sizeof(address)) < 0)
    fatal(rig->socket);
}

void rig_start(tcp_rig *rig, const char *const *args)
{
  char path[512];
  int out[2];

  memset(rig, 0, sizeof(*rig));
  find_target(path, sizeof(path));
  strcpy(rig->dir, "/tmp/nvmens-tcp-XXXXXX");
  if (!mkdtemp(rig->dir) || pipe2(out, O_CLOEXEC) < 0)
    fatal(rig->dir);
  snprintf(rig->socket, sizeof(rig->socket), "%s/control", rig->dir);
  rig->pid = fork();
  if (rig->pid < 0)
    fatal("fork");
  if (rig->pid == 0)
    run_target(rig, path, args, out[1]);
  close(out[1]);
  read_port(rig, out[0]);
  close(out[0]);
  open_control(rig);
}

void rig_ended(tcp_rig *rig, int ms)
{
  int64_t until = rig_ms() + ms;
  int status = 0;

  while (waitpid(rig->pid, &status, WNOHANG) == 0) {
    if (rig_ms() >= until) {
      kill(rig->pid, SIGABRT);
      waitpid(rig->pid, &status, 0);
      break;
    }
    poll(NULL, 0, 10);
  }
  CLAIM(WIFEXITED(status));
  IS(WEXITSTATUS(status), 0);
  CLAIM(access(rig->socket, F_OK) != 0);
}

void rig_close(tcp_rig *rig)
{
  close(rig->control);
  rmdir(rig->dir);
}

void rig_stop(tcp_rig *rig)
{
  kill(rig->pid, SIGTERM);
  rig_ended(rig, 10000);
  rig_close(rig);
}

/* ---- the control socket ---- */

void rig_say(tcp_rig *rig, const char *line)
{
  if (write(rig->control, line, strlen(line)) < 0 || write(rig->control, "\n", 1) < 0)
    fatal("control");
}

bool rig_line(tcp_rig *rig, char *line, size_t size, int ms)
{
  int64_t until = rig_ms() + ms;
  char *end;
  size_t len;

  while (!(end = memchr(rig->rest, '\n', rig->rest_len))) {
    struct pollfd fd = {.fd = rig->control, .events = POLLIN};
    ssize_t n;

    if (rig_ms() >= until || rig->rest_len == sizeof(rig->rest))
      return false;
    if (poll(&fd, 1, (int)(until - rig_ms())) <= 0)
      continue;
    n = read(rig->control, rig->rest + rig->rest_len, sizeof(rig->rest) - rig->rest_len);
    if (n <= 0)
      return false;
    rig->rest_len += (size_t)n;
  }
  len = (size_t)(end - rig->rest);
  snprintf(line, size, "%.*s", (int)len, rig->rest);
  rig->rest_len -= len + 1;
  memmove(rig->rest, end + 1, rig->rest_len);
  return true;
}

bool rig_ctl(tcp_rig *rig, char *answer, size_t size, const char *format, ...)
{
  char line[RIG_LINE];
  va_list args;

  va_start(args, format);
  vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  rig_say(rig, line);
  if (answer)
    answer[0] = '\0';
  while (rig_line(rig, line, sizeof(line), 15000)) {
    if (strcmp(line, "ok") == 0)
      return true;
    if (answer)
      snprintf(answer, size, "%s", line);
    if (strncmp(line, "error: ", 7) == 0)
      return false;
  }
  fatal("control: no answer");
  return false;
}

bool rig_status(tcp_rig *rig, const char *text)
{
  int64_t until = rig_ms() + 20000;
  char status[RIG_LINE];

  do {
    rig_ctl(rig, status, sizeof(status), "status");
    if (strstr(status, text))
      return true;
    poll(NULL, 0, 5);
  } while (rig_ms() < until);
  fprintf(stderr, "status: %s\n", status);
  return false;
}

bool rig_open(tcp_rig *rig)
{
  int64_t until = rig_ms() + 20000;
  char status[RIG_LINE];

  do {
    rig_ctl(rig, status, sizeof(status), "status");
    if (!strstr(status, "\"attached\",\"open\":false"))
      return true;
    poll(NULL, 0, 5);
  } while (rig_ms() < until);
  return false;
}

bool rig_add(tcp_rig *rig, const char *words)
{
  return rig_ctl(rig, NULL, 0, "add %s", words) && rig_open(rig);
}

/* ---- queues ---- */

void rig_admin(tcp_rig *rig, th_queue *q)
{
  IS(th_connect(q, "127.0.0.1", rig->port, &rig_id, 0, 0, 31, 0), 0);
  IS(th_enable(q, true), 0);
}

void rig_io(tcp_rig *rig, th_queue *q, const th_queue *admin, uint16_t qid)
{
  IS(th_connect(q, "127.0.0.1", rig->port, &rig_id, qid, admin->cntlid, 63, 0), 0);
  CLAIM(rig_open(rig));
}
