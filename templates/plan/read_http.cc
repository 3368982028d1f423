// http and https workloads: requests, what their answers must be, and TLS.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <system_error>

#include "templates/plan/keys_http.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::uint64_t kMostBodyBytes = 1ULL << 40;  // of a pattern, or of an answer
constexpr std::size_t kMostFileBytes = 64 << 20;      // held in memory: of all files of a scenario
constexpr std::size_t kLongestPath = 4096;            // of a request, with its query
constexpr std::size_t kLongestHost = 255;
constexpr std::size_t kLongestType = 64;       // of a service's page: its head is kept short
constexpr std::size_t kMostFieldBytes = 8192;  // of the fields of a request: what servers take
constexpr std::size_t kMostUrls = 10'000;
constexpr std::uint64_t kMostRequests = 1'000'000;  // of a session
constexpr std::uint64_t kMostPipelined = 64;
constexpr std::uint64_t kMostRedirects = 20;

// Text that goes into the first line of a request: nothing that could end a line or a word of it.
bool is_header_word(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

// RFC 9110 section 5.6.2.
bool is_field_name(std::string_view name) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kMarks.find(c) != kMarks.npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// The whole content of a file that is not too long.
std::optional<std::string> read_file(Reading& reading, const Node& node) {
  const auto path = reading.text(node);
  if (!path) return std::nullopt;
  const std::string full = reading.beside(*path);
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(full.c_str(), "rb"), &std::fclose);
  std::string content;
  std::array<char, 65'536> piece;
  const std::size_t most = kMostFileBytes - reading.held_bytes;
  while (file && content.size() <= most) {
    const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get());
    if (got == 0) break;
    content.append(piece.data(), got);
  }
  if (!file || std::ferror(file.get()) != 0) {
    reading.wrong(node.at, fmt::format("cannot read {}: {}", quoted(full), std::generic_category().message(errno)),
                  "relative paths are relative to the scenario");
    return std::nullopt;
  }
  if (content.size() > most) {
    reading.wrong(node.at, fmt::format("{} is too long", quoted(full)),
                  fmt::format("all files that are sent are at most {}", size_text(kMostFileBytes)));
    return std::nullopt;
  }
  reading.held_bytes += content.size();
  return content;
}

// ---- what a request is

std::string read_path(Reading& reading, const Node& node) {
  std::string path = reading.text(node).value_or("/");
  if (!path.starts_with('/') || !is_header_word(path) || path.size() > kLongestPath) {
    reading.wrong(node.at, fmt::format("{} is not a path", quoted(path)),
                  fmt::format("it begins with '/', has no spaces (write %20) and at most {} bytes", kLongestPath));
  }
  return path;
}

std::string read_host(Reading& reading, const Node& node) {
  std::string host = reading.text(node).value_or("");
  if (host.empty() || !is_header_word(host) || host.size() > kLongestHost) {
    reading.wrong(node.at, fmt::format("{} is not the name of a host", quoted(host)), "as in files.example.test");
  }
  return host;
}

std::vector<std::pair<std::string, std::string>> read_headers(Reading& reading, const Node& node) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (!node.is_map() || node.entries.empty()) {
    reading.wrong(node.at, fmt::format("headers are a mapping of names to values, not {}", node.kind_name()),
                  "as in {Accept-Language: en}");
    return fields;
  }
  // They are ours, since they say how a message is framed.
  static constexpr std::string_view kOurs[] = {"host", "content-length", "transfer-encoding", "connection",
                                               "te",   "trailer",        "upgrade",           "expect"};
  std::size_t bytes = 0;
  for (const Entry& entry : node.entries) {
    const auto value = reading.text(*entry.value);
    if (!value) continue;
    if (!is_field_name(entry.key)) {
      reading.wrong(entry.at, fmt::format("{} is not the name of a header", quoted(entry.key)),
                    "as in Accept-Language");
    } else if (std::find(std::begin(kOurs), std::end(kOurs), lower(entry.key)) != std::end(kOurs)) {
      reading.wrong(entry.at, fmt::format("{} cannot be given", quoted(entry.key)),
                    lower(entry.key) == "host" ? "say 'host'" : "it follows from the request");
    }
    if (!is_field_value(*value)) {
      reading.wrong(entry.value->at, fmt::format("{} cannot be the value of a header", quoted(*value)),
                    "text without line ends");
    }
    bytes += entry.key.size() + value->size() + 4;
    fields.emplace_back(entry.key, *value);
  }
  if (bytes > kMostFieldBytes) {
    reading.wrong(node.at, fmt::format("headers of {} bytes", bytes), fmt::format("at most {}", kMostFieldBytes));
  }
  return fields;
}

