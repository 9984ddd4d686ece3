// What follows a product before it is stored, as its plan tells the kernel: a value, which begins as the product and
// goes through one operation after the other.
#pragma once
#include "ops/matmul/cuda_desc.h"

namespace pt::cuda {

enum class EpilogueCode : uint8_t {
  Round,  // to `type`, as a store and a load would
  Store,
  Keep,       // until StoreKept stores it: where that is, operands are read in between
  StoreKept,  // what was kept
  Add,
  Subtract,
  SubtractFrom,  // the other number less the value
  Multiply,
  Relu,
  GeluTanh,
  GeluErf,
  Silu,
  Tanh,
  Sigmoid,
  ReluGrad,  // of the other number, where the value is the gradient
  GeluTanhGrad,
  GeluErfGrad,
  SiluGrad,
  TanhGrad,  // of what tanh gave; so is the next one
  SigmoidGrad,
};

struct EpilogueOp {
  EpilogueCode code;
  int8_t operand;  // the other number, or where the value goes; -1: the constant
  DType type;
  float constant;
};

struct EpilogueOperand {
  int64_t row, col, batch[kMostBatchAxes];  // strides, in elements
  DType type;
  bool vectors;  // 8 neighbours of a row can be read or written at once
};

constexpr int kEpilogueOperands = 6, kEpilogueOps = 16;

struct Epilogue {
  EpilogueOperand operands[kEpilogueOperands];
  EpilogueOp ops[kEpilogueOps];
  int32_t n_operands, n_ops;
};

// What a kernel of products is told, and what its results go through.
template <class Params>
struct Followed {
  Params product;
  Epilogue then;
};
using EpilogueProduct = Followed<TileProduct>;

}  // namespace pt::cuda
