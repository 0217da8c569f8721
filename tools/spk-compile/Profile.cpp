//===- Profile.cpp - densities of a model on samples
//
// Part of the spk project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"
#include "npy.h"
#include "spk/Dialect/Spk/IR/Densities.h"
#include "spk/runtime.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"
#include <dlfcn.h>

using namespace mlir;
using namespace mlir::spk;

std::vector<TappedSynapse> spk::findTappedSynapses(ModuleOp module) {
  std::vector<TappedSynapse> synapses;
  module.walk([&](SynapseOpInterface synapse) {
    auto output = synapse->getAttrOfType<StringAttr>(kInputTapAttr);
    auto planes = synapse->getAttrOfType<IntegerAttr>(kInputPlanesAttr);
    if (output && planes)
      synapses.push_back({getLayerName(synapse.getLoc()), output.str(),
                          static_cast<unsigned>(planes.getInt())});
  });
  return synapses;
}

namespace {

/// One input and its samples.
struct Port {
  ~Port() { spk_npy_free(&array); }

  const spk_tensor_info *info = nullptr;
  /// Axis that counts samples, -1 if the tensor belongs to the whole batch.
  int axis = -1;
  spk_npy array = {};
  std::unique_ptr<std::byte[]> batch;
};

/// What was seen of one output.
struct Counts {
  uint64_t elements = 0;
  uint64_t nonZero = 0;
  std::array<uint64_t, 32> bits = {};
};

class Profiler {
public:
  explicit Profiler(const ProfileJob &job) : job(job) {}
  Profiler(const Profiler &) = delete;
  Profiler &operator=(const Profiler &) = delete;
  ~Profiler() {
    if (handle)
      api->destroy(handle);
  }

  llvm::Error load();
  llvm::Error readSamples();
  llvm::Error run(llvm::function_ref<void(int64_t, int64_t)> progress);
  std::vector<SynapseDensity> getDensities() const;

private:
  llvm::Error readInput(unsigned index);
  llvm::Error createHandle();
  void gather(Port &port, int64_t first);
  llvm::Error count(unsigned index, int64_t valid);

  const ProfileJob &job;
  const spk_api *api = nullptr;
  spk_handle *handle = nullptr;
  std::vector<Port> inputs;
  std::vector<std::unique_ptr<std::byte[]>> outputs;
  /// By the name of the output.
  llvm::StringMap<Counts> counts;
  int64_t batch = 1, numSamples = -1;
};

} // namespace

static ArrayRef<int64_t> getShape(const spk_tensor_info &info) {
  return {info.shape, static_cast<size_t>(info.rank)};
}

static std::string describe(StringRef dtype, ArrayRef<int64_t> shape) {
  std::string text = (dtype + " [").str();
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}

static std::unique_ptr<std::byte[]> allocate(uint64_t bytes) {
  return std::make_unique<std::byte[]>(std::max<uint64_t>(bytes, 1));
}

