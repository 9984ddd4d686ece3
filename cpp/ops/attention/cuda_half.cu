// Attention of f16 and bf16 and its gradient by matrix instructions, of heads of up to 64 and of up to 128 elements:
// see cuda_half_forward.h and cuda_half_backward.h.
#include "cuda/kernel.h"
#include "ops/attention/cuda_half_backward.h"
#include "ops/attention/cuda_half_forward.h"

using pt::cuda::AttentionProblem;

#define PT_HALF_ATTENTION_KERNEL(name, count, work, bfloat, ...)         \
  PT_CUDA_KERNEL(name, count, AttentionProblem, __VA_ARGS__::kThreads) { \
    PT_DYNAMIC_SHARED(pt::cuda::HalfMemory<__VA_ARGS__>, memory);        \
    pt::cuda::work<bfloat, __VA_ARGS__>(operands, params, *memory);      \
  }
#define PT_HALF_ATTENTION(type, bfloat, size)                                                                \
  PT_HALF_ATTENTION_KERNEL(attention_##type##_##size, 5, attend_halves, bfloat, pt::cuda::HalfForward<size>) \
  PT_HALF_ATTENTION_KERNEL(attention_dq_##type##_##size, 8, half_query_gradients, bfloat,                    \
                           pt::cuda::HalfBackward<size>)                                                     \
  PT_HALF_ATTENTION_KERNEL(attention_dkv_##type##_##size, 8, half_key_gradients, bfloat, pt::cuda::HalfBackward<size>)

PT_HALF_ATTENTION(bf16, true, 64)
PT_HALF_ATTENTION(bf16, true, 128)
PT_HALF_ATTENTION(f16, false, 64)
PT_HALF_ATTENTION(f16, false, 128)
