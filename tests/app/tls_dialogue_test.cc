#include "app/tls_dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/http_dialogue.h"
#include "tests/app/dialogue_owner.h"
#include "tests/app/tls_peer.h"

namespace myriad::app {
namespace {

using ::testing::HasSubstr;
using Versions = std::pair<int, int>;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr Versions kBoth[] = {{TLS1_2_VERSION, TLS1_2_VERSION}, {TLS1_3_VERSION, TLS1_3_VERSION}};

const TlsIdentity& identity() {
  static const TlsIdentity made = TlsIdentity::make("www.test", "10.0.0.1");
  return made;
}

TlsOptions trusting() {
  TlsOptions options;
  options.name = "www.test";
  options.trusts_system = false;
  options.authorities = identity().certificate;
  options.hosts = 4;
  return options;
}

HttpScript script_of(std::uint64_t requests, std::uint64_t body = 0) {
  HttpScript script;
  HttpExchange& exchange = script.exchanges.emplace_back();
  exchange.path = "/x";
  if (body > 0) {
    exchange.method = "PUT";
    exchange.body = HttpBody{Pattern{1}, body};
  }
  script.host = "www.test";
  script.requests = requests;
  script.tls = true;
  return script;
}

// One workload: its role and what it counts.
struct Workload {
  explicit Workload(HttpScript script, const TlsOptions& options = trusting()) {
    auto made = TlsRole::make(options, std::make_unique<HttpRole>(std::move(script)));
    if (!made) throw std::runtime_error(made.error().message());
    role = *made;
  }
  std::unique_ptr<DialogueOwner> session(std::uint32_t host = 0) {
    SessionFacts facts;
    facts.host = host;
    facts.target = *IpAddress::parse("10.0.0.1");
    facts.port = Port{443};
    facts.counts = &counts;
    return std::make_unique<DialogueOwner>(role->make(facts));
  }

