// What POWERTRAIN_SIM orders: the simulated machine, and its faults.
//
//   POWERTRAIN_SIM=devices=2,memory=256M,capability=9.0,version=12040,fail_alloc=5,lose_device_at_launch=100,name=Card
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace pt::simdriver {

// Which of several attempts fails, counted from one: `5`, or all from there on, `5+`.
struct Failing {
  uint64_t number = 0;  // 0: none
  bool all_after = false;
  bool at(uint64_t attempt) const { return number && (all_after ? attempt >= number : attempt == number); }
};

struct Settings {
  int devices = 1;
  size_t memory = size_t(4) << 30;     // of each device
  int major = 9, minor = 0;            // compute capability
  int units = 0;                       // multiprocessors; 0: those of a card of that capability
  int version = 12040;                 // of the driver
  Failing fail_alloc;                  // allocations of memory
  Failing fail_compile;                // programs that NVRTC is given
  uint64_t lose_device_at_launch = 0;  // the kernel, counted from one as they run, that never returns
  std::string name;
  bool deferred = true;  // defer=0: work is done as it is queued
  bool poisoned = true;  // poison=0: new memory holds zeros in place of 0xFF
  size_t queue = 1024;   // items of a stream that may wait
  uint64_t order = 0;    // a seed: what nothing orders (streams, nodes of a graph, threads) goes on at random
};

// From the text of the environment variable; an empty problem means that all of it was understood.
Settings parse_settings(const std::string& text, std::string* problem);

// Shared memory that a block may have at most, if it asks.
int most_shared_bytes(const Settings& settings);

}  // namespace pt::simdriver
