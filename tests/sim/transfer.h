// An application for the simulated network: clients that send a stream of known bytes and expect another one back,
// servers that do the reverse. Every byte is checked where it arrives.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/stack.h"
#include "tests/sim/stream.h"

namespace myriad::sim {

// One end of one conversation.
struct End {
  stack::ConnectionId id = stack::kNoConnection;
  std::uint32_t sends = 0;    // the stream this end sends
  std::uint32_t expects = 0;  // the stream it expects
  std::uint64_t to_send = 0;
  std::uint64_t to_receive = 0;
  std::uint64_t received = 0;
  std::uint64_t wrong = 0;  // bytes that were not what they should be
  bool connected = false;
  bool send_done = false;
  bool peer_closed = false;
  bool closed = false;
  stack::FailReason failed = stack::FailReason::kNone;
};

class Transfer {
 public:
  explicit Transfer(stack::Stack& stack) : stack_(stack) {}

  // Server: every accepted connection sends `to_send` bytes and expects `to_receive`.
  std::uint64_t serve_send = 0;
  std::uint64_t serve_receive = 0;
  bool close_when_sent = true;  // active close as soon as everything was announced
  bool close_when_peer_does = true;

  stack::Cookie open(stack::HostId from, const IpAddress& to, Port port, std::uint64_t to_send,
                     std::uint64_t to_receive, Instant now) {
    const auto cookie = static_cast<stack::Cookie>(ends.size());
    ends.push_back({});
    ends.back().to_send = to_send;
    ends.back().to_receive = to_receive;
    ends.back().sends = 1;
    ends.back().expects = 2;
    const auto id = stack_.connect(from, to, port, cookie, 0, now);
    if (id) {
      ends.back().id = *id;
    } else {
      ends.back().failed = id.error();
    }
    return cookie;
  }

  void on_event(const stack::Event& event, Instant) {
    using stack::EventKind;
    if (event.kind == EventKind::kAccepted) {
      ends.push_back({});
      End& end = ends.back();
      end.id = event.connection;
      end.sends = 2;
      end.expects = 1;
      end.to_send = serve_send;
      end.to_receive = serve_receive;
      stack_.set_cookie(event.connection, static_cast<stack::Cookie>(ends.size() - 1));
      begin(end);
      return;
    }
    if (event.kind == EventKind::kEchoReply || event.kind == EventKind::kDatagram ||
        event.kind == EventKind::kResolved || event.kind == EventKind::kUnresolved ||
        event.kind == EventKind::kUnreachable) {
      others.push_back(event);
      others.back().data = {};
      return;
    }
    End& end = ends.at(event.cookie);
    switch (event.kind) {
      case EventKind::kConnected:
        begin(end);
        break;
      case EventKind::kReceived:
        end.wrong += count_wrong(end.expects, end.received, event.data);
        end.received += event.data.size();
        break;
      case EventKind::kSendDone:
        end.send_done = true;
        break;
      case EventKind::kPeerClosed:
        end.peer_closed = true;
        if (close_when_peer_does) stack_.finish(end.id);
        break;
      case EventKind::kClosed:
        end.closed = true;
        break;
      case EventKind::kFailed:
        end.failed = event.reason;
        break;
      default:
        break;
    }
  }
  void read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out) {
    const End& end = ends.at(cookie);
    fill_stream(end.sends, offset, out);
  }

  std::vector<End> ends;
  std::vector<stack::Event> others;

 private:
  void begin(End& end) {
    end.connected = true;
    if (end.to_send > 0) stack_.extend(end.id, end.to_send);
    if (close_when_sent) stack_.finish(end.id);
  }
  stack::Stack& stack_;
};

}  // namespace myriad::sim
