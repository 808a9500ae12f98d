/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nsview: what the guest's kernel shows of its NVMe namespaces, and how long changes take.
 *
 *   nsview list                     lines "NSID UUID BYTES DEVICE" for each device (multipath head)
 *   nsview paths                    a line "CNTLID NSID UUID STATE" for each path
 *   nsview wait MS COND...          until all conditions hold, at most MS milliseconds
 *   nsview do MS FD COMMAND COND... as wait, after writing COMMAND to FD (a control connection of
 *                                   the target); ends when its answer is there and the conditions
 *                                   hold; COMMAND may be several lines, each with its answer
 *
 * COND: +NSID (there is a device), with =UUID, :BYTES, or @CNTLID (a path instead) after it; with -
 * for + there is none. wait and do print "answer=MS view=MS reply=TEXT" and end with
 * 0; 1: too late; 2: usage; 3: the control connection answered with an error.
 *
 * Names of block devices are not stable, so everything goes by sysfs attributes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 4096 };

static double now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* One attribute without its newline; "" if it cannot be read: things vanish while we look. */
static const char *attr(char *buf, size_t len, const char *fmt, ...)
{
  char path[512];
  va_list ap;
  int fd;
  ssize_t n;

  va_start(ap, fmt);
  vsnprintf(path, sizeof(path), fmt, ap);
  va_end(ap);
  buf[0] = 0;
  fd = open(path, O_RDONLY);
  if (fd < 0)
    return buf;
  n = read(fd, buf, len - 1);
  close(fd);
  buf[n > 0 ? n : 0] = 0;
  buf[strcspn(buf, "\n")] = 0;
  return buf;
}

typedef struct view {
  uint32_t nsid;
  int cntlid; /* -1: a head */
  uint64_t bytes;
  char uuid[40], state[24], name[32];
} view;

static view heads[MAX], paths[MAX];
static int nheads, npaths;

static bool is_head(const char *name)
{
  int a, b, used = 0;

  return sscanf(name, "nvme%dn%d%n", &a, &b, &used) == 2 && !name[used];
}

static bool is_path(const char *name)
{
  int a, b, c, used = 0;

  return sscanf(name, "nvme%dc%dn%d%n", &a, &b, &c, &used) == 3 && !name[used];
}

static bool fill(view *v, const char *dir, const char *name)
{
  char t[64];

  memset(v, 0, sizeof(*v));
  v->nsid = strtoul(attr(t, sizeof(t), "%s/%s/nsid", dir, name), NULL, 10);
  v->bytes = strtoull(attr(t, sizeof(t), "%s/%s/size", dir, name), NULL, 10) * 512;
  attr(v->uuid, sizeof(v->uuid), "%s/%s/uuid", dir, name);
  snprintf(v->name, sizeof(v->name), "%.31s", name);
  return v->nsid != 0;
}

static void look_at_ctrl(const char *ctrl)
{
  char dir[300], t[64];
  struct dirent *e;
  DIR *d;
  int cntlid;

  snprintf(dir, sizeof(dir), "/sys/class/nvme/%s", ctrl);
  d = opendir(dir);
  if (!d)
    return;
  cntlid = atoi(attr(t, sizeof(t), "%s/cntlid", dir));
  while ((e = readdir(d)))
    if (is_path(e->d_name) && npaths < MAX && fill(&paths[npaths], dir, e->d_name)) {
      attr(paths[npaths].state, sizeof(paths[0].state), "%s/state", dir);
      paths[npaths++].cntlid = cntlid;
    }
  closedir(d);
}

static void look(void)
{
  struct dirent *e;
  DIR *d;

  nheads = npaths = 0;
  d = opendir("/sys/class/block");
  while (d && (e = readdir(d)))
    if (is_head(e->d_name) && nheads < MAX && fill(&heads[nheads], "/sys/class/block", e->d_name))
      heads[nheads++].cntlid = -1;
  if (d)
    closedir(d);
  d = opendir("/sys/class/nvme");
  while (d && (e = readdir(d)))
    if (!strncmp(e->d_name, "nvme", 4))
      look_at_ctrl(e->d_name);
  if (d)
    closedir(d);
}

