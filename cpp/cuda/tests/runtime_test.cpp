// Memory, copies, launches, runs and recordings, through the device's table alone, on the simulated driver.
#include <algorithm>
#include <random>
#include <thread>

#include "cuda/tests/runtime_case.h"
#include "ops/fused/machine.h"

using namespace pt::check;

namespace {

void test_table() {
  Device d;
  CHECK_EQ(d.t.layout, POWERTRAIN_DEVICE_LAYOUT);
  CHECK_EQ(d.t.bytes, int64_t(sizeof(PtdDevice)));
  CHECK_EQ(std::string(d.t.name), "cuda:0");
  CHECK_EQ(std::string(d.t.description), "Card, compute capability 8.6, 1 GB");
  std::vector<std::string> ops(d.t.ops, d.t.ops + d.t.n_ops);
  CHECK(std::is_sorted(ops.begin(), ops.end()));
  CHECK(std::count(ops.begin(), ops.end(), "test_add") == 1);
  PtdFailure failure{};
  const auto count = reinterpret_cast<PtdCount>(symbol(PT_CUDA_LIBRARY, POWERTRAIN_DEVICE_COUNT));
  CHECK_EQ(count(&failure), 2);
  Table other, again;
  CHECK_EQ(other.open(1), "");
  CHECK_EQ(std::string(other.t.name), "cuda:1");
  CHECK_EQ(again.open(1), "");
  CHECK(again.t.self == other.t.self);
  CHECK(other.t.self != d.t.self);
  CHECK_EQ(again.open(2),
           "[cuda:2] the driver has 2 GPUs; expected a number from 0 to 1; choose another one, or look at "
           "CUDA_VISIBLE_DEVICES");
  CHECK_EQ(again.open(0, "0.0.9"), "[cuda] powertrain is 0.0.9 and powertrain-cuda " PT_VERSION
                                   "; expected the same version of both; pip install powertrain-cuda==0.0.9");
  // Each with memory and work of its own, in one thread.
  char* a = d.numbers({1});
  char* b = other.numbers({10});
  Run on_a(d), on_b(other);
  CHECK_EQ(on_a.launch(d.adds(1, 1), {a, a}), "");
  CHECK_EQ(on_b.launch(d.adds(1, 2), {b, b}), "");
  CHECK_EQ(on_a.finish(), "");
  CHECK_EQ(on_b.finish(), "");
  CHECK_EQ(d.read(a, 1)[0], 2);
  CHECK_EQ(other.read(b, 1)[0], 12);
}

void test_memory() {
  Device d;
  char* none = d.allocate(0);
  CHECK(none != nullptr);
  CHECK_EQ(reinterpret_cast<uintptr_t>(none) % 256, 0u);
  CHECK_EQ(d.usage().used_by_tensors, 256);
  CHECK_EQ(d.usage().kept_in_cache, int64_t(2 * kMiB) - 256);
  CHECK_EQ(d.usage().total, int64_t(1) << 30);
  d.t.free(d.t.self, none, 0);
  CHECK_EQ(d.usage().used_by_tensors, 0);
  CHECK_EQ(d.usage().peak, 256);
  // The smallest piece that fits, divided; neighbours join again.
  char* first = d.allocate(1000);
  char* second = d.allocate(3000);
  char* third = d.allocate(257);
  CHECK_EQ(first, none);
  CHECK_EQ(second - first, 1024);
  CHECK_EQ(third - second, 3072);
  d.t.free(d.t.self, second, 3000);
  CHECK_EQ(d.allocate(2900), second);
  d.t.free(d.t.self, first, 1000);
  d.t.free(d.t.self, second, 2900);
  CHECK_EQ(d.allocate(4000), first);
  // Large requests come from other segments, which trim gives back.
  const uint64_t live = simulated("simBytesLive");
  char* large = d.allocate(kMiB);
  CHECK_EQ(simulated("simBytesLive") - live, 32 * kMiB);
  char* huge = d.allocate(33 * kMiB + 1);
  CHECK_EQ(simulated("simBytesLive") - live, 66 * kMiB);
  d.t.free(d.t.self, huge, 33 * kMiB + 1);
  d.t.trim(d.t.self);
  CHECK_EQ(simulated("simBytesLive") - live, 32 * kMiB);
  d.t.free(d.t.self, large, kMiB);
  d.t.trim(d.t.self);
  CHECK_EQ(simulated("simBytesLive"), live);
  CHECK_EQ(d.usage().used_by_tensors, 4096 + 512);
  CHECK_EQ(d.usage().peak, int64_t(35 * kMiB + 4096 + 512));
  d.t.forget_peak(d.t.self);
  CHECK_EQ(d.usage().peak, int64_t(4096 + 512));
}

// Random sizes, kept apart from each other: nobody writes into another's memory.
void test_many_allocations() {
  Device d;
  std::mt19937 random(7);
  struct Held {
    char* at;
    std::size_t bytes;
    unsigned char byte;
  };
  std::vector<Held> held;
  for (int i = 0; i < 2000; ++i) {
    if (held.size() > 40 || (random() % 3 == 0 && !held.empty())) {
      std::swap(held[random() % held.size()], held.back());
      std::vector<char> host(held.back().bytes);
      CHECK_EQ(d.said(d.t.copy_out(d.t.self, host.data(), held.back().at, host.size(), &d.failure)), "");
      CHECK(std::all_of(host.begin(), host.end(),
                        [&](char c) { return static_cast<unsigned char>(c) == held.back().byte; }));
      d.t.free(d.t.self, held.back().at, held.back().bytes);
      held.pop_back();
      continue;
    }
    const std::size_t bytes = random() % (random() % 20 ? 5000 : 3 * kMiB);
    held.push_back({d.allocate(bytes), bytes, static_cast<unsigned char>(random())});
    CHECK_EQ(d.said(d.t.fill(d.t.self, held.back().at, held.back().byte, bytes, &d.failure)), "");
  }
  for (const Held& h : held) d.t.free(d.t.self, h.at, h.bytes);
  d.t.trim(d.t.self);
  CHECK_EQ(d.usage().used_by_tensors, 0);
  CHECK_EQ(d.usage().kept_in_cache, 0);
}

void test_out_of_memory() {
  Device d;
  char* kept = d.allocate(20 * kMiB);
  char* freed = d.allocate(30 * kMiB);
  d.t.free(d.t.self, freed, 30 * kMiB);
  // What the cache keeps in other pieces goes back first.
  char* large = d.allocate(38 * kMiB);
  CHECK_EQ(d.usage().kept_in_cache, 0);
  char* at = nullptr;
  CHECK(!d.t.allocate(d.t.self, 24 * kMiB, &at, &d.failure));
  CHECK_EQ(d.failure.kind, PTD_OUT_OF_MEMORY);
  CHECK_EQ(
      std::string(d.failure.text),
      "[cuda:0] asked for 24.0 MiB, where tensors use 58.0 MiB, the cache keeps 0 bytes and 6.0 MiB of 64.0 MiB are "
      "free; expected room for it in one piece; use a smaller batch or model, let go of tensors, or end other "
      "processes that use the GPU");
  CHECK(!d.t.allocate(d.t.self, std::size_t(1) << 50, &at, &d.failure));
  CHECK_EQ(d.failure.kind, PTD_OUT_OF_MEMORY);
  CHECK(std::string(d.failure.text).starts_with("[cuda:0] asked for 1048576.0 GiB, where"));
  // A segment as large as is usual would not fit, the request does.
  char* last = d.allocate(3 * kMiB);
  d.t.free(d.t.self, last, 3 * kMiB);
  d.t.free(d.t.self, large, 38 * kMiB);
  CHECK(d.allocate(24 * kMiB) != nullptr);
  d.t.free(d.t.self, kept, 20 * kMiB);
}

void test_copies() {
  Device d;
  std::mt19937 random(3);
  for (const std::size_t n :
       {std::size_t(0), std::size_t(1), std::size_t(255), std::size_t(257), 64 * std::size_t(1024),
        64 * std::size_t(1024) + 1, 4 * kMiB, 4 * kMiB + 1, 13 * kMiB + 5}) {
    std::vector<char> host(n), back(n, 0);
    std::generate(host.begin(), host.end(), [&] { return static_cast<char>(random()); });
    const std::vector<char> want = host;
    char *a = d.allocate(n), *b = d.allocate(n);
    CHECK_EQ(d.said(d.t.copy_in(d.t.self, a, host.data(), n, &d.failure)), "");
    std::fill(host.begin(), host.end(), 'x');  // the host's side may be used again
    CHECK_EQ(d.said(d.t.copy(d.t.self, b, a, n, &d.failure)), "");
    CHECK_EQ(d.said(d.t.fill(d.t.self, a, 300, n, &d.failure)), "");  // of which a byte is taken
    CHECK_EQ(d.said(d.t.copy_out(d.t.self, back.data(), b, n, &d.failure)), "");
    CHECK(back == want);
    CHECK_EQ(d.said(d.t.copy_out(d.t.self, back.data(), a, n, &d.failure)), "");
    CHECK(std::all_of(back.begin(), back.end(), [](char c) { return c == 44; }));
    d.t.free(d.t.self, a, n);
    d.t.free(d.t.self, b, n);
  }
  // Many small ones that nobody waits for.
  const std::size_t n = 20000;
  char* all = d.allocate(4 * n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = static_cast<int32_t>(i);
    d.t.copy_in(d.t.self, all + 4 * i, reinterpret_cast<const char*>(&value), 4, &d.failure);
  }
  CHECK(d.read(all, n) == counted(n));
}

void test_launches() {
  Device d;
  char* data = d.numbers(counted(2500));
  Run run(d);
  const Planned add = d.adds(2500, 5);
  CHECK_EQ(add.launches.size(), 3u);
  CHECK_EQ(add.workspace, 0);
  CHECK_EQ(run.launch(add, {data, data}), "");
  // A flag waits for what is before it.
  bool flag = false;
  CHECK_EQ(d.said(d.t.flag(run.run, data + 4, &flag, &d.failure)), "");
  CHECK(flag);  // 6
  CHECK_EQ(run.finish(), "");
  CHECK_EQ(run.outcome.status, 0u);
  CHECK_EQ(run.outcome.tripped_phase, -1);
  CHECK_EQ(run.outcome.committed_phases, 0);
  CHECK(d.read(data, 2500) == counted(2500, 5));

  const Planned reverse = d.plan("test_reverse", {vector_of(kI32, 64)}, {vector_of(kI32, 64)},
                                 {integer("threads", 32), integer("shared", 100 * 1024)});
  char* turned = d.allocate(64 * 4);
  Run second(d);
  CHECK_EQ(second.launch(reverse, {data, turned}), "");
  CHECK_EQ(second.finish(), "");
  CHECK_EQ(d.read(turned, 64)[0], 31 + 5);
  CHECK_EQ(d.read(turned, 64)[63], 32 + 5);

  Run third(d);
  CHECK_EQ(third.launch(d.raises(kNonFinite), {data, data, data}),
           "[cuda:0] the kernel test_raise was given 3 operands; expected at most 1; declare it for more, or plan for "
           "fewer");
  CHECK_EQ(
      third.launch(d.plan("test_missing", {}, {}, {}), {data}),
      "[cuda:0] the library holds no kernel no_such_kernel; expected one for each plan; install powertrain-cuda again");
  d.t.abandon(third.run);
}

void test_plans() {
  Device d;
  const int64_t list[] = {3, -1};
  PtdAttribute all[] = {{"none", PTD_NONE, 0, {}},     {"bool", PTD_BOOL, 0, {}}, integer("integer", -7),
                        {"number", PTD_NUMBER, 0, {}}, {"text", PTD_TEXT, 0, {}}, {"list", PTD_INTEGERS, 2, {}},
                        {"dtype", PTD_DTYPE, 0, {}}};
  all[1].value.integer = 1;
  all[3].value.number = 0.5;
  all[4].value.text = "mean";
  all[5].value.integers = list;
  all[6].value.integer = 7;
  const PtdOperand matrix{8, 2, {4, 5}, {1, 4}};
  const Planned told =
      d.plan("test_told", {matrix, vector_of(kI32, 3)}, {vector_of(5, 0)}, {std::begin(all), std::end(all)});
  CHECK_EQ(
      told.error,
      "f32[4, 5][1, 4] i32[3][1] i64[0][1] none=None, bool=True, integer=-7, number=0.5, text='mean', list=(3, -1), "
      "dtype=bfloat16 90 132");
  CHECK_EQ(d.failure.kind, PTD_ERROR);
  CHECK_EQ(
      d.plan("no_op", {}, {}, {}).error,
      "[no_op] has no plan for CUDA; expected one of the ops that the device lists; use what the op is composed of");
  CHECK_EQ(d.failure.kind, PTD_NOT_PLANNED);
  CHECK_EQ(d.plan("test_add", {vector_of(77, 1)}, {}, {}).error,
           "[cuda] dtype number 77; expected 0 to 14; install powertrain and powertrain-cuda of the same version");
  CHECK_EQ(d.plan("test_add", {vector_of(kI32, 1)}, {}, {{"number", 42, 0, {}}}).error,
           "[cuda] attribute number is of kind 42; expected 0 to 6; install powertrain and powertrain-cuda of the same "
           "version");
}

// out[r, c] = in[r, c] * factor[r] + 0.5, whose strides and constant cross the border.
void test_fused() {
  using pt::StepKind;
  Device d;
  const int rows = 3, columns = 50;
  const auto operand = [&](int64_t of_row, int64_t of_column) {
    return PtdOperand{kF32, 2, {rows, columns}, {of_row, of_column}};
  };
  const PtdOperand operands[] = {operand(columns, 1), operand(1, 0), operand(columns, 1)};
  const auto step = [](StepKind kind, const char* op, int a, int b, int at, double value) {
    return PtdStep{int(kind), kF32, op, {a, b, -1, -1}, at, value, 0};
  };
  const PtdStep steps[] = {step(StepKind::Load, "", -1, -1, 0, 0),        step(StepKind::Load, "", -1, -1, 1, 0),
                           step(StepKind::Math, "multiply", 0, 1, -1, 0), step(StepKind::Constant, "", -1, -1, -1, 0.5),
                           step(StepKind::Math, "add", 2, 3, -1, 0),      step(StepKind::Store, "", 4, -1, 2, 0)};
  const PtdFused program{2, 2, 3, 6, {rows, columns}, operands, steps, false};
  Planned planned;
  const PtdPlan to = Table::into(planned);
  CHECK_EQ(d.said(d.t.plan_fused(d.t.self, &program, &to, &d.failure)), "");
  CHECK_EQ(planned.workspace, 0);
  std::vector<float> in(rows * columns), factor{2, -1, 0.25f}, out(in.size());
  std::iota(in.begin(), in.end(), -7.0f);
  const auto sent = [&](const std::vector<float>& values) {
    char* at = d.allocate(values.size() * 4);
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    CHECK_EQ(d.said(d.t.copy_in(d.t.self, at, bytes, values.size() * 4, &d.failure)), "");
    return at;
  };
  char *x = sent(in), *by = sent(factor), *y = sent(out);
  Run run(d);
  CHECK_EQ(run.launch(planned, {x, by, y}), "");
  CHECK_EQ(run.finish(), "");
  CHECK_EQ(d.said(d.t.copy_out(d.t.self, reinterpret_cast<char*>(out.data()), y, out.size() * 4, &d.failure)), "");
  for (std::size_t i = 0; i < out.size(); ++i) CHECK_EQ(out[i], in[i] * factor[i / columns] + 0.5f);
}

// The phases of a run: each raises bits or not, is guarded, and adds 1 to its own element where it commits.
struct Phase {
  uint32_t bits = 0;
  bool forgives = false, writes = true;
};
struct Phases {
  Device& d;
  std::vector<Phase> phases;
  char* data = d.numbers(std::vector<int32_t>(phases.size(), 0));
  char* one = d.numbers({1});

