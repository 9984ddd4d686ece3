// What a matrix product is to compute, from its operands.
#pragma once
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"

namespace pt {

// C = A B, and what becomes of it: c is what is stored, or with an epilogue the product that it begins with.
struct Product {
  const Operand &a, &b, &c;
  Dots dots = Dots::Exact;
  DType rounded;  // to which sums are rounded before they are stored, as c's dtype is or a wider one
  bool adds = false;
  const FusedProgram* epilogue = nullptr;
};

// With the operands in the roles that cost least. `after` receives the epilogue, if there is one, as it runs over C.
MatmulProblem problem_of(const Product& product, const PlanContext& context, FusedProgram* after);

}  // namespace pt
