// The runner itself: a wrong expectation must fail, and say where and why; a script that is none must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "tests/scripts/player.h"
#include "tests/scripts/script_parser.h"

namespace myriad::scripts {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kHandshake = R"(0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.000 bind(3, ..., ...) = 0
0.000 listen(3, 1) = 0
0.100 < S 0:0(0) win 32792 <mss 1000>
0.100 > S. 0:0(0) ack 1 <mss 1460>
0.200 < . 1:1(0) ack 1 win 32792
0.200 accept(3, ..., ...) = 4
)";

// What happens when `lines` follow an established connection.
std::string outcome(const std::string& lines, const std::string& before = {}) {
  const auto script = parse_script(before + kHandshake + lines, "t.pkt");
  return script ? play(*script, false) : script.error();
}
std::string refusal(std::string_view text) {
  const auto script = parse_script(text, "t.pkt");
  return script ? "" : script.error();
}

TEST(ScriptRunner, PassesWhatHappens) {
  EXPECT_EQ(outcome("0.3 write(4, ..., 100) = 100\n0.3 > P. 1:101(100) ack 1\n+.01 < . 1:1(0) ack 101 win 1000\n"), "");
  EXPECT_EQ(outcome("+0 < P. 1:11(10) ack 1 win 1000\n+.03 quiet\n+.01 > . 1:1(0) ack 11\n"), "");
}

TEST(ScriptRunner, FailsForEveryFieldThatDiffers) {
  const std::string write = "0.3 write(4, ..., 100) = 100\n";
  EXPECT_EQ(outcome(write + "0.3 > P. 1:102(101) ack 1\n"),
            "t.pkt:9: expected 0.3 > P. 1:102(101) ack 1, got > P. 1:101(100) ack 1 win 65535 at 0.300000: differs in "
            "length (over IPv4)");
  EXPECT_THAT(outcome(write + "0.3 > . 1:101(100) ack 1\n"), HasSubstr("differs in flags"));
  EXPECT_THAT(outcome(write + "0.3 > P. 2:102(100) ack 1\n"), HasSubstr("differs in sequence number"));
  EXPECT_THAT(outcome(write + "0.3 > P. 1:101(100) ack 2\n"), HasSubstr("differs in ack"));
  EXPECT_THAT(outcome(write + "0.3 > P. 1:101(100) ack 1 win 7\n"), HasSubstr("differs in window"));
  EXPECT_THAT(outcome(write + "0.3 > P. 1:101(100) ack 1 <TS val 1 ecr 2>\n"), HasSubstr("differs in TS"));
  EXPECT_THAT(outcome(write + "0.3 > P. 1:101(100) ack 1 <sack 5:6>\n"), HasSubstr("differs in sack"));
  EXPECT_THAT(outcome(write + "0.3 > icmp echo_reply id 1\n"), HasSubstr("something else"));
  EXPECT_THAT(outcome(write + "0.3 > who-has peer\n"), HasSubstr("something else"));
}

TEST(ScriptRunner, FailsForTheWrongTime) {
  const std::string data = "0.3 < P. 1:11(10) ack 1 win 1000\n";  // acknowledged 40 ms later
  EXPECT_THAT(outcome(data + "+.039 > . 1:1(0) ack 11\n"),
              StartsWith("t.pkt:9: expected +.039 > . 1:1(0) ack 11, got nothing until 0.339500"));
  EXPECT_THAT(outcome(data + "+.041 > . 1:1(0) ack 11\n"),
              HasSubstr("between 0.340500 and 0.341500, got it at 0.3400"));
  EXPECT_EQ(outcome(data + "+.03~+.05 > . 1:1(0) ack 11\n"), "");
  EXPECT_EQ(outcome(data + "* > . 1:1(0) ack 11\n"), "");
  EXPECT_THAT(outcome(data + "0.2 > . 1:1(0) ack 11\n"), HasSubstr("got nothing"));
  EXPECT_THAT(outcome(data + "0.2 read(4, ..., 10) = 10\n"), HasSubstr("it is 0.300000 already"));
}

