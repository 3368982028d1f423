// One AF_XDP socket on one queue: RAII over its RX ring, its TX ring where it sends, and its binding.
//
// The UMEM's very first socket is made by libxdp. The others are bound by hand, for two reasons: libxdp 1.3 names the
// UMEM's first socket whenever memory is shared, which the kernel refuses for the second socket of any queue but the
// first; and it makes a queue's FILL ring and binds in one step, while some drivers (virtio) want to find frames in
// FILL at the moment of binding. The XDP program is somebody else's: no socket loads, attaches or looks for one.
#pragma once

#include <xdp/xsk.h>

#include <cstdint>
#include <memory>

#include "base/frame.h"
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

// Frames that lie in a queue's FILL ring when its first socket is bound.
struct PrimedFrames {
  FrameIndex first{};
  std::uint32_t count = 0;
};

class Socket {
 public:
  // On queue 0, whose rings came with `umem` and are primed already. `umem` outlives the socket.
  [[nodiscard]] static Result<std::unique_ptr<Socket>> first_of_umem(Umem& umem, const Device& device,
                                                                     const SocketOptions& options);
  // On another queue: makes its FILL and COMPLETION rings, umem.rings(queue), which are valid as long as the socket.
  // `umem_first` is the UMEM's first socket; it and `umem` outlive this one.
  [[nodiscard]] static Result<std::unique_ptr<Socket>> first_of_queue(Umem& umem, const Socket& umem_first,
                                                                      const Device& device,
                                                                      const SocketOptions& options,
                                                                      const PrimedFrames& primed);
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
