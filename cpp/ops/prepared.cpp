#include "ops/prepared.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "ops/autocast.h"
#include "ops/bound_plan.h"
#include "ops/composition.h"
#include "ops/expand.h"
#include "ops/key_words.h"
#include "ops/promotion.h"
#include "ops/recorder.h"
#include "ops/tape.h"
#include "ops/target.h"

namespace pt {
namespace {

// A definition is run by a program, or call by call where none is worth it.
enum class Way { View, Kernel, Program, Calls };

struct Prepared {
  const Target* target;
  std::array<DType, kMostPreparedInputs> dtypes{};  // that the kernel takes
  Types types;
  Attrs attrs;  // for a tape
  Way way = Way::Kernel;
  std::vector<View> views;                 // of the first input, their offsets relative to that
  std::shared_ptr<const BoundPlan> bound;  // null where there are no elements
  std::weak_ptr<KeptComposition> program;  // that runs the definition; whoever made it may let go of it
  bool takes_as_given = false;             // a kernel, which computes at once on the inputs themselves
};

constexpr std::size_t kMostViews = 64;  // of one call, such as unstack

struct Entry {
  CallKey key;
  std::shared_ptr<const Prepared> call;  // null: goes the long way
};

// Of the thread; a call takes the place of another one with the same hash.
struct Table {
  std::vector<Entry> entries = std::vector<Entry>(1024);
  int running = 0;                                         // calls of the table, one within another
  std::vector<std::shared_ptr<const Prepared>> displaced;  // meanwhile, which may be those that run

  Entry& place_of(const CallKey& key) { return entries[hash_of(key) % entries.size()]; }
  void put(const CallKey& key, std::shared_ptr<const Prepared> call) {
    Entry& entry = place_of(key);
    if (running > 0 && entry.call) displaced.push_back(std::move(entry.call));
    entry = {key, std::move(call)};
  }
};

Table& table() {
  thread_local Table calls;
  return calls;
}

// Keeps a call that the table has, for as long as the block lasts.
class Running {
 public:
  explicit Running(Table& calls) : table_(calls) { ++table_.running; }
  ~Running() {
    if (--table_.running == 0 && !table_.displaced.empty()) table_.displaced.clear();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Table& table_;
};

bool lies_in(const Memory& memory, const Tensor& input) {
  return !input.defined() || &input.impl().buffer->memory() == &memory;
}

// Calls with consequences beyond their results, or with as many of these as an argument says, take the long way.
bool is_kept(const Op& op) {
  return op.outputs <= static_cast<int>(kMostPreparedOutputs) && !op.passes_through && !op.rewrites && !op.guard &&
         !op.may_fail && !op.failure;
}

// An input as the kernel takes it; `held` keeps it where it is another tensor than the caller's.
const Tensor& ready(const Tensor& input, DType dtype, const Op& op, Tensor& held) {
  if (!input.defined() || (!input.impl().weak && input.dtype() == dtype)) return input;
  return held = in_dtype(input, dtype, op.name);
}

using Addresses = std::array<char*, kMostPreparedInputs + kMostPreparedOutputs>;

void run_on(const Prepared& call, const Op& op, Addresses& operands, std::size_t n, PreparedResults& results) {
  for (const Tensor& result : results.all()) operands[n++] = result.address();
  run_bound(*call.target, op, *call.bound, {operands.data(), n});
}

void run_kernel(const Prepared& call, const Op& op, std::span<const Tensor* const> inputs, PreparedResults& results) {
  for (const TensorType& type : call.types) results.add(Tensor::empty(type, call.target->memory()));
  if (!call.bound) return;
  Addresses operands;
  std::size_t n = 0;
  if (call.takes_as_given) {
    for (const Tensor* input : inputs) operands[n++] = input->defined() ? input->address() : nullptr;
    return run_on(call, op, operands, n, results);
  }
  // What the kernel reads lives until it is done, whatever other threads do with the inputs meanwhile.
  std::array<Tensor, kMostPreparedInputs> held;
  for (; n < inputs.size(); ++n) {
    const Tensor& input = ready(*inputs[n], call.dtypes[n], op, held[n]);
    if (!held[n].defined()) held[n] = input;
    operands[n] = input.defined() ? input.address() : nullptr;
  }
  run_on(call, op, operands, n, results);
}

// A definition: its inputs as they are ready, those that were left out too.
Tensors inputs_of(const Prepared& call, const Op& op, std::span<const Tensor* const> inputs) {
  Tensors given;
  given.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensor held;
    given.push_back(ready(*inputs[i], call.dtypes[i], op, held));
  }
  return given;
}

void add_all(Tensors made, PreparedResults& results) {
  for (Tensor& one : made) results.add(std::move(one));
}

void run_program(const Prepared& call, const Op& op, std::span<const Tensor* const> inputs, PreparedResults& results) {
  const std::shared_ptr<KeptComposition> program = call.program.lock();
  if (!program) return;
  Tensors given = inputs_of(call, op, inputs), made;
  std::erase_if(given, [](const Tensor& input) { return !input.defined(); });
  if (program->run(given, made)) add_all(std::move(made), results);
}

void run_calls(const Prepared& call, const Op& op, std::span<const Tensor* const> inputs, PreparedResults& results) {
  Tensors made = evaluate_by_calls(op, *call.target, inputs_of(call, op, inputs), call.attrs);
  // A view of memory that somebody lent would change with it.
  const bool borrowed =
      std::any_of(made.begin(), made.end(), [](const Tensor& t) { return t.impl().buffer->borrowed(); });
  if (!borrowed) add_all(std::move(made), results);
}

void run_view(const Prepared& call, const TensorImpl& input, PreparedResults& results) {
  if (input.buffer->borrowed()) return;  // it would change with its owner
  // Complex numbers as real ones, and back, count in elements of another size.
  const auto from = static_cast<int64_t>(size_of(input.type.dtype)), first = input.offset * from;
  for (const TensorType& type : call.types) {
    if (first % static_cast<int64_t>(size_of(type.dtype)) != 0) return;
  }
  for (std::size_t i = 0; i < call.views.size(); ++i) {
    const View& view = call.views[i];
    const auto to = static_cast<int64_t>(size_of(call.types[i].dtype));
    results.add(Tensor::view(input.buffer, call.types[i], view.strides, first / to + view.offset));
  }
}

void run_call(const Prepared& call, const Op& op, std::span<const Tensor* const> inputs, PreparedResults& results) {
  switch (call.way) {
    case Way::View:
      return run_view(call, inputs[0]->impl(), results);
    case Way::Kernel:
      return run_kernel(call, op, inputs, results);
    case Way::Program:
      return run_program(call, op, inputs, results);
    case Way::Calls:
      return run_calls(call, op, inputs, results);
  }
}

// Whether a tape remembers casts of the inputs as calls of their own.
bool casts(const Prepared& call, std::span<const Tensor* const> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->defined() && !inputs[i]->impl().weak && inputs[i]->dtype() != call.dtypes[i]) return true;
  }
  return false;
}

