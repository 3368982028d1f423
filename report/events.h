// The events file: JSON lines, written as they happen (start, progress once a second, link changes, stop), each
// flushed, so that another program can follow it. Owns the file.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "report/result.h"

namespace myriad::report {

class EventLog {
 public:
  // Replaces the file.
  static Result<EventLog> create(const std::string& path);

  void progress(const RunResult& now, const RunResult& before, double interval);
  void event(std::string_view what, double seconds, std::string_view detail,
             std::optional<std::string_view> port = std::nullopt);
  // Closes the file; says whether every line got there. Without it the destructor closes silently.
  Result<void> close();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  EventLog(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  void write(const std::string& line);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  int first_error_ = 0;
};

}  // namespace myriad::report
