#include "tests/scripts/sockets.h"

#include <algorithm>

#include "tests/scripts/call_words.h"
#include "tests/scripts/line_reader.h"
#include "tests/sim/transfer.h"

namespace myriad::scripts {
namespace {

using stack::EventKind;
using stack::FailReason;

constexpr stack::Cookie kListenerCookie = 0x80000000;  // and the host
constexpr int kFirstDescriptor = 3;
constexpr int kLastDescriptor = 1'000'000;

std::string text_of_result(std::int64_t value, const std::string& error) {
  return std::to_string(value) + (error.empty() ? "" : " " + error);
}

}  // namespace

// Why the connection failed, as the system of the script would tell its application.
std::string Sockets::error_of(FailReason reason, bool connected) const {
  switch (reason) {
    case FailReason::kNone:
      return "";
    case FailReason::kRefused:
      return "ECONNREFUSED";
    case FailReason::kReset:
    case FailReason::kResetAfterData:
      return connected ? "ECONNRESET" : "ECONNREFUSED";
    case FailReason::kConnectTimeout:
    case FailReason::kTransmitTimeout:
    case FailReason::kCloseTimeout:
      return "ETIMEDOUT";
    case FailReason::kNeighbourTimeout:
      return "EHOSTUNREACH";
    case FailReason::kUnreachable:
      return script_.strict ? "EHOSTUNREACH" : error_of_icmp(last_icmp_, script_.system);
    case FailReason::kNoPort:
      return "EADDRNOTAVAIL";
    case FailReason::kNoRoom:
      return "ENOBUFS";
  }
  return "";
}

Sockets::Answer Sockets::call(const Action& action, const CallLine& call, Instant now) {
  poll_ends_ = Instant::never();
  return again(action, call, now);
}

Sockets::Answer Sockets::again(const Action& action, const CallLine& call, Instant now) {
  const Result result = perform(action, call, now);
  if (call.any_result) return {result.waits, {}};
  const bool same_error =
      call.error.empty() || call.error == result.error || (call.error == "EWOULDBLOCK" && result.error == "EAGAIN");
  const bool same = result.value == call.result && same_error;
  return {result.waits, same ? std::string{} : text_of_result(result.value, result.error)};
}

Sockets::Result Sockets::perform(const Action& action, const CallLine& call, Instant now) {
  static constexpr std::pair<const char*, Call> kCalls[] = {
      {"socket", &Sockets::socket},
      {"bind", &Sockets::bind},
      {"listen", &Sockets::listen},
      {"accept", &Sockets::accept},
      {"accept4", &Sockets::accept},
      {"connect", &Sockets::connect},
      {"write", &Sockets::write},
      {"writev", &Sockets::write},
      {"send", &Sockets::write},
      {"sendto", &Sockets::write},
      {"sendmsg", &Sockets::write},
      {"read", &Sockets::read_bytes},
      {"readv", &Sockets::read_bytes},
      {"recv", &Sockets::read_bytes},
      {"recvfrom", &Sockets::read_bytes},
      {"recvmsg", &Sockets::read_bytes},
      {"shutdown", &Sockets::shutdown},
      {"close", &Sockets::close},
      {"fcntl", &Sockets::fcntl},
      {"ioctl", &Sockets::ioctl},
      {"poll", &Sockets::poll},
      {"setsockopt", &Sockets::setsockopt},
      {"getsockopt", &Sockets::getsockopt},
  };
  const auto* const known =
      std::find_if(std::begin(kCalls), std::end(kCalls), [&](const auto& c) { return call.name == c.first; });
  if (known == std::end(kCalls)) throw ScriptError("no call named " + call.name.substr(0, 40) + " is known here");
  return (this->*known->second)(action, call, now);
}

// --- calls -----------------------------------------------------------------------------------------------------------

Sockets::Socket* Sockets::socket_of(const CallLine& call) {
  const auto found = sockets_.find(static_cast<int>(std::min(number_argument(call, 0), 1'000'000U)));
  return found == sockets_.end() ? nullptr : &found->second;
}

int Sockets::new_descriptor(const CallLine& call) const {
  if (!script_.strict && call.result >= 0 && call.result <= kLastDescriptor &&
      !sockets_.contains(static_cast<int>(call.result)))
    return static_cast<int>(call.result);
  int free = kFirstDescriptor;
  while (sockets_.contains(free)) ++free;
  return free;
}

Sockets::Result Sockets::socket(const Action& action, const CallLine& call, Instant) {
  const std::string& type = word_argument(call, 1);
  if (type.find("SOCK_STREAM") == std::string::npos)
    throw ScriptError("socket(..., SOCK_STREAM, IPPROTO_TCP) is the only kind");
  const int descriptor = new_descriptor(call);
  sockets_[descriptor].host = action.host;
  sockets_[descriptor].blocks = type.find("SOCK_NONBLOCK") == std::string::npos;
  return {descriptor};
}

Sockets::Result Sockets::bind(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  if (socket->kind != Kind::kFresh || socket->bound) return {-1, "EINVAL"};
  socket->bound = true;
  return {};
}

Sockets::Result Sockets::listen(const Action&, const CallLine& call, Instant) {
  Socket* const listener = socket_of(call);
  if (listener == nullptr) return {-1, "EBADF"};
  if (listener->kind == Kind::kListener) return {};
  if (listener->kind == Kind::kConnection) return {-1, "EINVAL"};
  if (!listener->bound) throw ScriptError("listen wants a bound socket");
  if (accepted_.contains(listener->host)) return {-1, "EADDRINUSE"};
  if (!served_.insert(listener->host).second) other_.begin_service(listener->host);
  accepted_[listener->host] = {};
  listener->kind = Kind::kListener;
  const auto place = static_cast<std::uint32_t>(listener->host);
  stack_.listen_tcp(static_cast<stack::GroupIndex>(place), kServicePort, kListenerCookie | place, 0);
  return {};
}

Sockets::Result Sockets::accept(const Action&, const CallLine& call, Instant) {
  Socket* const listener = socket_of(call);
  if (listener == nullptr) return {-1, "EBADF"};
  if (listener->kind != Kind::kListener) return {-1, "EINVAL"};
  const std::size_t host = listener->host;
  auto& waiting = accepted_[host];
  if (waiting.empty()) return {-1, "EAGAIN", true};
  const bool no_delay = listener->no_delay;  // inherited
  const int descriptor = new_descriptor(call);
  Socket& accepted = sockets_[descriptor];
  accepted.kind = Kind::kConnection;
  accepted.host = host;
  accepted.no_delay = no_delay;
  accepted.connection = waiting.front();
  if (no_delay && !connections_[accepted.connection].gone)
    stack_.set_nodelay(connections_[accepted.connection].id, true);
  waiting.erase(waiting.begin());
  return {descriptor};
}

Sockets::Result Sockets::connect(const Action& action, const CallLine& call, Instant now) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  if (socket->kind == Kind::kListener) return {-1, "EINVAL"};
  if (socket->kind == Kind::kConnection) return connect_again(*socket);
  const auto cookie = static_cast<stack::Cookie>(connections_.size());
  other_.begin_call(socket->host, action.peer);
  const auto id = stack_.connect(stack::HostId{static_cast<std::uint32_t>(socket->host)},
                                 other_.peer_address(action.peer), kServicePort, cookie, 0, now);
  if (!id) return {-1, error_of(id.error(), false)};
  socket->kind = Kind::kConnection;
  socket->connection = cookie;
  connections_.push_back({});
  connections_.back().id = *id;
  if (socket->no_delay) stack_.set_nodelay(*id, true);
  return {-1, "EINPROGRESS", true};
}

