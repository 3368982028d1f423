// Scripts as other houses write them, which are not strict: what is let pass, what is not, and what is skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scripts/player.h"
#include "tests/scripts/script_parser.h"

namespace myriad::scripts {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kServer = R"(0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+.1 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 win 12345 <mss 1460,nop,nop,sackOK,nop,wscale 8>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
)";

tl::expected<Script, std::string> read(const std::string& text, Definitions definitions = {}) {
  return parse_script(text, "t.pkt",
                      {.strict = false, .definitions = std::move(definitions), .v6 = {}, .tolerance = {}});
}
// The failure, or the reason to skip, or nothing.
std::string outcome(const std::string& text, Definitions definitions = {}) {
  const auto script = read(text, std::move(definitions));
  if (!script) return script.error();
  if (!script->skip.empty()) return "skip: " + script->skip;
  const Outcome played = play_script(*script, script->over_v6);
  return played.skip.empty() ? played.failure : "skip: " + played.skip;
}
std::string after_server(const std::string& lines) { return outcome(kServer + lines); }

TEST(RelaxedScript, TakesSeveralSegmentsForOneLongOne) {
  const std::string write = "+0 write(4, ..., 4500) = 4500\n";
  EXPECT_EQ(after_server(write + "+0 > P. 1:4501(4500) ack 1\n"), "");
  EXPECT_EQ(after_server(write + "+0 > . 1:2001(2000) ack 1\n+0 > P. 2001:4501(2500) ack 1\n"), "");
  EXPECT_THAT(after_server(write + "+0 > P. 1:4501(4500) ack 2\n"), HasSubstr("differs in ack"));
  EXPECT_THAT(after_server(write + "+0 > P. 1:4601(4600) ack 1\n"), HasSubstr("got > P. 4001:4501(500)"));
  EXPECT_THAT(after_server(write + "+0 > PF. 1:4501(4500) ack 1\n"), HasSubstr("differs in flags"));
  EXPECT_THAT(after_server(write + "+0 > P. 2:4502(4500) ack 1\n"), HasSubstr("differs in sequence number"));
  EXPECT_THAT(after_server("+0 write(4, ..., 800) = 800\n+0 > P. 1:901(900) ack 1\n"), HasSubstr("differs in length"));
}

TEST(RelaxedScript, KeepsFlagsNumbersAndBlocksExact) {
  const std::string write = "+0 write(4, ..., 100) = 100\n";
  EXPECT_EQ(after_server(write + "+0 > P. 1:101(100) ack 1 win 3\n"), "");
  EXPECT_THAT(after_server(write + "+0 > . 1:101(100) ack 1\n"), HasSubstr("differs in flags"));
  EXPECT_THAT(after_server(write + "+0 > P. 2:102(100) ack 1\n"), HasSubstr("differs in sequence number"));
  EXPECT_THAT(after_server(write + "+0 > P. 1:101(100) ack 1 <nop,nop,TS val 1 ecr 1>\n"), HasSubstr("differs in TS"));
  const std::string hole = "+0 < . 1001:2001(1000) ack 1 win 257\n";
  EXPECT_EQ(after_server(hole + "+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>\n"), "");
  EXPECT_THAT(after_server(hole + "+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2002>\n"), HasSubstr("differs in sack"));
  EXPECT_THAT(after_server(hole + "+0 > . 1:1(0) ack 1\n"), HasSubstr("differs in sack"));
}

TEST(RelaxedScript, PassesOverAcknowledgementsThatNobodyAskedFor) {
  EXPECT_EQ(
      after_server("+0 < P. 1:1001(1000) ack 1 win 257\n+.01 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1001\n"), "");
  EXPECT_EQ(after_server("+0 < P. 1:1001(1000) ack 1 win 257\n+.04 > . 1:1(0) ack 1001\n"), "");
  EXPECT_THAT(after_server("+0 < P. 1:1001(1000) ack 1 win 257\n+0 > . 1:1(0) ack 1002\n"),
              HasSubstr("differs in ack"));
  EXPECT_THAT(after_server("+0 > . 1:1(0) ack 1\n"), HasSubstr("got nothing"));
  EXPECT_THAT(after_server("+0 write(4, ..., 10) = 10\n+0 > . 1:1(0) ack 1\n"), HasSubstr("got > P. 1:11(10)"));
}

