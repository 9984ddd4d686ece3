// The rows of a CTC loss and their gradient on the simulator: the CPU's bits.
#include <cmath>

#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

struct Case {
  int64_t rows, steps, classes, longest;
  std::vector<double> lengths_in, lengths_out;
  int64_t blank = 0;
};

Array scores(DType type, const Shape& shape) {
  Array x = normal(type, shape, 1);
  for (int64_t i = 0; i < x.count(); ++i) x.set(i, -std::abs(x.number(i)) - 1);
  return x;
}

void check_rows(const Case& c, const Array& x, const Array& labels) {
  const DType type = x.operand().dtype;
  const Array steps = numbers(DType::I64, {c.rows}, c.lengths_in),
              lengths = numbers(DType::I64, {c.rows}, c.lengths_out);
  const Attrs attrs{{"blank", c.blank}};
  check_op("ctc_rows", {x, labels, steps, lengths}, attrs, kAnyCapability);
  Array g = normal(type, {c.rows}, 3);
  check_op("ctc_rows_backward", {x, labels, steps, lengths, g}, attrs, kAnyCapability);
  if (c.rows > 0) g.set(0, 0);
  check_op("ctc_rows_backward", {x, labels, steps, lengths, g}, attrs, kAnyCapability);
}

}  // namespace

int main() {
  const Case cases[] = {
      {1, 1, 2, 1, {1}, {1}},
      {3, 6, 5, 3, {6, 4, 0}, {3, 2, 0}},
      {3, 7, 3, 5, {7, 7, 2}, {5, 0, 4}, 2},  // the last says more than it has steps for
      {2, 4, 3, 2, {5, 4}, {1, 3}},           // lengths that make no sense
      {2, 3, 4, 40, {3, 3}, {1, 40}},
      {0, 3, 4, 2, {}, {}},
  };
  for (DType type : {DType::F32, DType::F64}) {
    for (const Case& c : cases) {
      const Shape shape = {c.rows, c.steps, c.classes};
      // Few classes: labels repeat, side by side and apart.
      check_rows(c, scores(type, shape), integers(DType::I64, {c.rows, c.longest}, 0, c.classes - 1, 2));
      check_rows(c, extremes(type, shape, 4), integers(DType::I64, {c.rows, c.longest}, 0, c.classes - 1, 5));
    }
    // Labels that are no classes.
    check_rows(cases[1], scores(type, {3, 6, 5}), integers(DType::I64, {3, 3}, -1, 5, 6));
  }
  // More states than threads.
  check_rows({1, 3, 4, 150, {3}, {150}}, scores(DType::F32, {1, 3, 4}), integers(DType::I64, {1, 150}, 0, 3, 7));
  return pt::check::finish();
}
