/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c: nvmens-tcp-target, an NVMe/TCP target whose namespace lifecycle is libnvmens. This file
 * starts everything, accepts, and ends everything on SIGTERM, SIGINT or `quit`. Main thread.
 */
#define _GNU_SOURCE
#include "conn.h"
#include "control.h"
#include "trace.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what, const char *why)
{
  fprintf(stderr, "nvmens-tcp-target: %s: %s\n", what, why);
  return 1;
}

/* Splits ADDR:PORT or [ADDR]:PORT in place. */
static const char *split(char *text, char **addr, char **port)
{
  char *colon = strrchr(text, ':');

  if (!colon || colon == text || !colon[1])
    return "not ADDR:PORT";
  *colon = '\0';
  *addr = text;
  *port = colon + 1;
  if (text[0] == '[') {
    if (colon[-1] != ']')
      return "not [ADDR]:PORT";
    colon[-1] = '\0';
    *addr = text + 1;
  }
  return NULL;
}

static const char *bind_to(target *t, const struct addrinfo *ai)
{
  struct sockaddr_storage ss;
  socklen_t len = sizeof(ss);
  int one = 1;

  t->family = ai->ai_family;
  t->listen_fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (t->listen_fd < 0)
    return strerror(errno);
  setsockopt(t->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(t->listen_fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(t->listen_fd, 128) < 0 ||
      getsockname(t->listen_fd, (struct sockaddr *)&ss, &len) < 0)
    return strerror(errno);
  if (getnameinfo((struct sockaddr *)&ss, len, t->address, sizeof(t->address), t->port,
                  sizeof(t->port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "no name";
  return NULL;
}

static const char *open_listener(target *t)
{
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *ai;
  char text[sizeof(t->opt.listen)], *addr, *port;
  uint64_t n;
  const char *why;
  int err;

  strcpy(text, t->opt.listen);
  why = split(text, &addr, &port);
  if (!why && parse_number(port, 0, 65535, &n))
    why = "port out of range";
  if (why)
    return why;
  err = getaddrinfo(addr, port, &hints, &ai);
  if (err)
    return gai_strerror(err);
  why = bind_to(t, ai);
  freeaddrinfo(ai);
  return why;
}

static void take_connection(target *t)
{
  struct sockaddr_storage ss;
  socklen_t len = sizeof(ss);
  char host[64] = "?", port[8] = "?", peer[80];
  int one = 1, fd = accept4(t->listen_fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC);

  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      poll(NULL, 0, 100); /* the peer waits in the backlog; do not spin */
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
              NI_NUMERICHOST | NI_NUMERICSERV);
  snprintf(peer, sizeof(peer), "%s:%s", host, port);
  conn_open(t, fd, peer);
}

/* Joins what ended. Returns the number of connections that are left. */
static unsigned reap(target *t)
{
  unsigned left;

  for (;;) {
    conn *c;

    pthread_mutex_lock(&t->lock);
    c = t->finished;
    if (c) {
      t->finished = c->next;
      t->nconns--;
    }
    left = t->nconns;
    pthread_mutex_unlock(&t->lock);
    if (!c)
      return left;
    pthread_join(c->thread, NULL);
    conn_put(c);
  }
}

static void serve(target *t, int signals)
{
  while (!atomic_load(&t->quit)) {
    struct pollfd fds[3] = {{.fd = t->listen_fd, .events = POLLIN},
                            {.fd = t->main_fd, .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};

    if (poll(fds, 3, -1) < 0)
      continue;
    if (fds[1].revents) {
      unkick(t->main_fd);
      reap(t);
    }
    if (fds[2].revents)
      return;
    if (fds[0].revents)
      take_connection(t);
  }
}

static void end_connections(target *t)
{
  pthread_mutex_lock(&t->lock);
  for (conn *c = t->conns; c; c = c->next) {
    atomic_store(&c->kill, true);
    conn_kick(c);
  }
  pthread_mutex_unlock(&t->lock);
  while (reap(t) > 0) {
    struct pollfd fd = {.fd = t->main_fd, .events = POLLIN};

    poll(&fd, 1, -1);
    unkick(t->main_fd);
  }
}

static int start(target *t)
{
  const char *why = NULL;

  t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  t->main_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (t->wake_fd < 0 || t->main_fd < 0)
    return fail("eventfd", strerror(errno));
  pthread_mutex_init(&t->lib_lock, NULL);
  pthread_mutex_init(&t->lock, NULL);
  if (t->opt.trace[0] && (why = trace_open(&t->trace, t->opt.trace)))
    return fail(t->opt.trace, why);
  why = open_listener(t);
  if (why)
    return fail(t->opt.listen, why);
  why = target_start(t);
  if (why)
    return fail("subsystem", why);
  for (size_t i = 0; i < t->opt.nns; i++) {
    char what[32];

    snprintf(what, sizeof(what), "--ns %u", t->opt.ns[i].nsid);
    why = ns_add(t, &t->opt.ns[i]);
    if (why)
      return fail(what, why);
  }
  if (t->opt.control[0] && (why = control_start(t, &t->control)))
    return fail(t->opt.control, why);
  return 0;
}

static int stop(target *t)
{
  int err;

  close(t->listen_fd);
  control_quiesce(t->control);
  end_connections(t);
  err = target_stop(t);
  if (err) {
    fail("stop", nvmens_strerror(err));
    _exit(1); /* the library still calls; there is nothing to free behind its back */
  }
  control_stop(t->control);
  trace_close(t->trace);
  close(t->wake_fd);
  close(t->main_fd);
  pthread_mutex_destroy(&t->lock);
  pthread_mutex_destroy(&t->lib_lock);
  return 0;
}

int main(int argc, char **argv)
{
  static target t;
  sigset_t set;
  int signals, got = options_parse(&t.opt, argc, argv);

  if (got != 0) {
    options_free(&t.opt);
    return got < 0 ? 2 : 0;
  }
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread: all inherit it */
  signal(SIGPIPE, SIG_IGN);
  signals = signalfd(-1, &set, SFD_CLOEXEC);
  if (signals < 0)
    return fail("signalfd", strerror(errno));
  if (start(&t) != 0)
    _exit(1);
  printf("listening on %s%s%s:%s\n", t.family == AF_INET6 ? "[" : "", t.address,
         t.family == AF_INET6 ? "]" : "", t.port);
  fflush(stdout);
  serve(&t, signals);
  got = stop(&t);
  options_free(&t.opt);
  close(signals);
  return got;
}
