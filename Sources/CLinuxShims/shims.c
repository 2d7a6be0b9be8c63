#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

pid_t ipcb_fork(void) { return fork(); }

int ipcb_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int ipcb_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

int ipcb_getcpu(unsigned *cpu, unsigned *node) { return (int)syscall(SYS_getcpu, cpu, node, NULL); }

int ipcb_wait_exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

int ipcb_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

static int set_handler(int signal, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  return sigaction(signal, &action, NULL);
}

int ipcb_install_signal_handlers(void (*handler)(int)) {
  // Some parents start their children with signals blocked.
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigprocmask(SIG_UNBLOCK, &ours, NULL);
  return set_handler(SIGINT, handler) | set_handler(SIGTERM, handler) | set_handler(SIGPIPE, SIG_IGN) |
         set_handler(SIGXFSZ, SIG_IGN);
}

int ipcb_reset_signal_handlers(void) {
  // A worker leaves ^C to the harness, which stops it in order; SIGTERM keeps its default. A crash shall end it
  // at once and be reported by its signal, without a backtrace on the harness's terminal.
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT};
  for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) set_handler(fatal[i], SIG_DFL);
  return set_handler(SIGINT, SIG_IGN) | set_handler(SIGTERM, SIG_DFL);
}

int ipcb_close_from(int first) { return (int)syscall(SYS_close_range, first, ~0U, 0); }

int ipcb_close_on_exec_from(int first) {
  return (int)syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
}

int ipcb_write_lines_at_once(void) { return setvbuf(stdout, NULL, _IOLBF, 0); }

int ipcb_unblock_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL);
}

int ipcb_unshare_network(void) { return unshare(CLONE_NEWNET); }

int ipcb_enter_network(int fd) { return setns(fd, CLONE_NEWNET); }

int ipcb_enter_mounts(int fd) { return setns(fd, CLONE_NEWNS); }

int ipcb_mount_for_itself(const char *type, const char *directory) {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
  return mount("none", directory, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static int count_event(uint32_t type, uint64_t config, pid_t thread) {
  struct perf_event_attr event;
  memset(&event, 0, sizeof event);
  event.size = sizeof event;
  event.type = type;
  event.config = config;
  event.disabled = 1;
  event.exclude_hv = 1;
  // Tells whether it was counted for as long as it was on.
  event.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return (int)syscall(SYS_perf_event_open, &event, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

int ipcb_count_tracepoint(uint64_t number, pid_t thread) {
  return count_event(PERF_TYPE_TRACEPOINT, number, thread);
}

int ipcb_count_cycles(pid_t thread) {
  return count_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, thread);
}

int ipcb_count_instructions(pid_t thread) {
  return count_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, thread);
}

int ipcb_counter_set(int fd, int is_on) {
  return ioctl(fd, is_on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

int ipcb_execvpe(const char *program, char *const arguments[], char *const environment[]) {
  return execvpe(program, arguments, environment);
}

int ipcb_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns) {
  struct timespec timeout = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
  return (int)syscall(SYS_futex, word, FUTEX_WAIT, expected, timeout_ns == UINT64_MAX ? NULL : &timeout, NULL,
                      0);
}

int ipcb_futex_wake(const void *word, int count) {
  return (int)syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

int ipcb_memfd_create(const char *name, unsigned flags) { return memfd_create(name, flags); }

int ipcb_memfd_seal_size(int fd) {
  return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int ipcb_pipe2(int fds[2], int flags) { return pipe2(fds, flags); }

int ipcb_accept4(int fd, int flags) { return accept4(fd, NULL, NULL, flags); }

int ipcb_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int ipcb_set_nonblocking(int fd, int enable) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, enable ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int64_t ipcb_file_system_type(const char *path) {
  struct statfs info;
  return statfs(path, &info) < 0 ? -1 : (int64_t)info.f_type;
}

// An address longer than sun_path must not be cut short silently: that would be another socket.
static int unix_address(struct sockaddr_un *address, const char *path) {
  if (strlen(path) >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strcpy(address->sun_path, path);
  return 0;
}

int ipcb_bind_unix(int fd, const char *path) {
  struct sockaddr_un address;
  if (unix_address(&address, path) < 0) return -1;
  return bind(fd, (struct sockaddr *)&address, sizeof address);
}

int ipcb_connect_unix(int fd, const char *path) {
  struct sockaddr_un address;
  if (unix_address(&address, path) < 0) return -1;
  return connect(fd, (struct sockaddr *)&address, sizeof address);
}

int ipcb_local_port(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -1;
  return ntohs(address.sin_port);
}

int ipcb_set_socket_option(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

int ipcb_shmget(int key, size_t bytes, int flags) { return shmget(key, bytes, flags); }

void *ipcb_shmat(int id) {
  void *address = shmat(id, NULL, 0);
  return address == (void *)-1 ? NULL : address;
}

int ipcb_shmdt(const void *address) { return shmdt(address); }

int ipcb_shmctl_remove(int id) { return shmctl(id, IPC_RMID, NULL); }

int ipcb_shm_at_index(int index, int *id, int *key, pid_t *creator, uint64_t *attached, uid_t *owner) {
  struct shmid_ds info;
  int highest = shmctl(0, SHM_INFO, &info);
  if (highest < 0 || index > highest) return -1;
  int found = shmctl(index, SHM_STAT, &info);
  if (found < 0) return -2;
  *id = found;
  *key = info.shm_perm.__key;
  *creator = info.shm_cpid;
  *attached = info.shm_nattch;
  *owner = info.shm_perm.uid;
  return found;
}
