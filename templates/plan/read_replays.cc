// replays: which capture, where it leaves, how fast, as whose.
#include <sys/stat.h>

#include "capture/reader.h"
#include "craft/rewrite.h"
#include "templates/plan/keys_replays.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::size_t kMostReplays = 1024;
constexpr double kMostFramesPerSecond = 1e9;
constexpr double kMostBitsPerSecond = 1e12;
constexpr double kLeastMultiplier = 1e-6;
constexpr double kMostMultiplier = 1e6;
constexpr std::uint64_t kMostFrames = std::uint64_t{1} << 62;
constexpr std::uint32_t kFcs = 4;
constexpr std::uint32_t kPreambleAndGap = 20;

// ---- the capture

// What can be known of it without reading it: a file that nothing could be sent of is refused here.
void look_into(Reading& reading, const std::string& path, Place at) {
  struct stat about {};
  // A pipe can be read once, by who sends it.
  if (::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) return;
  auto reader = capture::Reader::open(path);
  if (!reader) {
    const Error& error = reader.error();
    return reading.wrong(at, error.message(), error.cure.empty() ? "name a capture: pcap or pcapng" : error.cure);
  }
  capture::Record record;
  if (reader->read(record) == capture::Step::kDamage) return;  // what came before is sent: nothing
  std::string others;
  for (const capture::Interface& interface : reader->interfaces()) {
    if (craft::can_be_sent(interface.link)) return;
    others = capture::link_type_name(interface.link);
  }
  if (others.empty()) return;
  reading.wrong(at, fmt::format("frames of link type {} cannot be sent", others),
                "Ethernet, raw IP, BSD loopback and Linux cooked captures can");
}

// ---- speed

void read_steady(Reading& reading, const Node& node, ReplaySpeed& speed, ReplaySpeedKind kind, double most) {
  const bool frames = kind == ReplaySpeedKind::kFrames;
  const auto value = reading.quantity(node, frames ? parse_frame_rate : parse_bit_rate);
  if (!value) return;
  if (*value <= 0 || *value > most) {
    return reading.wrong(
        node.at, fmt::format("{} is no rate to send at", quoted(node.text)),
        frames ? "above 0pps, at most 1Gpps; or speed: max" : "above 0bps, at most 1000Gbps; or speed: max");
  }
  speed.kind = kind;
  speed.per_second = *value;
}

ReplaySpeed read_speed(Reading& reading, const Node& node, Place at) {
  ReplaySpeed speed;
  if (node.is_scalar()) {
    if (reading.choice<bool>(node, {{"max", true}})) speed.kind = ReplaySpeedKind::kMax;
    return speed;
  }
  Fields fields(reading, node, kReplaySpeedTable, "'speed'", at);
  static constexpr std::string_view kKinds[] = {"multiplier", "pps", "bps"};
  const auto kind = fields.one_of(kKinds);
  if (kind == "multiplier") {
    const Node& value = *fields.find("multiplier");
    speed.multiplier = reading.quantity(value, parse_number).value_or(1);
    if (speed.multiplier < kLeastMultiplier || speed.multiplier > kMostMultiplier)
      reading.wrong(value.at, fmt::format("{} times as fast", quoted(value.text)), "0.000001 to 1000000");
  }
  if (kind == "pps") read_steady(reading, *fields.find("pps"), speed, ReplaySpeedKind::kFrames, kMostFramesPerSecond);
  if (kind == "bps") read_steady(reading, *fields.find("bps"), speed, ReplaySpeedKind::kBits, kMostBitsPerSecond);
  if (const Node* const layer = fields.find("layer")) {
    const auto number = reading.integer(*layer, 1, 2);
    if (kind && kind != "bps") reading.wrong(layer->at, "only bits differ by layer", "layer belongs to bps");
    if (number == 1) speed.overhead_bytes = kFcs + kPreambleAndGap;
  }
  return speed;
}

// ---- ports and hosts

