// Round trips between two processes with nothing around the mechanism: what ipcbench's figures are compared
// with.
//
//   round-trip MODE WAIT BYTES DURATION_MS CPUS
//   round-trip pipe block 64 500 0,1
//
// MODE          WAIT         what travels
// cache-line    spin         one word in one cache line; BYTES is ignored
// two-lines     spin         one word a direction, each in its own line: as two rings have it
// probe         spin         as cache-line, without clock readings; about DURATION_MS, meant for 1
// pipe          block, spin  messages over a pipe a direction
// unix-stream   block, spin  messages over a pair of stream sockets
// tcp           block, spin  messages over a loopback connection with TCP_NODELAY
// futex         block        messages in shared memory, sleeping and waking by futex
//
// Timed: one clock reading, writing the message, both exchanges, the consumer's check and reply, checking the
// reply, one clock reading. Prints one line of JSON.
#include "common.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

typedef struct {
  const char *mode, *wait;
  size_t byte_count;
  double milliseconds;
  cpu_pair cpus;
  double nanoseconds_per_tick;
} settings;

// The loops -------------------------------------------------------------------------------------------------

/// One side of a channel. Byte streams use the upper half, shared memory the lower.
typedef struct {
  size_t byte_count;
  int input, output;
  char *send_buffer, *receive_buffer;
  size_t receive_capacity, start, end;
  char *send_slot, *receive_slot;
} endpoint;

typedef void send_function(endpoint *, uint64_t sequence, uint64_t sent);
typedef bool receive_function(endpoint *, uint64_t sequence, uint64_t *sent);

/// The producer's side: a quarter of the duration for warming up, then the samples. The loop is inlined into
/// one function for each mode, so that no call goes through a pointer.
ALWAYS_INLINE void initiate(
    endpoint *self, send_function *send, receive_function *receive, sample_array *samples,
    const settings *settings) {
  uint64_t duration = (uint64_t)(settings->milliseconds * 1e6 / settings->nanoseconds_per_tick);
  uint64_t sequence = 0, sent = 0, finish = ticks();
  uint64_t warm = finish + duration / 4, end = warm + duration;
  while (finish < end) {
    uint64_t start = ticks();
    send(self, sequence, start);
    bool matches = receive(self, sequence, &sent);
    finish = ticks();
    require(matches, "A reply is not the message that was sent.");
    if (start >= warm) record(samples, finish - start);
    sequence++;
  }
}

/// The consumer's side: checks each message and sends one of its own back, until the producer ends it.
ALWAYS_INLINE void echo(endpoint *self, send_function *send, receive_function *receive) {
  for (uint64_t sequence = 0, sent = 0;; sequence++) {
    require(receive(self, sequence, &sent), "A message is not the one that was sent.");
    send(self, sequence, sent);
  }
}

// Byte streams ----------------------------------------------------------------------------------------------

enum { PREFIX_BYTES = 4 };

/// Whether a call that returned -1 is worth trying again. Blocking descriptors never say EAGAIN, so that both
/// ways of waiting share this.
ALWAYS_INLINE void retry_or_fail(const char *what) {
  if (errno == EAGAIN)
    cpu_pause();
  else if (errno != EINTR)
    fail(what);
}

/// The length in four bytes right before the message, both in one write.
ALWAYS_INLINE void stream_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  char *message = self->send_buffer + CACHE_LINE, *next = message - PREFIX_BYTES;
  uint32_t prefix = (uint32_t)self->byte_count;
  fill_message(message, self->byte_count, sequence, sent);
  memcpy(next, &prefix, sizeof prefix);
  size_t left = self->byte_count + PREFIX_BYTES;
  while (left > 0) {
    ssize_t written = write(self->output, next, left);
    if (written < 0) {
      retry_or_fail("write");
    } else {
      next += written;
      left -= (size_t)written;
    }
  }
}

