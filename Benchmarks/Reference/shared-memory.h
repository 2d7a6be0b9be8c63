// Shared memory: messages in slots, calls that copy from process to process, bare cache lines.
#pragma once

#include "round-trip.h"

#include <sys/uio.h>

// Slots -----------------------------------------------------------------------------------------------------
//
// One slot a direction, laid out as a slot of ipcbench's ring: the word that publishes at 56, the message
// from 64. The sleeping flag is a page before it.

enum { WORD_OFFSET = 56, FLAG_OFFSET = -PAGE };

/// What is published: the length, and which of the messages this is, counted from 1.
ALWAYS_INLINE uint64_t slot_word(size_t byte_count, uint64_t sequence) {
  return (uint64_t)byte_count << 32 | (uint32_t)(sequence + 1);
}

/// Publishes for somebody who spins.
ALWAYS_INLINE void publish(char *slot, uint64_t word) {
  store_release((uint64_t *)(slot + WORD_OFFSET), word);
}

/// Publishes, then looks for a sleeper. The fence orders the two, as the sleeper's own order its announcement
/// and its last look: at least one of both sees the other.
ALWAYS_INLINE void publish_and_wake(char *slot, uint64_t word) {
  uint32_t *sleeps = (uint32_t *)(slot + FLAG_OFFSET);
  publish(slot, word);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(sleeps, __ATOMIC_ACQUIRE) != 0) {
    __atomic_store_n(sleeps, 0, __ATOMIC_RELEASE);
    wake_sleeper(sleeps);
  }
}

/// Whether message `sequence` has been published.
ALWAYS_INLINE bool is_there(const char *slot, uint64_t sequence) {
  return (uint32_t)load_acquire((const uint64_t *)(slot + WORD_OFFSET)) == (uint32_t)(sequence + 1);
}

ALWAYS_INLINE void await_spinning(const char *slot, uint64_t sequence) {
  while (!is_there(slot, sequence)) cpu_pause();
}

ALWAYS_INLINE void await_sleeping(char *slot, uint64_t sequence) {
  uint32_t *sleeps = (uint32_t *)(slot + FLAG_OFFSET);
  while (!is_there(slot, sequence)) {
    __atomic_store_n(sleeps, 1, __ATOMIC_SEQ_CST);
    if (!is_there(slot, sequence)) sleep_on(sleeps, 1);
    __atomic_store_n(sleeps, 0, __ATOMIC_RELEASE);
  }
}

ALWAYS_INLINE size_t published_byte_count(const char *slot) {
  return load_acquire((const uint64_t *)(slot + WORD_OFFSET)) >> 32;
}

/// The producer's side of two slots with room for `byte_count` bytes each.
static endpoint slot_endpoint(size_t byte_count) {
  size_t apart = PAGE + (CACHE_LINE + byte_count + PAGE - 1) / PAGE * PAGE;
  char *memory = shared_memory(2 * apart);
  return (endpoint){
      .byte_count = byte_count,
      .send_slot = memory + PAGE,
      .receive_slot = memory + PAGE + apart,
  };
}

/// Makes the producer's side the consumer's.
static void swap_slots(endpoint *self) {
  char *forth = self->send_slot;
  self->send_slot = self->receive_slot;
  self->receive_slot = forth;
}

// Messages, sleeping and waking by futex --------------------------------------------------------------------

ALWAYS_INLINE void futex_send(endpoint *self, uint64_t sequence, uint64_t sent) {
  fill_message(self->send_slot + CACHE_LINE, self->byte_count, sequence, sent);
  publish_and_wake(self->send_slot, slot_word(self->byte_count, sequence));
}

ALWAYS_INLINE bool futex_receive(endpoint *self, uint64_t sequence, uint64_t *sent) {
  await_sleeping(self->receive_slot, sequence);
  return published_byte_count(self->receive_slot) == self->byte_count
         && message_matches(self->receive_slot + CACHE_LINE, self->byte_count, sequence, sent);
}

static void initiate_futex(endpoint *self, sample_array *samples, const settings *settings) {
  initiate(self, futex_send, futex_receive, samples, settings);
}

static void echo_futex(endpoint *self) { echo(self, futex_send, futex_receive); }

static pid_t run_futex(const settings *settings, results *results) {
  endpoint self = slot_endpoint(settings->byte_count);
  pid_t child = start_consumer(settings->cpus);
  if (child == 0) {
    swap_slots(&self);
    echo_futex(&self);
  }
  initiate_futex(&self, &results->samples, settings);
  return child;
}

// Calls that copy from process to process -------------------------------------------------------------------
//
// Modelled on WM_COPYDATA: the kernel copies the caller's bytes into the other process, and the caller waits
// for a result. The slots hold no messages, only what is published, and the result in the same line.

enum { RESULT_OFFSET = WORD_OFFSET - 8, ADDRESS_OFFSET = CACHE_LINE };

/// What the consumer answers to message `sequence`: the key of the number, as in a message.
ALWAYS_INLINE uint64_t result_of(uint64_t sequence) { return sequence * KEY_MULTIPLIER; }