llvm::Error Profiler::load() {
  // Stays loaded until the program ends: threads may still be in it.
  void *library = dlopen(job.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  void *symbol = library
                     ? dlsym(library, ("spk_" + job.modelName + "_api").c_str())
                     : nullptr;
  if (!symbol) {
    const char *reason = dlerror();
    return llvm::createStringError(
        "the model that measures densities cannot be loaded: " +
        llvm::Twine(reason ? reason : "it has no functions"));
  }
  api = reinterpret_cast<const spk_api *(*)()>(symbol)();
  return llvm::Error::success();
}

llvm::Error Profiler::readInput(unsigned index) {
  Port &port = inputs[index];
  const std::string &file = job.samples[index];
  const spk_tensor_info &info = *port.info;
  ArrayRef<int64_t> shape = getShape(info);
  int axis = info.temporal ? 1 : 0;
  if (info.rank > axis && index == 0)
    batch = shape[axis];
  port.axis = info.rank > axis && shape[axis] == batch ? axis : -1;

  char message[512];
  if (!spk_npy_read(file.c_str(), &port.array, message, sizeof(message)))
    return llvm::createStringError("--samples: " + StringRef(message));
  const spk_npy &array = port.array;
  const char *dtype = spk_npy_dtype_name(array.kind, array.item_size);
  ArrayRef<int64_t> given(array.shape, array.rank);
  bool fits = dtype && StringRef(dtype) == spk_dtype_name(info.dtype) &&
              given.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits =
        static_cast<int>(i) == port.axis ? given[i] > 0 : given[i] == shape[i];
  if (!fits)
    return llvm::createStringError(
        "--samples='" + file + "' holds " +
        describe(dtype ? dtype : "unknown", given) + ", the input '" +
        info.name + "' is " + describe(spk_dtype_name(info.dtype), shape) +
        (port.axis < 0 ? ""
                       : " with any number of samples on axis " +
                             std::to_string(port.axis)));
  if (port.axis < 0)
    return llvm::Error::success();
  if (numSamples >= 0 && numSamples != given[port.axis])
    return llvm::createStringError(
        "--samples='" + file + "' has " + llvm::Twine(given[port.axis]) +
        " samples, the files before it have " + llvm::Twine(numSamples));
  numSamples = given[port.axis];
  return llvm::Error::success();
}

llvm::Error Profiler::readSamples() {
  unsigned count = api->num_inputs();
  if (job.samples.size() != count)
    return llvm::createStringError("the model has " + llvm::Twine(count) +
                                   " inputs, --samples gives files for " +
                                   llvm::Twine(job.samples.size()));
  inputs = std::vector<Port>(count);
  for (unsigned i = 0; i < count; ++i) {
    inputs[i].info = api->input_info(i);
    if (llvm::Error error = readInput(i))
      return error;
    inputs[i].batch = allocate(inputs[i].info->bytes);
  }
  if (numSamples < 0)
    numSamples = batch;
  for (int32_t i = 0; i < api->num_outputs(); ++i)
    outputs.push_back(allocate(api->output_info(i)->bytes));
  for (const TappedSynapse &synapse : job.synapses)
    counts.try_emplace(synapse.output);
  return llvm::Error::success();
}

llvm::Error Profiler::createHandle() {
  char message[512];
  spk_create_options options = {SPK_ABI_VERSION, job.threads};
  if (api->create(&options, &handle, message, sizeof(message)) != SPK_OK)
    return llvm::createStringError("densities cannot be measured: " +
                                   StringRef(message));
  return llvm::Error::success();
}

/// Copies a batch of samples; the last one stands in for those behind it.
void Profiler::gather(Port &port, int64_t first) {
  uint64_t slices = 1, sampleBytes = spk_dtype_size(port.info->dtype);
  for (auto [i, size] : llvm::enumerate(getShape(*port.info)))
    if (static_cast<int>(i) < port.axis)
      slices *= size;
    else if (static_cast<int>(i) != port.axis)
      sampleBytes *= size;
  std::byte *to = port.batch.get();
  if (port.axis < 0) {
    memcpy(to, port.array.data, port.info->bytes);
    return;
  }
  for (uint64_t slice = 0; slice < slices; ++slice)
    for (int64_t b = 0; b < batch; ++b, to += sampleBytes) {
      uint64_t sample = std::min(first + b, numSamples - 1);
      memcpy(to, port.array.data + (slice * numSamples + sample) * sampleBytes,
             sampleBytes);
    }
}

template <typename T>
static void countElements(const std::byte *bytes, uint64_t size,
                          Counts &counts) {
  const T *elements = reinterpret_cast<const T *>(bytes);
  uint64_t nonZero = 0;
  for (uint64_t i = 0; i < size; ++i)
    nonZero += elements[i] != 0;
  counts.elements += size;
  counts.nonZero += nonZero;
  for (unsigned p = 0; p < 8 * sizeof(T); ++p) {
    uint64_t set = 0;
    for (uint64_t i = 0; i < size; ++i)
      set += (elements[i] >> p) & 1;
    counts.bits[p] += set;
  }
}

/// Counts the first `valid` samples of an output of shape [T, batch, ...].
llvm::Error Profiler::count(unsigned index, int64_t valid) {
  const spk_tensor_info &info = *api->output_info(index);
  auto found = counts.find(info.name);
  if (found == counts.end())
    return llvm::Error::success();
  uint64_t size = spk_dtype_size(info.dtype);
  ArrayRef<int64_t> shape = getShape(info);
  uint64_t steps = 1, stepBytes = info.bytes, validBytes = info.bytes;
  if (valid != batch) {
    if (shape.size() < 2 || shape[1] != batch)
      return llvm::createStringError(
          "--samples: a layer of the model merges the batch with another axis, "
          "so the number of samples must be a multiple of the batch size " +
          llvm::Twine(batch) + ", not " + llvm::Twine(numSamples));
    steps = shape[0];
    stepBytes = info.bytes / steps;
    validBytes = stepBytes / batch * valid;
  }
  for (uint64_t t = 0; t < steps; ++t) {
    const std::byte *bytes = outputs[index].get() + t * stepBytes;
    uint64_t elements = validBytes / size;
    if (size == 1)
      countElements<uint8_t>(bytes, elements, found->second);
    else if (size == 2)
      countElements<uint16_t>(bytes, elements, found->second);
    else
      countElements<uint32_t>(bytes, elements, found->second);
  }
  return llvm::Error::success();
}

llvm::Error Profiler::run(llvm::function_ref<void(int64_t, int64_t)> progress) {
  if (llvm::Error error = createHandle())
    return error;
  SmallVector<const void *> from;
  SmallVector<void *> to;
  for (Port &port : inputs)
    from.push_back(port.batch.get());
  for (auto &output : outputs)
    to.push_back(output.get());
  for (int64_t first = 0; first < numSamples; first += batch) {
    progress(first, numSamples);
    for (Port &port : inputs)
      gather(port, first);
    if (api->run(handle, from.data(), to.data()) != SPK_OK)
      return llvm::createStringError("densities cannot be measured: " +
                                     StringRef(api->last_error(handle)));
    for (unsigned i = 0; i < outputs.size(); ++i)
      if (llvm::Error error = count(i, std::min(batch, numSamples - first)))
        return error;
  }
  return llvm::Error::success();
}

std::vector<SynapseDensity> Profiler::getDensities() const {
  std::vector<SynapseDensity> densities;
  for (const TappedSynapse &synapse : job.synapses) {
    const Counts &seen = counts.find(synapse.output)->second;
    double elements = std::max<uint64_t>(seen.elements, 1);
    SynapseDensity density{synapse.layer, seen.nonZero / elements, {}};
    for (unsigned p = 0; p < synapse.planes; ++p)
      density.planes.push_back(seen.bits[p] / elements);
    densities.push_back(std::move(density));
  }
  return densities;
}

llvm::Expected<std::vector<SynapseDensity>>
spk::profile(const ProfileJob &job,
             llvm::function_ref<void(int64_t, int64_t)> progress) {
  Profiler profiler(job);
  if (llvm::Error error = profiler.load())
    return error;
  if (llvm::Error error = profiler.readSamples())
    return error;
  if (llvm::Error error = profiler.run(progress))
    return error;
  return profiler.getDensities();
}
