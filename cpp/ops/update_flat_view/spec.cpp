#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Tensors joined_lines(const Tensors& in, const Attrs& attrs) {
  const Tensor &flat = in[0], &value = in[1];
  if (value.size() == 0) return {flat};
  const int64_t begin = attrs.integer("offset"), end = begin + value.size();
  Tensors lines;
  if (begin > 0) lines.push_back(part_of(flat, 0, 0, begin));
  lines.push_back(as_line(value));
  if (end < flat.size()) lines.push_back(part_of(flat, 0, end, flat.size()));
  return {joined_at(std::move(lines), 0)};
}

const Op* registered =
    define("update_flat_view")
        .in("flat")
        .in("value")
        .attr("offset", 0)
        .no_promotion()
        .shape([](const InferContext& c) -> Types {
          const int64_t offset = c.attrs.integer("offset");
          c.expect(c.in[0].shape.size() == 1 && offset >= 0 && offset + count(c.in[1].shape) <= c.in[0].shape[0] &&
                       c.in[0].dtype == c.in[1].dtype,
                   text("flat is ", c.in[0], ", value is ", c.in[1], ", offset = ", offset,
                        "; expected one dtype, and a piece inside one axis; pass a value and offset that fit"));
          return {c.in[0]};
        })
        .portable(joined_lines)
        .saves({false, false})
        .vjp([](const VjpContext& c) -> Tensors {
          const Attr offset = c.attrs.integer("offset");
          Tensor flat, value;
          if (c.needs[0])
            flat = fn::call("update_flat_view", {c.grad[0], fn::zeros(c.in_types[1])}, {{"offset", offset}});
          if (c.needs[1]) {
            value = fn::call("flat_view", {c.grad[0]}, {{"offset", offset}, {"shape", to_ints(c.in_types[1].shape)}});
          }
          return {flat, value};
        })
        .doc(R"(flat with the elements of value, in row-major order, from the offset on.
Shapes    flat [n], value [...] -> [n]
Dtypes    all
Errors    another dtype; a piece that is not inside flat
Grad      flat, value)",
             R"(>>> pt.ops.functional.OPERATORS["update_flat_view"](pt.zeros(4), pt.ones(2), 1).numpy().tolist()
[0.0, 1.0, 1.0, 0.0])");

}  // namespace
}  // namespace pt