Sockets::Result Sockets::connect_again(const Socket& socket) {
  Connection& c = *connection_of(socket);
  if (!c.failed.empty()) return {-1, std::exchange(c.failed, {})};
  if (!c.connected) return c.gone ? Result{-1, "ECONNABORTED"} : Result{-1, "EALREADY", true};
  // Linux and those that wait for connect() hear of success once.
  if (!c.told && (socket.blocks || script_.system != System::kFreeBsd)) {
    c.told = true;
    return {};
  }
  return {-1, "EISCONN"};
}

Sockets::Result Sockets::write(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  const std::uint32_t asked = bytes_to_send(call);
  if (socket == nullptr) return {-1, "EBADF"};
  Connection* const c = connection_of(*socket);
  if (c == nullptr) return {-1, script_.system == System::kLinux ? "EPIPE" : "ENOTCONN"};
  if (!c->failed.empty()) return {-1, std::exchange(c->failed, {})};
  if (c->gone || c->write_closed) return {-1, "EPIPE"};
  if (!c->connected) return {-1, "EAGAIN", true};
  std::uint32_t bytes = asked;
  if (!script_.strict && (call.error == "EAGAIN" || (call.result > 0 && call.result < asked))) {
    notes_.push_back(call.name + ": a buffer for sending that is full is taken as the script says");
    if (call.result < 0) return {-1, "EAGAIN"};
    bytes = static_cast<std::uint32_t>(call.result);
  }
  // Kernels let the short end of what was written to an idle connection go (Minshall's way with Nagle's algorithm).
  if (!script_.strict) stack_.set_nodelay(c->id, socket->no_delay || stack_.acknowledged(c->id) == c->written);
  c->written += bytes;
  stack_.extend(c->id, bytes);
  return {bytes};
}

