#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

Ints steps(const Attrs& attrs) { return attrs.has("step") ? attrs.ints("step") : Ints(attrs.ints("start").size(), 1); }

int64_t length(int64_t start, int64_t stop, int64_t step) {
  const int64_t n = step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
  return n > 0 ? n : 0;
}

const Op* registered =
    define("slice")
        .in("x")
        .attr_ints("start")
        .attr_ints("stop")
        .attr_ints("step", std::nullopt, true)
        .batch([](const BatchContext& c) -> Tensors {
          const auto in_front = [&](int64_t first, Ints rest) {
            rest.insert(rest.begin(), first);
            return rest;
          };
          return {fn::call("slice", {c.in[0]},
                           {{"start", in_front(0, c.attrs.ints("start"))},
                            {"stop", in_front(c.rows, c.attrs.ints("stop"))},
                            {"step", in_front(1, steps(c.attrs))}})};
        })
        .shape([](const InferContext& c) -> Types {
          const Shape& from = c.in[0].shape;
          const Ints &start = c.attrs.ints("start"), &stop = c.attrs.ints("stop"), step = steps(c.attrs);
          const auto axes = static_cast<std::size_t>(from.size());
          c.expect(start.size() == axes && stop.size() == axes && step.size() == axes,
                   text("start, stop and step have ", start.size(), ", ", stop.size(), " and ", step.size(),
                        " numbers, x is ", c.in[0],
                        "; expected one per axis; pass 0, the size and 1 for an axis that stays whole"));
          Shape shape;
          for (int i = 0; i < from.size(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            const int64_t n = step[at] == 0 ? 0 : length(start[at], stop[at], step[at]);
            const int64_t last = start[at] + (n - 1) * step[at];
            const bool inside = n == 0 || (start[at] >= 0 && start[at] < from[i] && last >= 0 && last < from[i]);
            c.expect(step[at] != 0 && inside,
                     text("start = ", start[at], ", stop = ", stop[at], ", step = ", step[at], " along axis ", i,
                          " of size ", from[i],
                          "; expected positions inside it and a step that is not 0; use slice(...).indices(size)"));
            shape.push_back(n);
          }
          return {{c.in[0].dtype, shape}};
        })
        .view([](const Operand& in, const Attrs& attrs) -> std::optional<View> {
          const Ints &start = attrs.ints("start"), &stop = attrs.ints("stop"), step = steps(attrs);
          View view;
          for (int i = 0; i < in.shape.size(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            const int64_t n = length(start[at], stop[at], step[at]);
            view.shape.push_back(n);
            view.strides.push_back(in.strides[i] * step[at]);
            if (n > 0) view.offset += in.strides[i] * start[at];
          }
          return view;
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          return {fn::call(
              "slice_scatter", {c.grad[0]},
              {{"shape", to_ints(c.in_types[0].shape)}, {"start", c.attrs.ints("start")}, {"step", steps(c.attrs)}})};
        })
        .doc(R"(every step-th element from start to before stop, along each axis. A view. x[a:b:c] calls it.
Shapes    x [...] -> [...]; start, stop and step have one number per axis, as slice.indices gives them: positions count
          from 0, and a stop of -1 with a negative step ends at the first element
Dtypes    all
Errors    positions outside an axis; a step of 0
Grad      x
Source    NumPy, basic indexing)",
             R"(>>> pt.slice(pt.arange(6), (4,), (-1,), (-2,)).numpy().tolist()
[4, 2, 0])");

}  // namespace
}  // namespace pt
