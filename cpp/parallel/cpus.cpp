#include "parallel/cpus.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

#include "core/error.h"

namespace pt {
namespace {

constexpr int kMostThreads = 1024;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

int affinity_cpus() {
#ifdef __linux__
  // The kernel refuses a mask that is smaller than its own, so ask for ever larger ones.
  for (int capacity = 1024; capacity <= 1 << 20; capacity *= 2) {
    cpu_set_t* mask = CPU_ALLOC(capacity);
    const std::size_t bytes = CPU_ALLOC_SIZE(capacity);
    const bool known = mask && sched_getaffinity(0, bytes, mask) == 0;
    const int cpus = known ? CPU_COUNT_S(bytes, mask) : 0;
    if (mask) CPU_FREE(mask);
    if (known) return std::max(cpus, 1);
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Version 2 of control groups: one file, "quota period" or "max period", in microseconds.
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota, period;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : kNoLimit;
}

double quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
  double quota, period;
  return quota_file >> quota && period_file >> period && quota > 0 && period > 0 ? quota / period : kNoLimit;
}

// The tightest quota of a group and of those that hold it.
double tightest(double (*quota)(const std::string&), const std::string& root, std::string path) {
  double limit = quota(root);
  while (path.size() > 1) {
    limit = std::min(limit, quota(root + path));
    path.erase(path.rfind('/'));
  }
  return limit;
}

bool has_controller(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

double control_group_cpus() {
  double limit = kNoLimit;
  std::ifstream groups("/proc/self/cgroup");
  // Each line is id:controllers:/path; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) limit = std::min(limit, tightest(quota_v2, "/sys/fs/cgroup", path));
    if (has_controller(controllers, "cpu")) {
      limit = std::min(limit, tightest(quota_v1, "/sys/fs/cgroup/" + controllers, path));
      limit = std::min(limit, tightest(quota_v1, "/sys/fs/cgroup/cpu", path));
    }
  }
  return limit;
}

}  // namespace

int usable_cpus() {
  const double granted = std::ceil(std::min(control_group_cpus(), static_cast<double>(kMostThreads)));
  return std::max(1, std::min(affinity_cpus(), static_cast<int>(granted)));
}

int default_threads() {
  const char* setting = std::getenv("POWERTRAIN_THREADS");
  if (!setting || !*setting) return usable_cpus();
  const std::string value = setting;
  int threads = 0;
  auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), threads);
  if (problem != std::errc() || end != value.data() + value.size() || threads < 1 || threads > kMostThreads) {
    throw Error(text("[POWERTRAIN_THREADS] '", value, "'; expected a whole number from 1 to ", kMostThreads,
                     "; unset it to use the ", usable_cpus(), " processors of this process"));
  }
  return threads;
}

int current_cpu() {
#ifdef __linux__
  return sched_getcpu();
#else
  return -1;
#endif
}

}  // namespace pt