static bool holds(const char *cond)
{
  bool want = cond[0] == '+', found = false;
  char *end, uuid[40] = "";
  uint32_t nsid = (uint32_t)strtoul(cond + 1, &end, 10);
  uint64_t bytes = 0;
  int cntlid = -1;

  while (*end) { /* =UUID, :BYTES, @CNTLID */
    const char *word = end + 1;

    if (*end == '=') {
      snprintf(uuid, sizeof(uuid), "%.*s", (int)strcspn(word, ":@"), word);
      end = (char *)word + strcspn(word, ":@");
    } else if (*end == ':') {
      bytes = strtoull(word, &end, 10);
    } else if (*end == '@') {
      cntlid = (int)strtol(word, &end, 10);
    } else {
      return false;
    }
  }
  const view *v = cntlid >= 0 ? paths : heads;
  int n = cntlid >= 0 ? npaths : nheads;

  for (int k = 0; k < n && !found; k++)
    found = v[k].nsid == nsid && v[k].cntlid == cntlid &&
            (!*uuid || strcasecmp(v[k].uuid, uuid) == 0) && (!bytes || v[k].bytes == bytes) &&
            /* a device without a capacity yet cannot be opened */
            (!want || cntlid >= 0 || v[k].bytes != 0);
  return found == want;
}

static char reply[65536];
static size_t replied;

/* 0: more to come; 1: `wanted` times "ok"; 2: "error: ..." */
static int answered(int fd, int wanted)
{
  int oks = 0;

  struct pollfd p = {.fd = fd, .events = POLLIN};

  while (poll(&p, 1, 0) > 0 && replied < sizeof(reply) - 1) {
    ssize_t n = read(fd, reply + replied, sizeof(reply) - 1 - replied);
    if (n <= 0)
      break;
    replied += n;
    reply[replied] = 0;
  }
  for (char *l = reply; *l; l += strcspn(l, "\n") + 1) {
    if (!strchr(l, '\n'))
      return 0;
    if (!strncmp(l, "ok\n", 3) || !strncmp(l, "ok ", 3))
      oks++;
    if (!strncmp(l, "error", 5))
      return 2;
    if (oks == wanted)
      return 1;
  }
  return 0;
}

static int await(double limit, int fd, const char *command, char **cond, int n)
{
  double start = now(), answer = -1, seen = -1;
  int done = fd < 0, lines = 1;

  for (const char *c = command; c && *c; c++)
    lines += *c == '\n';
  if (fd >= 0 && dprintf(fd, "%s\n", command) < 0) {
    fprintf(stderr, "nsview: write: %s\n", strerror(errno));
    return 2;
  }
  for (;;) {
    if (!done && (done = answered(fd, lines)))
      answer = now() - start;
    if (seen < 0) {
      bool all = true;

      look();
      for (int i = 0; i < n && all; i++)
        all = holds(cond[i]);
      if (all)
        seen = now() - start;
    }
    if ((done && seen >= 0) || done == 2 || now() - start > limit)
      break;
    usleep(500);
  }
  for (char *c = reply; *c; c++)
    if (*c == '\n')
      *c = ';';
  printf("answer=%.1f view=%.1f reply=%s\n", answer, seen, reply);
  return done == 2 ? 3 : done && seen >= 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
  if (argc == 2 && !strcmp(argv[1], "list")) {
    look();
    for (int i = 0; i < nheads; i++)
      printf("%u %s %llu %s\n", heads[i].nsid, heads[i].uuid[0] ? heads[i].uuid : "-",
             (unsigned long long)heads[i].bytes, heads[i].name);
    return 0;
  }
  if (argc == 2 && !strcmp(argv[1], "paths")) {
    look();
    for (int i = 0; i < npaths; i++)
      printf("%d %u %s %s\n", paths[i].cntlid, paths[i].nsid,
             paths[i].uuid[0] ? paths[i].uuid : "-", paths[i].state);
    return 0;
  }
  if (argc >= 4 && !strcmp(argv[1], "wait"))
    return await(atof(argv[2]), -1, NULL, argv + 3, argc - 3);
  if (argc >= 5 && !strcmp(argv[1], "do"))
    return await(atof(argv[2]), atoi(argv[3]), argv[4], argv + 5, argc - 5);
  fprintf(stderr, "usage: nsview list | paths | wait MS COND... | do MS FD COMMAND COND...\n");
  return 2;
}
