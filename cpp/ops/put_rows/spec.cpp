#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

// Of the rows for one place only the last was written.
Tensor gradient_of_rows(const VjpContext& c) {
  const Tensor& index = c.in[1];
  const Tensor order = fn::reshape(counting(index.size(), DType::I64), index.shape());
  const Tensor none = fn::zeros({DType::I64, {c.in_types[0].shape[0]}});
  const Tensor winner = fn::call("take", {fn::call("put_rows", {none, index, order}), index});
  Shape column = index.shape();
  while (column.size() < c.in_types[2].shape.size()) column.push_back(1);
  const Tensor g = fn::call("take", {c.grad[0], index});
  return fn::where(fn::reshape(fn::call("equal", {winner, order}), column), g, fn::zeros(g.type()));
}

Tensors batch_rows(const BatchContext& c) {
  const Shape& x = c.types[0].shape;
  Shape all = x;
  all[0] *= c.rows;
  const Tensor index = index_in_rows(with_rows(c.in[1], c.batched[1], c.rows), x[0], c.rows);
  const Tensor table = fn::reshape(with_rows(c.in[0], c.batched[0], c.rows), all);
  const Tensor y = fn::call("put_rows", {table, index, with_rows(c.in[2], c.batched[2], c.rows)});
  return {fn::reshape(y, in_rows(c.rows, x))};
}

const Op* registered =
    define("put_rows")
        .in("x")
        .in_index("index")
        .in("rows")
        .contiguous()
        .rewrites()
        .batch(batch_rows)
        .shape([](const InferContext& c) -> Types {
          const Shape &x = c.in[0].shape, &index = c.in[1].shape;
          Shape rows = index;
          for (int i = 1; i < x.size(); ++i) rows.push_back(x[i]);
          c.expect(x.size() > 0 && is_wide_index(c.in[1].dtype) && c.in[2].shape == rows,
                   text("x is ", c.in[0], ", index is ", c.in[1], ", rows is ", c.in[2],
                        "; expected int32 or int64, and for each index a row of x; reshape rows"));
          return {c.in[0]};
        })
        .indexes([](std::span<const TensorType> in, const Attrs&) -> Indexed {
          return {1, in[0].shape[0]};
        })
        .saves({false, true, false})
        .vjp([](const VjpContext& c) -> Tensors {
          Tensor x, rows;
          if (c.needs[0]) x = fn::call("put_rows", {c.grad[0], c.in[1], fn::zeros(c.in_types[2])});
          if (c.needs[2]) rows = gradient_of_rows(c);
          return {x, Tensor(), rows};
        })
        .doc(
            R"(x with whole rows, along its first axis, replaced by others.
Shapes    x [n, d...], index [i...], rows [i..., d...] -> [n, d...]
Dtypes    x and rows all but complex; index int32 or int64
Errors    rows of another shape; an index outside -n..n-1, reported when the call or the compiled step ends
Grad      x, rows
Numerics  of several rows for one place the last stays. A compiled step that assigns the result to the slot that x was
          read from touches these rows alone
Source    NumPy, x[rows] = updates)",
            R"(>>> pt.ops.functional.OPERATORS["put_rows"](pt.zeros((3, 2)), pt.tensor([2, 0]), pt.ones((2, 2))).numpy().tolist()
[[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])");

}  // namespace
}  // namespace pt
