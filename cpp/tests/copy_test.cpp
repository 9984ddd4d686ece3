// Copies between random layouts against one element at a time.
#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "core/error.h"
#include "ops/copy/plan.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace {

using namespace pt;

// A tensor of random strides: permuted, flipped and spread axes, or repeated ones where it is only read.
struct Layout {
  Strides strides;
  int64_t first = 0;  // element offset of index 0
  int64_t size = 1;   // elements of memory
};

Layout random_layout(const Shape& shape, bool may_repeat, std::mt19937& random) {
  std::vector<int> order(shape.size());
  for (int i = 0; i < shape.size(); ++i) order[i] = i;
  if (random() % 4) std::shuffle(order.begin(), order.end(), random);
  Layout layout{shape};
  for (int axis : order) {
    if (may_repeat && random() % 8 == 0) {
      layout.strides[axis] = 0;
      continue;
    }
    layout.strides[axis] = layout.size * (random() % 8 ? 1 : 2);
    layout.size *= std::max<int64_t>(shape[axis], 1) * (layout.strides[axis] / layout.size);
    if (random() % 6 == 0 && shape[axis] > 0) {
      layout.first += layout.strides[axis] * (shape[axis] - 1);
      layout.strides[axis] = -layout.strides[axis];
    }
  }
  layout.size += layout.first;
  return layout;
}

int64_t offset_of(const Shape& shape, const Layout& layout, int64_t index) {
  int64_t offset = layout.first;
  for (int axis = shape.size() - 1; axis >= 0; --axis) {
    offset += index % shape[axis] * layout.strides[axis];
    index /= shape[axis];
  }
  return offset;
}

void check_copy(DType dtype, const Shape& shape, const Layout& in, const Layout& out, std::mt19937& random) {
  const int64_t bytes = static_cast<int64_t>(size_of(dtype));
  std::vector<unsigned char> source(in.size * bytes), result(out.size * bytes, 0xA5);
  for (auto& byte : source) byte = static_cast<unsigned char>(random());
  std::vector<unsigned char> want = result;
  for (int64_t i = 0; i < count(shape); ++i) {
    std::memcpy(&want[offset_of(shape, out, i) * bytes], &source[offset_of(shape, in, i) * bytes], bytes);
  }
  const LaunchPlan plan = plan_copy({dtype, shape, in.strides}, {dtype, shape, out.strides});
  const uint32_t status = check::run_plan(plan, {source.data() + in.first * bytes, result.data() + out.first * bytes});
  CHECK_EQ(status, 0u);
  check::report(result == want, __FILE__, __LINE__,
                text("copy of ", info(dtype).brief, shape, " from strides ", in.strides, " to ", out.strides));
}

void test_random_layouts() {
  std::mt19937 random(1);
  const DType dtypes[] = {DType::U8, DType::BF16, DType::F32, DType::F64};
  for (int round = 0; round < 500; ++round) {
    Shape shape;
    int64_t elements = 1;
    for (int axes = random() % 6; axes > 0; --axes) {
      const int64_t sizes[] = {1, 2, 3, 7, 8, 16, 17, 33, 64, 100, 257, 1000};
      const int64_t size = random() % 60 == 0 ? 0 : sizes[random() % 12];
      if (elements * size > 200000) break;
      elements *= std::max<int64_t>(size, 1);
      shape.push_back(size);
    }
    check_copy(dtypes[random() % 4], shape, random_layout(shape, true, random), random_layout(shape, false, random),
               random);
  }
}

void test_large_plane() {
  std::mt19937 random(2);
  const Shape shape{515, 1027};
  for (DType dtype : {DType::U8, DType::F16, DType::I32, DType::F64}) {
    check_copy(dtype, shape, {Strides{1, 515}, 0, 515 * 1027}, {row_major(shape), 0, 515 * 1027}, random);
    check_copy(dtype, shape, {row_major(shape), 0, 515 * 1027}, {Strides{1, 515}, 0, 515 * 1027}, random);
  }
}

}  // namespace

int main() {
  for (std::string_view isa : check::usable_isas()) {
    pt::set_isa(isa);
    test_random_layouts();
    test_large_plane();
  }
  return check::finish();
}
