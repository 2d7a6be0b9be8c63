#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's own interface, which is stable; liburing would be one more package for five functions of it.

#ifndef IORING_OP_MSG_RING
#define IORING_OP_MSG_RING 40
#endif

int ipcb_uring_create(ipcb_uring *ring, unsigned entries) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  int fd = (int)syscall(SYS_io_uring_setup, entries, &parameters);
  if (fd < 0) return -1;
  // One mapping holds both rings (IORING_FEAT_SINGLE_MMAP, Linux 5.4).
  size_t submission = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
  size_t completion = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
  size_t bytes = submission > completion ? submission : completion;
  int protection = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
  char *rings = mmap(NULL, bytes, protection, flags, fd, IORING_OFF_SQ_RING);
  void *entry_array = mmap(NULL, parameters.sq_entries * sizeof(struct io_uring_sqe), protection, flags, fd,
                           IORING_OFF_SQES);
  if (rings == MAP_FAILED || entry_array == MAP_FAILED || !(parameters.features & IORING_FEAT_SINGLE_MMAP)) {
    close(fd);
    errno = errno ? errno : ENOSYS;
    return -1;
  }
  *ring = (ipcb_uring){
      .fd = fd,
      .sq_tail = (unsigned *)(rings + parameters.sq_off.tail),
      .sq_mask = (unsigned *)(rings + parameters.sq_off.ring_mask),
      .sq_array = (unsigned *)(rings + parameters.sq_off.array),
      .sq_flags = (unsigned *)(rings + parameters.sq_off.flags),
      .cq_head = (unsigned *)(rings + parameters.cq_off.head),
      .cq_tail = (unsigned *)(rings + parameters.cq_off.tail),
      .cq_mask = (unsigned *)(rings + parameters.cq_off.ring_mask),
      .sqes = entry_array,
      .cqes = rings + parameters.cq_off.cqes,
  };
  return 0;
}

void ipcb_uring_destroy(ipcb_uring *ring) { close(ring->fd); }

/// The next free entry, cleared and already visible to the kernel at the next `enter`.
static struct io_uring_sqe *prepare(ipcb_uring *ring, int opcode, int fd, uint64_t tag) {
  unsigned tail = *ring->sq_tail, index = tail & *ring->sq_mask;
  struct io_uring_sqe *entry = (struct io_uring_sqe *)ring->sqes + index;
  memset(entry, 0, sizeof *entry);
  entry->opcode = (unsigned char)opcode;
  entry->fd = fd;
  entry->user_data = tag;
  ring->sq_array[index] = index;
  __atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
  return entry;
}

void ipcb_uring_send(ipcb_uring *ring, int fd, const void *bytes, size_t count, int flags, uint64_t tag) {
  struct io_uring_sqe *entry = prepare(ring, IORING_OP_SEND, fd, tag);
  entry->addr = (uint64_t)(uintptr_t)bytes;
  entry->len = (unsigned)count;
  entry->msg_flags = (unsigned)flags;
}

void ipcb_uring_receive(ipcb_uring *ring, int fd, void *bytes, size_t capacity, int flags, uint64_t tag) {
  struct io_uring_sqe *entry = prepare(ring, IORING_OP_RECV, fd, tag);
  entry->addr = (uint64_t)(uintptr_t)bytes;
  entry->len = (unsigned)capacity;
  entry->msg_flags = (unsigned)flags;
}

void ipcb_uring_link(ipcb_uring *ring) {
  unsigned last = (*ring->sq_tail - 1) & *ring->sq_mask;
  ((struct io_uring_sqe *)ring->sqes)[last].flags |= IOSQE_IO_LINK;
}

void ipcb_uring_message(ipcb_uring *ring, int target, uint32_t length, uint64_t value, uint64_t tag) {
  struct io_uring_sqe *entry = prepare(ring, IORING_OP_MSG_RING, target, tag);
  entry->len = length;
  entry->off = value;
}

void ipcb_uring_poll(ipcb_uring *ring, int fd, uint32_t events, uint64_t tag) {
  struct io_uring_sqe *entry = prepare(ring, IORING_OP_POLL_ADD, fd, tag);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  events = events << 16 | events >> 16;
#endif
  entry->poll32_events = events;
}

int ipcb_uring_enter_for(ipcb_uring *ring, unsigned submit, int milliseconds) {
  struct __kernel_timespec timeout = {milliseconds / 1000, (long long)(milliseconds % 1000) * 1000000};
  struct io_uring_getevents_arg argument = {.ts = (uint64_t)(uintptr_t)&timeout};
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  return (int)syscall(SYS_io_uring_enter, ring->fd, submit, 1, flags, &argument, sizeof argument);
}

int ipcb_uring_enter(ipcb_uring *ring, unsigned submit, unsigned wait) {
  unsigned flags = wait ? IORING_ENTER_GETEVENTS : 0;
  return (int)syscall(SYS_io_uring_enter, ring->fd, submit, wait, flags, NULL, 0);
}

int ipcb_uring_take(ipcb_uring *ring, int32_t *result, uint64_t *tag) {
  unsigned head = *ring->cq_head;
  if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
    // What did not fit is kept by the kernel, and given out only when it is asked to (io_uring_enter(2)).
    if (!(__atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW)) return 0;
    syscall(SYS_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) return 0;
  }
  const struct io_uring_cqe *entry = (const struct io_uring_cqe *)ring->cqes + (head & *ring->cq_mask);
  *result = entry->res;
  *tag = entry->user_data;
  __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
  return 1;
}

void *ipcb_library_open(const char *name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }

void *ipcb_library_symbol(void *library, const char *name) { return dlsym(library, name); }

int ipcb_library_close(void *library) { return dlclose(library); }

const char *ipcb_library_fault(void) {
  const char *fault = dlerror();
  return fault ? fault : "";
}
