// Fused programs for the tests of CUDA: by the interpreter, and printed.
#pragma once
#include <string>
#include <vector>

#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/sim/simulate.h"
#include "cuda/tests/check_plan.h"
#include "ops/fused/desc.h"
#include "tests/check.h"
#include "tests/fused_programs.h"

namespace pt::check {

constexpr int kUnits = 3;

struct Case {
  std::string what;
  FusedProgram program;
  std::vector<Array> inputs;
};

inline FusedStep load(DType dtype, int operand) {
  return {.kind = StepKind::Load, .op = "", .dtype = dtype, .operand = operand};
}
inline FusedStep math(const std::string& op, DType dtype, std::array<int, 4> args) {
  return {.kind = StepKind::Math, .op = op, .dtype = dtype, .args = args};
}
inline FusedStep of(StepKind kind, DType dtype, int arg) {
  return {.kind = kind, .op = "", .dtype = dtype, .args = {arg, -1, -1, -1}};
}
inline FusedStep store(DType dtype, int arg, int operand) {
  return {.kind = StepKind::Store, .op = "", .dtype = dtype, .args = {arg, -1, -1, -1}, .operand = operand};
}

// Numbers of all sizes, and those at which formulas change.
inline Array of_all_sizes(DType dtype, int64_t count, uint32_t seed) {
  std::mt19937_64 random(seed);
  Array made = extremes(dtype, {count}, seed);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = random();
    if (i % 4 == 0) continue;
    if (dtype == DType::Bool) bits &= 1;
    if (i % 4 == 1 && !is_float(dtype) && dtype != DType::Bool) bits %= 70;  // powers and shifts
    if (i % 4 == 3 && is_float(dtype)) {
      made.set(i, (double(bits >> 11) * 0x1p-53 - 0.5) * (i % 8 == 3 ? 4 : 200));
      continue;
    }
    std::memcpy(made.at(i), &bits, size_of(dtype));
  }
  return made;
}

inline std::vector<Case> formula_cases() {
  std::vector<Case> all;
  constexpr int64_t kCount = 1501;
  for (int number = 0; number < kMathFacts.count; ++number) {
    const MathFact& fact = kMathFacts.facts[number];
    for (const DType dtype : {DType::F32, DType::F64, DType::I32, DType::I64, DType::U64, DType::Bool}) {
      if (!math_takes(fact.name, dtype)) continue;
      FusedProgram p;
      p.extents = {kCount};
      std::vector<Array> inputs;
      std::array<int, 4> args{-1, -1, -1, -1};
      for (int i = 0; i < fact.arity; ++i) {
        const DType type = fact.mask_first && i == 0 ? DType::Bool : dtype;
        inputs.push_back(of_all_sizes(type, kCount, uint32_t(17 * number + i)));
        p.operands.push_back({type, {1}});
        p.steps.push_back(load(type, i));
        args[std::size_t(i)] = i;
      }
      p.inputs = fact.arity;
      const DType result = math_result(fact.name, dtype);
      p.operands.push_back({result, {1}});
      p.steps.push_back(math(fact.name, result, args));
      p.steps.push_back(store(result, fact.arity, fact.arity));
      all.push_back({text(fact.name, " of ", info(dtype).brief), p, inputs});
    }
  }
  return all;
}

inline std::vector<Case> cast_cases() {
  std::vector<Case> all;
  const DType dtypes[] = {DType::Bool, DType::U8,  DType::I8,  DType::I16,  DType::U16, DType::I32, DType::U32,
                          DType::I64,  DType::U64, DType::F16, DType::BF16, DType::F32, DType::F64};
  for (const DType from : dtypes) {
    for (const DType to : dtypes) {
      FusedProgram p;
      p.extents = {1001};
      p.operands = {{from, {1}}, {to, {1}}};
      p.inputs = 1;
      p.steps = {load(from, 0), of(StepKind::Cast, to, 0), store(to, 1, 1)};
      all.push_back({text(info(from).brief, " as ", info(to).brief), p, {of_all_sizes(from, 1001, 5)}});
    }
  }
  return all;
}

