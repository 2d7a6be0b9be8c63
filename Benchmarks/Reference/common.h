// What the reference programs share: CPUs, memory, the clock, the messages, the samples, one line of JSON.
//
// Everything is small enough to be read in one go and does the work that ipcbench does, with nothing around
// it. The header compiles as C11 and as C++17.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { CACHE_LINE = 64, WORDS_APART = 128, PAGE = 4096 };

// Failing ---------------------------------------------------------------------------------------------------

/// Ends this process with one sentence; after a failed system call `what` is followed by its reason.
static inline void fail(const char *what) {
  fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  _exit(1);
}

static inline void require(bool condition, const char *what) {
  if (!condition) fail(what);
}

// Processes -------------------------------------------------------------------------------------------------

typedef struct {
  int producer, consumer;
} cpu_pair;

static inline cpu_pair parse_cpus(const char *text) {
  cpu_pair cpus;
  errno = 0;
  require(sscanf(text, "%d,%d", &cpus.producer, &cpus.consumer) == 2, "CPUs are given as two numbers: 0,1");
  return cpus;
}

static inline void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  require(sched_setaffinity(0, sizeof set, &set) == 0, "pin to a CPU");
}

/// Forks the consumer and pins both sides; returns 0 in the consumer, its pid in the producer.
///
/// The producer waits in `read` until the consumer has pinned itself: one that spun there could keep the CPU
/// that the consumer still needs for getting away.
static pid_t consumer_process;

static inline pid_t start_consumer(cpu_pair cpus) {
  int ready[2];
  char byte = 0;
  require(pipe(ready) == 0, "create a pipe");
  fflush(NULL);
  pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(cpus.consumer);
    require(write(ready[1], &byte, 1) == 1, "tell that the consumer is pinned");
  } else {
    consumer_process = child;
    close(ready[1]);
    require(read(ready[0], &byte, 1) == 1, "wait for the consumer");
    pin(cpus.producer);
  }
  close(ready[0]);
  if (child == 0) close(ready[1]);
  return child;
}

/// CPU time of both sides together, in nanoseconds: getrusage's of this one, and the consumer's clock, which is the
/// same account seen from outside.
static inline double cpu_time_of_both(void) {
  struct rusage own;
  struct timespec other;
  clockid_t clock;
  require(getrusage(RUSAGE_SELF, &own) == 0, "getrusage");
  require(clock_getcpuclockid(consumer_process, &clock) == 0, "find the consumer's CPU clock");
  require(clock_gettime(clock, &other) == 0, "read the consumer's CPU clock");
  return (own.ru_utime.tv_sec + own.ru_stime.tv_sec + other.tv_sec) * 1e9 +
         (own.ru_utime.tv_usec + own.ru_stime.tv_usec) * 1e3 + other.tv_nsec;
}

/// Memory that both sides see, zeroed and with its pages present.
static inline char *shared_memory(size_t byte_count) {
  void *memory =
      mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  require(memory != MAP_FAILED, "map shared memory");
  return (char *)memory;
}

/// Memory of this process, zeroed and with its pages present.
static inline char *private_memory(size_t byte_count) {
  void *memory =
      mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  require(memory != MAP_FAILED, "map memory");
  return (char *)memory;
}

// Words in shared memory ------------------------------------------------------------------------------------

ALWAYS_INLINE uint64_t load_acquire(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
ALWAYS_INLINE void store_release(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/// Tells the processor that this is a spin loop.
ALWAYS_INLINE void cpu_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#endif
}

// Clock -----------------------------------------------------------------------------------------------------

/// The invariant time-stamp counter. RDTSCP waits for the loads before it: a reading taken after a message
/// was checked cannot be taken before it arrived.
ALWAYS_INLINE uint64_t ticks(void) {
#if defined(__x86_64__)
  uint32_t low, high, cpu;
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(cpu)::"memory");
  return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
  uint64_t value;
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
#else
#error "No time-stamp counter is known for this architecture."
#endif
}

static inline double raw_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_RAW, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/// Nanoseconds per tick, measured against CLOCK_MONOTONIC_RAW over 20 ms.
static inline double calibrate_clock(void) {
  double start = raw_nanoseconds();
  uint64_t start_ticks = ticks();
  usleep(20000);
  double end = raw_nanoseconds();
  return (end - start) / (double)(ticks() - start_ticks);
}

/// What one reading costs, in nanoseconds.
static inline double clock_read_cost(double nanoseconds_per_tick) {
  enum { READINGS = 10000 };
  uint64_t start = ticks(), last = start;
  for (int i = 0; i < READINGS; i++) last = ticks();
  return (double)(last - start) * nanoseconds_per_tick / READINGS;
}

// Messages --------------------------------------------------------------------------------------------------
//
// From 32 bytes on a message starts with four words: sequence number, send time, length, and a check value
// over the three. Every further word is the key of the sequence number plus the word's index. Shorter
// messages hold key words only. Sizes are multiples of 8.
//
// Words are written in the order of their addresses, in the vectors that every processor of the baseline has.
// The order matters: adjacent stores to one cache line merge on their way to the cache, and a compiler that
// wrote the same words to and fro halved the message rate of a ring.

#define KEY_MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)

