#include "xsk/socket.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <type_traits>
#include <utility>

#include "xsk/setup_error.h"

namespace myriad::xsk {
namespace {

std::string doing(const char* verb, const Device& device, const SocketOptions& options) {
  return std::string{verb} + " queue " + std::to_string(options.queue) + " of " + device.name;
}

class LibxdpSocket final : public Socket {
 public:
  LibxdpSocket() = default;
  ~LibxdpSocket() override {
    if (handle_ != nullptr) xsk_socket__delete(handle_);
  }
  LibxdpSocket(const LibxdpSocket&) = delete;
  LibxdpSocket& operator=(const LibxdpSocket&) = delete;

  // 0 or errno.
  int open(Umem& umem, const Device& device, const SocketOptions& options) {
    xsk_socket_config config{};
    config.rx_size = options.rx_entries;
    config.tx_size = options.tx_entries;
    config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
    config.bind_flags = options.bind_flags;
    QueueRings& rings = umem.rings(options.queue);
    const int failed =
        xsk_socket__create_shared(&handle_, device.name.c_str(), options.queue, umem.handle(), &rx_,
                                  options.tx_entries == 0 ? nullptr : &tx_, &rings.fill, &rings.completion, &config);
    if (failed != 0) {
      handle_ = nullptr;
      return -failed;
    }
    fd_ = xsk_socket__fd(handle_);
    return 0;
  }

 private:
  xsk_socket* handle_ = nullptr;
};

// The memory of one ring that the kernel shares with us.
class RingMapping {
 public:
  RingMapping() = default;
  RingMapping(const RingMapping&) = delete;
  RingMapping& operator=(const RingMapping&) = delete;
  ~RingMapping() {
    if (at_ != nullptr) ::munmap(at_, bytes_);
  }

  // 0 or errno.
  int map(int fd, std::uint64_t page_offset, const xdp_ring_offset& offsets, std::uint32_t entries,
          std::size_t entry_bytes) {
    const std::size_t bytes = offsets.desc + entries * entry_bytes;
    void* const at =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, static_cast<off_t>(page_offset));
    if (at == MAP_FAILED) return errno;
    at_ = static_cast<std::uint8_t*>(at);
    bytes_ = bytes;
    return 0;
  }
  // Ring is an xsk_ring_prod or an xsk_ring_cons: the same members. The ring is empty and both sides are at rest.
  template <class Ring>
  [[nodiscard]] Ring view(const xdp_ring_offset& offsets, std::uint32_t entries) const {
    Ring ring{};
    ring.mask = entries - 1;
    ring.size = entries;
    ring.producer = reinterpret_cast<std::uint32_t*>(at_ + offsets.producer);
    ring.consumer = reinterpret_cast<std::uint32_t*>(at_ + offsets.consumer);
    ring.flags = reinterpret_cast<std::uint32_t*>(at_ + offsets.flags);
    ring.ring = at_ + offsets.desc;
    if constexpr (std::is_same_v<Ring, xsk_ring_prod>) {
      ring.cached_cons = entries;  // libxdp's accessors keep it one ring ahead of the kernel's
    }
    return ring;
  }

