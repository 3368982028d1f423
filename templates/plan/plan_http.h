// What `http` and `https` workloads ask for: the plan of their sessions.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "templates/plan/plan_verify.h"

namespace myriad::plan {

enum class HttpMethod { kGet, kHead, kPost, kPut };

// Nothing, bytes of the scenario or of a file, or so many bytes of a pattern made from the seed.
using HttpBody = std::variant<std::monostate, std::shared_ptr<const std::string>, std::uint64_t>;

// Final statuses that count as success.
struct HttpExpect {
  std::vector<std::uint16_t> statuses;  // 200 to 599
  std::vector<std::uint16_t> classes;   // 2 to 5: all of that hundred
};

struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> fields;
  HttpBody body;
  std::optional<HttpExpect> expect;  // nullopt: 2xx
  Verify verify;
};

enum class TlsVersion { k12, k13 };

struct TlsPlan {
  bool verify = true;
  std::string authorities;  // PEM; empty: those whom the system trusts
  std::string ca;           // the file that they are from
  std::string name;         // of the server; empty: the host, or the target's address
  bool resume = true;
  TlsVersion least = TlsVersion::k12;
  TlsVersion most = TlsVersion::k13;
};

struct HttpWorkload {
  std::vector<HttpRequest> list = std::vector<HttpRequest>(1);  // never empty
  std::string host;                                             // of the Host field; empty: the target's address
  bool random = false;         // each request of a session is drawn from the list; else the list is taken in turn
  std::uint64_t requests = 1;  // of a session
  std::uint32_t pipeline = 1;
  std::uint32_t redirects = 0;
  bool keep_alive = true;
  Duration think{};
  std::optional<TlsPlan> tls;

  [[nodiscard]] bool verifies() const {
    for (const HttpRequest& request : list) {
      if (!request.verify.any()) return false;
    }
    return true;
  }
};

}  // namespace myriad::plan
