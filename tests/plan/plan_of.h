// Short forms for tests of the reader.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "templates/plan/load.h"

namespace myriad::plan {

// The plan of a scenario that must be good.
inline Plan plan_of(const std::string& text, const LoadOptions& options = {}) {
  auto plan = load_text("scenario.yaml", text, options);
  if (plan) return std::move(*plan);
  for (const Diagnostic& diagnostic : plan.error()) ADD_FAILURE() << diagnostic.text();
  return {};
}

// The first report about a scenario that must be refused.
inline Diagnostic refusal_of(const std::string& text, const LoadOptions& options = {}) {
  auto plan = load_text("scenario.yaml", text, options);
  if (!plan) return plan.error().front();
  ADD_FAILURE() << "accepted:\n" << text;
  return {};
}

inline constexpr const char* kHead = "version: 1\nports: {lan: {interface: eth1}}\n";

}  // namespace myriad::plan
