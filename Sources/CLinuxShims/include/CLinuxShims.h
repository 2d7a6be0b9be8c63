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

/// Asks for a cache line that will be written soon; never faults.
static inline void ipcb_prefetch_for_writing(const void *address) {
#if defined(__x86_64__)
  /* By name, because the baseline's compilers know only the one for reading. */
  __asm__ volatile("prefetchw %0" ::"m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

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
/// Closes every descriptor from this number on (close_range(2)).
int ipcb_close_from(int first);
/// Has them closed by `execve` (CLOSE_RANGE_CLOEXEC).
int ipcb_close_on_exec_from(int first);
/// Standard output is written a line at a time, also where it is no terminal (setvbuf(3)).
int ipcb_write_lines_at_once(void);
/// Blocks no signal, as a program expects to find it (sigprocmask(2)).
int ipcb_unblock_signals(void);
/// A network namespace of this process's own (unshare(2), CLONE_NEWNET), and somebody else's (setns(2)).
int ipcb_unshare_network(void);
int ipcb_enter_network(int fd);
int ipcb_enter_mounts(int fd);
/// Gives this process mounts of its own and mounts a file system there that nobody else sees (mount(2)).
int ipcb_mount_for_itself(const char *type, const char *directory);
/// execvpe(3): returns only when it failed.
int ipcb_execvpe(const char *program, char *const arguments[], char *const environment[]);

// Waiting -------------------------------------------------------------------------------------------------

/// futex(2), shared between processes. `timeout_ns` is relative; UINT64_MAX waits for ever.
int ipcb_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns);
int ipcb_futex_wake(const void *word, int count);

// Counting ------------------------------------------------------------------------------------------------

/// A counter of one thread, off (perf_event_open(2)): of a tracepoint by its number, or of the processor.
int ipcb_count_tracepoint(uint64_t number, pid_t thread);
int ipcb_count_cycles(pid_t thread);
int ipcb_count_instructions(pid_t thread);
int ipcb_counter_set(int fd, int is_on);

// Descriptors ---------------------------------------------------------------------------------------------

/* epoll(7), level-triggered; each descriptor has a token. */
int ipcb_epoll_create(void);
int ipcb_epoll_add(int poll, int descriptor, uint32_t events, uint32_t token);
int ipcb_epoll_remove(int poll, int descriptor);
/* How many tokens were written, at most `capacity` and 16. */
int ipcb_epoll_wait(int poll, uint32_t *tokens, int capacity, int milliseconds);

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

// Memory --------------------------------------------------------------------------------------------------

/// Maps a shared object at an address aligned to `alignment` (a power of two), or returns NULL.
void *ipcb_map_aligned(int fd, size_t bytes, size_t alignment);
/// Makes the pages of a shared mapping huge ones (MADV_COLLAPSE).
int ipcb_collapse(void *address, size_t bytes);
/// Maps huge pages of 2 MiB from the reserved pool (MFD_HUGETLB | MFD_HUGE_2MB).
int ipcb_memfd_huge(const char *name);
int ipcb_msync(void *address, size_t bytes);
ssize_t ipcb_write_to_process(pid_t pid, uint64_t remote, const void *local, size_t bytes);
ssize_t ipcb_read_from_process(pid_t pid, uint64_t remote, void *local, size_t bytes);

// Handles -------------------------------------------------------------------------------------------------

/// pidfd_getfd(2): a duplicate of descriptor `fd` of another process.
int ipcb_pidfd_getfd(int pidfd, int fd);
/// Lets any process of this user take descriptors and memory from this one, where Yama would forbid it.
int ipcb_allow_tracing(void);
/// One byte and one descriptor in a message (SCM_RIGHTS).
ssize_t ipcb_send_descriptor(int socket, int fd, const void *bytes, size_t count);
/// `fd` is −1 when the message carried none. The received descriptor is close-on-exec.
ssize_t ipcb_receive_descriptor(int socket, int *fd, void *bytes, size_t count);
int ipcb_set_process_name(const char *name);

// Pipes ---------------------------------------------------------------------------------------------------

/// Capacity of a pipe in bytes.
int ipcb_pipe_capacity(int fd);
ssize_t ipcb_splice_in(int file, int64_t offset, int pipe, size_t bytes, int nonblocking);
ssize_t ipcb_vmsplice(int pipe, const void *bytes, size_t count, int nonblocking);

// Notifications -------------------------------------------------------------------------------------------

int ipcb_eventfd(unsigned initial, int nonblocking);
/// Real-time signal number `index` (0 is SIGRTMIN).
int ipcb_realtime_signal(int index);
int ipcb_block_signal(int signal);
int ipcb_queue_signal(pid_t pid, int signal, uint64_t value);
/// sigtimedwait(2); `nanoseconds` 0 looks once. Fails with EAGAIN when none came.
int ipcb_await_signal(int signal, uint64_t nanoseconds, uint64_t *value);
int ipcb_signalfd(int signal, int nonblocking);
/// The value of one queued signal, read from a signalfd: 0, or −1.
int ipcb_read_signalfd(int fd, uint64_t *value);
/// Interrupts blocking calls of this process every `milliseconds` (SIGALRM without SA_RESTART); 0 stops it.
int ipcb_heartbeat(unsigned milliseconds);
/// Open-file-description locks on one byte or more; `wait` blocks. `type`: 0 unlock, 1 write lock.
int ipcb_lock_bytes(int fd, int type, int64_t start, int64_t count, int wait);
/// 1 when somebody else holds a lock on the byte, 0 when nobody does, −1 on failure.
int ipcb_byte_is_locked(int fd, int64_t start);
int ipcb_inotify_create(int nonblocking);
int ipcb_inotify_watch_modify(int fd, const char *path);
/// Number of modification events in `bytes` that read(2) took from an inotify descriptor; −1 when events were lost.
int ipcb_inotify_count(const void *bytes, size_t count);

// Semaphores ----------------------------------------------------------------------------------------------

int ipcb_sem_init(void *semaphore);
size_t ipcb_sem_size(void);
void *ipcb_sem_open(const char *name, int create);
int ipcb_semget(int key, int count, int flags);
int ipcb_semop(int id, unsigned short number, short change, int nonblocking);
int ipcb_semctl_remove(int id);

// Message queues ------------------------------------------------------------------------------------------

int ipcb_mq_open(const char *name, int flags, long message_count, long message_bytes);
int ipcb_mq_unlink(const char *name);
int ipcb_mq_send(int queue, const void *bytes, size_t count);
ssize_t ipcb_mq_receive(int queue, void *bytes, size_t capacity);
int ipcb_msgget(int key, int flags);
int ipcb_msgctl_remove(int id);
/// `message` starts with the eight bytes of its type; `count` is what follows them.
int ipcb_msgsnd(int id, const void *message, size_t count, int nonblocking);
ssize_t ipcb_msgrcv(int id, void *message, size_t capacity, int nonblocking);

// More sockets --------------------------------------------------------------------------------------------

int ipcb_get_socket_option(int fd, int level, int option);
/// A socket of MPTCP (protocol 262) over IPv4.
int ipcb_mptcp_socket(void);
int ipcb_is_mptcp(int fd);
/// Joins a multicast group on the interface that has the address, or sends to it through that interface.
int ipcb_join_multicast(int fd, const char *group, const char *own);
int ipcb_send_multicast_from(int fd, const char *own);
int ipcb_bind_ipv4(int fd, const char *address, uint16_t port);
int ipcb_connect_ipv4(int fd, const char *address, uint16_t port);
/// Addresses as numbers in host order.
ssize_t ipcb_send_to_ipv4(int fd, const void *bytes, size_t count, uint32_t to, uint16_t port);
ssize_t ipcb_receive_from_ipv4(int fd, void *bytes, size_t capacity, uint32_t *from, uint16_t *port);
/// Address and port of a connected IPv4 socket, or of its peer; `text` has room for 16 bytes. Returns the port.
int ipcb_ipv4_name(int fd, int of_peer, char *text);
int ipcb_vsock_bind(int fd, unsigned cid, unsigned port);
int ipcb_vsock_connect(int fd, unsigned cid, unsigned port);
int ipcb_vsock_port(int fd);
int ipcb_enable_zerocopy(int fd);
ssize_t ipcb_send_zerocopy(int fd, const void *bytes, size_t count);
/// Takes completions from the error queue: how many sends have completed, and how many of them the kernel copied.
int ipcb_zerocopy_completions(int fd, uint32_t *completed, uint32_t *copied);
/// Bytes of the next message or of the stream that wait to be read (SIOCINQ).
int ipcb_bytes_waiting(int fd);
/// Datagrams the kernel dropped on this socket because its buffer was full (SO_MEMINFO), or −1.
int64_t ipcb_socket_drops(int fd);

// Batches -------------------------------------------------------------------------------------------------

/// Buffers, each with room for one message, that move with one system call.
typedef struct ipcb_batch ipcb_batch;

/// `count` buffers, `stride` bytes from one to the next; NULL where memory is short.
ipcb_batch *ipcb_batch_create(void *buffers, size_t stride, unsigned count);
void ipcb_batch_destroy(ipcb_batch *batch);
/// Bytes of buffer `index`: to be sent, or room for what comes.
void ipcb_batch_set(ipcb_batch *batch, unsigned index, size_t bytes);
/// Bytes of the message that came into buffer `index`.
size_t ipcb_batch_received(const ipcb_batch *batch, unsigned index);
/// Sends buffers `first` and up, each a message (sendmmsg); how many went, or -1 with errno.
int ipcb_batch_send(ipcb_batch *batch, int fd, unsigned first, unsigned count);
/// Waits for a message and takes what is there, up to `count` (recvmmsg, MSG_WAITFORONE); how many, or -1 with errno.
int ipcb_batch_receive(ipcb_batch *batch, int fd, unsigned count);
/// Writes buffers `first` and up, without the first `skip` bytes, as one piece (writev); bytes taken, or -1 with errno.
ssize_t ipcb_batch_write(ipcb_batch *batch, int fd, unsigned first, unsigned count, size_t skip);

// io_uring ------------------------------------------------------------------------------------------------

/// A submission and a completion ring of the kernel (io_uring(7)).
typedef struct {
  int fd;
  unsigned *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
  void *sqes, *cqes;
} ipcb_uring;

int ipcb_uring_create(ipcb_uring *ring, unsigned entries);
void ipcb_uring_destroy(ipcb_uring *ring);
/// Prepares an operation; opcode as in linux/io_uring.h.
void ipcb_uring_send(ipcb_uring *ring, int fd, const void *bytes, size_t count, int flags, uint64_t tag);
void ipcb_uring_receive(ipcb_uring *ring, int fd, void *bytes, size_t capacity, int flags, uint64_t tag);
/// Whoever is prepared next starts only when the one prepared last has ended well (IOSQE_IO_LINK).
void ipcb_uring_link(ipcb_uring *ring);
/// A completion with `value` and `length` in the ring `target` (IORING_OP_MSG_RING).
void ipcb_uring_message(ipcb_uring *ring, int target, uint32_t length, uint64_t value, uint64_t tag);
/// A completion once `fd` is ready for one of poll's events (IORING_OP_POLL_ADD).
void ipcb_uring_poll(ipcb_uring *ring, int fd, uint32_t events, uint64_t tag);
/// Submits what was prepared and waits for one completion, but no longer than `milliseconds`; −1 with errno, ETIME then.
int ipcb_uring_enter_for(ipcb_uring *ring, unsigned submit, int milliseconds);
/// Submits what was prepared and waits for `wait` completions. −1 with errno, EINTR included.
int ipcb_uring_enter(ipcb_uring *ring, unsigned submit, unsigned wait);
/// Takes one completion: 1 and its result and tag, or 0 when there is none.
int ipcb_uring_take(ipcb_uring *ring, int32_t *result, uint64_t *tag);

// Libraries that a mechanism uses where they are installed -------------------------------------------------

void *ipcb_library_open(const char *name);
void *ipcb_library_symbol(void *library, const char *name);
int ipcb_library_close(void *library);
/// What the last of these calls that failed has to say; empty when nothing.
const char *ipcb_library_fault(void);