 private:
  std::uint8_t* at_ = nullptr;
  std::size_t bytes_ = 0;
};

class UapiSocket final : public Socket {
 public:
  // Makes the socket and its own rings. 0 or errno, as with all steps.
  int make(const SocketOptions& options) {
    owner_ = FileDescriptor{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
    if (!owner_.is_open()) return errno;
    fd_ = owner_.get();
    if (const int os_error = set_entries(XDP_RX_RING, options.rx_entries)) return os_error;
    if (options.tx_entries != 0) {
      if (const int os_error = set_entries(XDP_TX_RING, options.tx_entries)) return os_error;
    }
    if (const int os_error = read_offsets()) return os_error;
    if (const int os_error = map(rx_mapping_, XDP_PGOFF_RX_RING, offsets_.rx, options.rx_entries)) return os_error;
    rx_ = rx_mapping_.view<xsk_ring_cons>(offsets_.rx, options.rx_entries);
    if (options.tx_entries == 0) return 0;
    if (const int os_error = map(tx_mapping_, XDP_PGOFF_TX_RING, offsets_.tx, options.tx_entries)) return os_error;
    tx_ = tx_mapping_.view<xsk_ring_prod>(offsets_.tx, options.tx_entries);
    return 0;
  }

  // The rings of the socket's queue, for the first socket of a queue.
  int make_queue_rings(const UmemOptions& sizes, QueueRings& rings) {
    if (const int os_error = set_entries(XDP_UMEM_FILL_RING, sizes.fill_entries)) return os_error;
    if (const int os_error = set_entries(XDP_UMEM_COMPLETION_RING, sizes.completion_entries)) return os_error;
    if (const int os_error =
            fill_mapping_.map(fd_, XDP_UMEM_PGOFF_FILL_RING, offsets_.fr, sizes.fill_entries, sizeof(std::uint64_t))) {
      return os_error;
    }
    if (const int os_error = completion_mapping_.map(fd_, XDP_UMEM_PGOFF_COMPLETION_RING, offsets_.cr,
                                                     sizes.completion_entries, sizeof(std::uint64_t))) {
      return os_error;
    }
    rings.fill = fill_mapping_.view<xsk_ring_prod>(offsets_.fr, sizes.fill_entries);
    rings.completion = completion_mapping_.view<xsk_ring_cons>(offsets_.cr, sizes.completion_entries);
    return 0;
  }

  // `shared_fd`: the queue's first socket, or the UMEM's for the first socket of a queue.
  int bind_sharing(int shared_fd, const Device& device, const SocketOptions& options) const {
    sockaddr_xdp address{};
    address.sxdp_family = AF_XDP;
    address.sxdp_flags = XDP_SHARED_UMEM;  // mode and need-wakeup are those of the UMEM's first socket
    address.sxdp_ifindex = device.index;
    address.sxdp_queue_id = options.queue;
    address.sxdp_shared_umem_fd = static_cast<std::uint32_t>(shared_fd);
    return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  }

 private:
  int set_entries(int ring, std::uint32_t entries) const {
    return ::setsockopt(fd_, SOL_XDP, ring, &entries, sizeof entries) == 0 ? 0 : errno;
  }
  int read_offsets() {
    socklen_t size = sizeof offsets_;
    if (::getsockopt(fd_, SOL_XDP, XDP_MMAP_OFFSETS, &offsets_, &size) != 0) return errno;
    return size == sizeof offsets_ ? 0 : EINVAL;  // a kernel before 5.4, whose rings have no flags
  }
  int map(RingMapping& mapping, std::uint64_t page_offset, const xdp_ring_offset& offsets,
          std::uint32_t entries) const {
    return mapping.map(fd_, page_offset, offsets, entries, sizeof(xdp_desc));
  }

  FileDescriptor owner_;
  xdp_mmap_offsets offsets_{};
  RingMapping rx_mapping_;
  RingMapping tx_mapping_;
  RingMapping fill_mapping_;
  RingMapping completion_mapping_;
};

}  // namespace

Result<std::unique_ptr<Socket>> Socket::first_of_umem(Umem& umem, const Device& device, const SocketOptions& options) {
  auto socket = std::make_unique<LibxdpSocket>();
  if (const int os_error = socket->open(umem, device, options)) {
    return setup_failure(doing("binding an AF_XDP socket to", device, options), os_error);
  }
  return socket;
}

Result<std::unique_ptr<Socket>> Socket::first_of_queue(Umem& umem, const Socket& umem_first, const Device& device,
                                                       const SocketOptions& options, const PrimedFrames& primed) {
  auto socket = std::make_unique<UapiSocket>();
  int os_error = socket->make(options);
  if (os_error == 0) os_error = socket->make_queue_rings(umem.options(), umem.rings(options.queue));
  if (os_error == 0) {
    umem.prime(options.queue, primed.first, primed.count);
    os_error = socket->bind_sharing(umem_first.fd(), device, options);
  }
  if (os_error != 0) return setup_failure(doing("binding an AF_XDP socket to", device, options), os_error);
  return socket;
}

Result<std::unique_ptr<Socket>> Socket::further_of_queue(const Socket& first, const Device& device,
                                                         const SocketOptions& options) {
  auto socket = std::make_unique<UapiSocket>();
  int os_error = socket->make(options);
  if (os_error == 0) os_error = socket->bind_sharing(first.fd(), device, options);
  if (os_error != 0) return setup_failure(doing("binding a further AF_XDP socket to", device, options), os_error);
  return socket;
}

}  // namespace myriad::xsk
