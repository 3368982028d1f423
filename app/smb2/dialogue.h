// One SMB2 session of one host: negotiate, log on, connect to the share, do what the role says there, stay mounted,
// leave.
//
//   negotiate ─▶ session setup ×2 ─▶ tree connect ─▶ for get, put, list: open ─▶ move ─▶ close ─▶ kComplete
//     held: echo …                                                  leave: tree disconnect ─▶ logoff ─▶ kOver
//
// A session that is merely held is this object, about a hundred bytes; what it needs while something is under way is
// Work, which comes and goes. Requests stay in Work until the peer has acknowledged them. What is read is digested as
// it comes; only what comes before its turn is kept, never more than has been asked for (kMostInFlight).
//
// Refuses (smb2_malformed): answers to what was not asked, more data than asked for, a dialect that was not offered;
// (smb2_signature) wrong or missing signatures where the session signs; (smb2_no_credits) a server that lets nothing
// more be asked.
#pragma once

#include <cstdint>
#include <memory>

#include "app/dialogue.h"
#include "app/smb2/role.h"
#include "app/smb2/signing.h"
#include "app/smb2/wire.h"

namespace myriad::app::smb2 {

class Smb2Dialogue final : public Dialogue {
 public:
  // Of one request; larger ones gain nothing but wait longer for their first byte.
  static constexpr std::uint32_t kMostRead = 1U << 20;
  static constexpr std::uint32_t kMostWrite = 1U << 16;
  // Asked for and not yet there.
  static constexpr std::size_t kMostReads = 16;
  static constexpr std::uint64_t kMostInFlight = 4ULL << 20;
  static constexpr std::size_t kMostWrites = 4;
  // Requests that the peer has not acknowledged. One that answers what it has not acknowledged makes this necessary.
  static constexpr std::uint32_t kMostUnacknowledged = 1U << 20;
  static constexpr std::uint32_t kWantedCredits = 256;
  static constexpr std::uint32_t kMostNames = 65'536;  // bytes of one answer to a query of a directory

  static constexpr Duration kEchoPatience = std::chrono::seconds{10};  // for the answer to an echo

  // `role` outlives this.
  Smb2Dialogue(const Smb2Role& role, const SessionFacts& facts);
  ~Smb2Dialogue() override;

  Step begin(Instant now) override;
  Step take(Bytes data, Instant now) override;
  Step peer_closed(Instant now) override;
  Step on_time(Instant now) override;
  [[nodiscard]] Instant wake_at() const override { return wake_at_; }
  Step leave(Instant now) override;
  Step acknowledged(std::uint64_t upto, Instant now) override;
  void read(std::uint64_t offset, MutableBytes out) const override;
  [[nodiscard]] Failure impatience() const override { return heard_ ? Failure::kTimeout : Failure::kResponseTimeout; }

 private:
  enum class Operation : std::uint8_t { kNone, kGet, kPut, kList, kDone };
  struct Asked;
  struct Range;
  struct Work;

  // dialogue.cc: carrying messages.
  Work& work();
  [[nodiscard]] Step outcome(Instant now);
  void fail(Failure why);
  [[nodiscard]] bool failed() const;
  void hear_message(Bytes body, Instant now);
  void hear_read_begin(Bytes fixed);
  void hear_read_bytes(Bytes bytes, bool data);
  void hear_read_end();
  void add_credits(std::uint16_t granted);
  [[nodiscard]] bool is_authentic(Bytes body);
  [[nodiscard]] bool signs(Command command) const;
  // Begins a request in `frame` that costs `charge` credits, which are there; returns its message id.
  std::uint64_t begin_request(Frame& frame, Command command, std::uint32_t charge, std::uint32_t flags = 0);
  // The same, to be remembered until it is answered.
  void ask(Frame& frame, Command command, std::uint32_t flags = 0);
  void send(Frame& frame);
  // One more request can be paid; otherwise the session has failed.
  [[nodiscard]] bool can_ask();
  void dispatch(Command command, Bytes body, Instant now);

  // setup.cc: until the share is there.
  void ask_negotiate();
  void on_negotiate(Bytes body);
  void ask_session_setup(Bytes token);
  void on_session_setup(Bytes body);
  void on_challenge(Bytes token);
  void on_session(std::uint16_t flags, Bytes body);
  void ask_tree_connect();
  void on_tree_connect(Bytes body, Instant now);

  // files.cc: what is done there.
  void next_operation(Instant now);
  void ask_open();
  void on_create(Bytes body);
  void ask_file_size();
  void on_query_info(Bytes body);
  void ask_ranges();
  void ask_range(Range& range);
  void after_range();
  void on_read_refused(Range& range, std::uint32_t status);
  void on_write(Range& range, Bytes body);
  void in_turn();
  void ask_names();
  void on_query_directory(Bytes body);
  void ask_close();
  void on_close(Bytes body, Instant now);
  void ask_empty(Command command);

  const Smb2Role& role_;
  std::unique_ptr<Work> work_;  // while something is under way, and until the session is complete
  std::uint64_t session_ = 0;
  std::uint64_t next_message_ = 0;
  std::uint64_t sent_ = 0;  // how long the stream has become
  Instant wake_at_ = Instant::never();
  Instant echoed_at_;
  Key key_{};  // that messages are signed with
  std::uint32_t tree_ = 0;
  std::uint32_t credits_ = 1;
  Dialect dialect_{};
  Operation operation_ = Operation::kNone;
  bool heard_ : 1 = false;
  bool large_mtu_ : 1 = false;  // a request may cost more than one credit
  bool keyed_ : 1 = false;      // the session has a key
  bool signing_ : 1 = false;    // every message is signed
  bool complete_ : 1 = false;
  bool leaving_ : 1 = false;
  bool verified_ : 1 = false;
};

}  // namespace myriad::app::smb2
