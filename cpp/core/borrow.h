// Memory of someone else on a device, as Buffer::borrow takes it of the host.
#pragma once
#include <functional>

#include "core/buffer.h"

namespace pt {

// `release` runs when the last tensor lets go; what was queued for the device may still read the memory then.
BufferRef borrow_in(Memory& memory, void* data, std::size_t bytes, std::function<void()> release);

}  // namespace pt
