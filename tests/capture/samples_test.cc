// pcap_samples/ is what its MANIFEST says, as we read it and, where tshark is installed, as tshark reads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "capture/reader.h"

namespace myriad::capture {
namespace {

const std::filesystem::path kFolder = MYRIAD_PCAP_SAMPLES;

// A line of MANIFEST.
struct Entry {
  std::string file, format;
  std::uint64_t records = 0;
  std::string links, sha256, how;
  friend void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.file; }
};

std::vector<Entry> manifest() {
  std::vector<Entry> entries;
  std::ifstream in{kFolder / "MANIFEST"};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> fields;
    for (std::size_t at = 0; fields.size() < 5; at = line.find(" | ", at) + 3) {
      fields.push_back(line.substr(at, line.find(" | ", at) - at));
    }
    const std::size_t how = line.find(fields.back()) + fields.back().size() + 3;
    entries.push_back({fields[0], fields[1], std::stoull(fields[2]), fields[3], fields[4], line.substr(how)});
  }
  return entries;
}

std::string sha256_of(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), sum.data(), &length, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", sum[i]);
    text += hex.data();
  }
  return text;
}

class Samples : public ::testing::TestWithParam<Entry> {};

INSTANTIATE_TEST_SUITE_P(Manifest, Samples, ::testing::ValuesIn(manifest()), [](const auto& entry) {
  std::string name = entry.param.file;
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(Manifest, NamesEveryFileOnce) {
  std::multiset<std::string> named;
  for (const Entry& entry : manifest()) {
    named.insert(entry.file);
    EXPECT_FALSE(entry.how.empty()) << entry.file;
  }
  std::multiset<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string extension = entry.path().extension();
    if (extension == ".pcap" || extension == ".pcapng" || extension == ".gz") there.insert(entry.path().filename());
  }
  EXPECT_EQ(named, there);
  EXPECT_GE(there.size(), 20U);
}

TEST_P(Samples, IsWhatTheManifestSays) {
  const Entry& entry = GetParam();
  EXPECT_EQ(sha256_of(kFolder / entry.file), entry.sha256);
  auto reader = Reader::open(kFolder / entry.file);
  ASSERT_TRUE(reader) << reader.error().message();
  EXPECT_EQ(reader->format_name(), entry.format);
  std::set<LinkType> links;
  Record record;
  while (reader->read(record) == Step::kRecord) links.insert(record.link);
  EXPECT_EQ(reader->damage(), nullptr) << reader->error().value().message();
  EXPECT_EQ(reader->records(), entry.records);
  std::string named;
  for (const LinkType link : links) named += (named.empty() ? "" : "; ") + link_type_name(link);
  EXPECT_EQ(named, entry.links);
}

std::string output_of(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> chunk{};
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), got);
  ::pclose(pipe);
  return text;
}

// Length on the wire, length captured, time.
TEST_P(Samples, AreReadAsTsharkReadsThem) {
  if (output_of("command -v tshark").empty()) GTEST_SKIP() << "tshark is not installed";
  const std::string path = kFolder / GetParam().file;
  auto reader = Reader::open(path);
  ASSERT_TRUE(reader);
  std::istringstream theirs{
      output_of("tshark -n -r '" + path + "' -T fields -e frame.len -e frame.cap_len -e frame.time_epoch 2>/dev/null")};
  Record record;
  for (std::string line; std::getline(theirs, line);) {
    ASSERT_EQ(reader->read(record), Step::kRecord);
    if (!record.has_time) line.resize(line.rfind('\t'));  // what tshark then says is not from the file
    std::ostringstream ours;
    ours << record.original_length << '\t' << record.bytes.size();
    if (record.has_time) {
      ours << '\t' << record.unix_ns / 1'000'000'000 << '.';
      ours.width(9);
      ours.fill('0');
      ours << record.unix_ns % 1'000'000'000;
    }
    EXPECT_EQ(ours.str(), line);
  }
  EXPECT_EQ(reader->read(record), Step::kEnd);
}

}  // namespace
}  // namespace myriad::capture