std::optional<std::uint64_t> read_body_size(Reading& reading, const Node& node) {
  const auto size = reading.quantity(node, parse_size);
  if (size && *size > kMostBodyBytes) {
    reading.wrong(node.at, fmt::format("a body of {}", size_text(*size)),
                  fmt::format("at most {}", size_text(kMostBodyBytes)));
  }
  return size;
}

HttpBody read_body(Reading& reading, const Node& node, Place at, const KeyTable& table) {
  Fields fields(reading, node, table, "'body'", at);
  static constexpr std::string_view kKinds[] = {"text", "file", "size"};
  const auto kind = fields.one_of(kKinds);
  if (!kind) return {};
  const Node& value = *fields.find(*kind);
  if (*kind == "size") {
    return read_body_size(reading, value).value_or(0);
  }
  auto content = *kind == "text" ? reading.text(value) : read_file(reading, value);
  return std::make_shared<const std::string>(std::move(content).value_or(std::string{}));
}

void add_status(Reading& reading, const Node& node, HttpExpect& expect) {
  const auto text = reading.text(node);
  if (!text) return;
  if (text->size() == 3 && (*text)[0] >= '2' && (*text)[0] <= '5' && text->substr(1) == "xx") {
    expect.classes.push_back(static_cast<std::uint16_t>((*text)[0] - '0'));
    return;
  }
  std::uint16_t status = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), status);
  if (error != std::errc{} || end != text->data() + text->size() || status < 200 || status > 599) {
    return reading.wrong(node.at, fmt::format("{} is not a status", quoted(*text)),
                         "from 200 to 599, or all of a class as in 2xx");
  }
  expect.statuses.push_back(status);
}

HttpExpect read_expect(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kHttpExpectTable, "'expect'", at);
  HttpExpect expect;
  const Node* const status = fields.require("status");
  if (status == nullptr) return expect;
  if (!status->is_list()) {
    add_status(reading, *status, expect);
    return expect;
  }
  if (status->items.empty()) reading.wrong(status->at, "no status is expected", "as in [200, 3xx]");
  for (const NodePtr& item : status->items) add_status(reading, *item, expect);
  return expect;
}

std::optional<std::array<std::uint8_t, 32>> read_sha256(Reading& reading, const Node& node) {
  const auto text = reading.text(node);
  if (!text) return std::nullopt;
  std::array<std::uint8_t, 32> digest{};
  bool good = text->size() == 2 * digest.size();
  for (std::size_t i = 0; good && i < digest.size(); ++i) {
    const char* const at = text->data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, digest[i], 16);
    good = error == std::errc{} && end == at + 2;
  }
  if (good) return digest;
  reading.wrong(node.at, fmt::format("{} is not a SHA-256", quoted(*text)),
                fmt::format("64 hexadecimal digits, as sha256sum prints them; these are {} characters", text->size()));
  return std::nullopt;
}

// The keys that a request has for itself, in `http` or in an entry of `urls`.
void read_request_keys(Reading& reading, Fields& fields, HttpRequest& request) {
  if (const Node* const node = fields.find("headers")) request.fields = read_headers(reading, *node);
  if (const Node* const node = fields.find("expect"))
    request.expect = read_expect(reading, *node, fields.place_of("expect"));
  if (const Node* const node = fields.find("verify"))
    request.verify = read_verify(reading, *node, fields.place_of("verify"), kVerifyTable);
}

