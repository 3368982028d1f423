// Floods many hosts with pings and checks every answer: right host, right number, right bytes, once. One thread on a
// packet socket; run by bench/ping_flood.
//
// The n-th request goes to host n % hosts and carries n in its data, so that every answer says which request it is of.
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "base/addr.h"
#include "base/checksum.h"

namespace myriad {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kFrameBytes = 14 + 20 + 8 + 16;  // the number, then a pattern
constexpr std::uint64_t kPattern = 0x6d79726961642121;
constexpr std::size_t kBatch = 32;

struct Options {
  std::string interface = "peer";
  MacAddress own_mac;
  Ipv4Address own_ip;
  MacAddress first_mac;
  Ipv4Address first_ip;
  std::uint32_t hosts = 1000;
  double rate = 0;  // requests per second; 0 = as fast as the socket takes them
  double seconds = 2;
};

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t wrong = 0;   // not the answer to any request, or a second one
  std::uint64_t missed = 0;  // received by the interface, but not by this program: its own buffer was full
};

class Flood {
 public:
  explicit Flood(const Options& options) : options_(options) {
    // Only IPv4, so that the socket does not see what it sends itself.
    socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (socket_ < 0) throw std::system_error(errno, std::generic_category(), "packet socket");
    set(SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20);
    set(SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    store_be16(reinterpret_cast<std::uint8_t*>(&address.sll_protocol), ETH_P_IP);
    address.sll_ifindex = static_cast<int>(if_nametoindex(options.interface.c_str()));
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::system_error(errno, std::generic_category(), options.interface);
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      out_parts_[i] = {.iov_base = out_[i].data(), .iov_len = kFrameBytes};
      out_messages_[i].msg_hdr.msg_iov = &out_parts_[i];
      out_messages_[i].msg_hdr.msg_iovlen = 1;
      in_parts_[i] = {.iov_base = in_[i].data(), .iov_len = in_[i].size()};
      in_messages_[i].msg_hdr.msg_iov = &in_parts_[i];
      in_messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;
  ~Flood() { close(socket_); }

  Counts run() {
    const auto started = Clock::now();
    const auto end =
        started + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    for (auto now = started; now < end; now = Clock::now()) {
      const double due = options_.rate * std::chrono::duration<double>(now - started).count();
      if (options_.rate == 0 || static_cast<double>(counts_.sent) < due) send_some();
      receive_all();
    }
    // What is still on its way: until nothing has come for a while.
    for (auto last = Clock::now(); Clock::now() - last < std::chrono::milliseconds{300};) {
      if (receive_all() > 0) last = Clock::now();
    }
    tpacket_stats statistics{};
    socklen_t length = sizeof statistics;
    getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
    counts_.missed = statistics.tp_drops;
    return counts_;
  }

 private:
  void set(int level, int name, int value) { setsockopt(socket_, level, name, &value, sizeof value); }

  void write_request(std::uint8_t* at, std::uint64_t number) const {
    const auto host = static_cast<std::uint32_t>(number % options_.hosts);
    MacAddress::from_number(options_.first_mac.number() + host).store(at);
    options_.own_mac.store(at + 6);
    store_be16(at + 12, ETH_P_IP);
    std::uint8_t* ip = at + 14;
    store_be32(ip, 0x45000000U | (kFrameBytes - 14));
    store_be32(ip + 4, 0x00004000);  // do not fragment
    store_be32(ip + 8, 0x40010000);  // TTL 64, ICMP
    options_.own_ip.store(ip + 12);
    (options_.first_ip + host).store(ip + 16);
    checksum_store(ip + 10, checksum_add(0, Bytes{ip, 20}));
    std::uint8_t* icmp = ip + 20;
    store_be32(icmp, 0x08000000);
    store_be16(icmp + 4, static_cast<std::uint16_t>(number >> 16));
    store_be16(icmp + 6, static_cast<std::uint16_t>(number));
    store_be64(icmp + 8, number);
    store_be64(icmp + 16, kPattern);
    checksum_store(icmp + 2, checksum_add(0, Bytes{icmp, kFrameBytes - 34}));
  }

  void send_some() {
    for (std::size_t i = 0; i < kBatch; ++i) write_request(out_[i].data(), counts_.sent + i);
    const int sent = sendmmsg(socket_, out_messages_.data(), kBatch, MSG_DONTWAIT);
    if (sent > 0) counts_.sent += static_cast<std::uint64_t>(sent);
    if (answered_.size() < counts_.sent) answered_.resize(counts_.sent + (1U << 20));
  }

  int receive_all() {
    int total = 0;
    for (int count = kBatch; count == kBatch;) {
      count = recvmmsg(socket_, in_messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
      for (int i = 0; i < count; ++i) {
        const auto index = static_cast<std::size_t>(i);
        on_frame(Bytes{in_[index].data(), in_messages_[index].msg_len});
      }
      if (count > 0) total += count;
    }
    return total;
  }

  void on_frame(Bytes frame) {
    if (frame.size() < kFrameBytes || frame[23] != 1 || frame[34] != 0) return;  // not an echo reply
    const std::uint64_t number = load_be64(frame.data() + 42);
    const bool known = number < counts_.sent && !answered_[number] && is_answer(frame.data(), number);
    if (!known) {
      ++counts_.wrong;
      return;
    }
    answered_[number] = true;
    ++counts_.answered;
  }

  [[nodiscard]] bool is_answer(const std::uint8_t* at, std::uint64_t number) const {
    const auto host = static_cast<std::uint32_t>(number % options_.hosts);
    const std::uint8_t* icmp = at + 34;
    return MacAddress::from_bytes(at) == options_.own_mac &&
           MacAddress::from_bytes(at + 6).number() == options_.first_mac.number() + host &&
           Ipv4Address::from_bytes(at + 26) == options_.first_ip + host &&
           Ipv4Address::from_bytes(at + 30) == options_.own_ip &&
           checksum_fold(checksum_add(0, Bytes{at + 14, 20})) == 0xffff &&
           checksum_fold(checksum_add(0, Bytes{icmp, kFrameBytes - 34})) == 0xffff && icmp[1] == 0 &&
           load_be16(icmp + 4) == static_cast<std::uint16_t>(number >> 16) &&
           load_be16(icmp + 6) == static_cast<std::uint16_t>(number) && load_be64(icmp + 16) == kPattern;
  }

  Options options_;
  int socket_ = -1;
  Counts counts_;
  std::vector<bool> answered_;
  std::array<std::array<std::uint8_t, kFrameBytes>, kBatch> out_{};
  std::array<std::array<std::uint8_t, 2048>, kBatch> in_{};
  std::array<iovec, kBatch> out_parts_{};
  std::array<iovec, kBatch> in_parts_{};
  std::array<mmsghdr, kBatch> out_messages_{};
  std::array<mmsghdr, kBatch> in_messages_{};
};

int run(const Options& options) {
  const Counts counts = Flood{options}.run();
  fmt::print("{{\"sent\": {}, \"answered\": {}, \"wrong\": {}, \"missed\": {}, \"seconds\": {}}}\n", counts.sent,
             counts.answered, counts.wrong, counts.missed, options.seconds);
  return 0;
}

}  // namespace
}  // namespace myriad

int main(int argc, char** argv) {
  myriad::Options options;
  std::string own_mac = "02:00:00:00:00:02";
  std::string own_ip = "10.77.0.2";
  std::string first_mac = "02:4d:00:00:00:01";
  std::string first_ip = "10.77.1.1";
  CLI::App app{"Pings many hosts as fast as asked and checks every answer"};
  app.add_option("--interface", options.interface);
  app.add_option("--own-mac", own_mac);
  app.add_option("--own-ip", own_ip);
  app.add_option("--first-mac", first_mac, "of the first host; then +1 each");
  app.add_option("--first-ip", first_ip, "of the first host; then +1 each");
  app.add_option("--hosts", options.hosts)->check(CLI::PositiveNumber);
  app.add_option("--rate", options.rate, "requests per second; 0 = as fast as possible");
  app.add_option("--seconds", options.seconds);
  CLI11_PARSE(app, argc, argv);
  const auto mac = myriad::MacAddress::parse(own_mac);
  const auto ip = myriad::Ipv4Address::parse(own_ip);
  const auto host_mac = myriad::MacAddress::parse(first_mac);
  const auto host_ip = myriad::Ipv4Address::parse(first_ip);
  if (!mac || !ip || !host_mac || !host_ip) {
    fmt::print(stderr, "echo_flood: an address does not parse\n");
    return 2;
  }
  options.own_mac = *mac;
  options.own_ip = *ip;
  options.first_mac = *host_mac;
  options.first_ip = *host_ip;
  try {
    return myriad::run(options);
  } catch (const std::system_error& error) {
    fmt::print(stderr, "echo_flood: {}\n", error.what());
    return 1;
  }
}
