// A compiled packet: makes the frames of a flow, in batches. Immutable, and shared by all shards.
//
// Frames are numbered from 0, and what frame n holds depends on the program, n, the host of n and the row of n alone:
// a run has the same bytes whatever the number of shards. Nothing here allocates, reads a clock or knows a device.
//
// A frame that has been filled once holds this program's bytes, and is only patched from then on, until somebody else
// writes into it (mutate() is somebody else).
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <span>

#include "base/addr.h"
#include "base/bytes.h"
#include "craft/mutation.h"
#include "craft/operations.h"
#include "craft/rows.h"

namespace myriad::craft {

// The frames that are to be made at once.
struct Batch {
  std::span<std::uint8_t* const> frames;  // each with room for max_length() bytes, and filled
  std::uint64_t first = 0;                // number of the first frame
  std::uint64_t stride = 1;               // from one number to the next
  std::span<const std::uint32_t> hosts;   // of each frame, as hosts() says; may be empty unless needs_hosts()
  const RowBlock* rows = nullptr;         // when needs_rows()
  std::size_t row = 0;                    // of the first frame in `rows`; the next frame has the next row
  std::uint16_t run = 0;                  // of signatures
  std::int64_t now_ns = 0;                // of signatures
};

class Program {
 public:
  Program() = default;
  Program(ProgramParts parts, std::vector<ColumnUse> columns, std::uint32_t hosts, HostOrder order, std::uint64_t seed,
          std::optional<Mutation> mutation);

  // Writes what all frames have in common.
  void fill(std::uint8_t* frame) const { std::memcpy(frame, parts_.bytes.data(), parts_.copied); }
  // Finishes frames that have been filled: `lengths` of them, without FCS. But for the destination MAC address of
  // frames whose next hop has to be resolved: see resolves().
  void patch(const Batch& batch, std::span<std::uint32_t> lengths) const;

  // The host of each of the frames first, first + stride, …
  void hosts(std::uint64_t first, std::uint64_t stride, std::span<std::uint32_t> hosts) const;
  [[nodiscard]] bool has_hosts() const { return host_count_ != 0; }
  [[nodiscard]] bool needs_hosts() const { return needs_hosts_; }

  // Whether frames go to the MAC address of the next hop towards their IP destination, which is for the caller to find
  // (ARP, NDP, a gateway) and to set, after patch() and before mutate().
  [[nodiscard]] bool resolves() const { return parts_.resolve.needed; }
  // The destination of all frames, when they have one in common.
  [[nodiscard]] const std::optional<IpAddress>& common_destination() const { return parts_.resolve.common; }
  // Of a patched frame.
  [[nodiscard]] IpAddress destination(const std::uint8_t* frame) const {
    const std::uint8_t* const at = frame + parts_.resolve.destination_at;
    return parts_.resolve.v6 ? IpAddress{Ipv6Address::from_bytes(at)} : IpAddress{Ipv4Address::from_bytes(at)};
  }
  static void set_next_hop(std::uint8_t* frame, const MacAddress& mac) { mac.store(frame); }

  // Flips bits of finished frames. They have to be filled again before they are used again.
  [[nodiscard]] bool mutates() const { return mutation_.has_value(); }
  void mutate(const Batch& batch, std::span<const std::uint32_t> lengths) const;

  // Without FCS.
  [[nodiscard]] std::size_t max_length() const { return parts_.bytes.size(); }
  [[nodiscard]] std::size_t min_length() const { return parts_.least; }
  [[nodiscard]] bool has_sequence() const { return parts_.has_signature; }
  [[nodiscard]] std::size_t signature_at() const { return parts_.signature_at; }
  // What the rows of the flow's data have to give, in the order of RowBlock::columns.
  [[nodiscard]] std::span<const ColumnUse> columns() const { return columns_; }
  [[nodiscard]] bool needs_rows() const { return !columns_.empty(); }
  [[nodiscard]] std::size_t operation_count() const { return parts_.operations.size(); }

 private:
  ProgramParts parts_;
  std::vector<ColumnUse> columns_;
  std::optional<Flipper> mutation_;
  std::uint32_t host_count_ = 0;
  HostOrder order_ = HostOrder::kInOrder;
  std::uint64_t host_seed_ = 0;
  bool needs_hosts_ = false;
};

}  // namespace myriad::craft
