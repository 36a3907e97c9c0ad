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

struct RingWriter {
  RingHeader* header;  // Borrowed from the mapping.
  uint8_t* bytes;      // Borrowed from the mapping.
  uint32_t capacity;

  // False when there is no room; then nothing was written but the count of dropped records.
  bool push(RecordHeader record, const void* prefix, const void* text) {
    uint32_t size = (sizeof(RecordHeader) + record.prefix + record.text + kAlign - 1) & ~(kAlign - 1);
    uint32_t head = header->head.load(std::memory_order_relaxed);
    uint32_t at = head & (capacity - 1);
    uint32_t to_end = capacity - at;
    uint32_t skip = size > to_end ? to_end : 0;
    if (size + skip > capacity - (head - header->tail.load(std::memory_order_acquire))) {
      header->dropped.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
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

  // Wakes the reader if it sleeps. Called once for many records.
  void wake(int event) {
    if (header->asleep.load(std::memory_order_seq_cst) == 0) return;
    if (header->asleep.exchange(0, std::memory_order_seq_cst) == 0) return;
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(event, &one, sizeof(one));
  }
};

}  // namespace sip_sockets
