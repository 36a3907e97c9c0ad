// Owns the layout of a ring in shared memory: one writer and one reader, in different threads or processes.
// The TypeScript side of the same layout is ../shared-ring.ts.
#pragma once
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>

namespace sip_sockets {

// Positions count bytes for ever, modulo 2^32; the place of a byte is its position modulo the capacity, a power of two.
struct RingHeader {
  alignas(64) std::atomic<uint32_t> head;     // Moved on by the writer.
  alignas(64) std::atomic<uint32_t> tail;     // Moved on by the reader.
  alignas(64) std::atomic<uint32_t> asleep;   // 1 while the reader waits for the eventfd.
  alignas(64) std::atomic<uint32_t> dropped;  // Records that found no room.
};
static_assert(sizeof(RingHeader) == 256);

// Before each record. `size` is of the whole record, a multiple of kAlign; kWrap sends the reader to the start.
struct RecordHeader {
  int32_t size;
  int32_t kind;
  int32_t a;
  int32_t b;
  int32_t c;
  int32_t prefix;  // Bytes of the first text.
  int32_t text;    // Bytes of the second.
  int32_t since;   // Microseconds of CLOCK_MONOTONIC, modulo 2^32, when the message arrived.
};
static_assert(sizeof(RecordHeader) == 32);

constexpr uint32_t kAlign = 32;
constexpr int32_t kWrap = -1;
// A writer that finds all of it read begins at the start again, once it is so far from there: memory that is used the whole
// time stays in the cache, and what a ring holds in bad times costs none in good ones.
constexpr uint32_t kBeginAgain = 1 << 17;

inline uint32_t record_size(const RecordHeader& record) {
  return (sizeof(RecordHeader) + record.prefix + record.text + kAlign - 1) & ~(kAlign - 1);
}

struct RingWriter {
  RingHeader* header;  // Borrowed from the mapping.
  uint8_t* bytes;      // Borrowed from the mapping.
  uint32_t capacity;

  // Whether more than half of it is waiting to be read.
  bool is_half_full() const {
    return header->head.load(std::memory_order_relaxed) - header->tail.load(std::memory_order_acquire) > capacity / 2;
  }

  // False when there is no room; then nothing was written.
  bool try_push(RecordHeader record, const void* prefix, const void* text) {
    uint32_t size = record_size(record);
    uint32_t head = header->head.load(std::memory_order_relaxed);
    uint32_t held = head - header->tail.load(std::memory_order_acquire);
    uint32_t at = head & (capacity - 1);
    uint32_t to_end = capacity - at;
    bool begins_again = held == 0 && at >= kBeginAgain && size <= at;
    uint32_t skip = size > to_end || begins_again ? to_end : 0;
    if (size + skip > capacity - held) return false;
    if (skip != 0) {
      std::memcpy(bytes + at, &kWrap, sizeof(kWrap));
      at = 0;
    }
    record.size = static_cast<int32_t>(size);
    std::memcpy(bytes + at, &record, sizeof(record));
    std::memcpy(bytes + at + sizeof(record), prefix, static_cast<size_t>(record.prefix));
    std::memcpy(bytes + at + sizeof(record) + record.prefix, text, static_cast<size_t>(record.text));
    header->head.store(head + skip + size, std::memory_order_seq_cst);
    return true;
  }

  // What finds no room is dropped and counted.
  void push(const RecordHeader& record, const void* prefix, const void* text) {
    if (!try_push(record, prefix, text)) header->dropped.fetch_add(1, std::memory_order_relaxed);
  }

  // Wakes the reader if it sleeps. Called once for many records.
  void wake(int event) {
    if (header->asleep.load(std::memory_order_seq_cst) == 0) return;
    if (header->asleep.exchange(0, std::memory_order_seq_cst) == 0) return;
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(event, &one, sizeof(one));
  }
};

// Reads beside the reader of ../shared-ring.ts, in its thread: takes records that are sound, leaves the rest to it. Trusts
// nothing of what it reads: the writer's process may be dying, or worse.
struct RingReader {
  RingHeader* header;  // Borrowed from the mapping.
  uint8_t* bytes;      // Borrowed from the mapping.
  uint32_t capacity;

  uint32_t position() const { return header->tail.load(std::memory_order_relaxed); }
  uint32_t end() const { return header->head.load(std::memory_order_acquire); }

  // A copy of the record at `position`, and the place of its prefix, which its text follows. Null when there is none before
  // `end`, or it is not sound, or the way back to the start.
  const uint8_t* peek(uint32_t position, uint32_t end, RecordHeader* record) const {
    uint32_t held = end - position;
    if (held < sizeof(RecordHeader) || held > capacity) return nullptr;
    uint32_t at = position & (capacity - 1);
    // A tail that is no multiple would let the header lie across the end.
    if (at % kAlign != 0) return nullptr;
    std::memcpy(record, bytes + at, sizeof(*record));
    auto size = static_cast<uint32_t>(record->size);
    bool sound = record->size > 0 && size <= held && size <= capacity - at && size % kAlign == 0 && record->prefix >= 0 &&
                 record->text >= 0 &&
                 sizeof(RecordHeader) + static_cast<uint64_t>(record->prefix) + static_cast<uint64_t>(record->text) <= size;
    return sound ? bytes + at + sizeof(*record) : nullptr;
  }

  // What lies before `position` was read.
  void release(uint32_t position) { header->tail.store(position, std::memory_order_seq_cst); }

  // Announces that nothing is read until the event comes; false when something came meanwhile: read on.
  bool sleep() {
    header->asleep.store(1, std::memory_order_seq_cst);
    if (header->head.load(std::memory_order_seq_cst) == position()) return true;
    header->asleep.store(0, std::memory_order_seq_cst);
    return false;
  }
};

// An end of the ring that begins at `place`.
template <typename End>
End ring_at(uint8_t* place, uint32_t capacity) {
  return {reinterpret_cast<RingHeader*>(place), place + sizeof(RingHeader), capacity};
}

}  // namespace sip_sockets
