// What an HTTP server may say to a session of requests: the first byte says what the session is like, the others are
// the server's, where 1 ends its side of the connection, 2 acknowledges all that was said, 3 lets time pass and 4 ends
// a piece. A session comes to the same end when everything comes byte by byte, and what it has said stays the same
// until it is acknowledged.
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "app/http_dialogue.h"

using namespace myriad;
using namespace myriad::app;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

std::unique_ptr<HttpRole> make_role(unsigned kind) {
  HttpScript script;
  script.exchanges.resize(2);
  HttpExchange& get = script.exchanges[0];
  get.path = "/a/b";
  HttpExchange& other = script.exchanges[1];
  other.method = (kind & 1) != 0 ? "HEAD" : "POST";
  if ((kind & 1) == 0) other.body = HttpBody{Pattern{1}, 40};
  other.asked.statuses.add(404);
  if ((kind & 2) != 0) get.asked.verify.bytes = 3;
  if ((kind & 4) != 0) {
    Sha256 digest;
    constexpr std::string_view kBody = "abc";
    digest.add({reinterpret_cast<const std::uint8_t*>(kBody.data()), kBody.size()});
    get.asked.verify.sha256 = digest.finish();
  }
  script.host = "h";
  script.requests = 6;
  script.redirects = (kind & 8) != 0 ? 2 : 0;
  script.pipeline = (kind & 16) != 0 ? 3 : 1;
  if ((kind & 48) == 32) script.think = std::chrono::seconds{1};
  script.keep_alive = (kind & 64) == 0;
  script.holds = (kind & 128) != 0;
  return std::make_unique<HttpRole>(std::move(script));
}

// Made once: what a session costs is what is to be fuzzed.
const HttpRole& role(unsigned kind) {
  static std::array<std::unique_ptr<HttpRole>, 256> roles;
  if (!roles[kind]) roles[kind] = make_role(kind);
  return *roles[kind];
}

struct Session {
  explicit Session(const HttpRole& role) : dialogue(role.make(facts())) { connect(); }

  static SessionFacts facts() {
    SessionFacts facts;
    facts.target = IpAddress{Ipv4Address{0x0a000001}};
    facts.port = Port{80};
    return facts;
  }
  [[nodiscard]] bool goes_on() const { return progress != Progress::kFailed; }

  void connect() {
    ++connections;
    said.clear();
    acknowledged = 0;
    carry_out(dialogue->begin(now));
  }
  void carry_out(const Step& step) {
    require(!step.finish && step.datagram.empty());
    if (step.grown > 0) {
      require(step.grown < 1'000'000);
      const std::size_t before = said.size();
      said.resize(before + static_cast<std::size_t>(step.grown));
      read(before, said.size());
    }
    require(step.progress != Progress::kComplete || !complete);
    complete = complete || step.progress == Progress::kComplete;
    if (step.progress == Progress::kFailed) {
      progress = step.progress;
      failure = step.failure;
      require(failure != Failure::kCount && !complete);
    }
    if (step.progress == Progress::kReconnect) connect();
  }
  void read(std::size_t from, std::size_t to) {
    if (from < to) dialogue->read(from, {reinterpret_cast<std::uint8_t*>(said.data()) + from, to - from});
  }
  void hear(Bytes data) {
    if (goes_on() && !data.empty()) carry_out(dialogue->take(data, now));
  }
  void command(std::uint8_t what) {
    if (!goes_on()) return;
    if (what == 1) {
      carry_out(dialogue->peer_closed(now));
    } else if (what == 2) {
      acknowledged = said.size();
      carry_out(dialogue->acknowledged(acknowledged, now));
    } else if (what == 3 && !dialogue->wake_at().is_never()) {
      now = dialogue->wake_at();
      carry_out(dialogue->on_time(now));
    }
    const std::string before = said;
    read(acknowledged, said.size());
    require(said == before);
  }

  std::unique_ptr<Dialogue> dialogue;
  Instant now{1};
  std::string said;
  std::size_t acknowledged = 0;
  int connections = 0;
  bool complete = false;
  Progress progress = Progress::kMore;
  Failure failure = Failure::kCount;
};

// What comes in one piece belongs to one connection: the rest of it is lost with that.
void hear_piece(Session& session, Bytes piece, bool single) {
  if (!single) return session.hear(piece);
  const int connection = session.connections;
  for (std::size_t at = 0; at < piece.size() && session.connections == connection; ++at) {
    session.hear(piece.subspan(at, 1));
  }
}

Session play(unsigned kind, Bytes input, bool single) {
  Session session(role(kind));
  std::size_t begin = 0;
  for (std::size_t at = 0; at < input.size(); ++at) {
    if (input[at] < 1 || input[at] > 4) continue;
    hear_piece(session, input.subspan(begin, at - begin), single);
    session.command(input[at]);
    begin = at + 1;
  }
  hear_piece(session, input.subspan(begin), single);
  return session;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input{data + 1, size - 1};
  const Session whole = play(data[0], input, false);
  const Session single = play(data[0], input, true);
  require(whole.complete == single.complete && whole.failure == single.failure);
  require(whole.connections == single.connections);
  // What was to be said in the call that failed is never said.
  require(!whole.goes_on() || whole.said == single.said);
  require(whole.connections <= 1 + 6 * 3);
  return 0;
}
