// The second half of a lowering: the launches of each phase, in order. Values lie where placement.h put them; each node
// becomes the launches that its op plans for these places, preceded by the copies that the placement asks for. Adds
// storages only for the workspaces of plans.
#pragma once
#include "program/placement.h"

namespace pt {

Layout emit(const Graph& graph, const Usage& usage, Placement placement, const PlanContext& context);

}  // namespace pt
