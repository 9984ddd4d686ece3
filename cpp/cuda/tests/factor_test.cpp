// Matrix decompositions and solves on the simulator: the CPU's bits.
#include <cmath>

#include "cuda/tests/check_plan.h"
#include "tests/check.h"

namespace {

using namespace pt;
using namespace pt::check;

void check(std::string_view op, const std::vector<Array>& inputs, const Attrs& attrs = {}) {
  check_op(op, inputs, attrs, kAnyCapability);
}

// Work that does not fit into shared memory: in one order of threads, since there is so much of it.
void check_large(std::string_view op, const std::vector<Array>& inputs) {
  CheckOptions options = kAnyCapability;
  options.orders = 1;
  check_op(op, inputs, {}, options);
}

// Matrices of n rows: this much is added to their diagonals.
Array with_diagonal(Array x, int64_t n, double added) {
  for (int64_t i = 0; i < x.count(); ++i) {
    if (i / n % n == i % n) x.set(i, x.number(i) + added);
  }
  return x;
}
// Complex matrices of normal parts.
Array complex_normal(DType part, Shape shape, uint32_t seed, double scale = 1) {
  Array made(complex_dtype(part), shape);
  shape.push_back(2);
  const Array parts = normal(part, shape, seed, scale);
  made.memory() = parts.memory();
  return made;
}
// With an infinity, a NaN and other ends of the dtype among the parts.
Array complex_extremes(DType part, Shape shape, uint32_t seed) {
  Array made(complex_dtype(part), shape);
  shape.push_back(2);
  const Array parts = extremes(part, shape, seed);
  made.memory() = parts.memory();
  return made;
}
// The last column is the first one again.
Array with_equal_columns(Array x, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) x.set(i * columns + columns - 1, x.number(i * columns));
  return x;
}

void test_cholesky() {
  for (const DType type : {DType::F32, DType::F64}) {
    for (const int64_t n : {0, 1, 2, 5, 33}) {
      const Array x = with_diagonal(normal(type, {3, n, n}, 1), n, 4.0 * double(n));
      check("cholesky", {x});
      check("cholesky", {x}, {{"upper", true}});
    }
    check("cholesky", {normal(type, {9, 9}, 2)});  // not positive definite
    check("cholesky", {extremes(type, {5, 5}, 3)});
  }
  check_large("cholesky", {with_diagonal(normal(DType::F32, {7, 111, 111}, 1), 111, 400)});
}

void test_solve() {
  for (const bool upper : {false, true}) {
    for (const bool transposed : {false, true}) {
      for (const bool unit : {false, true}) {
        const Attrs attrs{{"upper", upper}, {"transposed", transposed}, {"unitriangular", unit}};
        for (const int64_t columns : {0, 1, 3, 40}) {
          check("solve_triangular",
                {with_diagonal(normal(DType::F32, {2, 13, 13}, 1), 13, 5), normal(DType::F32, {2, 13, columns}, 2)},
                attrs);
        }
        check("solve_triangular", {normal(DType::F64, {6, 6}, 3), normal(DType::F64, {6, 2}, 4)}, attrs);
      }
    }
  }
  check("solve_triangular", {Array(DType::F32, {3, 3}), normal(DType::F32, {3, 2}, 1)});  // divides by zero
  check_large("solve_triangular",
              {with_diagonal(normal(DType::F32, {120, 120}, 1), 120, 30), normal(DType::F32, {120, 2}, 5)});
}

void test_lu() {
  for (const DType type : {DType::F32, DType::F64}) {
    for (const int64_t n : {0, 1, 2, 5, 33}) check("lu", {normal(type, {3, n, n}, uint32_t(n))});
    check("lu", {with_equal_columns(normal(type, {7, 7}, 1), 7, 7)});
    check("lu", {integers(type, {8, 8}, -2, 2, 2)});  // equal ones among the pivots
    for (const uint32_t seed : {1, 2, 3}) check("lu", {extremes(type, {6, 6}, seed)});
    check("lu", {Array(type, {4, 4})});
  }
  check_large("lu", {normal(DType::F32, {7, 115, 115}, 1)});
}

void test_qr() {
  for (const DType type : {DType::F32, DType::F64}) {
    for (const Shape& shape : std::vector<Shape>{{0, 0}, {1, 1}, {2, 5, 5}, {40, 3}, {3, 40}, {2, 2, 33, 34}, {5, 0}}) {
      check("qr", {normal(type, shape, 1)});
    }
    check("qr", {normal(type, {4, 4}, 1, 1e-30)});
    check("qr", {extremes(type, {4, 4}, 2)});
    check("qr", {Array(type, {4, 3})});
  }
  check_large("qr", {normal(DType::F32, {7, 90, 80}, 1)});
}

