#include "ops/functional.h"

namespace pt {
namespace {

// The bounds are inputs rather than attributes, so that one program serves calls with any.
const Op* registered =
    define("random_integers")
        .in_index("state")
        .in("start", Takes::Integer)
        .in("range", Takes::Float)
        .no_promotion()
        .attr_shape("shape")
        .attr("ordinal", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          Attrs draw = attrs;
          draw.set("dtype", DType::F64);
          const Tensor shares = fn::call("random_uniform", {in[0]}, draw);
          return {in[1] + fn::cast(fn::call("floor", {shares * in[2]}), DType::I64)};
        })
        .doc(
            R"(the range integers from start on, each as likely as a number in [0, 1) of float64 makes it.
Shapes    state i64 [3], start i64 [], range f64 [] -> shape
Dtypes    int64
Errors    a state that is not i64 [3]
Numerics  start + floor(range * u), where u has 53 random bits
Source    Salmon et al. 2011 (Philox 4x32-10))",
            R"(>>> pt.random.integers(6, size=(2,)).shape
(2,))");

}  // namespace
}  // namespace pt
