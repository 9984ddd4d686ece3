// What `apply` needs of whoever is listening: a trace that turns calls into a graph, and a tape that remembers them.
#pragma once
#include "core/slot.h"
#include "ops/op.h"

namespace pt {

// A trace in progress on this thread. Implemented in graph/.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual uint64_t id() const = 0;
  // Whether symbolic tensors of that trace may be used here: of this trace, or of one that it is part of.
  virtual bool knows(uint64_t trace) const = 0;
  // Whether calls on concrete tensors wait too, since nobody knows yet if they are wanted.
  virtual bool defers() const { return false; }
  virtual Tensors record(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types) = 0;
  virtual Tensor read(const SlotRef& slot) = 0;
  virtual void write(const SlotRef& slot, const Tensor& value) = 0;
  virtual void end_phase() = 0;
  // How many random calls this trace made from a generator's slot before this one; counts this one.
  virtual int64_t next_draw(const SlotRef& generator) = 0;
};
Recorder*& active_recorder();

// While a tape is on, concrete calls remember how their results were made.
int& tape_depth();
struct TapeScope {
  explicit TapeScope(bool on = true) : saved(tape_depth()) { tape_depth() = on ? saved + 1 : 0; }
  ~TapeScope() { tape_depth() = saved; }
  int saved;
};

// The user's line that is being executed, where someone knows it (the Python bindings do).
using Locator = std::shared_ptr<const Location> (*)();
Locator& locator();

// The public function that the user called at a line which the locator gave; "" where none is known.
using Namer = std::string (*)(const Location&);
Namer& namer();

// Reads and writes that respect a trace.
Tensor read_slot(const SlotRef& slot);
void write_slot(const SlotRef& slot, const Tensor& value);

// One random call: `op` with the generator's state (a slot of int64 [seed, stream, call]) as its input. The call number
// is the slot's plus the ordinal among the draws of a trace; the slot moves on at once, or when the compiled step
// commits.
Tensor draw(std::string_view op, const SlotRef& generator, Attrs attrs);

// The state of a generator after one call, which is concrete.
Tensor moved_on(const Tensor& state);

// A phase is what one guard decides about. Eagerly, the writes since the phase began are undone when its guard trips;
// in a trace they come after the guard.
void begin_phase();
void end_phase();
void undo_phase();
void note_write(const SlotRef& slot);  // before an eager write
bool writes_are_noted();
// What these hold now stays, whatever a guard says later.
void keep_written(const std::vector<SlotRef>& slots);

// Runs an op's kernels on concrete inputs, now. Views where the op is a view.
Tensors evaluate(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types);
Tensor to_row_major(const Tensor& tensor);
// In memory of its own, and in another dtype. On no tape.
Tensor copied(const Tensor& tensor);
// The same values in another memory; itself if it is there. No tape hears of it.
Tensor moved(const Tensor& tensor, Memory& memory);
// The same as a call that the tape records: its gradient is a copy's.
Tensor moved_on_tape(const Tensor& tensor, Memory& memory);
// The same numbers with an identity of their own, so that a function may be differentiated by each argument alone. Of
// memory that NumPy lent it is a copy: a view of it is made of a copy too, which no tape would know.
Tensor with_own_identity(const Tensor& tensor);
Tensor converted(const Tensor& tensor, DType dtype);
Tensor zeros_beside(const Tensor& tensor);  // of its type, in its memory

}  // namespace pt
