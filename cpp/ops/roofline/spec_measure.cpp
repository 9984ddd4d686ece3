#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <vector>

#include "core/buffer.h"
#include "ops/roofline/desc.h"
#include "ops/roofline/measure.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"

namespace pt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMultiplyAdd = 0, kCopy = 1;       // as in PT_KERNELS
constexpr int64_t kMemoryBytes = 64 << 20;       // of each thread: several times its share of the last cache
constexpr int64_t kMostMemoryBytes = 1ll << 30;  // of all threads
constexpr int64_t kCacheBytes = 64 << 10;        // read, and as many written: both fit every L2
constexpr int64_t kPieces = 8;                   // of each thread, so that a late one costs an eighth of its share
constexpr double kTrySeconds = 2e-3;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// One instruction on all threads; its duration.
double timed(int kernel, const RooflineDesc& desc, char* in, char* out, int64_t chunks) {
  char* data[] = {in, out};
  uint32_t status = 0;
  const PoolRun run(true);
  const auto start = Clock::now();
  Pool::instance().run(kernels_of("roofline", current_isa())[kernel], KernelArgs{data, &desc, nullptr, &status}, chunks,
                       0, true);
  return seconds_since(start);
}

// The most that an attempt, which returns work per second, reaches in the time given.
double best_of(double seconds, const std::function<double()>& attempt) {
  attempt();  // wakes the workers and touches the memory
  const auto start = Clock::now();
  double best = attempt();
  while (seconds_since(start) < seconds) best = std::max(best, attempt());
  return best;
}

double flops(int64_t threads, double seconds) {
  const int64_t chunks = threads * kPieces;
  std::vector<RooflineWork> work(static_cast<std::size_t>(chunks));
  RooflineDesc desc{1, 0, 0, 0};
  double took = 0;
  const auto attempt = [&] {
    took = timed(kMultiplyAdd, desc, nullptr, reinterpret_cast<char*>(work.data()), chunks);
    return work[0].flops * static_cast<double>(chunks) / took;
  };
  while (attempt(), took < kTrySeconds) desc.rounds *= 2;
  return best_of(seconds, attempt);
}

// The C library stores past the caches when a piece is large, and through them when it is small; which is faster
// depends on the machine.
double memory_bytes(int64_t threads, double seconds) {
  const int64_t bytes = std::min(kMemoryBytes * threads, kMostMemoryBytes);
  const BufferRef in = Buffer::allocate(static_cast<std::size_t>(bytes));
  const BufferRef out = Buffer::allocate(static_cast<std::size_t>(bytes));
  std::memset(in->host(), 1, static_cast<std::size_t>(bytes));
  double best = 0;
  for (const int64_t piece : {bytes / threads, int64_t{1} << 20}) {
    const RooflineDesc desc{0, bytes, piece, 1};
    best = std::max(best, best_of(seconds / 2, [&] {
                      const double took = timed(kCopy, desc, in->host(), out->host(), (bytes + piece - 1) / piece);
                      return 2 * static_cast<double>(bytes) / took;
                    }));
  }
  return best;
}

double cache_bytes(int64_t threads, double seconds) {
  const int64_t chunks = threads * kPieces, bytes = chunks * kCacheBytes;
  const BufferRef in = Buffer::allocate(static_cast<std::size_t>(bytes));
  const BufferRef out = Buffer::allocate(static_cast<std::size_t>(bytes));
  std::memset(in->host(), 1, static_cast<std::size_t>(bytes));
  RooflineDesc desc{0, bytes, kCacheBytes, 1};
  double took = 0;
  const auto attempt = [&] {
    took = timed(kCopy, desc, in->host(), out->host(), chunks);
    return 2 * static_cast<double>(bytes * desc.repeats) / took;
  };
  while (attempt(), took < kTrySeconds) desc.repeats *= 2;
  return best_of(seconds, attempt);
}

}  // namespace

Roofline measure_roofline(double seconds) {
  const int64_t threads = Pool::instance().threads();
  return {flops(threads, seconds / 3), memory_bytes(threads, seconds / 3), cache_bytes(threads, seconds / 3)};
}

}  // namespace pt
