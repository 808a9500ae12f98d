/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ens.c: hw/nvme on libnvmens. Included at the end of hw/nvme/ctrl.c, whose static functions it
 * uses and (`edits` says which) wraps.
 *
 * The library knows which namespaces there are and who has them attached; QEMU's table
 * NvmeCtrl.namespaces follows, by the hooks attached and drain_begin, for code that looks
 * namespaces up. Hooks run under the global lock, on the thread that made the call, and never wait.
 */
#include "block/aio-wait.h"
#include "hw/hotplug.h"
#include "qemu/main-loop.h"

#define TYPE_ENS_SUBSYS "nvme-ens-subsys"
#define ENS_SUBSYS(obj) OBJECT_CHECK(EnsSubsys, (obj), TYPE_ENS_SUBSYS)

/* The formats that QEMU's namespaces have in common, in their order. */
static const nvmens_lbaf ens_lbaf[] = {{9, 0, 0},  {9, 0, 8},  {9, 0, 16},  {9, 0, 64},
                                       {12, 0, 0}, {12, 0, 8}, {12, 0, 16}, {12, 0, 64}};

#include "ens_io.c"
#include "ens_ns.c"

/* ---- hooks ---- */

static NvmeRequest *ens_req(nvmens_cmd *cmd)
{
  return container_of(cmd, NvmeRequest, ens.cmd);
}

static void ens_cmd_complete(void *ctrl_user, nvmens_cmd *cmd, nvmens_status status, uint32_t dw0,
                             uint64_t error_info)
{
  NvmeCtrl *n = ctrl_user;
  NvmeRequest *req = ens_req(cmd);

  req->cqe.result = cpu_to_le32(dw0);
  req->status = status.sf;
  nvme_enqueue_req_completion(&n->admin_cq, req);
}

/* It goes with its queue. */
static void ens_cmd_drop(void *ctrl_user, nvmens_cmd *cmd)
{
}

static nvmens_status ens_transfer(void *ctrl_user, nvmens_cmd *cmd, void *buf, size_t len,
                                  nvmens_dir dir)
{
  NvmeRequest *req = ens_req(cmd);

  nvme_sg_unmap(&req->sg);
  return (nvmens_status){dir == NVMENS_TO_HOST ? nvme_c2h(ctrl_user, buf, len, req)
                                               : nvme_h2c(ctrl_user, buf, len, req)};
}

static void ens_attached(void *ns_user, void *ctrl_user)
{
  NvmeNamespace *ns = ns_user;

  ns->params.nsid = ns->ens.ref.nsid;
  qemu_nvme_attach_ns(ctrl_user, ns);
  nvme_select_iocs_ns(ctrl_user, ns);
}

/* Out of QEMU's table at once; the gate waits for the commands. */
static nvmens_wait ens_drain_begin(void *ns_user, void *ctrl_user, nvmens_token token)
{
  NvmeCtrl *n = ctrl_user;

  n->namespaces[((NvmeNamespace *)ns_user)->params.nsid] = NULL;
  nvme_update_dmrsl(n);
  return NVMENS_DONE;
}

/* The deadline has passed. What has guest memory mapped cannot be ended from here (it may still
 * write there); commands of many steps stop after the one they are at. */
static void ens_drain_abort(void *ns_user, void *ctrl_user, nvmens_token token)
{
  NvmeCtrl *n = ctrl_user;

  for (unsigned i = 0; i < n->params.max_ioqpairs + 1; i++)
    if (n->sq[i])
      ens_cancel(n->sq[i], ns_user);
}

static void ens_detached(void *ns_user, void *ctrl_user)
{
  ((NvmeNamespace *)ns_user)->attached--;
}

static void ens_ctrl_released(void *ctrl_user)
{
  ((NvmeCtrl *)ctrl_user)->ens.released = true;
}

static void ens_reset_done(void *ctrl_user)
{
  ((NvmeCtrl *)ctrl_user)->ens.reset_over = true;
}

