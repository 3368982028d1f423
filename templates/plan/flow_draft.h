// A flow as it was read, before its packet is compiled: that needs the hosts of its group, which are complete only when
// the whole scenario has been read. Private to templates/plan.
#pragma once

#include <optional>
#include <vector>

#include "craft/compile.h"
#include "templates/plan/problems.h"

namespace myriad::plan {

struct LayerPlaces {
  Place at;                   // of the layer's name
  std::vector<Place> fields;  // as Layer::fields
};

struct FlowDraft {
  craft::Packet packet;
  std::optional<craft::FieldValue> size;
  std::optional<craft::Mutation> mutation;
  bool mutation_seeded = false;
  craft::HostOrder order = craft::HostOrder::kInOrder;
  std::string size_text;  // as people read it

  Place at, packet_at, payload_at, size_at, data_at;
  std::vector<LayerPlaces> layers;  // as Packet::layers
};

}  // namespace myriad::plan
