#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The condition is one for both parts.
Tensors of_complex(const Tensors& in, const Attrs&) {
  Shape shape = in[0].shape();
  shape.push_back(1);
  return {joined(fn::where(fn::reshape(in[0], shape), parts_of(in[1]), parts_of(in[2])))};
}

const Op* registered =
    define("where")
        .in_mask("condition")
        .in("a")
        .in("b")
        .elementwise()
        .saves({true, false, false})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor zero = fn::number(0);
          return {Tensor(),
                  c.needs[1] ? unbroadcast(fn::where(c.in[0], c.grad[0], zero), c.in_types[1].shape) : Tensor(),
                  c.needs[2] ? unbroadcast(fn::where(c.in[0], zero, c.grad[0]), c.in_types[2].shape) : Tensor()};
        })
        .complex(of_complex)
        .doc(R"(a where the condition holds, else b.
Shapes    condition bool [...], a [...], b [...] -> [...], broadcast
Dtypes    all
Errors    shapes that do not broadcast; a condition that is not bool
Grad      a, b; exactly 0 for what was not chosen
Source    the array API standard 2024.12)",
             R"(>>> pt.where(True, 1.0, 2.0).item()
1.0)");

}  // namespace
}  // namespace pt
