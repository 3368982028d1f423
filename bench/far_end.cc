// Counts and drops every frame that arrives on an interface, by a native XDP program (far_end.bpf.c). The link is this
// process's: when it ends the program is gone.
//
// Says `ready`, answers each line of its standard input with the time (ns, monotonic) and the count so far, and ends
// when its standard input does.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "far_end.skel.h"

namespace myriad {
namespace {

class FarEnd {
 public:
  explicit FarEnd(const std::string& interface) : skeleton_(far_end_bpf__open_and_load()) {
    if (!skeleton_) throw std::runtime_error("the program cannot be loaded");
    const unsigned index = if_nametoindex(interface.c_str());
    if (index == 0) throw std::runtime_error(fmt::format("no interface {} in this namespace", interface));
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    link_ = bpf_link_create(bpf_program__fd(skeleton_->progs.far_end_drop), static_cast<int>(index), BPF_XDP, &options);
    if (link_ < 0) throw std::runtime_error(fmt::format("the program cannot be attached to {}", interface));
    per_processor_.resize(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  }

  std::uint64_t frames() {
    const std::uint32_t key = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.far_end_frames), &key, per_processor_.data()) != 0) {
      throw std::runtime_error("the count cannot be read");
    }
    return std::accumulate(per_processor_.begin(), per_processor_.end(), std::uint64_t{0});
  }

 private:
  struct Destroy {
    void operator()(far_end_bpf* skeleton) const { far_end_bpf__destroy(skeleton); }
  };
  std::unique_ptr<far_end_bpf, Destroy> skeleton_;
  int link_ = -1;  // closed with the process
  std::vector<std::uint64_t> per_processor_;
};

}  // namespace
}  // namespace myriad

int main(int argc, char** argv) {
  std::string interface = "peer";
  CLI::App app{"Counts and drops every frame that arrives"};
  app.add_option("--interface", interface)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    myriad::FarEnd far_end{interface};
    fmt::print("ready\n");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
      const auto now = std::chrono::steady_clock::now().time_since_epoch();
      fmt::print("{} {}\n", std::chrono::nanoseconds{now}.count(), far_end.frames());
      std::fflush(stdout);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "far_end: {}\n", error.what());
    return 1;
  }
}
