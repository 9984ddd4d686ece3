"""Faults to plant outside of the ops' own folders: what they share, the passes, the plan, and optimizers.

Rows are (file, text, replacement); the tests of their part must fail. The ops' own are in cases/<op>.py.
"""

from __future__ import annotations

from dataclasses import dataclass

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Part:
    tests: tuple[str, ...]
    rows: tuple[Row, ...]


SHARED = ("tests/test_ops.py", "-k", " or ".join(f"[{op}] or [{op}-" for op in (
    "sum", "max", "mean", "argmax", "var", "softmax", "avg_pool2d", "max_pool2d", "conv2d", "add", "where", "lstm",
    "concat", "huber_loss", "normalize", "equal", "cast", "logaddexp", "acos",
)))  # fmt: skip
POOLING = ("tests/test_ops.py", "-k", "pool")
SPECTRUM = ("tests/test_spectrum.py", "tests/test_fft.py")
COMPILED = ("tests/test_compile.py", "tests/test_program.py", "tests/test_pooled_convolutions.py",
            "tests/test_fuzz_graphs.py", "tests/test_laws.py",
            "-m", "not slow")  # fmt: skip
CONTROL = ("tests/test_control.py",)
THREADS = ("tests/test_threads.py", "-m", "not long")
ROWS_OF_LOOPS = ("tests/test_control_rows.py",)
ROW_SPARSE = ("tests/test_row_sparse.py", "tests/test_optim_complex.py")
BACKENDS = ("tests/test_backends.py",)
OPTIMIZERS = ("tests/test_optim.py", "tests/test_optim_family.py", "tests/test_adam_step.py")

