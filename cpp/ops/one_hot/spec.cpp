#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("one_hot")
        .in_index("input")
        .attr_count("num_classes", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          if (!is_int(in[0].dtype())) {
            throw DTypeError(text("[one_hot] input is ", in[0].type(), "; expected integers; convert it with astype"));
          }
          const Tensor x = as_index(in[0]);
          Shape shape = x.shape();
          shape.push_back(1);
          const Tensor places = counting(attrs.integer("num_classes"), x.dtype());
          return {fn::cast(fn::equal(fn::reshape(x, shape), places), DType::F32)};
        })
        .doc(R"(1 at the place that input names along a new last axis, 0 elsewhere.
Shapes    input [...] -> float32 [..., num_classes]
Dtypes    integers
Errors    input is not of integers; a value outside 0..num_classes-1 gives a row of zeros
Grad      none
Source    PyTorch, nn.functional.one_hot)",
             R"(>>> pt.nn.functional.one_hot(pt.arange(2), 3).numpy().tolist()
[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])");

}  // namespace
}  // namespace pt
