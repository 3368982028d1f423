// Summary, table and number formats: golden texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "report/format.h"
#include "report/summary.h"
#include "report/table.h"
#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Format, Counts) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(count_text(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(Format, Seconds) {
  EXPECT_EQ(seconds_text(0), "0");
  EXPECT_EQ(seconds_text(0.0000001), "100 ns");
  EXPECT_EQ(seconds_text(0.00000123), "1.23 µs");
  EXPECT_EQ(seconds_text(0.01234), "12.3 ms");
  EXPECT_EQ(seconds_text(9.996), "10.0 s");
  EXPECT_EQ(seconds_text(3600), "3600 s");
}

TEST(Format, BitsAndBytes) {
  EXPECT_EQ(bits_rate_text(0), "0 bps");
  EXPECT_EQ(bits_rate_text(1.2e9), "1.20 Gbps");
  EXPECT_EQ(bits_rate_text(999.6e3), "1.00 Mbps");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.00 KiB");
  EXPECT_EQ(bytes_text(5 << 20), "5.00 MiB");
}

TEST(Format, ColumnsCountCodePoints) {
  EXPECT_EQ(columns("µs"), 2U);
  EXPECT_EQ(cut("aµb", 2), "aµ");
  EXPECT_EQ(cut("ab", 5), "ab");
  EXPECT_EQ(left("µ", 3), "µ  ");
  EXPECT_EQ(right("µ", 3), "  µ");
}

TEST(Format, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(valid_utf8("aµ€😀"), "aµ€😀");
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a\xef\xbf\xbd"
            "b");
  for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\x80", "\xf8\x80"}) {
    EXPECT_THAT(valid_utf8(bad), StartsWith("\xef\xbf\xbd")) << bad;
  }
}

TEST(Format, BytesOfStrangersAreHarmless) {
  EXPECT_EQ(escaped("GET /\\ HTTP\r\n\t~"), "GET /\\\\ HTTP\\r\\n\\t~");
  EXPECT_EQ(escaped(std::string_view{"\x1b[2J\0\x7f\xff", 7}), "\\x1b[2J\\x00\\x7f\\xff");
}

TEST(Summary, Golden) {
  EXPECT_EQ(summary_text(sample_result()),
            R"(FAIL  4,990 of 5,000 sessions succeeded, 4,990 verified, 8 failed, in 2.50 s

  fetch        5,000 sessions started, 4,990 succeeded, 8 failed, 2 still open, 4,990 verified
               988 hosts of clients succeeded, 12 failed; at most 1,000 sessions at a time
               failures: refused 5, timeout 3
                                 p50       p90       p99       max
               connect       1.00 ms   1.00 ms   1.00 ms    3.00 s
               session        200 ns    200 ns    200 ns    200 ns
               4.77 MiB received, 488 KiB sent
               tcp: 4 of 20,000 segments sent again (1 timeouts), 0 resets received, 0 bad checksums

  web          17 sessions served, 16.6 KiB sent, 1.66 KiB received

  clients      1,000 hosts; ARP/ND 10 asked, 1,000 answered; 2,000 pings answered
               988 of 1,000 with sessions succeeded; 12 never did:
                 clients[7]    10.0.1.8    refused
                 clients[170]  10.0.1.171  still_open
                 clients[171]  10.0.1.172  timeout, 3 sessions failed
                 and 9 more; --hosts-json FILE names all

  lan          eth1 (veth), copy mode, native XDP, 1 queue, 2 shards
               12,345 frames out (1.00 MiB), 23,456 in (3.00 MiB), 7 left to the kernel
               drops: bad_tcp_checksum 3

  ✗ fetch.sessions_failed == 0  (observed 8)
  ✗ fetch.first_byte_seconds p(99) < 2s  (observed nothing)

  ! something to know
)");
}

TEST(Summary, WithoutWorkloadsItCountsHosts) {
  RunResult result;
  result.hosts.resize(1);
  result.hosts[0].count = 100'000;
  result.seconds = 60;
  EXPECT_THAT(summary_text(result), StartsWith("PASS  100,000 hosts were there, in 60.0 s\n"));
}

