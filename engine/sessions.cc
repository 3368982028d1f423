#include "engine/sessions.h"

namespace myriad::engine {

Sessions::Sessions(const Placement& placement, stack::Stack& stack, TxBatch& batch, const SessionsOptions& options)
    : placement_(placement),
      stack_(stack),
      batch_(batch),
      now_(options.start),
      clients_(placement, stack, batch, options.shard, options.shards, options.start, options.milestones),
      services_(placement, stack, batch, kListener, kServerSession) {}

void Sessions::on_event(const stack::Event& event, Instant now) {
  // Echo replies and errors bear no cookie.
  const bool of_echo = event.kind == stack::EventKind::kEchoReply || event.kind == stack::EventKind::kUnreachable;
  if (of_echo || event.cookie < kServerSession) {
    clients_.on_event(event, now);
  } else if (event.cookie < kListener) {
    services_.on_session_event(event.cookie - kServerSession, event);
  } else {
    services_.on_listener_event(event.cookie - kListener, event, now);
  }
}

std::uint64_t Sessions::read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out) {
  if (cookie >= kServerSession) return services_.read(cookie - kServerSession, offset, out);
  clients_.read(cookie, offset, out);
  return checksum_add(0, out);
}

void Sessions::write_counters(ShardCounters& out) const {
  out.workloads.resize(placement_.plan_workloads);
  out.services.resize(placement_.plan_services);
  out.groups.resize(placement_.plan_group_count);
  clients_.write_counters(out);
  services_.write_counters(out);
  for (std::size_t i = 0; i < placement_.plan_groups.size(); ++i) {
    out.groups[placement_.plan_groups[i]] = stack_.group_counters(static_cast<stack::GroupIndex>(i));
  }
}

}  // namespace myriad::engine
