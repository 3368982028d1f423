// Until the share is there: negotiate, log on, connect ([MS-SMB2] 3.2.4.2, 3.2.5.1 to 3.2.5.5).
#include <algorithm>
#include <cassert>

#include "app/smb2/ntlm.h"
#include "app/smb2/work.h"

namespace myriad::app::smb2 {
namespace {

template <std::size_t N>
void draw(Rng& luck, std::array<std::uint8_t, N>& out) {
  static_assert(N % 8 == 0);
  for (std::size_t at = 0; at < N; at += 8) store_le64(out.data() + at, luck.next());
}

std::uint16_t security_mode(const Options& options) {
  return static_cast<std::uint16_t>(options.signing_required ? kSigningEnabled | kSigningRequired : kSigningEnabled);
}

}  // namespace

void Smb2Dialogue::ask_negotiate() {
  Work& w = work();
  NegotiateRequest request;
  request.dialects = role_.options().dialects;
  request.security_mode = security_mode(role_.options());
  draw(w.luck, request.client);
  draw(w.luck, request.salt);
  Frame frame;
  ask(frame, Command::kNegotiate);
  write(frame, request);
  add(w.preauth, frame.message(), {});
  send(frame);
}

void Smb2Dialogue::on_negotiate(Bytes body) {
  Work& w = *work_;
  const auto reply = parse_negotiate(body);
  const auto& offered = role_.options().dialects;
  if (!reply || std::find(offered.begin(), offered.end(), reply->dialect) == offered.end() || reply->max_read == 0 ||
      reply->max_write == 0 || reply->max_transact == 0) {
    return fail(Failure::kSmb2Malformed);
  }
  add(w.preauth, w.reader.header_bytes(), body);
  dialect_ = reply->dialect;
  large_mtu_ = dialect_ > Dialect::k202 && (reply->capabilities & kLargeMtu) != 0;
  const std::uint32_t most = large_mtu_ ? UINT32_MAX : kCreditBytes;
  w.most_read = std::min({reply->max_read, kMostRead, most});
  w.most_write = std::min({reply->max_write, kMostWrite, most});
  w.most_names = std::min({reply->max_transact, kMostNames, most});
  w.server_time = reply->system_time;
  signing_ = role_.options().signing_required || (reply->security_mode & kSigningRequired) != 0;
  ask_session_setup(first_token());
}

void Smb2Dialogue::ask_session_setup(Bytes token) {
  if (!can_ask()) return;
  Work& w = *work_;
  SessionSetupRequest request;
  request.security_mode = security_mode(role_.options());
  request.token = token;
  Frame frame;
  ask(frame, Command::kSessionSetup);
  write(frame, request);
  add(w.preauth, frame.message(), {});
  send(frame);
}

void Smb2Dialogue::on_session_setup(Bytes body) {
  Work& w = *work_;
  const Header& header = w.reader.header();
  const auto reply = parse_session_setup(body);
  const bool goes_on = header.status == kStatusMoreProcessing;
  if (!reply || goes_on == w.challenged) return fail(Failure::kSmb2Malformed);
  if (!goes_on) return on_session(reply->flags, body);
  w.challenged = true;
  session_ = header.session;
  add(w.preauth, w.reader.header_bytes(), body);
  on_challenge(reply->token);
}

void Smb2Dialogue::on_challenge(Bytes token) {
  Work& w = *work_;
  const auto challenge = parse_challenge(token);
  if (!challenge) return fail(Failure::kSmb2Malformed);
  Luck luck;
  draw(w.luck, luck.client_challenge);
  draw(w.luck, luck.session_key);
  const Answer said = answer(role_.credentials(), *challenge, w.server_time, luck);
  w.session_key = said.session_key;
  ask_session_setup(said.token);
}

// The session stands. Guests and the anonymous have no key, and sign nothing; whoever insisted on signing leaves.
void Smb2Dialogue::on_session(std::uint16_t flags, Bytes body) {
  Work& w = *work_;
  const Header& header = w.reader.header();
  if (header.session != session_) return fail(Failure::kSmb2Malformed);
  keyed_ = !role_.credentials().anonymous && (flags & (kSessionIsGuest | kSessionIsNull)) == 0;
  if (keyed_) {
    key_ = signing_key(w.session_key, dialect_, w.preauth);
    const bool must_sign = signing_ || dialect_ == Dialect::k311;
    const bool is_signed = (header.flags & flag::kSigned) != 0;
    if ((must_sign && !is_signed) || !is_authentic(body)) return fail(Failure::kSmb2Signature);
  } else if (role_.options().signing_required) {
    return fail(Failure::kSmb2Signature);
  }
  ask_tree_connect();
}

void Smb2Dialogue::ask_tree_connect() {
  if (!can_ask()) return;
  const auto path = role_.tree_path(work_->facts);
  Frame frame;
  ask(frame, Command::kTreeConnect);
  write(frame, TreeConnectRequest{path});
  send(frame);
}

void Smb2Dialogue::on_tree_connect(Bytes body, Instant now) {
  if (!is_tree_connect(body)) return fail(Failure::kSmb2Malformed);
  tree_ = work_->reader.header().tree;
  next_operation(now);
}

}  // namespace myriad::app::smb2
