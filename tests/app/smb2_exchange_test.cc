// Sessions with a real smbd, as tcpdump saw them: the dialogue says the same bytes again, and comes to the same end
// however what the server said is cut into pieces.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "base/rng.h"
#include "tests/app/pieces.h"
#include "tests/app/smb2_owner.h"

namespace myriad::app::smb2 {
namespace {

// What went over the wire, in order; runs of one side are one turn.
struct Turn {
  bool by_client = false;
  Octets bytes;
};

std::vector<Turn> read_exchange(const std::string& name) {
  std::ifstream in(std::string(MYRIAD_SMB2_EXCHANGES) + "/" + name + ".txt");
  std::vector<Turn> turns;
  for (std::string line; std::getline(in, line);) {
    if (line.size() < 3 || line[0] == '#') continue;
    const bool client = line[0] == '>' || (line[0] == ' ' && !turns.empty() && turns.back().by_client);
    if (turns.empty() || client != turns.back().by_client) turns.push_back({client, {}});
    const Octets more = octets(std::string_view{line}.substr(2));
    turns.back().bytes.insert(turns.back().bytes.end(), more.begin(), more.end());
  }
  return turns;
}

struct Exchange {
  std::string name;
  Options options;
};
void PrintTo(const Exchange& e, std::ostream* out) { *out << e.name; }

std::string numbered_lines(std::size_t bytes) {
  std::string text;
  for (unsigned n = 0; text.size() < bytes; ++n) {
    std::ostringstream line;
    line.width(15);
    line.fill('0');
    line << n;
    text += line.str() + "\n";
  }
  return text.substr(0, bytes);
}

Exchange exchange(std::string name, std::vector<Dialect> dialects, bool user) {
  Exchange e;
  e.name = std::move(name);
  e.options.dialects = std::move(dialects);
  e.options.get = "f.bin";
  Sha256 digest;
  digest.add(as_bytes(numbered_lines(3000)));
  e.options.verify_sha256 = digest.finish();
  e.options.verify_bytes = 3000;
  e.options.share = user ? "private" : "drop";
  if (user) {
    e.options.user = "daemon";
    e.options.password = "Wednesday-7";
    e.options.signing_required = e.name.starts_with("signed");
  }
  if (e.name == "guest_302") {
    e.options.share = "public";
    e.options.user = "stranger";
    e.options.password = "x";
  }
  if (e.name == "anonymous_311") e.options.put = {"up-{host}.bin", 1000};
  if (!user || e.name == "signed_302" || e.name == "signed_311") e.options.list = "/";
  e.options.seed = 7 ^ 0x707574;
  return e;
}

std::vector<Exchange> exchanges() {
  std::vector<Exchange> all = {
      exchange("anonymous_202", {Dialect::k202}, false),
      exchange("anonymous_311", {Dialect::k202, Dialect::k210, Dialect::k302, Dialect::k311}, false),
      exchange("signed_202", {Dialect::k202}, true),
      exchange("signed_210", {Dialect::k210}, true),
      exchange("signed_302", {Dialect::k302}, true),
      exchange("signed_311", {Dialect::k311}, true),
      exchange("user_311", {Dialect::k311}, true),
      exchange("guest_302", {Dialect::k302}, false),
  };
  all.back().options.list.reset();
  return all;
}

SessionFacts facts() {
  SessionFacts facts;
  facts.own = *IpAddress::parse("10.77.1.1");
  facts.target = *IpAddress::parse("10.77.0.2");
  facts.port = Port{445};
  facts.seed =
      mix64(mix64(7 ^ mix64(0)) ^ mix64(0));  // of the first session of the first workload of a run with seed 7
  return facts;
}

class ExchangeTest : public ::testing::TestWithParam<Exchange> {};

std::string name_of(const ::testing::TestParamInfo<Exchange>& row) { return row.param.name; }
INSTANTIATE_TEST_SUITE_P(Smbd, ExchangeTest, ::testing::ValuesIn(exchanges()), name_of);

// Plays the server's part, cut by `cut`, and compares the client's.
template <class Cut>
void play(const Exchange& e, const std::vector<Turn>& turns, Cut&& cut) {
  const Smb2Role role{e.options};
  Smb2Owner owner{role, facts()};
  bool leaving = false;
  owner.begin();
  for (const Turn& turn : turns) {
    ASSERT_FALSE(owner.failure()) << failure_name(*owner.failure());
    if (owner.complete() && !std::exchange(leaving, true)) owner.leave();
    if (turn.by_client) {
      ASSERT_EQ(hex_of(owner.said()), hex_of(turn.bytes));
    } else {
      for (Bytes rest = turn.bytes; !rest.empty();) {
        const std::size_t length = std::min<std::size_t>(cut(), rest.size());
        owner.hear(rest.first(length));
        rest = rest.subspan(length);
        EXPECT_TRUE(leaving || !owner.complete() || rest.empty()) << "complete before the end";
      }
    }
  }
  EXPECT_FALSE(owner.failure());
  EXPECT_TRUE(owner.complete());
  EXPECT_TRUE(owner.verified());
  EXPECT_TRUE(owner.left());
  EXPECT_TRUE(owner.said().empty());
}

TEST_P(ExchangeTest, IsSaidAgain) {
  const auto turns = read_exchange(GetParam().name);
  ASSERT_GT(turns.size(), 10U);
  play(GetParam(), turns, [] { return SIZE_MAX; });
}

TEST_P(ExchangeTest, ByteByByte) {
  play(GetParam(), read_exchange(GetParam().name), [] { return 1; });
}

TEST_P(ExchangeTest, InPiecesOfAnySize) {
  const auto turns = read_exchange(GetParam().name);
  Rng rng{3};
  for (int round = 0; round < 200 && !HasFatalFailure(); ++round) {
    play(GetParam(), turns, [&] { return static_cast<std::size_t>(1 + rng.below(round % 2 == 0 ? 90 : 4000)); });
  }
}

// Which bytes of what the server says a signature covers: those of the messages behind the session setup and before the
// goodbye, without the four in front of a frame and without interim answers, of which nothing is believed but credits.
std::vector<bool> covered_bytes(const std::vector<Turn>& turns) {
  constexpr std::size_t kSetup = 3;
  constexpr std::size_t kGoodbye = 2;
  std::vector<std::pair<std::size_t, bool>> frames;  // length, interim
  for (const Turn& turn : turns) {
    if (turn.by_client) continue;
    for (std::size_t at = 0; at < turn.bytes.size();) {
      const std::size_t length = kFrameHeadBytes + load_be32(turn.bytes.data() + at);
      frames.emplace_back(length, load_le32(turn.bytes.data() + at + kFrameHeadBytes + 8) == kStatusPending);
      at += length;
    }
  }
  std::vector<bool> covered;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto [length, interim] = frames[i];
    covered.resize(covered.size() + kFrameHeadBytes, false);
    covered.resize(covered.size() + length - kFrameHeadBytes, i >= kSetup && i + kGoodbye < frames.size() && !interim);
  }
  return covered;
}

// One byte of the server's is not as it was. A session that signs fails wherever a signature covers it; no session
// claims to have verified what is not there.
TEST_P(ExchangeTest, WithOneByteChanged) {
  const Exchange& e = GetParam();
  const auto turns = read_exchange(e.name);
  const Smb2Role role{e.options};
  const auto covered = covered_bytes(turns);
  for (std::size_t at = 0; at < covered.size(); at += 5) {
    Smb2Owner owner{role, facts()};
    bool leaving = false;
    owner.begin();
    std::size_t position = 0;
    for (Turn turn : turns) {
      if (owner.over()) break;
      if (owner.complete() && !std::exchange(leaving, true)) owner.leave();
      (void)owner.said();
      if (turn.by_client) continue;
      if (at >= position && at - position < turn.bytes.size()) turn.bytes[at - position] ^= 0x55;
      position += turn.bytes.size();
      owner.hear(turn.bytes);
    }
    EXPECT_TRUE(!owner.verified() || owner.complete());
    const bool must_fail = e.options.signing_required && covered[at];
    EXPECT_TRUE(!must_fail || owner.failure().has_value()) << "byte " << at;
  }
}

}  // namespace
}  // namespace myriad::app::smb2
