// SHA-256 of a stream that comes in pieces. About 250 bytes on the heap while one lives: made only for sessions that
// verify by digest. OpenSSL is known to sha256.cc alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace myriad::app {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  Sha256();  // of nothing so far

  void add(Bytes bytes);
  // The digest of everything added; then starts over.
  [[nodiscard]] Digest finish();
  void restart();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace myriad::app