TEST(RelaxedScript, LetsTimersDifferByAQuarter) {
  const std::string lost = "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n";  // sent again after 300 ms
  EXPECT_EQ(after_server(lost + "+.3 > P. 1:101(100) ack 1\n"), "");
  EXPECT_EQ(after_server(lost + "+.35 > P. 1:101(100) ack 1\n"), "");
  EXPECT_THAT(after_server(lost + "+.5 > P. 1:101(100) ack 1\n"), HasSubstr("between"));
  EXPECT_THAT(after_server(lost + "+.1 > P. 1:101(100) ack 1\n"), HasSubstr("got nothing"));
}

TEST(RelaxedScript, CallsTakeTheTimeThatTheyTake) {
  const std::string fresh = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  const std::string answer = "+0 > S 0:0(0) <...>\n+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>\n+0 > . 1:1(0) ack 1\n";
  EXPECT_EQ(outcome(fresh + "+.1...0.200 connect(3, ..., ...) = 0\n" + answer), "");
  EXPECT_THAT(outcome(fresh + "+.1...0.3 connect(3, ..., ...) = 0\n" + answer), HasSubstr("to return at 0.300000"));
  EXPECT_THAT(outcome(fresh + "+.1...0.15 connect(3, ..., ...) = 0\n" + answer), HasSubstr("to return at"));
  EXPECT_THAT(outcome(fresh + "+.1...0.2 connect(3, ..., ...) = 0\n+0 > S 0:0(0) <...>\n"), HasSubstr("got none"));
  const std::string data = "+.1 < P. 1:11(10) ack 1 win 257\n";
  EXPECT_EQ(after_server("+0...0.1 read(4, ..., 100) = 10\n" + data), "");
  EXPECT_THAT(after_server("+0...0.1 read(4, ..., 100) = 11\n" + data), HasSubstr("got 10"));
  EXPECT_EQ(after_server("+0...0.1 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 500) = 1\n" + data), "");
  EXPECT_EQ(after_server("+0...0.5 poll([{fd=4, events=POLLIN, revents=0}], 1, 500) = 0\n"), "");
}

TEST(RelaxedScript, ReadsConditionsAndDefinitions) {
  const std::string text = std::string(kServer) +
                           "#ifdef SHORT\n+0 write(4, ..., 10) = 10\n#else\n+0 write(4, ..., 20) = 20\n#endif\n"
                           "#define WHOLE 1:21(20)\n+0 > P. WHOLE ack 1\n";
  EXPECT_EQ(outcome(text), "");
  EXPECT_THAT(outcome(text, {{"SHORT", ""}}), HasSubstr("differs in length"));
  EXPECT_EQ(outcome("#ifdef FreeBSD\n0 `sysctl net.inet.tcp.sack.enable=1`\n#else\nnonsense\n#endif\n"), "");
}

TEST(RelaxedScript, TakesSettingsOfShellCommands) {
  const std::string syn =
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
      "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n";
  EXPECT_EQ(outcome("`sysctl -w net.inet.tcp.rfc1323=0`\n" + syn + "+0 > S 0:0(0) <mss 1460,sackOK,eol,eol>\n"), "");
  EXPECT_EQ(outcome("`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0`\n" + syn +
                    "+0 > S 0:0(0) <mss 1460,nop,wscale 8>\n"),
            "");
  EXPECT_EQ(outcome("`./set_sysctls.py /proc/sys/net/ipv4/tcp_window_scaling=0`\n" + syn +
                    "+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0>\n"),
            "");
  EXPECT_THAT(outcome("`sysctl -w net.inet.tcp.blackhole=2`\n" + syn), HasSubstr("skip: net.inet.tcp.blackhole"));
}

TEST(RelaxedScript, SkipsWhatOurHostsDoNotHave) {
  const std::string syn = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  EXPECT_EQ(outcome(syn + "+0 > S 0:0(0) <mss 1460,FO>\n"), "skip: TCP fast open (RFC 7413)");
  EXPECT_EQ(outcome(syn + "+0 sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10\n"), "skip: TCP fast open (RFC 7413)");
  EXPECT_EQ(outcome(syn + "+0 < S 0:0(0) win 1 <mss 1460,md5>\n"), "skip: TCP MD5 signatures (RFC 2385)");
  EXPECT_EQ(outcome(syn + "+0 < S 0:0(0) win 1 <mp_capable v1 flags[flag_h] nokey>\n"),
            "skip: multipath TCP (RFC 8684)");
  EXPECT_THAT(outcome(syn + "+0 > SEW 0:0(0) <...>\n"), HasSubstr("skip: explicit congestion"));
  EXPECT_THAT(outcome(syn + "+0 epoll_create(1) = 5\n"), HasSubstr("skip: the call epoll_create"));
  EXPECT_THAT(outcome(syn + "+0 getsockopt(3, IPPROTO_TCP, TCP_INFO, {...}, [4]) = 0\n"), HasSubstr("skip: TCP_INFO"));
  EXPECT_THAT(outcome(syn + "+0 getsockopt(3, IPPROTO_TCP, TCP_KEEPCNT, [8], [4]) = 0\n"),
              HasSubstr("skip: getsockopt"));
  EXPECT_EQ(outcome("0 socket(..., SOCK_SEQPACKET, IPPROTO_SCTP) = 3\n"), "skip: SCTP");
}

