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
// Between two statistics in the file, each of which brings everything before it into the file.
constexpr auto kBetweenStatistics = std::chrono::seconds{1};

using Clock = std::chrono::steady_clock;

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

Result<std::unique_ptr<Capture>> Capture::create(const std::string& path, std::optional<CaptureFilter> filter) {
  auto writer = capture::PcapngWriter::create(path, "myriad " MYRIAD_VERSION);
  if (!writer) return tl::unexpected(writer.error());
  const auto unix_now = std::chrono::system_clock::now().time_since_epoch();
  const auto monotonic_now = Clock::now().time_since_epoch();
  const auto offset = std::chrono::nanoseconds{unix_now} - std::chrono::nanoseconds{monotonic_now};
  return std::make_unique<Capture>(std::move(*writer), std::move(filter), offset.count());
}

Capture::~Capture() {
  stop_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
}

std::vector<engine::Tap*> Capture::add_port(const std::string& name, const stack::HostTable& hosts,
                                            std::uint32_t shards) {
  Line& line = lines_.emplace_back();
  line.hosts = &hosts;
  capture::InterfaceToWrite interface;
  interface.name = name;
  if (filter_) interface.filter = filter_->expression();
  line.interface = writer_.add_interface(interface);
  std::vector<engine::Tap*> taps;
  for (std::uint32_t i = 0; i < shards; ++i) {
    taps.push_back(line.taps.emplace_back(std::make_unique<engine::Tap>()).get());
  }
  return taps;
}

void Capture::start() {
  writer_.flush();  // with its interfaces, so that it can be read at once
  thread_ = std::thread([this] { work(); });
}

void Capture::work() {
  bool news = true;  // what is not in the file yet
  auto due = Clock::now();
  while (!stop_.load(std::memory_order_acquire)) {
    const bool some = empty_taps();
    news = news || some;
    if (const auto now = Clock::now(); news && now >= due) {
      write_statistics();
      writer_.flush();
      news = false;
      due = now + kBetweenStatistics;
    }
    if (!some) std::this_thread::sleep_for(kRest);
  }
}

bool Capture::empty_taps() {
  round_.clear();
  bytes_.clear();
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    for (const auto& tap : lines_[i].taps) {
      tap->drain([&](Bytes frame, Instant at, engine::TapDirection direction, std::uint64_t lost) {
        round_.push_back({at.ns, i, direction, lost, bytes_.size(), frame.size()});
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
  line.lost += recorded.lost;
  const Bytes bytes = Bytes{bytes_}.subspan(recorded.offset, recorded.size);
  const bool inbound = recorded.direction == engine::TapDirection::kIn;
  if (const auto view = wire::EthernetView::parse(bytes); inbound && view) {
    if (line.hosts->by_mac(view->src(), view->vlan())) return;  // recorded where it was sent
  }
  ++line.seen;
  if (filter_ && !filter_->takes(bytes)) return;
  ++line.accepted;
  const std::string comment = frame_comment(*line.hosts, bytes);
  capture::FrameToWrite frame;
  frame.interface = line.interface;
  frame.unix_ns = static_cast<std::uint64_t>(recorded.at_ns + unix_offset_ns_);
  frame.direction = inbound ? capture::Direction::kInbound : capture::Direction::kOutbound;
  frame.bytes = bytes;
  frame.lost = line.lost;
  frame.comment = comment;
  if (!writer_.write(frame)) return;  // the error stays with the writer until finish()
  line.lost = 0;
  ++line.written;
}

void Capture::write_statistics() {
  std::vector<capture::CaptureStatistics> statistics;
  for (const Line& line : lines_) {
    std::uint64_t dropped = 0;
    for (const auto& tap : line.taps) dropped += tap->dropped();
    statistics.push_back({line.seen + dropped, dropped, line.accepted, line.written});
  }
  const std::chrono::nanoseconds now = std::chrono::system_clock::now().time_since_epoch();
  writer_.write_statistics(static_cast<std::uint64_t>(now.count()), statistics);
}

std::uint64_t Capture::frames() const {
  std::uint64_t sum = 0;
  for (const Line& line : lines_) sum += line.written;
  return sum;
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
  write_statistics();
  return writer_.close();
}

}  // namespace myriad::cli
