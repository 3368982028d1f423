// Workloads that use a file server: what is said to it, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "templates/plan/plan_verify.h"

namespace myriad::plan {

struct Smb2Put {
  std::string name;         // {host} and {session} in it stand for their numbers
  std::uint64_t bytes = 0;  // of a pattern made from the seed
};

struct Smb2Workload {
  std::string share;
  std::string user;  // ASCII; empty: anonymous
  std::string password;
  std::string domain;
  std::vector<std::uint16_t> dialects = {0x0202, 0x0210, 0x0302, 0x0311};  // revision numbers, ascending
  bool signing_required = false;
  std::optional<std::string> get;
  Verify verify;  // of what was got
  std::optional<Smb2Put> put;
  std::optional<std::string> list;
  Duration echo = std::chrono::seconds{10};  // between two, while the session is held
};

}  // namespace myriad::plan
