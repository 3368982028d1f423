// The language of crafted packets, as values: layers, what their fields are given, a payload, a size. Somebody else
// reads them from YAML; compile.h makes a Program of them. Names and defaults of all fields are in the table behind
// layer_definitions(): it is the one place that knows where a field lies and how wide it is.
//
// Nothing is refused here; compile() refuses what makes no frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/addr.h"
#include "base/rng.h"

namespace myriad::craft {

// A value of a field of any width, up to an IPv6 address.
using Number = Uint128;

enum class LayerKind : std::uint8_t {
  kEthernet,
  kVlan,
  kArp,
  kIpv4,
  kIpv6,
  kHopByHop,
  kDestination,
  kRouting,
  kFragment,
  kIcmp,
  kIcmp6,
  kUdp,
  kTcp,
  kRaw,
};

enum class FieldType : std::uint8_t { kNumber, kMac, kIpv4, kIpv6, kFlags };

// What a field is when the packet does not say.
enum class Fallback : std::uint8_t {
  kConstant,
  kRequired,
  kPart,         // names bits of another field, which has the default
  kNext,         // EtherType, protocol or next header: follows from the next layer
  kHeaderWords,  // length of the header itself
  kLength,       // length of this layer and all behind it (ipv6: of all behind it)
  kChecksum,
  kDestination,  // of Ethernet: resolved for IP, broadcast for ARP
  kHostMac,
  kHostIpv4,
  kHostIpv6,
  kHostVlan,
};

// A value that has a name.
struct Word {
  std::string_view name;
  std::uint64_t value;
};

struct FieldDefinition {
  std::string_view name;
  std::string_view alias;  // another usual name; may be empty
  FieldType type = FieldType::kNumber;
  std::uint16_t bit = 0;    // from the start of the layer, the most significant bit of a byte first
  std::uint16_t width = 0;  // in bits: up to 64, or 128 for addresses
  Fallback fallback = Fallback::kConstant;
  std::uint64_t constant = 0;
  std::string_view meaning;
  std::span<const Word> words{};  // of kFlags each is one bit
};

// What follows a layer, in the numbers of its "next" field.
enum class NextSpace : std::uint8_t { kNone, kEtherType, kProtocol, kAnything };

struct LayerDefinition {
  LayerKind kind;
  std::string_view name;
  std::uint16_t bytes;  // without options
  std::span<const FieldDefinition> fields;
  NextSpace next;
  std::uint16_t ether_type;  // what announces this layer, 0 when no EtherType does
  int protocol;              // likewise among IP protocols, -1 when none does
  std::string_view body;     // the key of bytes behind the fixed header: "options"; empty when there are none
  std::uint16_t unit;        // the body is padded to a multiple of that many bytes together with the header
  std::uint16_t most_body;   // in bytes
  std::string_view meaning;
};

[[nodiscard]] std::span<const LayerDefinition> layer_definitions();
[[nodiscard]] const LayerDefinition& definition_of(LayerKind kind);
// By name or alias; nullptr when there is none.
[[nodiscard]] const FieldDefinition* find_field(const LayerDefinition& layer, std::string_view name);

// ---- what a field is given

struct Constant {
  Number value = 0;
};
// Frame n has the (n mod size)-th.
struct Values {
  std::vector<Number> list;
};
// Frame n has start + (n mod count) × step, or minus; wraps at the width of the field. No count: n itself.
struct Counting {
  Number start = 0;
  Number step = 1;
  std::optional<std::uint64_t> count;
  bool down = false;
};
// Each value between both is as likely as any other; both belong to them.
struct RandomBetween {
  Number least = 0;
  Number most = 0;
};
enum class HostField : std::uint8_t { kMac, kIpv4, kIpv6, kIndex, kVlan };
struct OfHost {
  HostField field = HostField::kIndex;
};
struct OfColumn {
  std::string name;
};
struct Resolved {};       // of ethernet dst: the MAC address of the next hop
struct WrongChecksum {};  // of a checksum: surely another than the right one

using FieldValue = std::variant<Constant, Values, Counting, RandomBetween, OfHost, OfColumn, Resolved, WrongChecksum>;

struct GivenField {
  FieldDefinition field;  // of the table, or of the scenario's own for raw bytes
  FieldValue value;
};

struct Layer {
  LayerKind kind = LayerKind::kRaw;
  std::vector<GivenField> fields;
  std::vector<std::uint8_t> body;  // options, or all bytes of a raw layer
  // Of a routing header with segments left: where the packet ends up, which is what checksums cover (RFC 8200 8.1).
  std::optional<Ipv6Address> final_destination;
};

enum class PayloadKind : std::uint8_t { kNone, kBytes, kRandom, kSequence, kColumn };

struct Payload {
  PayloadKind kind = PayloadKind::kNone;
  std::vector<std::uint8_t> bytes;  // of kBytes
  std::size_t random_bytes = 0;     // of kRandom: at least; more when the size asks for it
  std::string column;               // of kColumn
  bool column_is_hex = false;       // else it is text
  std::vector<std::uint8_t> fill;   // repeated behind it up to the size; empty: zeros
};

struct Packet {
  std::vector<Layer> layers;
  Payload payload;
};

// The hosts of a group, by arithmetic.
struct HostRange {
  std::uint32_t count = 1;
  MacAddress mac;  // of the first, then +1 each
  std::optional<Ipv4Address> ipv4;
  std::optional<Ipv6Address> ipv6;
  VlanTags vlan;
  std::uint32_t hosts_per_vlan = 0;  // then the innermost identifier goes up by one; 0: all in the same
};

enum class HostOrder : std::uint8_t { kInOrder, kRandom };

// Bits are flipped at random when the frame is ready.
struct Mutation {
  double bits = 0;  // the part of all bits that flips: above 0, at most 1
  std::uint64_t seed = 0;
};

// Largest frame, without FCS: what the largest chunk of an AF_XDP area holds.
inline constexpr std::size_t kMostFrameBytes = 4096;
inline constexpr std::size_t kLeastFrameBytes = 14;
inline constexpr std::size_t kFcsBytes = 4;

}  // namespace myriad::craft
