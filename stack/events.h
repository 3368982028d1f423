// What the stack tells the application, and what it asks of it. The application is a concept, not a base class: Stack's
// few templates call it directly, and the protocol code itself is compiled once, without knowing any application.
#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/time.h"
#include "stack/wire/checksum.h"

namespace myriad::stack {

// A host of one port: groups in the order they were added, hosts in the order of their addresses.
enum class HostId : std::uint32_t {};
inline constexpr HostId kNoHost{0xffffffff};

// A live TCP connection. Valid from connect() or kAccepted until kClosed, kFailed or abort(); then it may be reused.
enum class ConnectionId : std::uint32_t {};
inline constexpr ConnectionId kNoConnection{0xffffffff};

// A conversation by UDP that a host has opened. Valid until it is closed; then it may be reused.
enum class ConversationId : std::uint32_t {};
inline constexpr ConversationId kNoConversation{0xffffffff};

// What the application wants to be told with every event of a connection: its own index for it.
using Cookie = std::uint32_t;

// In place of a port to listen on: whatever no other listener of the group hears.
inline constexpr Port kEveryPort{0};

enum class EventKind : std::uint8_t {
  kNothing,      // never delivered
  kAccepted,     // passive open is complete; cookie = the listener's. Give it one of your own with set_cookie().
  kConnected,    // active open is complete
  kReceived,     // `data` in order; valid only during the call
  kSendDone,     // everything given to extend() has been acknowledged
  kPeerClosed,   // FIN after all data: nothing more will be received
  kClosed,       // both sides closed in order; the id is gone
  kFailed,       // aborted, see `reason`; the id is gone
  kEchoReply,    // answer to send_echo(): host, remote, echo_id, echo_sequence, data
  kResolved,     // resolve() has an answer for `cookie`
  kUnresolved,   // resolve() gave up for `cookie`
  kDatagram,     // by UDP: host, remote, remote_port, local_port, data; to a listening port (cookie = the listener's)
                 // or of a conversation (see `conversation`, cookie = its own)
  kUnreachable,  // an ICMP error for an echo request: host, remote, echo_id, echo_sequence, code in `reason`
  kDatagramRefused,  // an ICMP error about what was sent in a conversation, which stays open; see `reason`
};

// Why a connection failed. The names are those of the result document's `failures`.
enum class FailReason : std::uint8_t {
  kNone,
  kConnectTimeout,    // SYN retransmitted to the end
  kRefused,           // RST in answer to our SYN
  kReset,             // RST before any data came
  kResetAfterData,    // RST later
  kTransmitTimeout,   // data or FIN retransmitted to the end
  kCloseTimeout,      // the peer never closed its side
  kNeighbourTimeout,  // next hop answers neither ARP nor NDP
  kUnreachable,       // ICMP says so (hard error, or soft until the connect timeout); or there is no route at all
  kNoPort,            // every ephemeral port of the host is in use towards that target
  kNoRoom,            // the connection table is full
};

struct Event {
  EventKind kind{};
  FailReason reason = FailReason::kNone;
  ConnectionId connection = kNoConnection;
  ConversationId conversation = kNoConversation;
  Cookie cookie = 0;
  Bytes data;
  HostId host = kNoHost;
  IpAddress remote;
  Port remote_port;
  Port local_port;
  std::uint16_t echo_id = 0;
  std::uint16_t echo_sequence = 0;
};

template <class A>
concept Application = requires(A app, const Event& event, Instant now, Cookie cookie, std::uint64_t offset,
                               MutableBytes out) {
  // Something happened. May call back into the stack (extend, finish, abort, connect, send_echo, …).
  { app.on_event(event, now) } -> std::same_as<void>;
  // Write bytes [offset, offset + out.size()) of the stream that this side sends. May be asked for the same bytes again
  // (retransmission) until they are acknowledged: there is no send buffer. Only bytes announced by extend() are asked
  // for. Returns the running sum of what it has written (base/checksum.h; below 2^60) when it has it without reading
  // the bytes again, because it made them or keeps sums of them; else nothing, and the stack adds up.
  app.read(cookie, offset, out);
  requires std::is_void_v<decltype(app.read(cookie, offset, out))> ||
      std::same_as<decltype(app.read(cookie, offset, out)), std::uint64_t>;
};

// Has the application write `out`; its running sum.
template <Application App>
[[nodiscard]] std::uint64_t read_summed(App& app, Cookie cookie, std::uint64_t offset, MutableBytes out) {
  if constexpr (std::is_void_v<decltype(app.read(cookie, offset, out))>) {
    app.read(cookie, offset, out);
    return wire::checksum_add_received(0, out);
  } else {
    const std::uint64_t sum = app.read(cookie, offset, out);
    assert(checksum_fold(sum) % 0xffff == checksum_fold(checksum_add(0, out)) % 0xffff);
    return sum;
  }
}

}  // namespace myriad::stack
