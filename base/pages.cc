#include "base/pages.h"

#include <sys/mman.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define MYRIAD_ORDINARY_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MYRIAD_ORDINARY_MEMORY 1
#endif
#endif

namespace myriad {

#ifdef MYRIAD_ORDINARY_MEMORY

namespace {
constexpr std::align_val_t kPage{4096};
}

void* take_pages(std::size_t bytes) { return ::operator new(bytes, kPage); }
void give_pages_back(void* memory, std::size_t) noexcept { ::operator delete(memory, kPage); }

#else

void* take_pages(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  return memory;
}
void give_pages_back(void* memory, std::size_t bytes) noexcept { (void)::munmap(memory, bytes); }

#endif

}  // namespace myriad
