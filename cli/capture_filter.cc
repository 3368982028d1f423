#include "cli/capture_filter.h"

#include <pcap/pcap.h>

#include <utility>

namespace myriad::cli {
namespace {

constexpr int kLongestFrame = 65'535;
constexpr int kOptimise = 1;

struct CloseHandle {
  void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};

}  // namespace

struct CaptureFilter::Program {
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { ::pcap_freecode(&code); }
  bpf_program code{};
};

CaptureFilter::CaptureFilter(std::string expression, std::unique_ptr<Program> program)
    : expression_(std::move(expression)), program_(std::move(program)) {}
CaptureFilter::CaptureFilter(CaptureFilter&&) noexcept = default;
CaptureFilter& CaptureFilter::operator=(CaptureFilter&&) noexcept = default;
CaptureFilter::~CaptureFilter() = default;

Result<CaptureFilter> CaptureFilter::compile(std::string expression) {
  const std::unique_ptr<pcap_t, CloseHandle> handle{::pcap_open_dead(DLT_EN10MB, kLongestFrame)};
  if (!handle) return fail(Fault::kMachine, "no memory for --capture-filter");
  auto program = std::make_unique<Program>();
  if (::pcap_compile(handle.get(), &program->code, expression.c_str(), kOptimise, PCAP_NETMASK_UNKNOWN) != 0) {
    return fail(Fault::kUsage, "--capture-filter '" + expression + "': " + ::pcap_geterr(handle.get()),
                "man pcap-filter has the syntax");
  }
  return CaptureFilter{std::move(expression), std::move(program)};
}

bool CaptureFilter::takes(Bytes frame) const {
  const auto length = static_cast<unsigned>(frame.size());
  return ::bpf_filter(program_->code.bf_insns, frame.data(), length, length) != 0;
}

}  // namespace myriad::cli