/// Takes what is there in one read and cuts it up.
ALWAYS_INLINE bool stream_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  uint32_t prefix;
  size_t total = self->byte_count + PREFIX_BYTES;
  while (self->end - self->start < total) {
    ssize_t got = read(self->input, self->receive_buffer + self->end, self->receive_capacity - self->end);
    if (got > 0)
      self->end += (size_t)got;
    else if (got < 0)
      retry_or_fail("read");
    else
      fail("The other side has ended");
  }
  const char *message = self->receive_buffer + self->start;
  memcpy(&prefix, message, sizeof prefix);
  bool matches =
      prefix == self->byte_count && message_matches(message + PREFIX_BYTES, self->byte_count, sequence, sent);
  self->start += total;
  if (self->start == self->end) self->start = self->end = 0;
  return matches;
}

static void initiate_stream(endpoint *self, sample_array *samples, const settings *settings) {
  initiate(self, stream_send, stream_receive, samples, settings);
}

static void echo_stream(endpoint *self) { echo(self, stream_send, stream_receive); }

static void set_no_delay(int socket) {
  int on = 1;
  require(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "set TCP_NODELAY");
}

/// Both ends of a loopback connection; the kernel completes it before `accept` is called.
static void connect_loopback(int ends[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  require(bind(listener, (struct sockaddr *)&address, length) == 0, "bind to 127.0.0.1");
  require(listen(listener, 1) == 0, "listen on 127.0.0.1");
  require(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "find the port");
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  require(connect(ends[0], (struct sockaddr *)&address, length) == 0, "connect to 127.0.0.1");
  ends[1] = accept(listener, NULL, NULL);
  require(ends[1] >= 0, "accept the connection");
  close(listener);
  set_no_delay(ends[0]);
  set_no_delay(ends[1]);
}

/// The descriptors of producer and consumer, {input, output} each.
static void open_stream(const char *mode, int producer[2], int consumer[2]) {
  int ends[2];
  if (strcmp(mode, "pipe") == 0) {
    int forth[2], back[2];
    require(pipe(forth) == 0 && pipe(back) == 0, "create the pipes");
    producer[0] = back[0], producer[1] = forth[1];
    consumer[0] = forth[0], consumer[1] = back[1];
    return;
  }
  if (strcmp(mode, "tcp") == 0)
    connect_loopback(ends);
  else
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "create the sockets");
  producer[0] = producer[1] = ends[0];
  consumer[0] = consumer[1] = ends[1];
}

static void close_both(const int descriptors[2]) {
  close(descriptors[0]);
  if (descriptors[1] != descriptors[0]) close(descriptors[1]);
}

/// The buffers and, for spinning, non-blocking descriptors.
static endpoint stream_endpoint(const int descriptors[2], const settings *settings) {
  size_t capacity = 2 * (settings->byte_count + PREFIX_BYTES);
  if (capacity < 64 << 10) capacity = 64 << 10;
  if (strcmp(settings->wait, "spin") == 0)
    for (int i = 0; i < 2; i++)
      require(
          fcntl(descriptors[i], F_SETFL, fcntl(descriptors[i], F_GETFL) | O_NONBLOCK) == 0, "set O_NONBLOCK");
  return (endpoint){
      .byte_count = settings->byte_count,
      .input = descriptors[0],
      .output = descriptors[1],
      .send_buffer = private_memory(CACHE_LINE + settings->byte_count),
      .receive_buffer = private_memory(capacity),
      .receive_capacity = capacity,
  };
}

static pid_t run_stream(const settings *settings, sample_array *samples) {
  int producer[2], consumer[2];
  open_stream(settings->mode, producer, consumer);
  pid_t child = start_consumer(settings->cpus);
  // Each side closes the other's ends, or nobody would see the other's end.
  close_both(child ? consumer : producer);
  endpoint self = stream_endpoint(child ? producer : consumer, settings);
  if (child == 0) echo_stream(&self);
  initiate_stream(&self, samples, settings);
  return child;
}

// Shared memory and futex -----------------------------------------------------------------------------------
//
// One slot a direction, laid out as a slot of ipcbench's ring: the word that publishes at 56, the message
// from 64. The sleeping flag is a page before it.

enum { WORD_OFFSET = 56, FLAG_OFFSET = -PAGE };

