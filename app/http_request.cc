#include "app/http_request.h"

#include <algorithm>
#include <cstring>

#include "app/http_fields.h"

namespace myriad::app {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_name(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(), [](char a, char b) {
    return to_lower(static_cast<std::uint8_t>(a)) == static_cast<std::uint8_t>(b);
  });
}

void append_path(std::string& request, std::string_view path) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  if (path.empty() || path.front() != '/') request += '/';
  for (const char c : path) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte > 0x20 && byte < 0x7f) {
      request += c;
    } else {
      request += '%';
      request += kHex[byte >> 4];
      request += kHex[byte & 15];
    }
  }
}

}  // namespace

std::string http_host(const IpAddress& address, Port port, bool tls) {
  std::string host = address.is_v6() ? "[" + address.text() + "]" : address.text();
  if (port.number != (tls ? kHttpsPort : kHttpPort)) host += ":" + std::to_string(port.number);
  return host;
}

std::string http_head(const HttpHead& head) {
  std::string request{head.method};
  request += ' ';
  append_path(request, head.path);
  request += " HTTP/1.1\r\nHost: ";
  request += head.host;
  request += "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    request += name;
    request += ": ";
    request += value;
    request += "\r\n";
  };
  const auto add_own = [&](std::string_view name, std::string_view lower, std::string_view value) {
    const bool said = std::any_of(head.fields.begin(), head.fields.end(),
                                  [&](const HttpField& f) { return is_name(f.first, lower); });
    if (!said) add(name, value);
  };
  add_own("User-Agent", "user-agent", "myriad/" MYRIAD_VERSION);
  add_own("Accept", "accept", "*/*");
  for (const auto& [name, value] : head.fields) add(name, value);
  if (head.content_length) add("Content-Length", std::to_string(*head.content_length));
  return request;
}

std::string_view http_head_end(bool keep_alive) {
  return keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
}

std::string http_request(std::string_view host, std::string_view path, bool keep_alive) {
  std::string request = http_head({.method = "GET", .host = host, .path = path, .fields = {}, .content_length = {}});
  request += http_head_end(keep_alive);
  return request;
}

std::uint64_t HttpBody::size() const {
  if (const auto* const made = std::get_if<Made>(&what_)) return made->bytes;
  if (const auto* const bytes = std::get_if<std::shared_ptr<const std::string>>(&what_)) return (*bytes)->size();
  return 0;
}

void HttpBody::read(std::uint64_t offset, MutableBytes out) const {
  if (const auto* const made = std::get_if<Made>(&what_)) {
    made->pattern.fill(offset, out);
  } else if (const auto* const bytes = std::get_if<std::shared_ptr<const std::string>>(&what_)) {
    if (!out.empty()) std::memcpy(out.data(), (*bytes)->data() + offset, out.size());
  }
}

}  // namespace myriad::app
