// Attention by blocks: see forward.h and backward.h.
#include "core/kernel.h"
#include "ops/attention/backward.h"
#include "ops/attention/forward.h"

PT_KERNELS(attention, pt::PT_ISA::attention_forward<float>, pt::PT_ISA::attention_backward<float>,
           pt::PT_ISA::attention_forward<double>, pt::PT_ISA::attention_backward<double>);