void read_where(Reading& reading, Fields& fields, ReplayPlan& replay) {
  static constexpr std::string_view kWhere[] = {"port", "ports"};
  const auto where = fields.one_of(kWhere);
  if (!where) return;
  const Node& node = *fields.find(*where);
  if (*where == "port") {
    replay.port = reading.reference(node, reading.ports, "port").value_or(0);
    return;
  }
  Fields sides(reading, node, kReplayPortsTable, "'ports'", fields.place_of("ports"));
  if (const Node* const clients = sides.require("clients"))
    replay.port = reading.reference(*clients, reading.ports, "port").value_or(0);
  if (const Node* const servers = sides.require("servers"))
    replay.answers_port = reading.reference(*servers, reading.ports, "port");
}

// The hosts of one side, which have to be where its frames leave.
std::optional<std::size_t> read_side(Reading& reading, Fields& map, std::string_view side, std::size_t port) {
  const Node* const node = map.find(side);
  if (node == nullptr) return std::nullopt;
  Fields fields(reading, *node, kReplayHostsTable, quoted(side), map.place_of(side));
  const Node* const hosts = fields.require("hosts", "as in {hosts: clients}");
  if (hosts == nullptr) return std::nullopt;
  const auto group = reading.reference(*hosts, reading.groups, "group of hosts");
  if (group && reading.plan.groups[*group].port != port) {
    reading.wrong(hosts->at,
                  fmt::format("the hosts of '{}' are on port '{}', and these frames leave by '{}'",
                              reading.plan.groups[*group].name,
                              reading.plan.ports[reading.plan.groups[*group].port].name, reading.plan.ports[port].name),
                  "name hosts of that port");
  }
  return group;
}

void read_map(Reading& reading, const Node& node, Place at, ReplayPlan& replay) {
  Fields map(reading, node, kReplayMapTable, "'map'", at);
  replay.clients = read_side(reading, map, "clients", replay.port);
  replay.servers = read_side(reading, map, "servers", replay.answers_port.value_or(replay.port));
  if (node.entries.empty()) reading.wrong(at, "'map' maps nobody", "as in {clients: {hosts: clients}}");
  if (replay.answers_port && replay.clients && !replay.servers) {
    reading.wrong(at, "those who answer leave by another port than their hosts",
                  "say which hosts they become: servers: {hosts: …}");
  }
}

// ---- the replay

void read_replay(Reading& reading, const Entry& entry) {
  Fields fields(reading, *entry.value, kReplayTable, "replay " + quoted(entry.key), entry.at);
  ReplayPlan replay;
  replay.name = entry.key;
  read_where(reading, fields, replay);
  if (const Node* const pcap = fields.require("pcap", "the file that is replayed")) {
    if (const auto path = reading.text(*pcap)) {
      replay.pcap = reading.beside(*path);
      look_into(reading, replay.pcap, pcap->at);
    }
  }
  if (const Node* const speed = fields.find("speed"))
    replay.speed = read_speed(reading, *speed, fields.place_of("speed"));
  if (const Node* const loop = fields.find("loop")) {
    if (loop->is_scalar() && loop->text == "forever") {
      replay.loops.reset();
    } else {
      replay.loops = reading.integer(*loop, 1, kMostFrames).value_or(1);
    }
  }
  if (const Node* const limit = fields.find("limit")) replay.limit = reading.integer(*limit, 1, kMostFrames);
  if (const Node* const duration = fields.find("duration"))
    replay.duration = reading.duration(*duration, std::chrono::microseconds{1});
  if (const Node* const map = fields.find("map")) read_map(reading, *map, fields.place_of("map"), replay);
  reading.replays.add(entry.key, entry.at);
  reading.plan.replays.push_back(std::move(replay));
}

}  // namespace

void read_replays(Reading& reading, const Node& section) {
  if (section.entries.size() > kMostReplays) {
    return reading.wrong(section.entries[kMostReplays].at, fmt::format("more than {} replays", kMostReplays),
                         "captures can be put together, for instance with mergecap");
  }
  for_each_named(reading, section, "replays", [&](const Entry& entry) { read_replay(reading, entry); });
}

}  // namespace myriad::plan
