#include "tests/fuzz/capture_rig.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "capture/gzip.h"
#include "capture/reader.h"

namespace myriad::fuzz {
namespace {

using namespace capture;

// The first byte of an input.
struct Way {
  explicit Way(std::uint8_t byte)
      : packed((byte & 1) != 0),
        read_bytes(std::size_t{1} << (byte >> 1 & 7)),
        at_most((byte & 0x10) != 0 ? 1U + (byte >> 5) : SIZE_MAX) {}

  bool packed;             // the file goes into gzip before it is read
  std::size_t read_bytes;  // the reader's blocks: 1 to 128
  std::size_t at_most;     // what comes with one read
};

void require(bool holds) {
  if (!holds) std::abort();
}

// gzip without compression, in two members: what is read is the capture and not noise.
std::vector<std::uint8_t> packed(Bytes plain) {
  constexpr std::array<std::uint8_t, 10> kMemberHeader = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
  std::vector<std::uint8_t> out;
  const auto little = [&out](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const auto member = [&](Bytes part) {
    out.insert(out.end(), kMemberHeader.begin(), kMemberHeader.end());
    out.push_back(1);  // the last block, stored
    little(part.size(), 2);
    little(~part.size(), 2);
    out.insert(out.end(), part.begin(), part.end());
    little(::crc32(0, part.data(), static_cast<uInt>(part.size())), 4);
    little(part.size(), 4);
  };
  plain = plain.first(std::min<std::size_t>(plain.size(), 0xffff));
  member(plain.first(plain.size() / 3));
  member(plain.subspan(plain.size() / 3));
  return out;
}

struct Told {
  std::uint64_t records = 0;
  std::uint64_t sum = 0;
  std::uint64_t damage_at = 0;
  std::string error;
  bool operator==(const Told&) const = default;
};

// Where the frame stands in the file, when that is not in gzip.
std::size_t frame_at(Bytes file, const Record& record) {
  const std::uint8_t* const at = file.data() + record.offset;
  if (PcapngFormat::looks_like(file)) {
    return record.offset + (load32(ByteOrder::kLittle, at) == 3 || load32(ByteOrder::kBig, at) == 3 ? 12 : 28);
  }
  const bool kuznetzov =
      load32(ByteOrder::kLittle, file.data()) == 0xa1b2cd34 || load32(ByteOrder::kBig, file.data()) == 0xa1b2cd34;
  return record.offset + (kuznetzov ? 24 : 16);
}

void check(const Record& record, const Reader& reader, Bytes file) {
  require(record.bytes.size() <= kMaxCapturedBytes);
  require(record.interface < reader.interfaces().size());
  require(record.link == reader.interfaces()[record.interface].link);
  require(record.has_time || record.unix_ns == 0);
  if (reader.compressed()) return;
  const std::size_t at = frame_at(file, record);
  require(at <= file.size() && record.bytes.size() <= file.size() - at);
  require(std::equal(record.bytes.begin(), record.bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at)));
}

Told read_to_the_end(Reader& reader, Bytes file) {
  Told told;
  std::uint64_t next_offset = 0;
  Record record;
  Step step = reader.read(record);
  for (; step == Step::kRecord; step = reader.read(record)) {
    check(record, reader, file);
    require(record.offset >= next_offset);
    next_offset = record.offset + 12;
    ++told.records;
    for (const std::uint64_t part :
         {record.offset, static_cast<std::uint64_t>(record.unix_ns), std::uint64_t{record.original_length},
          std::uint64_t{record.link}, static_cast<std::uint64_t>(record.direction),
          std::uint64_t{record.bytes.size()}}) {
      told.sum = told.sum * 0x9e3779b97f4a7c15 + part;
    }
    for (const std::uint8_t byte : record.bytes) told.sum = told.sum * 31 + byte;
  }
  require(told.records == reader.records());
  require((step == Step::kDamage) == (reader.damage() != nullptr));
  if (step == Step::kDamage) {
    require(reader.damage()->offset >= next_offset || told.records == 0);
    require(reader.compressed() || reader.damage()->offset <= file.size());
    require(!reader.damage()->what.empty());
    require(reader.read(record) == Step::kDamage);
    told.damage_at = reader.damage()->offset;
    told.error = reader.error().value().message();
  }
  return told;
}

Told read_once(Bytes file, std::size_t read_bytes, std::size_t at_most, bool twice) {
  auto reader = Reader::from(std::make_unique<MemorySource>(file, at_most), "it", {.read_bytes = read_bytes});
  if (!reader) {
    require(!reader.error().what.empty());
    Told told;
    told.error = reader.error().message();
    return told;
  }
  const Told told = read_to_the_end(*reader, file);
  if (twice) {
    require(reader->rewind().has_value());
    require(read_to_the_end(*reader, file) == told);
  }
  return told;
}

}  // namespace

void read_capture(Bytes input) {
  if (input.empty()) return;
  const Way way{input[0]};
  const Bytes plain = input.subspan(1);
  const std::vector<std::uint8_t> file =
      way.packed ? packed(plain) : std::vector<std::uint8_t>{plain.begin(), plain.end()};
  const Told seams = read_once(file, way.read_bytes, way.at_most, true);
  const Told at_once = read_once(file, std::max<std::size_t>(file.size(), 1), SIZE_MAX, false);
  require(seams == at_once);
  if (way.packed && !GzipSource::looks_like(plain)) {  // the same records as without gzip
    require(read_once(plain, 64, SIZE_MAX, false).records == seams.records);
  }
}

}  // namespace myriad::fuzz
