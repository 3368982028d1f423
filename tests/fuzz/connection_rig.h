// A host of ours and a hostile peer, in one process on a virtual clock: what connection_fuzz plays its programs on. The
// rig says what the peer sends, listens to what our stack answers, and traps when that breaks a rule:
//
//   - what is delivered are the peer's bytes, in order, none twice, none invented; what we send are the application's
//   - no acknowledgement of what was not sent, none that goes back; the right edge that we offered never moves left
//   - nothing beyond what was announced, beyond the window that the peer offered (one byte of probe and the FIN
//     excepted), or larger than the peer's MSS
//   - one segment is answered by a bounded number of segments; all that is to be said at one instant is said in bounded
//     turns, and then the next timer lies in the future
//   - events come in their order, and none after the end
//   - in the end, after everything was aborted, no connection, timer, reassembly block or frame is missing
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "stack/stack.h"
#include "stack/wire/tcp.h"
#include "tests/fuzz/connection_program.h"
#include "tests/stack_wire/fragment_maker.h"

namespace myriad::fuzz {

// The states that any program of this process has reached; a bit for each tcp::State.
extern std::uint32_t states_reached;

// Stretches of sequence numbers, in no order.
class Coverage {
 public:
  void add(SeqNum from, std::uint32_t length) {
    if (length > 0) stretches_.push_back({from, length});
  }
  void clear() { stretches_.clear(); }
  // Where the unbroken run that begins at `from` ends.
  [[nodiscard]] SeqNum end_of_run(SeqNum from) const;

 private:
  struct Stretch {
    SeqNum begin;
    std::uint32_t length;
  };
  std::vector<Stretch> stretches_;
};

// Both ends of one conversation, as far as they can be known from outside.
struct Conversation {
  Port our_port{};
  Port peer_port{};
  bool active = false;  // we open it

  // The peer: what it says.
  SeqNum peer_isn;
  SeqNum peer_next;          // behind what it has sent in order
  std::uint16_t window = 0;  // as it stands in its segments
  Coverage sent;             // all of its data and its FINs, wherever they lay
  // Of all its SYNs, as one cannot know which was taken: the most that they allow.
  std::uint32_t syn_window = 0;
  std::uint32_t syn_mss = 0;
  std::uint8_t syn_scale = 0;

  // Ours, as heard on the wire. Reset when our SYN shows a new initial sequence number.
  bool heard = false;
  bool over = false;  // the application was told its end, or has ended it
  SeqNum our_isn;
  SeqNum our_max;                 // behind the highest byte we sent
  SeqNum acked;                   // the highest acknowledgement of ours that the peer has sent
  SeqNum our_ack;                 // the highest that we have sent
  SeqNum our_edge;                // what we offered
  SeqNum peer_edge;               // what the peer offered at most
  std::uint32_t most_window = 0;  // that it ever offered
  SeqNum irs;                     // the peer's initial number that we have taken
  bool irs_known = false;
  bool scaled = false;  // that SYN agreed to window scaling
  bool our_edge_known = false;
  bool our_ack_known = false;
  wire::TcpOptions our_syn;         // what our SYN said
  std::uint32_t our_timestamp = 0;  // the last
  std::uint32_t pure_acks = 0;      // in answer to the frame that is being looked at

  // Ours, as the application knows it.
  stack::ConnectionId id = stack::kNoConnection;
  std::uint32_t life = 0;    // its cookie, while there is one
  std::uint32_t stream = 0;  // which bytes we send
  bool alive = false;        // the id may be used
  std::uint64_t announced = 0;
  std::uint64_t announced_before = 0;  // the events that are being told
  std::uint64_t received = 0;
  bool connected = false;
  bool finished = false;
  bool peer_closed = false;
};

class Rig {
 public:
  explicit Rig(Bytes program);
  ~Rig() = default;
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Plays the steps, then ends everything and looks whether anything is left.
  void play();

