/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ens_ns.c: namespaces, from device_add to DEVICE_DELETED. Included by ens.c.
 *
 * An nvme-ns is allocated in the library while it is plugged, unless it is a spare. The guest's
 * create takes a spare, zeroed; a namespace that the guest has deleted becomes one. device_del ends
 * in `released`: then the device is taken out of QEMU, after its cache was flushed.
 */

static void ens_pool(NvmeNamespace *ns);

/* ---- out of QEMU ---- */

static void ens_unparent(void *opaque)
{
  object_unparent(opaque);
  object_unref(opaque);
}

/* blk_aio_flush still counts itself here, and unrealize is going to drain. */
static void ens_flushed_out(void *opaque, int ret)
{
  aio_bh_schedule_oneshot(qemu_get_aio_context(), ens_unparent, opaque);
}

/* The library has let go of it: nothing holds the namespace. */
static void ens_remove(NvmeNamespace *ns)
{
  object_ref(OBJECT(ns));
  blk_aio_flush(ns->blkconf.blk, ens_flushed_out, ns);
}

static void ens_released(void *user, nvmens_reason reason)
{
  NvmeNamespace *ns = user;

  ns->ens.ref = (nvmens_nsref){0};
  if (ns->ens.embedded || ns->ens.unrealizing)
    return;
  ens_pool(ns);
}

static void ens_unplug_request(HotplugHandler *handler, DeviceState *dev, Error **errp)
{
  NvmeNamespace *ns = NVME_NS(dev);
  EnsSubsys *s = ns->ens.subsys;

  dev->pending_deleted_event = true;
  if (ns->ens.pooled) {
    QTAILQ_REMOVE(&s->spares, ns, ens.next);
    ns->ens.pooled = false;
    ens_remove(ns);
  } else if (ns->ens.ref.nsid) {
    nvmens_ns_unplug(s->lib, ns->ens.ref, NVMENS_ORDERLY, ens_now(), s->deadline_ns);
  } /* else: it is being prepared, and removed after that */
}

/* After ens_remove there is nothing to wait for. Devices that go with their controller's bus are
 * asked for nothing before; here somebody must wait. */
static void ens_ns_unrealize(DeviceState *dev)
{
  NvmeNamespace *ns = NVME_NS(dev);
  EnsNs *e = &ns->ens;

  e->unrealizing = true;
  if (e->pooled)
    QTAILQ_REMOVE(&e->subsys->spares, ns, ens.next);
  e->pooled = false;
  AIO_WAIT_WHILE(NULL, e->preparing);
  if (e->ref.nsid)
    nvmens_ns_unplug(e->subsys->lib, e->ref, NVMENS_SURPRISE, ens_now(), 0);
  AIO_WAIT_WHILE(NULL, e->ref.nsid);
  blk_drain(ns->blkconf.blk);
  nvme_ns_shutdown(ns);
  nvme_ns_cleanup(ns);
}

/* ---- into QEMU ---- */

static void ens_ns_config(const NvmeNamespace *ns, nvmens_ns_config *c)
{
  const NvmeIdNs *id = &ns->id_ns;

  *c = (nvmens_ns_config){
      .nsid = ns->params.nsid,
      .csi = ns->csi,
      .shared = ns->params.shared,
      .auto_attach = !ns->params.detached,
      .home_given = !ns->params.shared && ns->ens.home != NVMENS_CNTLID_ANY,
      .home_cntlid = ns->ens.home,
      .flbas = NVME_ID_NS_FLBAS_INDEX(id->flbas),
      .nlbaf = MIN(ns->nlbaf, NVMENS_LBAFS),
      .nsze = le64_to_cpu(id->nsze),
      .ncap = le64_to_cpu(id->ncap),
      .write_protected = !blk_supports_write_perm(ns->blkconf.blk),
  };
  for (unsigned i = 0; i < c->nlbaf; i++)
    c->lbaf[i] = (nvmens_lbaf){.lbads = id->lbaf[i].ds, .ms = le16_to_cpu(id->lbaf[i].ms)};
  memcpy(c->ident.uuid, ns->params.uuid.data, sizeof(c->ident.uuid));
  memcpy(c->ident.eui64, &id->eui64, sizeof(c->ident.eui64));
}

static void ens_allocate(NvmeNamespace *ns, Error **errp)
{
  EnsNs *e = &ns->ens;
  nvmens_ns_config config;
  int rc;

  if (qemu_uuid_is_null(&ns->params.uuid) && !ns->params.eui64)
    qemu_uuid_generate(&ns->params.uuid); /* somebody new at each start */
  ens_ns_config(ns, &config);
  rc = nvmens_ns_new(e->subsys->lib, &config, ns, &e->ref);
  if (rc)
    error_setg(errp, "namespace id %u: %s", ns->params.nsid, nvmens_strerror(rc));
}

