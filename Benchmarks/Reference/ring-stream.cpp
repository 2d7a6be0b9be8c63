// Rings in shared memory, one way and as fast as they go: the counterpart of ipcbench's own ring library.
//
//   ring-stream LAYOUT BYTES BATCH SLOTS DURATION_MS CPUS
//   ring-stream batch 64 32 256 300 0,1
//
// LAYOUT   what it is
// slot     messages of BYTES, one at a time; a word in each slot publishes it. BATCH is ignored
// batch    records of BYTES side by side, BATCH of them filled in one run and published by one index
// limit    the best that two cores can do with large messages: `slot` with chunks of 64, 128 and 256 KiB in
//          rings of at most BYTES * SLOTS bytes; prints the best of them
//
// Every byte is written by the producer and checked by the consumer. Timed from before the first message is
// written to after the last one has been checked. Prints one line of JSON.
#include "common.h"

#include <algorithm>
#include <array>
#include <string>

namespace {

struct Settings {
  std::string layout;
  size_t byteCount, batch, slotCount;
  double milliseconds;
  cpu_pair cpus;
};

/// What both sides see before the slots. Words that different processes write are apart from each other.
struct alignas(WORDS_APART) Header {
  alignas(WORDS_APART) uint64_t tail;      // records published
  alignas(WORDS_APART) uint64_t head;      // messages or records handed back
  alignas(WORDS_APART) uint64_t endTicks;  // when the last message had been checked
};

/// A ring in a mapping of its own, which both processes inherit.
struct Ring {
  Header *header;
  char *slots;
  size_t stride, slotCount;

  Ring(size_t stride, size_t slotCount) : stride(stride), slotCount(slotCount) {
    char *memory = shared_memory(PAGE + stride * slotCount);
    header = reinterpret_cast<Header *>(memory);
    slots = memory + PAGE;
  }
  ~Ring() { munmap(header, PAGE + stride * slotCount); }

  char *at(uint64_t position) const { return slots + (position & (slotCount - 1)) * stride; }
  uint64_t untilWrap(uint64_t position) const { return slotCount - (position & (slotCount - 1)); }
  uint64_t quarter() const { return std::max<uint64_t>(1, slotCount / 4); }
};

// slot: the word of each slot publishes it ------------------------------------------------------------------
//
// A message of up to 56 bytes ends right before the word, in the same cache line; a larger one begins in the
// next line. So the producer writes in the order of addresses, or leaves the word's line alone until it
// publishes, and no store of an aligned message crosses a line that the consumer is watching.

struct SlotLayout {
  static constexpr size_t wordOffset = 56;

  static size_t stride(size_t byteCount) {
    size_t lines = (byteCount + CACHE_LINE - 1) / CACHE_LINE;
    return CACHE_LINE * (byteCount <= wordOffset ? 1 : 1 + lines);
  }
  static size_t payloadOffset(size_t byteCount) {
    return byteCount <= wordOffset ? wordOffset - byteCount : size_t{CACHE_LINE};
  }
  static uint64_t *word(char *slot) { return reinterpret_cast<uint64_t *>(slot + wordOffset); }
};

void sendSlots(const Ring &ring, const Settings &settings, uint64_t count) {
  size_t offset = SlotLayout::payloadOffset(settings.byteCount);
  uint64_t limit = ring.slotCount;
  for (uint64_t position = 0; position != count; position++) {
    while (position == limit) {
      limit = load_acquire(&ring.header->head) + ring.slotCount;
      if (position == limit) cpu_pause();
    }
    char *slot = ring.at(position);
    fill_message(slot + offset, settings.byteCount, position, 0);
    store_release(SlotLayout::word(slot), uint64_t{settings.byteCount} << 32 | uint32_t(position + 1));
  }
}

bool receiveSlots(const Ring &ring, const Settings &settings, uint64_t count) {
  size_t offset = SlotLayout::payloadOffset(settings.byteCount);
  uint64_t releaseMask = ring.quarter() - 1, sent = 0;
  for (uint64_t position = 0; position != count;) {
    char *slot = ring.at(position);
    uint64_t word;
    // The prefetch brings a large message's first line along with the word's.
    while (__builtin_prefetch(slot + CACHE_LINE),
           uint32_t(word = load_acquire(SlotLayout::word(slot))) != uint32_t(position + 1))
      cpu_pause();
    size_t byteCount = word >> 32;
    if (byteCount != settings.byteCount) return false;
    if (!message_matches(slot + offset, byteCount, position, &sent)) return false;
    position++;
    if ((position & releaseMask) == 0) store_release(&ring.header->head, position);
  }
  return true;
}

// batch: contiguous records, published and handed back by index ---------------------------------------------
//
// Both sides keep a copy of the other's index and look at the original only when the copy says full or empty.
// Word number i of the stream is i times the key multiplier, which for records of eight bytes is what
// messages of eight bytes hold; a batch is one run of such words.

struct Run {
  char *memory;
  size_t wordCount;
  uint64_t firstKey;
};

Run runOfRecords(const Ring &ring, uint64_t position, uint64_t count) {
  uint64_t wordsPerRecord = ring.stride / 8;
  return {ring.at(position), size_t(count * wordsPerRecord), position * wordsPerRecord * KEY_MULTIPLIER};
}

void sendBatches(const Ring &ring, const Settings &settings, uint64_t count) {
  uint64_t knownHead = 0;
  for (uint64_t position = 0; position != count;) {
    while (position - knownHead == ring.slotCount) {
      knownHead = load_acquire(&ring.header->head);
      if (position - knownHead == ring.slotCount) cpu_pause();
    }
    uint64_t free = ring.slotCount - (position - knownHead);
    uint64_t granted = std::min<uint64_t>({settings.batch, count - position, free, ring.untilWrap(position)});
    Run run = runOfRecords(ring, position, granted);
    fill_words(run.memory, run.wordCount, run.firstKey, KEY_MULTIPLIER);
    position += granted;
    store_release(&ring.header->tail, position);
  }
}

bool receiveBatches(const Ring &ring, const Settings &settings, uint64_t count) {
  uint64_t knownTail = 0, released = 0;
  for (uint64_t position = 0; position != count;) {
    while (position == knownTail) {
      knownTail = load_acquire(&ring.header->tail);
      if (position == knownTail) cpu_pause();
    }
    uint64_t granted = std::min<uint64_t>({settings.batch, knownTail - position, ring.untilWrap(position)});
    Run run = runOfRecords(ring, position, granted);
    if (words_difference(run.memory, run.wordCount, run.firstKey, KEY_MULTIPLIER) != 0) return false;
    position += granted;
    if (position - released >= ring.quarter()) store_release(&ring.header->head, released = position);
  }
  return true;
}

// Measuring -------------------------------------------------------------------------------------------------

/// Moves `count` messages through a fresh ring between two fresh processes; returns the ticks that it took.
uint64_t move(const Settings &settings, uint64_t count) {
  bool batches = settings.layout == "batch";
  Ring ring(batches ? settings.byteCount : SlotLayout::stride(settings.byteCount), settings.slotCount);
  pid_t child = start_consumer(settings.cpus);
  if (child == 0) {
    bool matches = batches ? receiveBatches(ring, settings, count) : receiveSlots(ring, settings, count);
    ring.header->endTicks = ticks();
    _exit(matches ? 0 : 3);
  }
  uint64_t start = ticks();
  batches ? sendBatches(ring, settings, count) : sendSlots(ring, settings, count);
  int status;
  waitpid(child, &status, 0);
  errno = 0;
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "A message is not the one that was sent.");
  return ring.header->endTicks - start;
}

