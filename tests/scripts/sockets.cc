#include "tests/scripts/sockets.h"

#include <algorithm>
#include <charconv>

#include "tests/scripts/line_reader.h"
#include "tests/sim/transfer.h"

namespace myriad::scripts {
namespace {

using stack::EventKind;
using stack::FailReason;

constexpr stack::Cookie kListenerCookie = 0x80000000;  // and the host
constexpr int kFirstDescriptor = 3;

const char* error_of(FailReason reason) {
  switch (reason) {
    case FailReason::kNone:
      return "";
    case FailReason::kRefused:
      return "ECONNREFUSED";
    case FailReason::kReset:
    case FailReason::kResetAfterData:
      return "ECONNRESET";
    case FailReason::kConnectTimeout:
    case FailReason::kTransmitTimeout:
    case FailReason::kCloseTimeout:
      return "ETIMEDOUT";
    case FailReason::kNeighbourTimeout:
    case FailReason::kUnreachable:
      return "EHOSTUNREACH";
    case FailReason::kNoPort:
      return "EADDRNOTAVAIL";
    case FailReason::kNoRoom:
      return "ENOBUFS";
  }
  return "";
}

std::uint32_t number_argument(const CallLine& call, std::size_t which) {
  if (which >= call.arguments.size()) {
    throw ScriptError(call.name + " has " + std::to_string(which + 1) + " arguments or more");
  }
  const std::string& text = call.arguments[which];
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw ScriptError("argument " + std::to_string(which + 1) + " of " + call.name + " is a number, got '" +
                      text.substr(0, 40) + "'");
  }
  return number;
}

const std::string& word_argument(const CallLine& call, std::size_t which) {
  if (which >= call.arguments.size()) {
    throw ScriptError(call.name + " has " + std::to_string(which + 1) + " arguments or more");
  }
  return call.arguments[which];
}

std::string text_of_result(std::int64_t value, const std::string& error) {
  return std::to_string(value) + (error.empty() ? "" : " " + error);
}

}  // namespace

std::string Sockets::call(const Action& action, const CallLine& call, Instant now) {
  static constexpr std::pair<const char*, Call> kCalls[] = {
      {"socket", &Sockets::socket},
      {"bind", &Sockets::bind},
      {"listen", &Sockets::listen},
      {"accept", &Sockets::accept},
      {"connect", &Sockets::connect},
      {"write", &Sockets::write},
      {"send", &Sockets::write},
      {"read", &Sockets::read_bytes},
      {"recv", &Sockets::read_bytes},
      {"shutdown", &Sockets::shutdown},
      {"close", &Sockets::close},
      {"fcntl", &Sockets::fcntl},
      {"setsockopt", &Sockets::setsockopt},
      {"getsockopt", &Sockets::getsockopt},
  };
  const auto* const known =
      std::find_if(std::begin(kCalls), std::end(kCalls), [&](const auto& c) { return call.name == c.first; });
  if (known == std::end(kCalls)) throw ScriptError("no call named " + call.name.substr(0, 40) + " is known here");
  const Result result = (this->*known->second)(action, call, now);
  const bool same = result.value == call.result && (call.error.empty() || call.error == result.error);
  return same ? std::string{} : text_of_result(result.value, result.error);
}

// --- calls
// ------------------------------------------------------------------------------------------------------------

Sockets::Socket* Sockets::socket_of(const CallLine& call) {
  const auto found = sockets_.find(static_cast<int>(std::min(number_argument(call, 0), 1'000'000U)));
  return found == sockets_.end() ? nullptr : &found->second;
}

Sockets::Socket& Sockets::fresh_socket(const CallLine& call) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr || socket->kind != Kind::kFresh) throw ScriptError(call.name + " wants a new socket");
  return *socket;
}

Sockets::Connection* Sockets::connection_of(const CallLine& call) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return nullptr;
  if (socket->kind != Kind::kConnection) throw ScriptError(call.name + " wants a connection");
  return &connections_[socket->connection];
}

