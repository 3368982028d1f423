// Which kernel this is, as far as it decides something.
#pragma once

#include <sys/utsname.h>

#include <compare>
#include <cstdio>
#include <string>

namespace myriad::cli {

struct KernelRelease {
  unsigned major = 0;
  unsigned minor = 0;
  friend auto operator<=>(const KernelRelease&, const KernelRelease&) = default;

  // "6.12.9-amd64" → 6.12; 0.0 when it does not look like one.
  static KernelRelease parse(const std::string& text) {
    KernelRelease release;
    if (std::sscanf(text.c_str(), "%u.%u", &release.major, &release.minor) != 2) return {};
    return release;
  }
};

[[nodiscard]] inline std::string kernel_release_text() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}
[[nodiscard]] inline KernelRelease running_kernel() { return KernelRelease::parse(kernel_release_text()); }

}  // namespace myriad::cli