constexpr std::array<std::pair<std::string_view, HttpMethod>, 4> kMethods = {
    {{"get", HttpMethod::kGet}, {"head", HttpMethod::kHead}, {"post", HttpMethod::kPost}, {"put", HttpMethod::kPut}}};

void read_method(Reading& reading, Fields& fields, HttpRequest& request) {
  for (const auto& [name, method] : kMethods) {
    const Node* const node = fields.find(name);
    if (node == nullptr) continue;
    request.method = method;
    request.path = read_path(reading, *node);
  }
}

void read_body_of(Reading& reading, Fields& fields, HttpRequest& request) {
  const Node* const node = fields.find("body");
  if (node == nullptr) return;
  request.body = read_body(reading, *node, fields.place_of("body"), kHttpBodyTable);
  if (request.method != HttpMethod::kPost && request.method != HttpMethod::kPut) {
    reading.wrong(fields.place_of("body"), "only 'post' and 'put' have a body", "remove it");
  }
}

// ---- a list of them

// `common` has what all of the list share.
void read_url(Reading& reading, const Node& node, const HttpRequest& common, HttpWorkload& http) {
  HttpRequest request = common;
  if (node.is_scalar()) {
    request.path = read_path(reading, node);
    http.list.push_back(std::move(request));
    return;
  }
  Fields fields(reading, node, kHttpUrlTable, "a request", node.at);
  static constexpr std::string_view kNames[] = {"get", "head", "post", "put"};
  if (!fields.one_of(kNames)) return;
  read_method(reading, fields, request);
  read_request_keys(reading, fields, request);
  read_body_of(reading, fields, request);
  http.list.push_back(std::move(request));
}

void read_urls(Reading& reading, const Node& node, const HttpRequest& common, HttpWorkload& http) {
  http.list.clear();
  if (!node.is_list() || node.items.empty()) {
    reading.wrong(node.at, fmt::format("urls are a list, not {}", node.is_list() ? "an empty one" : node.kind_name()),
                  "as in [/, /style.css, {head: /logo.png}]");
  } else if (node.items.size() > kMostUrls) {
    reading.wrong(node.at, fmt::format("a list of {}", node.items.size()), fmt::format("at most {}", kMostUrls));
  } else {
    for (const NodePtr& item : node.items) {
      if (reading.problems.full()) break;
      read_url(reading, *item, common, http);
    }
  }
  if (http.list.empty()) http.list.emplace_back();  // what has been reported is not used
}

TlsPlan read_tls(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kTlsTable, "'tls'", at);
  TlsPlan tls;
  if (const Node* const verify = fields.find("verify")) tls.verify = reading.boolean(*verify).value_or(true);
  if (const Node* const ca = fields.find("ca")) {
    tls.ca = reading.text(*ca).value_or("");
    tls.authorities = read_file(reading, *ca).value_or("");
    if (!tls.verify) reading.wrong(fields.place_of("ca"), "'ca' is for certificates that are verified", "remove it");
  }
  if (const Node* const name = fields.find("name")) tls.name = read_host(reading, *name);
  if (const Node* const resume = fields.find("resume")) tls.resume = reading.boolean(*resume).value_or(true);
  const auto version = [&](std::string_view key, TlsVersion otherwise) {
    const Node* const said = fields.find(key);
    if (said == nullptr) return otherwise;
    return reading.choice<TlsVersion>(*said, {{"1.2", TlsVersion::k12}, {"1.3", TlsVersion::k13}}).value_or(otherwise);
  };
  tls.least = version("min_version", tls.least);
  tls.most = version("max_version", tls.most);
  if (tls.least > tls.most) {
    reading.wrong(at, "'min_version' is above 'max_version'", "leave one of them out");
  }
  return tls;
}

