// Large blocks of memory, given back and taken again without asking the kernel. A fuzz target that makes a whole stack
// for each input spends most of its time on fresh pages otherwise: a slab of connections is larger than what allocators
// keep. Under AddressSanitizer a block is out of bounds while nobody has it, and so is what lies between two blocks.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define MYRIAD_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MYRIAD_ASAN 1
#endif
#endif
#ifdef MYRIAD_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

namespace {

constexpr std::size_t kLarge = 32U << 10;
constexpr std::size_t kArena = 32U << 20;
constexpr std::size_t kGap = 256;  // out of bounds, before each block
constexpr std::size_t kMostBlocks = 256;

alignas(4096) std::uint8_t arena[kArena];

struct Block {
  std::uint8_t* at = nullptr;
  std::size_t size = 0;
  bool taken = false;
};
std::array<Block, kMostBlocks> blocks;
std::size_t block_count = 0;
std::size_t arena_used = 0;

void* take(std::size_t size) {
  size = (size + 4095) & ~std::size_t{4095};
  for (std::size_t i = 0; i < block_count; ++i) {
    Block& block = blocks[i];
    if (block.taken || block.size != size) continue;
    block.taken = true;
    ASAN_UNPOISON_MEMORY_REGION(block.at, block.size);
    return block.at;
  }
  if (block_count == kMostBlocks || kArena - arena_used < size + kGap) return nullptr;
  std::uint8_t* const at = arena + arena_used + kGap;
  ASAN_POISON_MEMORY_REGION(arena + arena_used, kGap);
  arena_used += size + kGap;
  blocks[block_count++] = {at, size, true};
  return at;
}

bool give_back(void* pointer) {
  auto* const at = static_cast<std::uint8_t*>(pointer);
  if (at < arena || at >= arena + kArena) return false;
  for (std::size_t i = 0; i < block_count; ++i) {
    Block& block = blocks[i];
    if (block.at != at) continue;
    if (!block.taken) std::abort();  // given back twice
    block.taken = false;
    ASAN_POISON_MEMORY_REGION(block.at, block.size);
    return true;
  }
  std::abort();  // not the beginning of a block
}

}  // namespace

void* operator new(std::size_t size) {
  if (size >= kLarge) {
    if (void* const at = take(size)) return at;
  }
  if (void* const at = std::malloc(size == 0 ? 1 : size)) return at;
  throw std::bad_alloc{};
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* at) noexcept {
  if (!give_back(at)) std::free(at);
}
void operator delete[](void* at) noexcept { operator delete(at); }
void operator delete(void* at, std::size_t) noexcept { operator delete(at); }
void operator delete[](void* at, std::size_t) noexcept { operator delete(at); }
