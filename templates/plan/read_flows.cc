// flows: who sends, how large, how fast, how long. What is sent is read in read_packet.cc.
#include <algorithm>

#include "templates/plan/keys_flows.h"
#include "templates/plan/read_packet.h"

namespace myriad::plan {
namespace {

constexpr std::size_t kMostFlows = 1024;
constexpr double kMostFramesPerSecond = 1e9;
constexpr double kMostBitsPerSecond = 1e12;
constexpr std::uint64_t kMostPackets = std::uint64_t{1} << 62;
constexpr std::uint64_t kMostWeight = 1000;
constexpr std::size_t kMostSizes = 1000;
constexpr std::uint32_t kFcs = 4;
constexpr std::uint32_t kPreambleAndGap = 20;

// ---- rate

void set_rate(Reading& reading, const Node& node, FlowRate& rate, FlowRateKind kind, double most) {
  const auto value = reading.quantity(node, kind == FlowRateKind::kFrames ? parse_frame_rate : parse_bit_rate);
  if (!value) return;
  if (*value <= 0 || *value > most) {
    return reading.wrong(
        node.at, fmt::format("{} is no rate to send at", quoted(node.text)),
        kind == FlowRateKind::kFrames ? "above 0pps, at most 1Gpps; or max" : "above 0bps, at most 1000Gbps; or max");
  }
  rate.kind = kind;
  rate.per_second = *value;
}

FlowRate read_rate(Reading& reading, const Node& node, Place at) {
  FlowRate rate;
  if (!node.is_map()) {
    const auto text = reading.text(node);
    if (!text) return rate;
    if (*text == "max") {
      rate.kind = FlowRateKind::kMax;
      rate.per_second = 0;
    } else if (text->ends_with("bps")) {
      set_rate(reading, node, rate, FlowRateKind::kBits, kMostBitsPerSecond);
    } else {
      set_rate(reading, node, rate, FlowRateKind::kFrames, kMostFramesPerSecond);
    }
    return rate;
  }
  Fields fields(reading, node, kFlowRateTable, "'rate'", at);
  static constexpr std::string_view kKinds[] = {"pps", "bps"};
  const auto kind = fields.one_of(kKinds);
  if (kind == "pps") set_rate(reading, *fields.find("pps"), rate, FlowRateKind::kFrames, kMostFramesPerSecond);
  if (kind == "bps") set_rate(reading, *fields.find("bps"), rate, FlowRateKind::kBits, kMostBitsPerSecond);
  if (const Node* const layer = fields.find("layer")) {
    const auto number = reading.integer(*layer, 1, 2);
    if (kind == "pps") reading.wrong(layer->at, "frames are counted the same on every layer", "layer belongs to bps");
    if (number == 1) rate.overhead_bytes = kFcs + kPreambleAndGap;
  }
  return rate;
}

// ---- duration

void read_bursts(Reading& reading, const Node& node, Place at, FlowPlan& flow) {
  Fields fields(reading, node, kBurstTable, "'bursts'", at);
  Bursts bursts;
  const Node* const packets = fields.require("packets");
  const Node* const gap = fields.require("gap");
  const Node* const count = fields.find("count");
  if (packets != nullptr) bursts.packets = reading.integer(*packets, 1, kMostPackets).value_or(1);
  if (gap != nullptr) bursts.gap = reading.duration(*gap, Duration{0}).value_or(Duration{0});
  if (count != nullptr) bursts.count = reading.integer(*count, 1, kMostPackets).value_or(1);
  if (bursts.count && bursts.packets > kMostPackets / *bursts.count) {
    reading.wrong(node.at, "more packets than can be counted", "fewer bursts, or no count at all");
  }
  flow.bursts = bursts;
}

void read_duration(Reading& reading, const Node& node, Place at, FlowPlan& flow) {
  if (node.is_scalar()) {
    if (node.text != "none") flow.seconds = reading.duration(node, std::chrono::microseconds{1});
    return;
  }
  Fields fields(reading, node, kFlowDurationTable, "'duration'", at);
  static constexpr std::string_view kKinds[] = {"seconds", "packets", "bursts"};
  const auto kind = fields.one_of(kKinds);
  if (kind == "seconds") flow.seconds = reading.duration(*fields.find("seconds"), std::chrono::microseconds{1});
  if (kind == "packets") flow.packets = reading.integer(*fields.find("packets"), 1, kMostPackets);
  if (kind == "bursts") read_bursts(reading, *fields.find("bursts"), fields.place_of("bursts"), flow);
}

// ---- size

std::optional<std::uint64_t> read_size(Reading& reading, const Node* node) {
  if (node == nullptr) return std::nullopt;
  const auto size = reading.quantity(*node, parse_size);
  if (!size || *size <= craft::kMostFrameBytes + craft::kFcsBytes) return size;
  reading.wrong(node->at, fmt::format("a frame of {}", size_text(*size)),
                fmt::format("at most {}B with FCS", craft::kMostFrameBytes + craft::kFcsBytes));
  return std::nullopt;
}

struct Weighted {
  std::uint64_t size = 0;
  std::uint64_t weight = 1;
};

// Each size as often as its weight says, and spread as evenly as can be: the one that is furthest behind comes next.
craft::Values spread(const std::vector<Weighted>& sizes) {
  craft::Values values;
  std::uint64_t total = 0;
  for (const Weighted& one : sizes) total += one.weight;
  std::vector<std::int64_t> behind(sizes.size(), 0);
  for (std::uint64_t i = 0; i < total; ++i) {
    std::size_t next = 0;
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      behind[s] += static_cast<std::int64_t>(sizes[s].weight);
      if (behind[s] > behind[next]) next = s;
    }
    behind[next] -= static_cast<std::int64_t>(total);
    values.list.push_back(sizes[next].size);
  }
  return values;
}

void read_imix(Reading& reading, const Node& node, FlowDraft& draft) {
  if (node.is_scalar()) {
    if (!reading.choice<bool>(node, {{"default", true}})) return;
    draft.size = spread({{64, 7}, {594, 4}, {1518, 1}});  // the "simple IMIX" of the field
    draft.size_text = "IMIX";
    return;
  }
  if (!node.is_list() || node.items.empty() || node.items.size() > kMostSizes) {
    return reading.wrong(node.at,
                         fmt::format("'imix' is default, or a list of sizes and weights; this is {}", node.kind_name()),
                         "as in [{size: 64B, weight: 7}, {size: 1518B, weight: 1}]");
  }
  std::vector<Weighted> sizes;
  std::uint64_t total = 0;
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) return;
    Fields fields(reading, *item, kImixTable, "a size", item->at);
    Weighted one;
    one.size = read_size(reading, fields.require("size")).value_or(0);
    if (const Node* const weight = fields.find("weight"))
      one.weight = reading.integer(*weight, 1, kMostWeight).value_or(1);
    total += one.weight;
    sizes.push_back(one);
  }
  if (total > 10 * kMostWeight)
    return reading.wrong(node.at, fmt::format("weights of {} together", total),
                         fmt::format("at most {}", 10 * kMostWeight));
  draft.size = spread(sizes);
  draft.size_text = "IMIX of " + std::to_string(sizes.size()) + " sizes";
}