TEST(Summary, NamesWhatWasAskedForMostOften) {
  RunResult result;
  ServiceResult& trap = result.services.emplace_back();
  trap.name = "trap";
  trap.on_every_port = true;
  for (std::uint16_t port = 1; port <= 12; ++port) trap.asked.push_back({"10.0.0.1", false, port, 1, ""});
  trap.asked.push_back({"fd00::1", true, 443, 1234, "\x16\x03\x01" + std::string(100, 'x')});
  trap.asked_unlisted = 77;
  const std::string text = summary_text(result);
  EXPECT_THAT(text, HasSubstr("fd00::1  tcp 443     1,234 times  \\x16\\x03\\x01xxxxxxxxxx"));
  EXPECT_LT(text.find("fd00::1"), text.find("10.0.0.1 udp 1 "));
  EXPECT_THAT(text, HasSubstr("10.0.0.1 udp 9           1 times"));
  EXPECT_THAT(text, Not(HasSubstr("udp 10 ")));
  EXPECT_THAT(text, HasSubstr("and 3 more; --json FILE names them"));
  EXPECT_THAT(text, HasSubstr("and 77 times what is not listed"));
  EXPECT_THAT(text, Not(HasSubstr(std::string(50, 'x'))));
}

TEST(Summary, SaysWhoseFaultTheRateIs) {
  RunResult result = sample_result();
  EXPECT_THAT(summary_text(result), Not(HasSubstr("generator-limited")));
  result.workloads[0].generator_limited = true;
  EXPECT_THAT(summary_text(result), HasSubstr("generator-limited"));
}

TEST(Summary, EveryVerdictHasItsWord) {
  RunResult result;
  for (const auto& [verdict, word] : {std::pair{Verdict::kPass, "PASS"},
                                      {Verdict::kFail, "FAIL"},
                                      {Verdict::kNoAnswer, "NO ANSWER"},
                                      {Verdict::kInterrupted, "INTERRUPTED"},
                                      {Verdict::kError, "ERROR"}}) {
    result.verdict = verdict;
    EXPECT_THAT(summary_text(result), StartsWith(word));
  }
}

