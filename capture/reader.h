// Reads captures: classic pcap and pcapng of either byte order, and gzip of both; from files of any size with one block
// of memory, and frames in place. Which link types can be used is for the caller to say; all are delivered.
//
// A file that cannot be read at all is refused by name when it is opened. One that breaks off or is corrupt gives every
// record before the damage, then an error that says the place and what is wrong there; so does each call after it.
//
// Our own, since libpcap refuses a file whose interfaces differ in link type or snap length, tells no offset of what is
// wrong, knows neither direction nor interface of a record, and copies each frame.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "base/result.h"
#include "capture/pcap_format.h"
#include "capture/pcapng_format.h"
#include "capture/record.h"
#include "capture/source.h"
#include "capture/window.h"

namespace myriad::capture {

struct ReaderOptions {
  // Read at once: large enough that calls into the kernel cost nothing, small enough for the second-level cache.
  std::size_t read_bytes = std::size_t{256} << 10;
};

class Reader {
 public:
  static Result<Reader> open(const std::string& path, const ReaderOptions& options = {});
  // `name` is what errors call it.
  static Result<Reader> from(std::unique_ptr<ByteSource> source, std::string name, const ReaderOptions& options = {});

  // The next record, nothing at the end. Its bytes stay until the next call.
  Result<std::optional<Record>> next() {
    Result<std::optional<Record>> result{std::optional<Record>{std::in_place}};
    switch (read(**result)) {
      case Step::kRecord:
        break;
      case Step::kEnd:
        result->reset();
        break;
      case Step::kDamage:
        return error();
    }
    return result;
  }

  // The same without wrapping, for who reads millions a second; error() says what kDamage was.
  Step read(Record& record);
  [[nodiscard]] Failure error() const;

  // From the first record again. A file that fits into one block is not read again.
  Result<void> rewind();

  // Since the start or the last rewind().
  [[nodiscard]] std::uint64_t records() const { return records_; }
  // Those that were described so far, in the section of the last record.
  [[nodiscard]] std::span<const Interface> interfaces() const;
  // What next() failed for; its offset counts decompressed bytes.
  [[nodiscard]] const Damage* damage() const { return damaged_ ? &damage_ : nullptr; }
  [[nodiscard]] bool compressed() const { return compressed_; }
  // "pcap", "pcapng", "pcap in gzip"
  [[nodiscard]] std::string format_name() const;

 private:
  using Format = std::variant<PcapFormat, PcapngFormat>;
  Reader(std::string name, Window window, bool compressed)
      : name_(std::move(name)), window_(std::move(window)), compressed_(compressed) {}
  Result<void> recognise();
  Failure broken();

  std::string name_;
  Window window_;
  bool compressed_ = false;
  Format format_;
  std::uint64_t records_ = 0;
  bool damaged_ = false;
  Damage damage_;
};

}  // namespace myriad::capture
