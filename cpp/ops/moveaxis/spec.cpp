#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

Ints checked(const Attrs& attrs, const char* name, int ndim) {
  Ints axes;
  for (int64_t axis : attrs.ints(name)) {
    axes.push_back(normal_axis(axis, ndim, "moveaxis"));
    for (std::size_t i = 0; i + 1 < axes.size(); ++i) {
      if (axes[i] == axes.back()) {
        throw ShapeError(text("[moveaxis] ", name, " = ", to_string(Attr(attrs.ints(name))),
                              " names an axis twice; expected each axis once; remove the duplicate"));
      }
    }
  }
  return axes;
}

const Op* registered =
    define("moveaxis")
        .in("x")
        .attr_ints("source")
        .attr_ints("destination")
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int ndim = in[0].ndim();
          const Ints source = checked(attrs, "source", ndim), destination = checked(attrs, "destination", ndim);
          if (source.size() != destination.size()) {
            throw ShapeError(text("[moveaxis] source = ", to_string(Attr(source)), ", destination = ",
                                  to_string(Attr(destination)), "; expected as many of both; pass one place per axis"));
          }
          Ints order(static_cast<std::size_t>(ndim), -1);
          for (std::size_t i = 0; i < source.size(); ++i) order[static_cast<std::size_t>(destination[i])] = source[i];
          int64_t next = 0;  // of the axes that stay in order
          for (int64_t& place : order) {
            while (contains(source, next)) ++next;
            if (place < 0) place = next++;
          }
          return {fn::transpose(in[0], order)};
        })
        .complex()
        .doc(R"(x with axes moved to other places; the others keep their order. A view.
Shapes    x [...] -> [...]
Dtypes    all
Errors    an axis that x does not have, or named twice; not as many places as axes
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.moveaxis(pt.ones((2, 3, 4)), 0, -1).shape
(3, 4, 2))");

}  // namespace
}  // namespace pt