class Table : public ::testing::Test {
 protected:
  Table() : before_(sample_result()), now_(sample_result()) {
    now_.seconds = 72;
    now_.ports[0].frames_tx += 246'000;
    now_.ports[0].bytes_rx += 250'000'000;
    now_.workloads[0].sessions_succeeded += 4000;
    now_.services[0].sessions += 20;
    now_.workloads[0].sessions_started += 100;
    now_.workloads[0].rate_target = 500;
    FlowResult noise;
    noise.name = "noise";
    noise.rate_unit = "pps";
    noise.rate_target = 10'000;
    before_.flows = {noise};
    noise.rate_achieved = 9950;
    noise.frames_tx = 20'000;
    noise.frames_rx = 90;
    noise.lost = 7;
    noise.latency.record(20'000);
    noise.generator_limited = true;
    now_.flows = {noise};
    ReplayResult morning;
    morning.name = "morning";
    before_.replays = {morning};
    morning.frames_read = 12;
    morning.frames_tx = 10;
    morning.frames_skipped = {{"runt", 2}};
    morning.frames_late = 1;
    morning.lateness.record(1'000'000);
    now_.replays = {morning};
  }
  [[nodiscard]] Moment moment() const { return {now_, before_, 2.0, 90.0}; }
  RunResult before_;
  RunResult now_;
};

TEST_F(Table, Golden) {
  std::string text;
  for (const std::string& line : table_lines(moment(), 120, 40)) text += line + "\n";
  EXPECT_EQ(text,
            R"(myriad  1m12s of 1m30s  seed 42
port     link  frames/s out          in    rate out          in    dropped
lan      up         123,000           0       0 bps   1.00 Gbps          3
workload     open succeeded   failed starts/s      asked  ends/s     p50     p99
fetch           2     8,990        8       50      500/s   2,000  200 ns  200 ns
flow        frames/s     achieved     of asked     arrived      lost     p99
noise         10,000    9.95 kpps      10 kpps          90         7 20.0 µs  generator-limited
replay      frames/s         sent      of read     skipped      late     p99
morning            5           10           12           2         1 1.00 ms
service     sessions per second        sent    received
web               37         10    16.6 KiB    1.66 KiB
hosts          count  ARP/ND asked    answered       pings
clients        1,000            10       1,000       2,000
)");
}

TEST_F(Table, NeverWiderOrHigherThanTheTerminal) {
  for (std::size_t width : {1U, 10U, 40U, 79U}) {
    for (std::size_t height : {1U, 3U, 9U}) {
      const auto lines = table_lines(moment(), width, height);
      EXPECT_LE(lines.size(), height);
      for (const std::string& line : lines) EXPECT_LE(columns(line), width) << line;
    }
  }
}

TEST_F(Table, LongNamesAreCut) {
  now_.ports[0].name = std::string(300, 'x');
  for (const std::string& line : table_lines(moment(), 200, 40)) EXPECT_LT(columns(line), 120U);
}

TEST_F(Table, PlainLine) {
  EXPECT_EQ(plain_line(moment()),
            "1m12s  lan: 123,000 out/s, 0 in/s, 3 dropped  fetch: 2 open, 8,990 ok, 8 failed, 50 started/s of 500/s  "
            "noise: 9.95 kpps of 10 kpps, 7 lost  morning: 10 of 12 frames sent, 1 late  web: 37 served");
  now_.ports[0].link = "down";
  EXPECT_THAT(plain_line(moment()), HasSubstr("link down"));
}

std::string everything_in(std::FILE* file) {
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST_F(Table, AFileGetsAPlainLineEveryFiveSeconds) {
  std::FILE* const file = std::tmpfile();
  ASSERT_EQ(Progress::style_for(file), Progress::Style::kPlain);
  {
    Progress progress{file, Progress::Style::kPlain};
    for (double at : {1.0, 4.9, 5.0, 6.0, 9.0, 23.0, 24.0, 25.0}) {
      now_.seconds = at;
      progress.draw(moment());
    }
  }
  const std::string text = everything_in(file);
  std::fclose(file);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, StartsWith("5s  lan:"));
  EXPECT_THAT(text, HasSubstr("\n23s"));
  EXPECT_THAT(text, HasSubstr("\n25s"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(Table, ATerminalIsRedrawnInPlaceAndGetsItsCursorBack) {
  std::FILE* const file = std::tmpfile();
  {
    Progress progress{file, Progress::Style::kTable};
    progress.draw(moment());
    progress.draw(moment());
    progress.say("link down");
    progress.draw(moment());
  }
  const std::string text = everything_in(file);
  std::fclose(file);
  EXPECT_THAT(text, StartsWith("\x1b[?25l\r\x1b[Jmyriad"));
  // The second table goes over the first; so does the message; the third starts below the message.
  EXPECT_THAT(text, HasSubstr("\n\x1b[13A\r\x1b[Jmyriad"));
  EXPECT_THAT(text, HasSubstr("\n\x1b[13A\r\x1b[Jlink down\n\r\x1b[Jmyriad"));
  EXPECT_EQ(text.substr(text.size() - 6), "\x1b[?25h");
}

TEST_F(Table, KnowsATerminalWhenItSeesOne) {
  int controller = -1;
  int terminal = -1;
  ASSERT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, nullptr), 0);
  std::FILE* const stream = ::fdopen(terminal, "w");
  ::setenv("TERM", "xterm", 1);
  EXPECT_EQ(Progress::style_for(stream), Progress::Style::kTable);
  ::setenv("TERM", "dumb", 1);
  EXPECT_EQ(Progress::style_for(stream), Progress::Style::kPlain);
  std::fclose(stream);
  ::close(controller);
}

TEST_F(Table, QuietSaysNothing) {
  std::FILE* const file = std::tmpfile();
  {
    Progress progress{file, Progress::Style::kNone};
    progress.draw(moment());
  }
  EXPECT_EQ(everything_in(file), "");
  std::fclose(file);
}

}  // namespace
}  // namespace myriad::report
