/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_host.h: a small NVMe/TCP host for tests and measurements: as much as a driver needs, and ways
 * to break the rules on purpose. One queue is one connection; a queue has one user at a time.
 */
#ifndef TESTS_TCP_HOST_H
#define TESTS_TCP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TH_CIDS = 256, TH_STASH = 64, TH_TIMEOUT = -1, TH_CLOSED = -2, TH_TERM = -3 };

typedef enum th_how {
  TH_NONE,   /* no data */
  TH_READ,   /* data to us */
  TH_INLINE, /* data in the capsule */
  TH_R2T     /* data when the controller asks */
} th_how;

typedef struct th_cqe {
  uint32_t dw0, dw1;
  uint16_t sqhd, cid, sf; /* sf without the phase bit */
} th_cqe;

typedef struct th_id {
  const char *subnqn, *hostnqn;
  uint8_t hostid[16];
} th_id;

typedef struct th_queue {
  int fd;
  uint16_t qid, cntlid, next_cid;
  struct {
    uint8_t *data;
    uint32_t len, got;
    bool used, ended; /* used until its completion has been taken, by th_next or th_wait */
  } cmd[TH_CIDS];
  th_cqe stash[TH_STASH]; /* completions of others, kept by th_run */
  unsigned stashed;
  uint16_t fes; /* of C2HTermReq */
  uint32_t fei;
  uint32_t r2ts;
  bool hold_r2t; /* R2Ts are counted, not answered */
  uint16_t held_cid, held_ttag;
} th_queue;

/* The connection alone; -1. */
int th_tcp(th_queue *, const char *addr, uint16_t port);
int th_write(th_queue *, const void *, size_t);
int th_icreq(th_queue *); /* 0, or TH_* */
/* TCP, ICReq and Connect. 0, a status field, or TH_*; kato in ms. cntlid: unless qid is 0. */
int th_connect(th_queue *, const char *addr, uint16_t port, const th_id *, uint16_t qid,
               uint16_t cntlid, uint16_t sqsize, uint32_t kato);
void th_close(th_queue *);

/* An SQE to be filled in: opcode and NSID are. */
void th_sqe(uint8_t sqe[64], uint8_t opcode, uint32_t nsid);
void th_cdw(uint8_t sqe[64], int dword, uint32_t value);
/* Sends; the CID, or -1. The data must stay until the completion. */
int th_send(th_queue *, uint8_t sqe[64], void *data, uint32_t len, th_how);
void th_capsule(uint8_t pdu[72], const uint8_t sqe[64], uint16_t cid, uint32_t len, th_how);
/* The next completion: 0 or TH_*. Data and R2Ts are dealt with on the way. ms -1: for ever. */
int th_next(th_queue *, th_cqe *, int ms);
/* The answer of that command; completions of others are kept, for th_next. */
int th_wait(th_queue *, int cid, th_cqe *, int ms);
int th_run(th_queue *, uint8_t sqe[64], void *data, uint32_t len, th_how, th_cqe *);
/* Sends the data of an R2T that was held back. */
int th_answer_r2t(th_queue *, uint16_t cid, uint16_t ttag);

/* Each a status field or TH_*. */
int th_property_set(th_queue *, uint32_t offset, uint32_t value);
int th_property_get(th_queue *, uint32_t offset, uint64_t *value);
int th_enable(th_queue *, bool);
int th_identify(th_queue *, uint8_t cns, uint32_t nsid, uint16_t cntid, void *page4096);
int th_log(th_queue *, uint8_t lid, bool rae, void *buf, uint32_t len);
int th_feature(th_queue *, uint8_t fid, uint32_t value);
int th_rw(th_queue *, bool write, uint32_t nsid, uint64_t slba, uint32_t blocks, void *buf,
          uint32_t len, th_how);
/* An Asynchronous Event Request: its CID, or -1. */
int th_park(th_queue *);

#endif
