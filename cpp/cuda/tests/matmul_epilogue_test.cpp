// Products that a program follows, on the simulator.
#include "cuda/tests/followed_case.h"
#include "ops/fused/programs.h"

namespace {

using namespace pt;
using namespace pt::check;

void compare(const std::string& what, const Array& a, const Array& b, const Operand& type, const Program& program,
             int units = 3) {
  const Attrs attrs{{"dots", std::string("exact")}};
  const std::vector<std::string> kernels = check_followed(what, "matmul", attrs, {a, b}, type, program, units);
  CHECK(!kernels.empty() && kernels.back().starts_with("matmul_then"));
}

struct Sizes {
  int64_t m, k, n;
  int units = 3;
};

void check_linear_layers() {
  const Sizes all[] = {{5, 7, 3}, {64, 40, 64}, {65, 33, 71}, {130, 16, 136}, {200, 40, 264, 1}, {16, 600, 24, 132}};
  for (const auto& [m, k, n, units] : all) {
    for (DType type : {DType::F32, DType::BF16, DType::F16}) {
      const Array a = normal(type, {m, k}, 1), b = normal(type, {k, n}, 2);
      const Shape shape{m, n};
      const std::string what = text(info(type).brief, " ", shape, " by ", k, ": ");
      Program bias(shape);
      bias.store(bias.math("add", bias.load(0), bias.other(normal(type, {n}, 3))), type);
      compare(what + "bias", a, b, result_of(type, shape), bias, units);
      // An activation whose argument is kept, rounded as a store rounds it.
      Program gelu(shape);
      const int sum = gelu.math("add", gelu.load(0), gelu.other(normal(type, {n}, 3)));
      const int kept = type == DType::F32 ? sum : gelu.rounded(type, sum);
      const int activated = gelu.math("gelu_tanh", kept);
      gelu.store(kept, type);
      gelu.store(activated, type);
      compare(what + "gelu", a, b, result_of(type, shape), gelu, units);
      Program widened(shape);
      widened.store(widened.load(0), DType::F32);
      compare(what + "widened", a, b, result_of(type, shape), widened, units);
    }
  }
}

void check_operations() {
  const Shape shape{34, 40};
  const Array a = normal(DType::F32, {34, 20}, 1), b = normal(DType::F32, {20, 40}, 2),
              x = normal(DType::F32, shape, 3);
  for (const char* op : {"relu", "gelu_tanh", "gelu_erf", "silu", "tanh", "sigmoid"}) {
    Program program(shape);
    program.store(program.math(op, program.load(0)), DType::F32);
    compare(op, a, b, result_of(DType::F32, shape), program);
  }
  for (const char* op : {"add", "multiply", "subtract", "relu_grad", "gelu_tanh_grad", "gelu_erf_grad", "silu_grad",
                         "tanh_grad", "sigmoid_grad"}) {
    Program program(shape);
    const int other = program.other(x);
    program.store(program.math(op, other, program.load(0)), DType::BF16);
    compare(op, a, b, result_of(DType::F32, shape), program);
  }
  Program scaled(shape);  // numbers of the program, one for each row, and what lies turned
  const int value = scaled.math("multiply", scaled.math("subtract", scaled.load(0), scaled.number(0.5)),
                                scaled.other(normal(DType::F16, {34, 1}, 4)));
  scaled.store(scaled.math("subtract", scaled.other(x.laid_out({1, 0})), value), DType::F32);
  compare("scaled", a, b, result_of(DType::F32, shape), scaled);
}

void check_batches() {
  for (bool rows : {true, false}) {  // of one product, or products by themselves
    const Shape shape{3, 10, 24};
    const Array a = normal(DType::BF16, {3, 10, 16}, 1);
    const Array b = rows ? normal(DType::BF16, {16, 24}, 2) : normal(DType::BF16, {3, 16, 24}, 2);
    Program program(shape);
    const int sum = program.math("add", program.load(0), program.other(normal(DType::F32, shape, 3)));
    program.store(program.math("add", sum, program.other(normal(DType::F32, {3, 1, 24}, 4))), DType::F32);
    compare("batches", a, b, result_of(DType::BF16, shape), program);
  }
  Program empty({0, 4});
  empty.store(empty.load(0), DType::F32);
  const Array a(DType::F32, {0, 3}), b = normal(DType::F32, {3, 4}, 1);
  const std::vector<Operand> in = {a.operand(), b.operand()};
  CHECK(
      cuda::cuda_epilogue("matmul")->plan({in, result_of(DType::F32, {0, 4}), empty.made, {}, 90, 3}).launches.empty());
}

// What no kernel does, with the reason.
void check_refused() {
  const Shape shape{4, 6};
  const Array a = normal(DType::F32, {4, 5}, 1), b = normal(DType::F32, {5, 6}, 2), x = normal(DType::F32, shape, 3);
  const auto refused = [&](const Program& program, const std::string& want) {
    const std::vector<Operand> in = {a.operand(), b.operand()};
    std::string why;
    CHECK(!cuda::cuda_epilogue("matmul")->takes({in, result_of(DType::F32, shape), program.made, {}}, &why));
    CHECK_EQ(why, want);
  };
  Program unknown(shape);
  unknown.store(unknown.math("erfinv", unknown.load(0)), DType::F32);
  refused(unknown, "of the calls behind it: no kernel has erfinv");
  Program twice(shape);
  const int value = twice.load(0);
  twice.store(twice.math("multiply", twice.math("relu", value), value), DType::F32);
  refused(twice, "of the calls behind it: it needs a number again that has gone through another operation");
  Program late(shape);
  const int first = late.math("relu", late.load(0));
  late.store(late.math("add", first, late.other(x)), DType::F32);
  late.store(first, DType::F32);
  compare("late", a, b, result_of(DType::F32, shape), late);  // the first result waits for the operand
  Program two(shape);
  const int rectified = two.math("relu", two.load(0)), bent = two.math("tanh", rectified);
  two.store(rectified, DType::F32);
  two.store(bent, DType::F32);
  two.store(two.math("add", bent, two.other(x)), DType::F32);
  refused(two, "of the calls behind it: it reads an operand after two results");
  Program wide(shape);
  wide.store(wide.load(0), DType::I64);
  refused(wide, "the calls behind it have operands that are not floats of up to 32 bits");
  Program product_as_x(shape);
  const int g = product_as_x.other(x);
  product_as_x.store(product_as_x.math("relu_grad", product_as_x.load(0), g), DType::F32);
  refused(product_as_x, "of the calls behind it: no kernel has relu_grad");
}

}  // namespace

int main() {
  check_linear_layers();
  check_operations();
  check_batches();
  check_refused();
  return finish();
}
