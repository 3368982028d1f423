// So many whole connections between two stacks, and nothing else: for a profiler (bench/instructions).
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/two_stacks.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: whole_connections COUNT\n", stderr);
    return 2;
  }
  const std::uint64_t wanted = std::strtoull(argv[1], nullptr, 10);
  myriad::stack::WholeConnections connections;
  while (connections.closed() < wanted && !connections.failed()) connections.turn();
  std::printf("%llu connections\n", static_cast<unsigned long long>(connections.closed()));
  return connections.failed() ? 1 : 0;
}
