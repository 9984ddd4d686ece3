#include "core/slot.h"

#include <cstring>

#include "core/error.h"

namespace pt {

SlotRef Slot::make(Tensor value, std::string name, bool trainable) {
  auto slot = std::make_shared<Slot>();
  slot->type_ = value.type();
  slot->name = std::move(name);
  slot->trainable = trainable;
  slot->buffer_ = value.impl().buffer;
  slot->value_ = std::move(value);
  return slot;
}

SlotRef Slot::make_view(SlotRef base, int64_t offset, Shape shape, std::string name) {
  auto slot = std::make_shared<Slot>();
  slot->type_ = {base->type_.dtype, shape};
  slot->name = std::move(name);
  slot->become_view(std::move(base), offset);
  return slot;
}

void Slot::become_view(SlotRef base, int64_t offset) {
  value_ = Tensor();
  buffer_.reset();
  elsewhere_.reset();
  away_ = false;
  base_ = std::move(base);
  offset_ = offset;
  base_version_ = 0;
  // The base may still hold a broadcast value, such as zeros: a view of it would read beyond that one number.
  base_->readable_home();
  base_->views_.push_back(weak_from_this());
}

Tensor Slot::current() {
  if (base_) {
    base_->bring();
    if (base_version_ != base_->version_ || !value_.defined()) {
      value_ = Tensor::view(base_->buffer_, type_, row_major(type_.shape), offset_);
      base_version_ = base_->version_;
      base_->views_cached_ = true;
    }
    return value_;
  }
  bring();
  if (!value_.defined()) value_ = Tensor::view(buffer_, type_, row_major(type_.shape), 0);
  return value_;
}

void Slot::replace(const Tensor& value) {
  if (base_) {
    char* home = base_->writable() + offset_ * static_cast<int64_t>(size_of(type_.dtype));
    std::memcpy(home, value.data(), static_cast<std::size_t>(count(type_.shape)) * size_of(type_.dtype));
    base_->written();
    value_ = Tensor();
    return;
  }
  forget_views();
  ++version_;
  away_ = false;
  elsewhere_.reset();
  value_ = value;
  buffer_ = value.impl().buffer;
  if (!views_.empty()) readable_home();
}

void Slot::forget_views() {
  if (!views_cached_) return;
  views_cached_ = false;
  for (auto& weak : views_) {
    if (auto view = weak.lock()) view->value_ = Tensor();
  }
}

char* Slot::readable() {
  readable_home();
  return buffer_->data();
}

void Slot::readable_home() {
  bring();
  // A program, and a view slot, read row-major memory that starts at the slot's first element.
  if (value_.defined() && (!value_.row_major() || value_.impl().offset != 0)) writable();
}

char* Slot::writable() {
  bring();
  forget_views();
  Tensor held = std::move(value_);
  value_ = Tensor();
  const std::size_t bytes = static_cast<std::size_t>(count(type_.shape)) * size_of(type_.dtype);
  const bool plain = !held.defined() || (held.row_major() && held.impl().offset == 0);
  // `held` itself owns the buffer once; anyone beyond it and us would see our writes.
  const bool tensor_shared = held.defined() && held.ref().use_count() > 1;
  const long owners = buffer_.use_count() - (held.defined() ? 1 : 0);
  if (plain && !tensor_shared && owners == 1 && !buffer_->borrowed() && buffer_->bytes() >= bytes) {
    return buffer_->data();
  }
  BufferRef fresh = Buffer::allocate(bytes);
  if (plain) {
    std::memcpy(fresh->data(), buffer_->data(), bytes);
  } else {
    // Strided values reach a slot only through replace(); copy element by element.
    const std::size_t size = size_of(type_.dtype);
    const char* from = held.data();
    Dims at = type_.shape;
    for (int i = 0; i < at.size(); ++i) at[i] = 0;
    for (int64_t e = 0, n = count(type_.shape); e < n; ++e) {
      int64_t source = 0;
      for (int i = 0; i < at.size(); ++i) source += at[i] * held.strides()[i];
      std::memcpy(fresh->data() + e * size, from + source * static_cast<int64_t>(size), size);
      for (int i = at.size() - 1; i >= 0 && ++at[i] == type_.shape[i]; --i) at[i] = 0;
    }
  }
  buffer_ = std::move(fresh);
  ++version_;
  return buffer_->data();
}

void Slot::written() {
  forget_views();
  ++version_;
  value_ = Tensor();
  elsewhere_.reset();
}

void Slot::keep_elsewhere(std::shared_ptr<Elsewhere> copy) {
  elsewhere_ = std::move(copy);
  elsewhere_version_ = version_;
}

void Slot::move_elsewhere(std::shared_ptr<Elsewhere> value) {
  forget_views();
  ++version_;
  value_ = Tensor();
  keep_elsewhere(std::move(value));
  away_ = true;
}

void Slot::bring() {
  if (!away_) return;
  const Tensor value = elsewhere_->fetch();
  const std::size_t bytes = static_cast<std::size_t>(count(type_.shape)) * size_of(type_.dtype);
  // Tensors that were handed out before keep what they hold.
  if (buffer_.use_count() != 1 || buffer_->borrowed() || buffer_->bytes() < bytes) buffer_ = Buffer::allocate(bytes);
  std::memcpy(buffer_->data(), value.data(), bytes);
  away_ = false;
}

}  // namespace pt
