// The state of a compilation, and its steps in the order of their declaration. Private to craft/.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "craft/compile.h"
#include "craft/operations.h"

namespace myriad::craft {

class Compiler {
 public:
  Compiler(const Packet& packet, const CompileOptions& options) : packet_(packet), options_(options) {}

  tl::expected<Program, CompileError> compile();

 private:
  // A layer at its place in the frame.
  struct Placed {
    Layer layer;
    std::optional<std::size_t> source;  // index into Packet::layers; none for what was added
    std::size_t at = 0;                 // bytes from the start of the frame
    std::size_t bytes = 0;

    [[nodiscard]] const LayerDefinition& definition() const { return definition_of(layer.kind); }
  };
  // A checksum that follows from the frame.
  struct Sum {
    std::size_t field_at = 0;
    std::size_t start = 0;
    std::optional<std::size_t> end;  // none: that of the frame
    const Placed* pseudo = nullptr;  // IP layer of the pseudo-header
    std::uint8_t protocol = 0;
    bool wrong = false;
  };

  // layout.cc
  bool add_vlans();
  bool lay_out();
  bool check_order(std::size_t index);
  bool announce(std::size_t index);
  bool announced_in(const Placed& layer, std::size_t index);
  bool choose_lengths();
  bool check_lengths(std::uint64_t least, std::uint64_t most);
  void write_payload();

  // values.cc
  bool write_fields(Placed& placed);
  bool write_default(Placed& placed, const FieldDefinition& field);
  bool write_given(Placed& placed, const GivenField& given);
  bool write_destination(Placed& ethernet);
  bool write_host_field(const Placed& placed, const FieldDefinition& field, HostField host);
  bool vary(const Placed& placed, const FieldDefinition& field, Operation op);
  void write_bits(const Placed& placed, const FieldDefinition& field, Number value);
  bool check_value(const FieldDefinition& field, Number value);
  // The operation that makes a value; nullopt after an error. A value that is always the same makes none: see constant.
  std::optional<Operation> maker(const FieldDefinition& field, const FieldValue& value);
  std::optional<Operation> host_maker(const FieldDefinition& field, HostField host);
  Operation table_maker(const std::vector<Number>& list, bool wide);
  bool choose_put(const Placed& placed, const FieldDefinition& field, Operation& op);
  std::optional<std::uint32_t> column(ColumnUse use);
  // Of the next thing that draws at random.
  [[nodiscard]] std::uint64_t next_seed() { return mix64(options_.seed ^ mix64(++drawn_)); }

  // sums.cc
  bool add_checksum(const Placed& placed, const FieldDefinition& field, bool wrong);
  bool finish_checksums();
  bool finish_checksum(Sum& sum);
  std::optional<bool> contribute_pseudo(const Sum& sum, std::uint8_t index);
  bool contributes(Operation& op, std::uint8_t index, std::size_t end_bit, std::size_t start);
  [[nodiscard]] std::uint64_t constant_sum(const Sum& sum) const;
  void make_prefix();

  bool add(Operation op);
  bool refuse(std::string what, std::string suggestion);
  // What is being compiled, for errors.
  void at_layer(const Placed& placed);
  void at_field(const Placed& placed, std::size_t index);

  const Packet& packet_;
  const CompileOptions& options_;
  std::vector<Placed> layers_;
  std::vector<Sum> sums_;
  // Of each operation, the bits in the frame that it puts: where its last bit ends.
  std::vector<std::size_t> end_bits_;
  std::vector<ColumnUse> columns_;
  ProgramParts parts_;
  std::size_t l2_bytes_ = kLeastFrameBytes;  // Ethernet and VLAN tags
  std::uint64_t drawn_ = 0;
  CompileError error_;
};

}  // namespace myriad::craft
