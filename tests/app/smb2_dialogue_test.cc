// The dialogue against a server that does what it is told to.
#include "app/smb2/dialogue.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include "app/smb2/status.h"
#include "tests/app/pieces.h"
#include "tests/app/smb2_owner.h"
#include "tests/app/smb2_server.h"

namespace myriad::app::smb2 {
namespace {

Options mount() {
  Options options;
  options.share = "public";
  options.dialects = {Dialect::k202, Dialect::k210, Dialect::k302, Dialect::k311};
  options.echo = std::chrono::seconds{5};
  return options;
}

Options get(std::string_view content) {
  Options options = mount();
  options.get = "folder/file";
  Sha256 digest;
  digest.add(as_bytes(content));
  options.verify_sha256 = digest.finish();
  return options;
}

std::string content_of(std::size_t bytes) {
  std::string content(bytes, '\0');
  Pattern{5}.fill(0, {reinterpret_cast<std::uint8_t*>(content.data()), content.size()});
  return content;
}

SessionFacts facts() {
  SessionFacts facts;
  facts.host = 12;
  facts.session = 34;
  facts.target = *IpAddress::parse("10.0.0.1");
  facts.seed = 9;
  return facts;
}

struct Lab {
  explicit Lab(Options options) : role(std::move(options)), owner(role, facts()) {}

  // Until nobody has anything to say.
  void talk() {
    for (int turns = 0; turns < 100'000; ++turns) {
      const Octets said = owner.said();
      if (said.empty() || owner.over()) return;
      const Octets answer = server.answer(said);
      if (!answer.empty()) owner.hear(answer);
    }
    FAIL() << "there is no end to it";
  }
  void run() {
    owner.begin();
    talk();
  }
  void leave() {
    owner.leave();
    talk();
  }

