// Notifications: nothing travels but the news that something has happened.
#pragma once

#include "round-trip.h"

#include <sys/eventfd.h>

// Event counters of the kernel ------------------------------------------------------------------------------

ALWAYS_INLINE void eventfd_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  const uint64_t one = 1;
  (void)sequence, (void)sent;
  while (write(self->output, &one, sizeof one) < 0) retry_or_fail("write");
}

/// Takes what has been counted, which is one: the other side waits for the answer before it counts on.
ALWAYS_INLINE bool eventfd_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  uint64_t count = 0;
  (void)sequence, (void)sent;
  while (read(self->input, &count, sizeof count) < 0) retry_or_fail("read");
  return count == 1;
}

static pid_t run_eventfds(const settings *settings, results *results) {
  int flags = settings->spins ? EFD_NONBLOCK : 0;
  int forth = eventfd(0, flags), back = eventfd(0, flags);
  require(forth >= 0 && back >= 0, "create the eventfds");
  pid_t child = start_consumer(settings->cpus);
  endpoint self = {.input = child ? back : forth, .output = child ? forth : back};
  if (child == 0) echo(&self, eventfd_send, eventfd_receive);
  initiate(&self, eventfd_send, eventfd_receive, &results->samples, settings);
  return child;
}

// Counters in shared memory ---------------------------------------------------------------------------------
//
// The slots of an endpoint are one counter each. Sleepers do not announce themselves: a blocking sender makes
// one system call for each increment, needed or not.

ALWAYS_INLINE void word_send_spinning(endpoint *self, uint64_t sequence, uint64_t sent) {
  (void)sequence, (void)sent;
  __atomic_fetch_add((uint32_t *)self->send_slot, 1, __ATOMIC_RELEASE);
}

ALWAYS_INLINE void word_send_and_wake(endpoint *self, uint64_t sequence, uint64_t sent) {
  word_send_spinning(self, sequence, sent);
  wake_sleeper((uint32_t *)self->send_slot);
}

/// How far the counter is behind what message `sequence` makes it, at most 0 when that has arrived. The
/// difference stays right when the counter starts again from 0.
ALWAYS_INLINE int32_t missing(uint64_t sequence, uint32_t counter) {
  return (int32_t)((uint32_t)(sequence + 1) - counter);
}

ALWAYS_INLINE bool word_receive_spinning(endpoint *self, uint64_t sequence, uint64_t *sent) {
  const uint32_t *word = (const uint32_t *)self->receive_slot;
  uint32_t counter;
  (void)sent;
  while (missing(sequence, counter = __atomic_load_n(word, __ATOMIC_ACQUIRE)) > 0) cpu_pause();
  return missing(sequence, counter) == 0;
}

ALWAYS_INLINE bool word_receive_asleep(endpoint *self, uint64_t sequence, uint64_t *sent) {
  uint32_t *word = (uint32_t *)self->receive_slot, counter;
  (void)sent;
  while (missing(sequence, counter = __atomic_load_n(word, __ATOMIC_ACQUIRE)) > 0) sleep_on(word, counter);
  return missing(sequence, counter) == 0;
}

static pid_t run_words(const settings *settings, results *results) {
  char *forth = shared_memory(PAGE), *back = forth + WORDS_APART;
  pid_t child = start_consumer(settings->cpus);
  endpoint self = {.send_slot = child ? forth : back, .receive_slot = child ? back : forth};
  if (child == 0) {
    if (settings->spins)
      echo(&self, word_send_spinning, word_receive_spinning);
    else
      echo(&self, word_send_and_wake, word_receive_asleep);
  }
  if (settings->spins)
    initiate(&self, word_send_spinning, word_receive_spinning, &results->samples, settings);
  else
    initiate(&self, word_send_and_wake, word_receive_asleep, &results->samples, settings);
  return child;
}
