// Owns the place in time of what two far ends say, and its mix.
#include <algorithm>
#include <cstring>

#include "recording.h"
#include "rtp.h"

namespace media {

namespace {

/// RIFF WAVE: numbers in little-endian order, as on every machine that this is built for.
struct Header {
  char riff[4] = {'R', 'I', 'F', 'F'};
  uint32_t riff_size;
  char wave[8] = {'W', 'A', 'V', 'E', 'f', 'm', 't', ' '};
  uint32_t format_size = 16;
  uint16_t format = 1;  // linear
  uint16_t channels;
  uint32_t rate = 1000 * kSamplesPerMillisecond;
  uint32_t bytes_per_second;
  uint16_t block;
  uint16_t bits = 16;
  char data[4] = {'d', 'a', 't', 'a'};
  uint32_t data_size;
};

}  // namespace

WavRecording::WavRecording(int fd, uint64_t limit, Layout layout)
    : Recording(fd, std::min<uint64_t>(limit, INT32_MAX)), layout_(layout) {
  const Header placeholder{};
  append(&placeholder, sizeof placeholder);
  write_out();
  write_header();
}

void WavRecording::write_header() {
  const uint16_t channels = layout_ == Layout::kStereo ? 2 : 1;
  Header header{.riff_size = static_cast<uint32_t>(size() - 8), .channels = channels, .data_size = static_cast<uint32_t>(size() - sizeof(Header))};
  header.block = static_cast<uint16_t>(2 * channels);
  header.bytes_per_second = header.rate * header.block;
  overwrite(&header, sizeof header);
}

void WavRecording::packet(const RecordedPacket& packet) {
  RtpHeader header;
  const Law law = packet.law;
  if (law == Law::kNone || packet.track >= kTracks || !RtpHeader::parse(packet.data.data(), packet.length, &header)) return;
  Track& track = tracks_[packet.track];
  if (began_ == 0) began_ = packet.time;
  const int64_t arrival = (packet.time - began_) * kSamplesPerMillisecond / 1000;
  int64_t position = track.position + static_cast<int32_t>(header.timestamp - track.timestamp);
  if (!track.any || track.ssrc != header.ssrc || std::abs(position - arrival) > kDrift) {
    track.any = true;
    track.ssrc = header.ssrc;
    position = arrival;
  }
  track.timestamp = header.timestamp;
  track.position = position;
  const uint8_t* payload = packet.data.data() + header.size;
  const size_t count = packet.length - header.size;
  for (size_t i = 0; i < count; i++) {
    const int64_t at = position + static_cast<int64_t>(i) - done_;
    if (at < 0 || at >= 2 * kWindow) continue;
    if (static_cast<size_t>(at) >= track.samples.size()) track.samples.resize(static_cast<size_t>(at) + 1);
    track.samples[static_cast<size_t>(at)] = expand(law, payload[i]);
  }
}

void WavRecording::settle(int64_t until) {
  const int64_t count = until - done_;
  if (count <= 0) return;
  std::vector<int16_t> out;
  out.reserve(static_cast<size_t>(count) * kTracks);
  const auto sample = [](const Track& track, size_t i) -> int { return i < track.samples.size() ? track.samples[i] : 0; };
  for (size_t i = 0; i < static_cast<size_t>(count); i++) {
    const int left = sample(tracks_[0], i), right = sample(tracks_[1], i);
    if (layout_ == Layout::kStereo) {
      out.push_back(static_cast<int16_t>(left));
      out.push_back(static_cast<int16_t>(right));
    } else {
      out.push_back(static_cast<int16_t>(std::clamp(left + right, INT16_MIN, INT16_MAX)));
    }
  }
  append(out.data(), out.size() * sizeof(int16_t));
  for (Track& track : tracks_) {
    const size_t gone = std::min<size_t>(track.samples.size(), static_cast<size_t>(count));
    track.samples.erase(track.samples.begin(), track.samples.begin() + static_cast<ptrdiff_t>(gone));
  }
  done_ = until;
}

void WavRecording::flush(int64_t time, bool last) {
  if (began_ != 0) {
    const int64_t now = (time - began_) * kSamplesPerMillisecond / 1000;
    if (last) {
      int64_t end = done_;
      for (const Track& track : tracks_) end = std::max(end, done_ + static_cast<int64_t>(track.samples.size()));
      settle(end);
    } else if (now - kWindow / 2 - done_ > kWindow / 8) {
      // A second at most per call: a pause of the whole process is made up for bit by bit.
      settle(std::min(now - kWindow / 2, done_ + kWindow));
    }
  }
  if (!gathered()) return;
  write_out();
  write_header();
}

}  // namespace media