int Sockets::next_descriptor() const {
  int free = kFirstDescriptor;
  while (sockets_.contains(free)) ++free;
  return free;
}

Sockets::Result Sockets::socket(const Action& action, const CallLine& call, Instant) {
  if (word_argument(call, 1) != "SOCK_STREAM")
    throw ScriptError("socket(..., SOCK_STREAM, IPPROTO_TCP) is the only kind");
  const int descriptor = next_descriptor();
  sockets_[descriptor].host = action.host;
  return {descriptor};
}

Sockets::Result Sockets::bind(const Action&, const CallLine& call, Instant) {
  fresh_socket(call).bound = true;
  return {};
}

Sockets::Result Sockets::listen(const Action&, const CallLine& call, Instant) {
  Socket& listener = fresh_socket(call);
  if (!listener.bound) throw ScriptError("listen wants a bound socket");
  if (accepted_.contains(listener.host)) return {-1, "EADDRINUSE"};
  accepted_[listener.host] = {};
  listener.kind = Kind::kListener;
  const auto place = static_cast<std::uint32_t>(listener.host);
  stack_.listen_tcp(static_cast<stack::GroupIndex>(place), kServicePort, kListenerCookie | place, 0);
  return {};
}

Sockets::Result Sockets::accept(const Action&, const CallLine& call, Instant) {
  Socket* const listener = socket_of(call);
  if (listener == nullptr || listener->kind != Kind::kListener) throw ScriptError("accept wants a listening socket");
  const std::size_t host = listener->host;
  auto& waiting = accepted_[host];
  if (waiting.empty()) return {-1, "EAGAIN"};
  const int descriptor = next_descriptor();
  sockets_[descriptor] = {Kind::kConnection, host, waiting.front(), false, false};
  waiting.erase(waiting.begin());
  return {descriptor};
}

Sockets::Result Sockets::connect(const Action& action, const CallLine& call, Instant now) {
  Socket& socket = fresh_socket(call);
  if (socket.bound) throw ScriptError("connect chooses its port: no bind before it");
  const auto cookie = static_cast<stack::Cookie>(connections_.size());
  other_.begin_call(socket.host, action.peer);
  const auto id = stack_.connect(stack::HostId{static_cast<std::uint32_t>(socket.host)},
                                 other_.peer_address(action.peer), kServicePort, cookie, 0, now);
  if (!id) return {-1, error_of(id.error())};
  socket.kind = Kind::kConnection;
  socket.connection = cookie;
  connections_.push_back({});
  connections_.back().id = *id;
  return {-1, "EINPROGRESS"};
}

Sockets::Result Sockets::write(const Action&, const CallLine& call, Instant) {
  Connection* const c = connection_of(call);
  const std::uint32_t bytes = number_argument(call, 2);
  if (c == nullptr) return {-1, "EBADF"};
  if (*c->failed != '\0') return {-1, c->failed};
  if (c->gone || c->write_closed) return {-1, "EPIPE"};
  if (!c->connected) return {-1, "EAGAIN"};
  stack_.extend(c->id, bytes);
  return {bytes};
}

Sockets::Result Sockets::read_bytes(const Action&, const CallLine& call, Instant) {
  Connection* const c = connection_of(call);
  const std::uint32_t most = number_argument(call, 2);
  if (c == nullptr) return {-1, "EBADF"};
  if (c->unread > 0) {
    const std::uint32_t bytes = std::min(c->unread, most);
    c->unread -= bytes;
    if (!c->gone) stack_.hold_receive(c->id, c->unread);
    return {bytes};
  }
  if (*c->failed != '\0') return {-1, c->failed};
  if (c->peer_closed || c->gone) return {};
  return {-1, "EAGAIN"};
}

