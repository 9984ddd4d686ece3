// The fused machine against a literal evaluation of its programs, with the same bits on every instruction set.
#include "check.h"
#include "core/error.h"
#include "fused_programs.h"
#include "run_hostile.h"
#include "run_plan.h"
#include "simd/philox.h"

namespace pt::check {
namespace {

void check_program(const FusedProgram& p, const std::vector<std::string_view>& isas, bool in_place) {
  const std::vector<int> shared = in_place ? share_memory(p) : std::vector<int>(p.operands.size(), -1);
  std::vector<OperandMemory> memory;
  for (std::size_t i = 0; i < p.operands.size(); ++i) {
    memory.push_back(make_memory(p.operands[i], p.extents, int(i) < p.inputs));
  }
  auto addresses = [](std::vector<OperandMemory>& m) {
    std::vector<void*> data;
    for (OperandMemory& each : m) data.push_back(each.at());
    return data;
  };
  std::vector<OperandMemory> want = memory;
  run_reference(p, addresses(want));
  const LaunchPlan plan = lower_fused(p);
  for (std::string_view isa : isas) {
    set_isa(isa);
    std::vector<OperandMemory> got = memory;
    std::vector<char*> data;
    for (void* each : addresses(got)) data.push_back(static_cast<char*>(each));
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (shared[i] >= 0) data[i] = data[std::size_t(shared[i])];
    }
    run_hostile(plan, data);
    for (std::size_t i = 0; i < p.operands.size(); ++i) {
      if (shared[i] >= 0) {
        // What lies around the operand is the input's; only the elements are compared.
        report(same_elements(p, i, data[i], want[i].at()), __FILE__, __LINE__,
               std::string(isa) + " in place, operand " + std::to_string(i) + " of\n" + describe(p));
        continue;
      }
      if (std::find(shared.begin(), shared.end(), int(i)) != shared.end()) continue;
      const bool equal = same(p.operands[i].dtype, reinterpret_cast<char*>(got[i].words.data()) + got[i].offset % 8,
                              reinterpret_cast<char*>(want[i].words.data()) + want[i].offset % 8,
                              int64_t(got[i].words.size() - 1) * 8);
      report(equal, __FILE__, __LINE__, std::string(isa) + " operand " + std::to_string(i) + " of\n" + describe(p));
      if (!equal) return;
    }
  }
}

void test_random_programs(const std::vector<std::string_view>& isas) {
  for (int i = 0; i < 3000; ++i) check_program(RandomProgram(i % 2 == 1).take(), isas, i % 4 < 2);
}
void test_random_programs_with_sums_of_columns(const std::vector<std::string_view>& isas) {
  for (int i = 0; i < 300; ++i) check_program(RandomProgram(i % 2 == 1, true).take(), isas, i % 4 < 2);
}

// Draws depend on the logical element alone: not on tiles, layout or instruction set.
void test_uniform(const std::vector<std::string_view>& isas) {
  for (const DType dtype : {DType::F32, DType::F64}) {
    for (const Shape& extents : {Shape{7, 33}, Shape{3, 5, 1000}, Shape{2000}, Shape{64, 64}}) {
      const int64_t n = count(extents);
      FusedProgram p;
      p.extents = extents;
      Strides none, permuted;
      int64_t stride = 1;
      for (int axis = 0; axis < extents.size(); ++axis) {
        none.push_back(0);
        permuted.push_back(stride);
        stride *= extents[axis];
      }
      p.operands = {{DType::I64, none}, {dtype, permuted}, {dtype, row_major(extents)}};
      p.inputs = 1;
      p.steps = {{.kind = StepKind::Uniform, .op = "", .dtype = dtype, .operand = 0, .ordinal = 5},
                 {.kind = StepKind::Store, .op = "", .dtype = dtype, .args = {0, -1, -1, -1}, .operand = 1},
                 {.kind = StepKind::Store, .op = "", .dtype = dtype, .args = {0, -1, -1, -1}, .operand = 2}};
      const LaunchPlan plan = lower_fused(p);
      for (std::string_view isa : isas) {
        set_isa(isa);
        int64_t identity[3] = {0x123456789abcdef, 77, 1000};
        std::vector<double> a(n, -1), b(n, -1);
        run_hostile(plan, {reinterpret_cast<char*>(identity), reinterpret_cast<char*>(a.data()),
                           reinterpret_cast<char*>(b.data())});
        bool right = true;
        for (int64_t i = 0; i < n; ++i) {
          const PhiloxKey key = philox_key(identity[0], identity[1], identity[2] + 5);
          int64_t at = 0, rest = i;
          for (int axis = extents.size() - 1; axis >= 0; --axis) {
            at += rest % extents[axis] * permuted[axis];
            rest /= extents[axis];
          }
          if (dtype == DType::F32) {
            const float want = philox_float_at(key, i);
            right &= reinterpret_cast<float*>(b.data())[i] == want && reinterpret_cast<float*>(a.data())[at] == want;
          } else {
            const double want = philox_double_at(key, i);
            right &= b[i] == want && a[at] == want;
          }
        }
        report(right, __FILE__, __LINE__, std::string(isa) + ": draws differ");
      }
    }
  }
}

void test_errors() {
  FusedProgram p;
  p.extents = {4};
  p.operands = {{DType::F32, {1}}, {DType::F32, {1}}};
  p.inputs = 1;
  p.steps = {{.kind = StepKind::Load, .op = "", .operand = 0},
             {.kind = StepKind::Math, .op = "frobnicate", .args = {0, -1, -1, -1}}};
  CHECK_THROWS(lower_fused(p), Error, "[fused] step 1 is frobnicate; expected a formula; add ops/frobnicate/math.h");
  p.steps[1].op = "add";
  CHECK_THROWS(lower_fused(p), Error,
               "[fused] step 1 has argument -1; expected an earlier step with a result; order the steps");
  p.steps[1] = {.kind = StepKind::Store, .op = "", .args = {0, -1, -1, -1}, .operand = 0};
  CHECK_THROWS(lower_fused(p), Error, "[fused] step 1 uses operand 0; expected an output among 1 inputs and 1 outputs");
  p.steps[1] = {.kind = StepKind::ColumnSum, .op = "", .dtype = DType::I32, .args = {0, -1, -1, -1}};
  CHECK_THROWS(lower_fused(p), Error, "[fused] step 1 sums columns of i32; expected floats; cast first");
  p.extents = {3, 4};
  p.operands = {{DType::F32, {4, 1}}, {DType::F32, {4, 1}}};
  p.steps[1].dtype = DType::F32;
  p.steps.push_back({.kind = StepKind::Store, .op = "", .args = {1, -1, -1, -1}, .operand = 1});
  CHECK_THROWS(lower_fused(p), Error,
               "[fused] step 2 stores sums of columns to operand 1; expected one row of its own, of the class of the "
               "sums, for all rows or for as many as other sums have; give it the strides of one row");
}

}  // namespace
}  // namespace pt::check

int main() {
  const auto isas = pt::check::usable_isas();
  pt::check::test_random_programs(isas);
  pt::check::test_random_programs_with_sums_of_columns(isas);
  pt::check::test_uniform(isas);
  pt::check::test_errors();
  return pt::check::finish();
}
