/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ens_io.c: commands of the guest's and what ends them. Included by ens.c.
 *
 * A command holds its namespaces from before QEMU looks them up until its completion is queued.
 * Nobody waits in a loop of events: a queue deletion, CC.EN = 0, CC.SHN and a function level reset
 * of the guest's are put off until the last command is back, and carried out then. Where the caller
 * cannot be put off (reset of the whole machine, removal of a controller) ens_wait() does wait.
 *
 * qemu_NAME is QEMU's NAME, which is wrapped here.
 */

static uint64_t ens_now(void)
{
  return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

/* Holds the namespace, or all that are attached. A status other than 0: the command's end. */
static uint16_t ens_hold(NvmeRequest *req, uint32_t nsid)
{
  nvmens_lane *lane = req->sq->ens.lane;
  EnsReq *e = &req->ens;
  EnsHold *h = &e->one;
  nvmens_status st;
  void *ns;

  if (nsid != NVMENS_NSID_ALL) {
    st = nvmens_io_begin(lane, nsid, &h->ticket, &ns);
    if (st.sf)
      return st.sf;
    h->ns = ns;
    h->nsid = nsid;
    e->holds = 1;
  } else {
    h = e->many = g_new(EnsHold, ENS_NSIDS + 1);
    for (uint32_t after = 0;; after = h++->nsid, e->holds++) {
      st = nvmens_io_begin_next(lane, after, &h->nsid, &h->ticket, &ns);
      if (st.sf || !h->nsid)
        break;
      h->ns = ns;
    }
  }
  req->sq->ctrl->ens.busy++;
  return st.sf;
}

static void ens_let_go(NvmeRequest *req)
{
  EnsReq *e = &req->ens;
  EnsHold *h = e->many ? e->many : &e->one;

  if (!e->holds && !e->many)
    return;
  for (unsigned i = 0; i < e->holds; i++)
    nvmens_io_end(req->sq->ens.lane, h[i].ticket);
  g_free(e->many);
  e->many = NULL;
  e->holds = 0;
  req->sq->ctrl->ens.busy--;
}

NvmeNamespace *ens_held(NvmeRequest *req, uint32_t nsid)
{
  EnsHold *h = req->ens.many ? req->ens.many : &req->ens.one;

  for (unsigned i = 0; i < req->ens.holds; i++)
    if (h[i].nsid == nsid)
      return h[i].ns;
  return NULL;
}

static uint16_t nvme_io_cmd(NvmeCtrl *n, NvmeRequest *req)
{
  uint16_t sf;

  if (req->cmd.opcode != NVME_CMD_FLUSH && le32_to_cpu(req->cmd.nsid) == NVMENS_NSID_ALL)
    return NVME_INVALID_FIELD | NVME_DNR;
  sf = ens_hold(req, le32_to_cpu(req->cmd.nsid));
  return sf ? sf : qemu_nvme_io_cmd(n, req);
}

static void nvme_enqueue_req_completion(NvmeCQueue *cq, NvmeRequest *req)
{
  NvmeSQueue *sq = req->sq;
  EnsCtrl *e = &sq->ctrl->ens;

  qemu_nvme_enqueue_req_completion(cq, req);
  ens_let_go(req);
  if (sq->ens.deletion || ((e->cc_waits || e->function_waits) && !e->busy))
    qemu_bh_schedule(e->resume);
}

static void nvme_process_sq(void *opaque)
{
  NvmeSQueue *sq = opaque;

  if (!sq->ctrl->ens.stopping && !sq->ens.deletion)
    qemu_nvme_process_sq(sq);
}

/* ---- flushes of all caches, without waiting ---- */

typedef struct EnsFlush {
  NvmeCtrl *n;
  NvmeRequest *req; /* goes on when all is flushed; NULL: a shutdown does */
  unsigned left;
} EnsFlush;

typedef struct EnsFlushOne {
  EnsFlush *all;
  nvmens_ticket ticket;
} EnsFlushOne;

static void ens_flush_part(EnsFlush *f)
{
  NvmeCtrl *n = f->n;

  if (--f->left)
    return;
  if (f->req) {
    f->req->status = qemu_nvme_admin_cmd(n, f->req);
    nvme_enqueue_req_completion(&n->admin_cq, f->req);
  } else {
    n->ens.flushes--;
  }
  n->ens.busy--;
  g_free(f);
  qemu_bh_schedule(n->ens.resume);
}

static void ens_flushed(void *opaque, int ret)
{
  EnsFlushOne *one = opaque;

  nvmens_io_end(one->all->n->admin_sq.ens.lane, one->ticket);
  ens_flush_part(one->all);
  g_free(one);
}

static void ens_flush_all(NvmeCtrl *n, NvmeRequest *req)
{
  EnsFlush *f = g_new0(EnsFlush, 1);
  nvmens_ticket ticket;
  uint32_t nsid = 0;
  void *ns;

  *f = (EnsFlush){.n = n, .req = req, .left = 1};
  n->ens.busy++;
  n->ens.flushes += !req;
  while (!nvmens_io_begin_next(n->admin_sq.ens.lane, nsid, &nsid, &ticket, &ns).sf && nsid) {
    EnsFlushOne *one = g_new(EnsFlushOne, 1);

    *one = (EnsFlushOne){.all = f, .ticket = ticket};
    f->left++;
    blk_aio_flush(((NvmeNamespace *)ns)->blkconf.blk, ens_flushed, one);
  }
  ens_flush_part(f);
}

/* ---- queues ---- */

static void nvme_init_sq(NvmeSQueue *sq, NvmeCtrl *n, uint64_t dma_addr, uint16_t sqid,
                         uint16_t cqid, uint16_t size)
{
  qemu_nvme_init_sq(sq, n, dma_addr, sqid, cqid, size);
  sq->ens = (EnsSq){0};
  if (nvmens_lane_new(&sq->ens.lane, n->ens.lib))
    abort(); /* the controller is there, and g_malloc does not fail */
}

static void nvme_free_sq(NvmeSQueue *sq, NvmeCtrl *n)
{
  nvmens_lane_del(sq->ens.lane);
  qemu_nvme_free_sq(sq, n);
}

/* Asks the block layer to end what a queue has out: all of it, or what holds one namespace. */
static void ens_cancel(NvmeSQueue *sq, NvmeNamespace *ns)
{
  NvmeRequest *req, *next;

  QTAILQ_FOREACH_SAFE(req, &sq->out_req_list, entry, next)
  {
    if (req->aiocb && (!ns || ens_held(req, ns->ens.ref.nsid) == ns))
      blk_aio_cancel_async(req->aiocb);
  }
}

static uint16_t nvme_del_sq(NvmeCtrl *n, NvmeRequest *req)
{
  uint16_t qid = le32_to_cpu(req->cmd.cdw10) & 0xFFFF;
  NvmeSQueue *sq;

  if (!qid || nvme_check_sqid(n, qid) || QTAILQ_EMPTY(&n->sq[qid]->out_req_list))
    return qemu_nvme_del_sq(n, req);
  sq = n->sq[qid];
  if (sq->ens.deletion)
    return NVME_INVALID_QID | NVME_DNR;
  sq->ens.deletion = req;
  ens_cancel(sq, NULL);
  return NVME_NO_COMPLETE;
}

static void ens_resume_deletions(NvmeCtrl *n)
{
  for (unsigned i = 1; i < n->params.max_ioqpairs + 1; i++) {
    NvmeSQueue *sq = n->sq[i];

    if (sq && sq->ens.deletion && QTAILQ_EMPTY(&sq->out_req_list)) {
      NvmeRequest *req = sq->ens.deletion;

      req->status = qemu_nvme_del_sq(n, req);
      nvme_enqueue_req_completion(&n->admin_cq, req);
    }
  }
}

/* ---- start, reset, shutdown ---- */

static int nvme_start_ctrl(NvmeCtrl *n)
{
  int ret = qemu_nvme_start_ctrl(n);

  if (ret == 0) {
    ret = nvmens_ctrl_enable(n->ens.lib, ldl_le_p(&n->bar.cc)) ? -1 : 0;
    n->outstanding_aers = 1; /* QEMU posts errors only if there is one; the library keeps them */
  }
  return ret;
}

/* For callers that cannot be put off. */
static void ens_wait(NvmeCtrl *n)
{
  n->ens.stopping = true;
  AIO_WAIT_WHILE(NULL, n->ens.busy > 0);
}

static void nvme_ctrl_reset(NvmeCtrl *n, NvmeResetType rst)
{
  EnsCtrl *e = &n->ens;

  ens_wait(n);
  if (e->lib) {
    e->reset_over = false;
    nvmens_ctrl_reset(e->lib);
    AIO_WAIT_WHILE(NULL, !e->reset_over); /* the bottom half of wake polls */
  }
  qemu_nvme_ctrl_reset(n, rst);
  e->stopping = e->cc_waits = e->function_waits = e->shut = false;
}

/* Carries the last write to CC out, or puts it off: CSTS.RDY and CSTS.SHST tell the guest. */
static void ens_write_cc(NvmeCtrl *n)
{
  uint32_t was = ldl_le_p(&n->bar.cc), csts = ldl_le_p(&n->bar.csts);
  EnsCtrl *e = &n->ens;

  e->cc_waits = true;
  if (NVME_CC_SHN(e->cc) && !NVME_CC_SHN(was) && !e->shut) {
    e->shut = true;
    if (NVME_CC_EN(was))
      ens_flush_all(n, NULL);
    nvmens_ctrl_shutdown(e->lib);
    csts &= ~(CSTS_SHST_MASK << CSTS_SHST_SHIFT);
    stl_le_p(&n->bar.csts, csts | NVME_CSTS_SHST_PROGRESS);
  }
  if (NVME_CC_EN(was) && !NVME_CC_EN(e->cc))
    e->stopping = true;
  if (e->flushes || (e->stopping && e->busy))
    return;
  e->cc_waits = e->shut = false;
  qemu_nvme_write_bar(n, NVME_REG_CC, e->cc, sizeof(e->cc));
}

static void nvme_write_bar(NvmeCtrl *n, hwaddr offset, uint64_t data, unsigned size)
{
  if (offset == NVME_REG_CC) {
    n->ens.cc = data;
    ens_write_cc(n);
  } else {
    qemu_nvme_write_bar(n, offset, data, size);
  }
}

/* Of a function level reset the guest learns the end by CSTS.RDY. Whoever else resets the device is
 * going to give the guest's memory away, so that must wait. */
static void nvme_pci_reset(DeviceState *dev)
{
  NvmeCtrl *n = NVME(dev);

  if (n->ens.in_config && n->ens.busy)
    n->ens.stopping = n->ens.function_waits = true;
  else
    qemu_nvme_pci_reset(dev);
}

static void nvme_pci_write_config(PCIDevice *dev, uint32_t address, uint32_t val, int len)
{
  NvmeCtrl *n = NVME(dev);

  n->ens.in_config = true;
  qemu_nvme_pci_write_config(dev, address, val, len);
  n->ens.in_config = false;
}

static void ens_resume(void *opaque)
{
  NvmeCtrl *n = opaque;

  if (!n->ens.lib)
    return;
  ens_resume_deletions(n);
  if (n->ens.function_waits && !n->ens.busy)
    qemu_nvme_pci_reset(DEVICE(n));
  else if (n->ens.cc_waits)
    ens_write_cc(n);
}
