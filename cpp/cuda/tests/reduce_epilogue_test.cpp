// Reductions that a program follows, on the simulator.
#include "cuda/tests/followed_case.h"

namespace {

using namespace pt;
using namespace pt::check;

// The mean, and a running mean that it goes into; rounded as a result of this dtype is.
Program mean_of(const Shape& results, DType dtype) {
  Program program(results);
  const int mean = program.math("divide", program.load(0), program.number(7));
  const int before = program.math("multiply", program.other(normal(DType::F32, results, 3)), program.number(0.9));
  const int after = program.math("add", before, program.math("multiply", mean, program.number(0.1)));
  program.store(mean, dtype);
  program.store(program.math("sqrt", program.math("abs", after)), DType::F32);
  return program;
}

struct Case {
  Shape shape;
  Ints axes;
  Shape results;
  std::string last;  // kernel
  int units = 3;
};

void check_shapes() {
  const Case cases[] = {
      {{20, 300}, {0}, {300}, "reduce_columns_then"},
      {{300, 33}, {0}, {33}, "reduce_columns_then"},
      {{4, 90, 6}, {1}, {4, 1, 6}, "reduce_columns_then"},
      {{4200, 17}, {0}, {17}, "reduce_groups_then"},
      {{8300, 33}, {0}, {33}, "reduce_groups_then", 132},
      {{3, 40, 5}, {0, 1}, {1, 1, 5}, "reduce_columns_then"},
      {{3, 40, 5}, {0, 2}, {40}, "reduce_columns_then"},
      {{9, 50}, {1}, {9}, "fused_interpreter"},
      {{9, 50}, {1}, {9, 1}, "fused_interpreter"},
      {{3000}, {0}, {1}, "fused_interpreter"},
      {{40000}, {0}, {1}, "fused_interpreter", 132},
      {{1, 5}, {0}, {1, 5}, "reduce_columns_then"},
      {{4, 1}, {1}, {4}, "fused_interpreter"},
  };
  for (const Case& c : cases) {
    for (DType dtype : {DType::F32, DType::BF16, DType::F16}) {
      const Attrs attrs{{"axis", c.axes}, {"keepdims", c.results.size() == c.shape.size()}};
      const std::string what = text("sum of ", info(dtype).brief, " ", c.shape, " over ", to_string(Attr(c.axes)));
      const std::vector<std::string> kernels =
          check_followed(what, "sum", attrs, {normal(dtype, c.shape, 1)}, result_of(dtype, c.results),
                         mean_of(c.results, dtype), c.units);
      CHECK_EQ(kernels.empty() ? "" : kernels.back(), c.last);
    }
  }
  Program widened({12});  // as the gradient of a bias is
  widened.store(widened.load(0), DType::F32);
  for (const char* op : {"sum", "max", "min", "prod"})
    check_followed(op, op, {{"axis", Ints{0}}}, {normal(DType::BF16, {70, 12}, 2)}, result_of(DType::BF16, {12}),
                   widened);
}

// What is left to a launch of its own, with the reason.
void check_refused() {
  const Array x = normal(DType::F32, {70, 12}, 1);
  const auto refused = [&](const Operand& result, const Program& program, const std::string& want) {
    const std::vector<Operand> in = {x.operand()};
    const Attrs attrs{{"axis", Ints{0}}};
    std::string why;
    CHECK(!cuda::cuda_epilogue("sum")->takes({in, result, program.made, attrs}, &why));
    CHECK_EQ(why, want);
  };
  Program other({3, 12});
  other.store(other.load(0), DType::F32);
  refused(result_of(DType::F32, {12}), other,
          "the calls behind it run over [3, 12]; the result's shape [12] is expected");
  Program plain({12});
  plain.store(plain.load(0), DType::F32);
  refused(result_of(DType::I64, {12}), plain, "a result of int64; floats are expected");
  Program large({65537});
  large.store(large.load(0), DType::F32);
  refused(result_of(DType::F32, {65537}), large, "65537 results; from 1 to 65536 are expected");
  Program reduces({12});
  FusedStep step{};
  step.kind = StepKind::RowSum, step.args = {reduces.load(0), -1, -1, -1};
  reduces.store(reduces.push(step), DType::F32);
  refused(result_of(DType::F32, {12}), reduces, "of the calls behind it: they reduce rows or draw numbers");
  Program many({12});
  for (int i = 0; i < 16; ++i) many.other(normal(DType::F32, {12}, 2));
  refused(result_of(DType::F32, {12}), many, "of the calls behind it: they have more than 16 operands");
}

}  // namespace

int main() {
  check_shapes();
  check_refused();
  return finish();
}
