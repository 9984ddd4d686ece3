// What goes wrong around a device: lost ones, forks, missing and old drivers, failing allocations, eight threads at
// once; and printed kernels with their cache.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "cuda/tests/runtime_case.h"

using namespace pt::check;

namespace {

void test_lost() {
  Device d;
  char* data = d.numbers({0});
  const Planned adds = d.adds(1, 1);
  std::string error;
  for (int i = 0; i < 20 && error.empty(); ++i) {
    Run run(d);
    error = run.launch(adds, {data, data});
    if (error.empty()) error = run.finish();
  }
  const std::string want =
      "[cuda:0] was lost by CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure) while waiting for a run; expected "
      "every kernel to end without an error; start the process again, from the last checkpoint; with "
      "CUDA_LAUNCH_BLOCKING=1 "
      "the error names the launch";
  CHECK_EQ(error, want);
  CHECK_EQ(d.failure.kind, PTD_LOST);
  char* at = nullptr;
  void* run = nullptr;
  CHECK_EQ(d.said(d.t.allocate(d.t.self, 10, &at, &d.failure)), want);
  CHECK_EQ(d.said(d.t.begin(d.t.self, &run, &d.failure)), want);
  CHECK_EQ(d.said(d.t.copy_out(d.t.self, reinterpret_cast<char*>(&at), data, 4, &d.failure)), want);
  CHECK_EQ(d.said(d.t.wait(d.t.self, &d.failure)), want);
  d.t.free(d.t.self, data, 4);
  d.t.trim(d.t.self);
}

void test_threads() {
  Device d;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      Device mine;
      char* one = mine.numbers({1});
      for (int i = 0; i < 40; ++i) {
        const auto n = static_cast<std::size_t>(1 + (i * 977 + t * 131) % 6000);
        char* data = mine.numbers(counted(n, t));
        Run run(mine, i % 4 == 3);
        CHECK_EQ(run.launch(mine.adds(static_cast<int64_t>(n), 1), {data, data}), "");
        if (i % 5 == 0) CHECK_EQ(run.launch(mine.raises(kNonFinite), {one}), "");
        run.guard(0, true);
        CHECK_EQ(run.launch(mine.adds(static_cast<int64_t>(n), 1), {data, data}, true), "");
        run.commit();
        PtdOutcome outcome{};
        if (i % 4 == 3) {
          void* recording = nullptr;
          CHECK_EQ(mine.said(mine.t.keep(run.run, &recording, &mine.failure)), "");
          CHECK_EQ(mine.said(mine.t.play(mine.t.self, recording, &outcome, &mine.failure)), "");
          mine.t.forget(mine.t.self, recording);
        } else {
          CHECK_EQ(run.finish(), "");
          outcome = run.outcome;
        }
        expect_outcome(outcome, 0, i % 5 == 0 ? 0 : -1, i % 5 == 0 ? 0 : 1);
        CHECK(mine.read(data, n) == counted(n, t + (i % 5 == 0 ? 1 : 2)));
        mine.t.free(mine.t.self, data, n * 4);
      }
      mine.t.free(mine.t.self, one, 4);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(d.usage().used_by_tensors, 0);
}

// A child of a fork is told, while other threads of the parent hold every lock that there is.
void test_fork() {
  Device d;
  char* data = d.numbers({5});
  Run before(d);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      d.t.free(d.t.self, d.numbers(counted(5000)), 0);
      d.adds(1, 1);
    }
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      const std::string want =
          "[cuda:0] was opened before this process was forked; expected the process that opened it, for CUDA does not "
          "survive a fork; start workers with the spawn method, or use CUDA in the workers alone";
      PtdFailure failure{};
      char* at = nullptr;
      void* run = nullptr;
      bool right = !d.t.allocate(d.t.self, 10, &at, &failure) && failure.text == want;
      right = right && !d.t.begin(d.t.self, &run, &failure) && failure.text == want;
      right = right && !d.t.copy_in(d.t.self, data, "1234", 4, &failure) && failure.text == want;
      right = right && !d.t.finish(before.run, nullptr, &failure) && failure.text == want;
      right = right && d.adds(1, 1).error == want;
      d.t.free(d.t.self, data, 4);
      d.t.trim(d.t.self);
      Table again;
      right = right && again.open() ==
                           "[cuda] the driver was started before this process was forked; expected the process that "
                           "started it, for CUDA does not survive a fork; start workers with the spawn method, or use "
                           "CUDA in the workers alone";
      _exit(right ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  busy.join();
  CHECK_EQ(before.finish(), "");
  CHECK_EQ(d.read(data, 1)[0], 5);
}

#ifdef PT_SIM_NVRTC
int printed(Device& d, const char* value) {
  PtdAttribute attribute{"value", PTD_TEXT, 0, {}};
  attribute.value.text = value;
  char* data = d.numbers({-5});
  Run run(d);
  CHECK_EQ(run.launch(d.plan("test_printed", {vector_of(kI32, 1)}, {}, {attribute}), {data}), "");
  CHECK_EQ(run.finish(), "");
  return d.read(data, 1)[0];
}

// The one file of the cache.
std::filesystem::path cached() {
  const std::filesystem::path folder = std::string(std::getenv("XDG_CACHE_HOME")) + "/powertrain/cuda";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  CHECK_EQ(files.size(), 1u);
  return files[0];
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void test_printed() {
  Device d;
  CHECK_EQ(printed(d, "41 + 1"), 42);
  CHECK(contents(cached()).starts_with("PTCUDA01"));
  CHECK_EQ(printed(d, "41 + 1"), 42);
}

// Another process does not write the file again.
void test_printed_again() {
  const auto written = std::filesystem::last_write_time(cached());
  Device d;
  CHECK_EQ(printed(d, "41 + 1"), 42);
  CHECK(std::filesystem::last_write_time(cached()) == written);
}

// A file with another byte in the head, the key or the image is not believed, and neither is a part of one: it becomes
// what it was.
void test_printed_damaged() {
  const std::string whole = contents(cached());
  for (const std::size_t at : {std::size_t(3), std::size_t(9), std::size_t(17), std::size_t(25), std::size_t(60),
                               whole.size() - 100, whole.size()}) {
    if (at == whole.size()) {
      std::filesystem::resize_file(cached(), 30);
    } else {
      std::fstream stream(cached(), std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(static_cast<char>(whole[at] ^ 0x55));
    }
    const pid_t child = fork();  // nothing is loaded here yet
    if (child == 0) {
      Device d;
      CHECK_EQ(printed(d, "41 + 1"), 42);
      std::fflush(nullptr);
      _exit(failures);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK(contents(cached()) == whole);
  }
}

void test_printed_wrong() {
  Device d;
  PtdAttribute attribute{"value", PTD_TEXT, 0, {}};
  attribute.value.text = "no_such_name";
  char* data = d.numbers({-5});
  Run run(d);
  const std::string error = run.launch(d.plan("test_printed", {vector_of(kI32, 1)}, {}, {attribute}), {data});
  CHECK(error.starts_with("[cuda test_printed] NVRTC refused a printed kernel: "));
  CHECK(error.find("no_such_name") != std::string::npos);
  d.t.abandon(run.run);
}
#endif

void test_no_nvrtc() {
  Device d;
  char* data = d.numbers({-5});
  PtdAttribute attribute{"value", PTD_TEXT, 0, {}};
  attribute.value.text = "1";
  Run run(d);
  const std::string error = run.launch(d.plan("test_printed", {vector_of(kI32, 1)}, {}, {attribute}), {data});
  CHECK(error.starts_with("[cuda] NVRTC could not be opened (/no/such/file: "));
  CHECK(
      error.ends_with("); expected it to compile kernels; pip install nvidia-cuda-nvrtc-cu12, or let "
                      "POWERTRAIN_CUDA_NVRTC name libnvrtc.so"));
  d.t.abandon(run.run);
}

#ifdef PT_NVRTC
// NVIDIA's own compiler takes the options; what it makes is for a GPU, and the simulator has none.
void test_real_nvrtc() {
  Device d;
  char* data = d.numbers({-5});
  Run run(d);
  CHECK_EQ(
      run.launch(d.plan("test_plain", {vector_of(kI32, 1)}, {}, {}), {data}),
      "[cuda:0] CUDA_ERROR_INVALID_IMAGE (device kernel image is invalid) while loading test_plain, compiled by NVRTC, "
      "into a driver for CUDA 12.4 on Card, compute capability 9.0, 1 GB; expected a driver that takes it; update "
      "NVIDIA's driver");
  d.t.abandon(run.run);
  const std::string kept = contents(cached());
  CHECK(kept.find("NVRTC 12") != std::string::npos && kept.find("sm_90\n") != std::string::npos);
  CHECK(kept.find("\x7f"
                  "ELF") != std::string::npos);
}
#endif

// Where no device can be had.
void test_refused(const std::string& want) {
  PtdFailure failure{};
  const auto count = reinterpret_cast<PtdCount>(symbol(PT_CUDA_LIBRARY, POWERTRAIN_DEVICE_COUNT));
  Table table;
  CHECK_EQ(table.open(), want);
  CHECK_EQ(table.failure.kind, PTD_ERROR);
  CHECK_EQ(count(&failure), 0);
  CHECK_EQ(std::string(failure.text), want);
  CHECK_EQ(table.open(), want);
}

// The n-th request of the driver for memory fails, whichever it is: an error or a second attempt, and no crash.
void test_failing_allocations() {
  Table table;
  if (table.open() != "") {
    CHECK_EQ(table.failure.kind, PTD_OUT_OF_MEMORY);
    return;
  }
  PtdFailure& failure = table.failure;
  for (int i = 0; i < 3; ++i) {
    char* at = nullptr;
    if (!table.t.allocate(table.t.self, 4 * kMiB, &at, &failure)) CHECK_EQ(failure.kind, PTD_OUT_OF_MEMORY);
    void* run = nullptr;
    if (!table.t.begin(table.t.self, &run, &failure)) {
      CHECK_EQ(failure.kind, PTD_OUT_OF_MEMORY);
      continue;
    }
    if (!table.t.finish(run, nullptr, &failure)) CHECK_EQ(failure.kind, PTD_OUT_OF_MEMORY);
    if (at) table.t.free(table.t.self, at, 4 * kMiB);
  }
}

std::vector<Case> cases(const std::string& folder) {
  const std::string too_old =
      "[cuda] the driver is for CUDA 11.8; expected 12.0 or later; install NVIDIA's driver of version 525 or later";
  const std::string no_card =
      "[cuda] the driver finds no GPU; expected one at least; look at what nvidia-smi prints and at "
      "CUDA_VISIBLE_DEVICES, "
      "and start a container with its GPUs";
  const std::string old_card =
      "[cuda:0] Card has compute capability 7.5; expected 8.0 or more (A100, RTX 30 and later); use the CPU or another "
      "card";
  const std::string no_file =
      "[cuda] POWERTRAIN_CUDA_DRIVER = /no/file, but /no/file could not be opened (/no/file: cannot open shared object "
      "file: No such file or directory); expected the path of a CUDA driver, or sim with the simulator beside "
      "powertrain-cuda's library; unset it for the driver of the system";
  std::vector<Case> all = {
      {"lost", test_lost, "lose_device_at_launch=10"},
      {"threads", test_threads},
      {"fork", test_fork},
#ifdef PT_SIM_NVRTC  // the simulated driver was built with NVRTC's header
      {"printed", test_printed, "", {{"XDG_CACHE_HOME", folder}, {"POWERTRAIN_CUDA_NVRTC", "sim"}}},
      {"printed_again", test_printed_again, "", {{"XDG_CACHE_HOME", folder}, {"POWERTRAIN_CUDA_NVRTC", "sim"}}},
      {"printed_damaged", test_printed_damaged, "", {{"XDG_CACHE_HOME", folder}, {"POWERTRAIN_CUDA_NVRTC", "sim"}}},
      {"printed_without_a_cache",
       [] {
         Device d;
         CHECK_EQ(printed(d, "7"), 7);
       },
       "",
       {{"XDG_CACHE_HOME", "/proc/none"}, {"POWERTRAIN_CUDA_NVRTC", "sim"}}},
      {"printed_wrong", test_printed_wrong, "", {{"XDG_CACHE_HOME", folder}, {"POWERTRAIN_CUDA_NVRTC", "sim"}}},
#endif
      {"no_nvrtc", test_no_nvrtc, "", {{"POWERTRAIN_CUDA_NVRTC", "/no/such/file"}}},
#ifdef PT_NVRTC
      {"real_nvrtc",
       test_real_nvrtc,
       "memory=1G,name=Card",
       {{"POWERTRAIN_CUDA_NVRTC", PT_NVRTC}, {"XDG_CACHE_HOME", folder + "/real"}}},
#endif
      {"old_driver", [=] { test_refused(too_old); }, "version=11080"},
      {"no_card", [=] { test_refused(no_card); }, "devices=0"},
      {"no_driver", [=] { test_refused(no_file); }, "", {{"POWERTRAIN_CUDA_DRIVER", "/no/file"}}},
      {"old_card", [=] { test_refused(old_card); }, "capability=7.5,name=Card"},
  };
  for (int n = 1; n <= 5; ++n) {
    all.push_back({"failing_allocation", test_failing_allocations, "fail_alloc=" + std::to_string(n)});
    all.push_back({"failing_allocations", test_failing_allocations, "fail_alloc=" + std::to_string(n) + "+"});
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  char folder[] = "/tmp/powertrain-runtime-test-XXXXXX";
  if (!mkdtemp(folder)) return 1;
  const int failed = run_cases(cases(folder), argc > 1 ? argv[1] : nullptr);
  std::filesystem::remove_all(folder);
  return failed;
}
