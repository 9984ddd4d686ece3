// Plans of products by the tile registers.
#pragma once
#include "core/launch.h"
#include "ops/matmul/desc.h"

namespace pt {

// Whether the kernels have tile registers and these take such operands.
bool takes_amx(const MatmulProblem& p, const PlanContext& context);

// Cycles, roughly, of an assignment of roles.
double amx_role_cost(const MatmulProblem& p);

// As schedule_product.
MatmulSchedule schedule_amx(const MatmulProblem& p);

// The launches that pack operands for all chunks of a product.
void append_amx_packing(LaunchPlan& plan, const Launch& product, const MatmulDesc& d);

}  // namespace pt
