// What a TLS server, or whoever sits on the wire, may say to a client. The first byte says which: a server whose
// records are damaged on the way, one that seals what the input says, or no TLS at all. Then, for damage, pairs of
// bytes (where in what the server has just said, and what to do there); otherwise text.
//
// Keys are OpenSSL's own: an input does not damage the same bits each time, but the same places.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "app/http_dialogue.h"
#include "app/tls_dialogue.h"
#include "tests/app/tls_peer.h"

using namespace myriad;
using namespace myriad::app;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

struct World {
  explicit World(int version)
      : identity(TlsIdentity::make("h", "10.0.0.1")), server(identity, {.least = version, .most = version}) {
    TlsOptions options;
    options.name = "h";
    options.trusts_system = false;
    options.authorities = identity.certificate;
    HttpScript script;
    script.exchanges.emplace_back().asked.verify.bytes = 3;
    script.host = "h";
    script.requests = 2;
    script.holds = true;
    auto made = TlsRole::make(options, std::make_unique<HttpRole>(std::move(script)));
    require(made.has_value());
    role = std::move(*made);
  }

  TlsIdentity identity;
  TlsPeer::Server server;
  std::shared_ptr<const Role> role;
};

struct Session {
  explicit Session(const Role& role) : dialogue(role.make(SessionFacts{})) { carry_out(dialogue->begin(now)); }

  void carry_out(const Step& step) {
    if (step.grown > 0) {
      require(step.grown < 1'000'000);
      const std::size_t before = said.size();
      said.resize(before + static_cast<std::size_t>(step.grown));
      dialogue->read(before, {reinterpret_cast<std::uint8_t*>(said.data()) + before, said.size() - before});
    }
    require(step.progress != Progress::kComplete || !complete);
    complete = complete || step.progress == Progress::kComplete;
    over = over || step.progress == Progress::kFailed || step.progress == Progress::kReconnect;
  }
  void hear(std::string_view bytes) {
    if (over || bytes.empty()) return;
    carry_out(dialogue->take({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, now));
  }
  std::string new_words() {
    if (over) return "";
    std::string words = said.substr(heard);
    heard = said.size();
    if (!words.empty()) carry_out(dialogue->acknowledged(said.size(), now));
    return words;
  }

  std::unique_ptr<Dialogue> dialogue;
  Instant now{1};
  std::string said;
  std::size_t heard = 0;
  bool complete = false;
  bool over = false;
};

// One change of what is on the wire.
void damage(std::string& bytes, std::uint8_t where, std::uint8_t what) {
  if (bytes.empty()) return;
  const std::size_t at = bytes.size() * where / 256;
  switch (what % 6) {
    case 0:
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (what >> 3 & 7)));
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, bytes.substr(at, what));
      break;
    case 4:
      bytes.erase(at, what);
      break;
    default:
      bytes[at] = static_cast<char>(what);
  }
}

void run(World& world, Bytes input, bool damaged) {
  TlsPeer peer(world.server);
  Session session(*world.role);
  std::size_t next = 0;
  bool answered = false;
  bool meant_well = true;
  for (int turn = 0; turn < 12 && !session.over; ++turn) {
    std::string bytes = peer.hear(session.new_words());
    if (peer.shaken() && damaged && !peer.heard.empty()) {
      bytes += peer.say(kAnswer);
      peer.heard.clear();
    } else if (peer.shaken() && !damaged && !answered) {
      answered = true;
      bytes += peer.say({reinterpret_cast<const char*>(input.data()), input.size()});
    }
    if (damaged && next + 1 < input.size()) {
      const std::string before = bytes;
      damage(bytes, input[next], input[next + 1]);
      meant_well = meant_well && before == bytes;
      next += 2;
    }
    const std::size_t cut =
        input.empty() ? 0 : std::min<std::size_t>(input[static_cast<std::size_t>(turn) % input.size()], bytes.size());
    session.hear(std::string_view{bytes}.substr(0, cut));
    session.hear(std::string_view{bytes}.substr(cut));
  }
  if (damaged && meant_well) require(session.complete);
  if (!session.over) session.carry_out(session.dialogue->peer_closed(session.now));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World old_world(TLS1_2_VERSION);
  static World new_world(TLS1_3_VERSION);
  if (size == 0) return 0;
  World& world = (data[0] & 1) != 0 ? new_world : old_world;
  const Bytes input{data + 1, size - 1};
  if ((data[0] & 6) == 0) {  // no TLS, or none that was asked for
    Session session(*world.role);
    session.hear({reinterpret_cast<const char*>(input.data()), input.size()});
    require(!session.complete);
  } else {
    run(world, input, (data[0] & 2) != 0);
  }
  return 0;
}
