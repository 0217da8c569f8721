//===- Synapses.cpp - interpretation of convolutions and linear maps ------===//
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// At every position the inputs of one group are listed in ascending k, then
// added up for all output channels side by side. So the loops run over k
// outside and o inside, and the sum of every single output still ascends in k,
// which is all that `#spk.sum` asks for.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include <cmath>

using namespace mlir;
using namespace mlir::spk;

namespace {

/// Strides of a tensor seen as [frame, channel, row, column], in elements.
struct Strides {
  int64_t frame, channel, row, column;
};

/// A synapse as a convolution of frames; a linear map is one with rows of one
/// position and a window of 1 × 1.
struct Geometry {
  int64_t frames, height, width, outHeight, outWidth;
  Strides in, out;
  int64_t groups, channelsPerGroup, outputsPerGroup;
  std::pair<int64_t, int64_t> window, stride, padding;

  int64_t getInputsPerGroup() const {
    return window.first * window.second * channelsPerGroup;
  }
};

/// One input x_k of a sum.
struct Input {
  int64_t k;       ///< Row of the transposed weights.
  int64_t channel; ///< Counted over all groups, as packed words count it.
  int64_t tap;     ///< Position in the window.
  float x;
  int64_t count; ///< x where it is an integer.
};

} // namespace

static Geometry getGeometry(SynapseOpInterface op, ArrayRef<int64_t> in,
                            ArrayRef<int64_t> out, bool isSpatial) {
  Geometry g;
  int64_t axis = op.getChannelAxis();
  int64_t first = axis == 2 ? axis + 1 : 2; // First axis that is a position.
  int64_t last = axis == 2 ? in.size() : axis;
  auto view = [&](ArrayRef<int64_t> shape) {
    int64_t inner = *countElements(shape.drop_front(axis + 1));
    int64_t column = axis == 2 ? 1 : shape[axis];
    int64_t row = isSpatial ? shape[last - 1] * column : 0;
    int64_t frame = *countElements(shape.drop_front(2));
    return Strides{frame, inner, row, column};
  };
  g.frames = in[0] * in[1];
  g.height = g.outHeight = 1;
  g.width = g.outWidth = *countElements(in.slice(first, last - first));
  if (isSpatial) {
    g.height = in[first];
    g.width = in[first + 1];
    g.outHeight = out[first];
    g.outWidth = out[first + 1];
  }
  g.in = view(in);
  g.out = view(out);
  g.groups = op.getNumGroups();
  g.channelsPerGroup = op.getChannelsPerGroup();
  g.outputsPerGroup = op.getOutputChannels() / g.groups;
  g.window = op.getWindow();
  g.stride = op.getWindowStride();
  g.padding = op.getWindowPadding();
  return g;
}

/// Weights [O, C / groups, KH, KW] as [groups, k, O / groups].
static std::vector<float> transposeWeights(const Geometry &g,
                                           ArrayRef<float> weights) {
  std::vector<float> rows(weights.size());
  int64_t taps = g.window.first * g.window.second;
  int64_t inputs = g.getInputsPerGroup();
  for (int64_t o = 0; o < g.groups * g.outputsPerGroup; ++o)
    for (int64_t c = 0; c < g.channelsPerGroup; ++c)
      for (int64_t tap = 0; tap < taps; ++tap) {
        int64_t group = o / g.outputsPerGroup;
        int64_t k = tap * g.channelsPerGroup + c;
        rows[(group * inputs + k) * g.outputsPerGroup + o % g.outputsPerGroup] =
            weights[(o * g.channelsPerGroup + c) * taps + tap];
      }
  return rows;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// acc = rn(acc + rn(x * w)); the product is exact for spikes.
static void multiplyAdd(MutableArrayRef<float> acc, const float *w, float x) {
  for (size_t o = 0; o < acc.size(); ++o)
    acc[o] = acc[o] + x * w[o];
}

#if defined(__x86_64__)
/// The same bits as std::fma, which is a function call without the instruction.
__attribute__((target("avx2,fma"))) static void
fusedMultiplyAddNative(MutableArrayRef<float> acc, const float *w, float x) {
  for (size_t o = 0; o < acc.size(); ++o)
    acc[o] = __builtin_fmaf(w[o], x, acc[o]);
}
#endif

/// acc = fma(w, x, acc).
static void fusedMultiplyAdd(MutableArrayRef<float> acc, const float *w,
                             float x) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return fusedMultiplyAddNative(acc, w, x);
#endif
  for (size_t o = 0; o < acc.size(); ++o)
    acc[o] = std::fma(w[o], x, acc[o]);
}

