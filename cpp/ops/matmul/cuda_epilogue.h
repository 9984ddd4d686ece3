// What follows a product on its way to memory. Sums go through shared memory, from where threads take 8 neighbours of a
// row at a time: operands are read and results written 16 bytes at once, and the operations are there once, not for
// each sum of a thread.
#pragma once
#include "cuda/formulas.h"
#include "ops/gelu_erf/math.h"
#include "ops/gelu_erf_grad/math.h"
#include "ops/gelu_tanh/math.h"
#include "ops/gelu_tanh_grad/math.h"
#include "ops/matmul/cuda_epilogue_desc.h"
#include "ops/matmul/cuda_mma.h"
#include "ops/relu/math.h"
#include "ops/relu_grad/math.h"
#include "ops/sigmoid/math.h"
#include "ops/sigmoid_grad/math.h"
#include "ops/silu/math.h"
#include "ops/silu_grad/math.h"
#include "ops/tanh/math.h"
#include "ops/tanh_grad/math.h"

namespace pt::cuda {

constexpr int kRun = 8;         // columns that a thread takes at once
constexpr int kFirstOther = 2;  // of a launch's operands: those of the epilogue begin here

using EpilogueOperands = Operands<kFirstOther + kEpilogueOperands>;

// Where an operand of the operations begins, of one batch item.
PT_DEVICE char* operand_data(const EpilogueOperands& operands, const TileProduct& product, const Epilogue& then,
                             int operand, int64_t batch) {
  const EpilogueOperand& o = then.operands[operand];
  return operands.at[kFirstOther + operand] + batch_offset(product, o.batch, batch) * size_of_float(o.type);
}

PT_DEVICE void load_run(const EpilogueOperand& o, const char* at, int64_t row, int64_t col, int count,
                        float (&to)[kRun]) {
  const int64_t first = row * o.row + col * o.col;
  if (o.vectors && is_aligned(at, 16)) {
    if (o.type == DType::F32) {
#pragma unroll
      for (int half = 0; half < kRun; half += 4) {
        const auto some = *reinterpret_cast<const Pack<float, 4>*>(reinterpret_cast<const float*>(at) + first + half);
#pragma unroll
        for (int e = 0; e < 4; ++e) to[half + e] = some.at[e];
      }
    } else {
      const auto some = *reinterpret_cast<const Pack<uint16_t, kRun>*>(reinterpret_cast<const uint16_t*>(at) + first);
#pragma unroll
      for (int e = 0; e < kRun; ++e)
        to[e] = o.type == DType::BF16 ? bf16_to_float(some.at[e]) : f16_to_float(some.at[e]);
    }
  } else {
#pragma unroll
    for (int e = 0; e < kRun; ++e) to[e] = e < count ? load_float<float>(at, first + e * o.col, o.type) : 0.0f;
  }
}

PT_DEVICE void store_run(const EpilogueOperand& o, char* at, int64_t row, int64_t col, int count,
                         const float (&from)[kRun]) {
  const int64_t first = row * o.row + col * o.col;
  if (o.vectors && is_aligned(at, 16)) {
    if (o.type == DType::F32) {
#pragma unroll
      for (int half = 0; half < kRun; half += 4)
        *reinterpret_cast<Pack<float, 4>*>(reinterpret_cast<float*>(at) + first +
                                           half) = {{from[half], from[half + 1], from[half + 2], from[half + 3]}};
    } else {
      Pack<uint16_t, kRun> some;
#pragma unroll
      for (int e = 0; e < kRun; ++e)
        some.at[e] = o.type == DType::BF16 ? float_to_bf16(from[e]) : float_to_f16(from[e]);
      *reinterpret_cast<Pack<uint16_t, kRun>*>(reinterpret_cast<uint16_t*>(at) + first) = some;
    }
  } else {
#pragma unroll
    for (int e = 0; e < kRun; ++e)
      if (e < count) store_float(at, first + e * o.col, o.type, from[e]);
  }
}

template <class Formula>
PT_DEVICE void each_value(float (&values)[kRun], Formula formula) {
#pragma unroll
  for (int e = 0; e < kRun; ++e) values[e] = formula(one<float>(values[e])).part[0];
}
template <class Formula>
PT_DEVICE void each_value(float (&values)[kRun], const float (&others)[kRun], Formula formula) {
#pragma unroll
  for (int e = 0; e < kRun; ++e) values[e] = formula(one<float>(values[e]), one<float>(others[e])).part[0];
}

PT_DEVICE void apply_operation(EpilogueCode code, DType type, float (&values)[kRun], const float (&others)[kRun]) {
  using V = one<float>;
  switch (code) {
    case EpilogueCode::Round:
#pragma unroll
      for (int e = 0; e < kRun; ++e)
        values[e] =
            type == DType::BF16 ? bf16_to_float(float_to_bf16(values[e])) : f16_to_float(float_to_f16(values[e]));
      break;
    case EpilogueCode::Add:
      return each_value(values, others, [](V a, V b) { return a + b; });
    case EpilogueCode::Subtract:
      return each_value(values, others, [](V a, V b) { return a - b; });
    case EpilogueCode::SubtractFrom:
      return each_value(values, others, [](V a, V b) { return b - a; });
    case EpilogueCode::Multiply:
      return each_value(values, others, [](V a, V b) { return a * b; });
    case EpilogueCode::Relu:
      return each_value(values, [](V a) { return PT_ISA::relu(a); });
    case EpilogueCode::GeluTanh:
      return each_value(values, [](V a) { return PT_ISA::gelu_tanh(a); });
    case EpilogueCode::GeluErf:
      return each_value(values, [](V a) { return PT_ISA::gelu_erf(a); });
    case EpilogueCode::Silu:
      return each_value(values, [](V a) { return PT_ISA::silu(a); });
    case EpilogueCode::Tanh:
      return each_value(values, [](V a) { return PT_ISA::tanh(a); });
    case EpilogueCode::Sigmoid:
      return each_value(values, [](V a) { return PT_ISA::sigmoid(a); });
    case EpilogueCode::ReluGrad:
      return each_value(values, others, [](V g, V x) { return PT_ISA::relu_grad(x, g); });
    case EpilogueCode::GeluTanhGrad:
      return each_value(values, others, [](V g, V x) { return PT_ISA::gelu_tanh_grad(x, g); });
    case EpilogueCode::GeluErfGrad:
      return each_value(values, others, [](V g, V x) { return PT_ISA::gelu_erf_grad(x, g); });
    case EpilogueCode::SiluGrad:
      return each_value(values, others, [](V g, V x) { return PT_ISA::silu_grad(x, g); });
    case EpilogueCode::TanhGrad:
      return each_value(values, others, [](V g, V y) { return PT_ISA::tanh_grad(y, g); });
    case EpilogueCode::SigmoidGrad:
      return each_value(values, others, [](V g, V y) { return PT_ISA::sigmoid_grad(y, g); });
    case EpilogueCode::Store:
    case EpilogueCode::Keep:
    case EpilogueCode::StoreKept:
      break;
  }
}

// For up to 8 neighbours of a row of the result. `kept` has room for as many.
PT_DEVICE void run_epilogue(const EpilogueOperands& operands, const TileProduct& product, const Epilogue& then,
                            int64_t batch, int64_t row, int64_t col, float (&values)[kRun], float* kept) {
  if (col >= product.cols) return;
  const int count = product.cols - col < kRun ? int(product.cols - col) : kRun;
#pragma unroll 1
  for (int i = 0; i < then.n_ops; ++i) {
    const EpilogueOp op = then.ops[i];
    char* const data = op.operand >= 0 ? operand_data(operands, product, then, op.operand, batch) : nullptr;
    float others[kRun];
    switch (op.code) {
      case EpilogueCode::Store:
        store_run(then.operands[op.operand], data, row, col, count, values);
        continue;
      case EpilogueCode::Keep:
#pragma unroll
        for (int e = 0; e < kRun; ++e) kept[e] = values[e];
        continue;
      case EpilogueCode::StoreKept:
#pragma unroll
        for (int e = 0; e < kRun; ++e) others[e] = kept[e];
        store_run(then.operands[op.operand], data, row, col, count, others);
        continue;
      default:
        break;
    }
    if (data) {
      load_run(then.operands[op.operand], data, row, col, count, others);
    } else {
#pragma unroll
      for (int e = 0; e < kRun; ++e) others[e] = op.constant;
    }
    apply_operation(op.code, op.type, values, others);
  }
}

// Calls finish(row of the tile, column, 8 values, their place) for a part of a tile that lies in shared memory.
template <int kRows, int kCols, int kThreads, class RowOf, class Finish>
PT_DEVICE void finish_stage(float* stage, RowOf row_of, const Finish& finish) {
#pragma unroll 1
  for (int piece = int(threadIdx.x); piece < kRows * kCols / kRun; piece += kThreads) {
    const int row = piece / (kCols / kRun), col = piece % (kCols / kRun) * kRun;
    float* const place = stage + row * (kCols + 4) + col;
    float values[kRun];
#pragma unroll
    for (int half = 0; half < kRun; half += 4) {
      const auto some = *reinterpret_cast<const Pack<float, 4>*>(place + half);
#pragma unroll
      for (int e = 0; e < 4; ++e) values[half + e] = some.at[e];
    }
    finish(row_of(row), col, values, place);
  }
}

// In place of store_tile: four rows of each thread at a time go through the memory that the operands had.
template <class Shape, class Finish>
PT_DEVICE void finish_tile(const TileSums<float, Shape>& sums, TileMemory<float, Shape>& memory, const Finish& finish) {
  constexpr int kAtOnce = kVector<float>, kRows = Shape::kRows / Shape::kRowsEach * kAtOnce, kPitch = Shape::kCols + 4;
  static_assert(sizeof(memory) >= kRows * kPitch * sizeof(float));
  float* const stage = reinterpret_cast<float*>(&memory);
#pragma unroll
  for (int first = 0; first < Shape::kRowsEach; first += kAtOnce) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
#pragma unroll
      for (int j = 0; j < Shape::kColsEach; j += kVector<float>) {
        Pack<float, kVector<float>> some;
#pragma unroll
        for (int e = 0; e < kVector<float>; ++e) some.at[e] = sums.at[first + i][j + e];
        const int col = place_of<float, Shape::kCols, Shape::kColsEach>(col_thread<Shape>(), j);
        *reinterpret_cast<Pack<float, kVector<float>>*>(stage + (row_thread<Shape>() * kAtOnce + i) * kPitch + col) =
            some;
      }
    }
    __syncthreads();
    finish_stage<kRows, Shape::kCols, Shape::kThreads>(
        stage, [&](int row) { return first / kAtOnce * kRows + row; }, finish);
  }
}

