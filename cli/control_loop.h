// The thread that does not touch frames: it waits for signals and for time to pass, and answers whoever asks for
// metrics. Boost.Asio lives in control_loop.cc and metrics_server.cc and nowhere else.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace myriad::cli {

enum class LoopEnd {
  kFinished,  // `finished` said so
  kDuration,  // the time is over
  kSignal,    // SIGINT or SIGTERM, and what was open has ended or had its time
  kBroken,    // `broken` said so
};

struct LoopHooks {
  std::function<void()> on_tick;     // every kTick
  std::function<bool()> finished;    // everything that was to be done is done; asked often
  std::function<bool()> broken;      // it makes no sense to go on; asked often
  std::function<void()> begin_stop;  // the first signal: begin nothing new
  std::function<bool()> all_closed;  // after begin_stop: nothing is open any more
};

struct LoopTimes {
  std::optional<Duration> duration;                   // of the run
  Duration tick = std::chrono::milliseconds{250};     // live enough to watch, rare enough to cost nothing
  Duration question = std::chrono::milliseconds{10};  // how soon the end is noticed
  Duration grace = std::chrono::seconds{3};           // for open sessions after the first signal; a second one ends it
};

// While one lives, SIGINT and SIGTERM end the run instead of the process: from before the first device is touched, so
// that nothing is left half done. Returns from run() once.
class ControlLoop {
 public:
  ControlLoop();
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;
  ~ControlLoop();

  LoopEnd run(const LoopHooks& hooks, const LoopTimes& times);

  // For what else is done on this thread while run() runs, and at no other time.
  [[nodiscard]] boost::asio::io_context& context();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace myriad::cli
