#include "report/events.h"

#include <utility>

#include "report/json.h"

namespace myriad::report {

Result<EventLog> EventLog::create(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr)
    return fail(Fault::kMachine, "cannot write the events file " + path, "choose a path that can be written", errno);
  return EventLog{path, file};
}

void EventLog::write(const std::string& line) {
  if (first_error_ != 0) return;
  if (std::fputs((line + "\n").c_str(), file_.get()) == EOF || std::fflush(file_.get()) != 0) first_error_ = errno;
}

void EventLog::progress(const RunResult& now, const RunResult& before, double interval) {
  write(progress_line(now, before, interval));
}

void EventLog::event(std::string_view what, double seconds, std::string_view detail,
                     std::optional<std::string_view> port) {
  write(event_line(what, seconds, detail, port));
}

Result<void> EventLog::close() {
  if (std::fclose(file_.release()) != 0 && first_error_ == 0) first_error_ = errno;
  if (first_error_ != 0) {
    return fail(Fault::kRun, "the events file " + path_ + " is not complete", "is the disk full?", first_error_);
  }
  return {};
}

}  // namespace myriad::report
