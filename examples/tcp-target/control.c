/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.c: the control socket. One thread serves all clients and waits for none of them: an
 * answer that does not fit into a client's socket waits in memory, up to REPLY_MAX, then the client
 * is dropped. What hooks tell comes through a mailbox: messages, and namespaces that were released.
 */
#define _GNU_SOURCE
#include "control.h"
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAIL_MAX = 4096 };

typedef struct message {
  struct message *next;
  char text[80];
} message;

struct control {
  target *t;
  pthread_t thread;
  int listen_fd, efd;
  atomic_bool stop;
  client clients[MAX_CLIENTS];
  pthread_mutex_t lock; /* the mailbox */
  message *messages, **messages_end;
  ns *released, **released_end;
  unsigned waiting; /* messages */
  struct sockaddr_un address;
};

static void client_close(client *c)
{
  close(c->fd);
  free(c->out);
  memset(c, 0, sizeof(*c));
  c->fd = -1;
}

static void client_flush(client *c)
{
  while (c->out_len > 0 && !c->dead) {
    ssize_t n = send(c->fd, c->out, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return;
    if (n <= 0) {
      c->dead = true;
      return;
    }
    c->out_len -= (size_t)n;
    memmove(c->out, c->out + n, c->out_len);
  }
}

static bool client_room(client *c, size_t more)
{
  size_t size = c->out_size ? c->out_size : 4096;
  char *out;

  while (size < c->out_len + more)
    size *= 2;
  if (size == c->out_size)
    return true;
  out = size <= REPLY_MAX * 2 ? realloc(c->out, size) : NULL;
  if (!out) {
    c->dead = true;
    return false;
  }
  c->out = out;
  c->out_size = size;
  return true;
}

__attribute__((format(printf, 2, 0))) static void client_vsay(client *c, const char *format,
                                                              va_list args)
{
  va_list again;
  int n;

  va_copy(again, args);
  n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (n < 0 || c->dead || !client_room(c, (size_t)n + 1))
    return;
  vsnprintf(c->out + c->out_len, (size_t)n + 1, format, args);
  c->out_len += (size_t)n;
}

void client_say(client *c, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  client_vsay(c, format, args);
  va_end(args);
}

void client_end(client *c, const char *why)
{
  if (why)
    client_say(c, "error: %s\n", why);
  else
    client_say(c, "ok\n");
}

void control_tell(struct control *k, const char *format, ...)
{
  message *m;
  va_list args;

  if (!k)
    return;
  m = malloc(sizeof(*m));
  if (!m)
    return; /* told or not, it happened; `status` knows */
  va_start(args, format);
  vsnprintf(m->text, sizeof(m->text), format, args);
  va_end(args);
  m->next = NULL;
  pthread_mutex_lock(&k->lock);
  if (k->waiting < MAIL_MAX) {
    *k->messages_end = m;
    k->messages_end = &m->next;
    k->waiting++;
    m = NULL;
  }
  pthread_mutex_unlock(&k->lock);
  free(m);
  kick(k->efd);
}

void control_released(struct control *k, ns *n)
{
  if (!k) {
    ns_put(n);
    return;
  }
  n->mail = NULL;
  pthread_mutex_lock(&k->lock);
  *k->released_end = n;
  k->released_end = &n->mail;
  pthread_mutex_unlock(&k->lock);
  kick(k->efd);
}

static void tell_watchers(struct control *k, const char *text)
{
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (k->clients[i].fd >= 0 && k->clients[i].watch)
      client_say(&k->clients[i], "%s\n", text);
}

static void tell_released(struct control *k, const ns *n)
{
  static const char *const reasons[] = {"unplugged", "host-deleted", "create-failed"};
  char text[80];

  snprintf(text, sizeof(text), "event: released %u %s", n->nsid, reasons[n->reason]);
  tell_watchers(k, text);
  for (int i = 0; i < MAX_CLIENTS; i++) {
    client *c = &k->clients[i];

    if (c->fd >= 0 && c->waits_for == n->serial) {
      c->waits_for = 0;
      client_end(c, NULL);
    }
  }
}

static void read_mail(struct control *k)
{
  message *m;
  ns *n;

  unkick(k->efd);
  pthread_mutex_lock(&k->lock);
  m = k->messages;
  n = k->released;
  k->messages = NULL;
  k->messages_end = &k->messages;
  k->released = NULL;
  k->released_end = &k->released;
  k->waiting = 0;
  pthread_mutex_unlock(&k->lock);
  while (m) {
    message *next = m->next;

    tell_watchers(k, m->text);
    free(m);
    m = next;
  }
  while (n) {
    ns *next = n->mail;

    tell_released(k, n);
    ns_put(n);
    n = next;
  }
}

/* Runs the complete lines there are, until one has to wait for its answer. */
static void client_lines(struct control *k, client *c)
{
  char *end;

  while (!c->dead && !c->waits_for && (end = memchr(c->line, '\n', c->line_len))) {
    size_t used = (size_t)(end - c->line) + 1;
    bool too_long = c->too_long;

    *end = '\0';
    c->too_long = false;
    if (too_long)
      client_end(c, "line too long");
    else
      verb_run(k->t, c, c->line);
    c->line_len -= used;
    memmove(c->line, c->line + used, c->line_len);
  }
  if (c->line_len == LINE_MAX_LEN && !c->waits_for) {
    c->too_long = true;
    c->line_len = 0;
  }
}

static void client_read(struct control *k, client *c)
{
  ssize_t n;

  n = recv(c->fd, c->line + c->line_len, LINE_MAX_LEN - c->line_len, MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
    c->dead = true;
    return;
  }
  if (n > 0)
    c->line_len += (size_t)n;
  client_lines(k, c);
}

static void accept_client(struct control *k)
{
  static const char full[] = "error: too many clients\n";
  int fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC);

  if (fd < 0)
    return;
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (k->clients[i].fd < 0) {
      k->clients[i].fd = fd;
      return;
    }
  send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  close(fd);
}

