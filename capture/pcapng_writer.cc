#include "capture/pcapng_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace myriad::capture {
namespace {

// Blocks go to the file when there are so many bytes of them.
constexpr std::size_t kFlushBytes = 1U << 20;
constexpr std::uint16_t kEthernet = kLinkEthernet;
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
  kInterfaceFilter = 11,
  kPacketFlags = 2,
  kPacketDropCount = 4,
  kStatisticsReceived = 4,
  kStatisticsInterfaceDropped = 5,
  kStatisticsFilterAccepted = 6,
  kStatisticsDelivered = 8,
};

// Builds one block behind others: every field is padded to 32 bits and the total length stands at both ends.
class Block {
 public:
  Block(std::vector<std::uint8_t>& out, BlockType type) : out_(out), begin_(out.size()) {
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
    out_.resize((out_.size() + 3) & ~std::size_t{3});  // blocks begin at multiples of 4
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
    const auto length = static_cast<std::uint32_t>(out_.size() - begin_ + 4);
    u32(length);
    std::memcpy(out_.data() + begin_ + 4, &length, sizeof length);
  }

 private:
  void plain(const void* data, std::size_t size) {
    if (size == 0) return;
    const std::size_t at = out_.size();
    out_.resize(at + size);
    std::memcpy(out_.data() + at, data, size);
  }
  std::vector<std::uint8_t>& out_;
  std::size_t begin_;
};

}  // namespace

PcapngWriter::PcapngWriter(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {
  blocks_.reserve(kFlushBytes + (kFlushBytes >> 3));
}

PcapngWriter::PcapngWriter(PcapngWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      blocks_(std::move(other.blocks_)),
      interfaces_(other.interfaces_),
      first_error_(other.first_error_) {}

PcapngWriter::~PcapngWriter() {
  if (descriptor_ >= 0) (void)close();  // nobody asks any more
}

Result<PcapngWriter> PcapngWriter::create(const std::string& path, std::string_view application) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    return fail(Fault::kMachine, "cannot write the capture " + path, "choose a path that can be written", errno);
  }
  PcapngWriter writer{path, descriptor};
  Block block{writer.blocks_, kSectionHeader};
  block.u32(0x1a2b3c4d);  // byte order mark
  block.u16(1);           // version 1.0
  block.u16(0);
  block.u64(~std::uint64_t{0});  // section length: not known beforehand
  block.option(kSectionUserApplication, application);
  block.end_options();
  block.finish();
  return writer;
}

std::uint32_t PcapngWriter::add_interface(const InterfaceToWrite& interface) {
  Block block{blocks_, kInterfaceDescription};
  block.u16(kEthernet);
  block.u16(0);  // reserved
  block.u32(interface.snap_length);
  block.option(kInterfaceName, interface.name);
  const std::uint8_t nanoseconds = 9;
  block.option(kInterfaceTimestampResolution, &nanoseconds, 1);
  if (!interface.filter.empty()) {
    const std::string text = std::string(1, '\0').append(interface.filter);  // 0: an expression of libpcap
    block.option(kInterfaceFilter, text);
  }
  block.end_options();
  block.finish();
  end_block();
  return interfaces_++;
}

bool PcapngWriter::write(const FrameToWrite& frame) {
  Block block{blocks_, kEnhancedPacket};
  const auto captured = static_cast<std::uint32_t>(frame.bytes.size());
  block.u32(frame.interface);
  block.timestamp(frame.unix_ns);
  block.u32(captured);
  block.u32(std::max(frame.original_length, captured));
  block.bytes(frame.bytes.data(), frame.bytes.size());
  if (!frame.comment.empty()) block.option(kComment, frame.comment);
  const auto flags = static_cast<std::uint32_t>(frame.direction);
  block.option(kPacketFlags, &flags, sizeof flags);
  if (frame.lost != 0) block.option_u64(kPacketDropCount, frame.lost);
  block.end_options();
  block.finish();
  return end_block();
}

bool PcapngWriter::write_statistics(std::uint64_t unix_ns, const std::vector<CaptureStatistics>& statistics) {
  for (std::uint32_t i = 0; i < interfaces_ && i < statistics.size(); ++i) {
    Block block{blocks_, kInterfaceStatistics};
    block.u32(i);
    block.timestamp(unix_ns);
    block.option_u64(kStatisticsReceived, statistics[i].received);
    block.option_u64(kStatisticsInterfaceDropped, statistics[i].dropped);
    block.option_u64(kStatisticsFilterAccepted, statistics[i].accepted);
    block.option_u64(kStatisticsDelivered, statistics[i].written);
    block.end_options();
    block.finish();
  }
  return end_block();
}

bool PcapngWriter::end_block() {
  if (blocks_.size() >= kFlushBytes) flush();
  return first_error_ == 0;
}

bool PcapngWriter::flush() {
  for (Bytes rest{blocks_}; !rest.empty() && first_error_ == 0;) {
    const ssize_t wrote = ::write(descriptor_, rest.data(), rest.size());
    if (wrote >= 0) {
      rest = rest.subspan(static_cast<std::size_t>(wrote));
    } else if (errno != EINTR) {
      first_error_ = errno;
    }
  }
  blocks_.clear();
  return first_error_ == 0;
}

Result<void> PcapngWriter::close() {
  flush();
  if (::close(std::exchange(descriptor_, -1)) != 0 && first_error_ == 0) first_error_ = errno;
  if (first_error_ != 0) {
    return fail(Fault::kRun, "the capture " + path_ + " is not complete", "is the disk full?", first_error_);
  }
  return {};
}

}  // namespace myriad::capture
