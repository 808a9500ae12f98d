/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prepare.h: commands that wait, and what the backend is asked first. Floor 5.
 */
#ifndef NVMENS_LIB_PREPARE_H
#define NVMENS_LIB_PREPARE_H

#include "admin.h"

/* A command waits for what it starts between these; the last to let go ends it. */
void nvmens_cmd_hold(nvmens_cmd *);
void nvmens_cmd_let_go(nvmens_cmd *);

/* go: what is done when the backend is ready; the command is held meanwhile. NULL: no memory. */
nvmens_prep *nvmens_prep_new(nvmens_subsys *, nvmens_prepared_go *go);
void nvmens_prep_free(nvmens_subsys *, nvmens_prep *);
/* Calls `prepare`; ns: kept from being released meanwhile. The prep is no longer the caller's. */
void nvmens_prep_ask(const nvmens_request *, nvmens_prep *, const nvmens_intent *, nvmens_ns *ns);
/* The host has created prep->ref: `created` is to be called. */
void nvmens_prep_tell(nvmens_prep *);

#endif
