#include "templates/plan/overrides.h"

#include <fmt/format.h>

#include <algorithm>

#include "templates/plan/units.h"
#include "templates/plan/yaml.h"

namespace myriad::plan {
namespace {

constexpr std::size_t kDeepestPath = 16;

struct Step {
  std::string key;
  Place at;
};
using Path = std::vector<Step>;

// "hosts.clients.count" → its steps. Behind `thresholds.` stands one key, which has dots of its own.
Path split_path(std::string_view text, std::uint32_t source) {
  Path path;
  std::size_t begin = 0;
  while (true) {
    const bool whole = path.size() == 1 && path[0].key == "thresholds";
    const auto dot = whole ? text.npos : text.find('.', begin);
    path.push_back({std::string(text.substr(begin, dot == text.npos ? dot : dot - begin)),
                    {source, 1, static_cast<std::uint32_t>(begin + 1)}});
    if (dot == text.npos) return path;
    begin = dot + 1;
  }
}

// Copies the nodes along a path and puts `value` at its end.
class Setter {
 public:
  Setter(const Path& path, NodePtr value, Problems& problems)
      : path_(path), value_(std::move(value)), problems_(problems) {}

  NodePtr into(const NodePtr& node, std::size_t depth = 0) {
    if (depth == path_.size()) return value_;
    const Step& step = path_[depth];
    auto copy = std::make_shared<Node>();
    if (node) *copy = *node;
    if (!node) copy->at = step.at;
    if (copy->is_null()) copy->kind = Node::Kind::kMap;
    if (copy->is_list()) return into_list(std::move(copy), depth);
    if (!copy->is_map()) {
      problems_.add(step.at, fmt::format("{} is a single value, with nothing inside", quoted(path_[depth - 1].key)),
                    "end the path there");
      return node;
    }
    const auto entry =
        std::find_if(copy->entries.begin(), copy->entries.end(), [&](const Entry& e) { return e.key == step.key; });
    if (entry == copy->entries.end()) {
      copy->entries.push_back({step.key, step.at, into(nullptr, depth + 1)});
    } else {
      entry->value = into(entry->value, depth + 1);
      entry->at = step.at;
    }
    return copy;
  }

 private:
  NodePtr into_list(std::shared_ptr<Node> list, std::size_t depth) {
    const Step& step = path_[depth];
    const auto index = parse_integer(step.key);
    if (!index || *index >= list->items.size()) {
      problems_.add(
          step.at, fmt::format("the list has no item {}", quoted(step.key)),
          list->items.empty() ? std::string("it is empty") : fmt::format("from 0 to {}", list->items.size() - 1));
      return list;
    }
    list->items[*index] = into(list->items[*index], depth + 1);
    return list;
  }

  const Path& path_;
  NodePtr value_;
  Problems& problems_;
};

NodePtr scalar(std::string_view text, Place at) {
  auto node = std::make_shared<Node>();
  node->kind = Node::Kind::kScalar;
  node->at = at;
  node->text = std::string(text);
  return node;
}

// Adds the option's text as a source; nullopt when it is no good.
std::optional<std::uint32_t> add_option(std::string option, const std::string& text, Problems& problems) {
  const std::uint32_t source = problems.add_source(std::move(option), text);
  if (text.size() > kMostTextBytes) {
    problems.add({source, 0, 0}, "too long", "at most 1MiB");
    return std::nullopt;
  }
  return check_text(source, problems) ? std::optional{source} : std::nullopt;
}

NodePtr set(NodePtr root, const std::string& text, Problems& problems) {
  const auto source = add_option("--set", text, problems);
  if (!source) return root;
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) {
    problems.add({*source, 1, 1}, "a path and its value are needed", "as in --set hosts.clients.count=100");
    return root;
  }
  const Path path = split_path(std::string_view(text).substr(0, equals), *source);
  const auto empty = std::find_if(path.begin(), path.end(), [](const Step& s) { return s.key.empty(); });
  if (empty != path.end() || path.size() > kDeepestPath) {
    problems.add(empty != path.end() ? empty->at : path[kDeepestPath].at,
                 empty != path.end() ? "an empty step in the path" : "a path that leads nowhere",
                 "as in --set hosts.clients.count=100");
    return root;
  }
  const NodePtr value = parse_yaml(std::string_view(text).substr(equals + 1),
                                   {*source, 1, static_cast<std::uint32_t>(equals + 2)}, problems);
  return value ? Setter(path, value, problems).into(root) : root;
}

NodePtr set_interface(NodePtr root, const std::string& text, Problems& problems) {
  const auto source = add_option("-i", text, problems);
  if (!source) return root;
  const Entry* const ports = root->find("ports");
  std::vector<std::string_view> names;
  if (ports != nullptr) {
    for (const Entry& port : ports->value->entries) names.push_back(port.key);
  }
  const auto equals = text.find('=');
  const Place begin{*source, 1, 1};
  if (equals == text.npos && names.size() != 1) {
    problems.add(begin, fmt::format("which of the {} ports is meant?", names.size()), "write NAME=IFACE");
    return root;
  }
  const std::string name = equals == text.npos ? std::string(names[0]) : text.substr(0, equals);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    problems.add(begin, fmt::format("the scenario has no port {}", quoted(name)), did_you_mean(name, names));
    return root;
  }
  const std::size_t at = equals == text.npos ? 0 : equals + 1;
  const Place value_at{*source, 1, static_cast<std::uint32_t>(at + 1)};
  const Path path{{"ports", begin}, {name, begin}, {"interface", begin}};
  return Setter(path, scalar(std::string_view(text).substr(at), value_at), problems).into(root);
}

NodePtr set_top(NodePtr root, const std::string& key, const std::optional<std::string>& text, Problems& problems) {
  if (!text) return root;
  const auto source = add_option("--" + key, *text, problems);
  if (!source) return root;
  const Place begin{*source, 1, 1};
  const Path path{{key, begin}};
  return Setter(path, scalar(*text, begin), problems).into(root);
}

}  // namespace

NodePtr with_overrides(NodePtr root, const LoadOptions& options, Problems& problems) {
  for (const std::string& text : options.set) root = set(std::move(root), text, problems);
  for (const std::string& text : options.interfaces) root = set_interface(std::move(root), text, problems);
  root = set_top(std::move(root), "seed", options.seed, problems);
  return set_top(std::move(root), "duration", options.duration, problems);
}

}  // namespace myriad::plan
