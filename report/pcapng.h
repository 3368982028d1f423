// Writes captures as pcapng (draft-ietf-opsawg-pcapng): one section, an interface per port with nanosecond timestamps,
// a packet block per frame with its direction and a comment that says whose frame it is, and at the end the drop
// counters of each interface. Little-endian, as the section header says.
//
// Owns the file; one thread. Nothing is kept but a buffer of 1 MiB. Errors are sticky: after the first, frames are
// refused, and close() says what it was.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace myriad::report {

enum class Direction : std::uint8_t { kUnknown = 0, kInbound = 1, kOutbound = 2 };

// What an interface statistics block says.
struct CaptureStatistics {
  std::uint64_t received = 0;  // frames that were to be captured
  std::uint64_t dropped = 0;   // of these, not written for want of room
};

class PcapngWriter {
 public:
  // Replaces the file. `application` is named in the section header.
  static Result<PcapngWriter> create(const std::string& path, std::string_view application);

  // Ethernet. Returns the interface's number, for write(). All interfaces come before the first frame.
  std::uint32_t add_interface(std::string_view name, std::uint32_t snap_length = 0);
  // `unix_ns` since 1970. `original_length` is more than frame.size() when the frame was cut. False after an error.
  bool write(std::uint32_t interface, std::uint64_t unix_ns, Direction direction, Bytes frame,
             std::uint32_t original_length, std::string_view comment);
  // The file as it stands goes to disk's cache: a reader may follow.
  bool flush();
  // Statistics in the order of the interfaces, then closes; says whether the file is whole.
  Result<void> close(std::uint64_t unix_ns, const std::vector<CaptureStatistics>& statistics);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  PcapngWriter(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  bool put();  // block_ goes out

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::uint8_t> block_;  // being built; reused
  std::uint32_t interfaces_ = 0;
  int first_error_ = 0;
};

}  // namespace myriad::report
