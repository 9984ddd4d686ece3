// Achieved GFLOP/s of matrix products (in four transpose forms) and convolutions on one thread, beside the machine's
// multiply-add peak, measured in turns. Arguments: words that a line's name must contain,
// or `product M K N`, or `product M K N bf16` for the processor's own sums, or `convolution IMAGES SIZE IN OUT` of 3
// x 3.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "ops/conv2d/plan.h"
#include "ops/cpu_target.h"
#include "ops/matmul/plan.h"
#include "parallel/kernel_table.h"

namespace pt {
namespace {

std::vector<std::string> words;

// Of this thread alone: what other processes take of the core does not count.
double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Memory as the engine's own: aligned, with huge pages where it is large. bf16 are the upper halves of such floats.
BufferRef numbers(int64_t n, DType type = DType::F32) {
  BufferRef values = Buffer::allocate(n * static_cast<int64_t>(size_of(type)));
  float* at = reinterpret_cast<float*>(values->host());
  uint16_t* half_at = reinterpret_cast<uint16_t*>(values->host());
  uint32_t state = 1;
  for (int64_t i = 0; i < n; ++i) {
    const float x = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / (1 << 24) - 0.5f;
    type == DType::BF16 ? void(half_at[i] = static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16)) : void(at[i] = x);
  }
  return values;
}

void run(const LaunchPlan& plan, std::vector<char*> data, char* workspace, char* scratch) {
  uint32_t status = 0;
  for (const Launch& launch : plan.launches) {
    std::vector<char*> operands;
    for (int index : launch.operands) operands.push_back(index < 0 ? workspace : data[index]);
    if (launch.operands.empty()) operands = data, operands.push_back(workspace);
    for (size_t i = 0; i < launch.byte_offsets.size(); ++i) operands[i] += launch.byte_offsets[i];
    const KernelArgs args = {operands.data(), launch.desc.data(), scratch, &status};
    const KernelFn kernel = kernels_of(launch.kernel, current_isa())[launch.variant];
    for (int64_t chunk = 0; chunk < launch.chunks; ++chunk) kernel(&args, chunk);
  }
}

// One thread executes all chunks, planned as for one.
PlanContext context() {
  PlanContext alone = cpu_target().context();
  alone.threads = 1;
  return alone;
}

void measure(const std::string& name, const LaunchPlan& plan, std::vector<char*> data) {
  for (const std::string& word : words)
    if (name.find(word) == std::string::npos) return;
  int64_t scratch_bytes = 0, chunks = 0;
  double flops = 0;
  for (const Launch& launch : plan.launches) {
    scratch_bytes = std::max(scratch_bytes, launch.scratch_bytes);
    flops += launch.flops;
    chunks += launch.chunks;
  }
  const BufferRef workspace = Buffer::allocate(plan.workspace_bytes), scratch = Buffer::allocate(scratch_bytes);
  for (int i = 0; i < 3; ++i) run(plan, data, workspace->host(), scratch->host());
  double once = now();
  for (int i = 0; i < 3; ++i) run(plan, data, workspace->host(), scratch->host());
  once = (now() - once) / 3;
  const int repeats =
      once < 20e-6 ? static_cast<int>(50e-6 / std::max(once, 1e-7)) : 1;  // reading the clock costs 1 us
  std::vector<double> times;
  const double end = now() + (std::getenv("QUICK") ? 0.1 : 0.4);
  while (times.size() < 5 || (now() < end && times.size() < 2000)) {
    const double begin = now();
    for (int i = 0; i < repeats; ++i) run(plan, data, workspace->host(), scratch->host());
    times.push_back((now() - begin) / repeats);
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf("%-44s %9.1f us  %6.1f GF/s  best %6.1f   %lld chunks\n", name.c_str(), median * 1e6,
              flops / median / 1e9, flops / times[0] / 1e9, static_cast<long long>(chunks));
  std::fflush(stdout);
}

char* bytes(const BufferRef& buffer) { return buffer->host(); }

Operand matrix(int64_t rows, int64_t cols, bool transposed, DType type = DType::F32) {
  return {type, {rows, cols}, transposed ? Strides{1, rows} : Strides{cols, 1}};
}

void products(int64_t m, int64_t k, int64_t n, DType type = DType::F32) {
  const BufferRef a = numbers(m * k, type), b = numbers(k * n, type), c = numbers(m * n, type);
  const Dots dots = type == DType::BF16 ? Dots::Hardware : Dots::Exact;
  for (int form = 0; form < 4; ++form) {
    const std::string name = "matmul " + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n) +
                             (form & 1 ? " At" : " A") + (form & 2 ? " Bt" : " B");
    measure(name,
            plan_matmul(matrix(m, k, form & 1, type), matrix(k, n, form & 2, type), matrix(m, n, false, type),
                        context(), dots),
            {bytes(a), bytes(b), bytes(c)});
  }
}

// relu(x w + bias), as a layer of an MLP.
void layer(int64_t m, int64_t k, int64_t n) {
  const BufferRef a = numbers(m * k), b = numbers(k * n), bias = numbers(n), c = numbers(m * n);
  FusedProgram program;
  program.extents = {m, n};
  program.inputs = 2;
  program.operands = {{DType::F32, {}}, {DType::F32, {0, 1}}, {DType::F32, {n, 1}}};
  const auto step = [&](StepKind kind, const char* op, std::array<int, 4> args, int operand) {
    program.steps.push_back({.kind = kind, .op = op, .args = args, .operand = operand});
  };
  step(StepKind::Load, "", {-1, -1, -1, -1}, 0);
  step(StepKind::Load, "", {-1, -1, -1, -1}, 1);
  step(StepKind::Math, "add", {0, 1, -1, -1}, -1);
  step(StepKind::Math, "relu", {2, -1, -1, -1}, -1);
  step(StepKind::Store, "", {3, -1, -1, -1}, 2);
  for (bool turned : {false, true})
    measure("layer " + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n) + (turned ? " Bt" : " B"),
            plan_matmul(matrix(m, k, false), matrix(k, n, turned), TensorType{DType::F32, {m, n}}, program, context()),
            {bytes(a), bytes(b), bytes(bias), bytes(c)});
}

