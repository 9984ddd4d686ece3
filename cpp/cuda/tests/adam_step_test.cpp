// Adam's sweep on the simulator: the CPU's bits.
#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

Array number(DType type, double value) { return numbers(type == DType::F64 ? DType::F64 : DType::F32, {}, {value}); }

Array squares(DType type, const Shape& shape, uint32_t seed) {
  Array x = normal(type, shape, seed);
  for (int64_t i = 0; i < x.count(); ++i) x.set(i, x.number(i) * x.number(i));
  return x;
}

void step(DType type, const Shape& shape, bool largest, bool more, double decay) {
  const Attrs attrs{{"beta1", 0.9}, {"beta2", 0.99}, {"eps", 1e-8}, {"decay", decay}};
  for (const Array& g : {normal(type, shape, 1), extremes(type, shape, 2), normal(type, shape, 3, 1e-19)}) {
    check_op("adam_step",
             {normal(type, shape, 4), g, normal(type, shape, 5, 1e-3), squares(type, shape, 6),
              largest ? squares(type, shape, 7) : Array::none(), number(type, 1e-3), number(type, 1.25),
              more ? number(type, 0.99) : Array::none(), more ? number(type, 0.5) : Array::none()},
             attrs);
  }
}

}  // namespace

int main() {
  for (DType type : {DType::F32, DType::F64, DType::F16, DType::BF16}) {
    for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 11}, Shape{1000}, Shape{0}}) {
      step(type, shape, false, false, 0);
      step(type, shape, true, true, 0.01);
    }
    step(type, {77}, false, true, 0.1);
    step(type, {77}, true, false, 0);
  }
  return pt::check::finish();
}
