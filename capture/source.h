// Where a capture's bytes come from, in blocks of some hundred kilobytes: a file, memory, or what gzip makes of either.
// A source belongs to who reads it; what it names (a descriptor, zlib's state) ends with it.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace myriad::capture {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // Up to `into.size()` bytes (which is not 0); 0 only at the end. After an error the same error comes again.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
  // From the first byte again; refused by what flows by once, a pipe.
  virtual Result<void> rewind() = 0;
};

// read() in large blocks. Not mmap(): a file that somebody cuts while we read it must be an error, not a signal.
class FileSource final : public ByteSource {
 public:
  // Fault::kUsage when there is no such file, or it is a directory.
  static Result<std::unique_ptr<FileSource>> open(const std::string& path);
  FileSource(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~FileSource() override;

  Result<std::size_t> read(MutableBytes into) override;
  Result<void> rewind() override;

 private:
  std::string path_;
  int descriptor_;
};

// Bytes that outlive it. `at_most` bytes come from one read(), so that a test can have all the seams it wants.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes, std::size_t at_most = SIZE_MAX) : bytes_(bytes), at_most_(at_most) {}

  Result<std::size_t> read(MutableBytes into) override;
  Result<void> rewind() override;

 private:
  Bytes bytes_;
  std::size_t at_most_;
  std::size_t at_ = 0;
};

}  // namespace myriad::capture
