#include "cli/control_loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/version.hpp>
#include <csignal>

static_assert(BOOST_VERSION >= 108100, "the control loop is written for Boost 1.81 or newer");

namespace myriad::cli {

namespace asio = boost::asio;
using boost::system::error_code;

struct ControlLoop::State {
  asio::io_context context{1};
  asio::signal_set signals{context, SIGINT, SIGTERM};
  asio::steady_timer duration{context};
  asio::steady_timer grace{context};
  asio::steady_timer tick{context};
  asio::steady_timer question{context};
  const LoopHooks* hooks = nullptr;
  LoopTimes times;
  bool stopping = false;
  LoopEnd end = LoopEnd::kFinished;

  void finish(LoopEnd why) {
    end = why;
    context.stop();
  }

  void wait_for_signal() {
    signals.async_wait([this](const error_code& error, int) {
      if (error) return;
      if (stopping) return finish(LoopEnd::kSignal);
      stopping = true;
      if (hooks->begin_stop) hooks->begin_stop();
      grace.expires_after(times.grace);
      grace.async_wait([this](const error_code& cancelled) {
        if (!cancelled) finish(LoopEnd::kSignal);
      });
      wait_for_signal();
    });
  }

  void wait_for_duration() {
    if (!times.duration) return;
    duration.expires_after(*times.duration);
    duration.async_wait([this](const error_code& cancelled) {
      if (!cancelled) finish(stopping ? LoopEnd::kSignal : LoopEnd::kDuration);
    });
  }

  void wait_for_tick() {
    tick.expires_after(times.tick);
    tick.async_wait([this](const error_code& cancelled) {
      if (cancelled) return;
      if (hooks->on_tick) hooks->on_tick();
      wait_for_tick();
    });
  }

  void ask() {
    question.expires_after(times.question);
    question.async_wait([this](const error_code& cancelled) {
      if (cancelled) return;
      if (hooks->broken && hooks->broken()) return finish(LoopEnd::kBroken);
      if (stopping && hooks->all_closed && hooks->all_closed()) return finish(LoopEnd::kSignal);
      if (!stopping && hooks->finished && hooks->finished()) return finish(LoopEnd::kFinished);
      ask();
    });
  }
};

ControlLoop::ControlLoop() : state_(std::make_unique<State>()) {}
ControlLoop::~ControlLoop() = default;

boost::asio::io_context& ControlLoop::context() { return state_->context; }

LoopEnd ControlLoop::run(const LoopHooks& hooks, const LoopTimes& times) {
  state_->hooks = &hooks;
  state_->times = times;
  state_->wait_for_signal();
  state_->wait_for_duration();
  state_->wait_for_tick();
  state_->ask();
  state_->context.run();
  return state_->end;
}

}  // namespace myriad::cli