static int ens_identify(void *ns_user, void *ctrl_user, uint8_t cns, uint8_t csi, void *page)
{
  NvmeNamespace *ns = ns_user;
  NvmeCtrl *n = ctrl_user;

  if (cns == NVMENS_CNS_CSI_CTRL && csi == NVME_CSI_NVM) {
    ((NvmeIdCtrlNvm *)page)->vsl = n->params.vsl;
    ((NvmeIdCtrlNvm *)page)->dmrsl = cpu_to_le32(n->dmrsl);
  } else if (cns == NVMENS_CNS_CSI_CTRL) {
    ((NvmeIdCtrlZoned *)page)->zasl = n->params.zasl;
  } else if (ns && (cns == NVMENS_CNS_NS || cns == NVMENS_CNS_ALLOCATED_NS)) {
    memcpy(page, &ns->id_ns, sizeof(ns->id_ns));
  } else if (ns && (cns == NVMENS_CNS_CSI_NS || cns == NVMENS_CNS_CSI_ALLOCATED_NS)) {
    if (csi == NVME_CSI_ZONED && ns->id_ns_zoned)
      memcpy(page, ns->id_ns_zoned, sizeof(*ns->id_ns_zoned));
    else if (csi == NVME_CSI_NVM)
      memcpy(page, &ns->id_ns_nvm, sizeof(ns->id_ns_nvm));
  }
  return 0;
}

static void ens_wake(void *user)
{
  qemu_bh_schedule(((EnsSubsys *)user)->poll);
}

static const nvmens_host ens_host = {
    .cmd_complete = ens_cmd_complete,
    .cmd_drop = ens_cmd_drop,
    .transfer = ens_transfer,
    .prepare = ens_prepare,
    .created = ens_created,
    .attached = ens_attached,
    .detached = ens_detached,
    .released = ens_released,
    .ctrl_released = ens_ctrl_released,
    .reset_done = ens_reset_done,
    .drain_begin = ens_drain_begin,
    .drain_abort = ens_drain_abort,
    .identify = ens_identify,
    .wake = ens_wake,
};

/* ---- subsystems ---- */

static void ens_poll(void *opaque)
{
  EnsSubsys *s = opaque;
  uint64_t next;

  nvmens_poll(s->lib, ens_now());
  next = nvmens_next_deadline(s->lib);
  if (next == UINT64_MAX)
    timer_del(s->timer);
  else
    timer_mod_ns(s->timer, MIN(next, INT64_MAX));
}

static void *ens_alloc(void *user, size_t size)
{
  return g_malloc(size);
}

static void ens_free(void *user, void *ptr)
{
  g_free(ptr);
}

/* It is a child of the device that it belongs to, and handles hot-plug on the device's bus. */
static EnsSubsys *ens_subsys_new(Object *device, uint32_t deadline_ms, uint8_t aerl)
{
  static const nvmens_mem mem = {.alloc = ens_alloc, .free = ens_free};
  EnsSubsys *s = ENS_SUBSYS(object_new(TYPE_ENS_SUBSYS));
  nvmens_subsys_config config = {
      .nn = ENS_NSIDS,
      .max_ctrls = NVME_MAX_CONTROLLERS,
      .aerl = aerl,
      .aerl_is_zero = !aerl,
      .csi_supported = 1u << NVME_CSI_NVM | 1u << NVME_CSI_ZONED,
      .deadline_ns = deadline_ms * UINT64_C(1000000),
      .nlbaf = ARRAY_SIZE(ens_lbaf),
  };

  memcpy(config.lbaf, ens_lbaf, sizeof(ens_lbaf));
  s->deadline_ns = config.deadline_ns;
  QTAILQ_INIT(&s->spares);
  s->poll = qemu_bh_new(ens_poll, s);
  s->timer = timer_new_ns(QEMU_CLOCK_REALTIME, ens_poll, s);
  if (nvmens_subsys_new(&s->lib, &config, &ens_host, &mem, s))
    abort(); /* the configuration is ours, and g_malloc does not fail */
  object_property_add_child(device, "ens", OBJECT(s));
  object_unref(OBJECT(s));
  return s;
}

void ens_subsys_realize(NvmeSubsystem *subsys)
{
  subsys->ens = ens_subsys_new(OBJECT(subsys), subsys->ens_deadline_ms, 3);
  qbus_set_hotplug_handler(BUS(&subsys->bus), OBJECT(subsys->ens));
}

/* Of a controller that had its own; there is nothing in it but perhaps its drive. */
static void ens_subsys_del(EnsSubsys *s)
{
  if (nvmens_subsys_del(s->lib))
    abort();
  qemu_bh_delete(s->poll);
  timer_free(s->timer);
  object_unparent(OBJECT(s));
}

static void ens_class_init(ObjectClass *oc, void *data)
{
  HotplugHandlerClass *hc = HOTPLUG_HANDLER_CLASS(oc);

  hc->plug = ens_plug;
  hc->unplug_request = ens_unplug_request;
}

static void ens_register_types(void)
{
  static const InterfaceInfo interfaces[] = {{TYPE_HOTPLUG_HANDLER}, {}};
  static const TypeInfo info = {.name = TYPE_ENS_SUBSYS,
                                .parent = TYPE_OBJECT,
                                .instance_size = sizeof(EnsSubsys),
                                .class_init = ens_class_init,
                                .interfaces = (InterfaceInfo *)interfaces};

  type_register_static(&info);
}

