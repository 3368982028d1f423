#include "engine/place_http.h"

#include <memory>
#include <string>
#include <utility>

#include "app/http_dialogue.h"
#include "app/http_request.h"
#include "app/tls_dialogue.h"

namespace myriad::engine {
namespace {

// Streams of different purpose must not be equal by accident of the same seed.
constexpr std::uint64_t kUploadSeed = 0x75706c6f6164;

const char* method_name(plan::HttpMethod method) {
  switch (method) {
    case plan::HttpMethod::kGet:
      return "GET";
    case plan::HttpMethod::kHead:
      return "HEAD";
    case plan::HttpMethod::kPost:
      return "POST";
    case plan::HttpMethod::kPut:
      return "PUT";
  }
  return "GET";
}

app::HttpAsked asked(const plan::HttpRequest& request) {
  app::HttpAsked out;
  out.verify = {request.verify.bytes, request.verify.sha256};
  if (request.expect) {
    out.statuses = {};
    for (const std::uint16_t status : request.expect->statuses) out.statuses.add(status);
    for (const std::uint16_t hundreds : request.expect->classes) out.statuses.add_class(hundreds);
  }
  return out;
}

app::HttpBody body(const plan::Plan& plan, const plan::HttpBody& said) {
  if (const auto* const bytes = std::get_if<std::shared_ptr<const std::string>>(&said)) return app::HttpBody{*bytes};
  if (const auto* const size = std::get_if<std::uint64_t>(&said)) {
    return app::HttpBody{app::Pattern{plan.seed ^ kUploadSeed}, *size};
  }
  return {};
}

std::string host_of(const plan::Plan& plan, const plan::Workload& workload, const plan::HttpWorkload& http,
                    const Destination& to) {
  if (!http.host.empty()) return http.host;
  if (to.count == 1) return app::http_host(to.first, to.port, http.tls.has_value());
  // One request for all of a group's addresses: it names the group.
  return plan.groups[std::get<std::size_t>(workload.to.address)].name;
}

// Of a Host field, without brackets and port.
std::string name_in(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_plain(const plan::HttpWorkload& http) {
  const plan::HttpRequest& request = http.list.front();
  return http.requests == 1 && http.list.size() == 1 && request.method == plan::HttpMethod::kGet &&
         http.redirects == 0 && !http.tls;
}

app::TlsOptions tls_options(const plan::TlsPlan& tls, const std::string& host, std::uint32_t hosts) {
  app::TlsOptions out;
  out.name = tls.name.empty() ? name_in(host) : tls.name;
  out.verify = tls.verify;
  out.authorities = tls.authorities;
  out.trusts_system = tls.ca.empty();
  out.resume = tls.resume;
  out.least = tls.least == plan::TlsVersion::k12 ? app::TlsVersion::k12 : app::TlsVersion::k13;
  out.most = tls.most == plan::TlsVersion::k12 ? app::TlsVersion::k12 : app::TlsVersion::k13;
  out.hosts = hosts;
  return out;
}

}  // namespace

Result<WorkloadKind> place_http(const plan::Plan& plan, const plan::Workload& workload, const plan::HttpWorkload& http,
                                const Destination& to) {
  const std::string host = host_of(plan, workload, http, to);
  const bool holds = workload.load.hold > Duration{0};
  if (is_plain(http)) {
    const plan::HttpRequest& request = http.list.front();
    std::string bytes = app::http_head(
        {.method = "GET", .host = host, .path = request.path, .fields = request.fields, .content_length = {}});
    bytes += app::http_head_end(holds);
    return Fetch{std::move(bytes), asked(request)};
  }
  app::HttpScript script;
  for (const plan::HttpRequest& request : http.list) {
    app::HttpExchange& exchange = script.exchanges.emplace_back();
    exchange.method = method_name(request.method);
    exchange.path = request.path;
    exchange.fields = request.fields;
    exchange.body = body(plan, request.body);
    exchange.asked = asked(request);
  }
  script.host = host;
  script.tls = http.tls.has_value();
  script.random = http.random;
  script.requests = http.requests;
  script.pipeline = http.pipeline;
  script.redirects = http.redirects;
  script.keep_alive = http.keep_alive;
  script.holds = holds;
  script.think = http.think;
  auto role = std::make_unique<app::HttpRole>(std::move(script));
  if (!http.tls) return std::shared_ptr<const app::Role>(std::move(role));
  const std::uint32_t hosts = plan.groups[workload.from].count;
  auto tls = app::TlsRole::make(tls_options(*http.tls, host, hosts), std::move(role));
  if (!tls) {
    Error error = tls.error();
    error.what = "workload '" + workload.name + "': " + error.what;
    return tl::unexpected(std::move(error));
  }
  return std::move(*tls);
}

}  // namespace myriad::engine