// Sums and extremes, then what softmax and norms do: the row again, in several passes.
inline FusedProgram row_program(DType stored, DType dtype, int64_t rows, int64_t cols, bool reads_again) {
  FusedProgram p;
  p.extents = {rows, cols};
  p.operands = {{stored, {cols, 1}}, {dtype, {1, 0}}, {dtype, {1, 0}}, {dtype, {1, 0}}};
  p.inputs = 1;
  p.steps = {load(dtype, 0),
             of(StepKind::RowSum, dtype, 0),
             of(StepKind::RowMax, dtype, 0),
             of(StepKind::RowMin, dtype, 0),
             store(dtype, 1, 1),
             store(dtype, 2, 2),
             store(dtype, 3, 3)};
  if (!reads_again) return p;
  p.operands.push_back({stored, {cols, 1}});
  p.operands.push_back({dtype, {1, 0}});
  p.steps.push_back(math("subtract", dtype, {0, 2, -1, -1}));  // 7
  p.steps.push_back(math("multiply", dtype, {7, 7, -1, -1}));  // 8
  p.steps.push_back(of(StepKind::RowSum, dtype, 8));           // 9
  p.steps.push_back(math("add", dtype, {7, 9, -1, -1}));       // 10
  p.steps.push_back(store(dtype, 10, 4));
  p.steps.push_back(store(dtype, 9, 5));
  return p;
}

inline std::vector<Case> row_cases() {
  std::vector<Case> all;
  for (const int64_t cols : {1, 7, 63, 64, 65, 1000, 1024, 1025, 5000, 9000}) {
    for (const bool again : {false, true}) {
      for (const auto& [stored, dtype] : {std::pair{DType::F32, DType::F32},
                                          {DType::F64, DType::F64},
                                          {DType::BF16, DType::F32},
                                          {DType::F16, DType::F32},
                                          {DType::I32, DType::I32},
                                          {DType::I64, DType::I64},
                                          {DType::U64, DType::U64}}) {
        const int64_t rows = cols > 1000 ? 3 : 13;
        const FusedProgram p = row_program(stored, dtype, rows, cols, again);
        all.push_back({text("rows of ", cols, " ", info(stored).brief), p, {normal(stored, {rows, cols}, 3, 30)}});
        all.push_back({text("rows of extreme ", cols), p, {extremes(stored, {rows, cols}, 3)}});
      }
    }
  }
  return all;
}

// Parts of a row go to different blocks; the row's own values and stores of elements beside its sums.
inline std::vector<Case> long_row_cases() {
  std::vector<Case> all;
  for (const int64_t rows : {1, 3}) {
    const int64_t cols = 70001;
    FusedProgram p = row_program(DType::F32, DType::F32, rows, cols, false);
    p.operands.push_back({DType::F32, {1, 0}});
    p.operands.push_back({DType::F32, {cols, 1}});
    p.steps.push_back(math("multiply", DType::F32, {1, 2, -1, -1}));  // 7
    p.steps.push_back(math("negative", DType::F32, {0, -1, -1, -1}));
    p.steps.push_back(store(DType::F32, 7, 4));
    p.steps.push_back(store(DType::F32, 8, 5));
    all.push_back({text(rows, " long rows"), p, {normal(DType::F32, {rows, cols}, 9)}});
  }
  return all;
}

// Draws depend on the logical element alone.
inline std::vector<Case> uniform_cases() {
  std::vector<Case> all;
  for (const DType dtype : {DType::F32, DType::F64}) {
    for (const Shape& extents : {Shape{7, 33}, Shape{3, 5, 1000}, Shape{2000}}) {
      FusedProgram p;
      p.extents = extents;
      Strides none, turned;
      int64_t stride = 1;
      for (int axis = 0; axis < extents.size(); ++axis) {
        none.push_back(0);
        turned.push_back(stride);
        stride *= extents[axis];
      }
      p.operands = {{DType::I64, none}, {dtype, turned}, {dtype, row_major(extents)}};
      p.inputs = 1;
      p.steps = {{.kind = StepKind::Uniform, .op = "", .dtype = dtype, .operand = 0, .ordinal = 5},
                 store(dtype, 0, 1),
                 store(dtype, 0, 2)};
      const Array identity = numbers(DType::I64, {3}, {123456789012.0, 77, 1000});
      all.push_back({"uniform", p, {identity}});
    }
  }
  return all;
}

