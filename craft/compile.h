// From a packet to a program: everything that can be known before the first frame is computed here.
//
// Refused, with the layer and field that is meant: values that do not fit, fields of hosts without hosts, layers that
// nothing announces, sizes that are too small for what the packet holds or too large for the link.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "craft/language.h"
#include "craft/program.h"

namespace myriad::craft {

struct CompileOptions {
  std::optional<HostRange> hosts;  // whose frames they are; nobody's: nullopt
  bool can_resolve = true;         // hosts can ask for the next hop
  HostOrder order = HostOrder::kInOrder;
  std::optional<FieldValue> size;       // of frames, in bytes with FCS; nullopt: what the packet needs
  std::uint32_t mtu = kMostFrameBytes;  // of what follows Ethernet and VLAN tags
  std::uint64_t seed = 0;               // of this flow's random values
  std::uint16_t flow = 0;               // of signatures
  std::optional<Mutation> mutation;
};

struct CompileError {
  enum class Part : std::uint8_t { kPacket, kLayer, kField, kPayload, kSize };

  Part part = Part::kPacket;
  std::size_t layer = 0;  // of kLayer and kField: index into Packet::layers
  std::size_t field = 0;  // of kField: index into Layer::fields
  std::string what;
  std::string suggestion;
};

[[nodiscard]] tl::expected<Program, CompileError> compile(const Packet& packet, const CompileOptions& options);

// A number as people write those of the field: an address, or decimal digits.
[[nodiscard]] std::string text_of(Number value, FieldType type);

}  // namespace myriad::craft
