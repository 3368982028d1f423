#include "craft/compile.h"

#include <fmt/format.h>

#include <algorithm>

#include "craft/compiler.h"

namespace myriad::craft {
namespace {

constexpr std::size_t kMostLayers = 64;

// RFC 1112 section 6.4, RFC 2464 section 7: addresses of groups need no resolution.
std::optional<MacAddress> mac_of_group(const IpAddress& address) {
  if (address.is_v6()) {
    if (!address.is_multicast()) return std::nullopt;
    return MacAddress::ipv6_multicast(address.octets());
  }
  const std::uint32_t value = address.v4().value;
  if (value == 0xffffffff) return MacAddress::broadcast();
  if (!address.is_multicast()) return std::nullopt;
  return MacAddress::from_number(std::uint64_t{0x01005e000000} | (value & 0x7fffff));
}

}  // namespace

tl::expected<Program, CompileError> compile(const Packet& packet, const CompileOptions& options) {
  return Compiler(packet, options).compile();
}

tl::expected<Program, CompileError> Compiler::compile() {
  const auto refused = [&](std::string what, std::string suggestion) {
    refuse(std::move(what), std::move(suggestion));
    return tl::unexpected(error_);
  };
  if (packet_.layers.empty()) return refused("a packet without layers", "begin with ethernet");
  if (packet_.layers.size() > kMostLayers) {
    return refused(fmt::format("{} layers", packet_.layers.size()), fmt::format("at most {}", kMostLayers));
  }
  if (!add_vlans() || !lay_out() || !choose_lengths()) return tl::unexpected(error_);
  write_payload();
  for (Placed& placed : layers_) {
    if (!write_fields(placed)) return tl::unexpected(error_);
  }
  error_.part = CompileError::Part::kPacket;
  if (!finish_checksums()) return tl::unexpected(error_);
  if (parts_.resolve.needed) {
    const std::size_t at = parts_.resolve.destination_at;
    const std::size_t bytes = parts_.resolve.v6 ? 16 : 4;
    const bool varies =
        std::ranges::any_of(end_bits_, [&](std::size_t end) { return end > at * 8 && end <= (at + bytes) * 8; });
    if (!varies) {
      parts_.resolve.common = parts_.resolve.v6 ? IpAddress{Ipv6Address::from_bytes(parts_.bytes.data() + at)}
                                                : IpAddress{Ipv4Address::from_bytes(parts_.bytes.data() + at)};
      if (const auto mac = mac_of_group(*parts_.resolve.common)) {
        mac->store(parts_.bytes.data());
        parts_.resolve.needed = false;
      }
    }
  }
  return Program(std::move(parts_), std::move(columns_), options_.hosts ? options_.hosts->count : 0, options_.order,
                 options_.seed, options_.mutation);
}

bool Compiler::add(Operation op) {
  if (parts_.operations.size() == kMostOperations) {
    return refuse(fmt::format("more than {} fields vary", kMostOperations), "make some of them constant");
  }
  parts_.operations.push_back(op);
  return true;
}

bool Compiler::refuse(std::string what, std::string suggestion) {
  error_.what = std::move(what);
  error_.suggestion = std::move(suggestion);
  return false;
}

void Compiler::at_layer(const Placed& placed) {
  error_.part = placed.source ? CompileError::Part::kLayer : CompileError::Part::kPacket;
  error_.layer = placed.source.value_or(0);
}

// Fields that the scenario gave come first.
void Compiler::at_field(const Placed& placed, std::size_t index) {
  at_layer(placed);
  if (!placed.source || index >= packet_.layers[*placed.source].fields.size()) return;
  error_.part = CompileError::Part::kField;
  error_.field = index;
}

}  // namespace myriad::craft
