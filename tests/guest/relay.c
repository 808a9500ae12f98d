/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay TARGET-PORT [PORT]: a link that can be cut. It takes connections on 127.0.0.1:PORT (0: any
 * free one; its number is printed) and passes on what comes, both ways, to 127.0.0.1:TARGET-PORT.
 *
 * It takes no orders. Stopped (SIGSTOP), it is a link on which everything is lost: neither end
 * hears anything until SIGCONT. Killed, it is a link whose connections are reset and that refuses
 * new ones.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 64, BUFFER = 65536 };

typedef struct way { /* one direction: what was read and not yet written is buf[off, len) */
  char buf[BUFFER];
  size_t off, len;
  bool ended; /* nothing more comes */
  bool told;  /* and the other end knows */
} way;

typedef struct pair {
  int fd[2]; /* way[i] goes from fd[i] to fd[!i]; -1: free */
  way way[2];
} pair;

static pair pairs[PAIRS];

static int open_socket(bool listener, int port)
{
  struct sockaddr_in in = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, err, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (listener)
    err = bind(fd, (struct sockaddr *)&in, sizeof(in)) || listen(fd, PAIRS);
  else
    err = connect(fd, (struct sockaddr *)&in, sizeof(in));
  if (err) {
    close(fd);
    return -1;
  }
  return fd;
}

static void close_pair(pair *p)
{
  close(p->fd[0]);
  close(p->fd[1]);
  p->fd[0] = p->fd[1] = -1;
}

static void take(int listener, int target_port)
{
  int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), other;
  pair *p = NULL;

  if (fd < 0)
    return;
  for (int i = 0; i < PAIRS && !p; i++)
    if (pairs[i].fd[0] < 0)
      p = &pairs[i];
  other = p ? open_socket(false, target_port) : -1;
  if (other < 0) {
    close(fd);
    return;
  }
  memset(p, 0, sizeof(*p));
  p->fd[0] = fd;
  p->fd[1] = other;
  for (int i = 0; i < 2; i++)
    setsockopt(p->fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* False if the connection is broken. */
static bool read_some(int from, way *w)
{
  ssize_t n = recv(from, w->buf, sizeof(w->buf), MSG_DONTWAIT);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  w->off = 0;
  w->len = (size_t)n;
  w->ended = n == 0;
  return true;
}

static bool write_some(int to, way *w)
{
  ssize_t n = send(to, w->buf + w->off, w->len - w->off, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  w->off += (size_t)n;
  return true;
}

static bool pass_on(pair *p, const short revents[2])
{
  for (int i = 0; i < 2; i++) {
    way *w = &p->way[i];

    if (w->off == w->len && !w->ended && revents[i] & (POLLIN | POLLHUP | POLLERR) &&
        !read_some(p->fd[i], w))
      return false;
    if (w->off < w->len && !write_some(p->fd[!i], w))
      return false;
    if (w->off == w->len && w->ended && !w->told) {
      shutdown(p->fd[!i], SHUT_WR);
      w->told = true;
    }
  }
  return !p->way[0].told || !p->way[1].told;
}

static short wants(const pair *p, int i)
{
  const way *from = &p->way[i], *to = &p->way[!i];

  return (short)((from->off == from->len && !from->ended ? POLLIN : 0) |
                 (to->off < to->len ? POLLOUT : 0));
}

static void serve(int listener, int target_port)
{
  struct pollfd fds[1 + 2 * PAIRS] = {{.fd = listener, .events = POLLIN}};

  for (;;) {
    for (int i = 0; i < PAIRS; i++)
      for (int k = 0; k < 2; k++) {
        short events = wants(&pairs[i], k);

        fds[1 + 2 * i + k] = (struct pollfd){.fd = events ? pairs[i].fd[k] : -1, .events = events};
      }
    if (poll(fds, 1 + 2 * PAIRS, -1) < 0)
      continue;
    for (int i = 0; i < PAIRS; i++) {
      short revents[2] = {fds[1 + 2 * i].revents, fds[2 + 2 * i].revents};

      if (pairs[i].fd[0] >= 0 && (revents[0] || revents[1]) && !pass_on(&pairs[i], revents))
        close_pair(&pairs[i]);
    }
    if (fds[0].revents)
      take(listener, target_port);
  }
}

int main(int argc, char **argv)
{
  struct sockaddr_in in;
  socklen_t len = sizeof(in);
  int listener;

  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: relay TARGET-PORT [PORT]\n");
    return 2;
  }
  for (int i = 0; i < PAIRS; i++)
    pairs[i].fd[0] = pairs[i].fd[1] = -1;
  listener = open_socket(true, argc == 3 ? atoi(argv[2]) : 0);
  if (listener < 0 || getsockname(listener, (struct sockaddr *)&in, &len) < 0) {
    fprintf(stderr, "relay: %s\n", strerror(errno));
    return 1;
  }
  printf("%d\n", ntohs(in.sin_port));
  fflush(stdout);
  serve(listener, atoi(argv[1]));
}
