// Attention and its gradient by blocks in scalar arithmetic: see cuda_forward.h and cuda_backward.h. Kernels of f32 and
// f64, and of f16 and bf16 whose heads are too wide for matrix instructions (cuda_half.cu), widened to f32. Each is for
// results of so many elements at once.
#include "cuda/kernel.h"
#include "ops/attention/cuda_backward.h"
#include "ops/attention/cuda_forward.h"

using pt::cuda::AttentionProblem;

#define PT_ATTENTION_KERNEL(name, count, T, part, ...) \
  PT_CUDA_KERNEL(name, count, AttentionProblem, 256) { \
    using Memory = pt::cuda::AttentionMemory<T, part>; \
    PT_DYNAMIC_SHARED(Memory, memory);                 \
    pt::cuda::__VA_ARGS__(operands, params, *memory);  \
  }
#define PT_ATTENTION(name, T, part, converts)                                                   \
  PT_ATTENTION_KERNEL(attention_##name, 5, T, part, attend<T, part, converts>)                  \
  PT_ATTENTION_KERNEL(attention_dq_##name, 7, T, part, query_gradients<T, part, converts>)      \
  PT_ATTENTION_KERNEL(attention_dk_##name, 7, T, part, key_gradients<T, part, converts, false>) \
  PT_ATTENTION_KERNEL(attention_dv_##name, 7, T, part, key_gradients<T, part, converts, true>)

PT_ATTENTION(f32_64, float, 64, false)
PT_ATTENTION(f32_128, float, 128, false)
PT_ATTENTION(half_128, float, 128, true)
PT_ATTENTION(f64_64, double, 64, false)

PT_CUDA_KERNEL(attention_dots_f32, 3, AttentionProblem, 256) { pt::cuda::dot_rows<float>(operands, params); }
PT_CUDA_KERNEL(attention_dots_f64, 3, AttentionProblem, 256) { pt::cuda::dot_rows<double>(operands, params); }
