#include "xsk/xsk_port.h"

#include <linux/if_packet.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "xsk/setup_error.h"
#include "xsk/uapi.h"

namespace myriad::xsk {
namespace {

constexpr std::uint32_t kKernelTxBudget = 32;  // frames a wake-up sends in copy mode unless told otherwise

// What the driver may have against zero-copy; everything else would be in the way of copy mode as well.
bool is_about_the_mode(int os_error) {
  return os_error != EPERM && os_error != EACCES && os_error != ENODEV && os_error != ENXIO && os_error != ENOBUFS &&
         os_error != ENOMEM && os_error != EAFNOSUPPORT && os_error != EMFILE && os_error != ENFILE;
}

// The shard whose FILL and COMPLETION rings those of this queue are.
constexpr std::uint32_t owner_of(std::uint32_t queue, std::uint32_t shards) { return queue % shards; }
constexpr std::uint32_t tx_queue_of(std::uint32_t shard, std::uint32_t queues) { return shard % queues; }

}  // namespace

// Further sockets go before the first of their queue, and all before the UMEM.
void Port::Matrix::close() {
  while (!sockets.empty()) sockets.pop_back();
  umem.reset();
}

Port::~Port() = default;

Result<std::unique_ptr<Port>> Port::open(const PortOptions& options) {
  const auto device = find_device(options.interface);
  if (!device) return Failure{device.error()};
  const auto chosen = complete(options, *device);
  if (!chosen) return Failure{chosen.error()};
  auto memory = FrameMemory::map(std::size_t{chosen->frames_per_shard} * chosen->shards * chosen->chunk_bytes);
  if (!memory) return Failure{std::move(memory.error())};

  std::unique_ptr<Port> port{new Port{std::move(*memory)}};
  port->device_ = *device;
  port->queues_ = chosen->queues;
  port->area_ = {port->memory_.bytes().data(), chosen->chunk_bytes, chosen->frames_per_shard, chosen->shards};
  auto done = port->bind(*chosen).and_then([&] { return port->make_shards(*chosen); }).and_then([&] {
    return chosen->promiscuous ? port->join_promiscuous() : Result<void>{};
  });
  if (!done) return Failure{std::move(done.error())};
  port->read_mode();
  port->set_tx_budget(*chosen);
  return port;
}

Result<void> Port::bind(const PortOptions& options) {
  const bool may_be_zero_copy = options.mode != BindRequest::kCopy && !options.generic;
  Duration patience = options.bind_retry;
  if (may_be_zero_copy) {
    auto bound = bind_all(options, BindMode::kZeroCopy, patience);
    if (bound) return {};
    const Error& refusal = bound.error();
    if (options.mode == BindRequest::kZeroCopy || !is_about_the_mode(refusal.os_error)) return bound;
    why_copy_ = refusal.message();
  }
  return bind_all(options, BindMode::kCopy, patience);
}

Result<void> Port::bind_all(const PortOptions& options, BindMode mode, Duration& patience) {
  // A registration that no driver has taken frames of serves the next attempt.
  if (matrix_.umem == nullptr) {
    auto umem = Umem::register_memory(memory_,
                                      {.chunk_bytes = options.chunk_bytes,
                                       .queues = options.queues,
                                       .fill_entries = options.fill_entries,
                                       .completion_entries = options.completion_entries},
                                      notes_);
    if (!umem) return Failure{std::move(umem.error())};
    matrix_.umem = std::move(*umem);
    matrix_.umem->prime(0, primed(0).first, primed(0).count);
  }
  SocketOptions wanted;
  wanted.rx_entries = options.rx_entries;
  wanted.bind_flags = static_cast<std::uint16_t>((mode == BindMode::kZeroCopy ? XDP_ZEROCOPY : XDP_COPY) |
                                                 (options.need_wakeup ? XDP_USE_NEED_WAKEUP : 0));
  for (std::uint32_t queue = 0; queue < options.queues; ++queue) {
    for (std::uint32_t shard = 0; shard < options.shards; ++shard) {
      wanted.queue = queue;
      wanted.tx_entries = tx_queue_of(shard, options.queues) == queue ? options.tx_entries : 0;
      auto socket = bind_patiently(wanted, shard, patience);
      if (!socket) {
        const bool untouched = FillRing{matrix_.umem->rings(0).fill}.pending() == primed(0).count;
        if (!matrix_.sockets.empty() || !untouched) matrix_.close();
        Error error = std::move(socket.error());
        error.what += std::string{" in mode "} + name(mode);
        return Failure{std::move(error)};
      }
      matrix_.sockets.push_back(std::move(*socket));
    }
  }
  return {};
}

Result<std::unique_ptr<Socket>> Port::bind_patiently(const SocketOptions& options, std::uint32_t shard,
                                                     Duration& patience) {
  // The kernel frees a queue some time after its last socket was closed.
  constexpr Duration kLongestPause = std::chrono::milliseconds{100};
  Duration pause = std::chrono::milliseconds{5};
  for (;;) {
    auto socket = bind_one(options, shard);
    if (socket || socket.error().os_error != EBUSY || patience <= Duration::zero()) return socket;
    std::this_thread::sleep_for(pause);
    patience -= pause;
    pause = std::min(pause * 2, kLongestPause);
  }
}

Result<std::unique_ptr<Socket>> Port::bind_one(const SocketOptions& options, std::uint32_t shard) {
  Umem& umem = *matrix_.umem;
  if (shard != 0) return Socket::further_of_queue(*matrix_.sockets[matrix_.sockets.size() - shard], device_, options);
  if (options.queue == 0) return Socket::first_of_umem(umem, device_, options);
  return Socket::first_of_queue(umem, *matrix_.sockets.front(), device_, options, primed(options.queue));
}

PrimedFrames Port::primed(std::uint32_t queue) const {
  const std::uint32_t owner = owner_of(queue, area_.shards);
  const std::uint32_t owned_queues = (queues_ - owner + area_.shards - 1) / area_.shards;
  const std::uint32_t spare = area_.frames_per_shard - ShardPort::send_reserve(area_.frames_per_shard);
  const std::uint32_t count = std::min(matrix_.umem->options().fill_entries, spare / owned_queues);
  return {FrameIndex{owner * area_.frames_per_shard + queue / area_.shards * count}, count};
}

Result<void> Port::make_shards(const PortOptions& options) {
  const std::uint32_t shards = options.shards;
  lengths_ = std::make_unique<FrameLengths>(area_.count());
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    ShardPort::Wiring wiring;
    wiring.area = area_;
    wiring.lengths = lengths_.get();
    wiring.tx_queue = tx_queue_of(shard, queues_);
    for (std::uint32_t queue = 0; queue < queues_; ++queue) {
      const Socket& socket = *matrix_.sockets[std::size_t{queue} * shards + shard];
      wiring.rx.push_back({RxRing{socket.rx()}, socket.fd()});
      if (queue == wiring.tx_queue) wiring.tx = TxRing{socket.tx()};
      if (owner_of(queue, shards) != shard) continue;
      const QueueRings& rings = matrix_.umem->rings(queue);
      wiring.owned.push_back({FillRing{rings.fill}, CompletionRing{rings.completion}, queue});
      wiring.primed += primed(queue).count;
    }
    auto link = LinkWatch::open(device_.index);
    if (!link) return Failure{std::move(link.error())};
    FileDescriptor wake_event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!wake_event.is_open()) return setup_failure("making an event to wake shard " + std::to_string(shard), errno);
    shards_.push_back(std::make_unique<ShardPort>(std::move(wiring), std::move(*link), std::move(wake_event)));
  }
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    shards_[shard]->send_on_queue_of(*shards_[owner_of(tx_queue_of(shard, queues_), shards)]);
  }
  return {};
}