void test_eigh() {
  for (const DType type : {DType::F32, DType::F64}) {
    for (const int64_t n : {0, 1, 2, 3, 6, 17}) check("eigh", {normal(type, {2, n, n}, uint32_t(n))});
    check("eigh", {with_diagonal(Array(type, {9, 9}), 9, 3)});  // all values equal
    check("eigh", {Array(type, {4, 4})});
    check("eigh", {extremes(type, {4, 4}, 2)});
  }
  check_large("eigh", {normal(DType::F32, {80, 80}, 1)});
}

void test_svd() {
  for (const DType type : {DType::F32, DType::F64}) {
    for (const Shape& shape : std::vector<Shape>{{0, 0}, {3, 0}, {1, 1}, {2, 5, 5}, {40, 3}, {2, 34, 17}}) {
      check("svd_tall", {normal(type, shape, 1)});
    }
    // Vectors that are made up, where the rank is smaller.
    check("svd_tall", {with_equal_columns(normal(type, {8, 5}, 1), 8, 5)});
    check("svd_tall", {with_diagonal(Array(type, {6, 6}), 6, 2)});
    check("svd_tall", {Array(type, {7, 4})});
    check("svd_tall", {extremes(type, {4, 4}, 2)});
  }
  check_large("svd_tall", {normal(DType::F32, {90, 78}, 1)});
}

void test_eigenbasis() {
  for (const DType type : {DType::F32, DType::F64}) {
    for (const double due : {0.0, 1.0, 2.0}) {
      const Array when = numbers(DType::I64, {}, {due});
      for (const int64_t n : {1, 2, 9}) {
        check("eigenbasis", {with_diagonal(normal(type, {2, n, n}, 1), n, 5), normal(type, {2, n, n}, 2), when});
      }
      check("eigenbasis", {extremes(type, {5, 5}, 2), normal(type, {5, 5}, 2), when});
    }
  }
  check_large("eigenbasis",
              {normal(DType::F32, {46, 46}, 1), normal(DType::F32, {46, 46}, 2), numbers(DType::I64, {}, {2})});
}

void test_complex_steps() {
  for (const DType part : {DType::F32, DType::F64}) {
    for (const int64_t n : {0, 1, 2, 5, 33}) {
      const Array x = with_diagonal(complex_normal(part, {2, n, n}, 1), n, 4.0 * double(n));
      check("cholesky", {x});
      check("cholesky", {x}, {{"upper", true}});
      check("lu", {complex_normal(part, {2, n, n}, uint32_t(n))});
      for (const bool transposed : {false, true}) {
        check("solve_triangular", {x, complex_normal(part, {2, n, 3}, 2)}, {{"transposed", transposed}});
      }
    }
    for (const Shape& shape : std::vector<Shape>{{0, 0}, {1, 1}, {2, 5, 5}, {40, 3}, {3, 40}, {33, 34}}) {
      check("qr", {complex_normal(part, shape, 1)});
    }
    for (const std::string_view op : {"cholesky", "lu", "qr"}) {
      check(op, {complex_extremes(part, {5, 5}, 3)});
      check(op, {Array(complex_dtype(part), {4, 4})});
    }
  }
  check_large("lu", {complex_normal(DType::F32, {2, 85, 85}, 1)});
}

void test_complex_turns() {
  for (const DType part : {DType::F32, DType::F64}) {
    for (const int64_t n : {0, 1, 2, 3, 6, 17}) check("eigh", {complex_normal(part, {2, n, n}, uint32_t(n))});
    for (const Shape& shape : std::vector<Shape>{{0, 0}, {3, 0}, {1, 1}, {2, 5, 5}, {40, 3}, {34, 17}}) {
      check("svd_tall", {complex_normal(part, shape, 1)});
    }
    for (const std::string_view op : {"eigh", "svd_tall"}) {
      check(op, {complex_normal(part, {4, 4}, 1, 1e-30)});
      check(op, {complex_extremes(part, {4, 4}, 2)});
      check(op, {with_diagonal(Array(complex_dtype(part), {6, 6}), 6, 2)});  // all values equal
      check(op, {Array(complex_dtype(part), {5, 5})});
    }
  }
  check_large("eigh", {complex_normal(DType::F32, {60, 60}, 1)});
}

}  // namespace

int main() {
  test_cholesky();
  test_solve();
  test_lu();
  test_qr();
  test_eigh();
  test_svd();
  test_eigenbasis();
  test_complex_steps();
  test_complex_turns();
  return pt::check::finish();
}
