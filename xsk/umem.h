// The memory that frames live in: mapped, cut into chunks and made known to the kernel (a UMEM), given back at the end.
// Owns the memory, the registration and the FILL and COMPLETION rings of every queue. Must outlive its sockets.
// Refuses chunks other than 2,048 and 4,096 bytes (what the kernel takes without hugepages).
#pragma once

#include <xdp/xsk.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/frame.h"
#include "base/result.h"

namespace myriad::xsk {

// Zeroed pages, outside the heap. Not shared with children that this process forks.
class FrameMemory {
 public:
  [[nodiscard]] static Result<FrameMemory> map(std::size_t bytes);
  FrameMemory(FrameMemory&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  FrameMemory& operator=(FrameMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  FrameMemory(const FrameMemory&) = delete;
  FrameMemory& operator=(const FrameMemory&) = delete;
  ~FrameMemory();

  [[nodiscard]] MutableBytes bytes() const { return bytes_; }

 private:
  explicit FrameMemory(MutableBytes bytes) : bytes_(bytes) {}
  MutableBytes bytes_;
};

// The FILL and COMPLETION ring of one queue, as they were mapped. libxdp keeps the addresses of queue 0's: they never
// move.
struct QueueRings {
  xsk_ring_prod fill{};
  xsk_ring_cons completion{};
};

struct UmemOptions {
  std::uint32_t chunk_bytes = 2048;
  std::uint32_t queues = 1;
  std::uint32_t fill_entries = 2048;        // of each queue's FILL ring, a power of two
  std::uint32_t completion_entries = 2048;  // of each queue's COMPLETION ring, a power of two
};

class Umem {
 public:
  // Registers the whole of `memory`, which stays the caller's and must live longer than the result. When the limit of
  // locked memory is in the way it is raised for this process if that is allowed; a sentence about it is added to
  // `notes`.
  [[nodiscard]] static Result<std::unique_ptr<Umem>> register_memory(const FrameMemory& memory,
                                                                     const UmemOptions& options,
                                                                     std::vector<std::string>& notes);
  Umem(const Umem&) = delete;
  Umem& operator=(const Umem&) = delete;
  ~Umem();

  [[nodiscard]] xsk_umem* handle() const { return handle_; }
  [[nodiscard]] const UmemOptions& options() const { return options_; }
  // Those of queue 0 exist from the start, those of another queue once its first socket does.
  [[nodiscard]] QueueRings& rings(std::uint32_t queue) { return rings_[queue]; }
  // Puts `frames` frames from `first` on into the queue's FILL ring, which exists and has room for them.
  void prime(std::uint32_t queue, FrameIndex first, std::uint32_t frames);

 private:
  explicit Umem(const UmemOptions& options) : options_(options), rings_(options.queues) {}

  UmemOptions options_;
  std::vector<QueueRings> rings_;  // never resized
  xsk_umem* handle_ = nullptr;
};

}  // namespace myriad::xsk