// The same of sums by matrix instructions: 32 rows of each warp at a time.
template <class Shape, class Finish>
PT_DEVICE void finish_warps(const WarpSums<Shape>& sums, WarpMemory<Shape>& memory, const Finish& finish) {
  constexpr int kAtOnce = 2, kRowsOfWarp = 16 * kAtOnce, kRows = Shape::kRows / Shape::kRowsEach * kRowsOfWarp;
  constexpr int kPitch = Shape::kCols + 4;
  static_assert(sizeof(memory) >= kRows * kPitch * sizeof(float));
  float* const stage = reinterpret_cast<float*>(&memory);
  const int warp = int(threadIdx.x) / kWarp, lane = int(threadIdx.x) % kWarp;
  const int row = warp / Shape::kAcross * kRowsOfWarp + lane / 4;
  const int col = warp % Shape::kAcross * Shape::kColsEach + lane % 4 * 2;
#pragma unroll
  for (int first = 0; first < Shape::kRowsEach / 16; first += kAtOnce) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
#pragma unroll
      for (int j = 0; j < Shape::kColsEach / 8; ++j) {
        const float(&c)[4] = sums.at[first + i][j];
        float* const at = stage + (row + 16 * i) * kPitch + col + 8 * j;
        *reinterpret_cast<Pack<float, 2>*>(at) = {{c[0], c[1]}};
        *reinterpret_cast<Pack<float, 2>*>(at + 8 * kPitch) = {{c[2], c[3]}};
      }
    }
    __syncthreads();
    finish_stage<kRows, Shape::kCols, Shape::kThreads>(
        stage, [&](int staged) { return staged / kRowsOfWarp * Shape::kRowsEach + 16 * first + staged % kRowsOfWarp; },
        finish);
  }
}

}  // namespace pt::cuda