/// Sleeps while the flag is set, at most 20 ms: a ring whose peer may die has to look for it now and then.
/// The bound belongs to the work: on a virtual machine sleeping with one was measured to be a tenth faster
/// than without.
static void sleep_on(uint32_t *flag) {
  const struct timespec patience = {.tv_nsec = 20000000};
  syscall(SYS_futex, flag, FUTEX_WAIT, 1, &patience, NULL, 0);
}

static void wake_sleeper(uint32_t *flag) { syscall(SYS_futex, flag, FUTEX_WAKE, 1, NULL, NULL, 0); }

/// Publishes, then looks for a sleeper. The fence orders the two, as the sleeper's own order its announcement
/// and its last look: at least one of both sees the other.
ALWAYS_INLINE void futex_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  uint32_t *sleeps = (uint32_t *)(self->send_slot + FLAG_OFFSET);
  fill_message(self->send_slot + CACHE_LINE, self->byte_count, sequence, sent);
  uint64_t word = (uint64_t)self->byte_count << 32 | (uint32_t)(sequence + 1);
  store_release((uint64_t *)(self->send_slot + WORD_OFFSET), word);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(sleeps, __ATOMIC_ACQUIRE) != 0) {
    __atomic_store_n(sleeps, 0, __ATOMIC_RELEASE);
    wake_sleeper(sleeps);
  }
}

ALWAYS_INLINE bool futex_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  uint32_t *sleeps = (uint32_t *)(self->receive_slot + FLAG_OFFSET);
  const uint64_t *word = (const uint64_t *)(self->receive_slot + WORD_OFFSET);
  uint32_t expected = (uint32_t)(sequence + 1);
  while ((uint32_t)load_acquire(word) != expected) {
    __atomic_store_n(sleeps, 1, __ATOMIC_SEQ_CST);
    if ((uint32_t)load_acquire(word) != expected) sleep_on(sleeps);
    __atomic_store_n(sleeps, 0, __ATOMIC_RELEASE);
  }
  return load_acquire(word) >> 32 == self->byte_count
         && message_matches(self->receive_slot + CACHE_LINE, self->byte_count, sequence, sent);
}

static void initiate_futex(endpoint *self, sample_array *samples, const settings *settings) {
  initiate(self, futex_send, futex_receive, samples, settings);
}

static void echo_futex(endpoint *self) { echo(self, futex_send, futex_receive); }

static pid_t run_futex(const settings *settings, sample_array *samples) {
  size_t apart = PAGE + (CACHE_LINE + settings->byte_count + PAGE - 1) / PAGE * PAGE;
  char *memory = shared_memory(2 * apart);
  char *forth = memory + PAGE, *back = forth + apart;
  endpoint self = {.byte_count = settings->byte_count, .send_slot = forth, .receive_slot = back};
  pid_t child = start_consumer(settings->cpus);
  if (child == 0) {
    self.send_slot = back, self.receive_slot = forth;
    echo_futex(&self);
  }
  initiate_futex(&self, samples, settings);
  return child;
}

// Cache lines -----------------------------------------------------------------------------------------------

/// Odd numbers travel forth, even ones back, in the same word or in two.
typedef struct {
  uint64_t *forth, *back;
} line_pair;

ALWAYS_INLINE void bounce(line_pair lines, uint64_t number) {
  store_release(lines.forth, number);
  while (load_acquire(lines.back) != number + 1) cpu_pause();
}

static void return_lines(line_pair lines) {
  for (uint64_t number = 1;; number += 2) {
    while (load_acquire(lines.forth) != number) cpu_pause();
    store_release(lines.back, number + 1);
  }
}

/// Returns the mean of round trips without clock readings between them, and takes the samples with two each.
static double bounce_lines(line_pair lines, sample_array *samples, const settings *settings) {
  enum { BATCH = 1000 };
  uint64_t duration = (uint64_t)(settings->milliseconds * 1e6 / settings->nanoseconds_per_tick);
  uint64_t number = 1, count = 0, begin = ticks(), finish = begin;
  while (finish < begin + duration / 4) {  // warm-up
    for (int i = 0; i < BATCH; i++, number += 2) bounce(lines, number);
    finish = ticks();
  }
  begin = finish;
  while (finish < begin + duration / 2) {
    for (int i = 0; i < BATCH; i++, number += 2) bounce(lines, number);
    finish = ticks();
    count += BATCH;
  }
  double mean = (double)(finish - begin) * settings->nanoseconds_per_tick / (double)count;
  for (uint64_t end = finish + duration; samples && finish < end; number += 2) {
    uint64_t start = ticks();
    bounce(lines, number);
    finish = ticks();
    record(samples, finish - start);
  }
  return mean;
}

