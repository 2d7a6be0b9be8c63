// Messages whose boundaries the kernel keeps: sockets, POSIX queues, System V queues. One system call a
// message on either side, and no length in front of it.
#pragma once

#include "remover.h"
#include "round-trip.h"

#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/un.h>

/// A buffer to receive into has this much more room than a message: a longer one would otherwise be cut and
/// taken for the right one.
enum { SPARE_BYTES = 8 };

/// The side with these two numbers, its buffers present. Messages begin a cache line in, so that what
/// precedes them in some queues does not move them.
static endpoint message_endpoint(int input, int output, const settings *settings) {
  return (endpoint){
      .byte_count = settings->byte_count,
      .input = input,
      .output = output,
      .send_buffer = private_memory(CACHE_LINE + settings->byte_count),
      .receive_buffer = private_memory(CACHE_LINE + settings->byte_count + SPARE_BYTES),
      .receive_capacity = settings->byte_count + SPARE_BYTES,
  };
}

/// Whether what was received is message number `sequence` and nothing more.
ALWAYS_INLINE bool received_matches(endpoint *self, ssize_t got, uint64_t sequence, uint64_t *sent) {
  return got == (ssize_t)self->byte_count
         && message_matches(self->receive_buffer + CACHE_LINE, self->byte_count, sequence, sent);
}

// Sockets ---------------------------------------------------------------------------------------------------

/// A message is taken as a whole or not at all: there is no part of it to go on with.
ALWAYS_INLINE void socket_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  fill_message(self->send_buffer + CACHE_LINE, self->byte_count, sequence, sent);
  while (write(self->output, self->send_buffer + CACHE_LINE, self->byte_count) < 0) retry_or_fail("write");
}

ALWAYS_INLINE bool socket_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  ssize_t got;
  while ((got = read(self->input, self->receive_buffer + CACHE_LINE, self->receive_capacity)) < 0)
    retry_or_fail("read");
  return received_matches(self, got, sequence, sent);
}

static int new_socket(int family, int type, const settings *settings) {
  int descriptor = socket(family, type | (settings->spins ? SOCK_NONBLOCK : 0), 0);
  require(descriptor >= 0, "create a socket");
  return descriptor;
}

/// Both ends, each with a path of its own. The paths are gone before anything that happened is looked at; two
/// sockets that have found each other need none.
static void connect_paths(int ends[2], const settings *settings) {
  char directory[] = "/tmp/round-trip-XXXXXX";
  struct sockaddr_un addresses[2] = {{.sun_family = AF_UNIX}, {.sun_family = AF_UNIX}};
  for (int i = 0; i < 2; i++) ends[i] = new_socket(AF_UNIX, SOCK_DGRAM, settings);
  require(mkdtemp(directory) != NULL, "create a directory in /tmp");
  bool connected = true;
  for (int i = 0; i < 2; i++) {
    snprintf(addresses[i].sun_path, sizeof addresses[i].sun_path, "%s/%d", directory, i);
    connected = connected && bind(ends[i], (struct sockaddr *)&addresses[i], sizeof addresses[i]) == 0;
  }
  for (int i = 0; i < 2; i++)
    connected = connected && connect(ends[i], (struct sockaddr *)&addresses[1 - i], sizeof addresses[i]) == 0;
  int reason = errno;
  for (int i = 0; i < 2; i++) unlink(addresses[i].sun_path);
  rmdir(directory);
  errno = reason;
  require(connected, "connect two sockets in /tmp");
}

/// Both ends, each on a port of its own that the kernel chooses.
static void connect_ports(int ends[2], const settings *settings) {
  struct sockaddr_in addresses[2];
  socklen_t length = sizeof addresses[0];
  for (int i = 0; i < 2; i++) {
    addresses[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ends[i] = new_socket(AF_INET, SOCK_DGRAM, settings);
    require(bind(ends[i], (struct sockaddr *)&addresses[i], length) == 0, "bind to 127.0.0.1");
    require(getsockname(ends[i], (struct sockaddr *)&addresses[i], &length) == 0, "find the port");
  }
  for (int i = 0; i < 2; i++)
    require(connect(ends[i], (struct sockaddr *)&addresses[1 - i], length) == 0, "connect to 127.0.0.1");
}

static void open_sockets(int ends[2], const settings *settings) {
  int type = SOCK_SEQPACKET | (settings->spins ? SOCK_NONBLOCK : 0);
  if (strcmp(settings->mode, "udp") == 0)
    connect_ports(ends, settings);
  else if (strcmp(settings->mode, "unix-dgram") == 0)
    connect_paths(ends, settings);
  else
    require(socketpair(AF_UNIX, type, 0, ends) == 0, "create the sockets");
}

static pid_t run_sockets(const settings *settings, results *results) {
  int ends[2];
  open_sockets(ends, settings);
  pid_t child = start_consumer(settings->cpus);
  int own = ends[child ? 0 : 1];
  // Each side closes the other's end, or nobody would see the other's end.
  close(ends[child ? 1 : 0]);
  endpoint self = message_endpoint(own, own, settings);
  if (child == 0) echo(&self, socket_send, socket_receive);
  initiate(&self, socket_send, socket_receive, &results->samples, settings);
  return child;
}

/// One of the limits that the kernel sets to queues.
static long queue_limit(const char *path) {
  long limit = 0;
  FILE *file = fopen(path, "r");
  require(file != NULL && fscanf(file, "%ld", &limit) == 1, path);
  fclose(file);
  errno = 0;
  return limit;
}

// POSIX queues ----------------------------------------------------------------------------------------------

ALWAYS_INLINE void posix_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  fill_message(self->send_buffer + CACHE_LINE, self->byte_count, sequence, sent);
  while (mq_send(self->output, self->send_buffer + CACHE_LINE, self->byte_count, 0) < 0)
    retry_or_fail("mq_send");
}

