// YAML as values: what yaml.cc makes of a text and the rest of the reader reads. Merges (`<<`) are resolved, aliases
// share the node they name, and keys are unique; `${…}` is still as written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "templates/plan/problems.h"

namespace myriad::plan {

struct Node;
// Nodes are never changed once made: an alias may share them. Nesting is bounded, so a chain may be walked recursively.
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  Place at;  // of the key
  NodePtr value;
};

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  Place at;
  std::string text;            // of a scalar
  std::vector<NodePtr> items;  // of a list
  std::vector<Entry> entries;  // of a mapping, in file order; merged ones follow
  std::uint64_t weight = 1;    // bytes this would need if every alias were a copy; see yaml.h

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  // The entry of that key, or nullptr. Linear: meant for the few keys of a schema.
  [[nodiscard]] const Entry* find(std::string_view key) const {
    for (const Entry& entry : entries) {
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
  [[nodiscard]] std::string_view kind_name() const {
    switch (kind) {
      case Kind::kNull:
        return "nothing";
      case Kind::kScalar:
        return "a single value";
      case Kind::kList:
        return "a list";
      case Kind::kMap:
        return "a mapping";
    }
    return "";
  }
};

}  // namespace myriad::plan
