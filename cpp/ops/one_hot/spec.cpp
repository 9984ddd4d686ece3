#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("one_hot")
        .in_index("x")
        .attr_count("n", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (!is_int(in[0].dtype())) {
            throw DTypeError(text("[one_hot] x is ", in[0].type(), "; expected integers; convert it with astype"));
          }
          const Tensor x = as_index(in[0]);
          Shape shape = x.shape();
          shape.push_back(1);
          const Tensor places = counting(attrs.integer("n"), x.dtype());
          return {fn::cast(fn::equal(fn::reshape(x, shape), places), DType::F32)};
        })
        .doc(R"(1 at the place that x names along a new last axis, 0 elsewhere.
Shapes    x [...] -> float32 [..., n]
Dtypes    integers
Errors    x is not of integers; a value outside 0..n-1 gives a row of zeros
Grad      none
Source    PyTorch, nn.functional.one_hot)",
             R"(>>> pt.one_hot(pt.arange(2), 3).numpy().tolist()
[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])");

}  // namespace
}  // namespace pt
