// One AF_XDP socket on one queue: RAII over its RX ring, its TX ring where it sends, and its binding.
//
// The first socket of a queue brings the queue's FILL and COMPLETION rings and is made by libxdp. libxdp 1.3 names the
// UMEM's first socket whenever memory is shared, which the kernel refuses for a second socket of any queue but the
// first; so further sockets of a queue are bound by hand, naming the queue's own first socket. The XDP program is
// somebody else's: no socket loads, attaches or looks for one.
#pragma once

#include <xdp/xsk.h>

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "xsk/device.h"
#include "xsk/file_descriptor.h"
#include "xsk/umem.h"

namespace myriad::xsk {

struct SocketOptions {
  std::uint32_t queue = 0;
  std::uint32_t rx_entries = 2048;  // a power of two
  std::uint32_t tx_entries = 2048;  // a power of two; 0 = this socket does not send and has no TX ring
  std::uint16_t bind_flags =
      0;  // XDP_COPY or XDP_ZEROCOPY, XDP_USE_NEED_WAKEUP; the UMEM's first socket speaks for all
};

class Socket {
 public:
  // `umem` outlives the socket. Its rings of this queue are valid from here on and until the queue's last socket ends.
  [[nodiscard]] static Result<std::unique_ptr<Socket>> first_of_queue(Umem& umem, const Device& device,
                                                                      const SocketOptions& options);
  // `first` is the first socket of the same queue and outlives this one.
  [[nodiscard]] static Result<std::unique_ptr<Socket>> further_of_queue(const Socket& first, const Device& device,
                                                                        const SocketOptions& options);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  virtual ~Socket() = default;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const xsk_ring_cons& rx() const { return rx_; }
  [[nodiscard]] const xsk_ring_prod& tx() const { return tx_; }

 protected:
  Socket() = default;

  int fd_ = -1;
  xsk_ring_cons rx_{};
  xsk_ring_prod tx_{};
};

}  // namespace myriad::xsk
