#include "cli/demo.h"

#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "app/sha256.h"
#include "base/rng.h"
#include "cli/demo_network.h"
#include "cli/far_side.h"
#include "cli/print.h"
#include "cli/run_scenario.h"
#include "report/format.h"
#include "templates/plan/load.h"

namespace myriad::cli {
namespace {

constexpr std::uint32_t kHosts = 1000;
// A few dozen segments, so that windows open; small enough that a busy laptop is through in seconds.
constexpr std::size_t kFileBytes = std::size_t{64} * 1024;
// Sessions at a time, of each family: what a server sends to that many clients before it hears from them fits in the
// port's rings even when both ends must share the cores with others.
constexpr std::uint32_t kConcurrent = 64;
constexpr std::uint64_t kFileSeed = 1000;
constexpr const char* kNear = "myriad0";
constexpr const char* kFar = "server0";
constexpr const char* kFileName = "file.bin";
constexpr const char* kFirst4 = "10.77.0.1";
constexpr const char* kServer4 = "10.77.255.1";
constexpr const char* kFirst6 = "fd4d:5259:4941:44::1";
constexpr const char* kServer6 = "fd4d:5259:4941:44::ffff:1";
// Both fetches and both rounds of pings are over in a few seconds; this is for a machine that is busy with other
// things.
constexpr const char* kDuration = "18s";

std::vector<std::uint8_t> file_content() {
  std::vector<std::uint8_t> content(kFileBytes);
  Rng rng{kFileSeed};
  for (std::size_t at = 0; at + 8 <= content.size(); at += 8) store_be64(content.data() + at, rng.next());
  return content;
}

std::string sha256_text(Bytes content) {
  app::Sha256 digest;
  digest.add(content);
  std::string text;
  for (const std::uint8_t byte : digest.finish()) text += fmt::format("{:02x}", byte);
  return text;
}

std::string demo_scenario(const std::string& sha256) {
  std::string text = fmt::format(
      "version: 1\nduration: {}\nports:\n  lan: {{interface: {}}}\nhosts:\n"
      "  clients: {{port: lan, count: {}, mac: \"02:4d:00:00:00:01\", ipv4: {}/16, ipv6: \"{}/64\"}}\nworkloads:\n",
      kDuration, kNear, kHosts, kFirst4, kFirst6);
  const auto fetch = [&](const char* name, const std::string& to) {
    text += fmt::format(
        "  {}: {{from: clients, to: \"{}:80\", http: {{get: /{}, verify: {{sha256: {}}}}}, load: {{concurrent: {}, "
        "total: {}, timeout: 15s}}}}\n",
        name, to, kFileName, sha256, kConcurrent, kHosts);
  };
  fetch("fetch_ipv4", kServer4);
  fetch("fetch_ipv6", std::string("[") + kServer6 + "]");
  text += fmt::format(
      "thresholds:\n  fetch_ipv4.sessions_verified: [\"== {0}\"]\n  fetch_ipv6.sessions_verified: [\"== {0}\"]\n",
      kHosts);
  return text;
}

Result<plan::Plan> demo_plan(const std::string& sha256) {
  plan::LoadOptions options;
  options.need_interfaces = true;
  auto plan = plan::load_text("demo", demo_scenario(sha256), options);
  if (plan) return std::move(*plan);
  std::string what = "the demo's own scenario is wrong";
  for (const plan::Diagnostic& problem : plan.error()) what += "\n" + problem.text();
  return fail(Fault::kRun, what);
}

Result<std::unique_ptr<FarSide>> make_lab(FarSideOptions options) {
  auto far_side = FarSide::start(options);
  if (!far_side) return far_side;
  // Our own end is in a namespace of its own as well: the machine's interfaces stay as they are.
  if (::unshare(CLONE_NEWNET) != 0) {
    return fail(Fault::kMachine, "making a network namespace", errno == EPERM ? "run it with sudo" : "", errno);
  }
  if (auto made = make_veth(kNear, kFar, (*far_side)->process()); !made) return tl::unexpected(made.error());
  if (auto up = set_up(kNear); !up) return tl::unexpected(up.error());
  return far_side;
}

report::ThresholdResult ping_threshold(const char* family, const PingOutcome& pings) {
  return {fmt::format("hosts that answered the kernel's ping over {} == {}", family, kHosts), pings.answered,
          pings.answered == kHosts};
}

FarSideOptions far_side_options() {
  FarSideOptions options;
  options.interface = kFar;
  options.ipv4 = *IpAddress::parse(kServer4);
  options.ipv6 = *IpAddress::parse(kServer6);
  options.port = Port{80};
  options.file_name = kFileName;
  options.file = file_content();
  options.neighbours4 = {*IpAddress::parse(kFirst4), kHosts};
  options.neighbours6 = {*IpAddress::parse(kFirst6), kHosts};
  return options;
}

}  // namespace

ExitCode demo(const DemoCommand& command, std::vector<std::string> command_line) {
  FarSideOptions options = far_side_options();
  options.builtin_server = command.builtin_server;
  auto plan = demo_plan(sha256_text(options.file));
  if (!plan) return complain(plan.error());
  auto far_side = make_lab(options);
  if (!far_side) return complain(far_side.error());
  const auto server = (*far_side)->set_up();
  if (!server) return complain(server.error());
  if (!command.run.quiet) {
    print_note(fmt::format("{} hosts on one end of a veth; at the other the kernel, with {} and a file of {}",
                           report::count_text(kHosts), *server, report::bytes_text(kFileBytes)));
  }

  std::optional<Result<PingReport>> pings;
  RunHooks hooks;
  hooks.on_ready = [&] { return (*far_side)->begin_pings(); };
  hooks.may_finish = [&] {
    if (!pings) pings = (*far_side)->pings();
    return pings.has_value();
  };
  hooks.on_result = [&](report::RunResult& result) {
    const PingReport report = pings && *pings ? **pings : PingReport{};
    if (!pings) result.notes.emplace_back("the pings were not over in time");
    if (pings && !*pings) result.notes.push_back(pings->error().message());
    result.thresholds.push_back(ping_threshold("IPv4", report.ipv4));
    result.thresholds.push_back(ping_threshold("IPv6", report.ipv6));
  };
  return run_scenario(std::move(*plan), command.run, std::move(command_line), hooks);
}

}  // namespace myriad::cli
