#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("random_uniform")
        .in_index("state")
        .attr_shape("shape")
        .attr("ordinal", 0)
        .attr_nullable("dtype", AttrKind::DType)
        .draws()
        .no_gradient()
        .shape([](const InferContext& c) -> Types {
          const DType dtype = c.attrs.has("dtype") ? c.attrs.dtype("dtype") : DType::F32;
          c.expect(c.in[0] == TensorType{DType::I64, {3}},
                   text("state is ", c.in[0], "; expected i64[3]: seed, stream and call; pass a generator's slot"));
          c.expect(is_float(dtype),
                   text("dtype = ", info(dtype).name, "; expected a float dtype; pass float32 or float64"));
          return {{dtype, Shape(c.attrs.ints("shape"))}};
        })
        .doc(R"(numbers in [0, 1), each a function of the state (seed, stream, call), the ordinal and its place alone.
Shapes    state i64 [3] -> shape
Dtypes    floats: 24 random bits, 53 in float64
Errors    a state that is not i64 [3]
Source    Salmon et al. 2011 (Philox 4x32-10))",
             R"(>>> pt.random.uniform((2,)).shape
(2,))");

}  // namespace
}  // namespace pt
