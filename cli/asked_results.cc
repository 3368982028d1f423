#include "cli/asked_results.h"

#include <algorithm>

namespace myriad::cli {

void merge_asked(const std::vector<const engine::Asked*>& shards, std::uint32_t most, report::ServiceResult& result) {
  // A host belongs to one shard, so nothing is listed by two.
  std::vector<const engine::Asked::Entry*> entries;
  for (const engine::Asked* const shard : shards) {
    for (const engine::Asked::Entry& entry : shard->entries()) entries.push_back(&entry);
    result.asked_unlisted += shard->unlisted();
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto* a, const auto* b) { return a->first_at < b->first_at; });
  for (const engine::Asked::Entry* const entry : entries) {
    if (result.asked.size() == most) {
      result.asked_unlisted += entry->times;
    } else {
      result.asked.push_back({entry->address.text(), entry->tcp, entry->port.number, entry->times, entry->first});
    }
  }
}

void add_asked(const plan::Plan& plan, const StoppedPorts& ports, report::RunResult& result) {
  for (std::size_t i = 0; i < plan.services.size(); ++i) {
    const plan::Service& service = plan.services[i];
    const auto* const all = std::get_if<plan::CatchAllService>(&service.kind);
    if (all == nullptr) continue;
    result.services[i].on_every_port = true;
    merge_asked(ports[plan.groups[service.group].port]->asked(i), all->most, result.services[i]);
  }
}

}  // namespace myriad::cli