void batched(int64_t batch, int64_t m, int64_t k, int64_t n) {
  const BufferRef a = numbers(batch * m * k), b = numbers(batch * k * n), c = numbers(batch * m * n);
  const Operand x = {DType::F32, {batch, m, k}, {m * k, k, 1}}, z = {DType::F32, {batch, m, n}, {m * n, n, 1}};
  const Operand y = {DType::F32, {batch, k, n}, {k * n, n, 1}}, yt = {DType::F32, {batch, k, n}, {k * n, 1, k}};
  const std::string name =
      "batch " + std::to_string(batch) + "x" + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n);
  measure(name + " A B", plan_matmul(x, y, z, context()), {bytes(a), bytes(b), bytes(c)});
  measure(name + " A Bt", plan_matmul(x, yt, z, context()), {bytes(a), bytes(b), bytes(c)});
}

void convolution(int64_t images, int64_t size, int64_t in, int64_t out, int64_t kernel, Conv2dParams p) {
  const int64_t o = conv_output_size(size, kernel, p.stride_h, p.pad_top + p.pad_bottom, p.dilation_h);
  const auto operand = [](Shape shape) { return Operand{DType::F32, shape, row_major(shape)}; };
  const Operand x = operand({images, size, size, in}), w = operand({kernel, kernel, in / p.groups, out});
  const Operand y = operand({images, o, o, out});
  const BufferRef xs = numbers(count(x.shape)), ws = numbers(count(w.shape)), ys = numbers(count(y.shape));
  const std::string name = "conv " + std::to_string(images) + "x" + std::to_string(size) + " " + std::to_string(in) +
                           "->" + std::to_string(out) + " k" + std::to_string(kernel) + " s" +
                           std::to_string(p.stride_h) + " g" + std::to_string(p.groups);
  measure(name + " y", plan_conv2d(x, w, y, p, context()), {bytes(xs), bytes(ws), bytes(ys)});
  measure(name + " dx", plan_conv2d_grad_input(y, w, x, p, context()), {bytes(ys), bytes(ws), bytes(xs)});
  measure(name + " dw", plan_conv2d_grad_weight(x, y, w, p, context()), {bytes(xs), bytes(ys), bytes(ws)});
}

// Everything in registers and the first cache: the most that a product could reach.
void peak() {
  const int64_t k = 256;
  const BufferRef a = numbers(6 * k), b = numbers(16 * k), c = numbers(96);
  const Operand x = {DType::F32, {6, k}, {1, 6}}, y = {DType::F32, {k, 16}, {16, 1}};
  measure("tile 6x256x16, all in the first cache", plan_matmul(x, y, matrix(6, 16, false), context()),
          {bytes(a), bytes(b), bytes(c)});
}

Conv2dParams padded(int64_t pad, int64_t stride = 1, int64_t groups = 1) {
  return {stride, stride, pad, pad, pad, pad, 1, 1, groups};
}

}  // namespace
}  // namespace pt

int main(int argc, char** argv) {
  using namespace pt;
  for (int i = 1; i < argc; ++i) words.push_back(argv[i]);
  if (argc >= 5 && std::string(argv[1]) == "product") {
    words.clear();
    const bool bf16 = argc > 5 && std::string(argv[5]) == "bf16";
    products(std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), bf16 ? DType::BF16 : DType::F32);
    return 0;
  }
  if (argc == 6 && std::string(argv[1]) == "convolution") {
    words.clear();
    convolution(std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5]), 3, padded(1));
    return 0;
  }
  peak();
  products(512, 512, 512);
  products(64, 784, 256);
  products(784, 64, 256);
  products(32, 256, 1024);
  products(16, 300, 500);
  products(16, 512, 512);
  products(64, 256, 10);
  products(64, 4, 64);
  products(64, 64, 64);
  products(64, 64, 2);
  products(768, 128, 384);
  products(768, 256, 3072);
  products(2048, 2048, 2048);
  products(1, 768, 3072);
  products(4, 768, 3072);
  products(256, 768, 50257);
  products(256, 768, 3072);
  products(256, 3072, 768);
  products(3072, 256, 768);
  layer(64, 784, 256);
  layer(64, 4, 64);
  layer(64, 64, 64);
  layer(256, 784, 1024);
  layer(768, 768, 3072);
  batched(48, 64, 32, 64);
  batched(48, 64, 64, 32);
  convolution(64, 28, 1, 32, 5, padded(2));
  convolution(64, 14, 32, 64, 5, padded(2));
  convolution(32, 32, 3, 64, 3, padded(1));
  convolution(32, 32, 64, 64, 3, padded(1));
  convolution(32, 32, 64, 128, 3, padded(1, 2));
  convolution(32, 32, 64, 128, 1, padded(0, 2));
  convolution(32, 16, 128, 128, 3, padded(1));
  convolution(32, 8, 256, 256, 3, padded(1));
  convolution(32, 4, 512, 512, 3, padded(1));
  convolution(8, 32, 128, 128, 3, padded(1, 1, 128));
}