void read_course(Reading& reading, Fields& fields, HttpWorkload& http) {
  http.requests = http.list.size();
  if (const Node* const node = fields.find("requests"))
    http.requests = reading.integer(*node, 1, kMostRequests).value_or(1);
  if (const Node* const node = fields.find("order"))
    http.random = reading.choice<bool>(*node, {{"in_order", false}, {"random", true}}).value_or(false);
  if (const Node* const node = fields.find("pipeline"))
    http.pipeline = static_cast<std::uint32_t>(reading.integer(*node, 1, kMostPipelined).value_or(1));
  if (const Node* const node = fields.find("redirects"))
    http.redirects = static_cast<std::uint32_t>(reading.integer(*node, 0, kMostRedirects).value_or(0));
  if (const Node* const node = fields.find("think"))
    http.think = reading.duration(*node, Duration{0}).value_or(Duration{0});
  if (const Node* const node = fields.find("keep_alive")) http.keep_alive = reading.boolean(*node).value_or(true);
  if (http.pipeline > 1 && http.think > Duration{0}) {
    reading.wrong(fields.place_of("pipeline"), "requests are pipelined, or there is a pause between them",
                  "remove 'pipeline' or 'think'");
  }
  if (http.pipeline > 1 && !http.keep_alive) {
    reading.wrong(fields.place_of("pipeline"), "without 'keep_alive' there is one request on a connection",
                  "remove 'pipeline' or 'keep_alive'");
  }
}

}  // namespace

Verify read_verify(Reading& reading, const Node& node, Place at, const KeyTable& table) {
  Fields fields(reading, node, table, "'verify'", at);
  Verify verify;
  const Node* const sha256 = fields.find("sha256");
  const Node* const bytes = fields.find("bytes");
  if (sha256 != nullptr) verify.sha256 = read_sha256(reading, *sha256);
  if (bytes != nullptr) verify.bytes = reading.bytes(*bytes, 0, kMostBodyBytes);
  if (node.entries.empty()) reading.wrong(at, "'verify' verifies nothing", "give sha256, bytes, or both");
  return verify;
}

HttpService read_http_service(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kHttpServiceTable, "'http'", at);
  HttpService service;
  if (const Node* const body = fields.find("body"); body != nullptr && body->is_map()) {
    service.body = read_body(reading, *body, fields.place_of("body"), kHttpServiceBodyTable);
  } else if (body != nullptr) {
    service.body = read_body_size(reading, *body).value_or(0);
  }
  if (const Node* const type = fields.find("type")) {
    service.type = reading.text(*type).value_or(service.type);
    if (service.type.empty() || service.type.size() > kLongestType || !is_field_value(service.type)) {
      reading.wrong(type->at, fmt::format("{} is not the type of a page", quoted(service.type)),
                    fmt::format("as in text/html; at most {} bytes without line ends", kLongestType));
    }
  }
  return service;
}

HttpWorkload read_http(Reading& reading, const Node& node, Place at, bool tls) {
  Fields fields(reading, node, kHttpTable, tls ? "'https'" : "'http'", at);
  HttpWorkload http;
  static constexpr std::string_view kWhat[] = {"get", "head", "post", "put", "urls"};
  const auto given = std::count_if(std::begin(kWhat), std::end(kWhat), [&](auto key) { return fields.has(key); });
  if (given > 1) (void)fields.one_of(kWhat);
  HttpRequest& request = http.list.front();
  read_method(reading, fields, request);
  read_request_keys(reading, fields, request);
  read_body_of(reading, fields, request);
  if (const Node* const urls = fields.find("urls")) {
    const HttpRequest common = request;
    read_urls(reading, *urls, common, http);
  }
  if (const Node* const host = fields.find("host")) http.host = read_host(reading, *host);
  read_course(reading, fields, http);
  const Node* const tls_node = fields.find("tls");
  if (tls) http.tls.emplace();
  if (tls_node != nullptr && !tls) {
    reading.wrong(fields.place_of("tls"), "'http' is without TLS", "write 'https' in place of 'http'");
  } else if (tls_node != nullptr) {
    http.tls = read_tls(reading, *tls_node, fields.place_of("tls"));
  }
  return http;
}

}  // namespace myriad::plan
