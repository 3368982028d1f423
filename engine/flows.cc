#include "engine/flows.h"

#include <algorithm>
#include <array>
#include <vector>

namespace myriad::engine {
namespace {

// How long a next hop that was found is taken for granted before it is looked up again.
constexpr Duration kTrustHop = std::chrono::milliseconds{1};
// How often a flow that cannot begin looks whether its next hop has answered.
constexpr Duration kLookAgain = std::chrono::milliseconds{1};
// The same for one with many next hops, of which those of its first frames are looked at.
constexpr Duration kLookAtManyAgain = std::chrono::milliseconds{20};
constexpr std::uint64_t kFirstFrames = 4096;
// How long such a flow waits for neighbours that do not answer: a question, another one after a second.
constexpr Duration kPatience = std::chrono::milliseconds{1500};
// Numbers that are looked at in one turn for those whose host is this shard's.
constexpr std::uint32_t kNumbersPerTurn = 4096;

constexpr TxBatch::Mark mark_of(std::size_t plan_index) { return static_cast<TxBatch::Mark>(plan_index + 1); }

}  // namespace

Flows::Flows(const Placement& placement, stack::Stack& stack, const FlowsOptions& options)
    : stack_(stack), options_(options) {
  for (const FlowPlace& place : placement.flows) {
    const craft::Program& program = *place.plan.program;
    const bool alone = program.needs_rows() || (program.resolves() && place.hosts < options.shards);
    const std::uint32_t owner = program.resolves() ? place.first_host : static_cast<std::uint32_t>(place.index);
    if (alone && owner % options.shards != options.shard) continue;
    const bool by_owner = !alone && options.shards > 1 && program.resolves() && place.each_asks;
    const double share = alone ? 1 : 1.0 / options.shards;
    Flow& flow = flows_.emplace_back(Flow{.place = &place,
                                          .schedule = FlowSchedule{place.plan, share, program.max_length()},
                                          .next = alone || by_owner ? 0 : options.shard,
                                          .stride = alone || by_owner ? 1 : options.shards,
                                          .by_owner = by_owner});
    if (program.needs_rows()) flow.rows = std::make_unique<RowFeed>(place.plan.data, program.columns());
  }
}

// A flow whose frames all go to one next hop begins when that is known, one with many when those of its first frames
// are, or have had the time to answer. Its own time counts from then on.
bool Flows::may_begin(Flow& flow, Instant now) {
  const craft::Program& program = *flow.place->plan.program;
  if (program.resolves() && !program.needs_rows()) {
    const bool one = program.common_destination() && !flow.place->each_asks;
    if (flow.looked == Instant{}) flow.asked = now;
    if (flow.looked != Instant{} && now < flow.looked + (one ? kLookAgain : kLookAtManyAgain)) return false;
    flow.looked = now;
    if (one && !find_next_hop(flow, 0, *program.common_destination(), now)) return false;
    if (!one && !know_first_hops(flow, now) && now < flow.asked + kPatience) return false;
  }
  flow.begun = true;
  flow.schedule.begin(now);
  flow.counters.begun_ns = now.ns;
  return true;
}

bool Flows::know_first_hops(Flow& flow, Instant now) {
  const craft::Program& program = *flow.place->plan.program;
  std::vector<std::uint8_t> frame(program.max_length());
  program.fill(frame.data());
  bool all = true;
  for (std::uint64_t i = 0; i < kFirstFrames; ++i) {
    craft::Batch batch;
    std::uint8_t* const at = frame.data();
    std::uint32_t length = 0;
    batch.frames = {&at, 1};
    batch.first = flow.next + i * flow.stride;
    if (program.has_hosts()) program.hosts(batch.first, 1, std::span{hosts_, 1});
    if (flow.by_owner && (flow.place->first_host + hosts_[0]) % options_.shards != options_.shard) continue;
    batch.hosts = std::span{hosts_, 1};
    program.patch(batch, {&length, 1});
    all = find_next_hop(flow, hosts_[0], program.destination(at), now) && all;
  }
  return all;
}

void Flows::emit(Instant now, TxBatch& out, std::uint32_t keep) {
  if (now < options_.start || flows_.empty()) return;
  first_ = (first_ + 1) % flows_.size();  // another one is first in the next turn
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    Flow& flow = flows_[(first_ + i) % flows_.size()];
    if (flow.over || (!flow.begun && !may_begin(flow, now))) continue;
    if (flow.schedule.over(flow.next, now)) {
      end(flow, now);
      continue;
    }
    const std::uint32_t room = out.room() > keep ? out.room() - keep : 0;
    // Flows that go as fast as they can leave something to each other.
    const auto waiting = static_cast<std::uint32_t>(flows_.size() - i);
    send(flow, now, out, std::max(room / waiting, std::min(room, kChunk)));
  }
}