  Counts counts;
  std::shared_ptr<const Role> role;
};

struct Exchange {
  std::string spoken;  // by the server, answers included
  bool resumed = false;
};

// Lets both talk until neither has anything to say. The server answers every request with `answer`, and then
// `last_words`. What it says is cut by `cut`: calls deliver(piece) for every piece.
template <class Cut>
Exchange talk(DialogueOwner& owner, TlsPeer& peer, std::string_view answer, Cut&& cut, bool acknowledges = true) {
  Exchange done;
  std::size_t answered = 0;
  const int connection = owner.connections;
  for (int quiet = 0; quiet < 2 && owner.connections == connection;) {
    const std::string words = owner.new_words();
    if (acknowledges) owner.acknowledge_all();
    std::string reply = peer.hear(words);
    for (std::size_t at = answered; (at = peer.heard.find("\r\n\r\n", at)) != peer.heard.npos; at += 4, answered = at) {
      reply += peer.say(answer);
    }
    done.spoken += reply;
    cut(reply, [&](std::string_view piece) {
      if (!owner.failed()) owner.hear(piece);
    });
    quiet = words.empty() && reply.empty() ? quiet + 1 : 0;
    if (owner.failed()) break;
  }
  done.resumed = peer.resumed();
  return done;
}

constexpr auto kWhole = [](const std::string& bytes, auto&& deliver) { deliver(std::string_view{bytes}); };
constexpr auto kSingle = [](const std::string& bytes, auto&& deliver) {
  for (const char& byte : bytes) deliver(std::string_view{&byte, 1});
};

TEST(TlsDialogue, SpeaksBothVersionsWithTheServerThatItTrusts) {
  for (const auto& [least, most] : kBoth) {
    TlsPeer::Server server(identity(), {.least = least, .most = most});
    TlsPeer peer(server);
    Workload work(script_of(3));
    const auto owner = work.session();
    owner->now = owner->now + std::chrono::milliseconds{7};
    talk(*owner, peer, kOk, kWhole);
    EXPECT_TRUE(owner->complete) << least;
    EXPECT_EQ(peer.name(), "www.test");
    EXPECT_THAT(peer.heard, HasSubstr("GET /x HTTP/1.1\r\nHost: www.test\r\n"));
    EXPECT_EQ(work.counts.requests, 3U);
    EXPECT_EQ(work.counts.tls_handshakes, 1U);
    EXPECT_EQ(work.counts.tls_resumed, 0U);
    EXPECT_EQ(work.counts.tls_handshake.max(), 7'000'000U);
    owner->hear(peer.close());
    owner->leave();
    EXPECT_FALSE(owner->failed());
  }
}

TEST(TlsDialogue, AnswersInSingleBytes) {
  for (const auto& [least, most] : kBoth) {
    TlsPeer::Server server(identity(), {.least = least, .most = most});
    TlsPeer peer(server);
    Workload work(script_of(2));
    const auto owner = work.session();
    talk(*owner, peer, kOk, kSingle);
    EXPECT_TRUE(owner->complete);
  }
}

TEST(TlsDialogue, AnswersCutInTwoAtEveryByte) {
  for (const auto& [least, most] : kBoth) {
    TlsPeer::Server server(identity(), {.least = least, .most = most});
    Workload work(script_of(1));
    std::size_t longest = 0;
    for (std::size_t cut = 1; cut <= longest + 1; ++cut) {
      TlsPeer peer(server);
      const auto owner = work.session();
      talk(*owner, peer, kOk, [&](const std::string& bytes, auto&& deliver) {
        longest = std::max(longest, bytes.size());
        const std::string_view all = bytes;
        deliver(all.substr(0, cut));
        if (cut < all.size()) deliver(all.substr(cut));
      });
      ASSERT_TRUE(owner->complete) << cut;
    }
    EXPECT_GT(longest, 500U) << "that was no handshake";
  }
}

TEST(TlsDialogue, SealedBytesStayTheSameUntilTheyAreAcknowledged) {
  TlsPeer::Server server(identity(), {});
  TlsPeer peer(server);
  Workload work(script_of(1, 1000));
  const auto owner = work.session();
  talk(*owner, peer, "", kWhole, false);
  EXPECT_GT(owner->said.size(), 1000U);
  owner->read_again();
  owner->acknowledge(owner->said.size() / 2);
  owner->read_again();
  owner->acknowledge_all();
  EXPECT_EQ(static_cast<TlsDialogue&>(owner->dialogue()).held_bytes(), 0U);
}

TEST(TlsDialogue, ALongBodyIsSealedAsItIsAcknowledged) {
  constexpr std::uint64_t kBody = 3 << 20;
  TlsPeer::Server server(identity(), {});
  TlsPeer peer(server);
  Workload work(script_of(1, kBody));
  const auto owner = work.session();
  auto& tls = static_cast<TlsDialogue&>(owner->dialogue());
  std::uint32_t most = 0;
  for (std::string words = owner->new_words(); !words.empty() || peer.heard.empty(); words = owner->new_words()) {
    most = std::max(most, tls.held_bytes());
    owner->hear(peer.hear(words));
    owner->acknowledge_all();
    ASSERT_FALSE(owner->failed());
  }
  EXPECT_LT(most, 256U * 1024);
  std::string body(kBody, ' ');
  Pattern{1}.fill(0, {reinterpret_cast<std::uint8_t*>(body.data()), body.size()});
  EXPECT_TRUE(peer.heard.ends_with(body));
  owner->hear(peer.say(kOk));
  EXPECT_TRUE(owner->complete);
}

TEST(TlsDialogue, LeavesWithCloseNotify) {
  TlsPeer::Server server(identity(), {});
  TlsPeer peer(server);
  HttpScript script = script_of(1);
  script.holds = true;
  Workload work(std::move(script));
  const auto owner = work.session();
  talk(*owner, peer, kOk, kWhole);
  EXPECT_TRUE(owner->complete);
  owner->leave();
  EXPECT_TRUE(owner->over());
  peer.hear(owner->new_words());
  EXPECT_TRUE(peer.client_closed());
}

TEST(TlsDialogue, KeysAreUpdatedOnTheWay) {
  TlsPeer::Server server(identity(), {.least = TLS1_3_VERSION});
  TlsPeer peer(server);
  HttpScript script = script_of(2);
  script.think = std::chrono::seconds{1};
  Workload work(std::move(script));
  const auto owner = work.session();
  talk(*owner, peer, kOk, kWhole);
  owner->hear(peer.update_key());
  ASSERT_TRUE(owner->sleep());
  talk(*owner, peer, kOk, kWhole);
  EXPECT_TRUE(owner->complete);
}

TEST(TlsDialogue, EndlessKeyUpdatesCannotFillMemory) {
  TlsPeer::Server server(identity(), {.least = TLS1_3_VERSION});
  TlsPeer peer(server);
  HttpScript script = script_of(1);
  script.holds = true;
  Workload work(std::move(script));
  const auto owner = work.session();
  talk(*owner, peer, kOk, kWhole, false);
  for (int i = 0; i < 20'000 && !owner->failed(); ++i) {
    owner->hear(peer.update_key());
    peer.hear(owner->new_words());
  }
  EXPECT_LT(static_cast<TlsDialogue&>(owner->dialogue()).held_bytes(), 256U * 1024);
}

// --- sessions taken up again -----------------------------------------------------------------------------------------

TEST(TlsDialogue, AHostTakesUpItsOwnSessionsAgain) {
  for (const auto& [least, most] : kBoth) {
    TlsPeer::Server server(identity(), {.least = least, .most = most});
    Workload work(script_of(1));
    const auto resumed = [&](std::uint32_t host) {
      TlsPeer peer(server);
      const auto owner = work.session(host);
      const Exchange done = talk(*owner, peer, kOk, kWhole);
      EXPECT_TRUE(owner->complete);
      return done.resumed;
    };
    EXPECT_FALSE(resumed(0));
    EXPECT_TRUE(resumed(0));
    EXPECT_TRUE(resumed(0)) << "by the ticket of the second";
    EXPECT_FALSE(resumed(1)) << "somebody else";
    EXPECT_EQ(work.counts.tls_handshakes, 4U);
    EXPECT_EQ(work.counts.tls_resumed, 2U);
  }
}

TEST(TlsDialogue, NothingIsTakenUpWhereThatIsOffOrTheServerHasNoTickets) {
  for (const bool ours : {false, true}) {
    TlsPeer::Server server(identity(), {.tickets = !ours});
    TlsOptions options = trusting();
    options.resume = ours;
    Workload work(script_of(1), options);
    for (int i = 0; i < 2; ++i) {
      TlsPeer peer(server);
      const auto owner = work.session();
      EXPECT_FALSE(talk(*owner, peer, kOk, kWhole).resumed);
      EXPECT_TRUE(owner->complete);
    }
  }
}

TEST(TlsDialogue, AServerThatHasForgottenGetsAWholeHandshake) {
  Workload work(script_of(1));
  for (int i = 0; i < 2; ++i) {
    TlsPeer::Server server(identity(), {});  // with new keys for its tickets
    TlsPeer peer(server);
    const auto owner = work.session();
    EXPECT_FALSE(talk(*owner, peer, kOk, kWhole).resumed);
    EXPECT_TRUE(owner->complete);
  }
}

TEST(TlsDialogue, TheNextConnectionOfTheSameSessionIsTakenUpToo) {
  TlsPeer::Server server(identity(), {});
  HttpScript script = script_of(2);
  script.keep_alive = false;
  Workload work(std::move(script));
  const auto owner = work.session();
  TlsPeer first(server);
  talk(*owner, first, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", kWhole);
  EXPECT_EQ(owner->connections, 2);
  TlsPeer second(server);
  EXPECT_FALSE(owner->complete);
  owner->hear(second.hear(owner->said));
  talk(*owner, second, kOk, kWhole);
  EXPECT_TRUE(second.resumed());
  EXPECT_EQ(work.counts.tls_resumed, 1U);
}

// --- refusals --------------------------------------------------------------------------------------------------------

Failure failure_of(const TlsOptions& options, const TlsPeer::Options& of_server, const TlsIdentity& who = identity()) {
  TlsPeer::Server server(who, of_server);
  TlsPeer peer(server);
  Workload work(script_of(1), options);
  const auto owner = work.session();
  talk(*owner, peer, kOk, kWhole);
  EXPECT_EQ(owner->complete, !owner->failed());
  return owner->failed() ? owner->failure() : Failure::kCount;
}

TEST(TlsDialogue, CertificatesMustBeTrustedAndForTheName) {
  EXPECT_EQ(failure_of(trusting(), {}), Failure::kCount);
  TlsOptions other = trusting();
  other.name = "other.test";
  EXPECT_EQ(failure_of(other, {}), Failure::kTlsCertificate);
  other.verify = false;
  EXPECT_EQ(failure_of(other, {}), Failure::kCount);
  TlsOptions address = trusting();
  address.name = "10.0.0.1";
  EXPECT_EQ(failure_of(address, {}), Failure::kCount);
  address.name = "10.0.0.2";
  EXPECT_EQ(failure_of(address, {}), Failure::kTlsCertificate);
  EXPECT_EQ(failure_of(trusting(), {}, TlsIdentity::make("www.test", "10.0.0.1")), Failure::kTlsCertificate)
      << "a stranger";
  TlsOptions system = trusting();
  system.trusts_system = true;
  EXPECT_EQ(failure_of(system, {}), Failure::kTlsCertificate);
}

TEST(TlsDialogue, AddressesAreNotSentAsNames) {
  TlsPeer::Server server(identity(), {});
  TlsPeer peer(server);
  TlsOptions options = trusting();
  options.name = "10.0.0.1";
  Workload work(script_of(1), options);
  const auto owner = work.session();
  talk(*owner, peer, kOk, kWhole);
  EXPECT_TRUE(owner->complete);
  EXPECT_EQ(peer.name(), "");
}

TEST(TlsDialogue, VersionsWithoutOneInCommon) {
  TlsOptions new_only = trusting();
  new_only.least = TlsVersion::k13;
  EXPECT_EQ(failure_of(new_only, {.most = TLS1_2_VERSION}), Failure::kTlsAlert);
  TlsOptions old_only = trusting();
  old_only.most = TlsVersion::k12;
  EXPECT_EQ(failure_of(old_only, {.least = TLS1_3_VERSION}), Failure::kTlsAlert);
  EXPECT_EQ(failure_of(old_only, {}), Failure::kCount);
}

TEST(TlsDialogue, ServersWithoutAlpnWillDo) { EXPECT_EQ(failure_of(trusting(), {.protocol = ""}), Failure::kCount); }

TEST(TlsDialogue, AServerThatInsistsOnAnotherProtocolSaysSo) {
  EXPECT_EQ(failure_of(trusting(), {.protocol = "h2"}), Failure::kTlsAlert);
}

TEST(TlsDialogue, WhatIsNotTls) {
  Workload work(script_of(1));
  const auto owner = work.session();
  owner->hear("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(owner->failure(), Failure::kTlsHandshake);
  const auto closed = work.session();
  EXPECT_EQ(closed->dialogue().impatience(), Failure::kTlsHandshakeTimeout);
  closed->peer_closes();
  EXPECT_EQ(closed->failure(), Failure::kTlsClosedEarly);
}

TEST(TlsDialogue, ADamagedRecordIsNoAnswer) {
  TlsPeer::Server server(identity(), {});
  TlsPeer peer(server);
  Workload work(script_of(1));
  const auto owner = work.session();
  talk(*owner, peer, "", kWhole);
  std::string answer = peer.say(kOk);
  answer.back() = static_cast<char>(answer.back() ^ 1);
  owner->hear(answer);
  EXPECT_EQ(owner->failure(), Failure::kTlsDamaged);
}

TEST(TlsDialogue, WhoeverCutsTheConnectionDoesNotEndTheContent) {
  constexpr std::string_view kUntilClose = "HTTP/1.1 200 OK\r\n\r\nas far as it goes";
  for (const bool in_order : {true, false}) {
    TlsPeer::Server server(identity(), {});
    TlsPeer peer(server);
    Workload work(script_of(1));
    const auto owner = work.session();
    talk(*owner, peer, kUntilClose, kWhole);
    EXPECT_FALSE(owner->complete);
    if (in_order) owner->hear(peer.close());
    owner->peer_closes();
    EXPECT_EQ(owner->complete, in_order);
    EXPECT_EQ(owner->failed(), !in_order);
    EXPECT_EQ(owner->failure(), in_order ? Failure::kCount : Failure::kTlsClosedEarly);
  }
}

TEST(TlsClient, WantsCertificatesInPem) {
  for (const std::string_view text :
       {"nothing of the kind", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    TlsOptions options = trusting();
    options.authorities = text;
    EXPECT_FALSE(TlsRole::make(options, std::make_unique<HttpRole>(script_of(1)))) << text;
  }
}

}  // namespace
}  // namespace myriad::app