void read_sizes(Reading& reading, const Node& node, FlowDraft& draft) {
  if (!node.is_list() || node.items.empty() || node.items.size() > kMostSizes) {
    return reading.wrong(
        node.at,
        fmt::format("'values' is a list of sizes, not {}", node.is_list() ? "one of that length" : node.kind_name()),
        "as in [64B, 594B, 1518B]");
  }
  craft::Values values;
  for (const NodePtr& item : node.items) {
    if (const auto size = read_size(reading, item.get())) values.list.push_back(*size);
  }
  draft.size = std::move(values);
  draft.size_text = fmt::format("{} sizes in turn", node.items.size());
}

void read_size_increment(Reading& reading, const Node& node, Place at, FlowDraft& draft) {
  Fields fields(reading, node, kSizeIncrementTable, "'increment'", at);
  const Node* const start = fields.require("start");
  const Node* const step = fields.find("step");
  const Node* const count = fields.require("count");
  if (start == nullptr || count == nullptr) return;
  craft::Counting counting;
  counting.start = read_size(reading, start).value_or(0);
  if (step != nullptr) counting.step = read_size(reading, step).value_or(1);
  const std::uint64_t times = reading.integer(*count, 1, craft::kMostFrameBytes).value_or(1);
  counting.count = times;
  draft.size = counting;
  draft.size_text = fmt::format("{} sizes from {} on", times, size_text(static_cast<std::uint64_t>(counting.start)));
}

void read_flow_size(Reading& reading, const Node& node, Place at, FlowDraft& draft) {
  draft.size_at = node.at;
  if (!node.is_map()) {
    const auto size = read_size(reading, &node);
    if (!size) return;
    draft.size = craft::Constant{*size};
    draft.size_text = size_text(*size);
    return;
  }
  Fields fields(reading, node, kFlowSizeTable, "'size'", at);
  static constexpr std::string_view kKinds[] = {"imix", "values", "random", "increment"};
  const auto kind = fields.one_of(kKinds);
  if (!kind) return;
  const Node& value = *fields.find(*kind);
  if (*kind == "imix") return read_imix(reading, value, draft);
  if (*kind == "values") return read_sizes(reading, value, draft);
  if (*kind == "random") {
    Fields bounds(reading, value, kSizeRandomTable, "'random'", fields.place_of(*kind));
    const auto least = read_size(reading, bounds.require("min"));
    const auto most = read_size(reading, bounds.require("max"));
    if (!least || !most) return;
    draft.size = craft::RandomBetween{*least, *most};
    draft.size_text = fmt::format("{} to {} at random", size_text(*least), size_text(*most));
    return;
  }
  read_size_increment(reading, value, fields.place_of(*kind), draft);
}

