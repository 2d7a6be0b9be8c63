// What Swift's Glibc overlay cannot import: variadic or inline-assembly entry points, system calls without a
// C wrapper, and calls that are missing from its module map. Everything here returns what the system call
// returns and leaves errno alone; LinuxIPC gives each of them a type and an error.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Processor -----------------------------------------------------------------------------------------------

/// Tells the processor that this is a spin loop (`pause`, `yield`).
static inline void ipcb_cpu_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#endif
}

/// Asks for a cache line that will be read soon; never faults.
static inline void ipcb_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

/// The invariant time-stamp counter. RDTSCP waits for earlier loads, so that a reading taken after a message
/// was read cannot be taken before it arrived (Intel SDM vol. 2, RDTSCP; AMD APM vol. 3).
static inline uint64_t ipcb_ticks(void) {
#if defined(__x86_64__)
  uint32_t low, high, cpu;
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(cpu)::"memory");
  return ((uint64_t)high << 32) | low;
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
  return ticks;
#else
  return 0;
#endif
}

/// 1 where `ipcb_ticks` exists for this architecture.
static inline int ipcb_ticks_supported(void) {
#if defined(__x86_64__) || defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

// Processes -----------------------------------------------------------------------------------------------

/// fork(2); Swift marks it unavailable because most Swift programs have threads. Ours has none when it forks.
pid_t ipcb_fork(void);
int ipcb_pidfd_open(pid_t pid);
int ipcb_set_parent_death_signal(int signal);
int ipcb_getcpu(unsigned *cpu, unsigned *node);
/// Wait status decoding: exit code, or -1; terminating signal, or 0.
int ipcb_wait_exit_code(int status);
int ipcb_wait_signal(int status);
/// Installs `handler` for SIGINT and SIGTERM without SA_RESTART, and ignores SIGPIPE and SIGXFSZ.
int ipcb_install_signal_handlers(void (*handler)(int));
int ipcb_reset_signal_handlers(void);

// Waiting -------------------------------------------------------------------------------------------------

/// futex(2), shared between processes. `timeout_ns` is relative; UINT64_MAX waits for ever.
int ipcb_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns);
int ipcb_futex_wake(const void *word, int count);

// Descriptors ---------------------------------------------------------------------------------------------

int ipcb_memfd_create(const char *name, unsigned flags);
int ipcb_memfd_seal_size(int fd);
int ipcb_pipe2(int fds[2], int flags);
int ipcb_accept4(int fd, int flags);
int ipcb_open(const char *path, int flags, mode_t mode);
int ipcb_set_nonblocking(int fd, int enable);
/// Type of the file system that holds `path` (statfs f_type), or -1.
int64_t ipcb_file_system_type(const char *path);

// Sockets -------------------------------------------------------------------------------------------------

int ipcb_bind_unix(int fd, const char *path);
int ipcb_connect_unix(int fd, const char *path);
/// Binds to 127.0.0.1; port 0 lets the kernel choose.
int ipcb_bind_loopback(int fd, uint16_t port);
int ipcb_connect_loopback(int fd, uint16_t port);
/// The port a socket is bound to, or -1.
int ipcb_local_port(int fd);
int ipcb_set_socket_option(int fd, int level, int option, int value);

// System V shared memory ----------------------------------------------------------------------------------

int ipcb_shmget(int key, size_t bytes, int flags);
void *ipcb_shmat(int id);
int ipcb_shmdt(const void *address);
int ipcb_shmctl_remove(int id);
/// Walks the kernel's table (SHM_INFO, SHM_STAT): the segment at `index`, or -1 past the end or -2 for an
/// unused index. Fills what is needed to tell whose leftover it is.
int ipcb_shm_at_index(int index, int *id, int *key, pid_t *creator, uint64_t *attached, uid_t *owner);
