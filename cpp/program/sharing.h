// Whether a program's short launches are shared among threads, decided by measurement.
//
// What sharing costs depends on the machine and on the moment: a launch of ten microseconds is faster on two cores that
// share a cache, and slower where each line that one of them wrote has to travel. A system moves threads between such
// places within seconds. So runs of a program are timed: every so often a few of them go the other way, which is kept
// if it was clearly faster. Chunks are the plan's and the same either way, so results are too.
#pragma once
#include <algorithm>
#include <chrono>

namespace pt {

class Sharing {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // Of the next run. The caller tells how long it took.
  bool shares() const { return shares_ != trying_; }

  void took(Duration time) {
    ++runs_;
    if (trying_) return tried(time);
    if (runs_ + kTrial > wait_) usual_ = std::min(usual_, time);
    if (runs_ < wait_) return;
    // A longer run has launches that are worth sharing anywhere, and a trial would cost more than it tells.
    trying_ = usual_ < kLongest;
    if (!trying_) usual_ = kNone;
    runs_ = 0;
  }

 private:
  // The first run after a change finds its data in another core's cache, so the best of some counts.
  static constexpr int kTrial = 3;
  static constexpr int kLeastWait = 8, kMostWait = 1024;  // runs between trials: these cost at most a few in a thousand
  static constexpr Duration kLongest = std::chrono::milliseconds(5);
  static constexpr Duration kNone = Duration::max();

  void tried(Duration time) {
    trial_ = std::min(trial_, time);
    if (runs_ < kTrial) return;
    // Noise must not make it go back and forth.
    const bool faster = trial_ < usual_ - usual_ / 20;
    shares_ = shares_ != faster;
    wait_ = faster ? kLeastWait : std::min(2 * wait_, kMostWait);
    trying_ = false;
    usual_ = trial_ = kNone;
    runs_ = 0;
  }

  bool shares_ = true;
  bool trying_ = false;
  int runs_ = 0;  // since the last change between trying and not
  int wait_ = kLeastWait;
  Duration usual_ = kNone, trial_ = kNone;  // the best of the last few
};

}  // namespace pt