static void serve_client(struct control *k, client *c, short revents)
{
  if (c->fd < 0)
    return;
  if (revents & (POLLIN | POLLHUP | POLLERR) && c->line_len < LINE_MAX_LEN)
    client_read(k, c);
  else
    client_lines(k, c); /* lines that waited behind an answer */
  if (c->line_len == LINE_MAX_LEN && revents & (POLLHUP | POLLERR))
    c->dead = true;
  client_flush(c);
  if (c->dead)
    client_close(c);
}

static void *control_thread(void *arg)
{
  struct control *k = arg;

  while (!atomic_load(&k->stop)) {
    struct pollfd fds[MAX_CLIENTS + 2] = {{.fd = k->efd, .events = POLLIN},
                                          {.fd = k->listen_fd, .events = POLLIN}};

    for (int i = 0; i < MAX_CLIENTS; i++) {
      const client *c = &k->clients[i];

      fds[i + 2].fd = c->fd;
      fds[i + 2].events =
          (short)((c->line_len < LINE_MAX_LEN ? POLLIN : 0) | (c->out_len > 0 ? POLLOUT : 0));
    }
    if (poll(fds, MAX_CLIENTS + 2, -1) < 0)
      continue;
    if (fds[0].revents)
      read_mail(k);
    for (int i = 0; i < MAX_CLIENTS; i++)
      serve_client(k, &k->clients[i], fds[i + 2].revents);
    if (fds[1].revents)
      accept_client(k);
  }
  return NULL;
}

/* A socket that nobody listens on was left by a process that died: it is replaced. */
static const char *clear_path(const struct sockaddr_un *address)
{
  struct stat st;
  int fd, err;

  if (lstat(address->sun_path, &st) < 0)
    return errno == ENOENT ? NULL : strerror(errno);
  if (!S_ISSOCK(st.st_mode))
    return "exists, and is no socket";
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return strerror(errno);
  err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
  close(fd);
  if (err != ECONNREFUSED)
    return "another process listens there";
  return unlink(address->sun_path) < 0 ? strerror(errno) : NULL;
}

static const char *listen_on(struct control *k, const char *path)
{
  const char *why;
  mode_t mask;
  int err;

  k->address.sun_family = AF_UNIX;
  strcpy(k->address.sun_path, path);
  why = clear_path(&k->address);
  if (why)
    return why;
  k->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (k->listen_fd < 0)
    return strerror(errno);
  mask = umask(0177);
  err = bind(k->listen_fd, (struct sockaddr *)&k->address, sizeof(k->address));
  umask(mask);
  if (err < 0 || listen(k->listen_fd, MAX_CLIENTS) < 0)
    return strerror(errno);
  return NULL;
}

const char *control_start(target *t, struct control **out)
{
  struct control *k = calloc(1, sizeof(*k));
  const char *why;

  if (!k)
    return "out of memory";
  k->t = t;
  k->listen_fd = -1;
  k->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  k->messages_end = &k->messages;
  k->released_end = &k->released;
  pthread_mutex_init(&k->lock, NULL);
  for (int i = 0; i < MAX_CLIENTS; i++)
    k->clients[i].fd = -1;
  why = k->efd < 0 ? strerror(errno) : listen_on(k, t->opt.control);
  if (!why) {
    *out = k;
    if (pthread_create(&k->thread, NULL, control_thread, k) == 0)
      return NULL;
    *out = NULL;
    unlink(k->address.sun_path);
    why = "no thread";
  }
  if (k->listen_fd >= 0)
    close(k->listen_fd);
  close(k->efd);
  free(k);
  return why;
}

void control_quiesce(struct control *k)
{
  if (!k)
    return;
  atomic_store(&k->stop, true);
  kick(k->efd);
  pthread_join(k->thread, NULL);
  unlink(k->address.sun_path);
}

void control_stop(struct control *k)
{
  if (!k)
    return;
  read_mail(k);
  for (int i = 0; i < MAX_CLIENTS; i++)
    if (k->clients[i].fd >= 0) {
      client_flush(&k->clients[i]);
      client_close(&k->clients[i]);
    }
  close(k->listen_fd);
  close(k->efd);
  pthread_mutex_destroy(&k->lock);
  free(k);
}
