// Round trips between two processes with nothing around the mechanism: what ipcbench's figures are compared
// with.
//
//   round-trip MODE WAIT BYTES DURATION_MS CPUS
//   round-trip pipe block 64 500 0,1
//
// MODE            WAIT         what travels
// cache-line      spin         one word in one cache line; BYTES is ignored
// two-lines       spin         one word a direction, each in its own line: as two rings have it
// probe           spin         as cache-line, without clock readings; about DURATION_MS, meant for 1
// pipe            block, spin  messages over a pipe a direction
// unix-stream     block, spin  messages over a pair of stream sockets
// tcp             block, spin  messages over a loopback connection with TCP_NODELAY
// unix-seqpacket  block, spin  messages over a pair of sockets that keep their boundaries
// unix-dgram      block, spin  messages over two datagram sockets, connected by their paths
// udp             block, spin  messages over two UDP sockets on loopback, connected to each other
// posix-mq        block, spin  messages over a POSIX queue a direction
// sysv-mq         block, spin  messages over a System V queue a direction
// futex           block        messages in shared memory, sleeping and waking by futex
// copy-data       block, spin  a message copied from process to process and an eight-byte result
// eventfd         block, spin  a wake-up by an eventfd a direction; BYTES is ignored
// futex-word      block, spin  a counter a direction, each increment with a wake-up; BYTES is ignored
//
// Timed: one clock reading, writing the message, both exchanges, the consumer's check and reply, checking the
// reply, one clock reading. Prints one line of JSON.
#include "messages.h"
#include "notifications.h"
#include "shared-memory.h"
#include "streams.h"

/// Starts the consumer, whose pid it returns, and is the producer.
typedef pid_t run_function(const settings *, results *);

typedef struct {
  const char *name;
  bool blocks, spins;
  run_function *run;
} mode;

static const mode modes[] = {
    {"cache-line", .spins = true, .run = run_lines},
    {"two-lines", .spins = true, .run = run_lines},
    {"probe", .spins = true, .run = run_lines},
    {"pipe", .blocks = true, .spins = true, .run = run_stream},
    {"unix-stream", .blocks = true, .spins = true, .run = run_stream},
    {"tcp", .blocks = true, .spins = true, .run = run_stream},
    {"unix-seqpacket", .blocks = true, .spins = true, .run = run_sockets},
    {"unix-dgram", .blocks = true, .spins = true, .run = run_sockets},
    {"udp", .blocks = true, .spins = true, .run = run_sockets},
    {"posix-mq", .blocks = true, .spins = true, .run = run_posix_queues},
    {"sysv-mq", .blocks = true, .spins = true, .run = run_sysv_queues},
    {"futex", .blocks = true, .run = run_futex},
    {"copy-data", .blocks = true, .spins = true, .run = run_calls},
    {"eventfd", .blocks = true, .spins = true, .run = run_eventfds},
    {"futex-word", .blocks = true, .spins = true, .run = run_words},
};

static const mode *mode_named(const char *name) {
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcmp(modes[i].name, name) == 0) return &modes[i];
  return NULL;
}

static settings parse(int argument_count, char **arguments) {
  errno = 0;
  require(argument_count == 6, "usage: round-trip MODE WAIT BYTES DURATION_MS CPUS");
  settings settings = {
      .mode = arguments[1],
      .wait = arguments[2],
      .spins = strcmp(arguments[2], "spin") == 0,
      .byte_count = parse_byte_count(arguments[3]),
      .milliseconds = atof(arguments[4]),
      .cpus = parse_cpus(arguments[5]),
  };
  const mode *mode = mode_named(settings.mode);
  require(mode != NULL, "This mode is not known.");
  bool blocks = strcmp(settings.wait, "block") == 0;
  bool waits_so = (settings.spins && mode->spins) || (blocks && mode->blocks);
  require(waits_so, "This mode does not wait in this way.");
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

static void print_results(const settings *settings, const results *results) {
  sample_summary summary = summarise(results->samples, settings->nanoseconds_per_tick);
  printf(
      "{\"name\": \"%s\", \"wait\": \"%s\", \"bytes\": %zu, \"samples\": %zu, \"p50_ns\": %.2f, "
      "\"midmean_ns\": %.2f, \"mean_ns\": %.2f, \"clock_read_ns\": %.2f}\n",
      settings->mode, settings->wait, settings->byte_count, results->samples.count, summary.p50,
      summary.midmean, results->batch_mean > 0 ? results->batch_mean : summary.mean,
      clock_read_cost(settings->nanoseconds_per_tick));
}

int main(int argument_count, char **arguments) {
  settings settings = parse(argument_count, arguments);
  settings.nanoseconds_per_tick = calibrate_clock();
  // A consumer that failed leaves a spinning producer behind; nothing here may outlive its purpose.
  alarm((unsigned)(settings.milliseconds * 3 / 1000) + 10);
  bool probe = strcmp(settings.mode, "probe") == 0;
  results results = {.samples = probe ? (sample_array){NULL, 0} : make_samples()};
  pid_t child = mode_named(settings.mode)->run(&settings, &results);
  stop(child);
  if (probe)
    printf("{\"name\": \"probe\", \"mean_ns\": %.2f}\n", results.batch_mean);
  else
    print_results(&settings, &results);
  return 0;
}
