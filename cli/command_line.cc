#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>

#include "templates/plan/problems.h"

namespace myriad::cli {
namespace {

constexpr const char* kAbout =
    "Myriad gives one network port the voices of thousands of hosts: each has its own MAC and IP addresses, answers "
    "ARP,\n"
    "neighbour discovery and ping, and holds real TCP conversations with whatever is under test.";

constexpr const char* kExitCodes =
    "Exit codes: 0 done, thresholds hold; 1 failed while running; 2 usage or scenario is wrong; 3 this machine "
    "cannot;\n"
    "4 the target never answered; 99 a threshold failed; 130 interrupted, results so far are written.";

void add_run_options(CLI::App& app, RunOptions& options) {
  static const std::map<std::string, plan::PortMode> kModes = {{"auto", plan::PortMode::kAuto},
                                                               {"zero-copy", plan::PortMode::kZeroCopy},
                                                               {"copy", plan::PortMode::kCopy},
                                                               {"skb", plan::PortMode::kSkb}};
  app.add_option_function<std::string>(
         "--mode", [&options](const std::string& text) { options.mode = kModes.at(text); },
         "How frames cross to the kernel: auto, zero-copy, copy, skb")
      ->check(CLI::IsMember({"auto", "zero-copy", "copy", "skb"}))
      ->type_name("MODE");
  app.add_option("--json", options.json, "Write the result document; - is stdout, in place of the summary")
      ->type_name("FILE|-");
  app.add_option("--hosts-json", options.hosts_json,
                 "Write a line of JSON for each host: its sessions, failures, times")
      ->type_name("FILE");
  app.add_option("--events", options.events, "Write JSON lines while running, one a second")->type_name("FILE");
  app.add_option("--report", options.report, "Write a page with plots, tables and the scenario; opens offline")
      ->type_name("FILE.html");
  app.add_option("--metrics", options.metrics, "Serve metrics for Prometheus on this address, e.g. 127.0.0.1:9477")
      ->type_name("ADDR:PORT");
  app.add_option("--capture", options.capture, "Write every frame with its host's name")->type_name("FILE.pcapng");
  app.add_option("--capture-filter", options.capture_filter, "Write only these frames, e.g. 'arp or tcp port 80'")
      ->type_name("EXPRESSION");
  app.add_flag("--quiet,-q", options.quiet, "No progress on stderr");
  app.add_flag("--verbose,-v", options.verbose, "Say what was obtained: modes, queues, what was refused");
  app.add_flag("--allow-default-route", options.allow_default_route,
               "Use a port even when it carries this machine's default route");
}

void add_scenario_options(CLI::App& app, ScenarioOptions& options) {
  app.add_option("FILE", options.file, "The scenario")->required()->type_name("FILE.yaml");
  app.add_option("-i,--interface", options.interfaces, "Bind a port of the scenario to an interface")
      ->type_name("NAME=IFACE")
      ->allow_extra_args(false);
  app.add_option("--set", options.set, "Replace a value of the scenario, e.g. workloads.fetch.load.total=100")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  app.add_option("--duration", options.duration, "Of the whole run, e.g. 30s")->type_name("TIME");
  app.add_option("--seed", options.seed, "Same seed, same bytes")->type_name("N");
}

void add_hosts_options(CLI::App& app, HostsCommand& hosts) {
  app.add_option("-i,--interface", hosts.interface, "The interface")->required()->type_name("IFACE");
  app.add_option("--count", hosts.count, "How many hosts")->check(CLI::Range(1U, 16'777'216U))->type_name("N");
  app.add_option("--ipv4", hosts.ipv4, "IPv4 address and prefix of the first host; then +1 each")
      ->type_name("ADDRESS/LENGTH");
  app.add_option("--ipv6", hosts.ipv6, "IPv6 address and prefix of the first host; then +1 each")
      ->type_name("ADDRESS/LENGTH");
  app.add_option("--mac", hosts.mac, "MAC address of the first host, or from-ipv4")->type_name("MAC");
  app.add_option("--gateway", hosts.gateway, "IPv4 next hop for what is not on the link")->type_name("ADDRESS");
  app.add_option("--gateway6", hosts.gateway6, "The same for IPv6")->type_name("ADDRESS");
  app.add_option("--vlan", hosts.vlan, "VLAN identifier, or two for QinQ: 100,7")->type_name("ID[,ID]");
  app.add_option("--duration", hosts.duration, "How long; without it until ^C")->type_name("TIME");
  add_run_options(app, hosts.run);
}

void add_send_options(CLI::App& app, SendCommand& send) {
  plan::SendOptions& flow = send.flow;
  app.add_option("-i,--interface", flow.interface, "The interface")->required()->type_name("IFACE");
  app.add_option("--packet", flow.packet,
                 "Layers as in a scenario, e.g. 'ethernet: {dst: 02:00:00:00:00:01}, ipv4: {dst: 10.0.0.2}, "
                 "udp: {dst: {increment: {start: 5000, count: 64}}}, payload: {text: hi}'")
      ->required()
      ->type_name("LAYERS");
  app.add_option("--size", flow.size, "Of frames with FCS: 64B, {random: {min: 64B, max: 1518B}}, {imix: default}")
      ->type_name("SIZE");
  app.add_option("--rate", flow.rate, "10kpps, 100Mbps or max")->type_name("RATE");
  app.add_option("--count", flow.count, "How many frames; without it and --duration until ^C")->type_name("N");
  app.add_option("--duration", flow.duration, "How long, e.g. 30s")->type_name("TIME");
  app.add_option("--data", flow.data, "A frame for each row of this file; a field says {column: NAME}")
      ->type_name("FILE.csv");
  app.add_option("--mutate", flow.mutate, "Flip bits, e.g. '{bits: 1%, seed: 7}'")->type_name("MUTATION");
  app.add_option("--seed", flow.seed, "Same seed, same bytes")->type_name("N");
  add_run_options(app, send.run);
}

void add_replay_options(CLI::App& app, ReplayCommand& replay) {
  app.add_option("FILE", replay.file, "The capture: pcap or pcapng, also in gzip")->required()->type_name("FILE.pcap");
  app.add_option("-i,--interface", replay.interface, "The interface")->required()->type_name("IFACE");
  CLI::Option_group* const speed = app.add_option_group("Speed", "As captured, unless one of these is given");
  speed->add_option("-x,--multiplier", replay.multiplier, "So many times as fast as captured")->type_name("N");
  speed->add_option("-p,--pps", replay.pps, "Frames a second")->type_name("N");
  speed->add_option("-M,--mbps", replay.mbps, "Megabits a second, of frames with FCS")->type_name("N");
  speed->add_flag("-t,--topspeed", replay.topspeed, "As fast as possible");
  speed->require_option(0, 1);
  app.add_option("-l,--loop", replay.loop, "How often; 0: until ^C")->type_name("N");
  app.add_option("-L,--limit", replay.limit, "Frames to be sent, of all loops together")->type_name("N");
  app.add_option("--duration", replay.duration, "How long: seconds, or with a unit as in 2m")->type_name("TIME");
  app.add_option("--map-ipv4", replay.map.ipv4, "Sources become hosts: address and prefix of the first, then +1 each")
      ->type_name("ADDRESS/LENGTH");
  app.add_option("--map-ipv6", replay.map.ipv6, "The same for IPv6")->type_name("ADDRESS/LENGTH");
  app.add_option("--map-mac", replay.map.mac, "MAC address of the first host, or from-ipv4")->type_name("MAC");
  app.add_option("--map-vlan", replay.map.vlan, "VLAN identifier of the hosts, or two for QinQ: 100,7")
      ->type_name("ID[,ID]");
  app.add_option("--map-hosts", replay.map.count, "How many hosts; more sources begin again with the first")
      ->check(CLI::Range(1U, 16'777'216U))
      ->type_name("N");
  add_run_options(app, replay.run);
}

// What CLI11 found wrong, in our words and with our exit code.
Failure usage_failure(const CLI::ParseError& error, const CLI::App& app, const std::vector<std::string>& arguments) {
  if (app.get_subcommands().empty() && !arguments.empty() && !arguments[0].starts_with("-")) {
    static constexpr std::string_view kVerbs[] = {"run",    "validate", "hosts", "send",
                                                  "replay", "doctor",   "list",  "demo"};
    return fail(Fault::kUsage, "there is no command " + plan::quoted(arguments[0]),
                plan::did_you_mean(arguments[0], kVerbs));
  }
  std::string help = "myriad";
  for (const CLI::App* verb : app.get_subcommands()) help += " " + verb->get_name();
  std::string what = error.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  return fail(Fault::kUsage, what, "see " + help + " --help");
}

struct Parsed {
  RunCommand run;
  ValidateCommand validate;
  HostsCommand hosts;
  SendCommand send;
  ReplayCommand replay;
  DoctorCommand doctor;
  DemoCommand demo;
  std::string list_what;
};

Result<Command> list_command(const std::string& what) {
  if (what == "interfaces") return Command{ListCommand{ListCommand::What::kInterfaces}};
  if (what == "metrics") return Command{ListCommand{ListCommand::What::kMetrics}};
  if (what == "protocols") return Command{ListCommand{ListCommand::What::kProtocols}};
  if (what == "fields") return Command{ListCommand{ListCommand::What::kFields}};
  return fail(Fault::kUsage, "there is no list of '" + what + "'", "there are: interfaces, protocols, fields, metrics");
}

Result<Command> hosts_command(HostsCommand hosts) {
  if (!hosts.ipv4 && !hosts.ipv6) {
    return fail(Fault::kUsage, "hosts need addresses", "say --ipv4 ADDRESS/LENGTH, --ipv6 ADDRESS/LENGTH or both");
  }
  return Command{std::move(hosts)};
}

}  // namespace

Result<Command> parse_command_line(const std::vector<std::string>& arguments) {
  Parsed parsed;
  CLI::App app{kAbout, "myriad"};
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.set_version_flag("--version,-V", version_text());
  app.set_help_flag("--help,-h", "Print this help");

  CLI::App* const run = app.add_subcommand("run", "Run a scenario to its end or to ^C; both give the full result");
  add_scenario_options(*run, parsed.run.scenario);
  add_run_options(*run, parsed.run.run);
  CLI::App* const validate = app.add_subcommand("validate", "Read and check a scenario; no privilege, no device");
  add_scenario_options(*validate, parsed.validate.scenario);
  CLI::App* const hosts = app.add_subcommand("hosts", "Be these hosts until ^C: ARP, NDP, ping, closed ports refuse");
  add_hosts_options(*hosts, parsed.hosts);
  CLI::App* const send = app.add_subcommand("send", "Send one flow of crafted frames, described on the command line");
  add_send_options(*send, parsed.send);
  CLI::App* const replay = app.add_subcommand("replay", "Send a capture again, as it is or as hosts of ours");
  add_replay_options(*replay, parsed.replay);
  CLI::App* const doctor = app.add_subcommand("doctor", "Can this machine and this port do it, and what mends it");
  doctor->add_option("IFACE", parsed.doctor.interface, "A port to look at; without it, all in a line each")
      ->type_name("");
  CLI::App* const list = app.add_subcommand("list", "List interfaces, protocols, fields or metrics");
  list->add_option("WHAT", parsed.list_what, "interfaces, protocols, fields or metrics")->required()->type_name("");
  CLI::App* const demo = app.add_subcommand("demo", "Proof without hardware: own namespaces, 1,000 hosts, a verdict");
  demo->add_flag("--builtin-server", parsed.demo.builtin_server, "Do not use nginx, even where it is installed");
  add_run_options(*demo, parsed.demo.run);

  // CLI11 takes them last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForVersion&) {
    return Command{PrintCommand{version_text()}};
  } catch (const CLI::CallForHelp&) {
    return Command{PrintCommand{app.help()}};
  } catch (const CLI::CallForAllHelp&) {
    return Command{PrintCommand{app.help("", CLI::AppFormatMode::All)}};
  } catch (const CLI::ParseError& error) {
    return usage_failure(error, app, arguments);
  }
  if (run->parsed()) return Command{std::move(parsed.run)};
  if (validate->parsed()) return Command{std::move(parsed.validate)};
  if (hosts->parsed()) return hosts_command(std::move(parsed.hosts));
  if (send->parsed()) {
    if (parsed.send.run.mode) parsed.send.flow.mode = *parsed.send.run.mode;
    return Command{std::move(parsed.send)};
  }
  if (replay->parsed()) return Command{std::move(parsed.replay)};
  if (doctor->parsed()) return Command{std::move(parsed.doctor)};
  if (list->parsed()) return list_command(parsed.list_what);
  return Command{std::move(parsed.demo)};
}

std::string version_text() {
  return "myriad " MYRIAD_VERSION
         "\n"
         "features: ARP, NDP, ICMP, ICMPv6, UDP, TCP; workloads http, icmp_echo, tcp; services http, echo, discard;\n"
         "          flows, capture, events\n"
         "libraries: libbpf " MYRIAD_LIBBPF_VERSION ", libxdp " MYRIAD_LIBXDP_VERSION
         ", yaml-cpp " MYRIAD_YAML_CPP_VERSION ", Boost " MYRIAD_BOOST_VERSION ", OpenSSL " MYRIAD_OPENSSL_VERSION "\n";
}

}  // namespace myriad::cli
