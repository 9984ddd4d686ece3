// Programs as CUDA C++, one kernel for each; internal to plan_cuda*.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/launch.h"
#include "ops/fused/cuda_lower.h"

namespace pt::cuda::fused {

// A kernel that is fit for programs of this form, whatever their extents and strides, and what this program gives it.
struct PrintedKernel {
  std::string name;
  std::vector<std::string> formulas;  // whose headers it needs
  std::string text;
  int operands = 0;
  std::vector<int64_t> params;
  Geometry geometry;
};

// What both forms of kernels have in common.
class Printer {
 public:
  Printer(const Ir& ir, const Passes& passes);

 protected:
  const Node& node(int i) const { return ir_.nodes[std::size_t(i)]; }
  bool is_row(int i) const { return is_row_value(passes_, node(i)); }
  static const char* type_of(FusedClass cls);
  static std::string storage_of(FusedStorage storage);
  std::string storage_of(const Node& node) const;
  std::string reduction_of(int i) const;  // "ReduceSum, float"
  static std::string value(int i) { return "v" + std::to_string(i); }
  // The statement that computes node i; of a load, at this offset; of a draw, for this element.
  std::string compute(int i, const std::string& offset, const std::string& element);
  // The values of which there is one for all rows, and the keys of draws.
  std::string constants();
  std::string index_type() const { return small_ ? "int32_t" : "int64_t"; }
  std::string offset(int operand, const std::vector<std::string>& places) const;
  // Takes `from` apart into its place along each axis besides the row, named at0...
  std::string split_row(const std::string& from, const std::string& indent) const;
  PrintedKernel finish(std::string body, uint32_t threads);
  int add_param(int64_t number);

  const Ir& ir_;
  const Passes& passes_;
  bool small_;
  int extents_at_ = 0, strides_at_ = 0;
  std::vector<std::string> formulas_;
  std::vector<int64_t> params_;
};

PrintedKernel print_elements(const Ir& ir, const Passes& passes, int units);
PrintedKernel print_rows(const Ir& ir, const Passes& passes, int64_t part_cols, int units);
PrintedKernel print_kernel(const Ir& ir, const Passes& passes, int64_t part_cols, int units);

// The whole source, with the text of all headers in it.
std::string whole_source(const PrintedKernel& kernel);

LaunchPlan print(const Ir& ir, int units);

}  // namespace pt::cuda::fused
