#include "cli/list_fields.h"

#include <fmt/format.h>

#include "craft/language.h"
#include "report/format.h"
#include "templates/plan/keys_flows.h"

namespace myriad::cli {
namespace {

constexpr std::size_t kNameColumns = 36;

std::string width_text(const craft::FieldDefinition& field) {
  return fmt::format("{} bit{}", field.width, field.width == 1 ? "" : "s");
}

std::string note(const craft::FieldDefinition& field, std::string_view fallback) {
  std::string text = fmt::format("{}; {}", width_text(field), field.meaning);
  text += fallback == "required" ? "; required" : fallback == "none" ? "" : fmt::format("; default {}", fallback);
  if (!field.alias.empty()) text += fmt::format("; also {}", field.alias);
  return text;
}

}  // namespace

std::string protocols_text() {
  std::string text = "layers of a packet, in the order in which they are sent:\n";
  for (const craft::LayerDefinition& layer : craft::layer_definitions()) {
    text += fmt::format("  {} {}\n", report::left(std::string(layer.name), kNameColumns), layer.meaning);
  }
  text += fmt::format("  {} {}\n", report::left("payload", kNameColumns),
                      "text, hex, random, file or sequence (signed); always the last");
  return text + "Any of them may come again, inside a tunnel. Their fields: myriad list fields.\n";
}

std::string fields_text() {
  std::string text;
  const auto layers = craft::layer_definitions();
  const auto tables = plan::layer_tables();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    text += fmt::format("{} ({}):\n", layers[i].name, layers[i].meaning);
    for (const plan::Key& key : tables[i].keys) {
      const craft::FieldDefinition* const field = craft::find_field(layers[i], key.name);
      const std::string name = fmt::format("{}.{}", layers[i].name, key.name);
      text += fmt::format("  {} {}\n", report::left(name, kNameColumns),
                          field != nullptr ? note(*field, key.fallback) : fmt::format("bytes or list: {}", key.type));
    }
    text += "\n";
  }
  return text +
         "A field is a constant, {values: […]}, {increment|decrement: {start, step, count}}, {random: {min, max}},\n"
         "{host: mac|ipv4|ipv6|index|vlan} or {column: NAME}; checksums and lengths follow unless they are said.\n";
}

}  // namespace myriad::cli