type_init(ens_register_types)

    /* ---- controllers ---- */

    /* QEMU attaches at places of its own; the library says when. */
    void nvme_attach_ns(NvmeCtrl *n, NvmeNamespace *ns)
{
}

static void nvme_realize(PCIDevice *pci_dev, Error **errp)
{
  NvmeCtrl *n = NVME(pci_dev);
  EnsCtrl *e = &n->ens;
  /* all controllers of a machine have the same host */
  nvmens_ctrl_config config = {.cntlid_given = 1, .pci = 1, .hostid = {1}};
  NvmeNamespace *ns = &n->namespace;
  ERRP_GUARD();
  int rc;

  qemu_nvme_realize(pci_dev, errp);
  if (*errp)
    return;
  config.cntlid = n->cntlid;
  e->resume = qemu_bh_new(ens_resume, n);
  e->subsys =
      n->subsys ? n->subsys->ens : ens_subsys_new(OBJECT(n), ENS_DEADLINE_MS, n->params.aerl);
  qbus_set_hotplug_handler(BUS(&n->bus), OBJECT(e->subsys));
  rc = nvmens_ctrl_new(&e->lib, e->subsys->lib, &config, n);
  if (rc) {
    error_setg(errp, "controller %u: %s", n->cntlid, nvmens_strerror(rc));
  } else if (ns->blkconf.blk) { /* the property `drive` */
    ns->ens = (EnsNs){.subsys = e->subsys, .home = n->cntlid, .embedded = true};
    ens_allocate(ns, errp);
  }
}

static void nvme_exit(PCIDevice *pci_dev)
{
  NvmeCtrl *n = NVME(pci_dev);
  EnsCtrl *e = &n->ens;

  ens_wait(n);
  nvmens_ctrl_del(e->lib);
  e->lib = NULL;
  AIO_WAIT_WHILE(NULL, !e->released);
  qemu_nvme_exit(pci_dev);
  qemu_bh_delete(e->resume);
  if (!n->subsys)
    ens_subsys_del(e->subsys);
}

/* ---- Admin commands ---- */

static uint16_t nvme_admin_cmd(NvmeCtrl *n, NvmeRequest *req)
{
  uint32_t dw10 = le32_to_cpu(req->cmd.cdw10), nsid = le32_to_cpu(req->cmd.nsid);
  nvmens_ctrl *lib = n->ens.lib;
  uint64_t stamp;
  uint16_t sf = 0;

  if (req->cmd.flags) /* fused, or with an SGL: QEMU refuses it */
    return qemu_nvme_admin_cmd(n, req);
  if (nvmens_admin(lib, &req->ens.cmd, &req->cmd, ens_now()) == NVMENS_TAKEN)
    return NVME_NO_COMPLETE;
  switch (req->cmd.opcode) {
  case NVME_ADM_CMD_IDENTIFY:
    nvmens_identify_ctrl(lib, &n->id_ctrl);
    break;
  case NVME_ADM_CMD_GET_LOG_PAGE:
    stamp = nvmens_log_latch(lib, dw10 & 0xFF);
    sf = qemu_nvme_admin_cmd(n, req);
    if (!sf && !(dw10 & 0x8000)) /* RAE */
      nvmens_log_was_read(lib, dw10 & 0xFF, stamp);
    return sf;
  case NVME_ADM_CMD_FORMAT_NVM:
    sf = ens_hold(req, nsid);
    break;
  case NVME_ADM_CMD_SET_FEATURES:
    if ((dw10 & 0xFF) == NVME_VOLATILE_WRITE_CACHE && !(le32_to_cpu(req->cmd.cdw11) & 1)) {
      ens_flush_all(n, req);
      return NVME_NO_COMPLETE;
    }
    break;
  }
  return sf ? sf : qemu_nvme_admin_cmd(n, req);
}

/* Events of QEMU's own: the library queues and masks them. */
static void nvme_enqueue_event(NvmeCtrl *n, uint8_t event_type, uint8_t event_info,
                               uint8_t log_page)
{
  nvmens_event_post(n->ens.lib, event_type, event_info, log_page, 0);
}

static void nvme_clear_events(NvmeCtrl *n, uint8_t event_type)
{
}

static void nvme_smart_event(NvmeCtrl *n, uint8_t event)
{
  n->features.async_config = nvmens_aec(n->ens.lib);
  qemu_nvme_smart_event(n, event);
}
