#include "ops/batching.h"
#include "ops/complex.h"

namespace pt {
namespace {

const Op* registered =
    define("view_as_real")
        .in("x")
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          const TensorType& x = c.in[0];
          c.expect(is_complex(x.dtype), text("x is ", x, "; expected complex numbers; make them with complex(x, 0)"));
          Shape shape = x.shape;
          shape.push_back(2);
          return {{part_dtype(x.dtype), shape}};
        })
        .view([](const Operand& in, const Attrs&) -> std::optional<View> {
          View view{in.shape, in.strides, 0};
          for (int i = 0; i < view.strides.size(); ++i) view.strides[i] *= 2;
          view.shape.push_back(2);
          view.strides.push_back(1);
          return view;
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {joined(c.grad[0])}; })
        .doc(R"(the real and imaginary parts of x along a new last axis. A view.
Shapes    x [...] -> [..., 2]
Dtypes    complex64 -> float32, complex128 -> float64
Errors    real x
Grad      x
Source    PyTorch, view_as_real)",
             R"(>>> pt.view_as_real(pt.complex(1.0, 2.0)).numpy().tolist()
[1.0, 2.0])");

}  // namespace
}  // namespace pt
