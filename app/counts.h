// What dialogues count besides the session as a whole: of one workload on one shard, written by that shard's thread
// alone and added up by whoever reports.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/histogram.h"
#include "base/time.h"

namespace myriad::app {

struct Counts {
  std::uint64_t requests = 0;                     // that were answered, whatever the answer
  std::array<std::uint64_t, 4> status_classes{};  // of HTTP answers: 2xx, 3xx, 4xx, 5xx
  Histogram request;                              // from sending it to the end of its answer
  std::uint64_t tls_handshakes = 0;               // that came to their end
  std::uint64_t tls_resumed = 0;                  // of them, those that took up an earlier session
  Histogram tls_handshake;                        // from the first to the last message of it that we send

  // An answer with that final HTTP status.
  void answer(unsigned status, Duration took) {
    ++requests;
    if (status >= 200 && status < 600) ++status_classes[status / 100 - 2];
    request.record(took.count() < 0 ? 0 : static_cast<std::uint64_t>(took.count()));
  }
  void merge(const Counts& other) {
    requests += other.requests;
    for (std::size_t i = 0; i < status_classes.size(); ++i) status_classes[i] += other.status_classes[i];
    request.merge(other.request);
    tls_handshakes += other.tls_handshakes;
    tls_resumed += other.tls_resumed;
    tls_handshake.merge(other.tls_handshake);
  }
};

}  // namespace myriad::app
