// What a timer costs, with few and with many of them armed.
#include "stack/timer_wheel.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "base/rng.h"

namespace myriad::stack {
namespace {

// A wheel with `count` timers within the next minute, and their names.
std::vector<TimerId> fill(TimerWheel& wheel, std::uint32_t count, Rng& rng) {
  std::vector<TimerId> timers(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    timers[i] = wheel.arm(Instant{static_cast<std::int64_t>(rng.next() % 60'000'000'000ULL)}, 0, i);
  }
  return timers;
}

void arm_and_cancel(benchmark::State& state) {
  TimerWheel wheel;
  Rng rng{1};
  fill(wheel, static_cast<std::uint32_t>(state.range(0)), rng);
  std::int64_t deadline = 0;
  for (auto _ : state) {
    deadline = (deadline + 7'919'000) % 60'000'000'000;
    TimerId id = wheel.arm(Instant{deadline}, 0, 1);
    benchmark::DoNotOptimize(id);
    wheel.cancel(id);
  }
}
BENCHMARK(arm_and_cancel)->Arg(0)->Arg(1000)->Arg(1'000'000);

// What a busy connection does with every segment.
void put_off(benchmark::State& state) {
  TimerWheel wheel;
  Rng rng{1};
  auto timers = fill(wheel, static_cast<std::uint32_t>(state.range(0)), rng);
  std::size_t next = 0;
  std::int64_t deadline = 60'000'000'000;
  for (auto _ : state) {
    wheel.rearm(timers[next], Instant{++deadline}, 0, 1);
    next = (next + 1) % timers.size();
  }
}
BENCHMARK(put_off)->Arg(1000)->Arg(1'000'000);

// A turn of the crank: time moves on by 100 µs, what is due fires and is armed again a second later.
void advance(benchmark::State& state) {
  TimerWheel wheel;
  const auto count = static_cast<std::uint32_t>(state.range(0));
  for (std::uint32_t i = 0; i < count; ++i) wheel.arm(Instant{std::int64_t{i} * 1'000'000'000 / count}, 0, i);
  Instant now;
  std::uint64_t fired = 0;
  for (auto _ : state) {
    now = now + std::chrono::microseconds{100};
    fired += wheel.advance(now, [&](std::uint8_t kind, std::uint32_t subject) {
      wheel.arm(now + std::chrono::seconds{1}, kind, subject);
    });
  }
  state.counters["fired_per_turn"] = benchmark::Counter(static_cast<double>(fired), benchmark::Counter::kAvgIterations);
}
BENCHMARK(advance)->Arg(1000)->Arg(1'000'000);

}  // namespace
}  // namespace myriad::stack