/// Fills the message here and copies it to where the consumer looks for it.
ALWAYS_INLINE void copy_message(endpoint *self, uint64_t sequence, uint64_t sent) {
  fill_message(self->send_buffer, self->byte_count, sequence, sent);
  struct iovec here = {self->send_buffer, self->byte_count}, there = {self->peer_buffer, self->byte_count};
  ssize_t copied = process_vm_writev(self->peer, &here, 1, &there, 1, 0);
  if (copied != (ssize_t)self->byte_count) fail("process_vm_writev");
}

ALWAYS_INLINE bool copied_message_matches(endpoint *self, uint64_t sequence, uint64_t *sent) {
  return published_byte_count(self->receive_slot) == self->byte_count
         && message_matches(self->receive_buffer, self->byte_count, sequence, sent);
}

ALWAYS_INLINE void store_result(endpoint *self, uint64_t sequence) {
  *(one_word *)(self->send_slot + RESULT_OFFSET) = result_of(sequence);
}

ALWAYS_INLINE bool result_matches(const endpoint *self, uint64_t sequence) {
  return *(const one_word *)(self->receive_slot + RESULT_OFFSET) == result_of(sequence);
}

ALWAYS_INLINE void call_and_wake(endpoint *self, uint64_t sequence, uint64_t sent) {
  copy_message(self, sequence, sent);
  publish_and_wake(self->send_slot, slot_word(self->byte_count, sequence));
}

ALWAYS_INLINE void call_spinning(endpoint *self, uint64_t sequence, uint64_t sent) {
  copy_message(self, sequence, sent);
  publish(self->send_slot, slot_word(self->byte_count, sequence));
}

ALWAYS_INLINE bool result_asleep(endpoint *self, uint64_t sequence, uint64_t *sent) {
  (void)sent;
  await_sleeping(self->receive_slot, sequence);
  return result_matches(self, sequence);
}

ALWAYS_INLINE bool result_spinning(endpoint *self, uint64_t sequence, uint64_t *sent) {
  (void)sent;
  await_spinning(self->receive_slot, sequence);
  return result_matches(self, sequence);
}

ALWAYS_INLINE bool take_call_asleep(endpoint *self, uint64_t sequence, uint64_t *sent) {
  await_sleeping(self->receive_slot, sequence);
  return copied_message_matches(self, sequence, sent);
}

ALWAYS_INLINE bool take_call_spinning(endpoint *self, uint64_t sequence, uint64_t *sent) {
  await_spinning(self->receive_slot, sequence);
  return copied_message_matches(self, sequence, sent);
}

ALWAYS_INLINE void answer_and_wake(endpoint *self, uint64_t sequence, uint64_t sent) {
  (void)sent;
  store_result(self, sequence);
  publish_and_wake(self->send_slot, slot_word(sizeof(uint64_t), sequence));
}

ALWAYS_INLINE void answer_spinning(endpoint *self, uint64_t sequence, uint64_t sent) {
  (void)sent;
  store_result(self, sequence);
  publish(self->send_slot, slot_word(sizeof(uint64_t), sequence));
}

/// The consumer: makes its buffer, lets the producer write into it and tells it where that is.
static void offer_buffer(endpoint *self) {
  // Fails where Yama is not there to restrict anything.
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  self->receive_buffer = private_memory(self->byte_count);
  store_release((uint64_t *)(self->send_slot + ADDRESS_OFFSET), (uintptr_t)self->receive_buffer);
}

/// The producer: waits until it knows where the consumer's buffer is.
static void find_buffer(endpoint *self, pid_t consumer) {
  const uint64_t *address = (const uint64_t *)(self->receive_slot + ADDRESS_OFFSET);
  while (load_acquire(address) == 0) usleep(100);
  self->peer = consumer;
  self->peer_buffer = (char *)(uintptr_t)load_acquire(address);
  self->send_buffer = private_memory(self->byte_count);
}

static pid_t run_calls(const settings *settings, results *results) {
  endpoint self = slot_endpoint(sizeof(uint64_t));
  self.byte_count = settings->byte_count;
  pid_t child = start_consumer(settings->cpus);
  if (child == 0) {
    swap_slots(&self);
    offer_buffer(&self);
    if (settings->spins)
      echo(&self, answer_spinning, take_call_spinning);
    else
      echo(&self, answer_and_wake, take_call_asleep);
  }
  find_buffer(&self, child);
  if (settings->spins)
    initiate(&self, call_spinning, result_spinning, &results->samples, settings);
  else
    initiate(&self, call_and_wake, result_asleep, &results->samples, settings);
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

/// Returns the mean of round trips without clock readings between them, and takes the samples with two each
/// unless there is no array for them.
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

static pid_t run_lines(const settings *settings, results *results) {
  char *memory = shared_memory(2 * PAGE);
  bool shared = strcmp(settings->mode, "two-lines") != 0;
  line_pair lines = {(uint64_t *)memory, (uint64_t *)(memory + (shared ? 0 : PAGE + WORDS_APART))};
  pid_t child = start_consumer(settings->cpus);
  if (child == 0) return_lines(lines);
  results->batch_mean = bounce_lines(lines, results->samples.ticks ? &results->samples : NULL, settings);
  return child;
}
