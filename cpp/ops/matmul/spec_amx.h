// Plans of products by the tile registers, for spec_plan.cpp and spec_product.cpp.
#pragma once
#include "core/launch.h"
#include "ops/matmul/desc.h"

namespace pt {

// C^T = B^T A^T instead: left and right change places.
void swap_roles(MatmulDesc& d);

// Whether the kernels have tile registers and these take such operands.
bool takes_amx(const MatmulDesc& d, const PlanContext& context);

void choose_amx_roles(MatmulDesc& d);

// As complete_product.
void complete_amx(MatmulDesc& d);

// The launches that pack operands for all chunks of a product.
void append_amx_packing(LaunchPlan& plan, const Launch& product, const MatmulDesc& d);

}  // namespace pt
