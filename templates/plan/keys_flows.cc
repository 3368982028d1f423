#include "templates/plan/keys_flows.h"

#include <deque>
#include <string>

#include "craft/language.h"

namespace myriad::plan {
namespace {

std::string_view type_of(const craft::FieldDefinition& field) {
  switch (field.type) {
    case craft::FieldType::kMac:
      return "MAC";
    case craft::FieldType::kIpv4:
      return "IPv4";
    case craft::FieldType::kIpv6:
      return "IPv6";
    case craft::FieldType::kFlags:
      return "list";
    case craft::FieldType::kNumber:
      break;
  }
  return "number";
}

class Tables {
 public:
  Tables() {
    for (const craft::LayerDefinition& layer : craft::layer_definitions()) {
      std::vector<Key>& keys = keys_.emplace_back();
      for (const craft::FieldDefinition& field : layer.fields)
        keys.push_back({field.name, type_of(field), fallback_of(field)});
      if (!layer.body.empty())
        keys.push_back({layer.body, layer.kind == craft::LayerKind::kTcp ? "list, hex" : "hex", "none"});
      if (layer.kind == craft::LayerKind::kRouting) keys.push_back({"addresses", "list", "none"});
      if (layer.kind == craft::LayerKind::kRaw) keys.push_back({"fields", "list", "none"});
      tables_.push_back({named("flows.NAME.packet." + std::string(layer.name)), keys});
    }
  }
  [[nodiscard]] std::span<const KeyTable> all() const { return tables_; }

 private:
  std::string_view named(std::string text) { return texts_.emplace_back(std::move(text)); }
  std::string_view fallback_of(const craft::FieldDefinition& field) {
    switch (field.fallback) {
      case craft::Fallback::kConstant:
        if (field.type == craft::FieldType::kMac) return "00:00:00:00:00:00";
        if (field.type == craft::FieldType::kFlags && field.constant != 0) return "[syn]";
        return field.type == craft::FieldType::kFlags ? "[]" : named(std::to_string(field.constant));
      case craft::Fallback::kRequired:
        return "required";
      case craft::Fallback::kPart:
        return "none";
      case craft::Fallback::kNext:
      case craft::Fallback::kHeaderWords:
      case craft::Fallback::kLength:
      case craft::Fallback::kChecksum:
        return "follows";
      case craft::Fallback::kDestination:
        return "resolve";
      case craft::Fallback::kHostMac:
      case craft::Fallback::kHostIpv4:
      case craft::Fallback::kHostIpv6:
      case craft::Fallback::kHostVlan:
        break;
    }
    return "the host's";
  }

  std::deque<std::string> texts_;
  std::deque<std::vector<Key>> keys_;
  std::vector<KeyTable> tables_;
};

}  // namespace

std::span<const KeyTable> layer_tables() {
  static const Tables tables;
  return tables.all();
}

}  // namespace myriad::plan
