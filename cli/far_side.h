// The other end of the demo's wire: a child process in namespaces of its own (network, processes, mounts), with a real
// HTTP server on the kernel's sockets, which can also ping. Whatever it makes, files included, lives in those
// namespaces and is gone when the child is; the child is gone when this process is, however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/addr.h"
#include "base/result.h"
#include "cli/pinger.h"

namespace myriad::cli {

struct FarSideOptions {
  std::string interface;  // its name for its end of the wire; will be put there by us
  IpAddress ipv4;         // of the server
  std::uint8_t ipv4_prefix = 16;
  IpAddress ipv6;
  std::uint8_t ipv6_prefix = 64;
  Port port;
  std::string file_name;  // "file.bin"
  std::vector<std::uint8_t> file;
  PingTargets neighbours4;  // whom it will know, and ping
  PingTargets neighbours6;
  bool builtin_server = false;  // even where nginx is installed
};

struct PingReport {
  PingOutcome ipv4;
  PingOutcome ipv6;
};

class FarSide {
 public:
  // Forks; must be called while this process has one thread.
  static Result<std::unique_ptr<FarSide>> start(const FarSideOptions& options);
  FarSide(const FarSide&) = delete;
  FarSide& operator=(const FarSide&) = delete;
  ~FarSide();  // ends the child and waits for it

  [[nodiscard]] pid_t process() const { return process_; }
  // The interface is there now: addresses, neighbours, server. Returns what serves: "nginx/1.22.1" or "built-in
  // server".
  [[nodiscard]] Result<std::string> set_up();
  // Begins to ping all neighbours; the report comes later.
  [[nodiscard]] Result<void> begin_pings();
  // Nothing as long as the pings go on. Never blocks.
  [[nodiscard]] std::optional<Result<PingReport>> pings();

 private:
  FarSide(pid_t process, int channel) : process_(process), channel_(channel) {}
  pid_t process_;
  int channel_;
};

}  // namespace myriad::cli
