/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_end.c: nvmens-tcp-target ends when told to, by SIGTERM or `quit`, with every kind of
 * drain and every kind of silent peer under way: with status 0, and without waiting for a deadline,
 * a backend or a host (scenarios 10, 15, 19). Exit 0, 1, or 77.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tcp_rig.h"

enum { READS = 60, CHUNK = 131072 };
static uint8_t data[CHUNK];

static int send_read(th_queue *q, uint32_t nsid, uint32_t blocks)
{
  uint8_t sqe[64];

  th_sqe(sqe, 0x02, nsid);
  th_cdw(sqe, 12, blocks - 1);
  return th_send(q, sqe, data, blocks * 512, TH_READ);
}

/* One that waits for its answer does not keep another from asking. */
static int another_client(const tcp_rig *rig)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  strcpy(address.sun_path, rig->socket);
  CLAIM(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
  return fd;
}

/* Commands that are stuck in each way; those of NSID 5 have lost their queue. */
static void start_commands(tcp_rig *rig, th_queue *a, th_queue *q)
{
  th_queue lost;
  uint8_t sqe[64];

  rig_admin(rig, a);
  rig_io(rig, q, a, 1);
  rig_io(rig, &lost, a, 2);
  for (int nsid = 2; nsid <= 6; nsid++) {
    CLAIM(rig_ctl(rig, NULL, 0, "add %d ram:8M", nsid));
    CLAIM(rig_ctl(rig, NULL, 0, "stall %d%s", nsid, nsid >= 4 ? " hard" : ""));
    CLAIM(send_read(nsid == 5 ? &lost : q, (uint32_t)nsid, 8) >= 0);
  }
  q->hold_r2t = true;
  th_sqe(sqe, 0x01, 1);
  th_cdw(sqe, 12, 255);
  CLAIM(th_send(q, sqe, data, CHUNK, TH_R2T) >= 0);
  CLAIM(rig_status(rig, "\"in_flight\":1}],\"in_flight\":1},{\"nsid\":6"));
  CLAIM(th_park(a) >= 0);
  th_close(&lost);
  CLAIM(rig_status(rig, "\"connections\":2"));
}

/* Each kind of removal, none of which can end by itself. */
static void start_drains(tcp_rig *rig, th_queue *a, int client)
{
  static const char remove[] = "remove 2 deadline=none\n"; /* and its answer is waited for */
  uint8_t sqe[64];

  CLAIM(rig_ctl(rig, NULL, 0, "detach 3 %u", a->cntlid));
  CLAIM(rig_ctl(rig, NULL, 0, "remove 4 nowait deadline=none"));
  CLAIM(rig_ctl(rig, NULL, 0, "remove 5 nowait surprise"));
  th_sqe(sqe, 0x0D, 6); /* Namespace Management, delete */
  th_cdw(sqe, 10, 1);
  CLAIM(th_send(a, sqe, NULL, 0, TH_NONE) >= 0);
  CLAIM(rig_status(rig, "{\"nsid\":6,\"state\":\"deleting\""));
  CLAIM(write(client, remove, sizeof(remove) - 1) == sizeof(remove) - 1);
  CLAIM(rig_status(rig, "{\"nsid\":2,\"state\":\"deleting\""));
}

/* Takes none of the data that it asks for, far more than sockets hold. */
static void start_taking_nothing(tcp_rig *rig, th_queue *a, th_queue *q)
{
  int small = 4096;

  rig_admin(rig, a);
  rig_io(rig, q, a, 1);
  setsockopt(q->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  for (int i = 0; i < READS; i++)
    CLAIM(send_read(q, 1, CHUNK / 512) >= 0);
}

static void ends(bool by_signal)
{
  static const char *const args[] = {"--ns", "1=ram:8M", "--deadline", "600", NULL};
  static const uint8_t half[8] = {0x04, 0, 72, 0, 72};
  static th_queue a, q, slow_a, slow_q, mute, cut;
  char line[256];
  tcp_rig rig;
  int client;

  rig_start(&rig, args);
  client = another_client(&rig);
  start_commands(&rig, &a, &q);
  start_taking_nothing(&rig, &slow_a, &slow_q);
  IS(th_tcp(&mute, "127.0.0.1", rig.port), 0);
  IS(th_tcp(&cut, "127.0.0.1", rig.port), 0);
  IS(th_icreq(&cut), 0);
  IS(th_write(&cut, half, sizeof(half)), 0);
  start_drains(&rig, &a, client);
  if (by_signal)
    CLAIM(kill(rig.pid, SIGTERM) == 0);
  else
    rig_say(&rig, "quit");
  rig_ended(&rig, 8000); /* less than SEND_SECONDS, PDU_SECONDS and CONNECT_SECONDS */
  CLAIM(by_signal || (rig_line(&rig, line, sizeof(line), 5000) && strcmp(line, "ok") == 0));
  CLAIM(read(client, line, sizeof(line)) == 3 && memcmp(line, "ok\n", 3) == 0);
  CLAIM(read(client, line, 1) == 0);
  close(client);
  rig_close(&rig);
  th_close(&a);
  th_close(&q);
  th_close(&slow_a);
  th_close(&slow_q);
  th_close(&mute);
  th_close(&cut);
}

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  ends(true);
  ends(false);
  return rig_result();
}
