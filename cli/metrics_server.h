// --metrics ADDR:PORT: GET /metrics over HTTP, for Prometheus. Runs on the control thread, never on one that moves
// frames.
//
// Whoever connects is a stranger, and gets no more than: one request on a connection, of at most 8 KiB, in at most five
// seconds from its first byte to the end of the answer; eight connections at a time, and a hundred in a second. Others
// wait in the kernel's backlog. What is answered is made at most once for each look that the control thread takes at
// the shards; nobody's request makes it look.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/control_loop.h"

namespace myriad::cli {

class MetricsServer {
 public:
  // "127.0.0.1:9477" or "[::1]:9477"; port 0: one that is free. `text` gives the metrics of the latest look, and
  // outlives the server. Listens from now on; answers while the loop runs, which outlives this as well.
  static Result<std::unique_ptr<MetricsServer>> open(ControlLoop& loop, const std::string& address,
                                                     std::function<std::string()> text);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  ~MetricsServer();

  [[nodiscard]] std::string url() const;

 private:
  struct State;
  explicit MetricsServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;  // handlers that are still to be called hold it too
};

}  // namespace myriad::cli
