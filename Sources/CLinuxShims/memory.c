#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // linux 6.1
#endif

void *ipcb_map_aligned(int fd, size_t bytes, size_t alignment) {
  // Address space first, then the object at the first aligned address in it.
  char *space = mmap(NULL, bytes + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (space == MAP_FAILED) return NULL;
  char *start = (char *)(((uintptr_t)space + alignment - 1) & ~(uintptr_t)(alignment - 1));
  void *mapped = mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  int error = errno;
  if (start > space) munmap(space, (size_t)(start - space));
  char *end = start + bytes, *limit = space + bytes + alignment;
  if (limit > end) munmap(end, (size_t)(limit - end));
  if (mapped != MAP_FAILED) return mapped;
  munmap(start, bytes);
  errno = error;
  return NULL;
}

int ipcb_collapse(void *address, size_t bytes) { return madvise(address, bytes, MADV_COLLAPSE); }

int ipcb_memfd_huge(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB); }

int ipcb_msync(void *address, size_t bytes) { return msync(address, bytes, MS_SYNC); }

ssize_t ipcb_write_to_process(pid_t pid, uint64_t remote, const void *local, size_t bytes) {
  struct iovec here = {(void *)local, bytes}, there = {(void *)(uintptr_t)remote, bytes};
  return process_vm_writev(pid, &here, 1, &there, 1, 0);
}

ssize_t ipcb_read_from_process(pid_t pid, uint64_t remote, void *local, size_t bytes) {
  struct iovec here = {local, bytes}, there = {(void *)(uintptr_t)remote, bytes};
  return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

int ipcb_pidfd_getfd(int pidfd, int fd) { return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0); }

int ipcb_allow_tracing(void) {
  // EINVAL where Yama is not there: then nothing has to be allowed.
  return prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

int ipcb_set_process_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
} descriptor_message;

ssize_t ipcb_send_descriptor(int socket, int fd, const void *bytes, size_t count) {
  struct iovec vector = {(void *)bytes, count};
  descriptor_message control = {{0}};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t ipcb_receive_descriptor(int socket, int *fd, void *bytes, size_t count) {
  struct iovec vector = {bytes, count};
  descriptor_message control;
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *fd = -1;
  ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return got;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    memcpy(fd, CMSG_DATA(header), sizeof *fd);
  return got;
}

int ipcb_pipe_capacity(int fd) { return fcntl(fd, F_GETPIPE_SZ); }

ssize_t ipcb_splice_in(int file, int64_t offset, int pipe, size_t bytes, int nonblocking) {
  loff_t position = offset;
  return splice(file, &position, pipe, NULL, bytes, nonblocking ? SPLICE_F_NONBLOCK : 0);
}

ssize_t ipcb_vmsplice(int pipe, const void *bytes, size_t count, int nonblocking) {
  struct iovec vector = {(void *)bytes, count};
  return vmsplice(pipe, &vector, 1, nonblocking ? SPLICE_F_NONBLOCK : 0);
}
