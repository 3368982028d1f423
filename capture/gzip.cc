#include "capture/gzip.h"

#include <algorithm>
#include <limits>

namespace myriad::capture {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // as inflateInit2() wants it

}  // namespace

GzipSource::GzipSource(std::unique_ptr<ByteSource> compressed, Bytes read_already, std::size_t read_bytes)
    : compressed_(std::move(compressed)), input_(std::max({read_bytes, read_already.size(), std::size_t{1}})) {
  std::copy(read_already.begin(), read_already.end(), input_.begin());
  stream_.next_in = input_.data();
  stream_.avail_in = static_cast<uInt>(read_already.size());
  input_ends_ = read_already.size();
}

std::unique_ptr<GzipSource> GzipSource::create(std::unique_ptr<ByteSource> compressed, Bytes read_already,
                                               std::size_t read_bytes) {
  std::unique_ptr<GzipSource> source{new GzipSource(std::move(compressed), read_already, read_bytes)};
  if (inflateInit2(&source->stream_, kGzipOnly) != Z_OK) return nullptr;
  return source;
}

GzipSource::~GzipSource() { inflateEnd(&stream_); }

Failure GzipSource::broken(const std::string& what) {
  const std::uint64_t at = input_ends_ - stream_.avail_in;
  trouble_ = Error{what + " (byte " + std::to_string(at) + " of the compressed file)", {}, Fault::kRun, 0};
  return Failure{*trouble_};
}

Result<bool> GzipSource::more_input() {
  const auto got = compressed_->read(input_);
  if (!got) {
    trouble_ = got.error();
    return Failure{*trouble_};
  }
  stream_.next_in = input_.data();
  stream_.avail_in = static_cast<uInt>(*got);
  input_ends_ += *got;
  return *got != 0;
}

// Behind a member: another, or padding, or the end.
Result<void> GzipSource::next_member() {
  for (;;) {
    if (stream_.avail_in == 0) {
      const auto more = more_input();
      if (!more) return Failure{more.error()};
      if (!*more) {
        state_ = State::kEnded;
        return {};
      }
    }
    if (*stream_.next_in != 0) break;
    ++stream_.next_in;
    --stream_.avail_in;
  }
  if (*stream_.next_in != 0x1f) return broken("what follows the gzip data is not gzip");
  inflateReset(&stream_);
  state_ = State::kMember;
  return {};
}

Result<std::size_t> GzipSource::read(MutableBytes into) {
  if (trouble_) return Failure{*trouble_};
  const std::size_t room = std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max());
  stream_.next_out = into.data();
  stream_.avail_out = static_cast<uInt>(room);
  while (stream_.avail_out == room) {  // until there is something
    if (state_ == State::kBetween) {
      if (auto next = next_member(); !next) return Failure{next.error()};
    }
    if (state_ == State::kEnded) return 0;
    // Before there is new input: it may hold output that had no room the last time.
    const int said = inflate(&stream_, Z_NO_FLUSH);
    if (said == Z_STREAM_END) {
      state_ = State::kBetween;
    } else if (said != Z_OK && said != Z_BUF_ERROR) {
      // What came out before goes first; the error comes with the next call.
      const auto failure = broken(std::string{"the gzip data is corrupt: "} +
                                  (stream_.msg != nullptr ? stream_.msg : "cannot be decompressed"));
      if (stream_.avail_out == room) return failure;
    } else if (stream_.avail_out == room && stream_.avail_in == 0) {
      const auto more = more_input();
      if (!more) return Failure{more.error()};
      if (!*more) return broken("the gzip data is cut off");
    }
  }
  return room - stream_.avail_out;
}

Result<void> GzipSource::rewind() {
  if (auto again = compressed_->rewind(); !again) return again;
  inflateReset(&stream_);
  stream_.next_in = input_.data();
  stream_.avail_in = 0;
  input_ends_ = 0;
  state_ = State::kMember;
  trouble_.reset();
  return {};
}

}  // namespace myriad::capture