void Flows::send(Flow& flow, Instant now, TxBatch& out, std::uint32_t room) {
  const std::uint64_t due_below = flow.schedule.due_below(flow.next, now);
  std::uint32_t most = std::min(room, flow.schedule.frames_due(now, room));
  if (due_below <= flow.next || most == 0) return;
  flow.counters.lateness.record(static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, flow.place->plan.rate.kind == plan::FlowRateKind::kMax ? 0 : (now - flow.schedule.when(flow.next)).count())));
  while (most > 0) {
    Chunk chunk = next_chunk(flow, due_below, std::min(most, kChunk));
    if (flow.rows && chunk.count > 0) {
      const bool ended = flow.rows->ended();
      const craft::RowBlock* const block = flow.rows->front();
      if (block == nullptr) {
        flow.next = chunk.first;
        if (ended) end(flow, now);
        return;  // the disk is slower than the flow
      }
      chunk.count = std::min(chunk.count, static_cast<std::uint32_t>(block->count - flow.row));
      flow.next = chunk.first + chunk.count;
    }
    if (chunk.count == 0) return;
    make(flow, chunk, now, out);
    most -= chunk.count;
  }
}

Flows::Chunk Flows::next_chunk(Flow& flow, std::uint64_t due_below, std::uint32_t most) {
  Chunk chunk{flow.next, flow.stride, 0};
  if (!flow.by_owner) {
    if (flow.next >= due_below) return chunk;
    const std::uint64_t left = (due_below - flow.next - 1) / flow.stride + 1;
    chunk.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, most));
    flow.next += chunk.count * flow.stride;
    return chunk;
  }
  for (std::uint32_t looked = 0; flow.next < due_below && looked < kNumbersPerTurn; ++looked) {
    chunk.first = flow.next++;
    flow.place->plan.program->hosts(chunk.first, 1, std::span{hosts_, 1});
    if ((flow.place->first_host + hosts_[0]) % options_.shards != options_.shard) continue;
    chunk.count = 1;
    break;
  }
  return chunk;
}

void Flows::make(Flow& flow, const Chunk& chunk, Instant now, TxBatch& out) {
  const craft::Program& program = *flow.place->plan.program;
  const TxBatch::Mark mark = mark_of(flow.place->index);
  std::array<std::uint8_t*, kChunk> frames;
  std::array<std::uint32_t, kChunk> lengths;
  for (std::uint32_t i = 0; i < chunk.count; ++i) {
    frames[i] = out.bytes_ahead(i);
    if (out.mark_ahead(i) != mark) program.fill(frames[i]);
  }
  craft::Batch batch;
  batch.frames = std::span{frames}.first(chunk.count);
  batch.first = chunk.first;
  batch.stride = chunk.stride;
  const bool wants_hosts = program.needs_hosts() || (program.resolves() && program.has_hosts());
  if (wants_hosts) {
    program.hosts(chunk.first, chunk.stride, std::span{hosts_, chunk.count});
    batch.hosts = std::span{hosts_, chunk.count};
  }
  if (flow.rows) {
    batch.rows = flow.rows->front();
    batch.row = flow.row;
  }
  batch.run = options_.run;
  batch.now_ns = now.ns;
  const std::span lengths_of{lengths.data(), chunk.count};
  program.patch(batch, lengths_of);
  if (program.resolves()) find_next_hops(flow, chunk.count, batch.frames, lengths_of, now);
  if (program.mutates()) program.mutate(batch, lengths_of);
  std::uint64_t bytes = 0;
  std::uint32_t sent = 0;
  for (const std::uint32_t length : lengths_of) {
    bytes += length;
    sent += length != 0 ? 1U : 0U;
  }
  out.commit_many(lengths_of, program.mutates() ? TxBatch::kNoMark : mark);
  flow.counters.frames_tx += sent;
  flow.counters.bytes_tx += bytes;
  flow.schedule.sent(flow.next, sent, bytes, now);
  if (!flow.rows) return;
  flow.row += chunk.count;
  if (flow.row < batch.rows->count) return;
  flow.rows->next();
  flow.row = 0;
}

