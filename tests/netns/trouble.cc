// The trouble box: run in a namespace that stands between Myriad and the kernel, it forwards frames between `west` and
// `east` with loss, duplicates, delays and damage (trouble.bpf.c says how). It owns the BPF links, so that everything
// is detached when it ends; nothing is pinned.
//
// It says `ready` when frames flow, answers each line of its standard input with its counters as one line of JSON, and
// ends when its standard input does. Refuses to start when an interface is missing or has a program already.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/netns/trouble_abi.h"
#include "trouble.skel.h"

namespace myriad {
namespace {

struct Options {
  std::uint64_t seed = 1;
  double drop = 0;  // shares of TCP frames, 0 to 1
  double duplicate = 0;
  double delay = 0;
  double corrupt = 0;
  std::uint32_t delay_max_us = 50;
};

std::uint32_t share(double part) { return static_cast<std::uint32_t>(part * 4294967295.0); }

std::uint32_t index_of(const char* name) {
  const unsigned index = if_nametoindex(name);
  if (index == 0) throw std::runtime_error(fmt::format("no interface {} in this namespace", name));
  return index;
}

class TroubleBox {
 public:
  explicit TroubleBox(const Options& options) : skeleton_(trouble_bpf__open()) {
    if (!skeleton_) throw std::runtime_error("the program cannot be opened");
    skeleton_->rodata->trouble_config = {.seed = options.seed,
                                         .drop = share(options.drop),
                                         .duplicate = share(options.duplicate),
                                         .delay = share(options.delay),
                                         .corrupt = share(options.corrupt),
                                         .delay_max_ns = options.delay_max_us * 1000};
    if (trouble_bpf__load(skeleton_.get()) != 0) throw std::runtime_error("the program cannot be loaded");
    const auto& maps = skeleton_->maps;
    const auto& programs = skeleton_->progs;
    route(maps.trouble_exits, TROUBLE_EASTWARD, "east");
    route(maps.trouble_exits, TROUBLE_WESTWARD, "west");
    route(maps.trouble_laps, TROUBLE_EASTWARD, "late-e0");
    route(maps.trouble_laps, TROUBLE_WESTWARD, "late-w0");
    route(maps.trouble_both_eastward, 0, "east");
    route(maps.trouble_both_eastward, 1, "copy-e0");
    route(maps.trouble_both_westward, 0, "west");
    route(maps.trouble_both_westward, 1, "copy-w0");
    for (const char* name : {"late-e0", "late-e1"}) attach(programs.late_eastward, name);
    for (const char* name : {"late-w0", "late-w1"}) attach(programs.late_westward, name);
    attach(programs.copied_eastward, "copy-e1");
    attach(programs.copied_westward, "copy-w1");
    for (const char* name : {"copy-e0", "copy-w0"}) attach(programs.nothing, name);
    attach(programs.enter_eastward, "west");
    attach(programs.enter_westward, "east");
  }

  [[nodiscard]] std::string counters() const {
    static constexpr std::array<const char*, TROUBLE_COUNTS> kNames{"seen",    "dropped",   "duplicated",
                                                                    "delayed", "corrupted", "laps"};
    std::string text = "{";
    for (std::uint32_t direction = 0; direction < TROUBLE_DIRECTIONS; ++direction) {
      text += fmt::format("{}\"{}\": {{", direction == 0 ? "" : ", ",
                          direction == TROUBLE_EASTWARD ? "eastward" : "westward");
      for (std::uint32_t kind = 0; kind < TROUBLE_COUNTS; ++kind) {
        text += fmt::format("{}\"{}\": {}", kind == 0 ? "" : ", ", kNames[kind],
                            counter(direction * TROUBLE_COUNTS + kind));
      }
      text += "}";
    }
    return text + "}";
  }

 private:
  struct Destroyer {
    void operator()(trouble_bpf* skeleton) const { trouble_bpf__destroy(skeleton); }
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  };

  static void route(const bpf_map* map, std::uint32_t key, const char* name) {
    const std::uint32_t index = index_of(name);
    if (bpf_map__update_elem(map, &key, sizeof key, &index, sizeof index, BPF_ANY) != 0) {
      throw std::runtime_error(fmt::format("no way to {}", name));
    }
  }

  void attach(const bpf_program* program, const char* name) {
    std::unique_ptr<bpf_link, Destroyer> link{bpf_program__attach_xdp(program, static_cast<int>(index_of(name)))};
    if (!link) throw std::runtime_error(fmt::format("the program cannot be attached to {}", name));
    links_.push_back(std::move(link));
  }

  [[nodiscard]] std::uint64_t counter(std::uint32_t key) const {
    std::vector<std::uint64_t> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.trouble_counters), &key, values.data()) != 0) {
      throw std::runtime_error("the counters cannot be read");
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t value : values) sum += value;
    return sum;
  }

  std::unique_ptr<trouble_bpf, Destroyer> skeleton_;
  std::vector<std::unique_ptr<bpf_link, Destroyer>> links_;
};

void serve(const Options& options) {
  const TroubleBox box{options};
  fmt::print("ready\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{}\n", box.counters());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace myriad

int main(int argc, char** argv) {
  myriad::Options options;
  CLI::App app{"Forwards frames between west and east, with trouble"};
  app.add_option("--seed", options.seed, "what the trouble depends on");
  const CLI::Range parts(0.0, 1.0);
  app.add_option("--drop", options.drop, "share of TCP frames that are lost")->check(parts);
  app.add_option("--duplicate", options.duplicate, "share that comes twice, the copy later")->check(parts);
  app.add_option("--delay", options.delay, "share that comes later, overtaken by others")->check(parts);
  app.add_option("--corrupt", options.corrupt, "share in which one bit is turned over")->check(parts);
  app.add_option("--delay-max-us", options.delay_max_us, "how much later at most")->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    myriad::serve(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "trouble: {}\n", error.what());
    return 1;
  }
  return 0;
}