// Whether a tape that is on wants to know of a call.
bool is_remembered(std::span<const Tensor* const> inputs) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const Tensor* input) { return input->defined() && (input->node() || is_watched(*input)); });
}

void run_remembered(const Prepared& call, const Op& op, std::span<const Tensor* const> inputs,
                    PreparedResults& results) {
  // Held before the call: meanwhile other threads may give the caller's objects other values, or empty its list.
  const Tensors held = inputs_of(call, op, inputs);
  run_call(call, op, inputs, results);
  if (results.empty()) return;
  const std::span<Tensor> made = results.all();
  Tensors outputs(std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
  remember_on_tape(op, held, call.attrs, call.types, outputs);
  std::move(outputs.begin(), outputs.end(), made.begin());
}

// Where their elements are depends on types, strides and attributes alone, whatever the calls in between.
bool are_views_of(const Tensors& made, const Tensor& input) {
  if (made.size() > kMostViews || !input.defined() || !input.concrete() || input.impl().weak) return false;
  return std::all_of(made.begin(), made.end(), [&](const Tensor& one) {
    return one.concrete() && one.impl().buffer == input.impl().buffer && one.dtype() == input.dtype();
  });
}

}  // namespace

bool CallKey::set(const Op& op, std::span<const Tensor* const> inputs) {
  size_ = 0;
  const bool plain = inputs.size() <= kMostPreparedInputs && is_kept(op) && !active_recorder() &&
                     autocast_dtype() == DType::F32 && !(tape_depth() > 0 && is_made_of_others(op));
  if (!plain) return false;
  Whereabouts whereabouts;
  for (const Tensor* input : inputs) whereabouts.add(*input);
  const Target& target = whereabouts.target(op);
  if (!op.view && !op.compose && !planned(target, op)) return false;
  push_back(word_of(&op));
  append(*this, target.context());
  push_back(static_cast<int64_t>(inputs.size()));
  for (const Tensor* input : inputs) {
    if (!input->defined()) {
      push_back(-1);
      continue;
    }
    if (!input->concrete()) return false;
    const TensorImpl& impl = input->impl();
    if (op.complex_rule && is_complex(impl.type.dtype)) return false;  // made of calls of its parts
    push_back(static_cast<int64_t>(impl.type.dtype) | int64_t{impl.weak} << 8 | int64_t{impl.type.shape.size()} << 16);
    for (const int64_t size : impl.type.shape) push_back(size);
    for (const int64_t stride : impl.strides) push_back(stride);
  }
  return fits();
}

