// Products by the simulated cuBLASLt, through the device's table: the same numbers as by our own kernels, which run
// where a launch commits or its operands are not aligned; and what is said where the library cannot be used.
#include "cuda/tests/runtime_products.h"

#include "cuda/products.h"
#include "ops/fused/machine.h"

using namespace pt::check;

namespace {

const char* name_of(int dtype) {
  return dtype == kF64 ? "f64" : dtype == kF32 ? "f32" : dtype == kBF16 ? "bf16" : "f16";
}

// By the library, then by the kernel behind the launch.
void multiply(Products& d, Matrix a, Matrix b, Matrix c, const std::string& kernel) {
  const int64_t batch = c.operand.ndim == 3 ? c.extent(0) : 0;
  const Planned planned = d.plan_matmul(a, b, c);
  CHECK_EQ(planned.error, "");
  CHECK_EQ(planned.launches.size(), 1u);
  CHECK_EQ(planned.launches[0].kernel, kernel);
  const std::vector<double> want = product_of(a, b, batch);
  for (bool commits : {false, true}) {
    std::fill(c.numbers.begin(), c.numbers.end(), NAN);
    d.put(c);
    CHECK_EQ(d.run(planned, {a.at, b.at, c.at}, commits), "");
    CHECK(d.take(c) == want);
  }
}

void test_products() {
  Products d;
  CHECK_EQ(std::string(d.t.description), "Card, compute capability 9.0, 1 GB, products by cuBLASLt 12.9.3");
  for (int dtype : {kF32, kF64, kBF16, kF16}) {
    const std::string kernel = std::string("cublaslt_") + name_of(dtype);
    for (unsigned form = 0; form < 16; ++form) {
      const Layout left{(form & 1) != 0, form & 4 ? 3 : 0, 0}, right{(form & 2) != 0, form & 8 ? 5 : 0, 0};
      const int64_t batch = form % 3;
      multiply(d, d.matrix(dtype, batch, 6, 780, form, left), d.matrix(dtype, batch, 780, 9, form + 50, right),
               d.matrix(dtype, batch, 6, 9, 1), kernel);
    }
    for (const auto& [m, k, n] : {std::array<int64_t, 3>{1, 768, 1}, {1, 801, 5}, {7, 900, 1}, {64, 768, 48}})
      multiply(d, d.matrix(dtype, 0, m, k, 1), d.matrix(dtype, 0, k, n, 2), d.matrix(dtype, 0, m, n, 3), kernel);
    // One matrix for all of a batch on either side.
    multiply(d, d.matrix(dtype, 3, 4, 800, 1), d.matrix(dtype, 0, 800, 5, 2), d.matrix(dtype, 3, 4, 5, 3), kernel);
    multiply(d, d.matrix(dtype, 0, 4, 800, 1), d.matrix(dtype, 3, 800, 5, 2), d.matrix(dtype, 3, 4, 5, 3), kernel);
  }
  multiply(d, d.matrix(kBF16, 0, 8, 768, 1), d.matrix(kBF16, 0, 768, 8, 2), d.matrix(kF32, 0, 8, 8, 3),
           "cublaslt_bf16");
}

// What it cannot express, and what is not worth it: no neighbours in memory, operands of two dtypes, a short K.
void test_for_own_kernels() {
  Products d;
  const Matrix right = d.matrix(kF32, 0, 800, 4, 2), out = d.matrix(kF32, 0, 6, 4, 3);
  Matrix apart = d.matrix(kF32, 0, 6, 1600, 1);
  apart.operand.shape[1] = 800, apart.operand.strides[1] = 2;
  const auto kernel = [&](const Matrix& a, const Matrix& b) { return d.plan_matmul(a, b, out).launches[0].kernel; };
  CHECK(kernel(apart, right).starts_with("matmul_f32"));
  CHECK(kernel(d.matrix(kF32, 0, 6, 800, 1), d.matrix(kBF16, 0, 800, 4, 2)).starts_with("matmul_mixed"));
  CHECK(kernel(d.matrix(kF32, 0, 6, 767, 1), d.matrix(kF32, 0, 767, 4, 2)).starts_with("matmul_f32"));
  Matrix repeated = d.matrix(kF32, 0, 1, 800, 1);
  repeated.operand.shape[0] = 6, repeated.operand.strides[0] = 0;
  CHECK(kernel(repeated, right).starts_with("matmul_f32"));
}

// Off by one element: not what the algorithm was promised.
void test_alignment() {
  Products d;
  for (int which = 0; which < 3; ++which) {
    Layout layouts[3];
    layouts[which].gap = 4;
    multiply(d, d.matrix(kF32, 0, 6, 768, 1, layouts[0]), d.matrix(kF32, 0, 768, 8, 2, layouts[1]),
             d.matrix(kF32, 0, 6, 8, 3, layouts[2]), "cublaslt_f32");
  }
}

PtdStep step(pt::StepKind kind, int a, int b, int operand, const char* op = "", int dtype = kF32) {
  return {static_cast<int32_t>(kind), dtype, op, {a, b, -1, -1}, operand, 0, 0};
}
PtdOperand row_of(int dtype) { return {dtype, 2, {}, {0, 1}}; }

std::vector<PtdStep> bias_steps(const char* then) {
  using pt::StepKind;
  std::vector<PtdStep> steps = {step(StepKind::Load, -1, -1, 0), step(StepKind::Load, -1, -1, 1),
                                step(StepKind::Math, 0, 1, -1, "add")};
  if (then) steps.push_back(step(StepKind::Math, 2, -1, -1, then));
  steps.push_back(step(StepKind::Store, static_cast<int>(steps.size()) - 1, -1, 2));
  return steps;
}

void follow(Products& d, int dtype, int64_t k, const char* then, const std::vector<std::string>& kernels) {
  Matrix a = d.matrix(dtype, 0, 8, k, 1, {}, 1), b = d.matrix(dtype, 0, k, 24, 2, {}, 1);
  Matrix c = d.matrix(dtype, 0, 8, 24, 3), bias = d.matrix(dtype, 0, 1, 24, 4, {}, 3);
  const Planned planned = d.plan_then(a, b, c.operand, {row_of(dtype), c.operand}, bias_steps(then));
  CHECK_EQ(planned.error, "");
  CHECK_EQ(planned.launches.size(), kernels.size());
  for (std::size_t i = 0; i < std::min(kernels.size(), planned.launches.size()); ++i)
    CHECK(planned.launches[i].kernel.starts_with(kernels[i]));
  std::vector<double> want = product_of(a, b, 0);
  for (std::size_t i = 0; i < want.size(); ++i) {
    want[i] += bias.numbers[i % 24];
    if (then && want[i] < 0) want[i] = 0;
  }
  for (bool commits : {false, true}) {
    std::fill(c.numbers.begin(), c.numbers.end(), NAN);
    d.put(c);
    CHECK_EQ(d.run(planned, {a.at, b.at, bias.at, c.at}, commits), "");
    CHECK(d.take(c) == want);
  }
}

void test_epilogues() {
  Products d;
  follow(d, kF32, 1100, nullptr, {"cublaslt_f32_bias"});
  // A ReLU that lets NaN through, and sums that are rounded before the bias is added, take a launch of ours.
  follow(d, kF32, 1100, "relu", {"cublaslt_f32", "fused"});
  follow(d, kBF16, 1100, "relu", {"cublaslt_bf16", "fused"});
  follow(d, kBF16, 1100, nullptr, {"cublaslt_bf16", "fused"});
  follow(d, kF32, 16, nullptr, {"matmul_then_f32"});
}

// What the library is asked does not depend on what follows: here its batch axis joins the rows, that of the operand
// behind it does not.
void test_same_product() {
  using pt::StepKind;
  Products d;
  const Matrix a = d.matrix(kBF16, 3, 8, 1000, 1), b = d.matrix(kBF16, 0, 1000, 24, 2),
               c = d.matrix(kBF16, 3, 8, 24, 3);
  PtdOperand turned = c.operand;
  turned.strides[0] = 24, turned.strides[1] = 3 * 24;
  const std::vector<PtdStep> steps = {step(StepKind::Load, -1, -1, 0), step(StepKind::Load, -1, -1, 1),
                                      step(StepKind::Math, 0, 1, -1, "add"), step(StepKind::Store, 2, -1, 2)};
  const Planned alone = d.plan_matmul(a, b, c), followed = d.plan_then(a, b, c.operand, {turned, c.operand}, steps);
  const auto product_of = [](const Planned& planned) {
    pt::cuda::LibraryProduct product;
    std::memcpy(&product, planned.launches[0].desc.data() + 64, sizeof(product));
    return product;
  };
  CHECK_EQ(followed.launches[0].kernel, "cublaslt_bf16");
  CHECK_EQ(product_of(alone).rows, 24);
  CHECK(product_of(alone) == product_of(followed));
}

// An operand as large as the result may lie where the result is stored: the product lies apart then.
void test_in_place() {
  using pt::StepKind;
  Products d;
  Matrix a = d.matrix(kBF16, 0, 8, 1000, 1), b = d.matrix(kBF16, 0, 1000, 24, 2), c = d.matrix(kBF16, 0, 8, 24, 3);
  std::vector<double> want = product_of(a, b, 0);
  for (std::size_t i = 0; i < want.size(); ++i) want[i] += c.numbers[i];
  const std::vector<PtdStep> steps = {step(StepKind::Load, -1, -1, 0), step(StepKind::Load, -1, -1, 1),
                                      step(StepKind::Math, 0, 1, -1, "add"), step(StepKind::Store, 2, -1, 2)};
  const Planned planned = d.plan_then(a, b, c.operand, {c.operand, c.operand}, steps);
  CHECK_EQ(planned.launches[0].kernel, "cublaslt_bf16");
  CHECK_EQ(d.run(planned, {a.at, b.at, c.at, c.at}), "");
  CHECK(d.take(c) == want);
}

// The algorithm of the product alone takes no bias.
void test_no_epilogue() {
  Products d;
  follow(d, kF32, 1100, nullptr, {"cublaslt_f32", "fused"});
}

// In a recording, which is played without asking the driver for memory or waiting for it; the same bits each time.
void test_recording() {
  Products d;
  Matrix a = d.matrix(kF32, 0, 32, 768, 1), b = d.matrix(kF32, 0, 768, 16, 2), c = d.matrix(kF32, 0, 32, 16, 3);
  const Planned planned = d.plan_matmul(a, b, c), again = d.plan_matmul(a, b, c);
  CHECK_EQ(planned.workspace, int64_t{64} << 10);
  using Reductions = uint32_t (*)();
  CHECK_EQ(reinterpret_cast<Reductions>(symbol(PT_CUBLASLT_LIBRARY, "simCublasLtReductions"))(), 2u);  // in f32, apart
  CHECK(planned.launches[0].desc == again.launches[0].desc);
  Run record(d, true);
  CHECK_EQ(d.queue(record, planned, {a.at, b.at, c.at}), "");
  void* recording = nullptr;
  CHECK_EQ(d.said(d.t.keep(record.run, &recording, &d.failure)), "");
  const uint64_t allocated = simulated("simAllocations"), waited = simulated("simSynchronisations");
  for (int turn = 0; turn < 3; ++turn) CHECK_EQ(d.said(d.t.play(d.t.self, recording, nullptr, &d.failure)), "");
  CHECK_EQ(simulated("simAllocations"), allocated);
  CHECK_EQ(simulated("simSynchronisations"), waited);
  CHECK_EQ(simulated("simGraphLaunches"), 3u);
  CHECK(d.take(c) == product_of(a, b, 0));
  d.t.forget(d.t.self, recording);
}

// 1 + 2^-12 keeps 10 bits behind the point in TF32, where the user asked for it.
void test_tf32(bool asked) {
  Products d;
  Matrix a = d.matrix(kF32, 0, 1, 768, 1), b = d.matrix(kF32, 0, 768, 1, 2), c = d.matrix(kF32, 0, 1, 1, 3);
  std::fill(a.numbers.begin(), a.numbers.end(), 0), std::fill(b.numbers.begin(), b.numbers.end(), 1);
  a.numbers[5] = 1 + 0x1p-12;
  d.put(a), d.put(b);
  const Planned planned = d.plan_matmul(a, b, c);
  CHECK_EQ(planned.launches[0].kernel, asked ? "cublaslt_tf32" : "cublaslt_f32");
  CHECK_EQ(d.run(planned, {a.at, b.at, c.at}), "");
  CHECK_EQ(d.take(c)[0], asked ? 1 : 1 + 0x1p-12);
  CHECK_EQ(std::string(d.t.description).ends_with(" in TF32"), asked);
}

// Without it plans are those of our own kernels, and right.
void test_own_kernels() {
  Products d;
  CHECK_EQ(std::string(d.t.description).find("cuBLASLt"), std::string::npos);
  Matrix a = d.matrix(kF32, 0, 8, 768, 1), b = d.matrix(kF32, 0, 768, 8, 2), c = d.matrix(kF32, 0, 8, 8, 3);
  const Planned planned = d.plan_matmul(a, b, c);
  CHECK(planned.launches[0].kernel.starts_with("matmul_f32"));
  CHECK_EQ(d.run(planned, {a.at, b.at, c.at}), "");
  CHECK(d.take(c) == product_of(a, b, 0));
}

void test_refused_product() {
  Products d;
  const Matrix a = d.matrix(kF32, 0, 8, 768, 1), b = d.matrix(kF32, 0, 768, 8, 2), c = d.matrix(kF32, 0, 8, 8, 3);
  CHECK(d.plan_matmul(a, b, c).launches[0].kernel.starts_with("matmul_f32"));
  follow(d, kBF16, 1100, nullptr, {"matmul_bf16", "matmul_then_add_splits"});
}

void test_failing_choice() {
  Products d;
  const Matrix a = d.matrix(kF32, 2, 8, 768, 1), b = d.matrix(kF32, 2, 768, 8, 2), c = d.matrix(kF32, 2, 8, 8, 3);
  CHECK_EQ(d.plan_matmul(a, b, c).error,
           "[cuda:0] cuBLASLt 12.9.3 says CUBLAS_STATUS_INTERNAL_ERROR while choosing an algorithm for 2 times "
           "f32[8, 768] by [768, 8]; expected success; set POWERTRAIN_CUBLASLT=0 for powertrain's own kernels");
  CHECK_EQ(d.plan_matmul(a, b, c).launches[0].kernel, "cublaslt_f32");  // nothing is left of it
}

void test_failing_product() {
  Products d;
  Matrix a = d.matrix(kBF16, 0, 8, 768, 1), b = d.matrix(kBF16, 0, 768, 8, 2), c = d.matrix(kBF16, 0, 8, 8, 3);
  const Planned planned = d.plan_matmul(a, b, c);
  CHECK_EQ(d.run(planned, {a.at, b.at, c.at}), "");
  CHECK_EQ(d.run(planned, {a.at, b.at, c.at}),
           "[cuda:0] cuBLASLt 12.9.3 says CUBLAS_STATUS_EXECUTION_FAILED while multiplying bf16[8, 768] by [768, 8]; "
           "expected success; set POWERTRAIN_CUBLASLT=0 for powertrain's own kernels");
  CHECK_EQ(d.run(planned, {a.at, b.at, c.at}), "");
  CHECK(d.take(c) == product_of(a, b, 0));
}

void test_unusable(const std::string& want) {
  Table table;
  CHECK_EQ(table.open(), want);
  CHECK_EQ(table.open(), want);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string fix = "; pip install nvidia-cublas-cu12, or set POWERTRAIN_CUBLASLT=0 for powertrain's own kernels";
  const std::string missing =
      "[cuda] POWERTRAIN_CUBLASLT = /no/file, but /no/file could not be opened (/no/file: cannot open shared object "
      "file: No such file or directory); expected the path of libcublasLt.so, or 0" +
      fix;
  const std::string old = "[cuda] " PT_CUBLASLT_LIBRARY " is of version 110500; expected 12.0 or later, 120000" + fix;
  const std::string other =
      "[cuda] " PT_SIM_LIBRARY " has no function cublasLtGetVersion; expected cuBLASLt 12.0 or later" + fix;
  const std::string card = "memory=1G,capability=9.0,name=Card";
  using Environment = std::vector<std::pair<const char*, std::string>>;
  const std::pair<const char*, std::string> by_library{"POWERTRAIN_CUBLASLT", "sim"};
  const auto ordered = [&](const char* orders) { return Environment{by_library, {"POWERTRAIN_SIM_CUBLASLT", orders}}; };
  return run_cases(
      {
          {"products", test_products, card, {by_library}},
          {"for_own_kernels", test_for_own_kernels, card, {by_library}},
          {"alignment", test_alignment, card, {by_library}},
          {"epilogues", test_epilogues, card, {by_library}},
          {"same_product", test_same_product, card, {by_library}},
          {"in_place", test_in_place, card, {by_library}},
          {"no_epilogue", test_no_epilogue, card, ordered("no_epilogues=1")},
          {"recording", test_recording, card, {by_library}},
          {"f32", [] { test_tf32(false); }, card, {by_library}},
          {"tf32", [] { test_tf32(true); }, card, {by_library, {"POWERTRAIN_CUDA_TF32", "1"}}},
          {"none", test_own_kernels, card},
          {"off", test_own_kernels, card, {{"POWERTRAIN_CUBLASLT", "0"}}},
          {"no_handle", test_own_kernels, card, ordered("fail_create=1")},
          {"refused", test_refused_product, card, ordered("refuse=1")},
          {"failing_choice", test_failing_choice, card, ordered("fail_choice=1")},
          {"failing_product", test_failing_product, card, ordered("fail_product=2")},
          {"missing", [=] { test_unusable(missing); }, card, {{"POWERTRAIN_CUBLASLT", "/no/file"}}},
          {"old",
           [=] { test_unusable(old); },
           card,
           {{"POWERTRAIN_CUBLASLT", PT_CUBLASLT_LIBRARY}, {"POWERTRAIN_SIM_CUBLASLT", "version=110500"}}},
          {"other", [=] { test_unusable(other); }, card, {{"POWERTRAIN_CUBLASLT", PT_SIM_LIBRARY}}},
      },
      argc > 1 ? argv[1] : nullptr);
}
