// What follows a product on CUDA: a chain of known operations, each with at most one other number (cuda_epilogue.h).
// For the plans of products and convolutions.
#pragma once
#include <span>
#include <string>

#include "core/launch.h"
#include "ops/fused/machine.h"
#include "ops/matmul/cuda_epilogue_desc.h"

namespace pt::cuda {

// Whether the program behind a product of operands `in`, whose result has this dtype, is such a chain.
bool takes_chain(std::span<const Operand> in, DType result, const FusedProgram& program, std::string* why);
// Its operations, but not where their operands lie.
void put_chain(Epilogue& to, const FusedProgram& program, DType result);
// An operand of the program that advances so far from row to row, and from one batch item to the next.
EpilogueOperand chain_operand(const FusedOperand& operand, int64_t row, std::span<const int64_t> batch, int64_t cols);
// Of its operands, the result left out.
double bytes_behind(const FusedProgram& program);

}  // namespace pt::cuda
