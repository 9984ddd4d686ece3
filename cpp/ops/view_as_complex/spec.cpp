#include "ops/batching.h"
#include "ops/complex.h"

namespace pt {
namespace {

const Op* registered =
    define("view_as_complex")
        .in("x", Takes::Float)
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          const TensorType& x = c.in[0];
          c.expect((x.dtype == DType::F32 || x.dtype == DType::F64) && !x.shape.empty() && x.shape.back() == 2,
                   text("x is ", x, "; expected float32 or float64 with a last axis of 2; stack the parts"));
          Shape shape = x.shape;
          shape.erase(shape.size() - 1);
          return {{complex_dtype(x.dtype), shape}};
        })
        .view([](const Operand& in, const Attrs&) -> std::optional<View> {
          const int last = in.shape.size() - 1;
          View view;
          bool fits = in.strides[last] == 1;
          for (int i = 0; i < last; ++i) {
            fits = fits && (in.shape[i] == 1 || in.strides[i] % 2 == 0);
            view.shape.push_back(in.shape[i]);
            view.strides.push_back(in.strides[i] / 2);
          }
          return fits ? std::optional(view) : std::nullopt;
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {parts_of(c.grad[0])}; })
        .doc(R"(the complex numbers whose real and imaginary parts lie along the last axis of x. A view where the memory
allows it.
Shapes    x [..., 2] -> [...]
Dtypes    float32 -> complex64, float64 -> complex128
Errors    another dtype; a last axis of another size
Grad      x
Source    PyTorch, view_as_complex)",
             R"(>>> pt.view_as_complex(pt.asarray([1.0, 2.0])).item()
(1+2j))");

}  // namespace
}  // namespace pt
