#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The value is a real number.
Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  Attrs zeros = attrs;
  zeros.set("value", 0.0);
  return {make_complex(fn::call("slice_scatter", {real_part(in[0])}, attrs),
                       fn::call("slice_scatter", {imaginary_part(in[0])}, zeros))};
}

const Op* registered =
    define("slice_scatter")
        .in("x")
        .attr_shape("shape")
        .attr_ints("start")
        .attr_ints("step")
        .attr("value", 0.0)
        .batch([](const BatchContext& c) -> Tensors {
          Attrs attrs = c.attrs;
          for (auto [name, first] :
               {std::pair("shape", c.rows), std::pair("start", int64_t{0}), std::pair("step", int64_t{1})}) {
            Ints all = c.attrs.ints(name);
            all.insert(all.begin(), first);
            attrs.set(name, all);
          }
          return apply(c.op, {c.in[0]}, attrs);
        })
        .shape([](const InferContext& c) -> Types {
          const Shape shape(c.attrs.ints("shape"));
          const Ints &start = c.attrs.ints("start"), &step = c.attrs.ints("step");
          bool fits = shape.size() == c.in[0].shape.size() && start.size() == step.size() &&
                      start.size() == static_cast<std::size_t>(shape.size());
          for (int i = 0; fits && i < shape.size(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            const int64_t n = c.in[0].shape[i], last = start[at] + (n - 1) * step[at];
            fits = n == 0 || (start[at] >= 0 && start[at] < shape[i] && last >= 0 && last < shape[i] &&
                              (n == 1 || step[at] != 0));
          }
          c.expect(fits, text("x is ", c.in[0], ", shape = ", to_string(Attr(c.attrs.ints("shape"))),
                              ", start = ", to_string(Attr(start)), ", step = ", to_string(Attr(step)),
                              "; expected x to lie inside the shape; pass one number per axis"));
          return {{c.in[0].dtype, shape}};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          const Ints &start = c.attrs.ints("start"), &step = c.attrs.ints("step");
          Ints stop;
          for (std::size_t i = 0; i < start.size(); ++i) {
            const int64_t n = c.in_types[0].shape[static_cast<int>(i)];
            // One past the last element, in the direction of the step.
            stop.push_back(n == 0 ? start[i] : start[i] + (n - 1) * step[i] + (step[i] > 0 ? 1 : -1));
          }
          return {fn::call("slice", {c.grad[0]}, {{"start", start}, {"stop", stop}, {"step", step}})};
        })
        .complex(of_complex)
        .doc(R"(a tensor of one value with x written into it, every step-th element from start on along each axis.
Shapes    x [...] -> shape
Dtypes    all
Errors    x does not lie inside the shape
Grad      x
Source    PyTorch, slice_scatter)",
             R"(>>> pt.ops.functional.OPERATORS["slice_scatter"](pt.ones(2), (5,), (1,), (2,)).numpy().tolist()
[0.0, 1.0, 0.0, 1.0, 0.0])");

}  // namespace
}  // namespace pt
