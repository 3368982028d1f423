#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/capture/file_maker.h"

namespace myriad::capture {

std::vector<std::uint8_t> gzip(Bytes plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::vector<std::uint8_t> out(deflateBound(&stream, plain.size()) + 32);
  std::vector<std::uint8_t> in{plain.begin(), plain.end()};
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace myriad::capture
