// Slots are the only things that change. A base slot holds a tensor; a view slot is a named piece of a flat base slot,
// so that thousands of parameters are one buffer to the optimizer and a tensor each to the model.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/lock.h"
#include "core/tensor.h"

namespace pt {

// What a slot holds, as somebody else has it: in the memory of a device.
struct Elsewhere {
  virtual ~Elsewhere() = default;
  virtual Tensor fetch() = 0;  // row-major, of the slot's type
};

// A value that is computed when somebody first reads it: the initial weights of a model, which a checkpoint replaces.
struct FirstValue {
  virtual ~FirstValue() = default;
  virtual Tensor compute() = 0;  // row-major, of the slot's type
};

// Who may do what. The memory of a base slot belongs to whoever has its lease: a run takes a read lease on what it
// reads and a write lease on what it writes, all of them before it starts, in the order of their addresses. `current`
// and `replace` take one for a moment. A tensor that `current` gave shares the memory, and keeps its numbers: a run
// that writes copies memory that anybody else holds. The members of a slot (which buffer, which views) are only touched
// by the thread that holds the interpreter's lock, where there is one; a run does so before it lets go of that lock.
class Slot : public std::enable_shared_from_this<Slot> {
 public:
  static std::shared_ptr<Slot> make(Tensor value, std::string name, bool trainable);
  // With a value that is computed when somebody first reads it. Until then its memory holds nothing.
  static std::shared_ptr<Slot> make_later(TensorType type, std::shared_ptr<FirstValue> first, std::string name,
                                          bool trainable);
  static std::shared_ptr<Slot> make_view(std::shared_ptr<Slot> base, int64_t offset, Shape shape, std::string name);

  std::string name;
  bool trainable = false;
  bool travels = false;  // goes where a step reads it, as the state of a generator, from which everybody draws

  // What messages call it: "slot w", or "slot" where it has no name.
  std::string label() const { return name.empty() ? "slot" : "slot " + name; }
  const TensorType& type() const { return type_; }
  const std::shared_ptr<Slot>& base() const { return base_; }  // null for a base slot
  int64_t offset() const { return offset_; }                   // in elements of the base
  bool has_views() const;

  // The value outside any trace. The same Tensor, with the same identity, until the slot changes.
  Tensor current();
  // Replaces the value outside any trace; `value` has the slot's type and is concrete, and row-major for a view slot.
  void replace(const Tensor& value);
  // Turns a base slot without views into a view of another one, into which its value is copied. False if another thread
  // made it a view, or moved a value, while this one waited.
  bool become_view(const std::shared_ptr<Slot>& base, int64_t offset);
  // Turns a view slot into a base slot, which holds a copy of its value.
  void become_base();
  // Moves on whenever some slot became a view, or a base, or moved: then programs look again where their slots live.
  static uint64_t homes_version();

  // Where the value lies: it stays there until it is moved, and views with their base.
  Memory& memory() const { return (base_ ? *base_ : *this).buffer_->memory(); }
  void move_to(Memory& memory);

  // For compiled programs, which write in place; the caller holds the lease of this base slot. Memory that it alone
  // owns: a tensor handed out before keeps its own copy. What was read before is let go of.
  // Either moves it into that memory, if it is in another one.
  char* writable(Memory& memory);
  char* readable(Memory& memory);
  char* address() const { return buffer_->address(); }  // as the last of these left it
  Lease& lease() { return lease_; }
  // Throws if a fork cut off who was writing this slot.
  void check_whole() const;
  // The value for the holder of the lease of its base.
  Tensor current_held();
  // Replaces the value of a view slot for the holder of the write lease of its base, which is not elsewhere.
  void replace_held(const Tensor& value);

  // For backends, of a base slot: what was kept elsewhere of the present value; null once the slot has changed.
  std::shared_ptr<Elsewhere> elsewhere() const { return elsewhere_version_ == version_ ? elsewhere_ : nullptr; }
  uint64_t version() const { return version_; }
  void keep_elsewhere(std::shared_ptr<Elsewhere> copy, uint64_t version);  // beside the value of that version
  // A new value, which comes here when somebody reads it, for the holder of the write lease. What was elsewhere before
  // is given back, to go after the lease is released: a backend's arrays are Python objects.
  void move_elsewhere_held(std::shared_ptr<Elsewhere>& value);
  void bring();  // now, if it is elsewhere alone, or not computed yet
  bool away() const { return away_; }

 private:
  // A piece whose first value is not computed yet.
  struct Later {
    int64_t offset, size;  // in elements
    std::shared_ptr<FirstValue> first;
  };
  bool elsewhere_alone() const { return away_ && later_.empty(); }
  bool replaceable(int64_t offset, int64_t size) const;
  std::vector<Later> take_later(int64_t offset, int64_t size);
  void compute_one();
  void forget_views();
  void readable_home() { readable_home(buffer_->memory()); }
  void readable_home(Memory& memory);
  void own_memory(Memory& memory);
  std::size_t bytes() const;
  TensorType type_;
  Tensor value_;  // of a base slot: the value; of a view slot: a cache
  std::shared_ptr<Slot> base_;
  int64_t offset_ = 0;
  uint64_t base_version_ = 0;  // of a view slot: the version that value_ was read from
  uint64_t version_ = 1;
  std::vector<std::weak_ptr<Slot>> views_;
  bool views_cached_ = false;
  BufferRef buffer_;  // of a base slot
  std::shared_ptr<Elsewhere> elsewhere_;
  uint64_t elsewhere_version_ = 0;
  bool away_ = false;         // the buffer is older than what is elsewhere, or lacks the pieces of later_
  std::vector<Later> later_;  // of a base slot
  Lease lease_;               // of a base slot
};
using SlotRef = std::shared_ptr<Slot>;

}  // namespace pt
