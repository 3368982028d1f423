// Messages of the domain system (RFC 1035 section 4, RFC 6891): the reader of what strangers send, and the writer of
// what we do. Both work on bytes in place; nothing is allocated for a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/dns_name.h"
#include "base/bytes.h"

namespace myriad::app {

inline constexpr std::uint16_t kDnsPort = 53;
inline constexpr std::size_t kDnsHeaderBytes = 12;
inline constexpr std::size_t kDnsPlainBytes = 512;  // RFC 1035 section 4.2.1: of UDP, where nobody says more
inline constexpr std::size_t kDnsMaxBytes = 65'535;

enum class DnsType : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kOpt = 41,
  kAny = 255,
};
// Of the types that records of ours may have and questions may ask for: A, AAAA, CNAME, MX, NS, PTR, SRV, TXT.
[[nodiscard]] std::optional<DnsType> dns_type(std::string_view name);
[[nodiscard]] std::string_view dns_type_name(DnsType type);

// RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 6891 section 9. Others have numbers.
enum class DnsRcode : std::uint16_t { kNoError, kFormErr, kServFail, kNxDomain, kNotImp, kRefused };
[[nodiscard]] std::optional<DnsRcode> dns_rcode(std::string_view name);  // "nxdomain", whatever the case
[[nodiscard]] std::string dns_rcode_name(DnsRcode rcode);

struct DnsHeader {
  static constexpr std::uint16_t kResponse = 0x8000;
  static constexpr std::uint16_t kOpcode = 0x7800;
  static constexpr std::uint16_t kAuthoritative = 0x0400;
  static constexpr std::uint16_t kTruncated = 0x0200;
  static constexpr std::uint16_t kRecursionDesired = 0x0100;

  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additionals = 0;

  [[nodiscard]] bool is(std::uint16_t flag) const { return (flags & flag) != 0; }
  [[nodiscard]] static std::optional<DnsHeader> read(Bytes message);
  void write(std::uint8_t* out) const;
};

struct DnsQuestion {
  DnsName name;
  std::uint16_t type = 0;
  std::uint16_t klass = 1;
};

// A record of a message; the data stays where it is.
struct DnsRecord {
  DnsName owner;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::uint32_t ttl = 0;
  std::size_t data_at = 0;
  std::size_t data_length = 0;
};

// Reads a message from front to back. Every nullopt is the message's fault.
class DnsReader {
 public:
  // `message` outlives the reader.
  explicit DnsReader(Bytes message) : message_(message), at_(kDnsHeaderBytes) {}

  [[nodiscard]] std::optional<DnsQuestion> question();
  [[nodiscard]] std::optional<DnsRecord> record();

 private:
  Bytes message_;
  std::size_t at_;
};

// The data of a record with all names whole and in lower case: what can be compared with dns_data(). nullopt: not what
// its type says. Of types that dns_type() does not know, the bytes as they are.
[[nodiscard]] std::optional<std::string> dns_canonical(Bytes message, const DnsRecord& record);
// The same of what a person wrote: "10.0.0.1", "10 mail.example.test", "0 5 5060 sip.example.test", "text" or
// "\"two\" \"strings\"". Names that do not end with a dot are below `origin`. nullopt: not data of that type.
[[nodiscard]] std::optional<std::string> dns_data(DnsType type, std::string_view text, const DnsName& origin);
// How data of that type looks, for messages.
[[nodiscard]] std::string_view dns_data_example(DnsType type);

// A query with one question and recursion desired; with `payload_bytes` an EDNS0 record that offers to take so much by
// UDP. Returns its size. `out` has kDnsMaxQuery bytes.
inline constexpr std::size_t kDnsMaxQuery = kDnsHeaderBytes + DnsName::kMaxBytes + 4 + 11;
std::size_t write_dns_query(std::uint16_t id, const DnsName& name, std::uint16_t type, std::uint16_t payload_bytes,
                            MutableBytes out);

}  // namespace myriad::app
