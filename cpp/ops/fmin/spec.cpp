#include "ops/composed.h"

namespace pt {
namespace {

// What is not a number gives way; of equal ones a is taken.
Tensor takes_first(const Tensor& a, const Tensor& b) {
  const Tensor b_is_nan = fn::call("not_equal", {b, b});
  return fn::logical_or(fn::call("less_equal", {a, b}), b_is_nan);
}

const Op* registered = define("fmin")
                           .in("a", Takes::Number)
                           .in("b", Takes::Number)
                           .compose([](const Tensors& in, const Attrs&) -> Tensors {
                             return {fn::where(takes_first(in[0], in[1]), in[0], in[1])};
                           })
                           .doc(R"(the smaller of a and b, element by element; where one is NaN, the other.
Shapes    a [...], b [...] -> [...], broadcast
Dtypes    all numbers
Errors    shapes that do not broadcast
Grad      a, b; to a where they are equal
Source    NumPy, fmin)",
                                R"(>>> pt.fmin(1.0, float("nan")).item()
1.0)");

}  // namespace
}  // namespace pt
