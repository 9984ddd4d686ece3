#include "program/placement.h"

#include <algorithm>
#include <optional>

#include "ops/axes.h"

namespace pt {
namespace {

class Placing {
 public:
  Placing(const Graph& graph, const Usage& usage) : graph_(graph), usage_(usage), places_(made_.places) {
    places_.resize(graph.values.size());
  }

  Placement run() {
    place_slots();
    place_sources();
    place_results();
    take_snapshots();
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) place_node(static_cast<int>(n));
    for (std::size_t r = 0; r < graph_.results.size(); ++r) {
      const int value = graph_.results[r];
      made_.in_result.push_back(result_of_[value] == static_cast<int>(r) &&
                                places_[value].storage == made_.result_storage[r]);
    }
    return std::move(made_);
  }

 private:
  int add_storage(Home home, int index, int64_t bytes) {
    Storage storage;
    storage.home = home;
    storage.index = index;
    storage.bytes = bytes;
    made_.storages.push_back(storage);
    return static_cast<int>(made_.storages.size()) - 1;
  }

  void place_slots() {
    for (std::size_t s = 0; s < graph_.slots.size(); ++s) {
      made_.slot_storage.push_back(add_storage(Home::Slot, static_cast<int>(s), bytes_of(graph_.slots[s]->type())));
    }
  }

  void place_sources() {
    for (std::size_t v = 0; v < graph_.values.size(); ++v) {
      const Value& value = graph_.values[v];
      Place& place = places_[v];
      place.strides = row_major(value.type.shape);
      if (value.origin == Origin::Input) place.storage = add_storage(Home::Input, value.index, bytes_of(value.type));
      if (value.origin == Origin::Slot) place.storage = made_.slot_storage[value.index];
      if (value.origin == Origin::Constant) {
        place.storage = add_storage(Home::Constant, value.index, bytes_of(value.type));
        place.strides = graph_.constants[value.index].strides();
      }
    }
  }

  void place_results() {
    result_of_.assign(graph_.values.size(), -1);
    for (std::size_t r = 0; r < graph_.results.size(); ++r) {
      const Value& value = graph_.values[graph_.results[r]];
      const bool own = value.origin == Origin::Node && !aliases_input(graph_.nodes[value.index]);
      made_.result_storage.push_back(add_storage(Home::Result, static_cast<int>(r), bytes_of(value.type)));
      if (own && result_of_[graph_.results[r]] < 0) result_of_[graph_.results[r]] = static_cast<int>(r);
    }
  }

  // A slot whose old value is needed after it is overwritten: that value is copied before anything else happens.
  void take_snapshots() {
    for (std::size_t s = 0; s < graph_.slots.size(); ++s) {
      const int old = graph_.slot_values[s];
      if (!usage_.snapshot[s] || old < 0) continue;
      made_.snapshots.push_back({old, places_[old]});
      places_[old] = fresh(graph_.values[old].type);
    }
  }

  Place fresh(const TensorType& type) {
    return {add_storage(Home::Arena, 0, bytes_of(type)), 0, row_major(type.shape)};
  }

  Place copied_place(int n, int input) {
    return made_.copied[{n, input}] = fresh(graph_.values[graph_.nodes[n].inputs[input]].type);
  }

