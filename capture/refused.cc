#include "capture/refused.h"

#include <algorithm>
#include <string_view>

namespace myriad::capture {
namespace {

using namespace std::string_view_literals;

enum class Cure : std::uint8_t { kNone, kDecompress, kConvert };

struct Magic {
  std::string_view bytes;
  const char* name;
  Cure cure;
};

constexpr Magic kMagics[] = {
    {"\x1f\x8b"sv, "gzip inside gzip", Cure::kDecompress},
    {"\x04\x22\x4d\x18"sv, "compressed by LZ4", Cure::kDecompress},
    {"\x28\xb5\x2f\xfd"sv, "compressed by Zstandard", Cure::kDecompress},
    {"\xfd"
     "7zXZ\0"sv,
     "compressed by xz", Cure::kDecompress},
    {"BZh"sv, "compressed by bzip2", Cure::kDecompress},
    {"\x1f\x9d"sv, "compressed by compress", Cure::kDecompress},
    {"PK\x03\x04"sv, "a ZIP archive", Cure::kDecompress},
    {"7z\xbc\xaf\x27\x1c"sv, "a 7z archive", Cure::kDecompress},
    {"snoop\0\0\0"sv, "a Solaris snoop capture", Cure::kConvert},
    {"btsnoop\0"sv, "a Bluetooth snoop capture", Cure::kConvert},
    {"GMBU"sv, "a Microsoft Network Monitor 2 capture", Cure::kConvert},
    {"RTSS"sv, "a Microsoft Network Monitor 1 capture", Cure::kConvert},
    {"TRSNIFF data    \x1a"sv, "a Sniffer capture", Cure::kConvert},
    {"XCP\0"sv, "a NetXRay capture", Cure::kConvert},
    {"\x05VNF"sv, "a Visual Networks capture", Cure::kConvert},
    {"ObserverPktBuffe"sv, "an Observer capture", Cure::kConvert},
    {"\x7fver"sv, "an EtherPeek capture", Cure::kConvert},
    {"\x54\x52\x00\x64"sv, "a LANalyzer capture", Cure::kConvert},
    {"iptrace "sv, "an AIX iptrace capture", Cure::kConvert},
    {"\x1c\0\x01\xac"sv, "an IXIA lcap capture", Cure::kConvert},
    {"\x1c\0\x01\xab"sv, "an IXIA lcap capture", Cure::kConvert},
    {"\xaa\xaa\xaa\xaa"sv, "an Accellent 5Views capture", Cure::kConvert},
    // Relatives of pcap whose record headers are other ones, in both byte orders.
    {"\xa1\x2b\x3c\x4d"sv, "pcap as Navtel changed it", Cure::kConvert},
    {"\x4d\x3c\x2b\xa1"sv, "pcap as Navtel changed it", Cure::kConvert},
    {"\xa1\xb2\x34\xcd"sv, "pcap as FMESQUID changed it", Cure::kConvert},
    {"\xcd\x34\xb2\xa1"sv, "pcap as FMESQUID changed it", Cure::kConvert},
    {"\xa1\xe2\xcb\x12"sv, "pcap as Alteon changed it", Cure::kConvert},
    {"\x12\xcb\xe2\xa1"sv, "pcap as Alteon changed it", Cure::kConvert},
    {"\x7f"
     "ELF"sv,
     "a program", Cure::kNone},
    {"%PDF-"sv, "a PDF document", Cure::kNone},
};

constexpr std::size_t kErfHeaderBytes = 16;

// ERF has no magic: type, length of the record and length on the wire must go together, in two records.
bool looks_like_erf(Bytes first) {
  const std::uint8_t type = first.size() >= kErfHeaderBytes ? first[8] & 0x7fU : 0;
  for (int record = 0; record < 2; ++record) {
    if (first.size() < kErfHeaderBytes) return record != 0 && first.empty();
    constexpr std::uint8_t kTypes = 48;
    const std::size_t length = load_be16(first.data() + 10);
    const std::size_t on_the_wire = load_be16(first.data() + 14);
    if ((first[8] & 0x7fU) != type || type == 0 || type > kTypes) return false;
    if (length < kErfHeaderBytes || on_the_wire + 64 < length) return false;
    if (load64(ByteOrder::kLittle, first.data()) >> 32 == 0) return false;  // seconds since 1970
    if (length > first.size()) return record != 0;
    first = first.subspan(length);
  }
  return true;
}

// No control characters, and some letters among what may be UTF-8.
bool is_text(Bytes first) {
  const auto ascii = [](std::uint8_t byte) {
    return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t' || byte == '\f';
  };
  const auto letters = static_cast<std::size_t>(std::ranges::count_if(first, ascii));
  return 2 * letters >= first.size() &&
         std::ranges::all_of(first, [&](std::uint8_t byte) { return byte >= 0x80 || ascii(byte); });
}

}  // namespace

Refusal refuse_by_name(Bytes first, bool compressed) {
  if (first.empty()) return {compressed ? "holds nothing, once decompressed" : "is empty", {}};
  for (const Magic& magic : kMagics) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(magic.bytes.data());
    if (first.size() < magic.bytes.size() || !std::equal(bytes, bytes + magic.bytes.size(), first.begin())) continue;
    switch (magic.cure) {
      case Cure::kDecompress:
        return {std::string{"is "} + magic.name, "decompress it first: gzip is the one compression that is read"};
      case Cure::kConvert:
        return {std::string{"is "} + magic.name, "editcap -F pcapng IN OUT makes a capture of it that can be read"};
      case Cure::kNone:
        return {std::string{"is "} + magic.name + ", not a capture", {}};
    }
  }
  if (is_text(first)) return {"is text, not a capture", {}};
  if (looks_like_erf(first)) {
    return {"looks like an Endace ERF capture", "editcap -F pcapng IN OUT makes a capture of it that can be read"};
  }
  return {"is neither pcap nor pcapng", {}};
}

}  // namespace myriad::capture
