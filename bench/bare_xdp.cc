// The least that sends through AF_XDP, to hold others against: one socket in copy mode on one queue, frames that were
// written once and are never touched again, no receiving, no clock but every 256th turn. What this reaches is what the
// kernel and the device make of it; whoever makes frames as well can only be slower.
//
// Sends for --seconds, then says what came back through the COMPLETION ring, as one line of JSON.
#include <fmt/format.h>
#include <linux/if_link.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "base/bytes.h"
#include "base/checksum.h"
#include "xsk/uapi.h"

namespace myriad {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kChunkBytes = 2048;
constexpr std::uint32_t kTurnsPerClock = 256;

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  std::string interface = "port";
  std::uint32_t queue = 0;
  std::uint32_t bytes = 60;  // of a frame, without FCS
  std::uint32_t batch = 64;  // frames handed over at once
  std::uint32_t chunks = 4096;
  std::uint32_t ring = 2048;
  std::uint32_t budget = 0;  // frames one wake-up sends; 0 = as the kernel has it
  double seconds = 2;
};

[[noreturn]] void give_up(const char* what, int os_error) {
  throw std::system_error(os_error, std::generic_category(), what);
}

// UDP to the discard port, with the checksum of its IPv4 header and none of its own.
void write_frame(std::uint8_t* frame, std::uint32_t bytes) {
  constexpr std::array<std::uint8_t, 14> kEthernet{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
  constexpr std::array<std::uint8_t, 20> kIpv4{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2};
  std::memset(frame, 0, bytes);
  std::memcpy(frame, kEthernet.data(), kEthernet.size());
  std::uint8_t* const ip = frame + kEthernet.size();
  std::memcpy(ip, kIpv4.data(), kIpv4.size());
  store_be16(ip + 2, static_cast<std::uint16_t>(bytes - kEthernet.size()));
  checksum_store(ip + 10, checksum_add(0, {ip, kIpv4.size()}));
  std::uint8_t* const udp = ip + kIpv4.size();
  store_be16(udp, 4096);
  store_be16(udp + 2, 9);
  store_be16(udp + 4, static_cast<std::uint16_t>(bytes - kEthernet.size() - kIpv4.size()));
}

class BareSender {
 public:
  explicit BareSender(const Options& options) : options_(options) {
    const std::size_t size = std::size_t{options.chunks} * kChunkBytes;
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (at == MAP_FAILED) give_up("mapping memory for frames", errno);
    memory_ = {static_cast<std::uint8_t*>(at), size};
    for (std::size_t i = 0; i < size; i += kChunkBytes) write_frame(memory_.data() + i, options.bytes);

    const xsk_umem_config sizes{.fill_size = options.ring,
                                .comp_size = options.ring,
                                .frame_size = kChunkBytes,
                                .frame_headroom = 0,
                                .flags = 0};
    if (const int failed = xsk_umem__create(&umem_, at, size, &fill_, &completion_, &sizes)) {
      give_up("registering memory for AF_XDP", -failed);
    }
    xsk_socket_config config{};
    config.tx_size = options.ring;
    config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
    config.bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP;
    if (const int failed =
            xsk_socket__create(&socket_, options.interface.c_str(), options.queue, umem_, nullptr, &tx_, &config)) {
      give_up("binding an AF_XDP socket", -failed);
    }
    if (options.budget == 0) return;
    const std::uint32_t wanted = options.budget;
    if (::setsockopt(fd(), SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &wanted, sizeof wanted) != 0) {
      give_up("choosing how much one wake-up sends", errno);
    }
  }
  BareSender(const BareSender&) = delete;
  BareSender& operator=(const BareSender&) = delete;
  ~BareSender() {
    if (socket_ != nullptr) xsk_socket__delete(socket_);
    if (umem_ != nullptr) xsk_umem__delete(umem_);
    if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
  }

  // Returns how many frames have gone out.
  std::uint64_t send_until(Clock::time_point end) {
    std::uint64_t completed = 0;
    for (std::uint32_t turn = 0; interrupted == 0; ++turn) {
      if (turn % kTurnsPerClock == 0 && Clock::now() >= end) break;
      queue_batch();
      wake_kernel();
      completed += reap();
    }
    return completed;
  }

 private:
  [[nodiscard]] int fd() const { return xsk_socket__fd(socket_); }
  void queue_batch() {
    std::uint32_t at = 0;
    if (options_.chunks - under_way_ < options_.batch) return;
    if (xsk_ring_prod__reserve(&tx_, options_.batch, &at) != options_.batch) return;
    for (std::uint32_t i = 0; i < options_.batch; ++i) {
      *xsk_ring_prod__tx_desc(&tx_, at + i) = {std::uint64_t{next_} * kChunkBytes, options_.bytes, 0};
      if (++next_ == options_.chunks) next_ = 0;
    }
    xsk_ring_prod__submit(&tx_, options_.batch);
    under_way_ += options_.batch;
  }
  void wake_kernel() {
    if (::sendto(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0) return;
    // What is left in the ring goes with the next call.
    if (errno != EAGAIN && errno != EBUSY && errno != ENOBUFS) give_up("waking the kernel", errno);
  }
  std::uint32_t reap() {
    std::uint32_t at = 0;
    const std::uint32_t count = xsk_ring_cons__peek(&completion_, options_.ring, &at);
    if (count != 0) xsk_ring_cons__release(&completion_, count);
    under_way_ -= count;
    return count;
  }

  Options options_;
  MutableBytes memory_;
  xsk_umem* umem_ = nullptr;
  xsk_socket* socket_ = nullptr;
  xsk_ring_prod fill_{};
  xsk_ring_cons completion_{};
  xsk_ring_prod tx_{};
  std::uint32_t next_ = 0;       // chunk; they come back in the order in which they went
  std::uint32_t under_way_ = 0;  // chunks that have not come back
};

}  // namespace
}  // namespace myriad

int main(int argc, char** argv) {
  using namespace myriad;
  Options options;
  CLI::App app{"Sends frames that were made before, as fast as AF_XDP takes them"};
  app.add_option("--interface", options.interface)->capture_default_str();
  app.add_option("--queue", options.queue)->capture_default_str();
  app.add_option("--bytes", options.bytes, "of a frame, without FCS")
      ->check(CLI::Range(60, 1514))
      ->capture_default_str();
  app.add_option("--batch", options.batch)->check(CLI::Range(1, 2048))->capture_default_str();
  app.add_option("--budget", options.budget, "frames one wake-up sends; 0: as the kernel has it")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds)->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { interrupted = 1; });
  try {
    BareSender sender{options};
    const auto begin = Clock::now();
    const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
    const std::uint64_t frames = sender.send_until(begin + length);
    const std::chrono::duration<double> took = Clock::now() - begin;
    fmt::print("{{\"frames\": {}, \"seconds\": {}}}\n", frames, took.count());
  } catch (const std::exception& error) {
    fmt::print(stderr, "bare_xdp: {}\n", error.what());
    return 1;
  }
}
