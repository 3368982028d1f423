// TCP segments (RFC 9293 section 3.1) and the options of RFC 7323 (window scale, timestamps) and RFC 2018 (SACK).
//
// The View refuses headers whose lengths lie; options that nobody here knows are skipped by their length. It does not
// look at the checksum (see wire/checksum.h) nor judge flags: that is the connection's business.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/seq.h"
#include "stack/wire/drop.h"

namespace myriad::wire {

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpUrg = 0x20;

inline constexpr std::size_t kTcpHeaderBytes = 20;
inline constexpr std::size_t kTcpMaxHeaderBytes = 60;
inline constexpr std::uint8_t kTcpMaxWindowScale = 14;  // RFC 7323 section 2.3

struct TcpOptions {
  // [left, right): bytes that arrived beyond the acknowledgement.
  struct SackBlock {
    SeqNum left;
    SeqNum right;
    friend constexpr bool operator==(SackBlock, SackBlock) = default;
  };

  // Room for as many as an option list holds. Not initialised: nearly every segment has none.
  class SackBlocks {
   public:
    SackBlocks() noexcept {}  // NOLINT(modernize-use-equals-default): that would initialise
    [[nodiscard]] SackBlock& operator[](std::size_t i) { return blocks_[i]; }
    [[nodiscard]] const SackBlock& operator[](std::size_t i) const { return blocks_[i]; }
    [[nodiscard]] const SackBlock* data() const { return blocks_.data(); }
    [[nodiscard]] SackBlock* begin() { return blocks_.data(); }
    [[nodiscard]] SackBlock* end() { return blocks_.data() + kMost; }
    [[nodiscard]] static constexpr std::size_t size() { return kMost; }

   private:
    static constexpr std::size_t kMost = 4;
    union {
      std::array<SackBlock, kMost> blocks_;
    };
  };

  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t>
      window_scale;  // at most 14: a larger one on the wire is read as 14 (RFC 7323 section 2.3)
  bool sack_permitted = false;
  bool has_timestamps = false;
  std::uint8_t sack_count = 0;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  SackBlocks sack;  // the first `sack_count`

  [[nodiscard]] std::span<const SackBlock> sack_blocks() const { return {sack.data(), sack_count}; }
  void clear() {
    mss.reset();
    window_scale.reset();
    sack_permitted = has_timestamps = false;
    sack_count = 0;
  }
};

// Reads an option list. False when a length is illegal.
[[nodiscard]] bool parse_tcp_options(Bytes list, TcpOptions& options);

class TcpView {
  struct Unchecked {
    explicit Unchecked() = default;
  };

 public:
  // `segment` is the whole IP payload, and must outlive the view.
  [[nodiscard]] static tl::expected<TcpView, stack::Drop> parse(Bytes segment) {
    // One variable for all outcomes: the view is made where the caller wants it and never copied.
    tl::expected<TcpView, stack::Drop> view{tl::unexpect, stack::Drop::kTruncated};
    if (segment.size() < kTcpHeaderBytes) return view;
    const std::size_t header = std::size_t{segment[12]} >> 4 << 2;
    if (header > segment.size()) return view;
    if (header < kTcpHeaderBytes) {
      view = tl::unexpected(stack::Drop::kBadHeaderLength);
      return view;
    }
    view.emplace(Unchecked{}, segment, header);
    if (header == kTcpHeaderBytes) return view;
    const std::uint8_t* list = segment.data() + kTcpHeaderBytes;
    if (header == kTcpHeaderBytes + 12 && load_be32(list) == 0x0101080aU) {  // NOP NOP TS: nearly every segment
      view->options_.has_timestamps = true;
      view->options_.ts_value = load_be32(list + 4);
      view->options_.ts_echo = load_be32(list + 8);
    } else if (!parse_tcp_options({list, header - kTcpHeaderBytes}, view->options_)) {
      view = tl::unexpected(stack::Drop::kBadHeaderLength);
    }
    return view;
  }

  // For parse() alone: nobody else can name the tag.
  TcpView(Unchecked, Bytes segment, std::size_t header) noexcept : segment_(segment), header_(header) {}