  // The application's side: see stack::Application.
  void on_event(const stack::Event& event, Instant now);
  void read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out);

 private:
  // What the peer sends next; the helpers below make it.
  struct PeerSegment {
    SeqNum seq;
    SeqNum ack;
    std::uint8_t flags = 0;
    std::uint16_t window = 0;
    std::uint32_t length = 0;
    wire::TcpOptions options;
    std::vector<std::uint8_t> raw_options;  // instead of those, when there are any
  };
  enum class Delivery : std::uint8_t { kWhole, kFragmentsInOrder, kFragmentsReversed, kBadChecksum };

  // connection_rig.cc: the peer and the steps.
  void read_header();
  void step(Step step, Conversation& c);
  void application_step(Step step, Conversation& c);
  void simple_segment(Step step, Conversation& c);
  void any_segment(Conversation& c, Delivery delivery, std::size_t cut);
  void add_any_options(Conversation& c, PeerSegment& segment);
  [[nodiscard]] PeerSegment in_order(const Conversation& c, std::uint8_t flags) const;
  [[nodiscard]] wire::TcpOptions syn_options(const Conversation& c) const;
  void send(Conversation& c, const PeerSegment& segment, Delivery delivery = Delivery::kWhole, std::size_t cut = 0);
  void note_peer_segment(Conversation& c, const PeerSegment& segment, Bytes bytes);
  [[nodiscard]] static std::vector<std::uint8_t> whole_packet(const DatagramToCut& datagram);
  void send_icmp(Conversation& c, std::uint8_t type, std::uint8_t code, std::uint32_t parameter, std::uint32_t offset);
  void input_whole(const DatagramToCut& datagram);
  void input(Bytes packet, Bytes rest = {});  // one frame of both
  void pass(Duration time);
  void forget(Conversation& c);
  void end_all();
  void expect_nothing_left();

  // connection_rules.cc: what our stack may say.
  void turn();     // timers and output until nothing more is to be said now
  void collect();  // listens to what the batch holds, and takes it off unless the wire stalls
  void hear(Bytes frame);
  void answer_question(const wire::EthernetView& frame);
  void hear_segment(const wire::IpView& ip);
  void hear_syn(Conversation& c, const wire::TcpView& segment);
  void check_sent(Conversation& c, const wire::TcpView& segment);
  void check_acknowledged(Conversation& c, const wire::TcpView& segment);
  void note_state(const Conversation& c);
  // With MYRIAD_TRACE in the environment every segment is printed: to look at an input that breaks a rule.
  void trace(const char* who, const wire::TcpView& segment) const;
  void hear_data(Conversation& c, Bytes data);
  void react(Conversation& c, stack::EventKind kind);
  void begin_life(Conversation& c, stack::ConnectionId id);
  void end_life(Conversation& c);
  [[nodiscard]] Conversation* conversation_of(Port ours, Port peers);

  static void fill_peer_bytes(SeqNum at, MutableBytes out);

  ProgramReader program_;
  stack::HostTable hosts_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  std::optional<stack::Stack> stack_;
  Instant now_{1'000'000'000};
  bool v6_ = false;
  bool neighbour_answers_ = true;
  std::uint32_t heard_ = 0;   // of the frames that the batch holds
  bool collecting_ = true;    // the wire takes what the batch holds
  bool app_extends_ = false;  // manners of the application, inside its events
  bool app_finishes_ = false;
  bool app_aborts_ = false;
  IpAddress our_ip_;
  IpAddress peer_ip_;
  wire::TcpOptions peer_offers_;
  std::array<Conversation, kConversations> conversations_;
  std::vector<int> lives_;                 // of each cookie the conversation, or -1 when it has ended
  std::optional<wire::TcpView> arriving_;  // what the peer has just sent, if it can be read
  std::uint32_t datagram_id_ = 0;
};

}  // namespace myriad::fuzz