// Frames whose next hop is not known get no length: they are not sent, and counted.
void Flows::find_next_hops(Flow& flow, std::uint32_t count, std::span<std::uint8_t* const> frames,
                           std::span<std::uint32_t> lengths, Instant now) {
  const craft::Program& program = *flow.place->plan.program;
  if (program.common_destination() && !flow.place->each_asks) {
    // One next hop for all; when it is forgotten the last one known is used on, as kernels do with a stale entry.
    if (now - flow.hop_known >= kTrustHop) (void)find_next_hop(flow, hosts_[0], *program.common_destination(), now);
    for (std::uint8_t* const frame : frames) craft::Program::set_next_hop(frame, flow.hop);
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (find_next_hop(flow, hosts_[i], program.destination(frames[i]), now)) {
      craft::Program::set_next_hop(frames[i], flow.hop);
    } else {
      lengths[i] = 0;
      ++flow.counters.unresolved;
    }
  }
}

// The host of this shard that asks in place of `host`: itself, or where hosts share what they learn the nearest one.
std::uint32_t Flows::asker(const Flow& flow, std::uint32_t host) const {
  const FlowPlace& place = *flow.place;
  const std::uint32_t away = (place.first_host + host + options_.shards - options_.shard) % options_.shards;
  return host >= away ? host - away : host + options_.shards - away;
}

bool Flows::find_next_hop(Flow& flow, std::uint32_t host, const IpAddress& destination, Instant now) {
  const std::uint32_t from = flow.place->first_host + asker(flow, host);
  if (from >= flow.place->first_host + flow.place->hosts) return false;
  const auto mac = stack_.next_hop(stack::HostId{from}, destination, now);
  if (!mac) return false;
  flow.hop = *mac;
  flow.hop_known = now;
  return true;
}

void Flows::end(Flow& flow, Instant now) {
  flow.over = true;
  flow.ended = flow.begun ? flow.schedule.span_end(flow.next, now) : now;
  if (flow.rows && flow.rows->ended()) flow.counters.data_error = flow.rows->error();
}

Instant Flows::next_deadline() const {
  Instant due = Instant::never();
  for (const Flow& flow : flows_) {
    if (flow.over) continue;
    if (!flow.begun) {
      due = std::min(due, std::max(options_.start, flow.looked + kLookAgain));
    } else {
      due = std::min(due, flow.schedule.when(flow.next));
    }
  }
  return due;
}

bool Flows::finished(Instant now) const {
  return std::all_of(flows_.begin(), flows_.end(), [&](const Flow& flow) {
    return flow.over && (!flow.place->plan.program->has_sequence() || now >= flow.ended + kLinger);
  });
}

void Flows::stop(Instant now) {
  for (Flow& flow : flows_) {
    if (!flow.over) end(flow, now);
  }
}

void Flows::write_counters(Instant now, std::vector<FlowCounters>& out) const {
  for (const Flow& flow : flows_) {
    FlowCounters& counters = out[flow.place->index];
    const FlowCounters heard = std::move(counters);
    counters = flow.counters;
    counters.ended_ns = flow.over ? flow.ended.ns : flow.begun ? flow.schedule.span_end(flow.next, now).ns : now.ns;
    counters.slipped = flow.schedule.slipped();
    counters.merge(heard);
  }
}

}  // namespace myriad::engine
