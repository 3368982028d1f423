// Memory in whole pages, from the system and back to it at once: for what grows with thousands of objects, and shrinks
// again. malloc() takes such blocks from what it has kept of smaller ones when it can, and then keeps them itself.
//
// A page is no memory before its first use. With the address sanitizer it is ordinary memory, so that leaks and stray
// accesses are found.
#pragma once

#include <cstddef>

namespace myriad {

// At least `bytes` > 0; throws std::bad_alloc. To be given back with the same size.
[[nodiscard]] void* take_pages(std::size_t bytes);
void give_pages_back(void* memory, std::size_t bytes) noexcept;

// The same for objects; for containers as well.
template <class T>
struct PageAllocator {
  using value_type = T;

  PageAllocator() = default;
  template <class U>
  explicit PageAllocator(const PageAllocator<U>&) {}

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(take_pages(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { give_pages_back(memory, count * sizeof(T)); }

  friend bool operator==(const PageAllocator&, const PageAllocator&) { return true; }
};

}  // namespace myriad
