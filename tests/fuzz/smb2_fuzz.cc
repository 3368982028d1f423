// A file server that says anything: what a real one would say, with bytes changed, inserted and left out, at any place
// of the conversation, cut into pieces of any size. Where the pieces are cut changes nothing; nothing is verified that
// is not so; what is kept stays bounded.
//
// Input: a byte for the kind of session, one for the size of pieces, then for each answer a byte that says how many
// changes follow, and four bytes for each of them.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "app/smb2/role.h"
#include "tests/app/smb2_server.h"

namespace {

using namespace myriad;
using namespace myriad::app;
using namespace myriad::app::smb2;

constexpr int kMostTurns = 40;
constexpr std::uint64_t kMostSaid = 4U << 20;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::string& content() {
  static const std::string kContent = [] {
    std::string text(3'000, '\0');
    Pattern{5}.fill(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return text;
  }();
  return kContent;
}

Options options_of(std::uint8_t kind) {
  Options options;
  options.share = "s";
  options.dialects = {Dialect::k202, Dialect::k210, Dialect::k302, Dialect::k311};
  if ((kind & 0x04) != 0) options.user = "u";
  if ((kind & 0x08) != 0) {
    static const Sha256::Digest kDigest = [] {
      Sha256 digest;
      digest.add({reinterpret_cast<const std::uint8_t*>(content().data()), content().size()});
      return digest.finish();
    }();
    options.get = "f";
    options.verify_sha256 = kDigest;
  }
  if ((kind & 0x10) != 0) options.put = {"p", 1000};
  if ((kind & 0x20) != 0) options.list = "/";
  return options;
}

const Smb2Role& role_of(std::uint8_t kind) {
  static std::array<std::unique_ptr<Smb2Role>, 16> roles;
  auto& role = roles[(kind & 0x3c) >> 2];
  if (!role) role = std::make_unique<Smb2Role>(options_of(kind));
  return *role;
}

void set_up(FakeServer& server, std::uint8_t kind) {
  static constexpr Dialect kDialects[] = {Dialect::k202, Dialect::k210, Dialect::k302, Dialect::k311};
  server.dialect = kDialects[kind & 3];
  server.large_mtu = (kind & 3) != 0;
  server.file = content();
  server.max_read = (kind & 0x40) != 0 ? 700 : 1U << 20;
  server.backwards = (kind & 0x40) != 0;
  server.pending = (kind & 0x80) != 0;
  if ((kind & 0x04) == 0) return;
  server.meddle = [](const FakeServer::Request& request, Octets& answer) {  // the session is a user's
    if (request.command == Command::kSessionSetup) answer[kFrameHeadBytes + kHeaderBytes + 2] = 0;
  };
}

class Input {
 public:
  explicit Input(Bytes bytes) : bytes_(bytes) {}
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return first;
  }

 private:
  Bytes bytes_;
};

// Nearly all of what can be lied about lies at the beginning of an answer.
void change(Octets& answer, Input& input) {
  const std::uint8_t what = input.byte();
  const std::size_t near = input.byte();
  const std::size_t far = input.byte();
  const std::uint8_t value = input.byte();
  if (answer.empty()) return;
  const std::size_t at = ((what & 0x80) != 0 ? near << 8 | far : near) % answer.size();
  switch (what & 3) {
    case 0:
      answer[at] = value;
      break;
    case 1:
      answer.resize(at);
      break;
    case 2:
      answer.insert(answer.begin() + static_cast<std::ptrdiff_t>(at), 1 + value % 8, value);
      break;
    default:  // a number that is near the edge of what fits
      answer[at] = static_cast<std::uint8_t>(answer[at] + value);
      if ((what & 4) != 0) store_be32(answer.data(), static_cast<std::uint32_t>(answer.size() - kFrameHeadBytes));
      break;
  }
}

struct Outcome {
  bool complete = false;
  bool verified = false;
  bool over = false;
  std::optional<Failure> failure;
  std::uint64_t said = 0;
};

class Session {
 public:
  Session(Bytes data, bool whole) : input_(data), kind_(input_.byte()) {
    const std::uint8_t piece = input_.byte();
    piece_ = whole ? SIZE_MAX : piece == 0 ? 1 : piece * 7;
    set_up(server_, kind_);
    SessionFacts facts;
    facts.target = IpAddress{Ipv4Address{0x0a000001}};
    facts.seed = 3;
    dialogue_ = role_of(kind_).make(facts);
  }

  Outcome play() {
    carry_out(dialogue_->begin(now_));
    for (int turn = 0; turn < kMostTurns && !over(); ++turn) {
      if (taken_ == outcome_.said) {
        if (!outcome_.complete) break;
        rest(turn);
        continue;
      }
      Octets said(outcome_.said - taken_);
      dialogue_->read(taken_, said);
      taken_ = outcome_.said;
      Octets answer = server_.answer(said);
      for (std::uint8_t changes = input_.byte() & 3; changes > 0; --changes) change(answer, input_);
      carry_out(dialogue_->acknowledged(taken_, now_));
      hear(answer);
      require(outcome_.said <= kMostSaid);
    }
    if (outcome_.verified) require(outcome_.complete);
    return outcome_;
  }

 private:
  [[nodiscard]] bool over() const { return outcome_.over || outcome_.failure.has_value(); }

  // Held: it is woken once, and then leaves.
  void rest(int turn) {
    if (!leaving_ && turn % 2 == 0 && !dialogue_->wake_at().is_never()) {
      now_ = dialogue_->wake_at();
      return carry_out(dialogue_->on_time(now_));
    }
    if (leaving_) {
      outcome_.over = true;
      return;
    }
    leaving_ = true;
    carry_out(dialogue_->leave(now_));
  }

  void hear(Bytes answer) {
    while (!answer.empty() && !over()) {
      const std::size_t length = std::min(piece_, answer.size());
      carry_out(dialogue_->take(answer.first(length), now_));
      answer = answer.subspan(length);
    }
  }

  void carry_out(const Step& step) {
    if (over()) return;
    outcome_.said += step.grown;
    if (step.progress == Progress::kComplete) {
      require(!outcome_.complete);
      outcome_.complete = true;
      outcome_.verified = step.verified;
    }
    if (step.progress == Progress::kOver) outcome_.over = true;
    if (step.progress == Progress::kFailed) {
      require(step.failure != Failure::kCount);
      outcome_.failure = step.failure;
    }
  }

  Input input_;
  std::uint8_t kind_;
  std::size_t piece_ = 0;
  FakeServer server_;
  std::unique_ptr<Dialogue> dialogue_;
  Instant now_{1};
  Outcome outcome_;
  std::uint64_t taken_ = 0;
  bool leaving_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Outcome in_pieces = Session({data, size}, false).play();
  // Every eighth is played twice.
  if (size > 1 && data[1] % 8 == 0) {
    const Outcome whole = Session({data, size}, true).play();
    // What comes in one piece with the end of the last operation, and is wrong, is heard before anybody is told of it.
    require(in_pieces.failure == whole.failure);
    require(whole.failure || (in_pieces.complete == whole.complete && in_pieces.verified == whole.verified));
  }
  return 0;
}
