#include "core/slot.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/error.h"

namespace pt {
namespace {

std::atomic<uint64_t> homes{1};

// The lease of a base slot for the length of a block.
class Held {
 public:
  Held(Slot& slot, Lease::Mode mode) : slot_(slot), mode_(mode), process_(slot.lease().acquire(mode)) {}
  ~Held() { slot_.lease().release(mode_, process_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  Slot& slot_;
  Lease::Mode mode_;
  uint32_t process_;
};

template <class T>
void repeat(char* to, const char* element, int64_t count) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  std::fill_n(reinterpret_cast<T*>(to), count, value);
}

// `count` elements that are `step` elements apart, one behind the other.
void copy_run(char* to, const char* from, int64_t step, int64_t count, std::size_t size) {
  if (step == 1 || count == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * size);
  } else if (step == 0 && size == 4) {
    repeat<uint32_t>(to, from, count);
  } else if (step == 0 && size == 8) {
    repeat<uint64_t>(to, from, count);
  } else {
    const auto apart = step * static_cast<int64_t>(size);
    for (int64_t i = 0; i < count; ++i, to += size, from += apart) std::memcpy(to, from, size);
  }
}

// Strided values reach a slot only through replace(), and those that repeat one number, such as the zeros that moments
// begin with: on the host.
void copy_strided(Buffer& to, const Tensor& value) {
  const Tensor from = value.in(host_memory());
  const BufferRef rows = to.memory().on_host() ? nullptr : Buffer::allocate(to.bytes());
  char* const first = rows ? rows->host() : to.host();
  const std::size_t size = size_of(from.dtype());
  Dims at = from.shape();
  const int inner = at.size() - 1;
  const int64_t run = inner < 0 ? 1 : at[inner], step = inner < 0 ? 1 : from.strides()[inner];
  for (int i = 0; i <= inner; ++i) at[i] = 0;
  for (int64_t e = 0, n = from.size(); e < n; e += run) {
    int64_t source = 0;
    for (int i = 0; i < inner; ++i) source += at[i] * from.strides()[i];
    copy_run(first + e * static_cast<int64_t>(size), from.host() + source * static_cast<int64_t>(size), step, run,
             size);
    for (int i = inner - 1; i >= 0 && ++at[i] == from.shape()[i]; --i) at[i] = 0;
  }
  if (rows) to.memory().copy_in(to.address(), first, to.bytes());
}

bool starts_row_major(const Tensor& t) { return t.row_major() && t.impl().offset == 0; }

Tensor row_major_copy(const Tensor& from) {
  Tensor made = Tensor::empty(from.type(), from.impl().buffer->memory());
  copy_strided(*made.impl().buffer, from);
  return made;
}

}  // namespace

uint64_t Slot::homes_version() { return homes.load(std::memory_order_relaxed); }

std::size_t Slot::bytes() const { return static_cast<std::size_t>(count(type_.shape)) * size_of(type_.dtype); }

SlotRef Slot::make(Tensor value, std::string name, bool trainable) {
  auto slot = std::make_shared<Slot>();
  slot->type_ = value.type();
  slot->name = std::move(name);
  slot->trainable = trainable;
  slot->travels = slot->type_.shape.size() == 0;  // as numbers on the host do: a learning rate, a count of steps
  slot->buffer_ = value.impl().buffer;
  slot->value_ = std::move(value);
  return slot;
}

SlotRef Slot::make_later(TensorType type, std::shared_ptr<FirstValue> first, std::string name, bool trainable) {
  SlotRef slot = make(Tensor::empty(type), std::move(name), trainable);
  slot->value_ = Tensor();
  slot->later_.push_back({0, count(type.shape), std::move(first)});
  slot->away_ = true;
  return slot;
}

SlotRef Slot::make_view(SlotRef base, int64_t offset, Shape shape, std::string name) {
  auto slot = std::make_shared<Slot>();
  slot->type_ = {base->type_.dtype, shape};
  slot->name = std::move(name);
  const Held held(*base, Lease::Mode::Write);
  base->readable_home();
  base->views_.push_back(slot);
  slot->base_ = std::move(base);
  slot->offset_ = offset;
  return slot;
}

bool Slot::has_views() const {
  return std::any_of(views_.begin(), views_.end(), [](const std::weak_ptr<Slot>& view) { return !view.expired(); });
}

bool Slot::become_view(const std::shared_ptr<Slot>& base, int64_t offset) {
  // What is not computed yet stays so, as a piece of the base.
  if (elsewhere_alone()) bring();
  if (base->elsewhere_alone()) base->bring();
  // A program may be running on this slot's own memory, or on views that the base has already. Programs take leases in
  // the order of addresses, too.
  const auto [first, second] = std::minmax({this, base.get()});
  const Held held(*first, Lease::Mode::Write), held_second(*second, Lease::Mode::Write);
  if (base_ || elsewhere_alone() || base->elsewhere_alone()) return false;
  check_whole();
  Memory& memory = base->buffer_->memory();
  char* const there = base->writable(memory) + offset * static_cast<int64_t>(size_of(type_.dtype));
  const bool empty = later_.size() == 1 && later_[0].size == count(type_.shape);
  if (!empty) memory.copy(there, readable(memory), bytes());
  for (const Later& one : later_) base->later_.push_back({offset + one.offset, one.size, one.first});
  base->away_ = base->away_ || !later_.empty();
  later_.clear();
  forget_views();
  value_ = Tensor();
  buffer_.reset();
  elsewhere_.reset();
  away_ = false;
  travels = false;
  base_ = base;
  offset_ = offset;
  base_version_ = 0;
  base->views_.push_back(weak_from_this());
  homes.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Slot::become_base() {
  while (const std::shared_ptr<Slot> home = base_) {
    home->bring();
    const Held held(*home, Lease::Mode::Write);
    if (base_ != home || home->away_) continue;
    home->check_whole();
    Memory& memory = home->buffer_->memory();
    Tensor own = Tensor::empty(type_, memory);
    memory.copy(own.address(), home->readable(memory) + offset_ * static_cast<int64_t>(size_of(type_.dtype)), bytes());
    std::erase_if(home->views_, [this](const std::weak_ptr<Slot>& view) { return view.lock().get() == this; });
    base_.reset();
    offset_ = 0;
    base_version_ = 0;
    travels = type_.shape.size() == 0;
    buffer_ = own.impl().buffer;
    value_ = std::move(own);
    ++version_;
    homes.fetch_add(1, std::memory_order_relaxed);
  }
}

void Slot::move_to(Memory& memory) {
  for (;;) {
    const std::shared_ptr<Slot> home = base_ ? base_ : shared_from_this();
    if (!home->later_.empty() && &home->buffer_->memory() == &memory) return;
    home->bring();
    const Held held(*home, Lease::Mode::Write);
    if (home.get() != (base_ ? base_.get() : this) || home->away_) continue;
    home->check_whole();
    if (&home->buffer_->memory() == &memory) return;
    home->own_memory(memory);
    homes.fetch_add(1, std::memory_order_relaxed);
    return;
  }
}

Tensor Slot::current() {
  for (;;) {
    Slot& home = base_ ? *base_ : *this;
    home.bring();
    const Held held(home, Lease::Mode::Read);
    // While this thread waited, another one may have moved the value or the slot.
    if (&home != (base_ ? base_.get() : this) || home.away_) continue;
    home.check_whole();
    return current_held();
  }
}

Tensor Slot::current_held() {
  if (base_) {
    if (base_version_ != base_->version_ || !value_.defined()) {
      value_ = Tensor::view(base_->buffer_, type_, row_major(type_.shape), offset_);
      base_version_ = base_->version_;
      base_->views_cached_ = true;
    }
    return value_;
  }
  if (!value_.defined()) value_ = Tensor::view(buffer_, type_, row_major(type_.shape), 0);
  return value_;
}

void Slot::replace(const Tensor& given) {
  // They go after the lease is released, since a backend's arrays are Python objects.
  std::shared_ptr<Elsewhere> before;
  std::vector<Later> unread;
  for (;;) {
    Slot& home = base_ ? *base_ : *this;
    const int64_t size = count(type_.shape);
    if (base_ && !home.replaceable(offset_, size)) home.bring();
    const Held held(home, Lease::Mode::Write);
    if (&home != (base_ ? base_.get() : this)) continue;
    if (base_) {
      if (!home.replaceable(offset_, size)) continue;
      replace_held(given);
      unread = home.take_later(offset_, size);
      return;
    }
    // Views read row-major memory. It is asked for before anything changes, for there may be none.
    const Tensor value = views_.empty() || starts_row_major(given) ? given : row_major_copy(given);
    forget_views();
    ++version_;
    away_ = false;
    unread.swap(later_);
    before = std::move(elsewhere_);
    value_ = value;
    buffer_ = value.impl().buffer;
    lease_.made_whole();
    return;
  }
}

void Slot::replace_held(const Tensor& value) {
  base_->check_whole();
  Memory& memory = base_->buffer_->memory();
  copy_bytes(memory, base_->writable(memory) + offset_ * static_cast<int64_t>(size_of(type_.dtype)),
             value.impl().buffer->memory(), value.address(), bytes());
}

void Slot::check_whole() const {
  if (!lease_.torn()) return;
  throw Error(text("[", label(),
                   "] was being written by another thread when this process was forked; expected a fork between steps; "
                   "fork earlier, or load the state from a checkpoint"));
}

void Slot::forget_views() {
  if (!views_cached_) return;
  views_cached_ = false;
  for (auto& weak : views_) {
    if (auto view = weak.lock()) view->value_ = Tensor();
  }
}

char* Slot::readable(Memory& memory) {
  readable_home(memory);
  return buffer_->address();
}

void Slot::readable_home(Memory& memory) {
  // A program, and a view slot, read row-major memory that starts at the slot's first element.
  const bool plain = !value_.defined() || starts_row_major(value_);
  if (!plain || &buffer_->memory() != &memory) own_memory(memory);
}

char* Slot::writable(Memory& memory) {
  own_memory(memory);
  forget_views();
  ++version_;
  value_ = Tensor();
  elsewhere_.reset();
  return buffer_->address();
}

// Row-major memory from the first element on that nobody else holds.
void Slot::own_memory(Memory& memory) {
  forget_views();
  const bool plain = !value_.defined() || starts_row_major(value_);
  // `value_` itself owns the buffer once; anyone beyond it and us would see our writes. To count by a copy orders our
  // writes behind what a thread that has just let go has read.
  const bool tensor_shared = value_.defined() && value_.ref().use_count() > 1;
  const BufferRef counted = buffer_;
  const long owners = counted.use_count() - 1 - (value_.defined() ? 1 : 0);
  const bool here = &buffer_->memory() == &memory;
  if (here && plain && !tensor_shared && owners == 1 && !buffer_->borrowed() && buffer_->bytes() >= bytes()) {
    value_ = Tensor();
    return;
  }
  // There may be no memory: until there is, the slot stays as it is, since only `value_` knows its strides.
  BufferRef fresh = Buffer::allocate(bytes(), memory);
  if (plain) {
    copy_bytes(memory, fresh->address(), buffer_->memory(), buffer_->address(), bytes());
  } else {
    copy_strided(*fresh, value_);
  }
  value_ = Tensor();
  buffer_ = std::move(fresh);
  ++version_;
}

void Slot::keep_elsewhere(std::shared_ptr<Elsewhere> copy, uint64_t version) {
  if (base_) return;  // its own version does not tell when the base changes
  const Held held(*this, Lease::Mode::Write);
  // Another thread may have written meanwhile, and what it wrote may be elsewhere alone.
  if (base_ || away_ || version_ != version) return;
  elsewhere_.swap(copy);  // the one before goes after the lease is released
  elsewhere_version_ = version;
}

void Slot::move_elsewhere_held(std::shared_ptr<Elsewhere>& value) {
  forget_views();
  ++version_;
  value_ = Tensor();
  elsewhere_.swap(value);
  elsewhere_version_ = version_;
  away_ = true;
  later_.clear();
  lease_.made_whole();
}

// Whether a piece of this base slot may be written as it is: no value of which it is only a part is still to come.
bool Slot::replaceable(int64_t offset, int64_t size) const {
  return !elsewhere_alone() && std::all_of(later_.begin(), later_.end(), [&](const Later& one) {
    const bool apart = one.offset + one.size <= offset || offset + size <= one.offset;
    return apart || (offset <= one.offset && one.offset + one.size <= offset + size);
  });
}

std::vector<Slot::Later> Slot::take_later(int64_t offset, int64_t size) {
  const auto first = std::stable_partition(later_.begin(), later_.end(), [&](const Later& one) {
    return one.offset < offset || one.offset >= offset + size;
  });
  std::vector<Later> taken(first, later_.end());
  later_.erase(first, later_.end());
  if (!taken.empty()) away_ = !later_.empty();
  return taken;
}

// Computes the value of one piece, in the order in which they were made.
void Slot::compute_one() {
  const std::shared_ptr<FirstValue> first = later_.front().first;
  const Tensor value = first->compute();  // the interpreter runs meanwhile, and may write the slot
  const Held held(*this, Lease::Mode::Write);
  if (later_.empty() || later_.front().first != first) return;
  own_memory(buffer_->memory());
  copy_bytes(buffer_->memory(), buffer_->address() + later_.front().offset * static_cast<int64_t>(size_of(type_.dtype)),
             value.impl().buffer->memory(), value.address(),
             static_cast<std::size_t>(later_.front().size) * size_of(type_.dtype));
  ++version_;
  later_.erase(later_.begin());
  away_ = !later_.empty();
}

void Slot::bring() {
  while (away_) {
    if (!later_.empty()) {
      compute_one();
      continue;
    }
    // The interpreter runs meanwhile, and may write the slot.
    const std::shared_ptr<Elsewhere> from = elsewhere_;
    const Tensor value = from->fetch();
    const Held held(*this, Lease::Mode::Write);
    if (!away_ || elsewhere_ != from) continue;
    // Tensors that were handed out before keep what they hold.
    if (buffer_.use_count() != 1 || buffer_->borrowed() || buffer_->bytes() < bytes()) {
      buffer_ = Buffer::allocate(bytes(), buffer_->memory());
    }
    copy_bytes(buffer_->memory(), buffer_->address(), value.impl().buffer->memory(), value.address(), bytes());
    away_ = false;
  }
}

}  // namespace pt
