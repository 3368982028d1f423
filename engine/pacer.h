// Numbers over time: what `concurrent`, `rate` and `stages` ask for at each moment, and the times at which sessions
// that come at a rate are due. Pure arithmetic on seconds since the start; no clock.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/time.h"
#include "templates/plan/plan.h"

namespace myriad::engine {

// A function of time in straight pieces: a constant for ever, or stages that each lead from the target before (the
// first from 0) to their own.
class Profile {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  explicit Profile(double constant) { pieces_.push_back({0, kNever, constant, 0, 0}); }
  explicit Profile(const std::vector<plan::LoadStage>& stages) {
    double from = 0;
    double value = 0;
    double integral = 0;
    for (const plan::LoadStage& stage : stages) {
      const double length = to_seconds(stage.duration);
      if (length > 0) {
        pieces_.push_back({from, from + length, value, (stage.target - value) / length, integral});
        integral += length * (value + stage.target) / 2;
        from += length;
      }
      value = stage.target;  // a stage of no length is a jump
    }
    total_ = integral;
    end_ = from;
  }

  [[nodiscard]] double end() const { return end_; }
  // What is asked for at `t` seconds; 0 before the start and from the end on.
  [[nodiscard]] double value(double t) const {
    const Piece* const piece = at(t);
    return piece == nullptr ? 0 : piece->value(t);
  }
  // Its integral from 0 to `t`.
  [[nodiscard]] double integral(double t) const {
    if (t >= end_) return total_;
    const Piece* const piece = at(t);
    return piece == nullptr ? 0 : piece->integral(t);
  }
  // The earliest time >= `from` when the value is at least `wanted`; kNever when it never is.
  [[nodiscard]] double when_value(double wanted, double from) const {
    for (const Piece* piece = at(from); piece != nullptr && piece != pieces_.data() + pieces_.size(); ++piece) {
      const double begin = std::max(from, piece->from);
      if (piece->value(begin) >= wanted) return begin;
      if (piece->slope <= 0) continue;
      const double t = piece->from + (wanted - piece->first) / piece->slope;
      if (t < piece->to) return std::max(t, begin);
    }
    return kNever;
  }
  // The earliest time when the integral exceeds `amount`, however little.
  [[nodiscard]] double when_integral(double amount) const {
    for (const Piece& piece : pieces_) {
      const bool here = piece.to == kNever ? piece.first > 0 : piece.integral(piece.to) > amount;
      if (here) return piece.when_integral(amount);
    }
    return kNever;
  }

 private:
  struct Piece {
    double from;
    double to;
    double first;   // value at `from`
    double slope;   // per second
    double before;  // integral up to `from`

    [[nodiscard]] double value(double t) const { return first + slope * (t - from); }
    [[nodiscard]] double integral(double t) const {
      const double x = t - from;
      return before + x * (first + slope * x / 2);
    }
    // Solves before + first·x + slope·x²/2 = amount, in the form that does not lose digits when slope is small.
    [[nodiscard]] double when_integral(double amount) const {
      const double rest = amount - before;
      if (rest <= 0) return from;
      const double root = std::sqrt(std::max(0.0, first * first + 2 * slope * rest));
      return from + 2 * rest / (first + root);
    }
  };

  [[nodiscard]] const Piece* at(double t) const {
    if (t < 0 || t >= end_) return nullptr;
    const auto after =
        std::upper_bound(pieces_.begin(), pieces_.end(), t, [](double v, const Piece& p) { return v < p.from; });
    return &*std::prev(after);
  }

  std::vector<Piece> pieces_;
  double total_ = kNever;
  double end_ = kNever;
};

// Sessions at a rate, over all shards: the n-th (from 0) is due when the integral of the rate has come to n. Over any
// time T at a constant rate R there are exactly R·T of them, to the next whole one.
class Pacer {
 public:
  explicit Pacer(Profile rate) : rate_(std::move(rate)) {}

  // How many are due up to and with `t`.
  [[nodiscard]] std::uint64_t quota(double t) const {
    const double integral = rate_.integral(t);
    if (t >= rate_.end()) return static_cast<std::uint64_t>(std::ceil(integral - kRounding));
    if (integral <= 0 && rate_.value(t) <= 0) return 0;
    return static_cast<std::uint64_t>(integral + kRounding) + 1;
  }
  // When the n-th is due; kNever when there will never be that many.
  [[nodiscard]] double when(std::uint64_t n) const { return rate_.when_integral(static_cast<double>(n)); }
  [[nodiscard]] const Profile& rate() const { return rate_; }

 private:
  // A time in nanoseconds is not exactly n / rate; a session is not put off by a nanosecond for that.
  static constexpr double kRounding = 1e-6;

  Profile rate_;
};

}  // namespace myriad::engine