// All before the first gets its memory, which takes random numbers too.
inline std::vector<FusedProgram> random_programs(int count) {
  std::vector<FusedProgram> all;
  for (int i = 0; i < count; ++i) all.push_back(RandomProgram(i % 2 == 1).take());
  return all;
}

inline void compare_with_cpu(const Case& each, int units, bool printed) {
  const FusedProgram& p = each.program;
  std::vector<Array> outputs;
  for (std::size_t i = std::size_t(p.inputs); i < p.operands.size(); ++i) {
    Shape shape = p.extents;
    for (int axis = 0; axis < shape.size(); ++axis) {
      if (p.operands[i].strides[axis] == 0) shape[axis] = 1;
    }
    outputs.emplace_back(p.operands[i].dtype, shape, p.operands[i].strides);
  }
  CheckOptions options;
  options.orders = 1;
  check_plans(each.what, lower_fused(p), cuda::plan_fused(p, 90, units, printed), each.inputs, outputs, options);
}

// On memory where an output may be an input.
inline std::string run_in(const LaunchPlan& plan, std::vector<char*> data) {
  std::vector<uint64_t> workspace(plan.workspace_bytes / 8 + 1, 0x7ff4dead7fa4deadu);
  if (plan.workspace_bytes) data.push_back(reinterpret_cast<char*>(workspace.data()));
  for (const Launch& launch : plan.launches) {
    const auto* desc = static_cast<const cuda::LaunchDesc*>(launch.desc.data());
    std::vector<char*> block = data;
    block.resize(std::size_t(desc->operands));
    uint32_t status = 0;
    block.push_back(reinterpret_cast<char*>(&status));
    block.push_back(nullptr);
    const auto extents = [](const uint32_t* axes) { return cuda::Extents{axes[0], axes[1], axes[2]}; };
    const cuda::Geometry geometry{extents(desc->grid), extents(desc->block), desc->shared_bytes};
    const cuda::sim::Kernel* kernel = cuda::sim::find_kernel(cuda::kernel_name(desc->kernel));
    if (!kernel) return "no kernel " + cuda::kernel_name(desc->kernel);
    cuda::sim::Failure failure;
    cuda::sim::simulate(*kernel, geometry, block.data(), desc + 1, &failure);
    if (!failure.text.empty()) return failure.text;
  }
  return "";
}

// Against a literal evaluation.
inline void check_program(const FusedProgram& p, bool in_place, bool printed) {
  const std::vector<int> shared = in_place ? share_memory(p) : std::vector<int>(p.operands.size(), -1);
  std::vector<OperandMemory> memory;
  for (std::size_t i = 0; i < p.operands.size(); ++i) {
    memory.push_back(make_memory(p.operands[i], p.extents, int(i) < p.inputs));
  }
  std::vector<OperandMemory> want = memory, got = memory;
  std::vector<void*> wanted;
  std::vector<char*> data;
  for (std::size_t i = 0; i < memory.size(); ++i) {
    wanted.push_back(want[i].at());
    data.push_back(shared[i] >= 0 ? data[std::size_t(shared[i])] : got[i].at());
  }
  run_reference(p, wanted);
  const std::string failure = run_in(cuda::plan_fused(p, 90, kUnits, printed), data);
  report(failure.empty(), __FILE__, __LINE__, failure + " in\n" + describe(p));
  for (std::size_t i = 0; i < p.operands.size(); ++i) {
    if (std::find(shared.begin(), shared.end(), int(i)) != shared.end()) continue;
    bool equal;
    if (shared[i] >= 0) {
      equal = same_elements(p, i, data[i], want[i].at());
    } else {
      equal = same(p.operands[i].dtype, reinterpret_cast<char*>(got[i].words.data()) + got[i].offset % 8,
                   reinterpret_cast<char*>(want[i].words.data()) + want[i].offset % 8,
                   int64_t(got[i].words.size() - 1) * 8);
    }
    report(equal, __FILE__, __LINE__,
           (in_place ? "in place, operand " : "operand ") + std::to_string(i) + " of\n" + describe(p));
    if (!equal) return;
  }
}

}  // namespace pt::check
