// Rings in shared memory with several producers or several consumers: the counterpart of ipcbench's FanInRing and
// BroadcastRing.
//
//   shared-rings LAYOUT BYTES MANY SLOTS DURATION_MS CPUS
//   shared-rings fan-in 64 2 128 300 0,1,2
//
// LAYOUT     what it is
// fan-in     MANY producers, one consumer: Vyukov's bounded queue, whose cells have a sequence number each; producers
//            claim a cell by compare-and-swap
// broadcast  one producer that never waits, MANY consumers: a sequence lock in every slot. A consumer copies a message
//            and looks whether the slot still says the same; one that is overrun goes on in the middle of the ring
//
// CPUS       one for each of MANY, in turn, and the last one for the side that is alone. Where there are fewer CPUs
//            than processes, a side that waits yields its CPU (sched_yield); otherwise it spins.
//
// Every byte is written by the producer and checked by the consumer. Timed from when all are there to when the last
// message has been checked. The rate is that of all messages that were received. Prints one line of JSON.
#include "common.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <vector>

namespace {

struct Settings {
  std::string layout;
  size_t byteCount, many, slotCount;
  double milliseconds;
  std::vector<int> cpus;

  bool yields() const { return many + 1 > cpus.size(); }
  int cpuOfMany(size_t index) const { return cpus[index % cpus.size()]; }
};

ALWAYS_INLINE void relax(bool yields) {
  if (yields)
    sched_yield();
  else
    cpu_pause();
}

struct Header {
  alignas(WORDS_APART) std::atomic<uint64_t> tail;
  alignas(WORDS_APART) std::atomic<uint64_t> arrived;
  alignas(WORDS_APART) uint64_t startTicks, endTicks[16], received[16];
};

struct Cell {
  std::atomic<uint64_t> sequence;
  char data[];
};

struct Ring {
  Header *header;
  char *cells;
  size_t stride, mask;

