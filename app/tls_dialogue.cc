#include "app/tls_dialogue.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string_view>
#include <utility>

namespace myriad::app {
namespace {

constexpr std::string_view kProtocol = "http/1.1";

// OpenSSL reports an alert of the peer as this reason plus the alert's number, which is a byte.
bool is_alert(int reason) { return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256; }

}  // namespace

// --- the bytes below OpenSSL -----------------------------------------------------------------------------------------

int TlsDialogue::read_bio(BIO* bio, char* out, int length) {
  auto& owner = *static_cast<TlsDialogue*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const std::size_t piece = std::min(owner.arrived_.size(), static_cast<std::size_t>(std::max(length, 0)));
  if (piece == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(out, owner.arrived_.data(), piece);
  owner.arrived_ = owner.arrived_.subspan(piece);
  return static_cast<int>(piece);
}

int TlsDialogue::write_bio(BIO* bio, const char* from, int length) {
  auto& owner = *static_cast<TlsDialogue*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const Bytes bytes{reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(std::max(length, 0))};
  return owner.sealed_.append(bytes, kMost) ? length : -1;
}

long TlsDialogue::control_bio([[maybe_unused]] BIO* bio, int command, [[maybe_unused]] long number,
                              [[maybe_unused]] void* pointer) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* TlsDialogue::make_bio(TlsDialogue* owner) {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dialogue");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(method, &TlsDialogue::read_bio);
    BIO_meth_set_write(method, &TlsDialogue::write_bio);
    BIO_meth_set_ctrl(method, &TlsDialogue::control_bio);
    return method;
  }();
  BIO* const bio = BIO_new(kMethod);
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, owner);
  BIO_set_init(bio, 1);
  return bio;
}

int TlsDialogue::on_session(SSL* connection, SSL_SESSION* session) {
  const auto& owner = *static_cast<const TlsDialogue*>(SSL_get_app_data(connection));
  if (SSL_SESSION_is_resumable(session) != 1) return 0;
  owner.client_.keep(owner.host_, TlsClient::Session{session});
  return 1;
}

// --- the handshake ---------------------------------------------------------------------------------------------------

TlsDialogue::TlsDialogue(const TlsClient& client, const SessionFacts& facts, std::unique_ptr<Dialogue> inner)
    : client_(client), counts_(facts.counts), host_(facts.host), inner_(std::move(inner)) {
  assert(inner_->transport() == Transport::kStream);
}

Step TlsDialogue::begin(Instant now) {
  sealed_.drop(sealed_.size());
  acknowledged_ = announced_ = inner_said_ = inner_sealed_ = mark_outer_ = mark_inner_ = 0;
  over_.reset();
  established_ = heard_end_ = finish_ = finished_ = false;
  begun_ = now;
  connection_ = client_.connect(host_);
  SSL_set_app_data(connection_.get(), this);
  BIO* const bio = make_bio(this);
  SSL_set_bio(connection_.get(), bio, bio);
  Work work{{}, now};
  shake_hands(work);
  return settle(work);
}

void TlsDialogue::shake_hands(Work& work) {
  ERR_clear_error();
  const int result = SSL_do_handshake(connection_.get());
  if (result == 1) return established(work);
  if (SSL_get_error(connection_.get(), result) != SSL_ERROR_WANT_READ) fail(work, result);
}

void TlsDialogue::established(Work& work) {
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(connection_.get(), &chosen, &length);
  // RFC 7301 section 3.1: what was not offered cannot be chosen. A server that knows nothing of it chooses nothing.
  if (length != 0 && std::string_view{reinterpret_cast<const char*>(chosen), length} != kProtocol) {
    work.step = Step::failed(Failure::kTlsHandshake);
    return;
  }
  established_ = true;
  if (counts_ != nullptr) {
    ++counts_->tls_handshakes;
    if (SSL_session_reused(connection_.get()) == 1) ++counts_->tls_resumed;
    const auto took = std::max<std::int64_t>((work.now - begun_).count(), 0);
    counts_->tls_handshake.record(static_cast<std::uint64_t>(took));
  }
  hear(work, inner_->begin(work.now));
}

void TlsDialogue::fail(Work& work, int result) {
  const int kind = SSL_get_error(connection_.get(), result);
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  Failure why = established_ ? Failure::kTlsDamaged : Failure::kTlsHandshake;
  if (kind == SSL_ERROR_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL) {
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) why = Failure::kTlsCertificate;
    if (is_alert(reason)) why = Failure::kTlsAlert;
  }
  ERR_clear_error();
  work.step = Step::failed(why);
}

// --- to and from the inner dialogue ----------------------------------------------------------------------------------

Step TlsDialogue::take(Bytes data, Instant now) {
  Work work{{}, now};
  arrived_ = data;
  if (!established_) shake_hands(work);
  if (established_ && !work.ends() && !heard_end_) open(work);
  arrived_ = {};
  return settle(work);
}

