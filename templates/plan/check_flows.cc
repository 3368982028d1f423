// Flows as a whole: packets are compiled for the hosts that send them, and data files are looked into.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/rng.h"
#include "craft/csv.h"
#include "templates/plan/host_range.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

using craft::CompileError;

// Of a data file, as much is read before the run; the rest is read while it runs.
constexpr std::size_t kLookedInto = 1 << 20;

Place place_of(const CompileError& error, const FlowDraft& draft) {
  switch (error.part) {
    case CompileError::Part::kPacket:
      return draft.packet_at;
    case CompileError::Part::kLayer:
      return error.layer < draft.layers.size() ? draft.layers[error.layer].at : draft.packet_at;
    case CompileError::Part::kField:
      return draft.layers[error.layer].fields[error.field];
    case CompileError::Part::kPayload:
      return draft.payload_at;
    case CompileError::Part::kSize:
      return draft.size_at;
  }
  return draft.at;
}

std::string layers_text(const craft::Packet& packet) {
  std::string text;
  for (const craft::Layer& layer : packet.layers) {
    text += text.empty() ? "" : "/";
    text += craft::definition_of(layer.kind).name;
  }
  switch (packet.payload.kind) {
    case craft::PayloadKind::kNone:
      return text;
    case craft::PayloadKind::kBytes:
    case craft::PayloadKind::kColumn:
      return text + "/payload";
    case craft::PayloadKind::kRandom:
      return text + "/random payload";
    case craft::PayloadKind::kSequence:
      return text + "/sequence";
  }
  return text;
}

// Calls `use(name, place)` for every column that the packet takes something from.
template <class Use>
void for_each_column(const FlowDraft& draft, const Use& use) {
  for (std::size_t i = 0; i < draft.packet.layers.size(); ++i) {
    const auto& fields = draft.packet.layers[i].fields;
    for (std::size_t f = 0; f < fields.size(); ++f) {
      if (const auto* const column = std::get_if<craft::OfColumn>(&fields[f].value))
        use(column->name, draft.layers[i].fields[f]);
    }
  }
  if (draft.packet.payload.kind == craft::PayloadKind::kColumn) use(draft.packet.payload.column, draft.payload_at);
}

std::optional<std::string> begin_of_file(Reading& reading, const std::string& path, Place at) {
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::string text(file ? kLookedInto : 0, '\0');
  if (file) text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (file && std::ferror(file.get()) == 0) return text;
  reading.wrong(at, fmt::format("cannot read {}: {}", quoted(path), std::generic_category().message(errno)),
                "relative paths are relative to the scenario");
  return std::nullopt;
}

// The names of the columns, the types of the values that are near the beginning.
void check_data(Reading& reading, const FlowPlan& flow, const FlowDraft& draft) {
  if (flow.data.empty()) {
    for_each_column(draft, [&](const std::string& name, Place at) {
      reading.wrong(at, fmt::format("the column {} of what?", quoted(name)), "name the file: data: rows.csv");
    });
    return;
  }
  if (!flow.program->needs_rows()) {
    return reading.wrong(draft.data_at, "no field takes anything from the data",
                         "give one {column: NAME}, or remove it");
  }
  const auto text = begin_of_file(reading, flow.data, draft.data_at);
  if (!text) return;
  craft::CsvReader names({});
  craft::RowBlock block;
  names.begin(block);
  names.read(std::string_view(*text).substr(0, text->find('\n') + 1), block);
  bool known = true;
  if (!names.error()) {
    const std::vector<std::string_view> all(names.names().begin(), names.names().end());
    for_each_column(draft, [&](const std::string& name, Place at) {
      if (all.empty() || std::ranges::find(all, name) != all.end()) return;
      known = false;
      reading.wrong(at, fmt::format("{} has no column {}", quoted(flow.data), quoted(name)), did_you_mean(name, all));
    });
  }
  if (!known) return;
  craft::CsvReader reader(flow.program->columns());
  std::size_t taken = 0;
  while (taken < text->size() && !reader.error()) {
    reader.begin(block);
    taken += reader.read(std::string_view(*text).substr(taken), block);
  }
  if (text->size() < kLookedInto) reader.finish(block);
  if (!reader.error()) return;
  // A report shows the line, and a terminal must not obey it.
  std::string harmless = *text;
  for (char& c : harmless) {
    if (c != '\n' && (c < ' ' || c > '~')) c = '?';
  }
  const std::uint32_t source = reading.problems.add_source(flow.data, std::move(harmless));
  reading.wrong(
      {source, static_cast<std::uint32_t>(reader.error()->line), static_cast<std::uint32_t>(reader.error()->column)},
      reader.error()->what, reader.error()->suggestion);
}

void check_flow(Reading& reading, std::size_t index) {
  FlowPlan& flow = reading.plan.flows[index];
  FlowDraft& draft = reading.flow_drafts[index];
  craft::CompileOptions options;
  options.seed = mix64(reading.plan.seed ^ mix64(index));
  options.flow = static_cast<std::uint16_t>(index);
  options.order = draft.order;
  options.size = draft.size;
  options.mutation = draft.mutation;
  if (options.mutation && !draft.mutation_seeded) options.mutation->seed = mix64(options.seed);
  if (flow.group) {
    const HostGroup& group = reading.plan.groups[*flow.group];
    options.hosts = host_range(group);
    options.mtu = group.mtu;
  }
  if (!flow.group && reading.sender) {
    options.hosts = reading.sender;
    options.can_resolve = false;
  }
  auto program = craft::compile(draft.packet, options);
  if (!program)
    return reading.wrong(place_of(program.error(), draft), program.error().what, program.error().suggestion);
  const std::string size =
      draft.size_text.empty() ? size_text(program->max_length() + craft::kFcsBytes) : draft.size_text;
  const bool open = draft.size_text.empty() && program->min_length() != program->max_length();
  flow.summary = fmt::format("{}, {}{}", layers_text(draft.packet), open ? "up to " : "", size);
  if (flow.group) flow.summary += draft.order == craft::HostOrder::kRandom ? ", hosts at random" : "";
  if (draft.mutation) flow.summary += fmt::format(", {:g}% of the bits flipped", draft.mutation->bits * 100);
  flow.program = std::make_shared<const craft::Program>(std::move(*program));
  check_data(reading, flow, draft);
}

}  // namespace

void check_flows(Reading& reading) {
  for (std::size_t i = 0; i < reading.plan.flows.size() && !reading.problems.full(); ++i) check_flow(reading, i);
}

}  // namespace myriad::plan