  Ring(const Settings &settings)
      : stride((sizeof(Cell) + settings.byteCount + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE),
        mask(settings.slotCount - 1) {
    char *memory = shared_memory(byteCount());
    header = reinterpret_cast<Header *>(memory);
    cells = memory + PAGE;
  }
  ~Ring() { munmap(header, byteCount()); }

  size_t byteCount() const { return PAGE + stride * (mask + 1); }
  Cell *at(uint64_t position) const { return reinterpret_cast<Cell *>(cells + (position & mask) * stride); }
};

// fan-in: Vyukov's bounded queue --------------------------------------------------------------------------

uint64_t numbered(uint64_t producer, uint64_t sequence) { return producer << 48 | sequence; }

template <bool yields>
void produce(const Ring &ring, const Settings &settings, uint64_t producer, uint64_t count) {
  for (uint64_t sent = 0; sent != count; sent++) {
    uint64_t position = ring.header->tail.load(std::memory_order_relaxed);
    Cell *cell;
    for (;;) {
      cell = ring.at(position);
      int64_t difference = int64_t(cell->sequence.load(std::memory_order_acquire) - position);
      if (difference == 0) {
        if (ring.header->tail.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) break;
        continue;
      }
      if (difference < 0) relax(yields);
      position = ring.header->tail.load(std::memory_order_relaxed);
    }
    fill_message(cell->data, settings.byteCount, numbered(producer, sent), 0);
    cell->sequence.store(position + 1, std::memory_order_release);
  }
}

template <bool yields>
bool consume(const Ring &ring, const Settings &settings, uint64_t count) {
  std::array<uint64_t, 16> next{};
  uint64_t sent;
  for (uint64_t position = 0; position != count; position++) {
    Cell *cell = ring.at(position);
    while (cell->sequence.load(std::memory_order_acquire) != position + 1) relax(yields);
    uint64_t number = *reinterpret_cast<const one_word *>(cell->data);
    if (number >> 48 >= settings.many) return false;
    if (number != numbered(number >> 48, next[number >> 48]++)) return false;
    if (!message_matches(cell->data, settings.byteCount, number, &sent)) return false;
    cell->sequence.store(position + ring.mask + 1, std::memory_order_release);
  }
  return true;
}

// broadcast: a sequence lock in every slot ----------------------------------------------------------------

constexpr uint64_t BUSY = UINT64_MAX;

void broadcast(const Ring &ring, const Settings &settings, uint64_t count) {
  for (uint64_t position = 0; position != count; position++) {
    Cell *cell = ring.at(position);
    cell->sequence.store(BUSY, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    fill_message(cell->data, settings.byteCount, position, 0);
    cell->sequence.store(position + 1, std::memory_order_release);
    ring.header->tail.store(position + 1, std::memory_order_release);
  }
}

/// Returns how many messages were received, 0 where one was not what was sent.
template <bool yields>
uint64_t follow(const Ring &ring, const Settings &settings, uint64_t count) {
  char *copy = private_memory(settings.byteCount);
  uint64_t received = 0, sent;
  for (uint64_t position = 0; position < count;) {
    Cell *cell = ring.at(position);
    if (cell->sequence.load(std::memory_order_acquire) == position + 1) {
      memcpy(copy, cell->data, settings.byteCount);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (cell->sequence.load(std::memory_order_relaxed) == position + 1) {
        if (!message_matches(copy, settings.byteCount, position, &sent)) return 0;
        position++, received++;
        continue;
      }
    } else {
      relax(yields);
      if (ring.header->tail.load(std::memory_order_acquire) - position <= ring.mask + 1) continue;
    }
    // Overrun: goes on in the middle of what is still there.
    uint64_t tail = ring.header->tail.load(std::memory_order_acquire), half = (ring.mask + 1) / 2;
    position = tail - position > half ? tail - half : position + 1;
  }
  return received;
}

// Measuring -----------------------------------------------------------------------------------------------

template <typename Body>
pid_t start(const Ring &ring, const Settings &settings, int cpu, Body body) {
  fflush(nullptr);
  pid_t child = fork();
  require(child >= 0, "fork");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(cpu);
  ring.header->arrived.fetch_add(1);
  while (ring.header->arrived.load() != settings.many + 1) sched_yield();
  _exit(body() ? 0 : 3);
}

/// Moves `count` messages, from each producer or to each consumer; returns how many were received per tick.
double move(const Settings &settings, uint64_t count) {
  Ring ring(settings);
  bool isFanIn = settings.layout == "fan-in", yields = settings.yields();
  if (isFanIn)
    for (size_t index = 0; index <= ring.mask; index++) ring.at(index)->sequence.store(index);
  std::vector<pid_t> children;
  for (uint64_t index = 0; index < settings.many; index++) {
    children.push_back(start(ring, settings, settings.cpuOfMany(index), [&] {
      if (isFanIn) {
        yields ? produce<true>(ring, settings, index, count) : produce<false>(ring, settings, index, count);
        return true;
      }
      uint64_t received = yields ? follow<true>(ring, settings, count) : follow<false>(ring, settings, count);
      ring.header->endTicks[index] = ticks();
      ring.header->received[index] = received;
      return received > 0;
    }));
  }
  children.push_back(start(ring, settings, settings.cpus.back(), [&] {
    ring.header->startTicks = ticks();
    if (!isFanIn) {
      broadcast(ring, settings, count);
      return true;
    }
    uint64_t all = count * settings.many;
    bool matches = yields ? consume<true>(ring, settings, all) : consume<false>(ring, settings, all);
    ring.header->endTicks[0] = ticks();
    ring.header->received[0] = all;
    return matches;
  }));
  for (pid_t child : children) {
    int status;
    waitpid(child, &status, 0);
    errno = 0;
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "A message is not the one that was sent.");
  }
  uint64_t end = *std::max_element(ring.header->endTicks, ring.header->endTicks + 16), received = 0;
  for (uint64_t one : ring.header->received) received += one;
  return double(received) / double(end - ring.header->startTicks);
}

Settings parse(int argumentCount, char **arguments) {
  errno = 0;
  require(argumentCount == 7, "usage: shared-rings fan-in|broadcast BYTES MANY SLOTS DURATION_MS CPUS");
  Settings settings{arguments[1], parse_byte_count(arguments[2]), size_t(atol(arguments[3])),
                    size_t(atol(arguments[4])), atof(arguments[5]), {}};
  for (const char *text = arguments[6]; *text;) {
    char *end;
    settings.cpus.push_back(int(strtol(text, &end, 10)));
    require(end != text, "CPUs are numbers: 0,1,2");
    text = *end == ',' ? end + 1 : end;
  }
  require(settings.layout == "fan-in" || settings.layout == "broadcast", "LAYOUT is fan-in or broadcast.");
  require(settings.byteCount >= STAMP_BYTES, "BYTES is at least 32.");
  require(settings.many > 0 && settings.many <= 16, "MANY is 1 to 16.");
  bool isPowerOfTwo = settings.slotCount > 1 && (settings.slotCount & (settings.slotCount - 1)) == 0;
  require(isPowerOfTwo, "SLOTS is a power of two.");
  require(settings.milliseconds > 0 && !settings.cpus.empty(), "A duration and CPUs are needed.");
  return settings;
}

}  // namespace

int main(int argumentCount, char **arguments) {
  Settings settings = parse(argumentCount, arguments);
  double ticksPerSecond = 1e9 / calibrate_clock();
  alarm(unsigned(settings.milliseconds * 3 / 1000) + 60);
  double first = move(settings, 200'000) * ticksPerSecond;
  uint64_t count = uint64_t(first * settings.milliseconds / 5000 / double(settings.many));
  std::array<double, 5> rates;
  for (double &rate : rates) rate = move(settings, std::max<uint64_t>(count, 10'000)) * ticksPerSecond;
  std::sort(rates.begin(), rates.end());
  printf(
      "{\"name\": \"%s\", \"bytes\": %zu, \"many\": %zu, \"slots\": %zu, \"messages_per_s\": %.0f}\n",
      settings.layout.c_str(), settings.byteCount, settings.many, settings.slotCount, rates[2]);
}