namespace {

/// Sums the inputs of one group at one position in the order of a SumAttr.
class Summation {
public:
  Summation(SumAttr sum, int64_t planes, int64_t outputs)
      : kind(sum.getKind()), group(sum.getGroup()), planes(planes),
        uniformPlanes(sum.getNumUniformPlanes(planes)), part(outputs),
        plane(outputs) {}

  /// Writes the sums over `inputs`, which are all inputs for FMA and those that
  /// are not zero otherwise, never padding; `rows` are the weights of the
  /// group.
  void sum(ArrayRef<Input> inputs, const float *rows,
           MutableArrayRef<float> acc) {
    if (planes == 0)
      return sumOnce(inputs, rows, acc);
    llvm::fill(acc, 0.0f);
    for (int64_t p = 0; p < planes; ++p) {
      float scale = std::ldexp(1.0f, p);
      bool isUniform = p < uniformPlanes;
      selected.clear();
      for (const Input &input : inputs)
        if (input.count >> p & 1)
          selected.push_back(
              {input.k, input.channel, input.tap, isUniform ? 1.0f : scale, 1});
      if (!isUniform) {
        for (const Input &input : selected)
          multiplyAdd(acc, rows + input.k * acc.size(), input.x);
        continue;
      }
      sumOnce(selected, rows, plane);
      for (size_t o = 0; o < acc.size(); ++o)
        acc[o] = acc[o] + plane[o] * scale;
    }
  }

private:
  void sumOnce(ArrayRef<Input> inputs, const float *rows,
               MutableArrayRef<float> acc) {
    llvm::fill(acc, 0.0f);
    auto row = [&](const Input &input) { return rows + input.k * acc.size(); };
    switch (kind) {
    case SumKind::FMA:
      for (const Input &input : inputs)
        fusedMultiplyAdd(acc, row(input), input.x);
      for (float &sum : acc)
        sum = sum + 0.0f;
      return;
    case SumKind::Sequential:
    case SumKind::Exact:
      for (const Input &input : inputs)
        multiplyAdd(acc, row(input), input.x);
      return;
    case SumKind::Grouped:
      break;
    }
    // A group without inputs would add +0 to sums that are never -0.
    auto groupOf = [&](const Input &input) {
      int64_t word = input.channel / kWordBits;
      return std::tuple(input.tap, word, input.channel % kWordBits / group);
    };
    while (!inputs.empty()) {
      llvm::fill(part, 0.0f);
      auto current = groupOf(inputs.front());
      while (!inputs.empty() && groupOf(inputs.front()) == current) {
        multiplyAdd(part, row(inputs.front()), inputs.front().x);
        inputs = inputs.drop_front();
      }
      for (size_t o = 0; o < acc.size(); ++o)
        acc[o] = acc[o] + part[o];
    }
  }

  SumKind kind;
  int64_t group, planes, uniformPlanes;
  std::vector<float> part, plane;
  std::vector<Input> selected;
};

} // namespace

//===----------------------------------------------------------------------===//
// Synapses
//===----------------------------------------------------------------------===//

