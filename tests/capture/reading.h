// Everything that a reader gives of some bytes, kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/reader.h"

namespace myriad::capture {

struct Kept {
  std::vector<std::uint8_t> bytes;
  Record record;  // its bytes are gone
};

struct Reading {
  std::vector<Kept> records;
  std::vector<Interface> interfaces;
  std::string refusal;  // why it was not opened
  std::string error;    // where it ended before its end
  std::optional<Damage> damage;
  std::string format;
};

// `read_bytes`: the reader's blocks; `at_most`: what one read() gives.
inline Reading read_all(Bytes file, std::size_t read_bytes = 1U << 16, std::size_t at_most = SIZE_MAX) {
  Reading reading;
  auto reader =
      Reader::from(std::make_unique<MemorySource>(file, at_most), "it", ReaderOptions{.read_bytes = read_bytes});
  if (!reader) {
    reading.refusal = reader.error().message();
    return reading;
  }
  reading.format = reader->format_name();
  for (;;) {
    const auto record = reader->next();
    if (!record) {
      reading.error = record.error().message();
      reading.damage = *reader->damage();
      break;
    }
    if (!*record) break;
    reading.records.push_back({{(*record)->bytes.begin(), (*record)->bytes.end()}, **record});
    reading.records.back().record.bytes = {};
  }
  reading.interfaces.assign(reader->interfaces().begin(), reader->interfaces().end());
  return reading;
}

}  // namespace myriad::capture
