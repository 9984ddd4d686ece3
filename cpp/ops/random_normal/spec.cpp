#include "ops/functional.h"

namespace pt {
namespace {

// The uniform number k / 2^24 stands for the middle of its interval, so that the quantile is finite at both ends. Below
// a half it is exact as it is; above, the quantile of the mirror image 1 - u keeps the digits that u itself would round
// away.
const Op* registered =
    define("random_normal")
        .in_index("state")
        .attr_shape("shape")
        .attr("ordinal", 0)
        .attr_nullable("dtype", AttrKind::DType)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const DType dtype = attrs.has("dtype") ? attrs.dtype("dtype") : DType::F32;
          Attrs draw = attrs;
          draw.set("dtype", compute_dtype(dtype));
          const Tensor u = fn::call("random_uniform", in, draw);
          const double half_step = u.dtype() == DType::F64 ? 0x1p-54 : 0x1p-25;
          const Tensor upper = fn::call("greater_equal", {u, fn::number(0.5)});
          const Tensor tail = fn::where(upper, (1.0 - u) - half_step, u + half_step);
          const Tensor below = fn::call("normal_quantile", {tail});
          return {fn::cast(fn::where(upper, -below, below), dtype)};
        })
        .doc(
            R"(numbers of the standard normal distribution, each a function of the state, the ordinal and its place alone.
Shapes    state i64 [3] -> shape
Dtypes    floats; f16 and bf16 are rounded from float32
Errors    a state that is not i64 [3]
Source    Salmon et al. 2011 (Philox 4x32-10), through the normal quantile)",
            R"(>>> pt.random.normal((2,)).shape
(2,))");

}  // namespace
}  // namespace pt
