#include "program/emission.h"

namespace pt {

Layout lower(const Graph& graph, const PlanContext& context) {
  const Usage usage = usage_of(graph);
  Layout layout = emit(graph, usage, place(graph, usage), context);
  assign_arena(layout);
  return layout;
}

}  // namespace pt