  void place_node(int n) {
    taken_.clear();
    const GraphNode& node = graph_.nodes[n];
    if (node.op && node.op->view) return place_view(n);
    if (node.op && node.op->contiguous) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const int input = node.inputs[i];
        if (input >= 0 && !is_row_major(graph_.values[input].type.shape, places_[input].strides))
          copied_place(n, static_cast<int>(i));
      }
    }
    if (node.op && node.op->passes_through) {
      places_[node.outputs[0]] = places_[node.inputs[0]];
      return;
    }
    for (int output : node.outputs) {
      const bool pack = node.op && node.op->name == "pack" && usage_.in_place[output] < 0;
      if (pack) pack_storage(n);
      if (!pack && places_[output].storage < 0) places_[output] = home_of(n, output);
    }
  }

  void place_view(int n) {
    const GraphNode& node = graph_.nodes[n];
    const int input = node.inputs[0];
    const TensorType& type = graph_.values[input].type;
    Place place = places_[input];
    // Between complex numbers and their parts elements have other sizes.
    const auto from = static_cast<int64_t>(size_of(type.dtype));
    const auto to = static_cast<int64_t>(size_of(graph_.values[node.outputs[0]].type.dtype));
    std::optional<View> view = node.op->view({type.dtype, type.shape, place.strides}, node.attrs);
    if (!view || place.offset * from % to != 0) {
      place = copied_place(n, 0);
      view = node.op->view({type.dtype, type.shape, place.strides}, node.attrs);
    }
    places_[node.outputs[0]] = {place.storage, place.offset * from / to + view->offset, view->strides};
  }

  // Memory for an output of node n: a slot, a result, the flat gradient, an operand that dies here, or the arena.
  Place home_of(int n, int output) {
    const TensorType& type = graph_.values[output].type;
    Place place{-1, 0, row_major(type.shape)};
    if (usage_.in_place[output] >= 0) {
      place.storage = made_.slot_storage[usage_.in_place[output]];
    } else if (usage_.pack_of[output] >= 0) {
      place.storage = pack_piece(usage_.pack_of[output], output);
    } else if (const std::optional<Place> part = part_of_concat(output)) {
      place = *part;
    } else if (result_of_[output] >= 0) {
      place.storage = made_.result_storage[result_of_[output]];
    } else {
      place.storage = dying_operand(n, output);
      if (place.storage < 0) place.storage = add_storage(Home::Arena, 0, bytes_of(type));
    }
    return place;
  }

  int dying_operand(int n, int output) {
    const GraphNode& node = graph_.nodes[n];
    const TensorType& type = graph_.values[output].type;
    if (!plain_elementwise(node)) return -1;
    for (int input : node.inputs) {
      if (input < 0) continue;
      const TensorType& other = graph_.values[input].type;
      const Place& place = places_[input];
      const Storage& storage = made_.storages[place.storage];
      const bool whole = other.shape == type.shape && size_of(other.dtype) == size_of(type.dtype) &&
                         place.offset == 0 && is_row_major(other.shape, place.strides);
      if (!whole || storage.home != Home::Arena || storage.parent >= 0 || storage.bytes != bytes_of(type)) continue;
      if (usage_.last_read[usage_.root[input]] != n || taken_.count(place.storage)) continue;
      const bool seen_otherwise = std::any_of(node.inputs.begin(), node.inputs.end(), [&](int other_input) {
        return other_input >= 0 && other_input != input && places_[other_input].storage == place.storage;
      });
      if (seen_otherwise) continue;
      taken_.insert(place.storage);
      return place.storage;
    }
    return -1;
  }

  int pack_storage(int pack) {
    const int output = graph_.nodes[pack].outputs[0];
    if (places_[output].storage < 0) {
      places_[output].strides = row_major(graph_.values[output].type.shape);
      const bool result = result_of_[output] >= 0;
      places_[output].storage = result ? made_.result_storage[result_of_[output]]
                                       : add_storage(Home::Arena, 0, bytes_of(graph_.values[output].type));
    }
    return places_[output].storage;
  }

  int pack_piece(int pack, int value) {
    const GraphNode& node = graph_.nodes[pack];
    const auto found =
        std::find_if(node.inputs.begin(), node.inputs.end(), [&](int input) { return usage_.whole[input] == value; });
    const auto at = found - node.inputs.begin();
    const TensorType& type = graph_.values[value].type;
    const int storage = add_storage(Home::Arena, 0, bytes_of(type));
    const int parent = pack_storage(pack);
    made_.storages[storage].parent = parent;
    made_.storages[storage].home = made_.storages[parent].home;
    made_.storages[storage].index = made_.storages[parent].index;
    made_.storages[storage].parent_offset =
        node.attrs.ints("offsets")[static_cast<std::size_t>(at)] * static_cast<int64_t>(size_of(type.dtype));
    made_.joined.insert({pack, static_cast<int>(at)});
    return storage;
  }

  // Where a value lies in the result of the concat that alone wants it; nowhere if its axes do not fit into that, or if
  // its maker gave the result another shape.
  std::optional<Place> part_of_concat(int value) {
    const int n = usage_.concat_of[value];
    if (n < 0) return std::nullopt;
    const GraphNode& node = graph_.nodes[n];
    const int whole = node.outputs[0];
    const TensorType& type = graph_.values[whole].type;
    const int axis = normal_axis(node.attrs.integer("axis"), type.shape.size(), "concat");
    const Strides strides = row_major(type.shape);
    int64_t begin = 0;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const int input = node.inputs[i];
      const Shape& shape = graph_.values[input].type.shape;
      if (usage_.whole[input] == value) {
        const Ints wanted(graph_.values[value].type.shape.begin(), graph_.values[value].type.shape.end());
        const std::optional<View> view = find_op("reshape").view({type.dtype, shape, strides}, {{"shape", wanted}});
        if (!view) return std::nullopt;
        if (places_[whole].storage < 0) places_[whole] = home_of(n, whole);
        made_.joined.insert({n, static_cast<int>(i)});
        return Place{places_[whole].storage, places_[whole].offset + begin * strides[axis], view->strides};
      }
      begin += shape[axis];
    }
    return std::nullopt;
  }

  const Graph& graph_;
  const Usage& usage_;
  Placement made_;
  std::vector<Place>& places_;  // of what is made
  std::vector<int> result_of_;  // per value: the result that it is written to directly
  std::set<int> taken_;         // storages that outputs of the node have taken over
};

}  // namespace

int64_t bytes_of(const TensorType& type) { return count(type.shape) * static_cast<int64_t>(size_of(type.dtype)); }

Placement place(const Graph& graph, const Usage& usage) { return Placing(graph, usage).run(); }

}  // namespace pt