TEST(ScriptRunner, FailsForWhatTheScriptDoesNotSay) {
  const std::string data = "0.3 < P. 1:11(10) ack 1 win 1000\n";
  EXPECT_THAT(outcome(data + "0.4 read(4, ..., 10) = 10\n"),
              HasSubstr("expected nothing before this line, got > . 1:1(0) ack 11"));
  EXPECT_THAT(outcome(data + "0.4 quiet\n"), HasSubstr("expected nothing"));
  EXPECT_THAT(outcome("0.3 write(4, ..., 100) = 100\n"), HasSubstr("got > P. 1:101(100)"));
}

TEST(ScriptRunner, FailsForTheWrongResultOfACall) {
  EXPECT_EQ(outcome("0.3 read(4, ..., 10) = 10\n"),
            "t.pkt:8: expected 0.3 read(4, ..., 10) = 10, got -1 EAGAIN (over IPv4)");
  EXPECT_EQ(outcome("0.3 read(4, ..., 10) = -1 EAGAIN (Try again)\n"), "");
  EXPECT_THAT(outcome("0.3 read(4, ..., 10) = -1 ECONNRESET\n"), HasSubstr("got -1 EAGAIN"));
  EXPECT_THAT(outcome("0.3 accept(3, ..., ...) = 5\n"), HasSubstr("got -1 EAGAIN"));
  EXPECT_THAT(outcome("0.3 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n"),
              HasSubstr("got -1 0 in SO_ERROR"));
  EXPECT_THAT(outcome("0.3 write(9, ..., 10) = 10\n"), HasSubstr("got -1 EBADF"));
  EXPECT_THAT(outcome("0.3 write(3, ..., 10) = 10\n"), HasSubstr("got -1 ENOTCONN"));
  EXPECT_THAT(outcome("0.3 listen(4, 1) = 0\n"), HasSubstr("got -1 EINVAL"));
  EXPECT_THAT(outcome("0.3 mmap(3, ..., 10) = 10\n"), HasSubstr("no call named mmap"));
  EXPECT_THAT(outcome("0.3 ioctl(4, SIOCINQ, [1]) = 0\n"), HasSubstr("got -1 0 in SIOCINQ"));
  EXPECT_THAT(outcome("0.3 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1\n"), HasSubstr("revents=0 of 4"));
  EXPECT_THAT(outcome("0.3 write(4) = 10\n"), HasSubstr("write has 3 arguments or more"));
}