TEST(RelaxedScript, KnowsIcmpAsOthersWriteIt) {
  const std::string write = "+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1\n";
  const std::string smaller =
      "+0 > . 1:601(600) ack 1\n+0 > . 601:1201(600) ack 1\n+0 > . 1201:1801(600) ack 1\n"
      "+0 > P. 1801:2001(200) ack 1\n";
  EXPECT_EQ(after_server(write + "+0 < [1:1001(1000)] icmp unreachable frag_needed mtu 640\n" + smaller), "");
  EXPECT_EQ(after_server(write + "+0 < icmp unreachable frag_needed mtu 640 [1:1001(1000)]\n" + smaller), "");
  EXPECT_EQ(after_server("+0 < icmp echo_request\n+0 < icmp type_255 code_7\n+0 < icmp time_exceeded exceeded_ttl\n"
                         "+0 < icmp unreachable source_route_failed\n+0 write(4, ..., 1) = 1\n+0 > P. 1:2(1) ack 1\n"),
            "");
  EXPECT_THAT(after_server("+0 < icmp nonsense\n"), HasSubstr("t.pkt:9:11: expected unreachable"));
}

TEST(RelaxedScript, ListensAgain) {
  const std::string again =
      "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
      "+0 < S 0:0(0) win 9 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n";
  EXPECT_EQ(after_server("+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n+0 close(3) = 0\n" + again), "");
}

// Whatever is changed in what is expected, it is noticed.
TEST(RelaxedScript, NoticesEveryChange) {
  const std::string lines = std::string(kServer) +
                            "+0 < P. 1001:2001(1000) ack 1 win 257\n+0 > . 1:1(0) ack 1 <sack 1001:2001>\n"
                            "+0 write(4, ..., 4000) = 4000\n+0 > P. 1:4001(4000) ack 1\n";
  ASSERT_EQ(outcome(lines), "");
  const std::pair<const char*, const char*> changes[] = {{"> S. 0:0(0) ack 1", "> S 0:0(0)"},
                                                         {"> S. 0:0(0) ack 1", "> S. 0:0(0) ack 2"},
                                                         {"mss 1460", "mss 1459"},
                                                         {"> S. 0:0(0)", "> S. 1:1(0)"},
                                                         {"nop,nop,sackOK,nop", "nop"},
                                                         {"nop,wscale 8", "nop"},
                                                         {"<sack 1001:2001>", "<sack 1001:2002>"},
                                                         {"<sack 1001:2001>", ""},
                                                         {"> . 1:1(0) ack 1 ", "> . 1:1(0) ack 2 "},
                                                         {"> . 1:1(0) ack 1 ", "> P. 1:1(0) ack 1 "},
                                                         {"1:4001(4000)", "1:4002(4001)"},
                                                         {"1:4001(4000)", "2:4002(4000)"},
                                                         {"1:4001(4000) ack 1", "1:4001(4000) ack 9"}};
  for (const auto& [from, to] : changes) {
    std::string text = lines;
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    EXPECT_THAT(outcome(text.replace(at, std::string(from).size(), to)), HasSubstr("expected")) << from << " to " << to;
  }
}

TEST(RelaxedScript, SaysWhatItPassedOver) {
  const auto script = read("--code_command=x\n0 `ls -l`\n+0 %{ assert tcpi_state == 1 }%\n");
  ASSERT_TRUE(script) << script.error();
  EXPECT_THAT(script->notes, Contains(HasSubstr("option --code_command=x has no meaning here")));
  EXPECT_THAT(script->notes, Contains(HasSubstr("line 2: shell command not run, its settings")));
  EXPECT_THAT(script->notes, Contains(HasSubstr("line 3: block of code not run")));
  const auto strict =
      parse_script("--strict\n0 quiet\n", "t.pkt", {.strict = false, .definitions = {}, .v6 = {}, .tolerance = {}});
  ASSERT_TRUE(strict) << strict.error();
  EXPECT_TRUE(strict->strict);
  EXPECT_THAT(strict->notes, IsEmpty());
}

}  // namespace
}  // namespace myriad::scripts