/// Lists the inputs of one group at one output position in ascending k without
/// those in the padding, and without zeros unless `all`.
template <typename T>
static void listInputs(const Geometry &g, ArrayRef<T> input, int64_t frame,
                       int64_t group, int64_t outRow, int64_t outColumn,
                       bool all, std::vector<Input> &inputs) {
  inputs.clear();
  int64_t firstChannel = group * g.channelsPerGroup;
  for (int64_t kh = 0; kh < g.window.first; ++kh)
    for (int64_t kw = 0; kw < g.window.second; ++kw) {
      int64_t row = outRow * g.stride.first + kh - g.padding.first;
      int64_t column = outColumn * g.stride.second + kw - g.padding.second;
      bool inside =
          row >= 0 && row < g.height && column >= 0 && column < g.width;
      if (!inside)
        continue;
      int64_t tap = kh * g.window.second + kw;
      int64_t at = frame * g.in.frame + row * g.in.row + column * g.in.column +
                   firstChannel * g.in.channel;
      for (int64_t c = 0; c < g.channelsPerGroup; ++c, at += g.in.channel) {
        T x = input[at];
        int64_t count = 0;
        if constexpr (std::is_integral_v<T>)
          count = x;
        if (all || x != T(0))
          inputs.push_back({tap * g.channelsPerGroup + c, firstChannel + c, tap,
                            static_cast<float>(x), count});
      }
    }
}

template <typename T>
static void evaluateSums(const Geometry &g, Summation &summation, bool all,
                         ArrayRef<T> input, ArrayRef<float> rows,
                         ArrayRef<float> bias, MutableArrayRef<float> output) {
  std::vector<Input> inputs;
  std::vector<float> acc(g.outputsPerGroup);
  for (int64_t frame = 0; frame < g.frames; ++frame)
    for (int64_t row = 0; row < g.outHeight; ++row)
      for (int64_t column = 0; column < g.outWidth; ++column)
        for (int64_t group = 0; group < g.groups; ++group) {
          listInputs(g, input, frame, group, row, column, all, inputs);
          summation.sum(inputs,
                        rows.data() +
                            group * g.getInputsPerGroup() * g.outputsPerGroup,
                        acc);
          int64_t at =
              frame * g.out.frame + row * g.out.row + column * g.out.column;
          for (int64_t o = 0; o < g.outputsPerGroup; ++o) {
            int64_t channel = group * g.outputsPerGroup + o;
            output[at + channel * g.out.channel] =
                bias.empty() ? acc[o] : acc[o] + bias[channel];
          }
        }
}

/// The order that a synapse without `sum` means.
static SumAttr getDefaultSum(Operation *op, ElementKind kind) {
  return SumAttr::get(op->getContext(), kind == ElementKind::F32
                                            ? SumKind::FMA
                                            : SumKind::Sequential);
}

/// Largest element, or nothing where one is negative.
template <typename T>
static std::optional<int64_t> getMaxCount(ArrayRef<T> values) {
  int64_t max = 0;
  for (T value : values) {
    if (value < T(0))
      return std::nullopt;
    max = std::max(max, static_cast<int64_t>(value));
  }
  return max;
}

static LogicalResult evaluateSynapse(SynapseOpInterface op, Evaluation &e) {
  const TensorValue &input = e.operand(op.getSynapseInput());
  const TensorValue &weight = e.operand(op.getSynapseWeight());
  TensorValue &result = e.result(op->getResult(0));
  Geometry g = getGeometry(op, input.shape, result.shape,
                           /*isSpatial=*/weight.shape.size() == 4);
  std::vector<float> rows = transposeWeights(g, weight.get<float>());
  ArrayRef<float> bias;
  if (Value value = op.getSynapseBias())
    bias = e.in<float>(value);
  SumAttr sum = op.getSummation();
  if (!sum)
    sum = getDefaultSum(op, input.kind);

  return visitElementKind(input.kind, [&](auto zero) -> LogicalResult {
    using T = decltype(zero);
    int64_t planes = 0;
    if (sum.getPlanes()) {
      std::optional<int64_t> max = getMaxCount(input.get<T>());
      if (!max)
        return op->emitOpError("input must not be negative where its planes "
                               "are summed");
      planes = getNumPlanes(*max);
    }
    Summation summation(sum, planes, g.outputsPerGroup);
    evaluateSums<T>(g, summation, sum.getKind() == SumKind::FMA, input.get<T>(),
                    rows, bias, result.getMutable<float>());
    return success();
  });
}

void spk::addSynapseHandlers(HandlerTable &table) {
  table.add<SynapseOpInterface, evaluateSynapse>();
}