TEST(ScriptParser, SaysWhereAScriptIsNone) {
  EXPECT_EQ(refusal(""), "t.pkt:1:1: nothing happens in this script");
  EXPECT_EQ(refusal("\n\n0.1 > Q 0:0(0)\n"),
            "t.pkt:3:7: expected TCP flags (of S F P R U E W . or -), udp, icmp, who-has or is-at, got 'Q'");
  EXPECT_EQ(refusal("0.1 > SS 0:0(0)"),
            "t.pkt:1:7: expected TCP flags (of S F P R U E W . or -), udp, icmp, who-has or is-at, got 'SS'");
  EXPECT_EQ(refusal("0.1 > . 1:3(1) ack 1"), "t.pkt:1:14: sequence numbers 1:3 do not span 1 bytes");
  EXPECT_THAT(refusal("0.1 > . 1:1(0)"), HasSubstr("the flag '.' and 'ack N' go together"));
  EXPECT_EQ(refusal("0.1 > S 0:0(0) <mss 70000>"), "t.pkt:1:21: expected an MSS of at most 65535, got '70000>'");
  EXPECT_EQ(refusal("0.1 > S 0:0(0) <mss>"), "t.pkt:1:20: expected an MSS, a number, got '>'");
  EXPECT_EQ(refusal("0.1 > S 0:0(0) <mss 1"), "t.pkt:1:22: expected '>' after the options, got the end of the line");
  EXPECT_THAT(refusal("0.1 < S 0:0(0) <...>"), HasSubstr("<...> is for expected packets"));
  EXPECT_THAT(refusal("0.1 < S ...(0)"), HasSubstr("...(N) is for expected packets"));
  EXPECT_EQ(refusal("0.1 > S 0:0(0) trailing"), "t.pkt:1:16: expected the end of the line, got 'trailing'");
  EXPECT_THAT(refusal("0.1~0.05 > S 0:0(0)"), HasSubstr("a range of times that ends before it begins: '0.1~0.05'"));
  EXPECT_THAT(refusal("0.1~0.2 < S 0:0(0)"), HasSubstr("only what is expected may have a range of times"));
  EXPECT_THAT(refusal("0.1...0.2 < S 0:0(0)"), HasSubstr("only calls take time"));
  EXPECT_THAT(refusal("soon > S 0:0(0)"), HasSubstr("t.pkt:1:1: expected a time"));
  EXPECT_THAT(refusal("99999999999999999999 > S 0:0(0)"), HasSubstr("more than a day"));
  EXPECT_THAT(refusal("0.1 b > S 0:0(0)"), HasSubstr("no host is called 'b'"));
  EXPECT_EQ(refusal("0.1 connect(3, ..."),
            "t.pkt:1:19: expected ')' at the end of the arguments, got the end of the line");
  EXPECT_EQ(refusal("0.1 quiet /* for\never"), "t.pkt:1:11: a comment without end");
  EXPECT_EQ(refusal("0.1 quiet\n `ls"), "t.pkt:2:2: a shell command without end");
  EXPECT_EQ(refusal("0.1 quiet\n%{ x"), "t.pkt:2:1: a block %{ … }% without end");
  EXPECT_EQ(refusal("#ifdef A\n0.1 quiet"), "t.pkt:1:1: #ifdef without #endif");
  EXPECT_EQ(refusal("0.1 quiet\n#endif"), "t.pkt:2:1: #endif without #ifdef");
  EXPECT_THAT(refusal("--colour=red\n"), HasSubstr("t.pkt:1:1: expected --strict"));
  EXPECT_THAT(refusal("host a 10.0.1.1\n0 quiet\n"), HasSubstr("a has no address of one family"));
  EXPECT_THAT(refusal("host a 10.0.1.1\nhost a 10.0.1.2\n"), HasSubstr("a has the name"));
  EXPECT_THAT(refusal("0.1 < S 0:0(90000)"), HasSubstr("do not span"));
  EXPECT_THAT(refusal("0.1 < S 0:90000(90000)"), HasSubstr("a payload of more than"));
  EXPECT_THAT(refusal("0.1 < icmp unreachable port_unreachable"), HasSubstr("are about something"));
  EXPECT_THAT(refusal("0.1 < . 1:1(0) ack 1 <sack 1:2 1:2 1:2 1:2,TS val 1 ecr 1>"), HasSubstr("more than 40 bytes"));
}

// Any damage to a script ends in a message or in a script: never in a crash. Those that still are scripts are played.
TEST(ScriptParser, SurvivesDamage) {
  const std::string whole = std::string("--remote_isn=4294967295\nhost a 10.0.1.1 fd00::1\n") + kHandshake +
                            "0.3 < [1:1(0)] icmp unreachable frag_needed mtu 1300\n0.3 < udp (10)\n0.3 < who-has a\n"
                            "0.3~0.4 > . 1:1(0) ack 1 <sack 1:2 3:4,TS val * ecr 1>\n0.5 close(4) = 0\n"
                            "#ifdef A\n0.5 `ls`\n#else\n+0.1...0.2 read(4, ..., 1) = 0\n#endif\n%{ a }%\n";
  Rng rng{7};
  for (int round = 0; round < 3000; ++round) {
    std::string text = whole;
    for (std::uint64_t i = 0, changes = 1 + rng.below(4); i < changes; ++i) {
      const std::size_t at = rng.below(text.size());
      switch (rng.below(4)) {
        case 0:
          text[at] = static_cast<char>(rng.below(256));
          break;
        case 1:
          text.erase(at, rng.below(20));
          break;
        case 2:
          text.insert(at, text.substr(rng.below(text.size()), rng.below(20)));
          break;
        default:
          text[at] = "0123456789+-*~.<>[](){}=,\n`#%\"/"[rng.below(31)];
      }
      if (text.empty()) text = " ";
    }
    const auto script = parse_script(text, "t.pkt");
    if (!script) {
      EXPECT_THAT(script.error(), StartsWith("t.pkt:"));
    } else if (script->over_v4 && round % 8 == 0) {
      const std::string outcome = play(*script, false);
      EXPECT_TRUE(outcome.empty() || outcome.starts_with("t.pkt:")) << outcome;
    }
  }
}

}  // namespace
}  // namespace myriad::scripts
