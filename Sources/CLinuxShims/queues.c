#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

int ipcb_mq_open(const char *name, int flags, long message_count, long message_bytes) {
  struct mq_attr attributes = {.mq_maxmsg = message_count, .mq_msgsize = message_bytes};
  return mq_open(name, flags, 0600, message_count ? &attributes : NULL);
}

int ipcb_mq_unlink(const char *name) { return mq_unlink(name); }

int ipcb_mq_send(int queue, const void *bytes, size_t count) { return mq_send(queue, bytes, count, 0); }

ssize_t ipcb_mq_receive(int queue, void *bytes, size_t capacity) {
  return mq_receive(queue, bytes, capacity, NULL);
}

int ipcb_msgget(int key, int flags) { return msgget(key, flags); }

int ipcb_msgctl_remove(int id) { return msgctl(id, IPC_RMID, NULL); }

int ipcb_msgsnd(int id, const void *message, size_t count, int nonblocking) {
  return msgsnd(id, message, count, nonblocking ? IPC_NOWAIT : 0);
}

ssize_t ipcb_msgrcv(int id, void *message, size_t capacity, int nonblocking) {
  ssize_t got = msgrcv(id, message, capacity, 0, nonblocking ? IPC_NOWAIT : 0);
  // What every other call says when there is nothing yet.
  if (got < 0 && errno == ENOMSG) errno = EAGAIN;
  return got;
}
