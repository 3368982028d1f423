// What the page of --report is made of besides its numbers: files of report/page and report/uplot, which the build
// turns into constants.
#pragma once

#include <string_view>

namespace myriad::report {

extern const std::string_view kPageScript;
extern const std::string_view kPageStyle;
extern const std::string_view kUplotScript;
extern const std::string_view kUplotStyle;
extern const std::string_view kUplotLicense;

}  // namespace myriad::report
