#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("nextafter")
        .in("x", Takes::Float)
        .in("y", Takes::Float)
        .elementwise()
        .vjp([](const VjpContext& c) -> Tensors {
          // From a number to itself there is no step.
          const Tensor still = fn::equal(c.in[0], c.in[1]);
          return {unbroadcast(fn::where(still, fn::number(0), c.grad[0]), c.in_types[0].shape), Tensor()};
        })
        .shape([](const InferContext& c) -> Types {
          // The neighbours of f16 and bf16 are not those of the f32 that they are computed in.
          c.expect(size_of(c.in[0].dtype) >= 4,
                   text("x is ", c.in[0], "; expected float32 or float64; convert it with astype"));
          return infer_elementwise(c);
        })
        .doc(R"(the next number of the dtype after x towards y, element by element.
Shapes    x [...], y [...] -> [...], broadcast
Dtypes    float32 and float64
Errors    shapes that do not broadcast; a 16-bit float
Grad      x, a step of it by itself, and 0 where it equals y; nothing towards y
Source    the array API standard 2024.12)",
             R"(>>> pt.nextafter(1.0, 2.0).item()
1.0000001192092896)");

}  // namespace
}  // namespace pt
