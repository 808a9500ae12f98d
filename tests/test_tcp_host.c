/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_tcp_host.c: the host with which nvmens-tcp-target is tested, without a target: what it takes
 * for the completion of a command. Exit 0 or 1.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../examples/tcp-target/pdu.h"
#include "tcp_host.h"

enum { ABORTED = 7, CHANGED = 9 };

static int failures;

static void claim(int holds, const char *what, long got)
{
  if (!holds && failures++ < 20)
    fprintf(stderr, "test_tcp_host: %s (%ld)\n", what, got);
}

static int flush(th_queue *q, int peer)
{
  uint8_t sqe[64], capsule[72];
  int cid;

  th_sqe(sqe, 0, 1);
  cid = th_send(q, sqe, NULL, 0, TH_NONE);
  claim(cid < 0 || read(peer, capsule, sizeof(capsule)) == sizeof(capsule), "it has come", cid);
  return cid;
}

static void answer(int peer, int cid, uint16_t sf)
{
  uint8_t bytes[64];
  size_t len = pdu_resp(bytes, 0, 0, (uint16_t)cid, sf);

  claim(write(peer, bytes, len) == (ssize_t)len, "it is sent", cid);
}

/* Of the two completions that come together the second is waited for; the first waits in the stash
 * while all other CIDs are given out, and belongs to its command still. */
static void a_cid_is_given_again_when_its_completion_was_taken(th_queue *q, int peer)
{
  int first = flush(q, peer);
  th_cqe cqe;

  answer(peer, first, ABORTED);
  for (int i = 0; i < 2 * TH_CIDS; i++) {
    int cid = flush(q, peer);

    claim(cid >= 0 && cid != first, "another CID", cid);
    answer(peer, cid, CHANGED);
    claim(th_wait(q, cid, &cqe, 1000) == 0, "it ends", cid);
    claim(cqe.cid == cid && cqe.sf == CHANGED, "with its own status", cqe.sf);
  }
  claim(th_next(q, &cqe, 1000) == 0, "the first ends", first);
  claim(cqe.cid == first && cqe.sf == ABORTED, "with its own", cqe.sf);
  for (int i = 0; i < TH_CIDS; i++)
    claim(flush(q, peer) >= 0, "all CIDs are free again", i);
  claim(flush(q, peer) < 0, "no CID is left", 0);
}

/* Its buffer may be gone. */
static void no_data_come_after_the_completion(th_queue *q, int peer)
{
  uint8_t sqe[64], buf[512], bytes[256];
  int cid, other;
  size_t len;
  th_cqe cqe;

  th_sqe(sqe, 2, 1);
  cid = th_send(q, sqe, buf, sizeof(buf), TH_READ);
  other = flush(q, peer);
  answer(peer, cid, 0);
  len = pdu_c2h(bytes, 0, (uint16_t)cid, 0, sizeof(buf), 1);
  claim(write(peer, bytes, len) == (ssize_t)len, "a header", cid);
  claim(th_wait(q, other, &cqe, 1000) == TH_CLOSED, "it is a fault of the target", cid);
}

static void with(void (*test)(th_queue *, int peer))
{
  static th_queue q;
  int sv[2];

  memset(&q, 0, sizeof(q));
  claim(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0, "two sockets", 0);
  q.fd = sv[0];
  test(&q, sv[1]);
  close(sv[0]);
  close(sv[1]);
}

int main(void)
{
  with(a_cid_is_given_again_when_its_completion_was_taken);
  with(no_data_come_after_the_completion);
  return failures > 0;
}
