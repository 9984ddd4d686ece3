// Poolings on the simulator: the CPU's bits.
#include "cuda/tests/check_plan.h"
#include "ops/pooling.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

struct Case {
  Shape image;
  Ints window, stride, padding = {0}, dilation = {1};
  bool ceil = false;
};

Attrs attrs_of(const Case& c) {
  return {{"kernel_size", c.window}, {"stride", c.stride}, {"padding", c.padding}, {"ceil_mode", c.ceil}};
}

Shape results(const Case& c, const Attrs& attrs) {
  const auto [rows, columns] = pooled_sizes(c.image[1], c.image[2], pool_params(attrs, "max_pool2d"));
  return {c.image[0], rows, columns, c.image[3]};
}

void check_maximum(const Case& c, DType type) {
  Attrs attrs = attrs_of(c);
  attrs.set("dilation", c.dilation);
  for (const Array& x : {normal(type, c.image, 1), extremes(type, c.image, 2)}) {
    check_op("max_pool2d_with_index", {x}, attrs);
  }
  const Shape shape = results(c, attrs);
  const Array index = integers(DType::U8, shape, 0, c.window.front() * c.window.back() - 1, 3);
  attrs.set("image", Ints{c.image[1], c.image[2]});
  for (const Array& g : {normal(type, shape, 4), extremes(type, shape, 5)}) {
    check_op("max_pool2d_backward", {g, index}, attrs);
  }
}

void check_average(const Case& c, DType type) {
  for (bool count_padding : {true, false}) {
    Attrs attrs = attrs_of(c);
    attrs.set("count_include_pad", count_padding);
    for (const Array& x : {normal(type, c.image, 1), extremes(type, c.image, 2)}) check_op("avg_pool2d", {x}, attrs);
    const Shape shape = results(c, attrs);
    attrs.set("image", Ints{c.image[1], c.image[2]});
    check_op("avg_pool2d_backward", {normal(type, shape, 3)}, attrs);
  }
}

}  // namespace

int main() {
  const Case cases[] = {
      {{2, 8, 8, 5}, {2}, {2}},
      {{1, 7, 9, 16}, {3}, {2}, {1}},
      {{2, 9, 7, 3}, {3, 2}, {1, 2}, {1, 0}},
      {{1, 10, 11, 4}, {2}, {3}, {1}, {1}, true},  // windows with gaps, and one over the end
      {{1, 7, 7, 1}, {3}, {2}, {1}, {1}, true},
      {{3, 33, 20, 17}, {2, 3}, {2, 3}},  // more than one block
      {{1, 1, 1, 1}, {1}, {1}},
      {{0, 4, 4, 3}, {2}, {2}},
  };
  for (DType type : {DType::F32, DType::F64, DType::F16, DType::BF16}) {
    for (const Case& c : cases) {
      check_maximum(c, type);
      check_average(c, type);
    }
    check_maximum({{1, 11, 12, 6}, {3, 2}, {2, 1}, {1}, {2, 3}}, type);
  }
  return pt::check::finish();
}
