// The pool under stress: every chunk exactly once, nothing touched after the return, any number of threads.
#include "parallel/pool.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "core/error.h"
#include "parallel/cpus.h"
#include "tests/check.h"

#ifdef __SANITIZE_THREAD__
// A child of a process with threads may make its own, which is what test_fork tests.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

namespace {

using pt::KernelArgs;
using pt::Pool;
using pt::PoolRun;
using pt::usable_cpus;

constexpr int kMostChunks = 64;

// An instruction that counts how often each chunk ran. `round` must be the one of the run that claimed it.
struct Counts {
  int64_t round = 0;
  int64_t ran[kMostChunks] = {};
};

struct Job {
  int64_t round;
  int64_t chunks;
};

void count_chunk(const KernelArgs* args, int64_t chunk) {
  const Job* job = static_cast<const Job*>(args->desc);
  Counts* counts = reinterpret_cast<Counts*>(args->data[0]);
  // Plain accesses: a chunk that runs twice, or late, is a race that ThreadSanitizer sees too.
  if (job->round != counts->round || chunk < 0 || chunk >= job->chunks) pt::raise_status(args->status, 1);
  counts->ran[chunk] += 1;
}

void stress(int threads, int64_t rounds) {
  Pool& pool = Pool::instance();
  pool.set_threads(threads);
  Counts counts;
  char* data[] = {reinterpret_cast<char*>(&counts)};
  uint32_t status = 0;
  int64_t wrong = 0;
  for (int64_t round = 0; round < rounds;) {
    PoolRun run(true);
    for (int i = 0; i < 1000 && round < rounds; ++i, ++round) {
      Job job{round, round * 7 % 13};
      counts.round = round;
      std::memset(counts.ran, 0, sizeof(counts.ran));
      pool.run(count_chunk, KernelArgs{data, &job, nullptr, &status}, job.chunks, 0, true);
      for (int64_t c = 0; c < kMostChunks; ++c) wrong += counts.ran[c] != (c < job.chunks ? 1 : 0);
      // What a late thread would find.
      job = {-1, 0};
    }
  }
  CHECK_EQ(wrong, 0);
  CHECK_EQ(status, 0u);
}

void fill_scratch(const KernelArgs* args, int64_t chunk) {
  const int64_t bytes = *static_cast<const int64_t*>(args->desc);
  if (reinterpret_cast<uintptr_t>(args->scratch) % 64 != 0) pt::raise_status(args->status, 1);
  std::memset(args->scratch, static_cast<int>(chunk), bytes);
  for (int i = 0; i < 100; ++i) {
    if (args->scratch[i * 7919 % bytes] != static_cast<char>(chunk)) pt::raise_status(args->status, 2);
  }
}

void test_scratch() {
  Pool& pool = Pool::instance();
  pool.set_threads(4);
  uint32_t status = 0;
  PoolRun run(true);
  for (int64_t bytes : {1, 64, 1000, 100000, 5000000, 100}) {
    for (bool parallel : {false, true}) {
      pool.run(fill_scratch, KernelArgs{nullptr, &bytes, nullptr, &status}, 9, bytes, parallel);
    }
  }
  CHECK_EQ(status, 0u);
}

void run_inside(const KernelArgs* args, int64_t chunk) {
  std::memset(args->scratch, 1, 64);
  int64_t bytes = 4096;
  PoolRun run(true);
  Pool::instance().run(fill_scratch, KernelArgs{nullptr, &bytes, nullptr, args->status}, 3, bytes, true);
  reinterpret_cast<int64_t*>(args->data[0])[chunk] += args->scratch[63];
}

void test_run_from_inside_of_a_chunk() {
  Pool& pool = Pool::instance();
  pool.set_threads(3);
  int64_t sums[20] = {};
  char* data[] = {reinterpret_cast<char*>(sums)};
  uint32_t status = 0;
  PoolRun run(true);
  pool.run(run_inside, KernelArgs{data, nullptr, nullptr, &status}, 20, 64, true);
  CHECK_EQ(status, 0u);
  for (int64_t sum : sums) CHECK_EQ(sum, 1);
}

// The second of two runs at once goes on alone, and both are right.
void test_two_callers() {
  Pool::instance().set_threads(3);
  std::atomic<int64_t> wrong{0};
  auto call = [&] {
    Counts counts;
    char* data[] = {reinterpret_cast<char*>(&counts)};
    uint32_t status = 0;
    for (int64_t round = 0; round < 20000; ++round) {
      PoolRun run(true);
      Job job{round, 5};
      counts.round = round;
      std::memset(counts.ran, 0, sizeof(counts.ran));
      Pool::instance().run(count_chunk, KernelArgs{data, &job, nullptr, &status}, job.chunks, 0, true);
      for (int64_t c = 0; c < kMostChunks; ++c) wrong += counts.ran[c] != (c < job.chunks ? 1 : 0);
      wrong += status;
    }
  };
  std::thread other(call);
  call();
  other.join();
  CHECK_EQ(wrong.load(), 0);
}

struct Gate {
  std::atomic<bool> entered{false}, open{false};
};

void wait_at_gate(const KernelArgs* args, int64_t chunk) {
  Gate* gate = reinterpret_cast<Gate*>(args->data[0]);
  gate->entered = true;
  while (chunk == 0 && !gate->open) std::this_thread::yield();
}

void note_thread(const KernelArgs* args, int64_t chunk) {
  reinterpret_cast<std::thread::id*>(args->data[0])[chunk] = std::this_thread::get_id();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// While another thread's instruction has the workers, a run goes on alone, and the next instruction has them again.
void test_workers_are_claimed_for_an_instruction() {
  Pool& pool = Pool::instance();
  pool.set_threads(2);
  Gate gate;
  char* at_gate[] = {reinterpret_cast<char*>(&gate)};
  std::thread other([&] {
    PoolRun run(true);
    pool.run(wait_at_gate, KernelArgs{at_gate, nullptr, nullptr, nullptr}, 2, 0, true);
  });
  while (!gate.entered) std::this_thread::yield();
  PoolRun run(true);
  std::thread::id ids[16];
  char* data[] = {reinterpret_cast<char*>(ids)};
  const auto helped = [&] {
    pool.run(note_thread, KernelArgs{data, nullptr, nullptr, nullptr}, 16, 0, true);
    return std::any_of(std::begin(ids), std::end(ids), [](auto id) { return id != std::this_thread::get_id(); });
  };
  const int64_t lost = pool.lost();
  CHECK(!helped());
  CHECK_EQ(pool.lost(), lost + 1);
  gate.open = true;
  other.join();
  bool ever = false;
  for (int i = 0; i < 100 && !ever; ++i) ever = helped();
  CHECK(ever);
}

// With even chunks each thread executes the same part of every instruction, whatever their number.
void test_threads_keep_their_part() {
  Pool& pool = Pool::instance();
  for (const int threads : {2, 3, 4}) {
    pool.set_threads(threads);
    PoolRun run(true);
    std::thread::id ids[48];
    char* data[] = {reinterpret_cast<char*>(ids)};
    // Which thread has which part is decided by numbers, so what the caller takes first is its own.
    pool.run(note_thread, KernelArgs{data, nullptr, nullptr, nullptr}, 12 * threads, 0, true);
    CHECK(ids[0] == std::this_thread::get_id());
    if (threads > usable_cpus()) continue;  // whoever has no processor gets help
    CHECK(ids[12 * threads - 1] != std::this_thread::get_id());
  }
}

// Another thread's instruction may have more chunks than there is room for.
void test_places_are_of_one_threads_instructions() {
  Pool::instance().set_threads(2);
  std::vector<int32_t> places(kMostChunks, -1);
  const pt::PlacesNoted noted(places.data());
  const auto share = [] {
    Counts counts;
    char* data[] = {reinterpret_cast<char*>(&counts)};
    uint32_t status = 0;
    const Job job{0, kMostChunks};
    PoolRun run(true);
    Pool::instance().run(count_chunk, KernelArgs{data, &job, nullptr, &status}, kMostChunks, 0, true);
  };
  std::thread(share).join();
  CHECK(std::all_of(places.begin(), places.end(), [](int32_t place) { return place == -1; }));
  if (usable_cpus() < 2) return;  // with more threads than processors the pool may run it alone
  share();
  CHECK(std::none_of(places.begin(), places.end(), [](int32_t place) { return place == -1; }));
}

void test_fork() {
  Pool& pool = Pool::instance();
  pool.set_threads(3);
  stress(3, 2000);
  PoolRun run(true);
  const pid_t child = fork();
  if (child == 0) {
    pt::check::failures = 0;
    { PoolRun again(true); }
    stress(4, 20000);
    std::_Exit(pt::check::failures ? 1 : 0);
  }
  int result = -1;
  CHECK_EQ(waitpid(child, &result, 0), child);
  CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

void test_settings() {
  Pool& pool = Pool::instance();
  CHECK(pt::usable_cpus() >= 1);
  CHECK_THROWS(pool.set_threads(0), pt::Error,
               "[set_threads] 0 threads; expected 1 to 1024; one per processor is usually best");
  {
    PoolRun run(true);
    CHECK_THROWS(
        pool.set_threads(2), pt::Error,
        "[set_threads] 2 threads, asked for inside of a run; expected a call between runs; call it before the run");
  }
  setenv("POWERTRAIN_THREADS", "5", 1);
  CHECK_EQ(pt::default_threads(), 5);
  setenv("POWERTRAIN_THREADS", "many", 1);
  CHECK_THROWS(pt::default_threads(), pt::Error,
               pt::text("[POWERTRAIN_THREADS] 'many'; expected a whole number from 1 to 1024; unset it to use the ",
                        pt::usable_cpus(), " processors of this process"));
  unsetenv("POWERTRAIN_THREADS");
}

// A process that never gives way, as another program would.
class BusyProcess {
 public:
  BusyProcess() : child_(fork()) {
    if (child_ != 0) return;
    alarm(60);  // ends it even when this test crashes
    for (;;) asm volatile("");
  }
  ~BusyProcess() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_;
};

}  // namespace

int main(int argc, char** argv) {
  const int64_t rounds = argc > 1 ? std::atoll(argv[1]) : 200000;
  test_settings();
  for (int threads : {1, 2, 4, 7, 2}) stress(threads, rounds);
  {
    BusyProcess busy;
    for (int threads : {2, 3}) stress(threads, rounds / 20);
  }
  test_scratch();
  test_run_from_inside_of_a_chunk();
  test_two_callers();
  test_workers_are_claimed_for_an_instruction();
  test_threads_keep_their_part();
  test_places_are_of_one_threads_instructions();
  test_fork();
  return pt::check::finish();
}
