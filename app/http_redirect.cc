#include "app/http_redirect.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "app/http_fields.h"

namespace myriad::app {
namespace {

constexpr std::size_t kLongestHost = 255;
constexpr std::size_t kLongestPath = HttpFields::kMaxBytes;  // relative ones could grow with every step

using Way = HttpRedirect::Way;

bool starts_with_word(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return static_cast<std::uint8_t>(a) == to_lower(static_cast<std::uint8_t>(b));
         });
}

// RFC 3986 section 5.2.4, of a path that begins with '/'.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.resize(out.rfind('/') == out.npos ? 0 : out.rfind('/'));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? "/" : out;
}

struct Authority {
  std::string_view host;  // without brackets
  bool bracketed = false;
  std::optional<std::uint16_t> port;
};

std::optional<Authority> parse_authority(std::string_view text) {
  if (text.empty() || text.size() > kLongestHost) return std::nullopt;
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '@'; });
  if (!plain) return std::nullopt;
  Authority out;
  std::string_view rest;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == text.npos) return std::nullopt;
    out.host = text.substr(1, close - 1);
    out.bracketed = true;
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    out.host = text.substr(0, colon);
    rest = colon == text.npos ? std::string_view{} : text.substr(colon);
  }
  if (out.host.empty()) return std::nullopt;
  if (rest.empty() || rest == ":") return out;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  if (rest.front() != ':' || error != std::errc{} || end != rest.data() + rest.size() || port == 0) return std::nullopt;
  out.port = port;
  return out;
}

// A path and query, as a request line has them: the fragment stays with us.
std::string target_of(std::string_view path_and_query) {
  const auto question = path_and_query.find('?');
  std::string_view path = path_and_query.substr(0, question);
  std::string out = without_dots(path.empty() ? "/" : path);
  if (question != path_and_query.npos) out += path_and_query.substr(question);
  return out;
}

}  // namespace

HttpRedirect resolve_redirect(const HttpBase& base, std::string_view location) {
  location = location.substr(0, location.find('#'));
  HttpRedirect out;
  out.host = base.host;
  out.way = Way::kHere;
  const std::string_view scheme = base.tls ? "https:" : "http:";
  const auto colon = location.find(':');
  const bool has_scheme = colon != location.npos && colon < location.find_first_of("/?");
  if (has_scheme) {
    if (!starts_with_word(location, scheme)) return {Way::kElsewhere, {}, {}};
    location.remove_prefix(scheme.size());
    if (!location.starts_with("//")) return {};
  }
  if (location.starts_with("//")) {
    location.remove_prefix(2);
    const std::size_t end = std::min(location.find_first_of("/?"), location.size());
    const std::string_view authority_text = location.substr(0, end);
    const auto authority = parse_authority(authority_text);
    if (!authority) return {};
    if (authority->port.value_or(base.tls ? 443 : 80) != base.port.number) return {Way::kElsewhere, {}, {}};
    const auto address = IpAddress::parse(authority->host);
    if (authority->bracketed && !(address && address->is_v6())) return {};
    if (address && *address != base.address) return {Way::kElsewhere, {}, {}};
    out.host = authority_text;
    out.path = target_of(location.substr(end));
  } else if (location.starts_with('/')) {
    out.path = target_of(location);
  } else if (location.empty()) {
    out.path = base.path;
  } else if (location.starts_with('?')) {
    out.path = std::string(base.path.substr(0, base.path.find('?'))) + std::string(location);
  } else {
    const std::string_view path = base.path.substr(0, base.path.find('?'));
    out.path = target_of(std::string(path.substr(0, path.rfind('/') + 1)) + std::string(location));
  }
  if (out.path.size() > kLongestPath) return {};
  return out;
}

}  // namespace myriad::app
