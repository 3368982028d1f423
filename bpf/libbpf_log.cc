#include "bpf/libbpf_log.h"

#include <bpf/libbpf.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>

namespace myriad::bpf {
namespace {

constexpr std::size_t kKeptBytes = 8192;
constexpr std::size_t kTailBytes = 2048;

thread_local LibbpfLog* listener = nullptr;

__attribute__((format(printf, 2, 0))) int keep(libbpf_print_level level, const char* format, va_list arguments) {
  if (listener == nullptr || level == LIBBPF_DEBUG) return 0;
  std::array<char, 4096> line{};
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length >= 0 && static_cast<std::size_t>(length) < line.size()) {
    listener->append({line.data(), static_cast<std::size_t>(length)});
  } else if (length > 0) {  // a verifier's log comes as one message
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    std::vsnprintf(text.data(), text.size(), format, again);
    text.pop_back();
    listener->append(text);
  }
  va_end(again);
  return length;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  static std::once_flag once;
  std::call_once(once, [] { libbpf_set_print(keep); });
  listener = this;
}

LibbpfLog::~LibbpfLog() { listener = nullptr; }

void LibbpfLog::append(std::string_view text) {
  text_ += text;
  if (text_.size() > kKeptBytes) text_.erase(0, text_.size() - kKeptBytes);
}

std::string LibbpfLog::tail() const {
  std::size_t end = text_.size();
  while (end > 0 && text_[end - 1] == '\n') --end;
  const std::size_t begin = end > kTailBytes ? end - kTailBytes : 0;
  return text_.substr(begin, end - begin);
}

}  // namespace myriad::bpf
