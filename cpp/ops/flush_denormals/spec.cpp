#include <limits>

#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("flush_denormals")
        .in("x", Takes::Float)
        .elementwise()
        // Its own gradient comes from the definition.
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const bool wide = in[0].dtype() == DType::F64;
          const double least = wide ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min();
          const Tensor x = fn::cast(in[0], register_dtype(in[0].dtype()));
          const Tensor small = fn::less(fn::call("abs", {x}), fn::number(least));
          return {fn::where(small, fn::number(0), in[0])};
        })
        .doc(R"(x, and 0 where x is a denormal number. Most processors take many times as long for
arithmetic with these; where a value shrinks from step to step, as a mean of gradients that are zero, it would end among them.
Shapes    x [...] -> [...]
Dtypes    floats; f16 is computed in float32, where its numbers are normal ones, and stays as it is
Errors    integers, bool, complex numbers
Grad      x
Source    IEEE 754-2019, 2.1.51 (subnormal numbers))",
             R"(>>> pt.ops.functional.OPERATORS["flush_denormals"](pt.tensor([1e-40, 1e-30])).numpy().tolist()
[0.0, 1.0000000031710769e-30])");

}  // namespace
}  // namespace pt
