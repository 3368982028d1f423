// What a session needs while something is under way: its unacknowledged requests, what it waits for, the half of an
// answer that has come. Private to dialogue.cc, setup.cc and files.cc.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "app/byte_ring.h"
#include "app/smb2/dialogue.h"
#include "app/smb2/reader.h"
#include "base/rng.h"

namespace myriad::app::smb2 {

// A request that is to be answered.
struct Smb2Dialogue::Asked {
  std::uint64_t message = 0;
  Command command{};
};

// A part of the file that is being read or written. It stays until all of it has come, and all before it.
struct Smb2Dialogue::Range {
  std::uint64_t offset = 0;  // of what is still missing
  std::uint32_t left = 0;
  std::uint32_t asked = 0;  // bytes of it; 0: not now
  std::uint64_t message = 0;
  std::vector<std::uint8_t> early;  // has come before its turn to be digested
};

struct Smb2Dialogue::Work {
  SessionFacts facts;
  Reader reader;
  ByteRing outbox;
  std::vector<Asked> asked;
  std::vector<Range> ranges;     // in the order of their offsets
  std::optional<Signer> signer;  // of the read that is coming in
  std::size_t reading = 0;       // its range

  std::uint64_t grown = 0;  // not yet announced
  Failure failure = Failure::kCount;
  bool over = false;

  // Until the session stands.
  Preauth preauth{};
  Key session_key{};
  Rng luck{0};
  std::uint64_t server_time = 0;
  bool challenged = false;

  // Of the server.
  std::uint32_t most_read = 0;
  std::uint32_t most_write = 0;
  std::uint32_t most_names = 0;

  // Of the operation.
  FileId file{};
  bool open = false;
  bool size_known = false;
  std::uint64_t file_bytes = 0;
  std::uint64_t next_offset = 0;  // where the next range begins
  std::uint64_t moved = 0;        // bytes that have come
  std::unique_ptr<Sha256> digest;
};

}  // namespace myriad::app::smb2
