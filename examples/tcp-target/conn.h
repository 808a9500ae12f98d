/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn.h: a connection, which is a queue, and its commands. Everything is the queue's thread's but
 * what says otherwise. Functions that send return 0, or -1 once the connection is dead; after that
 * they do nothing, so that only the loop needs to look.
 */
#ifndef TCP_TARGET_CONN_H
#define TCP_TARGET_CONN_H

#include "pdu.h"
#include "target.h"
#include <nvmens/gate.h>

enum req_state {
  REQ_FREE,
  REQ_RUNS,    /* on the queue's thread */
  REQ_R2T,     /* waits for the host's data */
  REQ_DELAYED, /* --io-delay */
  REQ_STALLED, /* the backend of its namespace does not complete */
  REQ_LIBRARY, /* between nvmens_admin and cmd_complete or cmd_drop */
  REQ_ORPHAN   /* in ns.orphans */
};

typedef struct req {
  nvmens_cmd cmd;
  struct conn *conn;
  struct req *next; /* inbox, or ns.orphans */
  uint16_t index;   /* in conn.reqs: the transfer tag */
  uint8_t state;
  uint8_t sqe[64];
  uint16_t cid;
  uint32_t nsid;
  uint32_t len;        /* of the data, as the SGL says */
  uint32_t got;        /* of the data from the host */
  const uint8_t *data; /* from the host: in the capsule, or in buf */
  uint8_t *buf;        /* own memory, at most MAX_DATA; kept for the next command */
  uint32_t buf_size;
  bool in_capsule;
  bool flush_all; /* Flush to FFFFFFFFh */
  ns *ns;         /* held by the ticket; NULL: not, or no more */
  nvmens_ticket ticket;
  uint64_t due; /* delayed until */
  /* The end, as told by the library or by an abort. */
  bool drop;
  uint16_t sf;
  uint32_t dw0;
  uint64_t error_info;
} req;

enum conn_state { CONN_NEW, CONN_CONNECT, CONN_LIVE };

enum { RX_SIZE = 65536, TX_SIZE = MAX_DATA + 65536 };

typedef struct conn {
  target *t;
  struct conn *next; /* target.lock */
  pthread_t thread;
  atomic_uint refs;
  int fd;
  int efd; /* eventfd: look at the inbox, the kill flag and the held commands */
  char peer[80];
  atomic_bool kill;
  pthread_mutex_t inbox_lock;
  req *inbox, **inbox_end; /* inbox_lock */
  bool closed;             /* inbox_lock: nobody empties the inbox any more */

  uint8_t state; /* conn_state */
  bool dead, kicked;
  uint64_t opened, rx_since; /* ns; rx_since 0: no PDU is half received */
  uint8_t *rx, *tx;
  size_t rx_len, tx_len;
  req *h2c; /* whose data are being received */
  uint32_t h2c_left;
  bool h2c_last;
  uint8_t hpda;
  req *reqs;
  uint16_t *unused; /* indices of free commands */
  uint16_t depth, nunused;
  uint16_t qid, sqhd;
  bool sqhd_off;
  unsigned delayed, stalled; /* commands in these states */
  ctrl *ctrl;
  nvmens_lane *lane; /* I/O queues */
  uint64_t heard_ns, next_beat;
  _Atomic uint64_t sectors_read, sectors_written, reads, writes;
} conn;

/* conn.c */
int conn_open(target *, int fd, const char *peer); /* -1: not taken, fd closed */
void conn_put(conn *);
void conn_kick(conn *);
void conn_deliver(req *); /* from any thread: the library is done with it */

/* recv.c */
void recv_some(conn *);

/* send.c */
uint8_t *send_room(conn *, size_t); /* NULL when dead */
int send_flush(conn *);
int send_data(conn *, req *, const void *, uint32_t offset, uint32_t len, bool last);
/* Room for data that the caller fills in: the header is there already. NULL when dead. */
uint8_t *send_data_room(conn *, req *, uint32_t len);
void send_term(conn *, uint16_t fes, uint32_t fei, const uint8_t *bad, size_t len);
/* Ends the command: a completion is queued, the entry is free. */
void send_end(conn *, req *, uint16_t sf, uint64_t result);

/* req.c */
int req_pool(conn *, uint16_t depth);
void req_unpool(req *, uint16_t depth, uint16_t *unused);
req *req_take(conn *);
void req_free(conn *, req *); /* the entry, without a completion */
/* Takes the SGL apart; `inlined` bytes came in the capsule. */
uint16_t req_sgl(req *, const uint8_t *data, uint32_t inlined);
bool req_from_host(const req *);
int req_room(req *, uint32_t); /* -1: no memory */
void req_start(conn *, req *); /* a command capsule is complete */
void req_data(conn *, req *);  /* the data of an R2T are complete */
void req_ask(conn *, req *);   /* sends the R2T */

/* hold.c: commands that a backend, played by us, does not complete yet */
void hold_or_run(conn *, req *);
bool hold_stalled(conn *, req *);     /* true: it is held now (or ended, for want of memory) */
void hold_look(conn *, uint64_t now); /* runs what is due */
void hold_abort(conn *);              /* lets go of namespaces that are being aborted */
uint64_t hold_next(const conn *);     /* when hold_look has something to do */
void hold_end(conn *);                /* the connection ends */
void hold_let_go(conn *, req *);      /* ends the ticket */

/* io.c */
void io_start(conn *, req *);
void io_run(conn *, req *);
void io_end(conn *, req *, uint16_t sf);

/* fabrics.c */
void fabrics_command(conn *, req *);

/* admin.c */
void admin_start(conn *, req *);
void admin_run(conn *, req *);
void admin_delivered(conn *, req *); /* what conn_deliver brought */
/* Sends `size` bytes and zeroes up to what the host asked for. A status, 0 when sent. */
uint16_t admin_send(conn *, req *, const void *, uint32_t size);

/* features.c, logs.c, identify.c: each ends the command */
void features_command(conn *, req *);
void logs_command(conn *, req *);
void identify_ctrl(conn *, req *);
/* Our part of an Identify page: what the library does not know. */
void identify_ns(uint8_t cns, uint8_t *page);

#endif
