// What the tests of the runtime share: a device with ops of the tests' own, and cases that are each a process of its
// own, with its own orders to the simulator. A misuse of the driver fails a case.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "cuda/tests/runtime_table.h"

namespace pt::check {

constexpr uint32_t kNonFinite = 1, kBadIndex = 2;
constexpr std::size_t kMiB = 1 << 20;

struct Device : Table {
  Device() { CHECK_EQ(open(), ""); }
  Planned adds(int64_t n, int number) {
    return plan("test_add", {vector_of(kI32, n)}, {vector_of(kI32, n)}, {integer("number", number)});
  }
  Planned raises(uint32_t bits) { return plan("test_raise", {vector_of(kI32, 1)}, {}, {integer("bits", bits)}); }
};

inline std::vector<int32_t> counted(std::size_t n, int32_t from = 0) {
  std::vector<int32_t> values(n);
  std::iota(values.begin(), values.end(), from);
  return values;
}

inline void expect_outcome(const PtdOutcome& outcome, uint32_t status, int tripped, int committed) {
  CHECK_EQ(outcome.status, status);
  CHECK_EQ(outcome.tripped_phase, tripped);
  CHECK_EQ(outcome.committed_phases, committed);
}

struct Case {
  const char* name;
  std::function<void()> test;
  std::string orders = "memory=1G";
  std::vector<std::pair<const char*, std::string>> environment = {};
};

inline bool passed(const Case& one) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(300);
    failures = checks = 0;
    setenv("POWERTRAIN_CUDA_DRIVER", "sim", 1);
    setenv("POWERTRAIN_SIM", one.orders.c_str(), 1);
    for (const auto& [name, value] : one.environment) setenv(name, value.c_str(), 1);
    one.test();
    if (std::string(std::getenv("POWERTRAIN_CUDA_DRIVER")) == "sim") CHECK_EQ(simulated("simMisuses"), 0u);
    std::fflush(nullptr);
    _exit(failures || !checks ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// All, or the one that is named.
inline int run_cases(const std::vector<Case>& all, const char* named) {
  for (const Case& one : all) {
    if (named && std::strcmp(named, one.name) != 0) continue;
    const bool good = passed(one);
    report(good, __FILE__, __LINE__, std::string("case ") + one.name + " with POWERTRAIN_SIM=" + one.orders);
  }
  return finish();
}

}  // namespace pt::check