void TlsDialogue::open(Work& work) {
  std::array<std::uint8_t, kRecord> plain;  // filled by OpenSSL
  while (!work.ends()) {
    std::size_t length = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(connection_.get(), plain.data(), plain.size(), &length);
    if (result == 1) {
      hear(work, inner_->take({plain.data(), length}, work.now));
      continue;
    }
    switch (SSL_get_error(connection_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return;
      case SSL_ERROR_ZERO_RETURN:
        heard_end_ = true;
        return hear(work, inner_->peer_closed(work.now));
      default:
        return fail(work, result);
    }
  }
}

void TlsDialogue::hear(Work& work, const Step& inner) {
  inner_said_ += inner.grown;
  finish_ = finish_ || inner.finish;
  if (inner.progress == Progress::kMore) return;
  work.step.progress = inner.progress;
  work.step.failure = inner.failure;
  work.step.verified = inner.verified;
  work.step.reset = inner.reset;
}

void TlsDialogue::seal(Work& work) {
  std::array<std::uint8_t, kRecord> plain;  // as far as it is written before it is read
  while (inner_sealed_ < inner_said_ && sealed_.size() < kEnough) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kRecord, inner_said_ - inner_sealed_));
    inner_->read(inner_sealed_, {plain.data(), length});
    std::size_t written = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(connection_.get(), plain.data(), length, &written);
    if (result != 1) return fail(work, result);
    assert(written == length);
    inner_sealed_ += written;
  }
  const bool all = inner_sealed_ == inner_said_;
  if (work.step.progress == Progress::kOver && !all) {
    over_ = work.step;
    work.step = Step{};
  } else if (over_ && all && !work.ends()) {
    work.step = *over_;
    over_.reset();
  }
  if (!all || finished_ || (!finish_ && work.step.progress != Progress::kOver)) return;
  finished_ = true;
  ERR_clear_error();
  SSL_shutdown(connection_.get());  // says close_notify; there is no waiting for the peer's
  ERR_clear_error();
  work.step.finish = finish_;
}

Step TlsDialogue::settle(Work& work) {
  const bool connected = work.step.progress != Progress::kFailed && work.step.progress != Progress::kReconnect;
  if (established_ && connected) seal(work);
  const std::uint64_t end = acknowledged_ + sealed_.size();
  if (mark_outer_ <= acknowledged_ && mark_inner_ < inner_sealed_) {
    mark_outer_ = end;
    mark_inner_ = inner_sealed_;
  }
  work.step.grown = end - announced_;
  announced_ = end;
  return work.step;
}

Step TlsDialogue::acknowledged(std::uint64_t upto, Instant now) {
  if (upto <= acknowledged_) return {};
  sealed_.drop(static_cast<std::uint32_t>(std::min<std::uint64_t>(upto - acknowledged_, sealed_.size())));
  acknowledged_ = upto;
  Work work{{}, now};
  if (established_ && inner_sealed_ != 0) {
    if (sealed_.empty()) {
      hear(work, inner_->acknowledged(inner_sealed_, now));
    } else if (mark_inner_ != 0 && mark_outer_ <= upto) {
      hear(work, inner_->acknowledged(mark_inner_, now));
    }
  }
  return settle(work);
}

Step TlsDialogue::peer_closed(Instant now) {
  if (!established_) return Step::failed(Failure::kTlsClosedEarly);
  if (heard_end_) return {};
  heard_end_ = true;
  Work work{{}, now};
  hear(work, inner_->peer_closed(now));
  // Whoever cuts the connection cannot be allowed to say where the content ends.
  if (work.step.progress == Progress::kComplete) return Step::failed(Failure::kTlsClosedEarly);
  return settle(work);
}

Step TlsDialogue::on_time(Instant now) {
  Work work{{}, now};
  if (established_) hear(work, inner_->on_time(now));
  return settle(work);
}

Step TlsDialogue::leave(Instant now) {
  Work work{{}, now};
  hear(work, inner_->leave(now));
  return settle(work);
}

void TlsDialogue::read(std::uint64_t offset, MutableBytes out) const {
  assert(offset >= acknowledged_);
  sealed_.copy(static_cast<std::uint32_t>(offset - acknowledged_), out);
}

// --- the role --------------------------------------------------------------------------------------------------------

Result<std::shared_ptr<const Role>> TlsRole::make(const TlsOptions& options, std::unique_ptr<const Role> inner) {
  auto client = TlsClient::make(options, &TlsDialogue::on_session);
  if (!client) return tl::unexpected(client.error());
  return std::shared_ptr<const Role>(new TlsRole(std::move(*client), std::move(inner)));
}

std::unique_ptr<Dialogue> TlsRole::make(const SessionFacts& facts) const {
  return std::make_unique<TlsDialogue>(*client_, facts, inner_->make(facts));
}

}  // namespace myriad::app
