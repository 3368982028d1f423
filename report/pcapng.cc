#include "report/pcapng.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace myriad::report {
namespace {

constexpr std::size_t kFileBufferBytes = 1U << 20;
constexpr std::uint16_t kLinkTypeEthernet = 1;
// Options and frames are bounded by their length fields; comments by good sense.
constexpr std::size_t kMaxOptionBytes = 4096;

enum BlockType : std::uint32_t {
  kSectionHeader = 0x0a0d0d0a,
  kInterfaceDescription = 1,
  kInterfaceStatistics = 5,
  kEnhancedPacket = 6,
};
enum Option : std::uint16_t {
  kEnd = 0,
  kComment = 1,
  kSectionUserApplication = 4,
  kInterfaceName = 2,
  kInterfaceTimestampResolution = 9,
  kPacketFlags = 2,
  kStatisticsReceived = 4,
  kStatisticsInterfaceDropped = 5,
};

// Builds one block in place: every field is padded to 32 bits and the total length stands at both ends.
class Block {
 public:
  Block(std::vector<std::uint8_t>& out, BlockType type) : out_(out) {
    out_.clear();
    u32(type);
    u32(0);  // total length, known at the end
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void u16(std::uint16_t value) { plain(&value, sizeof value); }
  void u32(std::uint32_t value) { plain(&value, sizeof value); }
  void u64(std::uint64_t value) { plain(&value, sizeof value); }
  // 64-bit timestamps go as two halves, the high one first.
  void timestamp(std::uint64_t ns) {
    u32(static_cast<std::uint32_t>(ns >> 32));
    u32(static_cast<std::uint32_t>(ns));
  }
  void bytes(const void* data, std::size_t size) {
    plain(data, size);
    out_.resize((out_.size() + 3) & ~std::size_t{3});
  }
  void option(std::uint16_t code, const void* data, std::size_t size) {
    size = std::min(size, kMaxOptionBytes);
    u16(code);
    u16(static_cast<std::uint16_t>(size));
    bytes(data, size);
  }
  void option(std::uint16_t code, std::string_view text) { option(code, text.data(), text.size()); }
  void option_u64(std::uint16_t code, std::uint64_t value) { option(code, &value, sizeof value); }
  void end_options() {
    u16(kEnd);
    u16(0);
  }
  void finish() {
    const auto length = static_cast<std::uint32_t>(out_.size() + 4);
    u32(length);
    std::memcpy(out_.data() + 4, &length, sizeof length);
  }

 private:
  void plain(const void* data, std::size_t size) {
    if (size == 0) return;
    const std::size_t at = out_.size();
    out_.resize(at + size);
    std::memcpy(out_.data() + at, data, size);
  }
  std::vector<std::uint8_t>& out_;
};

}  // namespace

Result<PcapngWriter> PcapngWriter::create(const std::string& path, std::string_view application) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    return fail(Fault::kMachine, "cannot write the capture " + path, "choose a path that can be written", errno);
  }
  std::setvbuf(file, nullptr, _IOFBF, kFileBufferBytes);
  PcapngWriter writer{path, file};
  Block block{writer.block_, kSectionHeader};
  block.u32(0x1a2b3c4d);  // byte order mark
  block.u16(1);           // version 1.0
  block.u16(0);
  block.u64(~std::uint64_t{0});  // section length: not known beforehand
  block.option(kSectionUserApplication, application);
  block.end_options();
  block.finish();
  if (!writer.put()) return fail(Fault::kMachine, "cannot write the capture " + path, {}, writer.first_error_);
  return writer;
}

std::uint32_t PcapngWriter::add_interface(std::string_view name, std::uint32_t snap_length) {
  Block block{block_, kInterfaceDescription};
  block.u16(kLinkTypeEthernet);
  block.u16(0);  // reserved
  block.u32(snap_length);
  block.option(kInterfaceName, name);
  const std::uint8_t nanoseconds = 9;
  block.option(kInterfaceTimestampResolution, &nanoseconds, 1);
  block.end_options();
  block.finish();
  put();
  return interfaces_++;
}

bool PcapngWriter::write(std::uint32_t interface, std::uint64_t unix_ns, Direction direction, Bytes frame,
                         std::uint32_t original_length, std::string_view comment) {
  Block block{block_, kEnhancedPacket};
  block.u32(interface);
  block.timestamp(unix_ns);
  block.u32(static_cast<std::uint32_t>(frame.size()));
  block.u32(std::max(original_length, static_cast<std::uint32_t>(frame.size())));
  block.bytes(frame.data(), frame.size());
  if (!comment.empty()) block.option(kComment, comment);
  const auto flags = static_cast<std::uint32_t>(direction);
  block.option(kPacketFlags, &flags, sizeof flags);
  block.end_options();
  block.finish();
  return put();
}

bool PcapngWriter::put() {
  if (first_error_ != 0) return false;
  if (std::fwrite(block_.data(), 1, block_.size(), file_.get()) == block_.size()) return true;
  first_error_ = errno != 0 ? errno : EIO;
  return false;
}

bool PcapngWriter::flush() {
  if (first_error_ == 0 && std::fflush(file_.get()) != 0) first_error_ = errno;
  return first_error_ == 0;
}

Result<void> PcapngWriter::close(std::uint64_t unix_ns, const std::vector<CaptureStatistics>& statistics) {
  for (std::uint32_t i = 0; i < interfaces_ && i < statistics.size(); ++i) {
    Block block{block_, kInterfaceStatistics};
    block.u32(i);
    block.timestamp(unix_ns);
    block.option_u64(kStatisticsReceived, statistics[i].received);
    block.option_u64(kStatisticsInterfaceDropped, statistics[i].dropped);
    block.end_options();
    block.finish();
    put();
  }
  flush();
  if (std::fclose(file_.release()) != 0 && first_error_ == 0) first_error_ = errno;
  if (first_error_ != 0) {
    return fail(Fault::kRun, "the capture " + path_ + " is not complete", "is the disk full?", first_error_);
  }
  return {};
}

}  // namespace myriad::report
