// Owns the order in which numbers cross between JavaScript and the addon: of a configuration, and of statistics. JavaScript asks for the
// names once, and fills or reads one Float64Array by them: a named property costs ten times as much.
#pragma once

#include <node_api.h>

#include <span>

#include "packet_stream.h"

namespace media {

/// What is left of an array of numbers that JavaScript gave. What finds no room is left out.
class NumberWriter {
 public:
  explicit NumberWriter(std::span<double> numbers) : rest_(numbers) {}

  void put(double value) {
    if (rest_.empty()) return;
    rest_.front() = value;
    rest_ = rest_.subspan(1);
  }

 private:
  std::span<double> rest_;
};

/// `numbers` in the order of the names, after the addresses that they add ports to; where some are missing, false.
bool read_settings(std::span<const double> numbers, StreamSettings* settings);

/// The numbers of a stream, how many sources and reports there are, and a row of each.
void write_statistics(const PacketStream& stream, int64_t now, NumberWriter* out);

// numberNames() -> { settings, statistics, sources, reports: lists of names; mostSources, mostReports: rows there may be }
napi_value number_names(napi_env env, napi_callback_info info);

}  // namespace media
