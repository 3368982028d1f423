// A window on a stream of bytes: what a format looks at lies in one piece, and is not copied on the way there. Bytes
// that the cursor has passed are overwritten when room is needed.
//
// Memory: one block of `read_bytes`; more only for a record that is longer, and then only as its bytes really come.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "capture/source.h"

namespace myriad::capture {

class Window {
 public:
  Window(std::unique_ptr<ByteSource> source, std::size_t read_bytes)
      : source_(std::move(source)), block_(read_bytes != 0 ? read_bytes : 1) {}

  // The next `bytes` of the stream, or null when it ends or fails before. Valid until the next need() or skip().
  const std::uint8_t* need(std::size_t bytes) { return end_ - begin_ >= bytes ? block_.data() + begin_ : fill(bytes); }
  // What is here without reading on: after need() returned null, all that is left.
  [[nodiscard]] Bytes here() const { return Bytes{block_}.subspan(begin_, end_ - begin_); }
  // Past bytes that are here.
  void consume(std::size_t bytes) { begin_ += bytes; }
  // Past any number of bytes; false when the stream ends or fails before.
  bool skip(std::uint64_t bytes);

  // Of the cursor, from the stream's first byte.
  [[nodiscard]] std::uint64_t offset() const { return base_ + begin_; }
  // Why there is no more, when that is not simply the end.
  [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }

  // From the first byte again. When all of it is still here, nothing is read.
  Result<void> rewind();
  // The stream, for another reader: here() are the bytes that it will not give again.
  std::unique_ptr<ByteSource> release() { return std::move(source_); }

 private:
  const std::uint8_t* fill(std::size_t bytes);
  bool read_more();  // into the room behind end_; false at the end

  std::unique_ptr<ByteSource> source_;
  std::vector<std::uint8_t> block_;
  std::size_t begin_ = 0;   // the cursor
  std::size_t end_ = 0;     // of what was read
  std::uint64_t base_ = 0;  // stream offset of block_[0]
  bool ended_ = false;
  std::optional<Error> trouble_;
};

}  // namespace myriad::capture
