#include "xsk/umem.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "xsk/ring.h"
#include "xsk/setup_error.h"

namespace myriad::xsk {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::string in_mebibytes(rlim_t bytes) {
  return bytes == RLIM_INFINITY ? "unlimited" : std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

// Makes room for `need` more bytes of locked memory. The limit counts per user, so what is in use already is not known:
// the need is added to the limit.
bool raise_memory_limit(std::size_t need, std::vector<std::string>& notes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  const rlim_t before = limit.rlim_cur;
  const rlim_t wanted = before + need;
  rlimit raised{wanted, std::max(wanted, limit.rlim_max)};
  if (::setrlimit(RLIMIT_MEMLOCK, &raised) != 0) {
    // Above the hard limit only a privileged process gets; up to it, anyone.
    raised = {std::min(wanted, limit.rlim_max), limit.rlim_max};
    if (raised.rlim_cur <= before || ::setrlimit(RLIMIT_MEMLOCK, &raised) != 0) return false;
  }
  notes.push_back("raised the limit of locked memory of this process from " + in_mebibytes(before) + " to " +
                  in_mebibytes(raised.rlim_cur));
  return true;
}

}  // namespace

Result<FrameMemory> FrameMemory::map(std::size_t bytes) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return setup_failure("mapping " + in_mebibytes(bytes) + " for frames", errno);
  // Fewer TLB misses where the kernel grants it; and a child needs no copy of pages that the device writes to.
  if (bytes >= kHugePage) ::madvise(at, bytes, MADV_HUGEPAGE);
  ::madvise(at, bytes, MADV_DONTFORK);
  return FrameMemory{{static_cast<std::uint8_t*>(at), bytes}};
}

FrameMemory::~FrameMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Result<std::unique_ptr<Umem>> Umem::register_memory(const FrameMemory& memory, const UmemOptions& options,
                                                    std::vector<std::string>& notes) {
  if (options.chunk_bytes != 2048 && options.chunk_bytes != 4096) {
    return fail(Fault::kUsage, "a chunk of " + std::to_string(options.chunk_bytes) + " bytes", "take 2048 or 4096");
  }
  std::unique_ptr<Umem> umem{new Umem{options}};
  const xsk_umem_config config{.fill_size = options.fill_entries,
                               .comp_size = options.completion_entries,
                               .frame_size = options.chunk_bytes,
                               .frame_headroom = 0,
                               .flags = 0};
  const auto create = [&] {
    QueueRings& first = umem->rings_.front();
    return -xsk_umem__create(&umem->handle_, memory.bytes().data(), memory.bytes().size(), &first.fill,
                             &first.completion, &config);
  };
  int os_error = create();
  if (os_error == ENOBUFS && raise_memory_limit(memory.bytes().size(), notes)) os_error = create();
  if (os_error != 0) {
    umem->handle_ = nullptr;
    return setup_failure("registering " + in_mebibytes(memory.bytes().size()) + " of memory for AF_XDP", os_error);
  }
  return umem;
}

void Umem::prime(std::uint32_t queue, FrameIndex first, std::uint32_t frames) {
  FillRing fill{rings_[queue].fill};
  fill.produce(frames, [&](std::uint64_t& address, std::uint32_t i) {
    address = (std::uint64_t{static_cast<std::uint32_t>(first)} + i) * options_.chunk_bytes;
  });
  rings_[queue].fill = fill.state();
}

Umem::~Umem() {
  if (handle_ != nullptr) xsk_umem__delete(handle_);
}

}  // namespace myriad::xsk
