#include "program/placement.h"

#include <algorithm>
#include <optional>

#include "ops/reshape/view.h"

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
      made_.in_result.push_back(result_of_[usage_.whole[value]] == static_cast<int>(r) &&
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
      made_.result_storage.push_back(
          add_storage(Home::Result, static_cast<int>(r), bytes_of(graph_.values[graph_.results[r]].type)));
      // A result of another shape than what was computed is that memory, so whoever computes it writes it there.
      const int made = usage_.whole[graph_.results[r]];
      const Value& value = graph_.values[made];
      const bool own = value.origin == Origin::Node && !aliases_input(graph_.nodes[value.index]);
      if (own && result_of_[made] < 0) result_of_[made] = static_cast<int>(r);
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
      if (places_[output].storage < 0) places_[output] = home_of(n, output);
    }
  }

  void place_view(int n) {
    const GraphNode& node = graph_.nodes[n];
    if (node.op->reads_slot) return place_in_slot(n);
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

  // What a slot holds lies in it, until it is written again: who reads it longer reads a copy.
  void place_in_slot(int n) {
    const GraphNode& node = graph_.nodes[n];
    const int slot = static_cast<int>(node.attrs.integer("slot")), output = node.outputs[0];
    const bool overwritten = std::any_of(graph_.writes.begin(), graph_.writes.end(), [&](const SlotWrite& write) {
      return write.slot == slot && write.phase >= node.phase && usage_.last_read[output] > usage_.last_of[write.phase];
    });
    places_[output] = overwritten ? copied_place(n, 0) : in_slot(slot, output);
  }

  Place in_slot(int slot, int value) const {
    return {made_.slot_storage[slot], 0, row_major(graph_.values[value].type.shape)};
  }

  // Memory for an output of node n: a slot, a result, a piece of a whole, an operand that dies here, or the arena.
  Place home_of(int n, int output) {
    const TensorType& type = graph_.values[output].type;
    Place place{-1, 0, row_major(type.shape)};
    if (usage_.in_place[output] >= 0) {
      place.storage = made_.slot_storage[usage_.in_place[output]];
    } else if (const std::optional<Place> piece = place_in_whole(output)) {
      place = *piece;
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

  // Where a value lies in the result of the node that joins it with others; nowhere if its axes do not fit into that,
  // where its maker gave the result another shape.
  std::optional<Place> place_in_whole(int value) {
    const auto& [n, at, piece] = usage_.piece_of[value];
    if (n < 0) return std::nullopt;
    const int whole = graph_.nodes[n].outputs[0];
    const TensorType& type = graph_.values[value].type;
    const std::optional<View> view = reshaped({type.dtype, piece.shape, piece.strides}, type.shape);
    if (!view) return std::nullopt;
    if (places_[whole].storage < 0) places_[whole] = home_of(n, whole);
    if (!is_row_major(graph_.values[whole].type.shape, places_[whole].strides)) return std::nullopt;
    made_.joined.insert({n, at});
    const int64_t offset = places_[whole].offset + piece.offset;
    if (is_row_major(type.shape, view->strides))
      return Place{storage_inside(places_[whole].storage, offset, type), 0, view->strides};
    return Place{places_[whole].storage, offset, view->strides};
  }

  // A run of elements of another storage, as a storage of its own.
  int storage_inside(int outer, int64_t offset, const TensorType& type) {
    const Storage whole = made_.storages[outer];
    const int inner = add_storage(whole.home, whole.index, bytes_of(type));
    made_.storages[inner].parent = whole.parent >= 0 ? whole.parent : outer;
    made_.storages[inner].parent_offset = whole.parent_offset + offset * static_cast<int64_t>(size_of(type.dtype));
    return inner;
  }

  const Graph& graph_;
  const Usage& usage_;
  Placement made_;
  std::vector<Place>& places_;  // of what is made
  std::vector<int> result_of_;  // per value: the result that it is written to directly, maybe under another shape
  std::set<int> taken_;         // storages that outputs of the node have taken over
};

}  // namespace

int64_t bytes_of(const TensorType& type) { return count(type.shape) * static_cast<int64_t>(size_of(type.dtype)); }

Placement place(const Graph& graph, const Usage& usage) { return Placing(graph, usage).run(); }

}  // namespace pt
