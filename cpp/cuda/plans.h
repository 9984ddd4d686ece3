// The plans of the CUDA target. Files end with a registration, as those of the CPU do:
//
//   const bool planned = on_cuda("take", [](const CudaCall& call) { return plan_take(call.in[0], ...); });
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/device.h"
#include "core/attrs.h"
#include "core/launch.h"
#include "cuda/products.h"
#include "ops/fused/machine.h"

namespace pt::cuda {

struct CudaCall {
  std::span<const Operand> in, out;
  const Attrs& attrs;
  int capability;        // of the device: 80, 90, 100
  int units;             // multiprocessors
  bool printed = false;  // as in PtdFused
  ProductLibrary* products = nullptr;
};

using CudaPlan = std::function<LaunchPlan(const CudaCall&)>;

// Registers the plan of an op while the library loads; returns something to initialise a constant with.
bool on_cuda(std::string op, CudaPlan plan);
const CudaPlan* cuda_plan(std::string_view op);  // nullptr where there is none
std::vector<std::string> cuda_ops();             // that have a plan, sorted

// How an op's result goes through an elementwise program before it is stored (PtdDevice::plan_epilogue).
struct CudaFollowed {
  std::span<const Operand> in;
  const Operand& result;  // row-major
  const FusedProgram& program;
  const Attrs& attrs;
  int capability = 0, units = 0;  // of the device, and `printed` as in PtdFused: where a plan is made
  bool printed = false;
  ProductLibrary* products = nullptr;
};
struct CudaEpilogue {
  std::function<bool(const CudaFollowed&, std::string* why)> takes;
  std::function<LaunchPlan(const CudaFollowed&)> plan;
};
// Of the op without its result.
inline CudaCall as_call(const CudaFollowed& f) {
  return {f.in, {}, f.attrs, f.capability, f.units, f.printed, f.products};
}
bool on_cuda(std::string op, CudaEpilogue epilogue);  // beside the op's plan
const CudaEpilogue* cuda_epilogue(std::string_view op);
std::vector<std::string> cuda_followed();  // ops that have one, sorted

// By a kernel that is printed for programs of its form, where `printed` says so and they are allowed; else by the
// interpreter.
LaunchPlan plan_fused(const FusedProgram& program, int capability, int units, bool printed);
const PtdLimits& fused_limits();  // of programs that plan_fused takes

}  // namespace pt::cuda
