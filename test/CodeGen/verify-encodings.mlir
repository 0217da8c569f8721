// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-verify-encodings)' -split-input-file -verify-diagnostics
// RUN: not spk-opt %s --pass-pipeline='builtin.module(spk-verify-encodings)' -split-input-file > /dev/null 2>&1

// Right before bufferization, which drops encodings without a word, nothing may
// be packed any more.

func.func @words_and_plain_tensors(%x: tensor<2x1x7x2x1xi64>, %y: tensor<2x1x7x65xf32>) -> tensor<2x1x7x65xf32> {
  %0 = tensor.empty() : tensor<2x1x7x65xi1>
  return %y : tensor<2x1x7x65xf32>
}

// -----

func.func @result_left_packed() {
  // expected-error @below {{result must not be packed here: bufferization would drop its encoding}}
  %0 = tensor.empty() : tensor<2x1x7x65xi1, #spk.packed<axis = 3>>
  return
}

// -----

func.func @argument_left_packed(%x: tensor<2x1x7x65xi1, #spk.packed<axis = 3>>) {
  // expected-error @below {{operand must not be packed here: bufferization would drop its encoding}}
  %0 = spk.unpack %x : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> -> tensor<2x1x7x65xi8>
  return
}

// -----

// The note shows where the packed value comes from.
func.func @result_used() -> tensor<2x1x7x65xi8> {
  // expected-note @below {{packed value made here}}
  %0 = tensor.empty() : tensor<2x1x7x65xi1, #spk.packed<axis = 3>>
  // expected-error @below {{operand must not be packed here}}
  %1 = spk.unpack %0 : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> -> tensor<2x1x7x65xi8>
  return %1 : tensor<2x1x7x65xi8>
}

// -----

// A cast that hides an encoding verifies, and would become a no-op.
func.func @hidden_by_a_cast() -> tensor<2x1x7x65xi1> {
  // expected-note @below {{packed value made here}}
  %0 = tensor.empty() : tensor<2x1x7x65xi1, #spk.packed<axis = 3>>
  // expected-error @below {{operand must not be packed here}}
  %1 = tensor.cast %0 : tensor<2x1x7x65xi1, #spk.packed<axis = 3>> to tensor<2x1x7x65xi1>
  return %1 : tensor<2x1x7x65xi1>
}

// -----

func.func @packed_in_a_region(%x: tensor<2x1x7x65xi8>) {
  %0 = spk.fused(%x) : (tensor<2x1x7x65xi8>) -> tensor<2x1x7x65xi8> {
  ^bb0(%a: tensor<2x1x7x65xi8>):
    // expected-error @below {{result must not be packed here}}
    %1 = spk.pack %a : tensor<2x1x7x65xi8> -> tensor<2x1x7x65xi1, #spk.packed<axis = 3>>
    spk.yield %a : tensor<2x1x7x65xi8>
  }
  return
}
