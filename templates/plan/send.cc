#include "templates/plan/send.h"

#include <memory>
#include <utility>

#include "templates/plan/reading.h"
#include "templates/plan/yaml.h"

namespace myriad::plan {
namespace {

constexpr std::string_view kName = "send";

// The scenario as a tree, made from options. Each of them is a source of its own, so that reports show it.
class Tree {
 public:
  explicit Tree(Problems& problems) : problems_(problems) {}

  // The text of an option as YAML; nullptr when it is no good.
  NodePtr yaml(std::string option, std::string text) {
    const std::uint32_t source = problems_.add_source(std::move(option), std::move(text));
    if (!check_text(source, problems_)) return nullptr;
    NodePtr node = parse_yaml(problems_.source_text(source), {source, 1, 1}, problems_);
    if (!node && problems_.none()) problems_.add({source, 1, 1}, "nothing", "as in 'udp: {dst: 9}'");
    return node;
  }
  static NodePtr scalar(std::string_view text, Place at = {}) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kScalar;
    node->at = at;
    node->text = std::string(text);
    return node;
  }
  static std::shared_ptr<Node> map(std::initializer_list<std::pair<std::string_view, NodePtr>> entries) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kMap;
    for (const auto& [key, value] : entries) put(*node, key, value);
    return node;
  }
  static void put(Node& map, std::string_view key, const NodePtr& value) {
    if (value) map.entries.push_back({std::string(key), value->at, value});
  }
  void put_option(Node& map, std::string_view key, const std::optional<std::string>& text) {
    if (text) put(map, key, yaml("--" + std::string(key), *text));
  }

 private:
  Problems& problems_;
};

// A list without its brackets is still a list.
std::string packet_text(const std::string& packet) {
  const auto first = packet.find_first_not_of(" \n");
  const bool is_list = first != packet.npos && (packet[first] == '[' || packet[first] == '-');
  return is_list ? packet : "[" + packet + "]";
}

std::string_view mode_text(PortMode mode) {
  constexpr std::string_view kModes[] = {"auto", "zero-copy", "copy", "skb"};
  return kModes[static_cast<std::size_t>(mode)];
}

NodePtr scenario_of(const SendOptions& options, Problems& problems) {
  Tree tree(problems);
  const NodePtr interface = Tree::scalar(options.interface, {problems.add_source("-i", options.interface), 1, 1});
  const auto flow = Tree::map({{"port", Tree::scalar(kName)}});
  Tree::put(*flow, "packet", tree.yaml("--packet", packet_text(options.packet)));
  tree.put_option(*flow, "size", options.size);
  tree.put_option(*flow, "rate", options.rate);
  tree.put_option(*flow, "data", options.data);
  tree.put_option(*flow, "mutate", options.mutate);
  if (options.count) {
    Tree::put(*flow, "duration", Tree::map({{"packets", tree.yaml("--count", *options.count)}}));
  }
  const auto root = Tree::map(
      {{"version", Tree::scalar("1")},
       {"ports",
        Tree::map({{kName, Tree::map({{"interface", interface}, {"mode", Tree::scalar(mode_text(options.mode))}})}})},
       {"flows", Tree::map({{kName, flow}})}});
  tree.put_option(*root, "seed", options.seed);
  tree.put_option(*root, "duration", options.duration);
  return root;
}

}  // namespace

Result<Plan> plan_of_send(const SendOptions& options) {
  Problems problems;
  const LoadOptions nothing;
  const NodePtr root = scenario_of(options, problems);
  Reading reading(problems, nothing);
  if (options.mac) {
    craft::HostRange& sender = reading.sender.emplace();
    sender.mac = *options.mac;
    sender.ipv4 = options.ipv4;
    sender.ipv6 = options.ipv6;
  }
  if (problems.none()) read_scenario(reading, *root);
  if (problems.none()) {
    // The run has nothing else to do: it lasts as long as the flow, to the frame.
    reading.plan.flows[0].seconds = std::exchange(reading.plan.duration, std::nullopt);
    return std::move(reading.plan);
  }
  return fail(Fault::kUsage, text_of(problems.list()));
}

}  // namespace myriad::plan
