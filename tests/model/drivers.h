/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drivers.h: what the models of hosts share: a driver for each controller, and its disks.
 */
#ifndef NVMENS_TESTS_MODEL_DRIVERS_H
#define NVMENS_TESTS_MODEL_DRIVERS_H

#include "world.h"

enum { D_NONE, D_LINUX, D_SPDK, D_LAZY };
enum { D_AWAY = 8 };

typedef struct d_disk {
  uint8_t there, csi, shared;
  nvmens_ident ident;
  uint64_t nsze;
} d_disk;

typedef struct d_driver {
  uint8_t kind, up, hostid, pci;
  uint8_t quiet; /* asks for no events */
  uint8_t at;    /* what comes next, or is out */
  uint8_t busy;  /* it is out */
  uint8_t log_due, scan_due;
  uint8_t full; /* this scan goes by CNS 02h */
  uint8_t lids; /* bit n: log n, which is the backend's, is to be read */
  uint8_t aers, life;
  uint8_t tools;  /* management commands that are out: of a delete it is not told otherwise (R40) */
  uint16_t heard; /* notices of LID 04h (lazy) */
  uint32_t after; /* the scan has come so far */
  uint16_t n, i;  /* NSIDs to be looked at, and at which it is */
  uint32_t list[M_NSIDS + 1];
  d_disk seen; /* by CNS 03h and 00h, of list[i] */
  d_disk disk[M_NSIDS];
  uint8_t refused[M_NSIDS]; /* by the path of controller n - 1; 0: it was not */
} d_driver;
extern d_driver D[M_CTRLS];

int d_at_rest(const d_driver *);

/* disks.c */
void d_init(void);
int d_same(const d_disk *, const d_disk *);
void d_goes_away(int ctrl);  /* its controller is being removed */
void d_comes_back(int ctrl); /* a controller for a path that is away, if there is one */
int d_in_the_way(const d_driver *, int n, const d_disk *);
void d_identified(int ctrl, int n, const d_disk *); /* the host has seen who is there */
void d_was_shown(int ctrl, int n);                  /* another than its disk */
void d_check_view(int ctrl);

#endif
