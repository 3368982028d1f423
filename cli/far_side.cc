#include "cli/far_side.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include "cli/demo_network.h"
#include "cli/kernel_http.h"
#include "cli/socket_address.h"

namespace myriad::cli {
namespace {

// Files of the child go here: a file system in memory that only the child sees.
constexpr const char* kPrivateFolder = "/tmp";
constexpr auto kServerStart = std::chrono::seconds{5};
constexpr int kPingRounds = 3;
constexpr auto kPingPatience = std::chrono::milliseconds{2500};

// The two processes talk in whole messages, each a word and what belongs to it.
bool send_text(int channel, const std::string& text) {
  return ::send(channel, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// Nullopt when the other side is gone.
std::optional<std::string> receive_text(int channel) {
  std::array<char, 4096> text{};
  ssize_t got = 0;
  do {
    got = ::recv(channel, text.data(), text.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(got));
}

std::optional<std::string> after_word(const std::string& text, std::string_view word) {
  if (!text.starts_with(word)) return std::nullopt;
  return text.substr(word.size());
}

// --- the child -------------------------------------------------------------------------------------------------------

std::string find_nginx() {
  for (const char* folder : {"/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin", "/usr/bin", "/usr/local/bin"}) {
    const std::string path = std::string(folder) + "/nginx";
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

std::string nginx_configuration(const FarSideOptions& options) {
  const std::string folder = kPrivateFolder;
  return fmt::format(
      "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\nerror_log stderr warn;\n"
      "events {{ worker_connections 16384; }}\n"
      "http {{\n  access_log off;\n  sendfile on;\n  default_type application/octet-stream;\n"
      "  client_body_temp_path {0}/body;\n  proxy_temp_path {0}/proxy;\n  fastcgi_temp_path {0}/fastcgi;\n"
      "  uwsgi_temp_path {0}/uwsgi;\n  scgi_temp_path {0}/scgi;\n"
      "  server {{\n    listen {1}:{3} backlog=4096;\n    listen [{2}]:{3} backlog=4096 ipv6only=on;\n"
      "    root {0}/www;\n  }}\n}}\n",
      folder, options.ipv4.text(), options.ipv6.text(), options.port.number);
}

bool write_file(const std::string& path, const void* data, std::size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  return file.good();
}

class Child {
 public:
  Child(const FarSideOptions& options, int channel) : options_(options), channel_(channel) {}

  [[noreturn]] void run() {
    if (const std::string trouble = make_private(); !trouble.empty()) leave("failed " + trouble);
    for (;;) {
      const auto order = receive_text(channel_);
      if (!order) ::_exit(0);
      if (*order == "set up") {
        const auto served_by = set_up();
        send_text(channel_, served_by ? "serving " + *served_by : "failed " + served_by.error().message());
      } else if (*order == "ping") {
        ping();
      }
    }
  }

 private:
  [[noreturn]] void leave(const std::string& last_words) {
    send_text(channel_, last_words);
    ::_exit(1);
  }

  // Dies with the parent, hears no ^C, and has a folder that nobody else sees.
  static std::string make_private() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setsid();
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", kPrivateFolder, "tmpfs", MS_NOSUID | MS_NODEV, "size=256m") != 0) {
      return std::string("mounting a private folder: ") + std::generic_category().message(errno);
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    return {};
  }

  Result<std::string> set_up() {
    if (auto done = set_up_network(); !done) return tl::unexpected(done.error());
    if (!options_.builtin_server) {
      if (const std::string nginx = find_nginx(); !nginx.empty()) return start_nginx(nginx);
    }
    return start_builtin();
  }

  Result<void> set_up_network() {
    // Its own link-local address is to be usable at once as well; where this cannot be written it waits a second.
    std::ofstream{"/proc/sys/net/ipv6/conf/default/accept_dad"} << "0\n";
    std::ofstream{"/proc/sys/net/ipv6/conf/" + options_.interface + "/accept_dad"} << "0\n";
    if (auto done = myriad::cli::set_up("lo"); !done) return done;
    if (auto done = myriad::cli::set_up(options_.interface); !done) return done;
    if (auto done = add_address(options_.interface, options_.ipv4, options_.ipv4_prefix); !done) return done;
    if (auto done = add_address(options_.interface, options_.ipv6, options_.ipv6_prefix); !done) return done;
    if (auto done = reserve_neighbours(options_.interface, options_.neighbours4.first, options_.neighbours4.count);
        !done) {
      return done;
    }
    return reserve_neighbours(options_.interface, options_.neighbours6.first, options_.neighbours6.count);
  }

  Result<std::string> start_nginx(const std::string& nginx) {
    const std::string folder = kPrivateFolder;
    const std::string configuration = nginx_configuration(options_);
    ::mkdir((folder + "/www").c_str(), 0755);
    if (!write_file(folder + "/nginx.conf", configuration.data(), configuration.size()) ||
        !write_file(folder + "/www/" + options_.file_name, options_.file.data(), options_.file.size())) {
      return fail(Fault::kMachine, "writing the files of nginx");
    }
    const std::string log = folder + "/nginx.log";
    const pid_t process = ::fork();
    if (process < 0) return fail(Fault::kMachine, "starting nginx", {}, errno);
    if (process == 0) run_nginx(nginx, folder + "/nginx.conf", log);
    if (!wait_until_it_serves(process)) {
      std::ifstream in(log);
      std::string said{std::istreambuf_iterator<char>(in), {}};
      return fail(Fault::kMachine, "nginx does not serve: " + said.substr(0, 500));
    }
    return version_of(nginx);
  }

  [[noreturn]] void run_nginx(const std::string& nginx, const std::string& configuration, const std::string& log) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const int in = ::open("/dev/null", O_RDONLY);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::close_range(3, ~0U, 0);
    ::execl(nginx.c_str(), nginx.c_str(), "-e", "stderr", "-c", configuration.c_str(), "-p", kPrivateFolder, nullptr);
    ::_exit(127);
  }

  // "nginx/1.22.1", as it says by itself.
  static std::string version_of(const std::string& nginx) {
    std::FILE* const pipe = ::popen((nginx + " -v 2>&1").c_str(), "r");
    if (pipe == nullptr) return "nginx";
    std::array<char, 256> line{};
    const bool any = std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr;
    ::pclose(pipe);
    const std::string text = any ? line.data() : "";
    const std::size_t at = text.find("nginx/");
    return at == std::string::npos ? "nginx" : text.substr(at, text.find_first_of(" \n", at) - at);
  }

  Result<std::string> start_builtin() {
    auto server = KernelHttp::listen({options_.ipv4, options_.ipv6}, options_.port, options_.file);
    if (!server) return tl::unexpected(server.error());
    const pid_t process = ::fork();
    if (process < 0) return fail(Fault::kMachine, "starting the HTTP server", {}, errno);
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::array<int, 2> never{};
      if (::pipe2(never.data(), O_CLOEXEC) == 0) server->serve_until(never[0]);
      ::_exit(0);
    }
    return std::string("a built-in server (nginx is not installed)");
  }

  [[nodiscard]] bool wait_until_it_serves(pid_t server) const {
    const auto end = std::chrono::steady_clock::now() + kServerStart;
    while (std::chrono::steady_clock::now() < end) {
      if (accepts(options_.ipv4) && accepts(options_.ipv6)) return true;
      if (::waitpid(server, nullptr, WNOHANG) == server) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return false;
  }
  [[nodiscard]] bool accepts(const IpAddress& address) const {
    const SocketAddress name{address, options_.port};
    const int socket = ::socket(name.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = socket >= 0 && ::connect(socket, name.get(), name.size()) == 0;
    if (socket >= 0) ::close(socket);
    return connected;
  }

  void ping() {
    const auto v4 = ping_all(options_.neighbours4, kPingRounds, kPingPatience);
    if (!v4) return (void)send_text(channel_, "failed " + v4.error().message());
    const auto v6 = ping_all(options_.neighbours6, kPingRounds, kPingPatience);
    if (!v6) return (void)send_text(channel_, "failed " + v6.error().message());
    send_text(channel_, fmt::format("pinged {} {} {} {}", v4->answered, v4->requests, v6->answered, v6->requests));
  }

  const FarSideOptions& options_;
  int channel_;
};

Failure gone() { return fail(Fault::kRun, "the far side of the demo has ended unexpectedly"); }

}  // namespace

Result<std::unique_ptr<FarSide>> FarSide::start(const FarSideOptions& options) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail(Fault::kMachine, "opening a channel to the far side", {}, errno);
  }
  std::fflush(nullptr);
  clone_args arguments{};
  arguments.flags = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS;
  arguments.exit_signal = SIGCHLD;
  const long process = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (process == 0) {
    ::close(ends[0]);
    Child{options, ends[1]}.run();
  }
  const int error = errno;
  ::close(ends[1]);
  if (process < 0) {
    ::close(ends[0]);
    return fail(Fault::kMachine, "making namespaces for the far side of the demo",
                error == EPERM ? "run it with sudo" : "", error);
  }
  return std::unique_ptr<FarSide>(new FarSide(static_cast<pid_t>(process), ends[0]));
}

FarSide::~FarSide() {
  ::close(channel_);
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {}
}

Result<std::string> FarSide::set_up() {
  if (!send_text(channel_, "set up")) return gone();
  const auto answer = receive_text(channel_);
  if (!answer) return gone();
  if (const auto who = after_word(*answer, "serving ")) return *who;
  const auto why = after_word(*answer, "failed ");
  return fail(Fault::kMachine, "the far side of the demo: " + why.value_or(*answer));
}

Result<void> FarSide::begin_pings() {
  if (!send_text(channel_, "ping")) return gone();
  return {};
}

std::optional<Result<PingReport>> FarSide::pings() {
  pollfd ready{channel_, POLLIN, 0};
  if (::poll(&ready, 1, 0) != 1) return std::nullopt;
  const auto answer = receive_text(channel_);
  if (!answer) return Result<PingReport>{gone()};
  PingReport report;
  if (std::sscanf(answer->c_str(), "pinged %u %u %u %u", &report.ipv4.answered, &report.ipv4.requests,
                  &report.ipv6.answered, &report.ipv6.requests) == 4) {
    return Result<PingReport>{report};
  }
  return Result<PingReport>{
      fail(Fault::kRun, "pinging from the far side: " + after_word(*answer, "failed ").value_or(*answer))};
}

}  // namespace myriad::cli
