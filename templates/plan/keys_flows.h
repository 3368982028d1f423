// Keys of `flows`. Those of the layers of a packet are made from the table of fields in craft/.
#pragma once

#include <vector>

#include "templates/plan/keys.h"

namespace myriad::plan {

inline constexpr Key kFlowKeys[] = {
    {"from", "name", "none"},
    {"port", "name", "none"},
    {"order", "in_order, random", "in_order"},
    {"packet", "list", "required"},
    {"size", "size, mapping", "none"},
    {"rate", "frame rate, bit rate, max, mapping", "1kpps"},
    {"duration", "duration, mapping, none", "none"},
    {"data", "path", "none"},
    {"mutate", "mapping", "none"},
};
inline constexpr Key kFlowRateKeys[] = {
    {"pps", "frame rate", "none"},
    {"bps", "bit rate", "none"},
    {"layer", "1, 2", "2"},
};
inline constexpr Key kFlowDurationKeys[] = {
    {"seconds", "duration", "none"},
    {"packets", "integer", "none"},
    {"bursts", "mapping", "none"},
};
inline constexpr Key kBurstKeys[] = {
    {"packets", "integer", "required"},
    {"gap", "duration", "required"},
    {"count", "integer", "none"},
};
inline constexpr Key kFlowSizeKeys[] = {
    {"imix", "default, list", "none"},
    {"values", "list", "none"},
    {"random", "mapping", "none"},
    {"increment", "mapping", "none"},
};
inline constexpr Key kImixKeys[] = {
    {"size", "size", "required"},
    {"weight", "integer", "1"},
};
inline constexpr Key kSizeRandomKeys[] = {
    {"min", "size", "required"},
    {"max", "size", "required"},
};
inline constexpr Key kSizeIncrementKeys[] = {
    {"start", "size", "required"},
    {"step", "size", "1B"},
    {"count", "integer", "required"},
};
inline constexpr Key kMutateKeys[] = {
    {"bits", "percentage", "required"},
    {"seed", "integer", "none"},
};
inline constexpr Key kPayloadKeys[] = {
    {"text", "text, mapping", "none"}, {"hex", "hex, mapping", "none"}, {"random", "true, size", "none"},
    {"file", "path", "none"},          {"sequence", "true", "none"},    {"fill", "hex", "00"},
};
inline constexpr Key kPayloadColumnKeys[] = {
    {"column", "name", "required"},
};
inline constexpr Key kFieldValueKeys[] = {
    {"values", "list", "none"},
    {"increment", "mapping", "none"},
    {"decrement", "mapping", "none"},
    {"random", "mapping", "none"},
    {"host", "mac, ipv4, ipv6, index, vlan", "none"},
    {"column", "name", "none"},
};
inline constexpr Key kCountingKeys[] = {
    {"start", "value", "0"},
    {"step", "value", "1"},
    {"count", "integer", "none"},
};
inline constexpr Key kRandomKeys[] = {
    {"min", "value", "0"},
    {"max", "value", "all bits set"},
    {"prefix", "address/length", "none"},
};
inline constexpr Key kTcpOptionKeys[] = {
    {"mss", "integer", "none"},        {"window_scale", "integer", "none"}, {"sack_permitted", "nothing", "none"},
    {"timestamps", "mapping", "none"}, {"nop", "nothing", "none"},          {"hex", "hex", "none"},
};
inline constexpr Key kTimestampsKeys[] = {
    {"value", "integer", "0"},
    {"echo", "integer", "0"},
};
inline constexpr Key kRawFieldKeys[] = {
    {"bit", "integer", "required"},
    {"width", "integer", "required"},
    {"value", "value, mapping", "required"},
};

inline constexpr KeyTable kFlowTable{"flows.NAME", kFlowKeys};
inline constexpr KeyTable kFlowRateTable{"flows.NAME.rate", kFlowRateKeys};
inline constexpr KeyTable kFlowDurationTable{"flows.NAME.duration", kFlowDurationKeys};
inline constexpr KeyTable kBurstTable{"flows.NAME.duration.bursts", kBurstKeys};
inline constexpr KeyTable kFlowSizeTable{"flows.NAME.size", kFlowSizeKeys};
inline constexpr KeyTable kImixTable{"flows.NAME.size.imix", kImixKeys};
inline constexpr KeyTable kSizeRandomTable{"flows.NAME.size.random", kSizeRandomKeys};
inline constexpr KeyTable kSizeIncrementTable{"flows.NAME.size.increment", kSizeIncrementKeys};
inline constexpr KeyTable kMutateTable{"flows.NAME.mutate", kMutateKeys};
inline constexpr KeyTable kPayloadTable{"flows.NAME.packet.payload", kPayloadKeys};
inline constexpr KeyTable kPayloadColumnTable{"flows.NAME.packet.payload.text", kPayloadColumnKeys};
inline constexpr KeyTable kFieldValueTable{"flows.NAME.packet.LAYER.FIELD", kFieldValueKeys};
inline constexpr KeyTable kCountingTable{"flows.NAME.packet.LAYER.FIELD.increment", kCountingKeys};
inline constexpr KeyTable kRandomTable{"flows.NAME.packet.LAYER.FIELD.random", kRandomKeys};
inline constexpr KeyTable kTcpOptionTable{"flows.NAME.packet.tcp.options", kTcpOptionKeys};
inline constexpr KeyTable kTimestampsTable{"flows.NAME.packet.tcp.options.timestamps", kTimestampsKeys};
inline constexpr KeyTable kRawFieldTable{"flows.NAME.packet.raw.fields", kRawFieldKeys};

inline constexpr std::array kFlowTables = {
    kFlowTable,       kFlowRateTable,      kFlowDurationTable, kBurstTable,      kFlowSizeTable,      kImixTable,
    kSizeRandomTable, kSizeIncrementTable, kMutateTable,       kPayloadTable,    kPayloadColumnTable, kFieldValueTable,
    kCountingTable,   kRandomTable,        kTcpOptionTable,    kTimestampsTable, kRawFieldTable,
};

// Of each layer of craft: its fields, its options, and what else it may be given. The tables live as long as the
// process.
[[nodiscard]] std::span<const KeyTable> layer_tables();

}  // namespace myriad::plan
