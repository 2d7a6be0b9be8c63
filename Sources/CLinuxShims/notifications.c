#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int ipcb_eventfd(unsigned initial, int nonblocking) {
  return eventfd(initial, EFD_CLOEXEC | (nonblocking ? EFD_NONBLOCK : 0));
}

int ipcb_realtime_signal(int index) { return SIGRTMIN + index; }

static sigset_t only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

int ipcb_block_signal(int signal) {
  sigset_t set = only(signal);
  return sigprocmask(SIG_BLOCK, &set, NULL);
}

int ipcb_queue_signal(pid_t pid, int signal, uint64_t value) {
  return sigqueue(pid, signal, (union sigval){.sival_ptr = (void *)(uintptr_t)value});
}

int ipcb_await_signal(int signal, uint64_t nanoseconds, uint64_t *value) {
  sigset_t set = only(signal);
  siginfo_t info;
  struct timespec timeout = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  if ((nanoseconds == UINT64_MAX ? sigwaitinfo(&set, &info) : sigtimedwait(&set, &info, &timeout)) < 0) return -1;
  *value = (uint64_t)(uintptr_t)info.si_value.sival_ptr;
  return 0;
}

int ipcb_signalfd(int signal, int nonblocking) {
  sigset_t set = only(signal);
  return signalfd(-1, &set, SFD_CLOEXEC | (nonblocking ? SFD_NONBLOCK : 0));
}

int ipcb_read_signalfd(int fd, uint64_t *value) {
  struct signalfd_siginfo info;
  if (read(fd, &info, sizeof info) < 0) return -1;
  *value = info.ssi_ptr;
  return 0;
}

static void nothing(int signal) { (void)signal; }

int ipcb_heartbeat(unsigned milliseconds) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = nothing;
  struct itimerval timer = {{milliseconds / 1000, (milliseconds % 1000) * 1000}, {0, 0}};
  timer.it_value = timer.it_interval;
  sigset_t alarm = only(SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm, NULL);
  return sigaction(SIGALRM, &action, NULL) | setitimer(ITIMER_REAL, &timer, NULL);
}

static struct flock range(int type, int64_t start, int64_t count) {
  struct flock lock;
  memset(&lock, 0, sizeof lock);
  lock.l_type = (short)type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = count;
  return lock;
}

int ipcb_lock_bytes(int fd, int type, int64_t start, int64_t count, int wait) {
  struct flock lock = range(type ? F_WRLCK : F_UNLCK, start, count);
  return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
}

int ipcb_byte_is_locked(int fd, int64_t start) {
  struct flock lock = range(F_WRLCK, start, 1);
  if (fcntl(fd, F_OFD_GETLK, &lock) < 0) return -1;
  return lock.l_type != F_UNLCK;
}

int ipcb_inotify_create(int nonblocking) { return inotify_init1(IN_CLOEXEC | (nonblocking ? IN_NONBLOCK : 0)); }

int ipcb_inotify_watch_modify(int fd, const char *path) { return inotify_add_watch(fd, path, IN_MODIFY); }

int ipcb_inotify_count(const void *bytes, size_t count) {
  int events = 0;
  for (size_t offset = 0; offset + sizeof(struct inotify_event) <= count;) {
    struct inotify_event event;
    memcpy(&event, (const char *)bytes + offset, sizeof event);
    if (event.mask & IN_Q_OVERFLOW) return -1;
    if (event.mask & IN_MODIFY) events++;
    offset += sizeof event + event.len;
  }
  return events;
}

int ipcb_sem_init(void *semaphore) { return sem_init(semaphore, 1, 0); }

size_t ipcb_sem_size(void) { return sizeof(sem_t); }

void *ipcb_sem_open(const char *name, int create) {
  sem_t *semaphore = create ? sem_open(name, O_CREAT | O_EXCL, 0600, 0) : sem_open(name, 0);
  return semaphore == SEM_FAILED ? NULL : semaphore;
}

int ipcb_semget(int key, int count, int flags) { return semget(key, count, flags); }

int ipcb_semop(int id, unsigned short number, short change, int nonblocking) {
  struct sembuf operation = {number, change, (short)(nonblocking ? IPC_NOWAIT : 0)};
  return semop(id, &operation, 1);
}

int ipcb_semctl_remove(int id) { return semctl(id, 0, IPC_RMID); }
