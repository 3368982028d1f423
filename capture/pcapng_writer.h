// Writes captures as pcapng (draft-ietf-opsawg-pcapng): one section, an interface per port with nanosecond timestamps,
// a packet block per frame with its direction, how many were lost just before it, and a comment that says whose frame
// it is. Statistics of the interfaces may be written as often as one likes; the last ones count. Little-endian, as the
// section header says.
//
// Owns the file; one thread. Nothing is kept but a buffer of 1 MiB, and whole blocks leave it together: a process that
// dies at whatever moment leaves a file that can be read. Errors are sticky: after the first, frames are refused, and
// close() says what it was.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "capture/record.h"

namespace myriad::capture {

// What an interface statistics block says, since the start.
struct CaptureStatistics {
  std::uint64_t received = 0;  // frames that passed the interface, captured or not
  std::uint64_t dropped = 0;   // of these, not captured for want of room; nobody knows what the filter would have said
  std::uint64_t accepted = 0;  // of those not dropped, what the filter took
  std::uint64_t written = 0;   // of these, what is in the file
};

struct InterfaceToWrite {
  std::string_view name;
  std::string_view filter = {};   // in libpcap's syntax; empty: everything
  std::uint32_t snap_length = 0;  // 0: whole frames
};

struct FrameToWrite {
  std::uint32_t interface = 0;
  std::uint64_t unix_ns = 0;  // since 1970
  Direction direction = Direction::kUnknown;
  Bytes bytes = {};
  std::uint32_t original_length = 0;  // where that is more than bytes.size(): the frame was cut
  std::uint64_t lost = 0;             // frames of this interface between the one before and this one
  std::string_view comment = {};      // UTF-8; empty: none
};

class PcapngWriter {
 public:
  // Replaces the file. `application` is named in the section header.
  static Result<PcapngWriter> create(const std::string& path, std::string_view application);
  PcapngWriter(PcapngWriter&& other) noexcept;
  PcapngWriter& operator=(PcapngWriter&&) = delete;
  ~PcapngWriter();

  // Ethernet. Returns the interface's number, for write(). All interfaces come before the first frame.
  std::uint32_t add_interface(const InterfaceToWrite& interface);
  // False after an error.
  bool write(const FrameToWrite& frame);
  // In the order of the interfaces.
  bool write_statistics(std::uint64_t unix_ns, const std::vector<CaptureStatistics>& statistics);
  // What was written so far is in the file when it returns, though perhaps not yet on the disk.
  bool flush();
  // Says whether the file is whole.
  Result<void> close();

 private:
  PcapngWriter(std::string path, int descriptor);
  bool end_block();

  std::string path_;
  int descriptor_;
  std::vector<std::uint8_t> blocks_;  // whole ones, and the one being built
  std::uint32_t interfaces_ = 0;
  int first_error_ = 0;
};

}  // namespace myriad::capture