  void put(Run& run) {
    for (std::size_t p = 0; p < phases.size(); ++p) {
      if (phases[p].bits) CHECK_EQ(run.launch(d.raises(phases[p].bits), {one}), "");
      run.guard(static_cast<int>(p), phases[p].forgives);
      if (phases[p].writes) CHECK_EQ(run.launch(d.adds(1, 1), {data + 4 * p, data + 4 * p}, true), "");
      run.commit(phases[p].writes);
    }
  }
};

// Queued and recorded, with the same outcome.
void check_phases(Device& d, std::vector<Phase> phases, uint32_t status, int tripped, int committed,
                  const std::vector<int32_t>& written) {
  Phases queued{d, phases}, kept{d, phases};
  Run run(d);
  queued.put(run);
  CHECK_EQ(run.finish(), "");
  expect_outcome(run.outcome, status, tripped, committed);
  CHECK(d.read(queued.data, phases.size()) == written);

  Run record(d, true);
  kept.put(record);
  void* recording = nullptr;
  CHECK_EQ(d.said(d.t.keep(record.run, &recording, &d.failure)), "");
  CHECK(d.read(kept.data, phases.size()) == std::vector<int32_t>(phases.size(), 0));  // nothing ran
  for (int turn = 1; turn <= 3; ++turn) {
    PtdOutcome outcome{99, 99, 99};
    CHECK_EQ(d.said(d.t.play(d.t.self, recording, &outcome, &d.failure)), "");
    expect_outcome(outcome, status, tripped, committed);
    std::vector<int32_t> want = written;
    for (int32_t& value : want) value *= turn;
    CHECK(d.read(kept.data, phases.size()) == want);
  }
  d.t.forget(d.t.self, recording);
}

void test_guards() {
  Device d;
  check_phases(d, {{}, {}}, 0, -1, 2, {1, 1});
  check_phases(d, {{}, {.writes = false}, {}}, 0, -1, 2, {1, 0, 1});
  check_phases(d, {{}, {.bits = kNonFinite}, {}}, kNonFinite, 1, 1, {1, 0, 0});
  check_phases(d, {{}, {.bits = kNonFinite, .forgives = true}, {}}, 0, 1, 2, {1, 0, 1});
  check_phases(d, {{.bits = kBadIndex, .forgives = true}, {}}, kBadIndex, 0, 0, {0, 0});
  check_phases(d, {{.bits = kBadIndex | kNonFinite, .forgives = true}, {}}, kBadIndex | kNonFinite, 0, 0, {0, 0});
  check_phases(d, {{.bits = kNonFinite, .forgives = true}, {.bits = kNonFinite, .forgives = true}, {}}, 0, 1, 1,
               {0, 0, 1});
  check_phases(d, {{.bits = kNonFinite, .forgives = true}, {.bits = kNonFinite}, {}}, kNonFinite, 1, 0, {0, 0, 0});
  // What follows a run that stopped changes nothing of it.
  check_phases(d, {{.bits = kBadIndex}, {.bits = kNonFinite, .forgives = true}, {}}, kBadIndex, 0, 0, {0, 0, 0});
}

// Bits that nobody guards are told at the end; hundreds of runs each begin with none.
void test_many_runs() {
  Device d;
  char* one = d.numbers({1});
  char* data = d.numbers({0});
  const Planned raises = d.raises(kBadIndex), adds = d.adds(1, 1);
  for (int i = 0; i < 1000; ++i) {
    Run run(d);
    if (i % 3 == 0) CHECK_EQ(run.launch(raises, {one}), "");
    CHECK_EQ(run.launch(adds, {data, data}), "");
    if (i % 2 == 0) {
      CHECK_EQ(run.leave(), "");
      continue;
    }
    CHECK_EQ(run.finish(), "");
    expect_outcome(run.outcome, i % 3 == 0 ? kBadIndex : 0, -1, 0);
  }
  CHECK_EQ(d.read(data, 1)[0], 1000);
  // A run that nobody asks waits for nothing.
  CHECK_EQ(d.said(d.t.wait(d.t.self, &d.failure)), "");
  const uint64_t waited = simulated("simSynchronisations"), made = simulated("simAllocations");
  for (int i = 0; i < 300; ++i) {
    Run run(d);
    CHECK_EQ(run.launch(adds, {data, data}), "");
    run.guard(0);
    run.commit();
    CHECK_EQ(run.leave(), "");
  }
  CHECK_EQ(simulated("simSynchronisations"), waited);
  CHECK_EQ(simulated("simAllocations"), made);
  CHECK_EQ(d.read(data, 1)[0], 1300);
}

void test_recordings() {
  Device d;
  char* data = d.numbers(counted(3000));
  Run record(d, true);
  CHECK_EQ(record.launch(d.adds(3000, 1), {data, data}), "");
  bool flag = false;
  CHECK_EQ(
      d.said(d.t.flag(record.run, data, &flag, &d.failure)),
      "[cuda:0] a flag was asked for in a recording; expected nothing there to wait; run loops with a condition and "
      "branches without one");
  void* recording = nullptr;
  CHECK_EQ(d.said(d.t.keep(record.run, &recording, &d.failure)), "");
  // In order with what is queued around it; without an outcome nobody waits.
  const uint64_t waited = simulated("simSynchronisations");
  CHECK_EQ(d.said(d.t.play(d.t.self, recording, nullptr, &d.failure)), "");
  CHECK_EQ(d.said(d.t.fill(d.t.self, data, 0, 4, &d.failure)), "");
  CHECK_EQ(d.said(d.t.play(d.t.self, recording, nullptr, &d.failure)), "");
  CHECK_EQ(simulated("simSynchronisations"), waited);
  CHECK_EQ(simulated("simGraphLaunches"), 2u);
  const std::vector<int32_t> got = d.read(data, 3000);
  CHECK_EQ(got[0], 1);
  CHECK_EQ(got[1], 3);
  CHECK_EQ(got[2999], 3001);
  // Forgotten while it may still be running.
  CHECK_EQ(d.said(d.t.play(d.t.self, recording, nullptr, &d.failure)), "");
  d.t.forget(d.t.self, recording);
  CHECK_EQ(d.read(data, 3000)[0], 2);
  // One of nothing, and one that is given up.
  Run empty(d, true), given_up(d, true);
  CHECK_EQ(d.said(d.t.keep(empty.run, &recording, &d.failure)), "");
  PtdOutcome outcome{99, 99, 99};
  CHECK_EQ(d.said(d.t.play(d.t.self, recording, &outcome, &d.failure)), "");
  expect_outcome(outcome, 0, -1, 0);
  d.t.forget(d.t.self, recording);
  CHECK_EQ(given_up.launch(d.adds(3000, 1), {data, data}), "");
  d.t.abandon(given_up.run);
}

}  // namespace

int main(int argc, char** argv) {
  return run_cases(
      {
          {"table", test_table, "devices=2,memory=1G,capability=8.6,name=Card"},
          {"memory", test_memory},
          {"many_allocations", test_many_allocations},
          {"out_of_memory", test_out_of_memory, "memory=64M"},
          {"copies", test_copies},
          {"launches", test_launches},
          {"plans", test_plans},
          {"fused", test_fused},
          {"guards", test_guards},
          {"many_runs", test_many_runs},
          {"recordings", test_recordings},
      },
      argc > 1 ? argv[1] : nullptr);
}