  [[nodiscard]] Port source_port() const { return {load_be16(segment_.data())}; }
  [[nodiscard]] Port dest_port() const { return {load_be16(segment_.data() + 2)}; }
  [[nodiscard]] SeqNum seq() const { return SeqNum{load_be32(segment_.data() + 4)}; }
  [[nodiscard]] SeqNum ack() const { return SeqNum{load_be32(segment_.data() + 8)}; }
  [[nodiscard]] std::uint8_t flags() const { return segment_[13] & 0x3f; }
  [[nodiscard]] bool has(std::uint8_t flag) const { return (segment_[13] & flag) != 0; }
  [[nodiscard]] std::uint16_t window() const { return load_be16(segment_.data() + 14); }  // not scaled
  [[nodiscard]] std::uint16_t urgent_pointer() const { return load_be16(segment_.data() + 18); }
  [[nodiscard]] const TcpOptions& options() const { return options_; }
  [[nodiscard]] Bytes payload() const { return segment_.subspan(header_); }
  [[nodiscard]] Bytes segment() const { return segment_; }
  // What the segment takes of the sequence space: data, SYN and FIN (RFC 9293 section 3.4).
  [[nodiscard]] std::uint32_t sequence_length() const {
    return static_cast<std::uint32_t>(segment_.size() - header_) + (has(kTcpSyn) ? 1U : 0U) + (has(kTcpFin) ? 1U : 0U);
  }

 private:
  Bytes segment_;
  std::size_t header_;
  TcpOptions options_;
};

// A header to be written. Data follows it and is the caller's, as is the checksum: the field is left zero.
// Options are laid out as kernels do, so that every header is a multiple of four:
// SYN: MSS, SACK-permitted + timestamps, NOP + window scale. Else: NOP NOP timestamps, NOP NOP SACK.
struct TcpRepr {
  Port source{};
  Port dest{};
  SeqNum seq{};
  SeqNum ack{};
  std::uint8_t flags = 0;
  std::uint16_t window = 0;  // as it goes on the wire: already scaled
  TcpOptions options{};

  // How many of the SACK blocks find room: the list has 40 bytes (with timestamps 3 blocks, RFC 2018 section 3).
  [[nodiscard]] std::size_t sack_blocks_emitted() const {
    if (options.sack_count == 0) return 0;
    const std::size_t room = kTcpMaxHeaderBytes - kTcpHeaderBytes - fixed_options_size();
    return std::min<std::size_t>({options.sack_count, options.sack.size(), (room - 4) / 8});
  }
  [[nodiscard]] std::size_t header_size() const {
    const std::size_t blocks = sack_blocks_emitted();
    return kTcpHeaderBytes + fixed_options_size() + (blocks == 0 ? 0 : 4 + 8 * blocks);
  }
  [[nodiscard]] std::size_t emitted_size() const { return header_size(); }
  // Writes header_size() bytes.
  void emit_header(std::uint8_t* out) const {
    const std::size_t size = header_size();
    // Whole words: the checksum reads them back at once, and a word that was written in halves cannot be forwarded.
    store_be32(out, std::uint32_t{source.number} << 16 | dest.number);
    store_be32(out + 4, seq.value());
    store_be32(out + 8, ack.value());
    store_be32(out + 12, static_cast<std::uint32_t>(size) << 26 | std::uint32_t{flags} << 16 | window);
    store_be32(out + 16, 0);  // checksum, urgent pointer
    if (size != kTcpHeaderBytes) emit_options(out + kTcpHeaderBytes);
  }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    emit_header(out.data());
  }

 private:
  [[nodiscard]] std::size_t fixed_options_size() const {
    return (options.mss ? 4U : 0U) +
           (options.has_timestamps   ? 12U
            : options.sack_permitted ? 4U
                                     : 0U) +
           (options.window_scale ? 4U : 0U);
  }
  void emit_options(std::uint8_t* out) const {
    if (options.mss) {
      store_be32(out, 0x02040000U | *options.mss);
      out += 4;
    }
    if (options.has_timestamps) {
      store_be32(out, options.sack_permitted ? 0x0402080aU : 0x0101080aU);
      store_be32(out + 4, options.ts_value);
      store_be32(out + 8, options.ts_echo);
      out += 12;
    } else if (options.sack_permitted) {
      store_be32(out, 0x01010402U);
      out += 4;
    }
    if (options.window_scale) {
      store_be32(out, 0x01030300U | *options.window_scale);
      out += 4;
    }
    const std::size_t blocks = sack_blocks_emitted();
    if (blocks == 0) return;
    store_be32(out, 0x01010500U | static_cast<std::uint32_t>(2 + 8 * blocks));
    out += 4;
    for (std::size_t i = 0; i < blocks; ++i, out += 8) {
      store_be32(out, options.sack[i].left.value());
      store_be32(out + 4, options.sack[i].right.value());
    }
  }
};

}  // namespace myriad::wire
