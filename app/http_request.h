// The bytes of HTTP/1.1 requests. A request's head is put together once per workload and shared by its sessions; its
// body is shared bytes or a pattern, so that any part of a request can be written again from its offset: there is no
// send buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "app/pattern.h"
#include "base/addr.h"
#include "base/bytes.h"

namespace myriad::app {

using HttpField = std::pair<std::string, std::string>;

// A GET without a body. `path` is percent-encoded where a request line could not hold it; `host` goes in as it is.
[[nodiscard]] std::string http_request(std::string_view host, std::string_view path, bool keep_alive);
// The Host field for an address: IPv6 in brackets, the port unless it is the scheme's own.
[[nodiscard]] std::string http_host(const IpAddress& address, Port port, bool tls = false);

struct HttpHead {
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::span<const HttpField> fields;            // instead of those of the same name that we would send
  std::optional<std::uint64_t> content_length;  // of the body, if there is one
};
// Everything up to the field Connection and the empty line, which http_head_end() has.
[[nodiscard]] std::string http_head(const HttpHead& head);
[[nodiscard]] std::string_view http_head_end(bool keep_alive);

// What a request brings along.
class HttpBody {
 public:
  HttpBody() = default;
  explicit HttpBody(std::shared_ptr<const std::string> bytes) : what_(std::move(bytes)) {}
  HttpBody(Pattern pattern, std::uint64_t bytes) : what_(Made{pattern, bytes}) {}

  [[nodiscard]] bool none() const { return std::holds_alternative<std::monostate>(what_); }
  [[nodiscard]] std::uint64_t size() const;
  // Bytes [offset, offset + out.size()), which it has.
  void read(std::uint64_t offset, MutableBytes out) const;

 private:
  struct Made {
    Pattern pattern;
    std::uint64_t bytes = 0;
  };
  std::variant<std::monostate, std::shared_ptr<const std::string>, Made> what_;
};

}  // namespace myriad::app