static void ens_ns_realize(DeviceState *dev, Error **errp)
{
  NvmeNamespace *ns = NVME_NS(dev);
  BusState *bus = qdev_get_parent_bus(dev);
  NvmeCtrl *n = (NvmeCtrl *)object_dynamic_cast(OBJECT(bus->parent), TYPE_NVME);

  ns->ens.subsys = ENS_SUBSYS(bus->hotplug_handler);
  ns->ens.home = n ? n->cntlid : NVMENS_CNTLID_ANY;
  if (n && !n->subsys)
    ns->params.shared = false;
  else if (n && !qdev_set_parent_bus(dev, BUS(&n->subsys->bus), errp))
    return;
  if (!nvme_ns_setup(ns, errp))
    ns->ens.capacity = ns->size;
}

static void ens_plug(HotplugHandler *handler, DeviceState *dev, Error **errp)
{
  NvmeNamespace *ns = NVME_NS(dev);

  if (ns->ens.spare)
    ens_pool(ns);
  else
    ens_allocate(ns, errp);
}

void ens_ns_class_init(DeviceClass *dc)
{
  dc->realize = ens_ns_realize;
  dc->unrealize = ens_ns_unrealize;
}

void ens_ns_formatted(NvmeNamespace *ns)
{
  nvmens_ns_attrs attrs = {
      .set = NVMENS_SET_SIZE | NVMENS_SET_FORMAT | NVMENS_SET_OTHER,
      .flbas = NVME_ID_NS_FLBAS_INDEX(ns->id_ns.flbas),
      .nsze = le64_to_cpu(ns->id_ns.nsze),
  };

  if (ns->ens.ref.nsid)
    nvmens_ns_update(ns->ens.subsys->lib, ns->ens.ref, &attrs);
}

/* ---- create by the guest ---- */

/* Nobody's now: a spare, or out if it has been asked to go meanwhile. */
static void ens_pool(NvmeNamespace *ns)
{
  if (DEVICE(ns)->pending_deleted_event) {
    ens_remove(ns);
  } else {
    ns->ens.pooled = true;
    QTAILQ_INSERT_TAIL(&ns->ens.subsys->spares, ns, ens.next);
  }
}

static void ens_created(void *user, nvmens_nsref ref)
{
  NvmeNamespace *ns = user;

  ns->ens.ref = ref;
  ns->params.nsid = ref.nsid;
}

static void ens_prepared(NvmeNamespace *ns, uint16_t sf)
{
  EnsNs *e = &ns->ens;
  nvmens_subsys *lib = e->subsys->lib;
  nvmens_status st = {e->unrealizing || DEVICE(ns)->pending_deleted_event ? 0x006 : sf};
  nvmens_ident ident = {0};

  qemu_uuid_generate(&ns->params.uuid);
  memcpy(ident.uuid, ns->params.uuid.data, sizeof(ident.uuid));
  ns->params.eui64 = 0;
  e->preparing = false;
  if (st.sf || nvmens_prepared(lib, e->token, st, &ident, ns)) {
    if (st.sf)
      nvmens_prepared(lib, e->token, st, NULL, NULL);
    if (!e->unrealizing)
      ens_pool(ns);
  }
}

static void ens_zero(void *opaque, int ret)
{
  NvmeNamespace *ns = opaque;
  int64_t left = ns->size - ns->ens.zeroed, part = MIN(left, BDRV_REQUEST_MAX_BYTES);

  if (ret < 0 || !part) {
    ens_prepared(ns, ret < 0 ? NVMENS_SC_INTERNAL_ERROR : 0);
    return;
  }
  ns->ens.zeroed += part;
  blk_aio_pwrite_zeroes(ns->blkconf.blk, ns->size - left, part, BDRV_REQ_MAY_UNMAP, ens_zero, ns);
}

/* The first spare that is large enough shows as much as is asked for. */
static nvmens_wait ens_prepare(void *ctrl_user, nvmens_cmd *cmd, const nvmens_intent *intent,
                               nvmens_token token)
{
  EnsSubsys *s = ((NvmeCtrl *)ctrl_user)->ens.subsys;
  NvmeNamespace *ns;

  if (!intent->create)
    return NVMENS_DONE;
  QTAILQ_FOREACH(ns, &s->spares, ens.next)
  {
    if (ns->csi == intent->csi && intent->nsze <= ns->ens.capacity >> intent->lbads)
      break;
  }
  if (!ns || intent->dps || intent->ms) {
    uint16_t sc = ns ? NVMENS_SC_INVALID_FORMAT : NVMENS_SC_NS_INSUFFICIENT_CAPACITY;

    nvmens_prepared(s->lib, token, (nvmens_status){sc | NVMENS_SF_DNR}, NULL, NULL);
    return NVMENS_PENDING;
  }
  QTAILQ_REMOVE(&s->spares, ns, ens.next);
  ns->ens.pooled = false;
  ns->ens.preparing = true;
  ns->ens.token = token;
  ns->size = intent->nsze << intent->lbads;
  ns->ens.zeroed = 0;
  ns->id_ns.flbas = intent->flbas;
  nvme_ns_init_format(ns);
  ens_zero(ns, 0);
  return NVMENS_PENDING;
}