// ---- the flow

void read_sender(Reading& reading, Fields& fields, FlowPlan& flow) {
  static constexpr std::string_view kSenders[] = {"from", "port"};
  const auto sender = fields.one_of(kSenders);
  if (!sender) return;
  const Node& node = *fields.find(*sender);
  if (*sender == "port") {
    flow.port = reading.reference(node, reading.ports, "port").value_or(0);
    return;
  }
  flow.group = reading.reference(node, reading.groups, "group of hosts");
  if (flow.group) flow.port = reading.plan.groups[*flow.group].port;
}

void read_mutation(Reading& reading, const Node& node, Place at, FlowDraft& draft) {
  Fields fields(reading, node, kMutateTable, "'mutate'", at);
  craft::Mutation mutation;
  if (const Node* const bits = fields.require("bits")) {
    mutation.bits = reading.quantity(*bits, parse_percent).value_or(1);
    if (mutation.bits <= 0) reading.wrong(bits->at, "no bit is flipped", "above 0%, or leave 'mutate' out");
  }
  if (const Node* const seed = fields.find("seed")) {
    mutation.seed = reading.quantity(*seed, parse_integer).value_or(0);
    draft.mutation_seeded = true;
  }
  draft.mutation = mutation;
}

// Packets of hosts may begin with what their frames carry.
void add_ethernet(FlowDraft& draft) {
  using craft::LayerKind;
  if (draft.packet.layers.empty()) return;
  const LayerKind first = draft.packet.layers[0].kind;
  if (first != LayerKind::kIpv4 && first != LayerKind::kIpv6 && first != LayerKind::kArp) return;
  craft::Layer ethernet;
  ethernet.kind = LayerKind::kEthernet;
  draft.packet.layers.insert(draft.packet.layers.begin(), std::move(ethernet));
  draft.layers.insert(draft.layers.begin(), LayerPlaces{draft.layers[0].at, {}});
}

void read_flow(Reading& reading, const Entry& entry) {
  Fields fields(reading, *entry.value, kFlowTable, "flow " + quoted(entry.key), entry.at);
  FlowPlan flow;
  FlowDraft draft;
  flow.name = entry.key;
  draft.at = draft.packet_at = draft.payload_at = draft.size_at = draft.data_at = entry.at;
  read_sender(reading, fields, flow);
  if (const Node* const order = fields.find("order")) {
    using craft::HostOrder;
    draft.order = reading.choice<HostOrder>(*order, {{"in_order", HostOrder::kInOrder}, {"random", HostOrder::kRandom}})
                      .value_or(HostOrder::kInOrder);
    if (fields.has("port"))
      reading.wrong(order->at, "'order' is that of hosts, and the flow has none", "remove it, or say from: GROUP");
  }
  if (const Node* const packet =
          fields.require("packet", "as in packet: [ethernet: {dst: resolve}, ipv4: {dst: 10.0.0.1}]")) {
    read_packet(reading, *packet, draft);
    if (fields.has("from")) add_ethernet(draft);
  }
  if (const Node* const size = fields.find("size")) read_flow_size(reading, *size, fields.place_of("size"), draft);
  if (const Node* const rate = fields.find("rate")) flow.rate = read_rate(reading, *rate, fields.place_of("rate"));
  if (const Node* const duration = fields.find("duration"))
    read_duration(reading, *duration, fields.place_of("duration"), flow);
  if (const Node* const data = fields.find("data")) {
    draft.data_at = data->at;
    flow.data = reading.beside(reading.text(*data).value_or(""));
  }
  if (const Node* const mutate = fields.find("mutate"))
    read_mutation(reading, *mutate, fields.place_of("mutate"), draft);
  reading.flows.add(entry.key, entry.at);
  reading.plan.flows.push_back(std::move(flow));
  reading.flow_drafts.push_back(std::move(draft));
}

}  // namespace

std::string Reading::beside(const std::string& path) const {
  const auto slash = plan.file.rfind('/');
  if (path.empty() || path.front() == '/' || slash == std::string::npos) return path;
  return plan.file.substr(0, slash + 1) + path;
}

void read_flows(Reading& reading, const Node& section) {
  if (section.entries.size() > kMostFlows) {
    return reading.wrong(section.entries[kMostFlows].at, fmt::format("more than {} flows", kMostFlows),
                         "one flow can vary in many fields");
  }
  for_each_named(reading, section, "flows", [&](const Entry& entry) { read_flow(reading, entry); });
}

}  // namespace myriad::plan
