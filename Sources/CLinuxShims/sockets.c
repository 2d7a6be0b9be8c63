#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif

int ipcb_get_socket_option(int fd, int level, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, option, &value, &length) < 0 ? -1 : value;
}

int ipcb_mptcp_socket(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP); }

int ipcb_is_mptcp(int fd) {
  // MPTCP_INFO answers EOPNOTSUPP or EINVAL once the connection has fallen back to TCP.
  char info[256];
  socklen_t length = sizeof info;
  return getsockopt(fd, SOL_MPTCP, 1, info, &length) == 0;
}

static int address(struct sockaddr_in *result, const char *text, uint16_t port) {
  memset(result, 0, sizeof *result);
  result->sin_family = AF_INET;
  result->sin_port = htons(port);
  if (inet_pton(AF_INET, text, &result->sin_addr) == 1) return 0;
  errno = EINVAL;
  return -1;
}

int ipcb_bind_ipv4(int fd, const char *text, uint16_t port) {
  struct sockaddr_in there;
  return address(&there, text, port) < 0 ? -1 : bind(fd, (struct sockaddr *)&there, sizeof there);
}

int ipcb_connect_ipv4(int fd, const char *text, uint16_t port) {
  struct sockaddr_in there;
  return address(&there, text, port) < 0 ? -1 : connect(fd, (struct sockaddr *)&there, sizeof there);
}

ssize_t ipcb_send_to_ipv4(int fd, const void *bytes, size_t count, uint32_t to, uint16_t port) {
  struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(to)};
  return sendto(fd, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&there, sizeof there);
}

ssize_t ipcb_receive_from_ipv4(int fd, void *bytes, size_t capacity, uint32_t *from, uint16_t *port) {
  struct sockaddr_in there = {0};
  socklen_t length = sizeof there;
  ssize_t count = recvfrom(fd, bytes, capacity, 0, (struct sockaddr *)&there, &length);
  *from = ntohl(there.sin_addr.s_addr);
  *port = ntohs(there.sin_port);
  return count;
}

int ipcb_ipv4_name(int fd, int of_peer, char *text) {
  struct sockaddr_in name;
  socklen_t length = sizeof name;
  struct sockaddr *out = (struct sockaddr *)&name;
  if ((of_peer ? getpeername(fd, out, &length) : getsockname(fd, out, &length)) < 0) return -1;
  if (name.sin_family != AF_INET || !inet_ntop(AF_INET, &name.sin_addr, text, INET_ADDRSTRLEN)) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return ntohs(name.sin_port);
}

int ipcb_join_multicast(int fd, const char *group, const char *own) {
  struct ip_mreqn request = {0};
  if (inet_pton(AF_INET, own, &request.imr_address) != 1 ||
      inet_pton(AF_INET, group, &request.imr_multiaddr) != 1) {
    errno = EINVAL;
    return -1;
  }
  return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
}

int ipcb_send_multicast_from(int fd, const char *own) {
  struct ip_mreqn request = {0};
  if (inet_pton(AF_INET, own, &request.imr_address) != 1) {
    errno = EINVAL;
    return -1;
  }
  int on = 1;
  return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) |
         setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on);
}

static struct sockaddr_vm vsock(unsigned cid, unsigned port) {
  struct sockaddr_vm there;
  memset(&there, 0, sizeof there);
  there.svm_family = AF_VSOCK;
  there.svm_cid = cid;
  there.svm_port = port;
  return there;
}

int ipcb_vsock_bind(int fd, unsigned cid, unsigned port) {
  struct sockaddr_vm there = vsock(cid, port);
  return bind(fd, (struct sockaddr *)&there, sizeof there);
}

int ipcb_vsock_connect(int fd, unsigned cid, unsigned port) {
  struct sockaddr_vm there = vsock(cid, port);
  return connect(fd, (struct sockaddr *)&there, sizeof there);
}

int ipcb_vsock_port(int fd) {
  struct sockaddr_vm here;
  socklen_t length = sizeof here;
  return getsockname(fd, (struct sockaddr *)&here, &length) < 0 ? -1 : (int)here.svm_port;
}

int ipcb_enable_zerocopy(int fd) {
  int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on);
}

ssize_t ipcb_send_zerocopy(int fd, const void *bytes, size_t count) {
  return send(fd, bytes, count, MSG_ZEROCOPY | MSG_NOSIGNAL);
}

int ipcb_zerocopy_completions(int fd, uint32_t *completed, uint32_t *copied) {
  *completed = *copied = 0;
  while (1) {
    char control[128];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return errno == EAGAIN ? 0 : -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
      struct sock_extended_err report;
      if (header->cmsg_len < CMSG_LEN(sizeof report)) continue;
      memcpy(&report, CMSG_DATA(header), sizeof report);
      if (report.ee_errno != 0 || report.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
      // One report covers the sends from ee_info to ee_data.
      uint32_t sends = report.ee_data - report.ee_info + 1;
      *completed += sends;
      if (report.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) *copied += sends;
    }
  }
}

int ipcb_bytes_waiting(int fd) {
  int count = 0;
  return ioctl(fd, SIOCINQ, &count) < 0 ? -1 : count;
}

int64_t ipcb_socket_drops(int fd) {
  uint32_t info[SK_MEMINFO_VARS];
  socklen_t length = sizeof info;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) < 0) return -1;
  return length > SK_MEMINFO_DROPS * sizeof info[0] ? (int64_t)info[SK_MEMINFO_DROPS] : -1;
}

int ipcb_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int ipcb_epoll_add(int poll, int descriptor, uint32_t events, uint32_t token) {
  struct epoll_event event = {.events = events, .data.u32 = token};
  return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
}

int ipcb_epoll_remove(int poll, int descriptor) {
  return epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, NULL);
}

int ipcb_epoll_wait(int poll, uint32_t *tokens, int capacity, int milliseconds) {
  struct epoll_event events[16];
  int count = epoll_wait(poll, events, capacity < 16 ? capacity : 16, milliseconds);
  for (int index = 0; index < count; index++) tokens[index] = events[index].data.u32;
  return count;
}