bool CallKey::set(const Op& op, std::span<const Tensor* const> inputs, const Attrs& given) {
  if (!set(op, inputs)) return false;
  for (const auto& [name, value] : given.items()) {
    const auto spec = std::find_if(op.attrs.begin(), op.attrs.end(), [&](const AttrSpec& a) { return a.name == name; });
    push_back(spec - op.attrs.begin());
    append(*this, value);
  }
  return fits();
}

bool run_prepared(const CallKey& key, const Op& op, std::span<const Tensor* const> inputs, PreparedResults& results) {
  Table& calls = table();
  const Entry& entry = calls.place_of(key);
  if (!entry.call || !(entry.key == key)) return false;
  const Running running(calls);  // casts are calls, which may take its place
  const Prepared& call = *entry.call;
  for (const Tensor* input : inputs) {
    if (!lies_in(call.target->memory(), *input)) return false;
  }
  if (tape_depth() > 0) {
    if (casts(call, inputs)) return false;
    if (is_remembered(inputs)) {
      run_remembered(call, op, inputs, results);
      return !results.empty();
    }
  }
  run_call(call, op, inputs, results);
  return !results.empty();
}

bool is_known(const CallKey& key) {
  const Entry& entry = table().place_of(key);
  return entry.key == key && !(entry.call && entry.call->way == Way::Program && entry.call->program.expired());
}

void prepare(const CallKey& key, const Op& op, const Tensors& inputs, const Tensors& ready, const Attrs& attrs,
             const Types& types, const Tensors& outputs) {
  const Target& target = target_for(op, inputs);
  if (!op.view && !planned(target, op)) return prepare_composition(key, op, inputs, ready, attrs, types, outputs);
  table().put(key, nullptr);
  if (types.size() > kMostPreparedOutputs) return;
  Prepared call{&target, {}, types, attrs, op.view ? Way::View : Way::Kernel, {}, nullptr, {}, true};
  std::vector<Operand> in, out;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const Tensor& input = ready[i];
    if (!lies_in(target.memory(), input) || (op.contiguous && input.defined() && !input.row_major())) return;
    call.dtypes[i] = input.defined() ? input.dtype() : DType::Bool;
    if (input.defined() && (inputs[i].impl().weak || inputs[i].dtype() != input.dtype())) call.takes_as_given = false;
    in.push_back(operand_of(input));
  }
  if (op.view) {
    if (inputs[0].impl().weak || inputs[0].dtype() != ready[0].dtype()) return;
    std::optional<View> view = op.view(in[0], attrs);
    if (!view) return;
    call.views.push_back(*std::move(view));
  } else {
    bool empty = false;
    for (const TensorType& type : types) {
      out.push_back({type.dtype, type.shape, row_major(type.shape)});
      empty = empty || count(type.shape) == 0;
    }
    if (!empty) call.bound = bound_plan(op, in, out, attrs, target.context());
    if (call.bound && call.bound->leaves_interpreter()) call.takes_as_given = false;
  }
  table().put(key, std::make_shared<const Prepared>(std::move(call)));
}

void prepare_composition(const CallKey& key, const Op& op, const Tensors& inputs, const Tensors& ready,
                         const Attrs& attrs, const Types& types, const Tensors& outputs) {
  const Target& target = target_for(op, inputs);
  if (inputs.size() == 1 && are_views_of(outputs, inputs[0])) {
    Prepared call{&target, {inputs[0].dtype()}, {}, attrs, Way::View, {}, nullptr, {}, true};
    for (const Tensor& output : outputs) {
      const TensorImpl& made = output.impl();
      call.types.push_back(made.type);
      call.views.push_back({made.type.shape, made.strides, made.offset - inputs[0].impl().offset});
    }
    table().put(key, std::make_shared<const Prepared>(std::move(call)));
    return;
  }
  const TargetScope scope(target);
  static const std::function<Tensors(const Tensors&)> no_body;
  const FoundComposition found = kept_composition({op, false, ready, attrs, {}, no_body});
  if (!found.decided) return;
  Prepared call{&target, {},      types,         attrs, found.program ? Way::Program : Way::Calls,
                {},      nullptr, found.program, false};
  for (std::size_t i = 0; i < ready.size(); ++i) call.dtypes[i] = ready[i].defined() ? ready[i].dtype() : DType::Bool;
  table().put(key, std::make_shared<const Prepared>(std::move(call)));
}

}  // namespace pt