typedef uint64_t __attribute__((vector_size(16), aligned(8), may_alias)) two_words;
typedef uint64_t __attribute__((may_alias)) one_word;

enum { STAMP_BYTES = 32 };

ALWAYS_INLINE uint64_t check_value(uint64_t sequence, uint64_t sent, uint64_t length) {
  return sequence ^ sent ^ length ^ KEY_MULTIPLIER;
}

/// Writes `first`, `first + step`, `first + 2 * step` and so on, four words a turn.
ALWAYS_INLINE void fill_words(char *memory, size_t word_count, uint64_t first, uint64_t step) {
  two_words low = {first, first + step}, high = low + 2 * step;
  size_t index = 0;
  for (; index + 4 <= word_count; index += 4, low += 4 * step, high += 4 * step) {
    *(two_words *)(memory + index * 8) = low;
    *(two_words *)(memory + index * 8 + 16) = high;
  }
  for (; index < word_count; index++) *(one_word *)(memory + index * 8) = first + index * step;
}

/// The bits in which words differ from what `fill_words` writes. They are gathered and looked at once: a
/// branch for each word would keep the loop from using vectors.
ALWAYS_INLINE uint64_t words_difference(
    const char *memory, size_t word_count, uint64_t first, uint64_t step) {
  two_words low = {first, first + step}, high = low + 2 * step;
  two_words found_low = {0, 0}, found_high = {0, 0};
  size_t index = 0;
  for (; index + 4 <= word_count; index += 4, low += 4 * step, high += 4 * step) {
    found_low |= *(const two_words *)(memory + index * 8) ^ low;
    found_high |= *(const two_words *)(memory + index * 8 + 16) ^ high;
  }
  found_low |= found_high;
  uint64_t difference = found_low[0] | found_low[1];
  for (; index < word_count; index++)
    difference |= *(const one_word *)(memory + index * 8) ^ (first + index * step);
  return difference;
}

ALWAYS_INLINE void fill_message(char *message, size_t byte_count, uint64_t sequence, uint64_t sent) {
  uint64_t key = sequence * KEY_MULTIPLIER;
  if (byte_count < STAMP_BYTES) {
    fill_words(message, byte_count / 8, key, 1);
    return;
  }
  two_words who = {sequence, sent}, what = {byte_count, check_value(sequence, sent, byte_count)};
  *(two_words *)message = who;
  *(two_words *)(message + 16) = what;
  fill_words(message + STAMP_BYTES, byte_count / 8 - 4, key + 4, 1);
}

/// Whether a message is message number `sequence`, byte for byte; `*sent` becomes its send time.
ALWAYS_INLINE bool message_matches(
    const char *message, size_t byte_count, uint64_t sequence, uint64_t *sent) {
  uint64_t key = sequence * KEY_MULTIPLIER;
  if (byte_count < STAMP_BYTES) return words_difference(message, byte_count / 8, key, 1) == 0;
  const one_word *stamp = (const one_word *)message;
  *sent = stamp[1];
  uint64_t difference = stamp[0] ^ sequence;
  difference |= stamp[2] ^ byte_count;
  difference |= stamp[3] ^ check_value(sequence, *sent, byte_count);
  difference |= words_difference(message + STAMP_BYTES, byte_count / 8 - 4, key + 4, 1);
  return difference == 0;
}

static inline size_t parse_byte_count(const char *text) {
  long value = atol(text);
  errno = 0;
  require(value >= 8 && value % 8 == 0, "Message sizes are multiples of 8, at least 8.");
  return (size_t)value;
}

// Samples ---------------------------------------------------------------------------------------------------

enum { SAMPLE_CAPACITY = 1 << 24 };

typedef struct {
  uint32_t *ticks;
  size_t count;
} sample_array;

static inline sample_array make_samples(void) {
  sample_array samples = {(uint32_t *)(void *)private_memory(SAMPLE_CAPACITY * sizeof(uint32_t)), 0};
  return samples;
}

ALWAYS_INLINE void record(sample_array *samples, uint64_t elapsed) {
  if (samples->count < SAMPLE_CAPACITY)
    samples->ticks[samples->count++] = elapsed > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed;
}

static inline int compare_ticks(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return (left > right) - (left < right);
}

typedef struct {
  double p50, midmean, mean;
} sample_summary;

/// In nanoseconds. The midmean is the mean of the middle half: as robust as the median, but not tied to the
/// steps of the clock (some counters advance by 10 ns at a time, which is a tenth of a fast round trip).
static inline sample_summary summarise(sample_array samples, double nanoseconds_per_tick) {
  size_t count = samples.count, low = count / 4, high = count - count / 4;
  errno = 0;
  require(count > 0, "No round trip was completed.");
  qsort(samples.ticks, count, sizeof *samples.ticks, compare_ticks);
  double sum = 0, middle = 0;
  for (size_t i = 0; i < count; i++) {
    sum += samples.ticks[i];
    if (i >= low && i < high) middle += samples.ticks[i];
  }
  sample_summary summary = {
      samples.ticks[count / 2] * nanoseconds_per_tick,
      middle / (double)(high - low) * nanoseconds_per_tick,
      sum / (double)count * nanoseconds_per_tick,
  };
  return summary;
}
