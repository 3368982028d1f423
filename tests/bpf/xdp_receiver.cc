#include "tests/bpf/xdp_receiver.h"

#include <linux/if_link.h>
#include <poll.h>
#include <sys/mman.h>
#include <xdp/xsk.h>

#include <cerrno>
#include <cstdlib>

namespace myriad::bpf {
namespace {

constexpr std::uint32_t kFrames = 2048;
constexpr std::uint32_t kFrameBytes = 2048;

}  // namespace

struct XdpReceiver::State {
  void* memory = nullptr;
  xsk_umem* umem = nullptr;
  xsk_ring_prod fill{};
  xsk_ring_cons completion{};
  struct Shard {
    xsk_socket* socket = nullptr;
    xsk_ring_cons rx{};
  };
  std::vector<Shard> shards;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const Shard& shard : shards) {
      if (shard.socket != nullptr) xsk_socket__delete(shard.socket);
    }
    if (umem != nullptr) xsk_umem__delete(umem);
    std::free(memory);
  }
};

XdpReceiver::XdpReceiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
XdpReceiver::~XdpReceiver() = default;

Result<std::unique_ptr<XdpReceiver>> XdpReceiver::open(const std::string& interface, std::uint32_t queue,
                                                       std::uint32_t shards) {
  auto state = std::make_unique<State>();
  constexpr std::size_t kBytes = std::size_t{kFrames} * kFrameBytes;
  state->memory = std::aligned_alloc(4096, kBytes);
  xsk_umem_config umem_config{};
  umem_config.fill_size = kFrames;
  umem_config.comp_size = kFrames;
  umem_config.frame_size = kFrameBytes;
  if (const int error =
          xsk_umem__create(&state->umem, state->memory, kBytes, &state->fill, &state->completion, &umem_config);
      error != 0) {
    return fail(Fault::kMachine, "making a UMEM", {}, -error);
  }
  state->shards.resize(shards);
  for (State::Shard& shard : state->shards) {
    xsk_socket_config config{};
    config.rx_size = kFrames;
    config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
    config.bind_flags = XDP_COPY;
    const int error = xsk_socket__create_shared(&shard.socket, interface.c_str(), queue, state->umem, &shard.rx,
                                                nullptr, &state->fill, &state->completion, &config);
    if (error != 0) return fail(Fault::kMachine, "making an AF_XDP socket", {}, -error);
  }
  std::uint32_t index = 0;
  if (xsk_ring_prod__reserve(&state->fill, kFrames, &index) != kFrames) return fail(Fault::kRun, "filling FILL");
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    *xsk_ring_prod__fill_addr(&state->fill, index + i) = std::uint64_t{i} * kFrameBytes;
  }
  xsk_ring_prod__submit(&state->fill, kFrames);
  return std::unique_ptr<XdpReceiver>{new XdpReceiver{std::move(state)}};
}

int XdpReceiver::socket(std::uint32_t shard) const { return xsk_socket__fd(state_->shards[shard].socket); }

std::vector<std::vector<std::uint8_t>> XdpReceiver::receive(std::uint32_t shard, std::size_t count,
                                                            std::chrono::milliseconds patience) {
  std::vector<std::vector<std::uint8_t>> frames;
  State::Shard& of = state_->shards[shard];
  while (frames.size() < count) {
    std::uint32_t index = 0;
    const std::uint32_t ready = xsk_ring_cons__peek(&of.rx, static_cast<__u32>(count - frames.size()), &index);
    if (ready == 0) {
      pollfd waiting{socket(shard), POLLIN, 0};
      if (poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) break;
      continue;
    }
    for (std::uint32_t i = 0; i < ready; ++i) {
      const xdp_desc* frame = xsk_ring_cons__rx_desc(&of.rx, index + i);
      const auto* bytes = static_cast<const std::uint8_t*>(xsk_umem__get_data(state_->memory, frame->addr));
      frames.emplace_back(bytes, bytes + frame->len);
    }
    xsk_ring_cons__release(&of.rx, ready);
  }
  return frames;
}

}  // namespace myriad::bpf
