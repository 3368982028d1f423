// Reads the parts of a packet. Private to templates/plan.
#pragma once

#include "craft/language.h"
#include "templates/plan/flow_draft.h"
#include "templates/plan/reading.h"

namespace myriad::plan {

// The layers and the payload of `node`, a list.
void read_packet(Reading& reading, const Node& node, FlowDraft& draft);

// What a field is given: a constant, or one of the mappings that make it vary. nullopt after a report.
std::optional<craft::FieldValue> read_field_value(Reading& reading, const Node& node,
                                                  const craft::FieldDefinition& field);
// A single value of the field.
std::optional<craft::Number> read_field_number(Reading& reading, const Node& node, const craft::FieldDefinition& field);

// Bytes written as hexadecimal digits; between two bytes there may be spaces and colons.
std::optional<std::vector<std::uint8_t>> read_hex(Reading& reading, const Node& node, std::size_t most);

// The bytes of TCP options, of a list of them.
std::vector<std::uint8_t> read_tcp_options(Reading& reading, const Node& node);

}  // namespace myriad::plan
