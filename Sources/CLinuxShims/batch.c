#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct ipcb_batch {
  struct mmsghdr *headers;
  struct iovec *vectors;
};

void ipcb_batch_destroy(ipcb_batch *batch) {
  if (!batch) return;
  free(batch->headers);
  free(batch->vectors);
  free(batch);
}

ipcb_batch *ipcb_batch_create(void *buffers, size_t stride, unsigned count) {
  ipcb_batch *batch = calloc(1, sizeof *batch);
  if (!batch) return NULL;
  batch->headers = calloc(count, sizeof *batch->headers);
  batch->vectors = calloc(count, sizeof *batch->vectors);
  if (!batch->headers || !batch->vectors) {
    ipcb_batch_destroy(batch);
    return NULL;
  }
  for (unsigned index = 0; index < count; index++) {
    batch->vectors[index].iov_base = (char *)buffers + index * stride;
    batch->headers[index].msg_hdr.msg_iov = batch->vectors + index;
    batch->headers[index].msg_hdr.msg_iovlen = 1;
  }
  return batch;
}

void ipcb_batch_set(ipcb_batch *batch, unsigned index, size_t bytes) { batch->vectors[index].iov_len = bytes; }

size_t ipcb_batch_received(const ipcb_batch *batch, unsigned index) { return batch->headers[index].msg_len; }

int ipcb_batch_send(ipcb_batch *batch, int fd, unsigned first, unsigned count) {
  return sendmmsg(fd, batch->headers + first, count, MSG_NOSIGNAL);
}

int ipcb_batch_receive(ipcb_batch *batch, int fd, unsigned count) {
  return recvmmsg(fd, batch->headers, count, MSG_WAITFORONE, NULL);
}

ssize_t ipcb_batch_write(ipcb_batch *batch, int fd, unsigned first, unsigned count, size_t skip) {
  struct iovec whole = batch->vectors[first];
  batch->vectors[first].iov_base = (char *)whole.iov_base + skip;
  batch->vectors[first].iov_len = whole.iov_len - skip;
  ssize_t written = writev(fd, batch->vectors + first, (int)count);
  batch->vectors[first] = whole;
  return written;
}
