// What the library of the runtime's test can plan: ops that exist nowhere else.
#include <algorithm>
#include <array>

#include "core/error.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/tests/example.h"
#include "cuda/tests/runtime_ops.h"

namespace pt::cuda {
namespace {

// In one launch per 1,000 elements, so that byte offsets are used.
const bool add = on_cuda("test_add", [](const CudaCall& call) {
  LaunchPlan plan;
  constexpr int64_t kPart = 1000;
  const int64_t all = count(call.in[0].shape);
  for (int64_t at = 0; at < all; at += kPart) {
    const TestAdd params{std::min(kPart, all - at), static_cast<int32_t>(call.attrs.integer("number"))};
    Launch launch = cuda_launch("test_add", {.grid = {blocks_for(params.elements, 64)}, .block = {64}}, params, 1, 0);
    launch.operands = {1};
    launch.byte_offsets = {4 * at};
    plan.launches.push_back(launch);
  }
  return plan;
});

const bool raise_bits = on_cuda("test_raise", [](const CudaCall& call) {
  LaunchPlan plan;
  const TestRaise params{static_cast<uint32_t>(call.attrs.integer("bits"))};
  plan.launches.push_back(cuda_launch("test_raise", {.block = {32}}, params, 1, 0));
  return plan;
});

// Turns blocks of `threads` elements, with more shared memory than a launch has without asking.
const bool reverse = on_cuda("test_reverse", [](const CudaCall& call) {
  LaunchPlan plan;
  const auto threads = static_cast<uint32_t>(call.attrs.integer("threads"));
  const auto shared = static_cast<uint32_t>(call.attrs.integer("shared"));
  plan.launches.push_back(cuda_launch(
      "example_reverse",
      {.grid = {static_cast<uint32_t>(count(call.in[0].shape) / threads)}, .block = {threads}, .shared_bytes = shared},
      ExampleReverse{1}, 2, 0));
  return plan;
});

const bool missing = on_cuda("test_missing", [](const CudaCall&) {
  LaunchPlan plan;
  plan.launches.push_back(cuda_launch("no_such_kernel", {}, TestRaise{}, 1, 0));
  return plan;
});

// A printed kernel, whose source the attribute completes.
const bool printed = on_cuda("test_printed", [](const CudaCall& call) {
  LaunchPlan plan;
  const std::string source =
      "#include \"cuda/kernel.h\"\nstruct Params { int bits; };\nPT_CUDA_KERNEL(test_printed, 1, Params, 32) {\n"
      "  if (threadIdx.x == 0) *reinterpret_cast<int*>(operands.at[0]) = " +
      call.attrs.str("value") + ";\n}\n";
  plan.launches.push_back(make_launch(printed_kernel_number("test_printed", source), {.block = {32}},
                                      std::array<int, 1>{}.data(), sizeof(int), 1, 0, 0));
  return plan;
});

// One that needs no headers, as NVIDIA's own NVRTC takes it.
const bool plain = on_cuda("test_plain", [](const CudaCall&) {
  LaunchPlan plan;
  const std::string source =
      "extern \"C\" __global__ void test_plain(int* data) { data[threadIdx.x] = int(rintf(2.5f)); }\n";
  plan.launches.push_back(make_launch(printed_kernel_number("test_plain", source), {}, "", 1, 1, 0, 0));
  return plan;
});

// What it was asked, as text: for the conversion of calls.
const bool told = on_cuda("test_told", [](const CudaCall& call) -> LaunchPlan {
  std::string all;
  for (const auto& operands : {call.in, call.out}) {
    for (const Operand& o : operands) all += text(info(o.dtype).brief, o.shape, o.strides, " ");
  }
  throw ShapeError(text(all, to_string(call.attrs), " ", call.capability, " ", call.units));
});

}  // namespace

}  // namespace pt::cuda