Sockets::Result Sockets::shutdown(const Action&, const CallLine& call, Instant) {
  if (word_argument(call, 1) != "SHUT_WR") throw ScriptError("shutdown(…, SHUT_WR) is the only kind");
  Connection* const c = connection_of(call);
  if (c == nullptr) return {-1, "EBADF"};
  if (!c->connected || *c->failed != '\0') return {-1, "ENOTCONN"};
  if (!c->gone) stack_.finish(c->id);
  c->write_closed = true;
  return {};
}

Sockets::Result Sockets::close(const Action&, const CallLine& call, Instant) {
  const Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  if (socket->kind == Kind::kListener) throw ScriptError("a listener stays to the end of the script");
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

Sockets::Result Sockets::fcntl(const Action&, const CallLine& call, Instant) {
  if (socket_of(call) == nullptr) return {-1, "EBADF"};
  const std::string& command = word_argument(call, 1);
  if (command == "F_GETFL") return {2};  // O_RDWR
  if (command == "F_SETFL") return {};   // no socket ever blocks here
  throw ScriptError("fcntl knows F_GETFL and F_SETFL");
}

Sockets::Result Sockets::setsockopt(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  const std::string& option = word_argument(call, 2);
  if (option == "SO_REUSEADDR") return {};  // ports in TIME-WAIT never hinder a listener here
  if (option == "SO_LINGER" && word_argument(call, 3) == "{onoff=1,linger=0}") {
    socket->linger_zero = true;
    return {};
  }
  throw ScriptError("setsockopt knows SO_REUSEADDR and SO_LINGER with {onoff=1, linger=0}");
}

// getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0: the error stands where the call would write it.
Sockets::Result Sockets::getsockopt(const Action&, const CallLine& call, Instant) {
  Connection* const c = connection_of(call);
  if (c == nullptr) return {-1, "EBADF"};
  if (word_argument(call, 2) != "SO_ERROR") throw ScriptError("getsockopt knows SO_ERROR");
  const std::string error = *c->failed != '\0' ? c->failed : "0";
  if (word_argument(call, 3) == "[" + error + "]") return {};
  return {-1, *c->failed != '\0' ? c->failed : "0 in SO_ERROR"};
}

// --- the stack's application
// ------------------------------------------------------------------------------------------

void Sockets::on_event(const stack::Event& event, Instant) {
  if (event.kind == EventKind::kAccepted) {
    const auto cookie = static_cast<stack::Cookie>(connections_.size());
    connections_.push_back({});
    connections_.back().id = event.connection;
    connections_.back().connected = true;
    stack_.set_cookie(event.connection, cookie);
    accepted_[event.cookie & ~kListenerCookie].push_back(cookie);
    return;
  }
  if (event.connection == stack::kNoConnection || event.cookie >= connections_.size()) return;
  Connection& c = connections_[event.cookie];
  switch (event.kind) {
    case EventKind::kConnected:
      c.connected = true;
      break;
    case EventKind::kReceived:
      for (std::size_t i = 0; i < event.data.size(); ++i) {
        if (event.data[i] != sim::stream_byte(kTheirStream, c.received + i) && trouble_.empty()) {
          trouble_ = "byte " + std::to_string(c.received + i) + " reached the application wrong";
        }
      }
      c.received += event.data.size();
      if (c.closed) {  // nobody will ever read it
        stack_.abort(c.id);
        c.gone = true;
        break;
      }
      c.unread += static_cast<std::uint32_t>(event.data.size());
      stack_.hold_receive(c.id, c.unread);
      break;
    case EventKind::kPeerClosed:
      c.peer_closed = true;
      break;
    case EventKind::kClosed:
      c.gone = true;
      break;
    case EventKind::kFailed:
      c.gone = true;
      c.failed = error_of(event.reason);
      break;
    default:
      break;
  }
}

void Sockets::read(stack::Cookie, std::uint64_t offset, MutableBytes out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = sim::stream_byte(kOurStream, offset + i);
}

}  // namespace myriad::scripts
