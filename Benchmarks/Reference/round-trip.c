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
#include "command.h"
#include "messages.h"
#include "notifications.h"
#include "shared-memory.h"
#include "streams.h"

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
    {.name = NULL},
};

int main(int argument_count, char **arguments) {
  settings settings = parse(modes, argument_count, arguments);
  bool probe = strcmp(settings.mode, "probe") == 0;
  results results = {.samples = probe ? (sample_array){NULL, 0} : make_samples()};
  measure(modes, &settings, &results);
  if (probe)
    printf("{\"name\": \"probe\", \"mean_ns\": %.2f}\n", results.batch_mean);
  else
    print_results(&settings, &results);
  return 0;
}
