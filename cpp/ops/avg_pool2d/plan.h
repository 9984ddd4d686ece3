// plan_avg_pool2d and plan_avg_pool2d_backward: both poolings share their geometry, so their plans are made in one
// place.
#pragma once
#include "ops/max_pool2d/plan.h"
