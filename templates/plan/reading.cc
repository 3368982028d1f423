#include "templates/plan/reading.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace myriad::plan {
namespace {

constexpr std::size_t kMostExpandedBytes = 1 << 20;  // by ${…}, in the whole scenario
constexpr Duration kLongest = std::chrono::hours{24 * 365};
constexpr std::size_t kLongestName = 32;

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::optional<std::string> value_of(const LoadOptions& options, const std::string& name) {
  if (options.variable) return options.variable(name);
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

// One ${…}: what stands between the braces, split.
struct Variable {
  std::string name;
  std::optional<std::string> fallback;
};

Variable split_variable(std::string_view inside) {
  const auto colon = inside.find(":-");
  if (colon == inside.npos) return {std::string(inside), std::nullopt};
  return {std::string(inside.substr(0, colon)), std::string(inside.substr(colon + 2))};
}

}  // namespace

std::optional<std::string> Reading::text(const Node& node) {
  if (!node.is_scalar()) {
    wrong(node.at, fmt::format("a single value is needed here, not {}", node.kind_name()),
          node.is_null() ? "give one behind the ':'" : "write one, without brackets and keys");
    return std::nullopt;
  }
  if (node.text.find("${") == node.text.npos) return node.text;
  return expand(node);
}

std::optional<std::string> Reading::expand(const Node& node) {
  std::string out;
  std::string_view rest = node.text;
  for (auto at = rest.find("${"); at != rest.npos; at = rest.find("${")) {
    if (at > 0 && rest[at - 1] == '$') {
      out += rest.substr(0, at - 1);
      out += "${";
      rest.remove_prefix(at + 2);
      continue;
    }
    out += rest.substr(0, at);
    const auto end = rest.find('}', at);
    if (end == rest.npos) {
      wrong(node.at, "a '${' without its '}'", "write ${NAME} or ${NAME:-default}; $${ stands for a literal ${");
      return std::nullopt;
    }
    const Variable variable = split_variable(rest.substr(at + 2, end - at - 2));
    if (!is_variable_name(variable.name)) {
      wrong(node.at, quoted(variable.name) + " is not the name of a variable", "write ${NAME} or ${NAME:-default}");
      return std::nullopt;
    }
    auto value = value_of(options, variable.name);
    if ((!value || value->empty()) && variable.fallback) value = variable.fallback;
    if (!value) {
      wrong(node.at, "the variable " + quoted(variable.name) + " is not set",
            fmt::format("set it, or give a default: ${{{}:-…}}", variable.name));
      return std::nullopt;
    }
    expanded_bytes += value->size();
    if (expanded_bytes > kMostExpandedBytes) {
      wrong(node.at,
            fmt::format("the variables of the scenario are longer than {} together", size_text(kMostExpandedBytes)),
            "shorten them");
      return std::nullopt;
    }
    out += *value;
    rest.remove_prefix(end + 1);
  }
  out += rest;
  return out;
}

std::optional<std::uint64_t> Reading::integer(const Node& node, std::uint64_t least, std::uint64_t most) {
  const auto value = quantity(node, parse_integer);
  if (!value) return std::nullopt;
  if (*value >= least && *value <= most) return value;
  wrong(node.at, fmt::format("{} is out of range", *value), fmt::format("from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::uint64_t> Reading::bytes(const Node& node, std::uint64_t least, std::uint64_t most) {
  const auto value = text(node);
  if (!value) return std::nullopt;
  const bool digits =
      !value->empty() && std::all_of(value->begin(), value->end(), [](char c) { return c >= '0' && c <= '9'; });
  const auto count = digits ? parse_integer(*value) : parse_size(*value);
  if (!count) {
    wrong(node.at, count.error().what, count.error().suggestion);
    return std::nullopt;
  }
  if (*count >= least && *count <= most) return *count;
  wrong(node.at, fmt::format("{} is out of range", quoted(*value)), fmt::format("from {} to {} bytes", least, most));
  return std::nullopt;
}

std::optional<Duration> Reading::duration(const Node& node, Duration least) {
  const auto value = quantity(node, parse_duration);
  if (!value) return std::nullopt;
  if (*value >= least && *value <= kLongest) return value;
  wrong(node.at, fmt::format("{} is out of range", duration_text(*value)),
        fmt::format("from {} to a year (8760h)", duration_text(least)));
  return std::nullopt;
}

std::optional<bool> Reading::boolean(const Node& node) {
  return choice<bool>(node, {{"true", true}, {"false", false}});
}

std::optional<std::size_t> Reading::reference(const Node& node, const Names& names, std::string_view what) {
  const auto name = text(node);
  if (!name) return std::nullopt;
  if (const auto index = names.find(*name)) return index;
  wrong(node.at, fmt::format("there is no {} {}", what, quoted(*name)), did_you_mean(*name, names.all()));
  return std::nullopt;
}

Fields::Fields(Reading& reading, const Node& node, const KeyTable& table, std::string subject, Place at)
    : reading_(reading), node_(node), table_(table), subject_(std::move(subject)), at_(at) {
  if (!node.is_map() && !node.is_null()) {
    reading.wrong(node.at, fmt::format("{} is a mapping, not {}", subject_, node.kind_name()), "write 'key: value'");
  }
  std::vector<std::string_view> known;
  for (const Key& key : table.keys) {
    if (key.supported) known.push_back(key.name);
  }
  for (const Entry& entry : node.entries) {
    if (reading.problems.full()) return;
    const auto key =
        std::find_if(table.keys.begin(), table.keys.end(), [&](const Key& k) { return k.name == entry.key; });
    if (key == table.keys.end()) {
      const std::string none = known.empty() ? subject_ + " has no keys" : std::string{};
      reading.wrong(entry.at, fmt::format("unknown key {} in {}", quoted(entry.key), subject_),
                    known.empty() ? none : did_you_mean(entry.key, known));
    } else if (!key->supported) {
      reading.wrong(entry.at, fmt::format("{} is not supported by this release", quoted(entry.key)), "remove it");
    }
  }
}

Fields::~Fields() {
  if (!reading_.problems.none()) return;
  for ([[maybe_unused]] const Entry& entry : node_.entries) {
    assert(std::find(asked_.begin(), asked_.end(), entry.key) != asked_.end() && "a key of the table is never read");
  }
}

const Node* Fields::find(std::string_view key) {
  assert(std::any_of(table_.keys.begin(), table_.keys.end(), [&](const Key& k) { return k.name == key; }) &&
         "a key that is read stands in its table");
  asked_.push_back(key);
  const Entry* const entry = node_.find(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

const Node* Fields::require(std::string_view key, std::string suggestion) {
  const Node* const found = find(key);
  // What was said wrong about the mapping as a whole is enough.
  if (found == nullptr && (node_.is_map() || node_.is_null())) {
    const auto known =
        std::find_if(table_.keys.begin(), table_.keys.end(), [&](const Key& k) { return k.name == key; });
    if (suggestion.empty()) suggestion = fmt::format("add '{}: …' ({})", key, known->type);
    reading_.wrong(at_, fmt::format("{} needs {}", subject_, quoted(key)), std::move(suggestion));
  }
  return found;
}

Place Fields::place_of(std::string_view key) const {
  const Entry* const entry = node_.find(key);
  return entry == nullptr ? at_ : entry->at;
}

std::optional<std::string_view> Fields::one_of(std::span<const std::string_view> keys) {
  std::optional<std::string_view> chosen;
  for (const std::string_view key : keys) {
    asked_.push_back(key);
    if (!has(key)) continue;
    if (chosen) {
      reading_.wrong(place_of(key), fmt::format("{} has both {} and {}", subject_, quoted(*chosen), quoted(key)),
                     "keep one of them");
      return std::nullopt;
    }
    chosen = key;
  }
  if (!chosen && (node_.is_map() || node_.is_null())) {
    // A key that has been reported may be the one that is missing here.
    const bool reported = std::any_of(node_.entries.begin(), node_.entries.end(), [&](const Entry& entry) {
      return std::none_of(table_.keys.begin(), table_.keys.end(),
                          [&](const Key& k) { return k.name == entry.key && k.supported; });
    });
    if (!reported)
      reading_.wrong(at_, fmt::format("{} needs one of {}", subject_, fmt::join(keys, ", ")), "add one of them");
  }
  return chosen;
}

void for_each_named(Reading& reading, const Node& section, std::string_view what,
                    const std::function<void(const Entry&)>& read) {
  if (section.is_null()) return;
  if (!section.is_map()) {
    return reading.wrong(section.at, fmt::format("'{}' maps names to mappings; this is {}", what, section.kind_name()),
                         "write 'NAME: {key: value}'");
  }
  for (const Entry& entry : section.entries) {
    if (reading.problems.full()) return;
    const std::string& name = entry.key;
    const bool good = !name.empty() && name.size() <= kLongestName &&
                      std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                      std::all_of(name.begin(), name.end(), [](char c) { return is_name_character(c) || c == '-'; });
    if (!good) {
      reading.wrong(entry.at, quoted(name) + " cannot be a name",
                    fmt::format("a letter, then letters, digits, '_' and '-'; at most {} characters", kLongestName));
    }
    read(entry);
  }
}

}  // namespace myriad::plan