ALWAYS_INLINE bool posix_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  ssize_t got;
  while ((got = mq_receive(self->input, self->receive_buffer + CACHE_LINE, self->receive_capacity, NULL)) < 0)
    retry_or_fail("mq_receive");
  return received_matches(self, got, sequence, sent);
}

/// A queue without a name: it is gone with the last process that has it.
static mqd_t open_posix_queue(int number, const settings *settings) {
  enum { USUAL_DEPTH = 10 };
  char name[64];
  long depth = queue_limit("/proc/sys/fs/mqueue/msg_max");
  size_t longest = (size_t)queue_limit("/proc/sys/fs/mqueue/msgsize_max");
  require(settings->byte_count <= longest, "BYTES is more than /proc/sys/fs/mqueue/msgsize_max allows.");
  struct mq_attr shape = {
      .mq_maxmsg = depth < USUAL_DEPTH ? depth : USUAL_DEPTH,
      .mq_msgsize = (long)settings->byte_count,
  };
  int flags = O_RDWR | O_CREAT | O_EXCL | (settings->spins ? O_NONBLOCK : 0);
  snprintf(name, sizeof name, "/round-trip-%d-%d", (int)getpid(), number);
  mqd_t queue = mq_open(name, flags, 0600, &shape);
  require(queue != (mqd_t)-1, "open a POSIX message queue");
  mq_unlink(name);
  return queue;
}

static pid_t run_posix_queues(const settings *settings, results *results) {
  mqd_t forth = open_posix_queue(0, settings), back = open_posix_queue(1, settings);
  pid_t child = start_consumer(settings->cpus);
  endpoint self = message_endpoint(child ? back : forth, child ? forth : back, settings);
  if (child == 0) echo(&self, posix_send, posix_receive);
  initiate(&self, posix_send, posix_receive, &results->samples, settings);
  return child;
}

// System V queues -------------------------------------------------------------------------------------------

/// As the system calls want it: a type, which is 1 for all of ours, and right behind it the message.
typedef struct {
  long type;
  char text[];
} typed_message;

ALWAYS_INLINE typed_message *typed(char *buffer) {
  return (typed_message *)(buffer + CACHE_LINE - sizeof(typed_message));
}

/// `flags` is 0 or IPC_NOWAIT, and known where this is inlined.
ALWAYS_INLINE void sysv_send(endpoint *self, uint64_t sequence, uint64_t sent, int flags) {
  typed_message *message = typed(self->send_buffer);
  message->type = 1;
  fill_message(message->text, self->byte_count, sequence, sent);
  while (msgsnd(self->output, message, self->byte_count, flags) < 0) retry_or_fail("msgsnd");
}

ALWAYS_INLINE bool sysv_receive(endpoint *self, uint64_t sequence, uint64_t *sent, int flags) {
  ssize_t got;
  while ((got = msgrcv(self->input, typed(self->receive_buffer), self->receive_capacity, 0, flags)) < 0)
    retry_or_fail("msgrcv");
  return received_matches(self, got, sequence, sent);
}

ALWAYS_INLINE void sysv_send_blocking(endpoint *self, uint64_t sequence, uint64_t sent) {
  sysv_send(self, sequence, sent, 0);
}

ALWAYS_INLINE bool sysv_receive_blocking(endpoint *self, uint64_t sequence, uint64_t *sent) {
  return sysv_receive(self, sequence, sent, 0);
}

ALWAYS_INLINE void sysv_send_spinning(endpoint *self, uint64_t sequence, uint64_t sent) {
  sysv_send(self, sequence, sent, IPC_NOWAIT);
}

ALWAYS_INLINE bool sysv_receive_spinning(endpoint *self, uint64_t sequence, uint64_t *sent) {
  return sysv_receive(self, sequence, sent, IPC_NOWAIT);
}

/// System V queues outlive every process: one that does nothing else removes them after the others' end.
static void remove_at_end(const int queues[2]) {
  if (start_remover() > 0) return;
  await_the_others();
  for (int i = 0; i < 2; i++) msgctl(queues[i], IPC_RMID, NULL);
  _exit(0);
}

static pid_t run_sysv_queues(const settings *settings, results *results) {
  int queues[2];
  size_t longest = (size_t)queue_limit("/proc/sys/kernel/msgmax");
  require(settings->byte_count <= longest, "BYTES is more than /proc/sys/kernel/msgmax allows.");
  for (int i = 0; i < 2; i++) queues[i] = msgget(IPC_PRIVATE, 0600);
  int reason = errno;
  remove_at_end(queues);
  errno = reason;
  require(queues[0] >= 0 && queues[1] >= 0, "create a System V message queue");
  pid_t child = start_consumer(settings->cpus);
  endpoint self = message_endpoint(queues[child ? 1 : 0], queues[child ? 0 : 1], settings);
  if (child == 0) {
    if (settings->spins)
      echo(&self, sysv_send_spinning, sysv_receive_spinning);
    else
      echo(&self, sysv_send_blocking, sysv_receive_blocking);
  }
  if (settings->spins)
    initiate(&self, sysv_send_spinning, sysv_receive_spinning, &results->samples, settings);
  else
    initiate(&self, sysv_send_blocking, sysv_receive_blocking, &results->samples, settings);
  return child;
}