/// Messages per second: the median of five moves, which together take about the duration asked for. Each has
/// memory of its own, since where its pages lie matters to a cache. A first, short move says how many
/// messages that makes, and warms the machine up.
double messageRate(const Settings &settings, double nanosecondsPerTick) {
  auto rateOf = [&](uint64_t count) {
    return double(count) / (double(move(settings, count)) * nanosecondsPerTick / 1e9);
  };
  std::array<double, 5> rates;
  double first = rateOf(std::max<uint64_t>(64, 64'000'000 / std::max<size_t>(settings.byteCount, 16)));
  uint64_t count = uint64_t(first * settings.milliseconds / 1000 / double(rates.size()));
  for (double &rate : rates) rate = rateOf(std::max<uint64_t>(16, count));
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

void print(const Settings &settings, const char *name, double rate) {
  printf(
      "{\"name\": \"ring-%s\", \"bytes\": %zu, \"batch\": %zu, \"slots\": %zu, \"messages_per_s\": %.0f, "
      "\"bytes_per_s\": %.0f}\n",
      name, settings.byteCount, settings.batch, settings.slotCount, rate, rate * double(settings.byteCount));
}

/// The best of all chunk sizes and numbers of slots (at least two, so that both sides can work at once); the
/// duration is shared among them.
void measureLimit(const Settings &asked, double nanosecondsPerTick) {
  std::pair<double, Settings> best{0, asked};
  size_t largestRing = asked.byteCount * asked.slotCount, combinations = 0;
  for (bool counting : {true, false}) {
    for (size_t chunk : {64 << 10, 128 << 10, 256 << 10}) {
      for (size_t slots = 2; slots * chunk <= largestRing; slots *= 2) {
        if (counting) {
          combinations++;
          continue;
        }
        Settings settings{"slot", chunk, 1, slots, asked.milliseconds / double(combinations), asked.cpus};
        double bytesPerSecond = messageRate(settings, nanosecondsPerTick) * double(chunk);
        if (bytesPerSecond > best.first) best = {bytesPerSecond, settings};
      }
    }
  }
  errno = 0;
  require(combinations > 0, "BYTES * SLOTS must be at least 128 KiB: the largest ring to try.");
  print(best.second, "limit", best.first / double(best.second.byteCount));
}

Settings parse(int argumentCount, char **arguments) {
  errno = 0;
  require(argumentCount == 7, "usage: ring-stream slot|batch|limit BYTES BATCH SLOTS DURATION_MS CPUS");
  Settings settings{arguments[1], parse_byte_count(arguments[2]), size_t(atol(arguments[3])),
                    size_t(atol(arguments[4])), atof(arguments[5]), parse_cpus(arguments[6])};
  const std::string &layout = settings.layout;
  errno = 0;
  require(layout == "slot" || layout == "batch" || layout == "limit", "LAYOUT is slot, batch or limit.");
  require(settings.batch > 0, "BATCH is at least 1.");
  bool isPowerOfTwo = settings.slotCount > 0 && (settings.slotCount & (settings.slotCount - 1)) == 0;
  require(isPowerOfTwo, "SLOTS is a power of two.");
  require(settings.milliseconds > 0, "The duration is a number of milliseconds.");
  return settings;
}

}  // namespace

int main(int argumentCount, char **arguments) {
  Settings settings = parse(argumentCount, arguments);
  double nanosecondsPerTick = calibrate_clock();
  // Should one side fail, the other must not wait for ever.
  alarm(unsigned(settings.milliseconds * 3 / 1000) + 30);
  if (settings.layout == "limit")
    measureLimit(settings, nanosecondsPerTick);
  else
    print(settings, settings.layout.c_str(), messageRate(settings, nanosecondsPerTick));
}
