#include "core/buffer.h"

#include <atomic>

#include "core/block_cache.h"
#include "core/error.h"

namespace pt {
namespace {

std::atomic<int64_t> allocation_count{0};

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(std::size_t bytes) {
  char* data = take_block(bytes);
  if (data == nullptr) {
    throw OutOfMemoryError(text("[memory] asked for ", bytes,
                                " bytes; expected a size that the system has free; use a smaller batch or model"));
  }
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  return std::shared_ptr<Buffer>(new Buffer(data, bytes, nullptr));
}

std::shared_ptr<Buffer> Buffer::borrow(void* data, std::size_t bytes, std::function<void()> release) {
  return std::shared_ptr<Buffer>(new Buffer(static_cast<char*>(data), bytes, std::move(release)));
}

Buffer::~Buffer() {
  if (release_) {
    release_();
  } else {
    return_block(data_, bytes_);
  }
}

int64_t Buffer::allocations() { return allocation_count.load(std::memory_order_relaxed); }

}  // namespace pt
