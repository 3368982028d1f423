// What gzip made smaller, as it was: RFC 1952, any number of members one behind the other (as `cat a.gz b.gz` makes
// them). The check sum and length of each member are verified by zlib; zeros behind the last (tapes, block devices) are
// padding, anything else there is an error.
//
// Memory: one block of compressed bytes and zlib's 40 KiB, whatever the file claims.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/source.h"

namespace myriad::capture {

class GzipSource final : public ByteSource {
 public:
  [[nodiscard]] static bool looks_like(Bytes first) {
    return first.size() >= 2 && first[0] == 0x1f && first[1] == 0x8b;
  }

  // `read_already` are the bytes that were taken from `compressed` to recognise it. Null when there is no memory.
  static std::unique_ptr<GzipSource> create(std::unique_ptr<ByteSource> compressed, Bytes read_already,
                                            std::size_t read_bytes);
  ~GzipSource() override;

  Result<std::size_t> read(MutableBytes into) override;
  Result<void> rewind() override;

 private:
  enum class State : std::uint8_t { kMember, kBetween, kEnded };
  GzipSource(std::unique_ptr<ByteSource> compressed, Bytes read_already, std::size_t read_bytes);
  Result<bool> more_input();  // false at the end of the compressed bytes
  Result<void> next_member();
  [[nodiscard]] Failure broken(const std::string& what);

  std::unique_ptr<ByteSource> compressed_;
  std::vector<std::uint8_t> input_;
  std::uint64_t input_ends_ = 0;  // offset in the file of the end of what input_ holds
  z_stream stream_{};
  State state_ = State::kMember;
  std::optional<Error> trouble_;
};

}  // namespace myriad::capture
