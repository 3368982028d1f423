#include "cli/capture.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ip.h"

namespace myriad::cli {
namespace {

// How long the thread rests when the taps are empty. A tap of 16 MiB holds 10 ms at 12 Gbps.
constexpr auto kRest = std::chrono::milliseconds{5};

struct Ends {
  std::optional<IpAddress> from;
  std::optional<IpAddress> to;
};

Ends network_ends(const wire::EthernetView& frame) {
  if (frame.ether_type() == wire::kEtherTypeArp) {
    const auto arp = wire::ArpView::parse(frame.payload());
    return arp ? Ends{arp->sender_ip(), arp->target_ip()} : Ends{};
  }
  const auto ip = wire::IpView::parse(frame.payload(), frame.ether_type());
  return ip ? Ends{ip->src(), ip->dst()} : Ends{};
}

std::string end_name(const stack::HostTable& hosts, const MacAddress& mac, VlanTags vlan,
                     const std::optional<IpAddress>& address) {
  if (!mac.is_group()) {
    if (const auto host = hosts.by_mac(mac, vlan)) return hosts.name(host->id);
  }
  if (!address) return mac.text();
  if (const auto host = hosts.by_ip(*address, vlan)) return hosts.name(host->id);
  return address->text();
}

}  // namespace

std::string frame_comment(const stack::HostTable& hosts, Bytes frame) {
  const auto view = wire::EthernetView::parse(frame);
  if (!view) return {};
  const Ends ends = network_ends(*view);
  return end_name(hosts, view->src(), view->vlan(), ends.from) + " → " +
         end_name(hosts, view->dst(), view->vlan(), ends.to);
}

Result<std::unique_ptr<Capture>> Capture::create(const std::string& path) {
  auto writer = report::PcapngWriter::create(path, "myriad " MYRIAD_VERSION);
  if (!writer) return tl::unexpected(writer.error());
  const auto unix_now = std::chrono::system_clock::now().time_since_epoch();
  const auto monotonic_now = std::chrono::steady_clock::now().time_since_epoch();
  const auto offset = std::chrono::nanoseconds{unix_now} - std::chrono::nanoseconds{monotonic_now};
  return std::make_unique<Capture>(std::move(*writer), offset.count());
}

Capture::~Capture() {
  stop_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
}

std::vector<engine::Tap*> Capture::add_port(const std::string& name, const stack::HostTable& hosts,
                                            std::uint32_t shards) {
  Line& line = lines_.emplace_back();
  line.hosts = &hosts;
  line.interface = writer_.add_interface(name);
  std::vector<engine::Tap*> taps;
  for (std::uint32_t i = 0; i < shards; ++i) {
    taps.push_back(line.taps.emplace_back(std::make_unique<engine::Tap>()).get());
  }
  return taps;
}

void Capture::start() {
  thread_ = std::thread([this] { work(); });
}

void Capture::work() {
  while (!stop_.load(std::memory_order_acquire)) {
    if (!empty_taps()) std::this_thread::sleep_for(kRest);
  }
}

bool Capture::empty_taps() {
  round_.clear();
  bytes_.clear();
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    for (const auto& tap : lines_[i].taps) {
      tap->drain([&](Bytes frame, Instant at, engine::TapDirection direction) {
        round_.push_back({at.ns, i, direction, bytes_.size(), frame.size()});
        bytes_.insert(bytes_.end(), frame.begin(), frame.end());
      });
    }
  }
  std::stable_sort(round_.begin(), round_.end(),
                   [](const Recorded& a, const Recorded& b) { return a.at_ns < b.at_ns; });
  for (const Recorded& recorded : round_) write(recorded);
  return !round_.empty();
}

void Capture::write(const Recorded& recorded) {
  Line& line = lines_[recorded.line];
  const Bytes frame = Bytes{bytes_}.subspan(recorded.offset, recorded.size);
  const bool inbound = recorded.direction == engine::TapDirection::kIn;
  if (const auto view = wire::EthernetView::parse(frame); inbound && view) {
    if (line.hosts->by_mac(view->src(), view->vlan())) return;  // recorded where it was sent
  }
  ++line.frames;
  ++frames_;
  const auto unix_ns = static_cast<std::uint64_t>(recorded.at_ns + unix_offset_ns_);
  // An error stays with the writer until finish().
  (void)writer_.write(line.interface, unix_ns, inbound ? report::Direction::kInbound : report::Direction::kOutbound,
                      frame, static_cast<std::uint32_t>(frame.size()), frame_comment(*line.hosts, frame));
}

std::uint64_t Capture::dropped() const {
  std::uint64_t sum = 0;
  for (const Line& line : lines_) {
    for (const auto& tap : line.taps) sum += tap->dropped();
  }
  return sum;
}

Result<void> Capture::finish() {
  stop_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
  while (empty_taps()) {}
  std::vector<report::CaptureStatistics> statistics;
  for (const Line& line : lines_) {
    std::uint64_t dropped = 0;
    for (const auto& tap : line.taps) dropped += tap->dropped();
    statistics.push_back({line.frames + dropped, dropped});
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return writer_.close(static_cast<std::uint64_t>(std::chrono::nanoseconds{now}.count()), statistics);
}

}  // namespace myriad::cli
