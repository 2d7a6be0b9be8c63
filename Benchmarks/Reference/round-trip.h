// What the modes of round-trip share: the settings, one side of a channel, the two loops, trying again,
// futexes.
#pragma once

#include "common.h"

#include <linux/futex.h>
#include <sys/syscall.h>

typedef struct {
  const char *mode, *wait;
  bool spins;
  size_t byte_count;
  double milliseconds;
  cpu_pair cpus;
  double nanoseconds_per_tick;
} settings;

/// What a mode finds out; `batch_mean` is left at 0 by those that have no round trips without clock readings.
typedef struct {
  sample_array samples;
  double batch_mean;
} results;

/// One side of a channel. `input` and `output` are descriptors or the kernel's numbers of queues; shared
/// memory uses the slots, and a call also the memory of the process on the other side.
typedef struct {
  size_t byte_count;
  int input, output;
  char *send_buffer, *receive_buffer;
  size_t receive_capacity, start, end;
  char *send_slot, *receive_slot;
  pid_t peer;
  char *peer_buffer;
} endpoint;

/// CPU time that a round trip took on both sides together; 0 where there was none to tell.
static double cpu_nanoseconds_per_round_trip;

// The loops -------------------------------------------------------------------------------------------------

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
  uint64_t first = UINT64_MAX;
  double used = 0;
  while (finish < end) {
    uint64_t start = ticks();
    send(self, sequence, start);
    bool matches = receive(self, sequence, &sent);
    finish = ticks();
    require(matches, "A reply is not the message that was sent.");
    if (start >= warm) {
      record(samples, finish - start);
      if (first == UINT64_MAX && consumer_process) {
        first = sequence;
        used = cpu_time_of_both();
      }
    }
    sequence++;
  }
  if (first < sequence - 1)
    cpu_nanoseconds_per_round_trip = (cpu_time_of_both() - used) / (double)(sequence - 1 - first);
}

/// The consumer's side: checks each message and sends one of its own back, until the producer ends it.
ALWAYS_INLINE void echo(endpoint *self, send_function *send, receive_function *receive) {
  for (uint64_t sequence = 0, sent = 0;; sequence++) {
    require(receive(self, sequence, &sent), "A message is not the one that was sent.");
    send(self, sequence, sent);
  }
}

// Trying again ----------------------------------------------------------------------------------------------

/// Whether a call that returned -1 is worth trying again. Nothing that blocks says EAGAIN or ENOMSG (which is
/// what an empty System V queue says), so that both ways of waiting share this.
ALWAYS_INLINE void retry_or_fail(const char *what) {
  if (errno == EAGAIN || errno == ENOMSG)
    cpu_pause();
  else if (errno != EINTR)
    fail(what);
}

// Futexes ---------------------------------------------------------------------------------------------------

/// Sleeps while the word has this value, at most 20 ms: a channel whose peer may die has to look for it now
/// and then. The bound belongs to the work: on a virtual machine sleeping with one was measured to be a tenth
/// faster than without.
static inline void sleep_on(uint32_t *word, uint32_t value) {
  const struct timespec patience = {.tv_nsec = 20000000};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &patience, NULL, 0);
}

static inline void wake_sleeper(uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