  Smb2Role role;
  Smb2Owner owner;
  FakeServer server;
};

Failure failure_of(Lab& lab) {
  lab.run();
  EXPECT_FALSE(lab.owner.complete());
  return lab.owner.failure().value_or(Failure::kCount);
}

TEST(Smb2Dialogue, MountsAndLeaves) {
  Lab lab{mount()};
  lab.run();
  EXPECT_TRUE(lab.owner.complete());
  EXPECT_FALSE(lab.owner.verified());
  lab.leave();
  EXPECT_TRUE(lab.owner.left());
  std::vector<Command> said;
  for (const auto& request : lab.server.requests) said.push_back(request.command);
  EXPECT_EQ(said, (std::vector<Command>{Command::kNegotiate, Command::kSessionSetup, Command::kSessionSetup,
                                        Command::kTreeConnect, Command::kTreeDisconnect, Command::kLogoff}));
  EXPECT_EQ(lab.server.requests.back().session, 0x1122334455U);
  EXPECT_EQ(lab.server.requests[4].tree, 77U);
}

TEST(Smb2Dialogue, MessageIdsFollowTheirCharges) {
  const std::string content = content_of(300'000);
  Lab lab{get(content)};
  lab.server.file = content;
  lab.run();
  ASSERT_TRUE(lab.owner.verified());
  std::uint64_t expected = 0;
  for (const auto& request : lab.server.requests) {
    EXPECT_EQ(request.message, expected);
    expected += std::max<std::uint64_t>(request.charge, 1);
  }
}

TEST(Smb2Dialogue, GetsFilesOfAnyLengthInAnyDialect) {
  for (const Dialect dialect : {Dialect::k202, Dialect::k210, Dialect::k302, Dialect::k311}) {
    for (const std::size_t bytes : {0U, 1U, 65'535U, 65'536U, 65'537U, 1'048'576U, 5'000'001U}) {
      const std::string content = content_of(bytes);
      Lab lab{get(content)};
      lab.server.dialect = dialect;
      lab.server.large_mtu = dialect != Dialect::k202;
      lab.server.file = content;
      lab.run();
      EXPECT_TRUE(lab.owner.verified()) << bytes;
      for (const auto& [offset, length] : lab.server.reads) {
        EXPECT_LE(length, dialect == Dialect::k202 ? 65'536U : Smb2Dialogue::kMostRead);
        EXPECT_LE(offset + length, bytes);
      }
    }
  }
}

TEST(Smb2Dialogue, ReadsNoMoreAtATimeThanTheServerAllows) {
  const std::string content = content_of(100'000);
  Lab lab{get(content)};
  lab.server.max_read = 10'000;
  lab.server.file = content;
  lab.run();
  EXPECT_TRUE(lab.owner.verified());
  EXPECT_EQ(lab.server.reads.size(), 10U);
  EXPECT_EQ(lab.server.most_reads_at_once, 10U);
}

// What a credit pays for, and no more: the server counts.
TEST(Smb2Dialogue, KeepsWithinItsCredits) {
  const std::string content = content_of(3'000'000);
  for (const std::uint16_t grant : std::initializer_list<std::uint16_t>{1, 2, 3, 20}) {
    for (const bool large : {false, true}) {
      Lab lab{get(content)};
      lab.server.file = content;
      lab.server.large_mtu = large;
      lab.server.grant = grant;
      std::int64_t credits = 1;
      lab.server.meddle = [&](const FakeServer::Request& request, Octets&) {
        credits += grant - std::max<std::int64_t>(request.charge, 1);
        const std::uint64_t bytes = request.command == Command::kRead ? load_le32(request.body.data() + 4) : 1;
        EXPECT_LE(bytes, std::max<std::uint64_t>(request.charge, 1) * kCreditBytes);
        EXPECT_EQ(request.charge != 0, large && request.command != Command::kNegotiate);
      };
      lab.run();
      EXPECT_TRUE(lab.owner.verified()) << grant;
      EXPECT_GE(credits, 0);
    }
  }
}

TEST(Smb2Dialogue, WithoutCreditsItSaysSo) {
  for (const Command last : {Command::kNegotiate, Command::kTreeConnect, Command::kQueryInfo}) {
    Lab lab{get("hello")};
    lab.server.file = "hello";
    std::uint64_t all = 0;
    lab.server.meddle = [&](const FakeServer::Request& request, Octets& answer) {
      const bool stop = request.command >= last || request.command == Command::kCreate;
      store_le16(answer.data() + kFrameHeadBytes + 14, stop || last == Command::kQueryInfo ? 0 : 1);
      if (last == Command::kQueryInfo && request.command < Command::kCreate) {
        store_le16(answer.data() + kFrameHeadBytes + 14, request.command == Command::kTreeConnect ? 2 : 1);
      }
      ++all;
    };
    EXPECT_EQ(failure_of(lab), Failure::kSmb2NoCredits) << static_cast<int>(last);
    EXPECT_LE(all, 6U);
  }
}

TEST(Smb2Dialogue, ShortReadsAreReadOn) {
  const std::string content = content_of(200'000);
  Lab lab{get(content)};
  lab.server.file = content;
  lab.server.most_at_once = 7'000;
  lab.run();
  EXPECT_TRUE(lab.owner.verified());
  EXPECT_GE(lab.server.reads.size(), 29U);
}

TEST(Smb2Dialogue, AnswersOutOfOrderAreDigestedInOrder) {
  const std::string content = content_of(6'000'000);
  for (const std::uint32_t most_at_once : {UINT32_MAX, 50'000U}) {
    Lab lab{get(content)};
    lab.server.file = content;
    lab.server.max_read = 100'000;
    lab.server.most_at_once = most_at_once;
    lab.server.backwards = true;
    lab.run();
    EXPECT_TRUE(lab.owner.verified());
    EXPECT_GT(lab.server.most_reads_at_once, 1U);
    EXPECT_LE(lab.server.most_reads_at_once, Smb2Dialogue::kMostReads);
  }
}

TEST(Smb2Dialogue, InterimAnswersAreWaitedOut) {
  const std::string content = content_of(200'000);
  Options options = get(content);
  options.list = "/";
  options.put = {"x", 1000};
  Lab lab{options};
  lab.server.file = content;
  lab.server.pending = true;
  lab.run();
  EXPECT_TRUE(lab.owner.verified());
  lab.leave();
  EXPECT_TRUE(lab.owner.left());
}

TEST(Smb2Dialogue, AFileThatShrankEndsWhereItEnds) {
  Lab lab{get("hello")};
  lab.server.file = "hello";
  lab.server.file_bytes_said = 3'000'000;
  lab.run();
  EXPECT_TRUE(lab.owner.verified());
}

TEST(Smb2Dialogue, VerifiesLengthAndDigest) {
  Options options = get("hello");
  options.verify_bytes = 6;
  Lab longer{options};
  longer.server.file = "hello";
  EXPECT_EQ(failure_of(longer), Failure::kVerifyMismatch);
  EXPECT_TRUE(longer.server.reads.empty());
  Lab other{get("hello")};
  other.server.file = "hellp";
  EXPECT_EQ(failure_of(other), Failure::kVerifyMismatch);
  options = mount();
  options.get = "x";
  options.verify_bytes = 5;
  Lab by_length{options};
  by_length.server.file = "hellp";
  by_length.run();
  EXPECT_TRUE(by_length.owner.verified());
}

TEST(Smb2Dialogue, PutsAPattern) {
  for (const std::size_t bytes : {0U, 1U, 65'536U, 1'000'001U}) {
    for (const std::uint32_t most_at_once : {UINT32_MAX, 9'999U}) {
      Options options = mount();
      options.put = {"folder/{host}-{session}.bin", bytes};
      options.seed = 5;
      Lab lab{options};
      lab.server.most_at_once = most_at_once;
      lab.run();
      EXPECT_TRUE(lab.owner.complete());
      EXPECT_EQ(lab.server.written == content_of(bytes), true) << bytes;
      const auto& create = lab.server.requests[4];
      const Bytes name = Bytes{create.body}.subspan(56, load_le16(create.body.data() + 46));
      const Octets expected = *utf16("folder\\12-34.bin");
      EXPECT_EQ(hex_of(name), hex_of(expected));
    }
  }
}

TEST(Smb2Dialogue, ListsADirectory) {
  Options options = mount();
  options.list = "/";
  Lab lab{options};
  lab.run();
  EXPECT_TRUE(lab.owner.complete());
  EXPECT_EQ(lab.server.count(Command::kQueryDirectory), 2U);
  EXPECT_EQ(lab.server.count(Command::kClose), 1U);
}

TEST(Smb2Dialogue, DoesThingsInOrder) {
  Options options = get("hello");
  options.put = {"x", 10};
  options.list = "folder";
  Lab lab{options};
  lab.server.file = "hello";
  lab.run();
  EXPECT_TRUE(lab.owner.verified());
  std::vector<Command> said;
  for (const auto& request : lab.server.requests) said.push_back(request.command);
  said.erase(said.begin(), said.begin() + 4);
  EXPECT_EQ(said, (std::vector<Command>{Command::kCreate, Command::kQueryInfo, Command::kRead, Command::kClose,
                                        Command::kCreate, Command::kWrite, Command::kClose, Command::kCreate,
                                        Command::kQueryDirectory, Command::kQueryDirectory, Command::kClose}));
  EXPECT_EQ(lab.server.requests[5].flags & flag::kRelated, flag::kRelated);
}

TEST(Smb2Dialogue, StatusesAreReasonsByTheirNames) {
  const auto reason = [](Command command, std::uint32_t status) {
    Options options = get("hello");
    options.put = {"x", 10};
    options.list = "/";
    Lab lab{options};
    lab.server.file = "hello";
    lab.server.status[command] = status;
    return std::string(failure_name(failure_of(lab)));
  };
  EXPECT_EQ(reason(Command::kNegotiate, 0xc00000bb), "STATUS_NOT_SUPPORTED");
  EXPECT_EQ(reason(Command::kSessionSetup, 0xc000006d), "STATUS_LOGON_FAILURE");
  EXPECT_EQ(reason(Command::kTreeConnect, 0xc00000cc), "STATUS_BAD_NETWORK_NAME");
  EXPECT_EQ(reason(Command::kCreate, 0xc0000034), "STATUS_OBJECT_NAME_NOT_FOUND");
  EXPECT_EQ(reason(Command::kQueryInfo, 0xc0000022), "STATUS_ACCESS_DENIED");
  EXPECT_EQ(reason(Command::kRead, 0xc0000054), "STATUS_FILE_LOCK_CONFLICT");
  EXPECT_EQ(reason(Command::kWrite, 0xc000007f), "STATUS_DISK_FULL");
  EXPECT_EQ(reason(Command::kQueryDirectory, 0xc000000f), "STATUS_NO_SUCH_FILE");
  EXPECT_EQ(reason(Command::kClose, 0xc0000128), "STATUS_FILE_CLOSED");
  EXPECT_EQ(reason(Command::kCreate, 0xc0ffee00), "smb2_status_other");
  EXPECT_EQ(reason(Command::kTreeConnect, kStatusMoreProcessing), "smb2_status_other");
}

// --- held ------------------------------------------------------------------------------------------------------------

TEST(Smb2Dialogue, IsKeptAliveByEchoes) {
  Lab lab{mount()};
  lab.run();
  for (int i = 1; i <= 3; ++i) {
    const Instant before = lab.owner.now();
    lab.owner.sleep();
    EXPECT_EQ(lab.owner.now() - before, Duration{std::chrono::seconds{5}});
    lab.talk();
    EXPECT_EQ(lab.server.count(Command::kEcho), static_cast<std::size_t>(i));
  }
  lab.leave();
  EXPECT_TRUE(lab.owner.left());
  EXPECT_TRUE(lab.owner.dialogue().wake_at().is_never());
}

TEST(Smb2Dialogue, AnEchoThatIsNotAnsweredEndsIt) {
  Lab lab{mount()};
  lab.run();
  lab.owner.sleep();
  const Instant asked = lab.owner.now();
  EXPECT_FALSE(lab.owner.said().empty());
  for (int i = 0; i < 10 && !lab.owner.failure(); ++i) {
    lab.owner.sleep();
    EXPECT_TRUE(lab.owner.said().empty()) << "a second one";
  }
  EXPECT_EQ(lab.owner.failure(), Failure::kResponseTimeout);
  EXPECT_EQ(lab.owner.now() - asked, Smb2Dialogue::kEchoPatience);
}

TEST(Smb2Dialogue, AnEchoThatIsRefusedEndsIt) {
  Lab lab{mount()};
  lab.run();
  lab.server.status[Command::kEcho] = 0xc000035c;
  lab.owner.sleep();
  lab.talk();
  EXPECT_EQ(lab.owner.failure(), Failure::kStatusNetworkSessionExpired);
}

TEST(Smb2Dialogue, ClosedByThePeer) {
  Lab lab{mount()};
  lab.owner.begin();
  lab.owner.hear_close();
  EXPECT_EQ(lab.owner.failure(), Failure::kClosedEarly);
  Lab held{mount()};
  held.run();
  held.owner.hear_close();
  EXPECT_EQ(held.owner.failure(), Failure::kClosedWhileHeld);
}

TEST(Smb2Dialogue, LeavesWithAnEchoUnanswered) {
  Lab lab{mount()};
  lab.run();
  lab.owner.sleep();
  lab.leave();
  EXPECT_TRUE(lab.owner.left());
}

TEST(Smb2Dialogue, WhatIsSaidToAGoodbyeDoesNotMatter) {
  Lab lab{mount()};
  lab.run();
  lab.server.status[Command::kTreeDisconnect] = 0xc00000c9;
  lab.server.status[Command::kLogoff] = 0xc0000203;
  lab.leave();
  EXPECT_TRUE(lab.owner.left());
}

std::size_t heap_in_use() { return mallinfo2().uordblks; }

TEST(Smb2Dialogue, OneThatIsHeldIsSmall) {
  const Smb2Role role{mount()};
  constexpr std::size_t kSessions = 1000;
  std::vector<std::unique_ptr<Smb2Owner>> owners;
  std::vector<std::unique_ptr<FakeServer>> servers;
  for (std::size_t i = 0; i < kSessions; ++i) {
    owners.push_back(std::make_unique<Smb2Owner>(role, facts()));
    servers.push_back(std::make_unique<FakeServer>());
    Smb2Owner& owner = *owners.back();
    owner.begin();
    for (Octets said = owner.said(); !said.empty(); said = owner.said()) owner.hear(servers.back()->answer(said));
    ASSERT_TRUE(owner.complete());
  }
  servers.clear();
  const std::size_t before = heap_in_use();
  owners.clear();
  const std::size_t after = heap_in_use();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE((before - after) / kSessions, 256U);
#else
  EXPECT_GE(before + kSessions, after);
#endif
  EXPECT_LE(sizeof(Smb2Dialogue), 128U);
}

// --- lies ------------------------------------------------------------------------------------------------------------

// The session's end when the answer to `command` is changed by `change`, which sees it behind the frame's length.
template <class Change>
std::optional<Failure> told(Command command, Change&& change, std::string content = content_of(70'000)) {
  Options options = get(content);
  options.put = {"x", 10};
  options.list = "/";
  Lab lab{options};
  lab.server.file = std::move(content);
  lab.server.meddle = [&](const FakeServer::Request& request, Octets& answer) {
    if (request.command != command) return;
    change(answer);
  };
  lab.run();
  return lab.owner.failure();
}

constexpr std::size_t kHead = kFrameHeadBytes;
constexpr std::size_t kBody = kHead + kHeaderBytes;

TEST(Smb2Lies, AboutTheFrame) {
  for (const std::uint32_t length : {0U, 1U, 63U, 0x81000000U, 0x01ffffffU}) {
    EXPECT_EQ(told(Command::kNegotiate, [&](Octets& a) { store_be32(a.data(), length); }), Failure::kSmb2Malformed);
  }
  EXPECT_EQ(told(Command::kTreeConnect, [](Octets& a) { a[kHead] = 0xfd; }), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kTreeConnect, [](Octets& a) { a[kHead + 4] = 65; }), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kTreeConnect, [](Octets& a) { a[kHead + 16] = 0; }), Failure::kSmb2Malformed);
  for (const std::uint32_t next : {1U, 8U, 56U, 68U, 80U, 88U, 0xfffffff8U}) {
    EXPECT_EQ(told(Command::kTreeConnect, [&](Octets& a) { store_le32(a.data() + kHead + 20, next); }),
              Failure::kSmb2Malformed)
        << next;
  }
}

TEST(Smb2Lies, AboutWhatIsAnswered) {
  EXPECT_EQ(told(Command::kTreeConnect, [](Octets& a) { store_le64(a.data() + kHead + 24, 999); }),
            Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kTreeConnect, [](Octets& a) { store_le16(a.data() + kHead + 12, 5); }),
            Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kRead, [](Octets& a) { store_le64(a.data() + kHead + 24, 999); }), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kTreeConnect, [](Octets& a) { a.insert(a.end(), a.begin(), a.end()); }),
            Failure::kSmb2Malformed);
  // What nobody asked for is passed over.
  EXPECT_EQ(told(Command::kTreeConnect,
                 [](Octets& a) {
                   Octets more = a;
                   store_le64(more.data() + kHead + 24, kNoMessage);
                   a.insert(a.begin(), more.begin(), more.end());
                 }),
            std::nullopt);
}

TEST(Smb2Lies, AboutLengthsAndOffsets) {
  const auto u16 = [](std::size_t at, std::uint16_t value) {
    return [=](Octets& a) { store_le16(a.data() + kBody + at, value); };
  };
  const auto u32 = [](std::size_t at, std::uint32_t value) {
    return [=](Octets& a) { store_le32(a.data() + kBody + at, value); };
  };
  EXPECT_EQ(told(Command::kNegotiate, u16(58, 1)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kNegotiate, u16(4, 0x0300)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kNegotiate, u16(4, 0x0311)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kNegotiate, u32(32, 0)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kNegotiate, u32(36, 0)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kSessionSetup, u16(4, 0xffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kSessionSetup, u16(4, 8)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kSessionSetup, u16(6, 0xffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryInfo, u16(2, 0xffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryInfo, u32(4, 0xffffffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryInfo, u32(4, 21)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kRead, u32(4, 70'001)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kRead, u32(4, 0xffffffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kRead, u32(4, 0)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kRead, u16(2, 79)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kRead, u16(2, 255)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kWrite, u32(4, 11)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kWrite, u32(4, 0)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryDirectory, u32(4, 0xffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryDirectory, u32(8, 1)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryDirectory, u32(8, 0xffffffff)), Failure::kSmb2Malformed);
  EXPECT_EQ(told(Command::kQueryDirectory, u32(8 + 60, 0xffffffff)), Failure::kSmb2Malformed);
  for (const Command command :
       {Command::kNegotiate, Command::kSessionSetup, Command::kTreeConnect, Command::kCreate, Command::kQueryInfo,
        Command::kRead, Command::kWrite, Command::kQueryDirectory, Command::kClose}) {
    EXPECT_EQ(told(command, u16(0, 0x7777)), Failure::kSmb2Malformed) << static_cast<int>(command);
  }
}

// Every answer cut short, with a frame that admits it.
TEST(Smb2Lies, ByLeavingTheEndOut) {
  for (const Command command : {Command::kNegotiate, Command::kSessionSetup, Command::kTreeConnect, Command::kCreate,
                                Command::kQueryInfo, Command::kRead, Command::kWrite, Command::kClose}) {
    for (const std::size_t left_out : {1U, 2U, 4U}) {
      const auto failure = told(command, [&](Octets& a) {
        a.resize(a.size() - left_out);
        store_be32(a.data(), static_cast<std::uint32_t>(a.size() - kHead));
      });
      // The last two bytes of what a file is say nothing.
      if (command == Command::kQueryInfo && left_out <= 2) continue;
      EXPECT_TRUE(failure.has_value()) << static_cast<int>(command) << " without " << left_out;
    }
  }
}

TEST(Smb2Lies, ByAnsweringWithoutAcknowledging) {
  Options options = mount();
  options.put = {"x", 100ULL << 20};
  const Smb2Role role{options};
  const auto dialogue = role.make(facts());
  FakeServer server;
  std::uint64_t said = 0;
  std::uint64_t announced = dialogue->begin({}).grown;
  std::optional<Failure> failure;
  for (int turns = 0; turns < 1000 && !failure; ++turns) {
    Octets out(announced - said);
    dialogue->read(said, out);
    said = announced;
    const Step step = dialogue->take(server.answer(out), {});
    announced += step.grown;
    if (step.progress == Progress::kFailed) failure = step.failure;
  }
  EXPECT_EQ(failure, Failure::kSmb2Malformed);
  EXPECT_LE(announced, 2U << 20);
}

// A user's session that the server makes a guest's has no key; who insists on signing leaves.
TEST(Smb2Dialogue, GuestsDoNotSign) {
  for (const bool required : {false, true}) {
    Options options = mount();
    options.user = "alice";
    options.password = "secret";
    options.signing_required = required;
    Lab lab{options};
    lab.server.meddle = [](const FakeServer::Request& request, Octets& answer) {
      if (request.command == Command::kSessionSetup) answer[kBody + 2] = 1;
    };
    lab.run();
    if (required) {
      EXPECT_EQ(lab.owner.failure(), Failure::kSmb2Signature);
    } else {
      EXPECT_TRUE(lab.owner.complete());
    }
  }
}

// A server that does not sign what must be signed.
TEST(Smb2Dialogue, UnsignedAnswersAreRefusedWhereTheSessionSigns) {
  Options options = mount();
  options.user = "alice";
  for (const Dialect dialect : {Dialect::k210, Dialect::k311}) {
    options.signing_required = dialect == Dialect::k210;
    Lab lab{options};
    lab.server.dialect = dialect;
    lab.server.meddle = [](const FakeServer::Request& request, Octets& answer) {
      if (request.command == Command::kSessionSetup) answer[kBody + 2] = 0;
    };
    EXPECT_EQ(failure_of(lab), Failure::kSmb2Signature);
  }
}

TEST(Smb2Dialogue, RandomBytesNeverDoHarm) {
  Rng rng{1};
  Options options = get("hello");
  options.list = "/";
  const Smb2Role role{options};
  for (int round = 0; round < 3000; ++round) {
    Smb2Owner owner{role, facts()};
    FakeServer server;
    server.file = "hello";
    owner.begin();
    for (int turns = 0; turns < 30 && !owner.over(); ++turns) {
      const Octets said = owner.said();
      if (said.empty()) break;
      Octets answer = server.answer(said);
      if (rng.below(4) == 0) answer[rng.below(answer.size())] ^= static_cast<std::uint8_t>(1 + rng.below(255));
      owner.hear(answer);
    }
  }
}

}  // namespace
}  // namespace myriad::app::smb2
