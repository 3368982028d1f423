// What libbpf would have printed. It writes to stderr by default; here its messages are kept instead, for the text of
// an error: the last lines of a verifier's log are the ones that matter.
#pragma once

#include <string>
#include <string_view>

namespace myriad::bpf {

// While one lives, the libbpf messages of this thread go into it; those of other threads, or when there is none, are
// discarded. Not nested.
class LibbpfLog {
 public:
  LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;
  ~LibbpfLog();

  // The end of what was said, at most some kilobytes, without a trailing line end.
  [[nodiscard]] std::string tail() const;
  void append(std::string_view text);

 private:
  std::string text_;
};

}  // namespace myriad::bpf
