#include <utility>

#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("swapaxes")
        .in("x")
        .attr_required("axis1", AttrKind::Int)
        .attr_required("axis2", AttrKind::Int)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int ndim = in[0].ndim();
          Ints order;
          for (int i = 0; i < ndim; ++i) order.push_back(i);
          const auto a = static_cast<std::size_t>(normal_axis(attrs.integer("axis1"), ndim, "swapaxes"));
          const auto b = static_cast<std::size_t>(normal_axis(attrs.integer("axis2"), ndim, "swapaxes"));
          std::swap(order[a], order[b]);
          return {fn::transpose(in[0], order)};
        })
        .complex()
        .doc(R"(x with two axes exchanged. A view.
Shapes    x [...] -> [...]
Dtypes    all
Errors    an axis that x does not have
Grad      x
Source    NumPy, swapaxes)",
             R"(>>> pt.swapaxes(pt.ones((2, 3, 4)), 0, 2).shape
(4, 3, 2))");

}  // namespace
}  // namespace pt
