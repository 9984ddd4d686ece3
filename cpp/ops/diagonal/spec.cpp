#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("diagonal")
        .in("x")
        .attr("offset", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          Shape shape = in[0].shape();
          if (shape.size() < 2) {
            throw ShapeError(text("[diagonal] x is ", in[0].type(), "; expected at least two axes; reshape x"));
          }
          const int64_t offset = attrs.integer("offset"), columns = shape.back(), rows = shape[shape.size() - 2];
          const int64_t row = offset < 0 ? -offset : 0, column = offset > 0 ? offset : 0;
          const int64_t n = std::max<int64_t>(0, std::min(rows - row, columns - column));
          shape.erase(shape.size() - 1);
          shape.erase(shape.size() - 1);
          Shape flat = shape, kept = shape;
          flat.push_back(rows * columns);
          kept.push_back(n);
          // The diagonal is every (columns + 1)-th element of the matrix in row-major order.
          const int64_t first = row * columns + column;
          const Tensor all = fn::reshape(in[0], flat);
          return {fn::reshape(n == 0
                                  ? piece(all, shape.size(), 0, 0)
                                  : piece(all, shape.size(), first, first + (n - 1) * (columns + 1) + 1, columns + 1),
                              kept)};
        })
        .complex()
        .doc(R"(a diagonal of each matrix: the elements whose column is their row plus offset.
Shapes    x [..., m, n] -> [..., length of the diagonal]
Dtypes    all
Errors    x of less than two axes
Grad      x
Source    the array API standard 2024.12 (linalg.diagonal))",
             R"(>>> pt.diagonal(pt.tensor([[1, 2], [3, 4]])).numpy().tolist()
[1, 4])");

}  // namespace
}  // namespace pt
