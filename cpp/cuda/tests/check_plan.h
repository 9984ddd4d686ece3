// Plans for CUDA, run by the simulator, beside the CPU's. A test says which op on which arrays:
//
//   check_op("take", {normal(DType::F32, {7, 33}, 1), integers(DType::I64, {5}, -7, 6, 2)}, {{"axis", 0}});
//
// Launches are executed one after the other, for several orders of threads, on memory that holds exactly what the
// strides cover; results of the CPU's plan and of CUDA's are compared bit by bit, and so is the status word.
#pragma once
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/launch.h"
#include "ops/op.h"

namespace pt::check {

// A tensor in plain memory, of any strides.
class Array {
 public:
  Array(DType dtype, const Shape& shape) : Array(dtype, shape, row_major(shape)) {}
  Array(DType dtype, const Shape& shape, const Strides& strides);  // zeros
  static Array none();                                             // an optional input that is left out

  const Operand& operand() const { return operand_; }
  TensorType type() const { return {operand_.dtype, operand_.shape}; }
  bool given() const { return given_; }
  int64_t count() const { return pt::count(operand_.shape); }
  // The element at this place in row-major order.
  char* at(int64_t index) { return memory_.data() + offset(index); }
  const char* at(int64_t index) const { return memory_.data() + offset(index); }
  double number(int64_t index) const;
  void set(int64_t index, double value);
  void set_integer(int64_t index, int64_t value);

  // All bytes that the strides cover; the element of index 0 begins at `first`.
  std::vector<char>& memory() { return memory_; }
  const std::vector<char>& memory() const { return memory_; }
  int64_t first() const { return first_; }

  // The same elements in other places: axes that lie in this order, the outermost first; each `gap` times as far apart.
  Array laid_out(std::vector<int> order, int64_t gap = 1) const;
  // Turned, spread and flipped at random.
  Array laid_out_at_random(std::mt19937& random) const;
  // The element 0 of each of these axes for all places along it, with stride 0.
  Array repeated(const std::vector<int>& axes) const;

 private:
  int64_t offset(int64_t index) const;
  Operand operand_;
  std::vector<char> memory_;
  int64_t first_ = 0;
  bool given_ = true;
};

inline const std::vector<DType> kRealTypes = {DType::Bool, DType::U8,  DType::I8,  DType::I16, DType::U16,
                                              DType::I32,  DType::U32, DType::I64, DType::U64, DType::F16,
                                              DType::BF16, DType::F32, DType::F64};

Array normal(DType dtype, const Shape& shape, uint32_t seed, double scale = 1);
Array integers(DType dtype, const Shape& shape, int64_t low, int64_t high, uint32_t seed);  // both ends among them
Array small_integers(DType dtype, const Shape& shape, int64_t most, uint32_t seed);  // from -most, or 0, as it has them
Array numbers(DType dtype, const Shape& shape, const std::vector<double>& values);
// Normal numbers with NaN, infinities, zeros of both signs and equal ones among them.
Array extremes(DType dtype, const Shape& shape, uint32_t seed);

struct CheckOptions {
  // 0: the same bits (a NaN is as good as another). Else |cuda - cpu| <= k * eps(dtype) * max(|cpu|, magnitude).
  double k = 0;
  double magnitude = 0;
  std::vector<Strides> out_strides = {};  // row-major if empty
  std::vector<int> capabilities = {80, 90};
  int units = 3;                     // multiprocessors
  int orders = 2;                    // of threads: one by one, then at random
  bool outputs_hold_values = false;  // which the plan may read, as where it adds to them
};

// For plans that are the same for every capability.
inline const CheckOptions kAnyCapability{.capabilities = {90}};

// Whether this is one of the calls that an ordinary run makes: one in so many, all of them with POWERTRAIN_ALL set.
inline bool is_sampled(int one_in) {
  static const bool all = std::getenv("POWERTRAIN_ALL") != nullptr;
  static int calls = 0;
  return all || calls++ % one_in == 0;
}

// The op's plan for CUDA beside its plan for the CPU. Also where `attrs` are left at their defaults.
void check_op(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {},
              const CheckOptions& options = {});

// The same for plans that a test made itself. `outputs` holds what is in the results before; afterwards, what CUDA's
// plan wrote.
void check_plans(const std::string& what, const LaunchPlan& cpu, const LaunchPlan& cuda,
                 const std::vector<Array>& inputs, std::vector<Array>& outputs, const CheckOptions& options = {});

// Runs a plan for CUDA alone and returns the status word. A complaint of the simulator fails the test, or goes to
// `failure`. `order`: of threads, at random unless it is 0.
uint32_t run_cuda(const std::string& what, const LaunchPlan& plan, const std::vector<Array>& inputs,
                  std::vector<Array>& outputs, uint32_t order = 0, bool outputs_hold_values = false,
                  std::string* failure = nullptr);

}  // namespace pt::check