Result<void> Port::join_promiscuous() {
  // Protocol 0: the socket is there for its membership alone and receives nothing.
  membership_ = FileDescriptor{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
  if (!membership_.is_open()) return setup_failure("opening a packet socket for promiscuous mode", errno);
  packet_mreq request{};
  request.mr_ifindex = static_cast<int>(device_.index);
  request.mr_type = PACKET_MR_PROMISC;
  if (::setsockopt(membership_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) != 0) {
    return setup_failure("joining promiscuous mode on " + device_.name, errno);
  }
  return {};
}

void Port::read_mode() {
  xdp_options options{};
  socklen_t size = sizeof options;
  const bool known = ::getsockopt(socket_fd(0, 0), SOL_XDP, XDP_OPTIONS, &options, &size) == 0;
  mode_ = known && (options.flags & XDP_OPTIONS_ZEROCOPY) != 0 ? BindMode::kZeroCopy : BindMode::kCopy;
}

void Port::set_tx_budget(const PortOptions& options) {
  // The kernel takes from its own default up to the size of the TX ring; one before 6.17 does not know the option.
  const std::uint32_t wanted = std::clamp(options.tx_budget, kKernelTxBudget, options.tx_entries);
  tx_budget_ = wanted;
  for (std::uint32_t shard = 0; shard < area_.shards; ++shard) {
    const int fd = socket_fd(tx_queue_of(shard, queues_), shard);
    const bool taken = ::setsockopt(fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &wanted, sizeof wanted) == 0;
    if (!taken) tx_budget_ = kKernelTxBudget;
  }
}

std::int64_t Port::frames_in_kernel() const {
  std::int64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->kernel_balance();
  return sum;
}

}  // namespace myriad::xsk
