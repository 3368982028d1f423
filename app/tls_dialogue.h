// A dialogue inside a TLS connection (1.2 or 1.3, as the client): what the inner one says is sealed, what comes is
// opened for it, and the handshake goes before. Every connection of the inner dialogue gets a TLS connection of its
// own.
//
// Sealed bytes are kept until the peer has acknowledged them, at most kEnough of them before more is sealed; of the
// inner stream nothing is kept. What arrives is read by OpenSSL where it lies. A connection that is merely held keeps
// OpenSSL's state, some 35 KiB.
//
// Fails: what is not TLS or has nothing in common with us (kTlsHandshake), certificates that are not trusted or of
// another name, alerts, records that do not open, and an end without close_notify where that decides about the content.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "app/byte_ring.h"
#include "app/dialogue.h"
#include "app/tls.h"

struct bio_st;

namespace myriad::app {

class TlsDialogue final : public Dialogue {
 public:
  // `client` outlives this.
  TlsDialogue(const TlsClient& client, const SessionFacts& facts, std::unique_ptr<Dialogue> inner);

  Step begin(Instant now) override;
  Step take(Bytes data, Instant now) override;
  Step peer_closed(Instant now) override;
  Step on_time(Instant now) override;
  [[nodiscard]] Instant wake_at() const override { return established_ ? inner_->wake_at() : Instant::never(); }
  Step leave(Instant now) override;
  Step acknowledged(std::uint64_t upto, Instant now) override;
  void read(std::uint64_t offset, MutableBytes out) const override;
  [[nodiscard]] Failure impatience() const override {
    return established_ ? inner_->impatience() : Failure::kTlsHandshakeTimeout;
  }

  // Sealed bytes that wait for their acknowledgement.
  [[nodiscard]] std::uint32_t held_bytes() const { return sealed_.size(); }

 private:
  friend class TlsRole;
  // No more is sealed than a fast path needs in flight; the rest stays with the inner dialogue, which has it anyway.
  static constexpr std::uint32_t kEnough = 128 * 1024;
  // What OpenSSL may say unasked on top of that, such as answers to key updates, before it counts as hostile.
  static constexpr std::uint32_t kMost = kEnough + 64 * 1024;
  static constexpr std::size_t kRecord = 16 * 1024;

  // What a call is to bring about, until settle() has made a Step of it.
  struct Work {
    Step step;
    Instant now;

    [[nodiscard]] bool ends() const {
      return step.progress == Progress::kFailed || step.progress == Progress::kOver ||
             step.progress == Progress::kReconnect;
    }
  };

  static int read_bio(bio_st* bio, char* out, int length);
  static int write_bio(bio_st* bio, const char* from, int length);
  static long control_bio(bio_st* bio, int command, long number, void* pointer);
  static int on_session(ssl_st* connection, ssl_session_st* session);
  static bio_st* make_bio(TlsDialogue* owner);

  void shake_hands(Work& work);
  void established(Work& work);
  void open(Work& work);  // what has come, for the inner dialogue
  void hear(Work& work, const Step& inner);
  void seal(Work& work);  // what the inner dialogue says
  void fail(Work& work, int result);
  Step settle(Work& work);

  const TlsClient& client_;
  Counts* const counts_;
  const std::uint32_t host_;
  std::unique_ptr<Dialogue> inner_;
  TlsClient::Connection connection_;
  Bytes arrived_;                   // during take(), what OpenSSL has not read yet
  ByteRing sealed_;                 // not acknowledged
  std::uint64_t acknowledged_ = 0;  // offset of its first byte in the stream
  std::uint64_t announced_ = 0;     // the stream's length, as far as the owner knows
  std::uint64_t inner_said_ = 0;    // length of the inner stream
  std::uint64_t inner_sealed_ = 0;  // of it
  // Once the outer stream has been acknowledged that far, the inner one has been that far.
  std::uint64_t mark_outer_ = 0;
  std::uint64_t mark_inner_ = 0;
  std::optional<Step> over_;  // the inner dialogue is over, but not all that it has said is sealed
  Instant begun_;
  bool established_ = false;
  bool heard_end_ = false;  // close_notify
  bool finish_ = false;     // when all is sealed
  bool finished_ = false;   // close_notify of ours is out
};

// Puts the dialogues of another role into TLS connections.
class TlsRole final : public Role {
 public:
  // Fails as TlsClient::make() does.
  static Result<std::shared_ptr<const Role>> make(const TlsOptions& options, std::unique_ptr<const Role> inner);

  [[nodiscard]] std::unique_ptr<Dialogue> make(const SessionFacts& facts) const override;

 private:
  TlsRole(std::shared_ptr<const TlsClient> client, std::unique_ptr<const Role> inner)
      : client_(std::move(client)), inner_(std::move(inner)) {}

  std::shared_ptr<const TlsClient> client_;
  std::unique_ptr<const Role> inner_;
};

}  // namespace myriad::app
