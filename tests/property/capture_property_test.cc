// Any frames, in any format, order, clock and packaging: they come out as they went in, and of a file that is cut or
// damaged anywhere, those that lie before it.
#include "tests/capture/file_maker.h"
#include "tests/capture/reading.h"
#include "tests/property/arbitrary.h"

namespace myriad::property {
namespace {

using namespace capture;

struct Expected {
  std::vector<std::uint8_t> bytes;
  std::uint32_t original = 0;
  std::optional<std::int64_t> unix_ns;
  LinkType link = kLinkEthernet;
  std::size_t ends = 0;  // offset in the file
};

struct Made {
  std::vector<std::uint8_t> file;
  std::vector<Expected> records;
  std::size_t header = 0;
};

ByteOrder any_order() { return any<bool>() ? ByteOrder::kLittle : ByteOrder::kBig; }

Expected any_frame() {
  Expected frame;
  frame.bytes = bytes(any<bool>() ? 80 : 600);
  frame.original = static_cast<std::uint32_t>(frame.bytes.size() + below(3) * 100);
  return frame;
}

Made any_pcap() {
  const bool nanoseconds = any<bool>();
  PcapHeader header;
  if (nanoseconds) header.magic = 0xa1b23c4d;
  header.link = static_cast<LinkType>(below(300));
  PcapMaker maker{any_order(), header};
  Made made;
  made.header = maker.size();
  for (auto count = below(20); count > 0; --count) {
    Expected frame = any_frame();
    const auto seconds = static_cast<std::uint32_t>(bits());
    const auto fraction = static_cast<std::uint32_t>(below(nanoseconds ? 1'000'000'000 : 1'000'000));
    frame.unix_ns = std::int64_t{seconds} * 1'000'000'000 + std::int64_t{fraction} * (nanoseconds ? 1 : 1000);
    frame.link = header.link;
    maker.record(seconds, fraction, frame.bytes, frame.original);
    frame.ends = maker.size();
    made.records.push_back(std::move(frame));
  }
  made.file = maker.out();
  return made;
}

// Sections with interfaces of their own; among the frames, blocks that hold none.
Made any_pcapng() {
  PcapngMaker maker{any_order()};
  Made made;
  made.header = maker.size();
  std::vector<std::pair<LinkType, int>> interfaces;  // with the digits of its clock
  for (auto count = below(30); count > 0; --count) {
    const auto what = below(10);
    if (what == 0) {
      maker.section(any_order());
      interfaces.clear();
    } else if (what == 1) {
      maker.block(static_cast<std::uint32_t>(100 + below(1000)), maker.body().bytes(bytes(300)));
    } else if (what <= 3 || interfaces.empty()) {
      interfaces.emplace_back(static_cast<LinkType>(below(300)), static_cast<int>(below(10)));
      const ByteMaker digits = maker.option(9, maker.body().u8(static_cast<std::uint8_t>(interfaces.back().second)));
      maker.interface(interfaces.back().first, 0, &digits);
    } else {
      Expected frame = any_frame();
      const auto number = static_cast<std::uint32_t>(below(interfaces.size()));
      frame.link = interfaces[number].first;
      std::int64_t scale = 1;
      for (int zeros = interfaces[number].second; zeros < 9; ++zeros) scale *= 10;
      const std::uint64_t units = bits() % (static_cast<std::uint64_t>(INT64_MAX) / static_cast<std::uint64_t>(scale));
      if (what == 9) {  // of the first interface, without a limit: whole
        frame.original = static_cast<std::uint32_t>(frame.bytes.size());
        frame.link = interfaces[0].first;
        maker.simple(frame.bytes, frame.original);
      } else {
        frame.unix_ns = static_cast<std::int64_t>(units) * scale;
        if (what == 8) {
          maker.obsolete(static_cast<std::uint16_t>(number), units, frame.bytes, frame.original);
        } else {
          maker.enhanced(number, units, frame.bytes, frame.original);
        }
      }
      frame.ends = maker.size();
      made.records.push_back(std::move(frame));
    }
  }
  made.file = maker.out();
  return made;
}

Made any_file() { return any<bool>() ? any_pcap() : any_pcapng(); }

Reading read_somehow(Bytes file) {
  const auto read_bytes = static_cast<std::size_t>(1 + below(any<bool>() ? 64 : 5000));
  return read_all(file, read_bytes, any<bool>() ? SIZE_MAX : static_cast<std::size_t>(1 + below(50)));
}

void expect_records(const Reading& reading, const Made& made, std::size_t count) {
  RC_ASSERT(reading.records.size() >= count);
  for (std::size_t i = 0; i < count; ++i) {
    const Expected& expected = made.records[i];
    const Kept& kept = reading.records[i];
    RC_ASSERT(kept.bytes == expected.bytes);
    RC_ASSERT(kept.record.original_length == expected.original);
    RC_ASSERT(kept.record.link == expected.link);
    RC_ASSERT(kept.record.has_time == expected.unix_ns.has_value());
    RC_ASSERT(kept.record.unix_ns == expected.unix_ns.value_or(0));
  }
}

RC_GTEST_PROP(Captures, ComeOutAsTheyWentIn, ()) {
  const Made made = any_file();
  Bytes file = made.file;
  std::vector<std::uint8_t> packed;
  if (any<bool>()) {
    const auto seam = static_cast<std::size_t>(below(file.size() + 1));
    packed = gzip(file.first(seam));
    const auto rest = gzip(file.subspan(seam));
    packed.insert(packed.end(), rest.begin(), rest.end());
    file = packed;
  }
  const Reading reading = read_somehow(file);
  RC_ASSERT(reading.refusal + reading.error == "");
  RC_ASSERT(reading.records.size() == made.records.size());
  expect_records(reading, made, made.records.size());
}

std::size_t whole_before(const Made& made, std::size_t offset) {
  std::size_t count = 0;
  while (count < made.records.size() && made.records[count].ends <= offset) ++count;
  return count;
}

RC_GTEST_PROP(Captures, ThatAreCutGiveWhatCameBefore, ()) {
  const Made made = any_file();
  const auto size = made.header + static_cast<std::size_t>(below(made.file.size() - made.header + 1));
  const Reading reading = read_somehow(Bytes{made.file}.first(size));
  RC_ASSERT(reading.refusal == "");
  RC_ASSERT(reading.records.size() == whole_before(made, size));
  expect_records(reading, made, reading.records.size());
  if (reading.damage) {
    RC_ASSERT(reading.damage->kind == Damage::Kind::kCutOff);
    RC_ASSERT(reading.damage->offset < size);
  }
}

RC_GTEST_PROP(Captures, ThatAreDamagedGiveWhatCameBefore, ()) {
  Made made = any_file();
  const auto at = static_cast<std::size_t>(below(made.file.size()));
  made.file[at] ^= static_cast<std::uint8_t>(1 + below(255));
  const Reading reading = read_somehow(made.file);
  if (reading.refusal != "") return;
  expect_records(reading, made, whole_before(made, at));
}

}  // namespace
}  // namespace myriad::property