Sockets::Result Sockets::read_bytes(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  const std::uint32_t most = bytes_to_receive(call);
  if (socket == nullptr) return {-1, "EBADF"};
  Connection* const c = connection_of(*socket);
  if (c == nullptr) return {-1, "ENOTCONN"};
  if (c->unread > 0) {
    const std::uint32_t bytes = std::min(c->unread, most);
    c->unread -= bytes;
    if (!c->gone) stack_.hold_receive(c->id, c->unread);
    return {bytes};
  }
  if (!c->failed.empty()) return {-1, std::exchange(c->failed, {})};
  if (c->peer_closed || c->gone || c->read_closed) return {};
  return {-1, "EAGAIN", true};
}

Sockets::Result Sockets::shutdown(const Action&, const CallLine& call, Instant) {
  const std::string& how = word_argument(call, 1);
  if (how != "SHUT_WR" && how != "SHUT_RD" && how != "SHUT_RDWR")
    throw ScriptError("shutdown knows SHUT_RD, SHUT_WR and SHUT_RDWR");
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  Connection* const c = connection_of(*socket);
  if (c == nullptr || !c->connected || !c->failed.empty() || (c->gone && !c->peer_closed)) return {-1, "ENOTCONN"};
  if (how != "SHUT_WR") c->read_closed = true;
  if (how == "SHUT_RD") return {};
  if (!c->gone) stack_.finish(c->id);
  c->write_closed = true;
  return {};
}

void Sockets::close_listener(std::size_t host) {
  for (const std::size_t waiting : accepted_[host]) {
    if (!connections_[waiting].gone) stack_.abort(connections_[waiting].id);
    connections_[waiting].gone = true;
  }
  accepted_.erase(host);  // the stack goes on listening: whoever comes is turned away by a reset
}

Sockets::Result Sockets::close(const Action&, const CallLine& call, Instant) {
  const Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  if (socket->kind == Kind::kListener) close_listener(socket->host);
  if (socket->kind == Kind::kConnection) {
    Connection& c = connections_[socket->connection];
    c.closed = true;
    if (!c.gone && (socket->linger_zero || c.unread > 0 || !c.connected)) {
      stack_.abort(c.id);
      c.gone = true;
    } else if (!c.gone) {
      stack_.finish(c.id);
    }
  }
  sockets_.erase(static_cast<int>(number_argument(call, 0)));
  return {};
}

// --- the stack's application -----------------------------------------------------------------------------------------

void Sockets::on_received(Connection& c, Bytes data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] != sim::stream_byte(kTheirStream, c.received + i) && trouble_.empty()) {
      trouble_ = "byte " + std::to_string(c.received + i) + " reached the application wrong";
    }
  }
  c.received += data.size();
  if (c.closed) {  // nobody will ever read it
    stack_.abort(c.id);
    c.gone = true;
    return;
  }
  c.unread += static_cast<std::uint32_t>(data.size());
  stack_.hold_receive(c.id, c.unread);
}

void Sockets::on_event(const stack::Event& event, Instant) {
  if (event.kind == EventKind::kAccepted) {
    const auto cookie = static_cast<stack::Cookie>(connections_.size());
    connections_.push_back({});
    connections_.back().id = event.connection;
    connections_.back().connected = true;
    stack_.set_cookie(event.connection, cookie);
    const auto listener = accepted_.find(event.cookie & ~kListenerCookie);
    if (listener != accepted_.end()) {
      listener->second.push_back(cookie);
    } else {
      stack_.abort(event.connection);
      connections_.back().gone = true;
    }
    return;
  }
  if (event.connection == stack::kNoConnection || event.cookie >= connections_.size()) return;
  Connection& c = connections_[event.cookie];
  switch (event.kind) {
    case EventKind::kConnected:
      c.connected = true;
      break;
    case EventKind::kReceived:
      on_received(c, event.data);
      break;
    case EventKind::kPeerClosed:
      c.peer_closed = true;
      break;
    case EventKind::kClosed:
      c.gone = true;
      break;
    case EventKind::kFailed:
      c.gone = true;
      c.failed = error_of(event.reason, c.connected);
      break;
    default:
      break;
  }
}

void Sockets::read(stack::Cookie, std::uint64_t offset, MutableBytes out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = sim::stream_byte(kOurStream, offset + i);
}

}  // namespace myriad::scripts
