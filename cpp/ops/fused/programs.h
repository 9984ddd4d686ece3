// Programs of one step, and what they are made of, for the plan functions of every target.
#pragma once
#include <span>

#include "ops/fused/machine.h"

namespace pt {

// The whole result as one row program without reductions, over axes that the machine itself collapses.
FusedProgram begin_program(std::span<const Operand> in, const Operand& out);
// Returns the step that has the operand's elements as `wanted`.
int load_step(FusedProgram& program, int operand, DType stored, DType wanted);
void store_step(FusedProgram& program, int value, const Operand& out, int operand);

FusedProgram cast_program(const Operand& in, const Operand& out);
// Random numbers in [0, 1). state: [seed, stream, call] of i64.
FusedProgram uniform_program(const Operand& state, const Operand& out, int64_t ordinal);

}  // namespace pt
