// The ethtool half of cli/netdev.h: what a driver says of itself.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "cli/netdev.h"

namespace myriad::cli {
namespace {

// The kernel's name of a feature, and ethtool's name of the option.
struct FeatureName {
  std::string_view kernel;
  std::string_view option;
};
constexpr std::array<FeatureName, 8> kFeatures = {{{"rx-vlan-hw-parse", "rx-vlan-offload"},
                                                   {"tx-vlan-hw-insert", "tx-vlan-offload"},
                                                   {"rx-gro", "gro"},
                                                   {"rx-gro-hw", "rx-gro-hw"},
                                                   {"rx-lro", "lro"},
                                                   {"rx-checksum", "rx-checksumming"},
                                                   {"tx-checksum-ip-generic", "tx-checksumming"},
                                                   {"rx-vlan-filter", "rx-vlan-filter"}}};

class Ethtool {
 public:
  explicit Ethtool(const std::string& interface) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::size_t size = std::min(interface.size(), sizeof request_.ifr_name - 1);
    std::memcpy(request_.ifr_name, interface.data(), size);
  }
  Ethtool(const Ethtool&) = delete;
  Ethtool& operator=(const Ethtool&) = delete;
  ~Ethtool() {
    if (socket_ >= 0) ::close(socket_);
  }

  // `question` begins with its command number, and holds the answer afterwards.
  bool ask(void* question) {
    request_.ifr_data = static_cast<char*>(question);
    return socket_ >= 0 && ::ioctl(socket_, SIOCETHTOOL, &request_) == 0;
  }

 private:
  int socket_;
  ifreq request_{};
};

// A kernel structure that ends in an array of unknown length.
template <class Head>
class WithTail {
 public:
  WithTail(std::uint32_t command, std::size_t tail_bytes) : memory_(sizeof(Head) + tail_bytes) {
    head()->cmd = command;
  }
  Head* head() { return reinterpret_cast<Head*>(memory_.data()); }

 private:
  // std::max_align_t units are not needed: operator new aligns for any kernel structure.
  std::vector<std::uint8_t> memory_;
};

std::uint32_t feature_count(Ethtool& ethtool) {
  WithTail<ethtool_sset_info> info{ETHTOOL_GSSET_INFO, sizeof(std::uint32_t)};
  info.head()->sset_mask = std::uint64_t{1} << ETH_SS_FEATURES;
  if (!ethtool.ask(info.head()) || info.head()->sset_mask == 0) return 0;
  return std::min(info.head()->data[0], 1024U);
}

std::vector<Offload> read_offloads(Ethtool& ethtool) {
  std::vector<Offload> offloads;
  const std::uint32_t count = feature_count(ethtool);
  if (count == 0) return offloads;
  WithTail<ethtool_gstrings> names{ETHTOOL_GSTRINGS, std::size_t{count} * ETH_GSTRING_LEN};
  names.head()->string_set = ETH_SS_FEATURES;
  names.head()->len = count;
  const std::uint32_t blocks = (count + 31) / 32;
  WithTail<ethtool_gfeatures> features{ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block)};
  features.head()->size = blocks;
  if (!ethtool.ask(names.head()) || !ethtool.ask(features.head())) return offloads;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* const name = reinterpret_cast<const char*>(names.head()->data + std::size_t{i} * ETH_GSTRING_LEN);
    const std::string_view text{name, ::strnlen(name, ETH_GSTRING_LEN)};
    const auto known =
        std::find_if(kFeatures.begin(), kFeatures.end(), [&](const FeatureName& f) { return f.kernel == text; });
    if (known == kFeatures.end()) continue;
    const ethtool_get_features_block& block = features.head()->features[i / 32];
    const std::uint32_t bit = 1U << (i % 32);
    const bool fixed = (block.never_changed & bit) != 0 || (block.available & bit) == 0;
    offloads.push_back({std::string(known->option), (block.active & bit) != 0, fixed});
  }
  return offloads;
}

}  // namespace

DriverFacts read_driver(const std::string& interface) {
  DriverFacts facts;
  Ethtool ethtool{interface};
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (ethtool.ask(&info)) {
    facts.driver.assign(info.driver, ::strnlen(info.driver, sizeof info.driver));
    facts.version.assign(info.version, ::strnlen(info.version, sizeof info.version));
  }
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ethtool.ask(&channels)) {
    facts.queues = std::max(1U, channels.combined_count + channels.rx_count);
    facts.tx_queues = std::max(1U, channels.combined_count + channels.tx_count);
    facts.queues_max = std::max({facts.queues, channels.max_combined, channels.max_rx});
  }
  facts.offloads = read_offloads(ethtool);
  // What was loaded tells how far it came; what is part of the image does not.
  const std::string state = "/sys/class/net/" + interface + "/device/driver/module/initstate";
  facts.is_module = ::access(state.c_str(), F_OK) == 0;
  return facts;
}

std::string zero_copy_doubt(const DriverFacts& driver) {
  if (driver.driver != "virtio_net" || !driver.is_module) return {};
  return "virtio_net, loaded as a module, may lose every frame that is sent in zero-copy (Linux 7.3 does)";
}

}  // namespace myriad::cli
