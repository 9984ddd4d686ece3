#pragma once

namespace pt {

enum class ReduceKind { Sum, Max, Min, ArgMax, ArgMin, Any, All, Prod };

}  // namespace pt
