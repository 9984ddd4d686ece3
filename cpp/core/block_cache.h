// Memory for buffers. The system gives fresh pages one fault at a time, which takes longer than many an op that fills
// them, so what is freed is kept for the next block of its size.
#pragma once
#include <cstddef>

namespace pt {

// 64-byte aligned, not initialised; large ones are advised to use huge pages. Null if there is no memory. Any thread.
char* take_block(std::size_t bytes);
// bytes: as many as were asked for.
void return_block(char* block, std::size_t bytes);
// Of blocks that wait to be used again.
std::size_t kept_block_bytes();

}  // namespace pt
