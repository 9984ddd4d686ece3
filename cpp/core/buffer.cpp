#include "core/buffer.h"

#include <atomic>

#include "core/error.h"

namespace pt {
namespace {

std::atomic<int64_t> allocation_count{0};

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(std::size_t bytes, Memory& memory) {
  char* address = memory.allocate(bytes);
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  return std::shared_ptr<Buffer>(new Buffer(memory, address, bytes, nullptr));
}

std::shared_ptr<Buffer> Buffer::borrow(void* data, std::size_t bytes, std::function<void()> release) {
  alignas(64) static char nothing[64];  // an array without elements may have no address
  char* address = data ? static_cast<char*>(data) : nothing;
  return std::shared_ptr<Buffer>(new Buffer(host_memory(), address, bytes, std::move(release)));
}

Buffer::~Buffer() {
  if (release_) {
    release_();
  } else {
    memory_.free(address_, bytes_);
  }
}

void Buffer::refuse() const {
  throw Error(text("[memory] ", bytes_, " bytes lie in ", memory_.name(),
                   " memory and are read from the host; expected host memory; copy the tensor to the host first"));
}

int64_t Buffer::allocations() { return allocation_count.load(std::memory_order_relaxed); }

}  // namespace pt
