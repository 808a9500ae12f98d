/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disk.h: the disks that a driver has, and the commands that are meant for them. Included by
 * hotswap.h.
 *
 * A stamp stands for the identity of a namespace, and is never used twice. Rule H1: a command that
 * was sent for the disk with stamp X is never executed on a namespace with another one.
 */
#ifndef HOTSWAP_DISK_H
#define HOTSWAP_DISK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct backend;
struct driver;
struct io_thread;
struct request;
struct world;

/* By controller and NSID. Its driver alone changes it; the I/O threads look at the stamp. */
struct disk {
  _Atomic uint64_t stamp; /* 0: the driver has no disk here */
  uint8_t uuid[16];
  uint64_t nsze;
};

/* What became of an I/O thread's commands to one controller. */
struct sendings {
  _Atomic uint64_t sent;   /* for a disk that the driver had */
  _Atomic uint64_t old;    /* of these, barred when the NSID was another namespace's already */
  _Atomic uint64_t astray; /* of these, executed on another namespace: H1 is broken */
  _Atomic uint64_t raw;    /* to an NSID of which the driver had no disk: they have no stamp */
  uint64_t shown_stamp;    /* of a command that went astray and was reported */
  unsigned shown;          /* how many were */
};

/* The driver's, on its thread. When disk_drop returns, no command of that disk is still to come. */
bool disk_there(const struct disk *);
void disk_add(struct driver *, uint32_t nsid, const uint8_t uuid[16], uint64_t nsze);
void disk_drop(struct driver *, uint32_t nsid);
void disk_drop_all(struct driver *);

/* An I/O thread's. The command goes to the gate between disk_send, which sets r->stamp, and
 * disk_sent; nothing else happens there, since a driver may wait for it. */
uint32_t disk_pick(struct io_thread *, unsigned port); /* an NSID; 0: no disk was found */
void disk_send(struct io_thread *, unsigned port, struct request *r);
void disk_sent(struct io_thread *);
void disk_refused(struct io_thread *, unsigned port, const struct request *r);
void disk_reached(struct io_thread *, const struct request *r);

/* A namespace that was swapped in, before a host can see it: when the old one was unplugged, or 0
 * if no figure is wanted. */
#define BIRTHS (UINT64_C(1) << 16)
struct birth {
  _Atomic uint64_t stamp, unplug_at;
  _Atomic uint32_t had; /* a bit for each driver that had it as a disk */
};
void disk_born(struct world *, const struct backend *, uint64_t unplug_at);
void disk_owner(struct world *, uint32_t nsid, const struct backend *);

#endif
