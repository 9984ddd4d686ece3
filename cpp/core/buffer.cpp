#include "core/buffer.h"

#include <atomic>
#include <utility>

#include "core/borrow.h"
#include "core/error.h"

namespace pt {
namespace {

std::atomic<int64_t> allocation_count{0};
thread_local Memory* borrowing_from = nullptr;  // the host's, but within borrow_in

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(std::size_t bytes, Memory& memory) {
  char* address = memory.allocate(bytes);
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  // One block for the buffer and the count of its owners.
  struct Counted final : Buffer {
    Counted(Memory& memory, char* address, std::size_t bytes) : Buffer(memory, address, bytes, nullptr) {}
  };
  return std::make_shared<Counted>(memory, address, bytes);
}

std::shared_ptr<Buffer> Buffer::borrow(void* data, std::size_t bytes, std::function<void()> release) {
  alignas(64) static char nothing[64];  // an array without elements may have no address
  char* address = data ? static_cast<char*>(data) : nothing;
  return std::shared_ptr<Buffer>(
      new Buffer(borrowing_from ? *borrowing_from : host_memory(), address, bytes, std::move(release)));
}

BufferRef borrow_in(Memory& memory, void* data, std::size_t bytes, std::function<void()> release) {
  borrowing_from = &memory;
  const struct Reset {
    ~Reset() { borrowing_from = nullptr; }
  } reset;
  return Buffer::borrow(data, bytes, std::move(release));
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