PARTS: dict[str, Part] = {
    "shapes": Part(SHARED, (
        ("cpp/ops/axes.cpp", "if (contains(axes, i) && keepdims)", "if (contains(axes, i) && !keepdims)"),
        ("cpp/ops/axes.cpp", "for (int i = 0; i < ndim; ++i) axes.push_back(i);",
         "for (int i = 1; i < ndim; ++i) axes.push_back(i);"),
        ("cpp/ops/pooling.cpp", "room / a.stride + 1", "(room - a.padding) / a.stride + 1"),
        ("cpp/ops/pooling.cpp", 'attrs.has("stride") ? "stride" : "window"',
         'attrs.has("stride") ? "window" : "stride"'),
        ("cpp/ops/reduction.cpp", "return is_float(in) ? in : is_unsigned(in) ? DType::U64 : DType::I64;",
         "return in;"),
        ("cpp/ops/elementwise.cpp", "case DType::F16:\n    case DType::BF16:", "case DType::BF16:"),
        ("cpp/ops/window.cpp", "return {values.front(), values.back()};", "return {values.back(), values.front()};"),
    )),
    "threads": Part(THREADS, (
        ("cpp/ops/matmul/chunk.h", "d.padded_left ? LeftForm::Pieces", "d.padded_left ? LeftForm::Plain"),
        ("cpp/ops/conv2d/spec_geometry.cpp", "window.height < g.step_y ? fewest : most", "most"),
        ("cpp/ops/conv2d/spec_geometry.cpp", "if (d.pooled_at > 0) m.row_unit", "if (together > 1) m.row_unit"),
        ("cpp/program/compiled.cpp", "return plan_again(signature);", "return nullptr;"),
    )),
    "dtypes": Part(("tests/test_unsigned.py", "tests/test_complex.py", "tests/test_fft.py"), (
        ("cpp/core/dtype.cpp", "info(with).rank > rank", "info(with).rank >= rank"),
        ("cpp/simd/unsigned.h", "base::lt(turned(a), turned(b))", "base::lt(a, b)"),
        ("cpp/ops/fused/cast.h", "x >= T(0x1p63)", "x >= T(0x1p64)"),
        ("cpp/ops/complex.cpp", "a * c - b * d", "a * c + b * d"),
        ("cpp/ops/complex.cpp", "fn::where(turned, -im, im)", "im"),
        ("cpp/ops/sin/spec.cpp", 'fn::call("cos", {a}) * fn::call("sinh"', 'fn::call("sin", {a}) * fn::call("sinh"'),
        ("cpp/ops/sqrt/spec.cpp", "im / (2.0 * root)", "im / root"),
    )),
    "pooling": Part(POOLING, (
        ("cpp/ops/pooling.cpp", "(ceil ? a.stride - 1 : 0)", "(ceil ? a.stride : 0)"),
        ("cpp/ops/pooling.cpp", "return ceil && (windows - 1) * a.stride >= size + a.padding ? windows - 1 : windows;",
         "return windows;"),
        ("cpp/ops/pooling.cpp", "(windows - 1) * a.stride >= size + a.padding", "(windows - 1) * a.stride >= size"),
        ("cpp/ops/avg_pool2d/cpu.cpp", "if (!d.ceil) return d.window_h * d.window_w;",
         "return d.window_h * d.window_w;"),
    )),
    "spectrum": Part(SPECTRUM, (
        ("python/powertrain/spectrum.py", "left = (n_fft - size) // 2", "left = 0"),
        ("python/powertrain/spectrum.py", "frames = 1 + (given.shape[-1] - n_fft) // hop",
         "frames = (given.shape[-1] - n_fft) // hop"),
        ("python/powertrain/spectrum.py", "given.ndim - 1)), n_fft // 2]", "given.ndim - 1)), n_fft // 4]"),
        ("python/powertrain/spectrum.py", "sides, sides, 0.0, pad_mode", "sides, sides"),
        ("python/powertrain/spectrum.py", 'norm="ortho" if normalized else "backward"', 'norm="backward"'),
        ("python/powertrain/spectrum.py", 'norm, pieces = "ortho" if normalized else', 'norm, pieces ='),
        ("python/powertrain/spectrum.py", 'OPERATORS["square"](weight)', 'weight'),
        ("python/powertrain/spectrum.py", "first = n_fft // 2 if center else 0", "first = n_fft // 2"),
        ("python/powertrain/spectrum.py", "min(first + length, total)", "total - first"),
        ("python/powertrain/spectrum.py", "leading + [missing])", "leading + [missing - 1])"),
        ("python/powertrain/fft.py", 'return 1.0 / n if inverse == (norm == "backward") else 1.0',
         'return 1.0 / n if inverse else 1.0'),
        ("python/powertrain/fft.py", 'n // 2 + 1, axis), axis))', 'n // 2 + 1, axis), 0))'),
        ("python/powertrain/fft.py", '_whole(OPERATORS["conj"](_complex(x))', '_whole((_complex(x))'),
        ("python/powertrain/fft.py", "for n, axis in reversed(pairs)", "for n, axis in pairs[:1]"),
    )),
    "gradients": Part(SHARED, (
        ("cpp/graph/autodiff.cpp", "sum = sum.defined() ? fn::add(sum, gradient) : gradient;", "sum = gradient;"),
        ("cpp/ops/axes.cpp", "return fn::reshape(reduced, reduced_shape(full, axes, true));",
         "return fn::broadcast_to(reduced, full);"),
        ("cpp/ops/composed.cpp", "fn::cast(unbroadcast(g * slope, c.in_types[i].shape), c.in_types[i].dtype)",
         "fn::cast(g * slope, c.in_types[i].dtype)"),
        ("cpp/ops/composed.cpp", "widened(c.grad[0]) * slope(widened(c.in[0]), c.attrs)", "widened(c.grad[0])"),
    )),
    "autodiff": Part(("tests/test_autodiff.py",), (
        ("cpp/graph/autodiff.cpp", "if (!wanted_.count(id)) gradients_.erase(id);", "gradients_.erase(id);"),
        ("cpp/ops/evaluate.cpp", "x.defined() && x.id() == y.id()", "false"),
    )),
    "halves": Part(("tests/test_precision.py", "-k", "rounded_once"), (
        ("cpp/ops/matmul/copy.h", "dst[(j + r) * dst_row + i + k] =", "dst[(j + r) * dst_row + i] ="),
    )),
    "passes": Part(COMPILED, (
        ("cpp/graph/passes/simplify.cpp", '|| view.attrs.integer("offset") != end', ""),
        ("cpp/graph/passes/simplify.cpp", "if (merge && changes_nothing(graph, node))",
         "if (merge && renames_memory(graph, node))"),
        ("cpp/graph/passes/groups.cpp", "if (!from_inside) return false;", "if (!from_inside) continue;"),
        ("cpp/graph/passes/groups.cpp", "std::sort(members_[first].begin(), members_[first].end());", ""),
        ("cpp/graph/passes/groups.cpp", "if (--waits[user] == 0) push(user);", "if (--waits[user] <= 1) push(user);"),
        ("cpp/graph/passes/fuse.cpp", "for (int result : graph_.results) used[result] = true;", ""),
        ("cpp/graph/passes/fuse.cpp", "used[write.value] = true;", "(void)write;"),
        ("cpp/graph/passes/fuse.cpp", "if (serial && is_row_value(value.index, space)) return false;", ""),
        ("cpp/graph/passes/fuse.cpp", "shape == row_of(space);", "shape != space;"),
        ("cpp/program/lower.cpp", "joined_.insert({n, input});", ""),
        ("cpp/program/lower.cpp", "usage_.last_read[usage_.root[input]] != n || ", ""),
        ("cpp/ops/lstm_recurrence/spec.cpp", ".sweeps()  // the gates, over what they are made of", ""),
        ("cpp/program/usage.cpp", ">= kLongRun", ">= 0"),
        ("cpp/graph/passes/epilogue.cpp", "readers_[input] != 1", "readers_[input] < 1"),
        ("cpp/graph/passes/epilogue.cpp", "++step.operand;", ""),
        ("cpp/graph/graph.cpp", "for (int result : graph.results) ++readers[result];", ""),
        ("cpp/graph/passes/epilogue.cpp", "readers[node.inputs[0]] != 1", "readers[node.inputs[0]] < 1"),
        ("cpp/ops/conv2d/spec_geometry.cpp", "d.pooled_at > 0 ? d.pool.stride_h : 1;", "1;"),
        ("cpp/ops/conv2d/spec_plan.cpp", "s.out_height % pool.stride_h == 0;", "true;"),
        ("cpp/program/usage.cpp", "if (usage.last_read[old] > value.index) return false;", ""),
        ("cpp/program/usage.cpp", "usage.last_read[usage.root[result]] = kForever;", "(void)result;"),
        ("cpp/program/arena.cpp", "if (other.last < s.first || s.last < other.first) continue;",
         "if (other.last <= s.first || s.last < other.first) continue;"),
        ("cpp/program/arena.cpp", "offset += layout.storages[at].parent_offset;", ""),
    )),
    "control": Part(CONTROL, (
        ("cpp/program/scan.cpp", "return d.reverse ? d.length - 1 - step : step;", "return step;"),
        ("cpp/program/scan.cpp", '{"reverse", !c.attrs.flag("reverse")}', '{"reverse", c.attrs.flag("reverse")}'),
        ("cpp/program/scan.cpp", "found[next] + g_kept[next_kept++]", "found[next] - g_kept[next_kept++]"),
        ("cpp/program/scan.cpp", "turns + step % 2 * m.state.total", "turns"),
        ("cpp/program/scan.cpp", "compute_dtype(type.dtype)", "type.dtype"),
        ("cpp/program/branch.cpp", "const bool which = *data[0] != 0;", "const bool which = *data[0] == 0;"),
        ("cpp/program/branch.cpp", ".defer = true", ".defer = false"),
        ("cpp/program/branch.cpp", "write_slot(slots[i], results[count + i])", "write_slot(slots[i], results[count])"),
        ("cpp/program/while_loop.cpp", "turns + count % 2 * d.state->total", "turns"),
        ("cpp/program/while_loop.cpp", "if (*answer == 0 ||", "if (*answer != 0 ||"),
    )),
    # Signs of zero, which the oracles of ops take for equal.
    "array_functions": Part(("tests/test_array_functions.py",), (
        ("cpp/ops/nextafter/math.h", "x == y, y", "x == y, x"),
    )),
    "extremes": Part(("tests/test_op_extremes.py",), (
        ("cpp/ops/factor/cpu.cpp", "if (!(size < __builtin_inf())) return", "if (size == __builtin_inf()) return"),
        ("cpp/ops/factor/cpu.cpp", "return largest == 0 ? 1 : scale;", "return 1;"),
        ("cpp/ops/factor/cpu.cpp", "a[i * n + i] / scale", "a[i * n + i]"),
        ("cpp/ops/adaptive_avg_pool2d/spec.cpp", "if (n == parts) return x;", "if (n == parts) return x + 0.0 * x;"),
        ("cpp/ops/gaussian_nll_loss/spec.cpp", "low + nothing, var", "var + (low - var), var"),
    )),
    "interop": Part(("tests/test_interop.py", "tests/test_tensor.py"), (
        ("cpp/bindings/exchange.cpp", "always ? kCopied : kReadOnly", "kCopied"),
        ("cpp/bindings/exchange.cpp", "Lent<Unversioned>(copied(tensor))", "Lent<Unversioned>(tensor)"),
        ("cpp/bindings/exchange.cpp", "if (managed->deleter) managed->deleter(managed);", ""),
        ("cpp/bindings/exchange.cpp", "    managed->deleter(managed);\n  });", "  });"),
        ("cpp/bindings/exchange.cpp", "if (dtype == DType::BF16) return {PT_BFLOAT, bits, 1};", ""),
        ("cpp/bindings/convert.cpp", "bits.strides(), bits.impl().offset)", "row_major(bits.shape()), 0)"),
    )),
    "rows_of_loops": Part(ROWS_OF_LOOPS, (
        ("cpp/program/scan.cpp", "? exchanged(c.in[i])", "? c.in[i]"),
        ("cpp/program/scan.cpp", "? with_rows(c.in[i], c.batched[i], c.rows)", "? c.in[i]"),
        ("cpp/program/branch.cpp", "if (c.batched[0]) return batch_choices(control, c);", ""),
        ("cpp/program/branch.cpp", "fn::where(as_column(chose, inputs[i].ndim()), inputs[i], lent)", "inputs[i]"),
        ("cpp/program/branch.cpp", 'fn::call("any", {chose})', 'fn::call("all", {chose})'),
        ("cpp/program/branch.cpp", 'lent = fn::call("stop_gradient", ', 'lent = fn::call("positive", '),
        ("cpp/program/branch.cpp", "control.parts[1], flags(1 + yes, no)", "control.parts[0], flags(1 + yes, no)"),
        ("cpp/program/while_loop.cpp", "fn::where(fn::reshape(before[0], column), after[i], before[i + 1])",
         "after[i]"),
        ("cpp/program/while_loop.cpp",
         "if (reads_by_index(control.parts[0]) || reads_by_index(control.parts[1])) return batch_unrolled(c);", ""),
        ("cpp/program/control_op.cpp", "if (batched[i]) all[i].shape", "all[i].shape"),
    )),
    "row_sparse": Part(ROW_SPARSE, (
        ("cpp/program/usage.cpp", "maker.op->rewrites && maker.inputs[0] == old", "false"),
        ("cpp/bindings/autograd.cpp", "if (found[values.size() + i].defined())", "if (false)"),
        ("cpp/bindings/autograd.cpp", "lookups.emplace_back(found - tables.begin(), &lookup)",
         "lookups.emplace_back(0, &lookup)"),
        ("cpp/bindings/autograd.cpp", "if (gradient.defined()) rows", "rows"),
        ("python/powertrain/row_sparse.py", 'OPERATORS["where"](from_end, index + n, index)', "index"),
        ("python/powertrain/row_sparse.py", 'OPERATORS["searchsorted"](OPERATORS["sort"](self.index), self.index)',
         'OPERATORS["searchsorted"](self.index, self.index)'),
        ("python/powertrain/optim/optimizer.py", "pt.take(sums, rows.place)", "sums"),
        ("python/powertrain/optim/optimizer.py", 'self.accumulate == 1, "an', 'True, "an'),
        ("python/powertrain/optim/optimizer.py", "decay == 0, f", "True, f"),
        ("python/powertrain/optim/adam_variants.py", "size = wide * pt.sqrt(1 - pt.power(self.betas[1], count)) /",
         "size = wide /"),
        ("python/powertrain/optim/sgd.py", "self.ROWS = momentum == 0", "self.ROWS = True"),
        ("python/powertrain/slots.py", "Segment(s.name, 2 * s.offset,", "Segment(s.name, s.offset,"),
        ("python/powertrain/optim/optimizer.py", "type(self).update_flat is Optimizer.update_flat", "False"),
        ("python/powertrain/nn/pairs.py", "rows = pt.reshape(look_up(index, self.weight)",
         "rows = pt.reshape(pt.embedding(index, self.weight)"),
    )),
    "backends": Part(BACKENDS, (
        ("python/powertrain/plugins/backends/adapter.py", "if dtype not in self.dtypes:", "if not self.dtypes:"),
        ("python/powertrain/plugins/backends/adapter.py", "held.shape != tuple(array.shape) or ", ""),
        ("python/powertrain/plugins/backends/adapter.py", "if found != value:", "if found.shape != value.shape:"),
        ("python/powertrain/plugins/backends/adapter.py", "if node.op not in self.ops:", "if False:"),
        ("python/powertrain/plugins/backends/graph.py", "if value not in self.outputs:", "if True:"),
        ("python/powertrain/plugins/backends/graph.py", "value.name if isinstance(value, _core.DType) else value",
         "value"),
        ("python/powertrain/plugins/backends/random_bits.py", "(state[2] + ordinal)", "state[2]"),
        ("python/powertrain/plugins/conformance/backends.py", "array in arrays] != before", "array in arrays] is None"),
        ("python/powertrain/plugins/conformance/backends.py", " | (np.isnan(want) & np.isnan(got))", " | True"),
        ("python/powertrain/plugins/conformance/backend_steps.py", "if changed:", "if False:"),
        ("cpp/bindings/backends.cpp", "if (!held || !held->of(adapter_))", "if (!held)"),
        ("cpp/bindings/backends.cpp", "slot->keep_elsewhere(held);", ""),
        ("cpp/bindings/backends.cpp", "write.phase >= stopped", "write.phase > stopped"),
        ("cpp/graph/passes/pure.cpp", "if (finite_.defined() && skips_)", "if (false)"),
        ("cpp/graph/passes/pure.cpp", "fn::where(right, index, Tensor::scalar(0, index.dtype()))", "index"),
        ("cpp/graph/passes/pure.cpp", "    gap_to(offsets[i]);\n", ""),
        ("cpp/core/slot.cpp", "elsewhere_version_ = version_;", "elsewhere_version_ = version_ + 1;"),
    )),
    "optimizers": Part(OPTIMIZERS, (
        ("python/powertrain/optim/sgd.py", "g + m * self.momentum if self", "m * self.momentum if self"),
        ("python/powertrain/optim/sgd.py", 'state["m"] * self.momentum + g)', 'g)'),
        ("python/powertrain/optim/optimizer.py", "mean * kept + new * (1 - kept)", "mean * kept + new"),
        ("python/powertrain/optim/sgd.py", "m = pt.flush_denormals(", "m = ("),
        ("python/powertrain/optim/optimizer.py", "return pt.flush_denormals(", "return ("),
        ("cpp/ops/adam_step/cpu.cpp", "s.mean = flush_denormals(", "s.mean = ("),
        ("python/powertrain/optim/optimizer.py", "return change + p * decay if decay else change", "return change"),
        ("python/powertrain/optim/optimizer.py", "flat[place] = held / total", "flat[place] = held"),
        ("python/powertrain/optim/optimizer.py", "part.gradient.value = pt.where(last, 0.0, held)",
         "part.gradient.value = held"),
        ("python/powertrain/optim/optimizer.py", "pt.minimum(self.clip / (norm + 1e-6), 1.0)",
         "self.clip / (norm + 1e-6)"),
        ("python/powertrain/optim/optimizer.py", "step = before + 1", "step = before + 2"),
        ("python/powertrain/optim/adam.py", "size = wide / (1 - pt.power(self.betas[0], count))", "size = wide"),
        ("cpp/ops/adam_step/cpu.cpp", "sqrt(root) * n.unbias + n.eps", "(sqrt(root) + n.eps) * n.unbias"),
        ("cpp/ops/adam_step/cpu.cpp", "propagating_max(s.largest, s.square)", "s.square"),
        ("cpp/ops/adam_step/cpu.cpp", "g * g * n.new2", "g * g * n.new1"),
        ("cpp/ops/adam_step/cpu.cpp", "int64_t rest = end - i;", "int64_t rest = end - i - 1;"),
        ("python/powertrain/optim/adam.py", "1 - wide * decay", "1 - decay"),
        ("python/powertrain/optim/adaptive.py", 'spread - pt.square(new["mean"])', 'spread'),
        ("python/powertrain/optim/adaptive.py", "pt.cast(step - 1, \"float32\") * self.lr_decay",
         "pt.cast(step, \"float32\") * self.lr_decay"),
        ("python/powertrain/optim/adaptive.py", "pt.abs(g) + self.eps", "g + self.eps"),
        ("python/powertrain/optim/adaptive.py", "running_mean(state[\"u\"], pt.square(delta), self.rho)",
         "running_mean(state[\"u\"], pt.square(g), self.rho)"),
        ("python/powertrain/optim/adam_variants.py", '"after": self._memory(step + 1)', '"after": self._memory(step)'),
        ("python/powertrain/optim/adam_variants.py", "known = length > 5", "known = length > 50"),
        ("python/powertrain/optim/adam_variants.py", "pt.sign(running_mean(state[\"m\"], g, self.betas[0]))",
         "pt.sign(g)"),
        ("python/powertrain/optim/signs.py", "pt.where(kept < 0, 0.0, g)", "g"),
        ("python/powertrain/optim/signs.py", "before - self.t0", "before + self.t0"),
        ("python/powertrain/optim/layerwise.py", "_ratio(_norm(p), _norm(u))", "_ratio(_norm(u), _norm(p))"),
        ("python/powertrain/optim/schedules.py", "+ 1) / (warmup + 1)", ") / (warmup + 1)"),
        ("python/powertrain/optim/schedules.py", "half * (1 - floor) + floor", "half * (1 - floor)"),
        ("python/powertrain/optim/schedules.py", "part(step - start)", "part(step)"),
    )),
}  # fmt: skip
