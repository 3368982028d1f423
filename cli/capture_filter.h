// --capture-filter: which frames go into the capture, in the syntax of libpcap (`man pcap-filter`). The only place that
// includes libpcap.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace myriad::cli {

class CaptureFilter {
 public:
  // For Ethernet. Fault::kUsage with libpcap's own words when the expression is wrong.
  static Result<CaptureFilter> compile(std::string expression);
  CaptureFilter(CaptureFilter&&) noexcept;
  CaptureFilter& operator=(CaptureFilter&&) noexcept;
  ~CaptureFilter();

  [[nodiscard]] bool takes(Bytes frame) const;
  [[nodiscard]] const std::string& expression() const { return expression_; }

 private:
  struct Program;
  CaptureFilter(std::string expression, std::unique_ptr<Program> program);

  std::string expression_;
  std::unique_ptr<Program> program_;
};

}  // namespace myriad::cli
