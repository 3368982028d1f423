#include "cli/metrics_server.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "report/prometheus.h"

namespace myriad::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kConnections = 8;
constexpr auto kBetweenConnections = std::chrono::milliseconds{10};
constexpr auto kPatience = std::chrono::seconds{5};
constexpr std::uint32_t kHeaderBytes = 8 * 1024;
constexpr int kBacklog = 16;

constexpr const char* kFrontPage = "This is myriad. Its metrics are at /metrics\n";

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
  const auto wrong = [&] {
    return fail(Fault::kUsage, "--metrics: '" + text + "' is not an address and a port",
                "as in --metrics 127.0.0.1:9477 or --metrics [::1]:9477");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  std::string host = text.substr(0, colon);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, bad] = std::from_chars(text.data() + colon + 1, end, port);
  if (error || bad != std::errc{} || stop != end || address.is_v6() != brackets) return wrong();
  return tcp::endpoint{address, port};
}

}  // namespace

struct MetricsServer::State : std::enable_shared_from_this<MetricsServer::State> {
  State(asio::io_context& context, std::function<std::string()> metrics)
      : text(std::move(metrics)), acceptor(context), pause(context) {}

  struct Connection;

  // Waits for the next one, unless there are as many as may be; then the end of one of them calls this again.
  void accept() {
    if (closed || accepting || open == kConnections) return;
    accepting = true;
    acceptor.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
      if (self->closed) return;
      if (!error) self->serve(std::move(socket));
      self->rest();
    });
  }
  // Also after an error, such as having no descriptor left: it may pass.
  void rest() {
    pause.expires_after(kBetweenConnections);
    pause.async_wait([self = shared_from_this()](const error_code& cancelled) {
      self->accepting = false;
      if (!cancelled) self->accept();
    });
  }
  void serve(tcp::socket socket);
  http::response<http::string_body> answer(const http::request<http::empty_body>& request);

  std::function<std::string()> text;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::size_t open = 0;
  bool accepting = false;
  bool closed = false;
};

// Lives as long as a handler of it waits; goes with its socket.
struct MetricsServer::State::Connection : std::enable_shared_from_this<Connection> {
  Connection(std::shared_ptr<State> owner, tcp::socket socket) : server(std::move(owner)), stream(std::move(socket)) {
    ++server->open;
    parser.header_limit(kHeaderBytes);
    parser.body_limit(0);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    --server->open;
    server->accept();
  }

  void read() {
    stream.expires_after(kPatience);  // for all that follows
    http::async_read(stream, received, parser, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error || self->server->closed) return;
      self->write();
    });
  }
  void write() {
    response = server->answer(parser.get());
    http::async_write(stream, response, [self = shared_from_this()](const error_code& error, std::size_t) {
      error_code ignored;  // it may be gone already
      if (!error) self->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  std::shared_ptr<State> server;
  beast::tcp_stream stream;
  beast::flat_static_buffer<kHeaderBytes> received;
  http::request_parser<http::empty_body> parser;
  http::response<http::string_body> response;
};

void MetricsServer::State::serve(tcp::socket socket) {
  std::make_shared<Connection>(shared_from_this(), std::move(socket))->read();
}

http::response<http::string_body> MetricsServer::State::answer(const http::request<http::empty_body>& request) {
  http::response<http::string_body> response;
  response.version(11);
  response.set(http::field::server, "myriad");
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  const auto target = request.target().substr(0, request.target().find('?'));
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = "Only GET and HEAD\n";
  } else if (target == "/metrics") {
    response.set(http::field::content_type, report::kPrometheusType);
    response.body() = text();
  } else if (target == "/") {
    response.body() = kFrontPage;
  } else {
    response.result(http::status::not_found);
    response.body() = "There is only /metrics\n";
  }
  response.keep_alive(false);
  response.prepare_payload();
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(ControlLoop& loop, const std::string& address,
                                                           std::function<std::string()> text) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return tl::unexpected(endpoint.error());
  auto state = std::make_shared<State>(loop.context(), std::move(text));
  error_code error;
  tcp::acceptor& acceptor = state->acceptor;
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) {
    return fail(Fault::kMachine, "cannot serve metrics on " + address,
                "choose an address of this machine and a free port", error.value());
  }
  state->accept();
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(state)));
}

MetricsServer::~MetricsServer() {
  state_->closed = true;
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->pause.cancel();
}

std::string MetricsServer::url() const {
  error_code error;
  const tcp::endpoint endpoint = state_->acceptor.local_endpoint(error);
  const std::string host = endpoint.address().to_string();
  return fmt::format("http://{}:{}/metrics", endpoint.address().is_v6() ? "[" + host + "]" : host, endpoint.port());
}

}  // namespace myriad::cli
