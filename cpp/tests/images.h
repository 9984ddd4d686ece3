// Images with canaries around them, and sums in the canonical order, for tests of convolutions.
#pragma once
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "core/launch.h"
#include "ops/fused/machine.h"

namespace pt::check {

inline std::mt19937_64 random_bits(11);

// A row-major tensor with canaries around it.
template <class T>
struct Image {
  static constexpr int64_t kCanary = 64;
  Operand operand;
  std::vector<T> values;

  explicit Image(const Shape& shape, DType dtype) : operand{dtype, shape, row_major(shape)} {
    values.resize(count(shape) + 2 * kCanary);
    std::memset(values.data(), 0xFF, values.size() * sizeof(T));
  }
  T* at(int64_t i, int64_t j, int64_t k, int64_t l) {
    const Strides& s = operand.strides;
    return values.data() + kCanary + i * s[0] + j * s[1] + k * s[2] + l;
  }
  char* data() { return reinterpret_cast<char*>(values.data() + kCanary); }
  void fill() {
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (int64_t i = 0; i < count(operand.shape); ++i) values[kCanary + i] = static_cast<T>(uniform(random_bits));
  }
  bool same(const Image& other) const {
    return std::memcmp(values.data(), other.values.data(), values.size() * sizeof(T)) == 0;
  }
};

// relu(sums + bias) * residual as the program behind a convolution, where the bias has a number for each channel.
inline FusedProgram gated_residual(const Shape& shape) {
  FusedProgram program;
  program.extents = shape;
  program.inputs = 3;
  program.operands = {
      {DType::F32, {}}, {DType::F32, {0, 0, 0, 1}}, {DType::F32, row_major(shape)}, {DType::F32, row_major(shape)}};
  const auto step = [&](StepKind kind, const char* op, std::array<int, 4> args, int operand) {
    program.steps.push_back({.kind = kind, .op = op, .dtype = DType::F32, .args = args, .operand = operand});
  };
  step(StepKind::Load, "", {-1, -1, -1, -1}, 0);
  step(StepKind::Load, "", {-1, -1, -1, -1}, 1);
  step(StepKind::Math, "add", {0, 1, -1, -1}, -1);
  step(StepKind::Math, "relu", {2, -1, -1, -1}, -1);
  step(StepKind::Load, "", {-1, -1, -1, -1}, 2);
  step(StepKind::Math, "multiply", {3, 4, -1, -1}, -1);
  step(StepKind::Store, "", {5, -1, -1, -1}, 3);
  return program;
}

// The same of given sums.
inline Image<float> gated_residual(const Image<float>& sums, const Image<float>& bias, const Image<float>& residual) {
  const Shape& shape = sums.operand.shape;
  Image<float> made(shape, DType::F32);
  for (int64_t i = 0; i < count(shape); ++i) {
    const float sum = sums.values[sums.kCanary + i] + bias.values[bias.kCanary + i % shape[3]];
    made.values[made.kCanary + i] = (sum > 0 ? sum : 0) * residual.values[residual.kCanary + i];
  }
  return made;
}

// Adds the terms of one sum in the canonical order.
template <class T>
class CanonicalSum {
 public:
  void add(T a, T b) {
    if (terms_ % 256 == 0) close_block();
    chain_ = std::fma(a, b, chain_);
    ++terms_;
  }
  T result() {
    close_block();
    return groups_ ? total_ + group_ : blocks_ ? group_ : T(0);
  }

 private:
  void close_block() {
    if (terms_ == 0 || closed_ == terms_) return;
    if (blocks_ == 16) {
      total_ = groups_++ ? total_ + group_ : group_;
      blocks_ = 0;
    }
    group_ = blocks_++ ? group_ + chain_ : chain_;
    chain_ = 0;
    closed_ = terms_;
  }
  T chain_ = 0, group_ = 0, total_ = 0;
  int64_t terms_ = 0, closed_ = 0, blocks_ = 0, groups_ = 0;
};

}  // namespace pt::check