static pid_t run_lines(const settings *settings, sample_array *samples, double *mean) {
  char *memory = shared_memory(2 * PAGE);
  bool shared = strcmp(settings->mode, "two-lines") != 0;
  line_pair lines = {(uint64_t *)memory, (uint64_t *)(memory + (shared ? 0 : PAGE + WORDS_APART))};
  pid_t child = start_consumer(settings->cpus);
  if (child == 0) return_lines(lines);
  *mean = bounce_lines(lines, samples, settings);
  return child;
}

// The command -----------------------------------------------------------------------------------------------

static bool is_one_of(const char *text, const char *a, const char *b, const char *c) {
  return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

static settings parse(int argument_count, char **arguments) {
  errno = 0;
  require(argument_count == 6, "usage: round-trip MODE WAIT BYTES DURATION_MS CPUS");
  settings settings = {
      .mode = arguments[1],
      .wait = arguments[2],
      .byte_count = parse_byte_count(arguments[3]),
      .milliseconds = atof(arguments[4]),
      .cpus = parse_cpus(arguments[5]),
  };
  bool spins = strcmp(settings.wait, "spin") == 0, blocks = strcmp(settings.wait, "block") == 0;
  bool streams = is_one_of(settings.mode, "pipe", "unix-stream", "tcp");
  bool lines = is_one_of(settings.mode, "cache-line", "two-lines", "probe");
  require(streams || lines || strcmp(settings.mode, "futex") == 0, "This mode is not known.");
  require(streams ? spins || blocks : lines ? spins : blocks, "This mode does not wait in this way.");
  require(settings.milliseconds > 0, "The duration is a number of milliseconds.");
  return settings;
}

/// Ends the consumer, which knows no end of its own, unless it has ended before: then it had a reason.
static void stop(pid_t child) {
  int status;
  errno = 0;
  require(waitpid(child, &status, WNOHANG) == 0, "The consumer ended before its time.");
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
}

static void print_samples(const settings *settings, sample_array samples, double batch_mean) {
  sample_summary summary = summarise(samples, settings->nanoseconds_per_tick);
  printf(
      "{\"name\": \"%s\", \"wait\": \"%s\", \"bytes\": %zu, \"samples\": %zu, \"p50_ns\": %.2f, "
      "\"midmean_ns\": %.2f, \"mean_ns\": %.2f, \"clock_read_ns\": %.2f}\n",
      settings->mode, settings->wait, settings->byte_count, samples.count, summary.p50, summary.midmean,
      batch_mean > 0 ? batch_mean : summary.mean, clock_read_cost(settings->nanoseconds_per_tick));
}

int main(int argument_count, char **arguments) {
  settings settings = parse(argument_count, arguments);
  settings.nanoseconds_per_tick = calibrate_clock();
  // A consumer that failed leaves a spinning producer behind; nothing here may outlive its purpose.
  alarm((unsigned)(settings.milliseconds * 3 / 1000) + 10);
  bool probe = strcmp(settings.mode, "probe") == 0;
  sample_array samples = probe ? (sample_array){NULL, 0} : make_samples();
  double batch_mean = 0;
  pid_t child;
  if (strcmp(settings.mode, "futex") == 0)
    child = run_futex(&settings, &samples);
  else if (is_one_of(settings.mode, "pipe", "unix-stream", "tcp"))
    child = run_stream(&settings, &samples);
  else
    child = run_lines(&settings, probe ? NULL : &samples, &batch_mean);
  stop(child);
  if (probe)
    printf("{\"name\": \"probe\", \"mean_ns\": %.2f}\n", batch_mean);
  else
    print_samples(&settings, samples, batch_mean);
  return 0;
}
