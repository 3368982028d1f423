// Sockets: what is asked about them and set on them.
#include <algorithm>

#include "tests/scripts/call_words.h"
#include "tests/scripts/line_reader.h"
#include "tests/scripts/sockets.h"

namespace myriad::scripts {
namespace {

// Whether all of the words between '|' are the same, in any order.
bool same_words(const std::string& a, const std::string& b) {
  const auto words = [](std::string text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
      const auto end = std::min(text.find('|', at), text.size());
      if (end > at && text.substr(at, end - at) != "0") out.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    std::sort(out.begin(), out.end());
    return out;
  };
  return words(a) == words(b);
}

}  // namespace

Sockets::Result Sockets::fcntl(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  const std::string& command = word_argument(call, 1);
  if (command == "F_GETFL") {
    constexpr std::int64_t kReadWrite = 2;
    const std::int64_t nonblocking = script_.system == System::kFreeBsd ? 4 : 0x800;
    return {kReadWrite | (socket->blocks ? 0 : nonblocking)};
  }
  if (command == "F_SETFL") {
    socket->blocks = word_argument(call, 2).find("O_NONBLOCK") == std::string::npos;
    return {};
  }
  if (command == "F_GETFD" || command == "F_SETFD") return {};
  throw ScriptError("fcntl knows F_GETFL and F_SETFL");
}

// ioctl(4, SIOCINQ, [1000]) = 0: the number stands where the call would write it.
Sockets::Result Sockets::ioctl(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  const std::string& request = word_argument(call, 1);
  if (request == "FIONBIO") {
    socket->blocks = word_argument(call, 2) == "[0]";
    return {};
  }
  const Connection* const c = connection_of(*socket);
  std::uint64_t number = 0;
  if (request == "SIOCINQ" || request == "FIONREAD") {
    if (c != nullptr) number = c->unread;
  } else if (request == "SIOCOUTQ" || request == "TIOCOUTQ" || request == "FIONWRITE") {
    if (c != nullptr && !c->gone) number = c->written - stack_.acknowledged(c->id);
  } else {
    throw ScriptSkip("ioctl " + request.substr(0, 40));
  }
  if (word_argument(call, 2) == "[" + std::to_string(number) + "]") return {};
  return {-1, std::to_string(number) + " in " + request};
}

// Of `events`, those that are true now; errors and hang-ups are told unasked.
std::string Sockets::ready(int descriptor, const std::string& events) {
  const auto found = sockets_.find(descriptor);
  if (found == sockets_.end()) return "POLLNVAL";
  const Socket& socket = found->second;
  std::string out;
  const auto add = [&](const char* word, bool holds, bool unasked) {
    const bool asked = unasked || same_words(events, word) || events.starts_with(std::string(word) + "|") ||
                       events.ends_with("|" + std::string(word)) ||
                       events.find("|" + std::string(word) + "|") != std::string::npos;
    if (holds && asked) out += (out.empty() ? "" : "|") + std::string(word);
  };
  if (socket.kind == Kind::kListener) {
    add("POLLIN", !accepted_[socket.host].empty(), false);
    return out;
  }
  const Connection* const c = connection_of(socket);
  if (c == nullptr) {
    add("POLLOUT", true, false);
    add("POLLHUP", true, true);
    return out;
  }
  const bool over = !c->failed.empty() || c->gone;
  const bool read_ends = c->peer_closed || c->read_closed || over;
  add("POLLIN", c->unread > 0 || read_ends, false);
  add("POLLOUT", c->connected || over, false);
  add("POLLERR", !c->failed.empty(), true);
  add("POLLHUP", over || (c->peer_closed && c->write_closed), true);
  add("POLLRDHUP", read_ends, false);
  return out;
}

Sockets::Result Sockets::poll(const Action&, const CallLine& call, Instant now) {
  std::int64_t count = 0;
  std::string differs;
  for (const Polled& one : polled(call)) {
    const std::string happened = ready(one.descriptor, one.events);
    if (!happened.empty()) ++count;
    if (!same_words(happened, one.happened) && differs.empty())
      differs = "revents=" + (happened.empty() ? std::string("0") : happened) + " of " + std::to_string(one.descriptor);
  }
  const std::string& timeout = word_argument(call, 2);
  if (count == 0 && timeout != "0") {
    if (poll_ends_.is_never() && !timeout.starts_with('-'))
      poll_ends_ = now + std::chrono::milliseconds{number_argument(call, 2)};
    if (now + script_.tolerance < poll_ends_) return {0, differs, true};
  }
  if (!differs.empty()) return {-1, std::to_string(count) + " and " + differs};
  return {count};
}

Sockets::Result Sockets::setsockopt(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  const std::string& option = word_argument(call, 2);
  const std::string& value = word_argument(call, 3);
  if (option == "SO_LINGER") {
    if (script_.strict && value != "{onoff=1,linger=0}")
      throw ScriptError("SO_LINGER wants {onoff=1, linger=0}: no close waits here");
    socket->linger_zero = value == "{onoff=1,linger=0}";
  }
  if (option == "TCP_NODELAY") {
    socket->no_delay = value != "[0]";
    const Connection* const c = connection_of(*socket);
    if (c != nullptr && !c->gone) stack_.set_nodelay(c->id, socket->no_delay);
  }
  socket->options[option] = value;
  return {};
}

// getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0: the error stands where the call would write it.
Sockets::Result Sockets::getsockopt(const Action&, const CallLine& call, Instant) {
  Socket* const socket = socket_of(call);
  if (socket == nullptr) return {-1, "EBADF"};
  const std::string& option = word_argument(call, 2);
  const std::string& value = word_argument(call, 3);
  if (option == "SO_ERROR") {
    Connection* const c = connection_of(*socket);
    const std::string error = c == nullptr || c->failed.empty() ? "0" : std::exchange(c->failed, {});
    return value == "[" + error + "]" ? Result{} : Result{-1, error + " in SO_ERROR"};
  }
  if (option == "SO_RCVBUF" || option == "SO_SNDBUF") {
    notes_.push_back("getsockopt " + option + ": sizes of buffers are not compared");
    return {};
  }
  const auto set = socket->options.find(option);
  if (set == socket->options.end()) throw ScriptSkip("getsockopt " + option + ": our hosts keep no such number");
  return value == set->second ? Result{} : Result{-1, set->second + " in " + option};
}

}  // namespace myriad::scripts
