// RUN: spk-opt %s -verify-diagnostics -split-input-file

// One case for each message of the verifiers; what the operand types rule out
// already has none.

// spk.lif, spk.if

func.func @lif_tau_zero(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op tau must be positive and finite}}
  %s = spk.lif %x {tau = 0.0 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_tau_nan(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op tau must be positive and finite}}
  %s = spk.lif %x {tau = 0x7FC00000 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_multiply_without_factor(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op charge multiply needs a factor}}
  %s = spk.lif %x {charge = #spk.charge<multiply>, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_retain_without_factor(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op charge retain needs a factor}}
  %s = spk.lif %x {charge = #spk.charge<retain>, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_factor_infinite(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op factor must be finite}}
  %s = spk.lif %x {charge = #spk.charge<retain>, factor = 0x7F800000 : f32, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_threshold_nan(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op v_threshold must be finite}}
  %s = spk.lif %x {v_threshold = 0x7FC00000 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_reset_infinite(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.lif' op v_reset must be finite}}
  %s = spk.lif %x {v_threshold = 1.0 : f32, v_reset = 0x7F800000 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_rank(%x: tensor<4xf32>) {
  // expected-error @below {{'spk.lif' op input must have time and batch axes, got rank 1}}
  %s = spk.lif %x {v_threshold = 1.0 : f32} : tensor<4xf32> -> tensor<4xi1>
  return
}

// -----

func.func @lif_shape(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{spikes must have the shape of the input, 'tensor<4x1x9xi1>' against 'tensor<4x1x8xf32>'}}
  %s = spk.lif %x {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x9xi1>
  return
}

// -----

func.func @lif_initial_state(%x: tensor<4x1x8xf32>, %v: tensor<4x1x8xf32>) {
  // expected-error @below {{state must be one time step of the input, got 'tensor<4x1x8xf32>'}}
  %s = spk.lif %x initial(%v : tensor<4x1x8xf32>) {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @lif_final_state(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{state must be one time step of the input, got 'tensor<1x1x9xf32>'}}
  %s, %v = spk.lif %x {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> state tensor<1x1x9xf32>
  return
}

// -----

func.func @lif_membrane(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{membrane must have the shape of the input, got 'tensor<1x1x8xf32>'}}
  %s, %h = spk.lif %x {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> membrane tensor<1x1x8xf32>
  return
}

// -----

func.func @lif_two_states(%x: tensor<4x1x8xf32>, %v: tensor<1x1x8xf32>) {
  // expected-error @below {{'spk.lif' op the neuron keeps 1 states, got 2}}
  %s = spk.lif %x initial(%v, %v : tensor<1x1x8xf32>, tensor<1x1x8xf32>) {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @multi_spike_state(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.multi_spike' op the neuron keeps 0 states, got 1}}
  %s, %v = spk.multi_spike %x {levels = 4 : i64} : tensor<4x1x8xf32> -> tensor<4x1x8xi8> state tensor<1x1x8xf32>
  return
}

// -----

func.func @multi_spike_levels(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{attribute 'levels' failed to satisfy constraint: 64-bit signless integer attribute whose minimum value is 1 whose maximum value is 127}}
  %s = spk.multi_spike %x {levels = 128 : i64} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
  return
}

// -----

func.func @ilif_levels(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{attribute 'levels' failed to satisfy constraint}}
  %s = spk.ilif %x {levels = 0 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
  return
}

// -----

func.func @ilif_threshold(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.ilif' op v_threshold must be positive and finite}}
  %s = spk.ilif %x {levels = 4 : i64, v_threshold = 0.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
  return
}

// -----

func.func @ilif_charge(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.ilif' op charge retain needs a factor}}
  %s = spk.ilif %x {charge = #spk.charge<retain>, levels = 4 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi8>
  return
}

// -----

func.func @qcfs_up(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.qcfs' op up must be positive and finite}}
  %s = spk.qcfs %x {levels = 4 : i64, up = 0.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return
}

// -----

func.func @qcfs_levels(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{attribute 'levels' failed to satisfy constraint}}
  %s = spk.qcfs %x {levels = 0 : i64, up = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return
}

// -----

func.func @signed_if_threshold(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.signed_if' op v_threshold must be positive and finite}}
  %s = spk.signed_if %x {max_count = 8 : i64, v_threshold = -1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return
}

// -----

func.func @signed_if_count(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{attribute 'max_count' failed to satisfy constraint}}
  %s = spk.signed_if %x {max_count = 0 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return
}

// -----

func.func @signed_if_one_state(%x: tensor<4x1x8xf32>, %v: tensor<1x1x8xf32>) {
  // expected-error @below {{'spk.signed_if' op the neuron keeps 2 states, got 1}}
  %s = spk.signed_if %x initial(%v : tensor<1x1x8xf32>) {max_count = 8 : i64, v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xf32>
  return
}

// -----

func.func @neuron_resting_infinite(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.neuron' op resting states must be finite}}
  %s = spk.neuron %x {resting = array<f32: 0x7F800000>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> {
  ^bb0(%v: f32, %i: f32):
    %f = arith.cmpf oge, %v, %i : f32
    spk.fire %v, %f state %v : i1
  }
  return
}

// -----

func.func @neuron_arguments(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.neuron' op region must take the states and the current, 2 f32}}
  %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> {
  ^bb0(%i: f32):
    %f = arith.cmpf oge, %i, %i : f32
    spk.fire %i, %f : i1
  }
  return
}

// -----

func.func @neuron_argument_type(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.neuron' op region must take the states and the current, 2 f32}}
  %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> {
  ^bb0(%v: f64, %i: f32):
    %f = arith.cmpf oge, %i, %i : f32
    spk.fire %i, %f state %i : i1
  }
  return
}

// -----

func.func @neuron_operation(%x: tensor<4x1x8xf32>) {
  %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> {
  ^bb0(%v: f32, %i: f32):
    // expected-error @below {{'arith.truncf' op is no arithmetic of a neuron: exact or once rounded arith operations on f32 and i1}}
    %w = arith.truncf %v : f32 to f16
    %f = arith.cmpf oge, %v, %i : f32
    spk.fire %v, %f state %v : i1
  }
  return
}

// -----

func.func @neuron_fast_math(%x: tensor<4x1x8xf32>) {
  %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> {
  ^bb0(%v: f32, %i: f32):
    // expected-error @below {{'arith.addf' op is no arithmetic of a neuron}}
    %w = arith.addf %v, %i fastmath<contract> : f32
    %f = arith.cmpf oge, %v, %i : f32
    spk.fire %v, %f state %w : i1
  }
  return
}

// -----

func.func @neuron_states(%x: tensor<4x1x8xf32>) {
  %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xi1> {
  ^bb0(%v: f32, %i: f32):
    %f = arith.cmpf oge, %v, %i : f32
    // expected-error @below {{'spk.fire' op must give as many states as the neuron keeps, 0 against 1}}
    spk.fire %v, %f : i1
  }
  return
}

// -----

func.func @neuron_fires(%x: tensor<4x1x8xf32>) {
  %s = spk.neuron %x {resting = array<f32: 0.0>} : tensor<4x1x8xf32> -> tensor<4x1x8xf32> {
  ^bb0(%v: f32, %i: f32):
    %f = arith.cmpf oge, %v, %i : f32
    // expected-error @below {{'spk.fire' op must fire what the neuron fires, 'i1' against 'f32'}}
    spk.fire %v, %f state %v : i1
  }
  return
}

// -----

func.func @if_threshold_nan(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.if' op v_threshold must be finite}}
  %s = spk.if %x {v_threshold = 0x7FC00000 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
  return
}

// -----

// spk.conv

func.func @conv_rank(%x: tensor<4x1x3x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op input and result must have rank 5, got 4 and 5}}
  %y = spk.conv %x, %w : (tensor<4x1x3x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_weight_rank(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3xf32>) {
  // expected-error @below {{'spk.conv' op weight must have rank 4, got 2}}
  %y = spk.conv %x, %w : (tensor<4x1x3x8x8xi1>, tensor<16x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_stride_zero(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op strides must be two positive numbers, padding two numbers that are not negative}}
  %y = spk.conv %x, %w {strides = array<i64: 1, 0>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_padding_one_number(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op strides must be two positive numbers, padding two numbers that are not negative}}
  %y = spk.conv %x, %w {padding = array<i64: 1>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_time(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op time and batch of input and result must be equal, 'tensor<4x1x3x8x8xi1>' against 'tensor<1x1x16x6x6xf32>'}}
  %y = spk.conv %x, %w : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<1x1x16x6x6xf32>
  return
}

// -----

func.func @conv_groups(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op groups must divide input and output channels, 2 against 3 and 16}}
  %y = spk.conv %x, %w {groups = 2 : i64} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_input_channels(%x: tensor<4x1x4x8x8xi1>, %w: tensor<16x4x3x3xf32>) {
  // expected-error @below {{'spk.conv' op weight must have input channels / groups = 2 channels, got 4}}
  %y = spk.conv %x, %w {groups = 2 : i64} : (tensor<4x1x4x8x8xi1>, tensor<16x4x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_output_channels(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op result must have the weight's output channels, 15 != 16}}
  %y = spk.conv %x, %w : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x15x6x6xf32>
  return
}

// -----

func.func @conv_rows(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op result must have 6 rows, got 8}}
  %y = spk.conv %x, %w : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x8x6xf32>
  return
}

// -----

func.func @conv_columns(%x: tensor<4x1x8x8x3xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op result must have 6 columns, got 8}}
  %y = spk.conv %x, %w {layout = #spk.layout<channels_last>} : (tensor<4x1x8x8x3xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x6x8x16xf32>
  return
}

// -----

func.func @conv_bias(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'spk.conv' op bias must be one number per output channel, 'tensor<3xf32>' against 16 channels}}
  %y = spk.conv %x, %w bias %b : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_sum_of_floats(%x: tensor<4x1x3x8x8xf32>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op sum must be fma exactly where the input is f32, got #spk.sum<sequential> for 'f32'}}
  %y = spk.conv %x, %w {sum = #spk.sum<sequential>} : (tensor<4x1x3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_sum_of_spikes(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op sum must be fma exactly where the input is f32, got #spk.sum<fma> for 'i1'}}
  %y = spk.conv %x, %w {sum = #spk.sum<fma>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_planes_of_spikes(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op spikes have one plane, sum must not have planes}}
  %y = spk.conv %x, %w {sum = #spk.sum<sequential, planes = true>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

func.func @conv_exact(%x: tensor<4x1x3x8x8xi8>, %w: tensor<16x3x3x3xf32>) {
  // expected-error @below {{'spk.conv' op sum of f32 weights must not be exact}}
  %y = spk.conv %x, %w {sum = #spk.sum<exact>} : (tensor<4x1x3x8x8xi8>, tensor<16x3x3x3xf32>) -> tensor<4x1x16x6x6xf32>
  return
}

// -----

// spk.linear

func.func @linear_rank(%x: tensor<4x8xi1>, %w: tensor<16x8xf32>) {
  // expected-error @below {{'spk.linear' op input must have time, batch and channel axes, got rank 2}}
  %y = spk.linear %x, %w : (tensor<4x8xi1>, tensor<16x8xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @linear_weight_rank(%x: tensor<4x1x8xi1>, %w: tensor<16xf32>) {
  // expected-error @below {{'spk.linear' op weight must have rank 2, got 1}}
  %y = spk.linear %x, %w : (tensor<4x1x8xi1>, tensor<16xf32>) -> tensor<4x1x16xf32>
  return
}

// -----

func.func @linear_channels(%x: tensor<4x1x6x8xi1>, %w: tensor<16x8xf32>) {
  // expected-error @below {{'spk.linear' op weight must have the input's channels, 8 != 6}}
  %y = spk.linear %x, %w {layout = #spk.layout<channels_first>} : (tensor<4x1x6x8xi1>, tensor<16x8xf32>) -> tensor<4x1x16x8xf32>
  return
}

// -----

func.func @linear_result(%x: tensor<4x1x6x8xi1>, %w: tensor<16x8xf32>) {
  // expected-error @below {{'spk.linear' op result must have the input's shape with 16 channels, got 'tensor<4x1x16x8xf32>'}}
  %y = spk.linear %x, %w : (tensor<4x1x6x8xi1>, tensor<16x8xf32>) -> tensor<4x1x16x8xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<4x1x6x8xi1>, %w: tensor<16x8xf32>, %b: tensor<8xf32>) {
  // expected-error @below {{'spk.linear' op bias must be one number per output channel, 'tensor<8xf32>' against 16 channels}}
  %y = spk.linear %x, %w bias %b : (tensor<4x1x6x8xi1>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<4x1x6x16xf32>
  return
}

// -----

// spk.batch_norm, spk.fold_batch_norm, spk.scale_shift

func.func @batch_norm_eps_negative(%x: tensor<4x1x8x6xf32>, %g: tensor<8xf32>) {
  // expected-error @below {{'spk.batch_norm' op eps must be finite and not negative}}
  %y = spk.batch_norm %x, %g, %g, %g, %g {eps = -1.0 : f64} : (tensor<4x1x8x6xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x8x6xf32>
  return
}

// -----

func.func @batch_norm_shape(%x: tensor<4x1x8x6xf32>, %g: tensor<8xf32>) {
  // expected-error @below {{'spk.batch_norm' op result must have the shape of the input, 'tensor<4x1x6x8xf32>' against 'tensor<4x1x8x6xf32>'}}
  %y = spk.batch_norm %x, %g, %g, %g, %g : (tensor<4x1x8x6xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @batch_norm_rank(%x: tensor<4x8xf32>, %g: tensor<8xf32>) {
  // expected-error @below {{'spk.batch_norm' op input must have time, batch and channel axes, got rank 2}}
  %y = spk.batch_norm %x, %g, %g, %g, %g : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @batch_norm_channels(%x: tensor<4x1x8x6xf32>, %g: tensor<8xf32>) {
  // expected-error @below {{'spk.batch_norm' op parameters must be one number per channel, 'tensor<8xf32>' against 6 channels}}
  %y = spk.batch_norm %x, %g, %g, %g, %g {layout = #spk.layout<channels_last>} : (tensor<4x1x8x6xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x8x6xf32>
  return
}

// -----

func.func @fold_batch_norm_eps_infinite(%g: tensor<8xf32>) {
  // expected-error @below {{'spk.fold_batch_norm' op eps must be finite and not negative}}
  %s, %b = spk.fold_batch_norm %g, %g, %g, %g {eps = 0x7FF0000000000000 : f64} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @fold_batch_norm_lengths(%g: tensor<8xf32>, %c: tensor<7xf32>) {
  // expected-error @below {{operands must be vectors of one length, got 'tensor<7xf32>'}}
  %s, %b = spk.fold_batch_norm %g, %g, %g, %g bias %c : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<7xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @fold_batch_norm_results(%g: tensor<8xf32>) {
  // expected-error @below {{results must have the shape of gamma, got 'tensor<7xf32>'}}
  %s, %b = spk.fold_batch_norm %g, %g, %g, %g : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<7xf32>)
  return
}

// -----

func.func @scale_shift_channels(%x: tensor<4x1x8x6xf32>, %g: tensor<8xf32>, %b: tensor<6xf32>) {
  // expected-error @below {{parameters must be one number per channel, 'tensor<6xf32>' against 8 channels}}
  %y = spk.scale_shift %x, %g, %b : (tensor<4x1x8x6xf32>, tensor<8xf32>, tensor<6xf32>) -> tensor<4x1x8x6xf32>
  return
}

// -----

// spk.max_pool

func.func @max_pool_rank(%x: tensor<4x1x3x8xi1>) {
  // expected-error @below {{'spk.max_pool' op input and result must have rank 5, got 4 and 4}}
  %y = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<4x1x3x8xi1> -> tensor<4x1x3x4xi1>
  return
}

// -----

func.func @max_pool_elements(%x: tensor<4x1x3x8x8xi1>) {
  // expected-error @below {{'spk.max_pool' op input and result must have one element type, got 'i1' and 'i8'}}
  %y = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>} : tensor<4x1x3x8x8xi1> -> tensor<4x1x3x4x4xi8>
  return
}

// -----

func.func @max_pool_kernel_zero(%x: tensor<4x1x3x8x8xi1>) {
  // expected-error @below {{'spk.max_pool' op kernel, strides and dilation must be two positive numbers each, padding two numbers}}
  %y = spk.max_pool %x {kernel = array<i64: 0, 2>} : tensor<4x1x3x8x8xi1> -> tensor<4x1x3x4x4xi1>
  return
}

// -----

func.func @max_pool_padding(%x: tensor<4x1x3x8x8xi1>) {
  // expected-error @below {{'spk.max_pool' op padding must be at most half the window, 2 against 2}}
  %y = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding = array<i64: 0, 2>} : tensor<4x1x3x8x8xi1> -> tensor<4x1x3x4x4xi1>
  return
}

// -----

func.func @max_pool_dilation_zero(%x: tensor<4x1x3x8x8xi1>) {
  // expected-error @below {{'spk.max_pool' op kernel, strides and dilation must be two positive numbers each, padding two numbers}}
  %y = spk.max_pool %x {kernel = array<i64: 2, 2>, dilation = array<i64: 1, 0>} : tensor<4x1x3x8x8xi1> -> tensor<4x1x3x7x7xi1>
  return
}

// -----

// A window of 4 rows and one of 3 columns.
func.func @max_pool_dilation(%x: tensor<4x1x3x8x8xi1>) {
  // expected-error @below {{'spk.max_pool' op result must have shape [4, 1, 3, 9, 6], got 'tensor<4x1x3x8x6xi1>'}}
  %y = spk.max_pool %x {kernel = array<i64: 2, 3>, padding = array<i64: 2, 0>, dilation = array<i64: 3, 1>} : tensor<4x1x3x8x8xi1> -> tensor<4x1x3x8x6xi1>
  return
}

// -----

// Windows of rows begin at -1, 1, 3, 5; those of columns at 0, 3, 6, but 9 is outside.
func.func @max_pool_ceil_mode(%x: tensor<4x1x3x6x9xi1>) {
  // expected-error @below {{'spk.max_pool' op result must have shape [4, 1, 3, 4, 3], got 'tensor<4x1x3x3x3xi1>'}}
  %y = spk.max_pool %x {kernel = array<i64: 3, 1>, strides = array<i64: 2, 3>, padding = array<i64: 1, 0>, ceil_mode} : tensor<4x1x3x6x9xi1> -> tensor<4x1x3x3x3xi1>
  return
}

// -----

// Windows of rows begin at -1 and 3; the next one would begin in the padding behind.
func.func @max_pool_ceil_mode_in_the_padding(%x: tensor<4x1x3x6x9xi1>) {
  // expected-error @below {{'spk.max_pool' op result must have shape [4, 1, 3, 2, 9], got 'tensor<4x1x3x3x9xi1>'}}
  %y = spk.max_pool %x {kernel = array<i64: 3, 1>, strides = array<i64: 4, 1>, padding = array<i64: 1, 0>, ceil_mode} : tensor<4x1x3x6x9xi1> -> tensor<4x1x3x3x9xi1>
  return
}

// -----

func.func @max_pool_shape(%x: tensor<4x1x8x8x3xi1>) {
  // expected-error @below {{'spk.max_pool' op result must have shape [4, 1, 4, 4, 3], got 'tensor<4x1x8x4x4xi1>'}}
  %y = spk.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, layout = #spk.layout<channels_last>} : tensor<4x1x8x8x3xi1> -> tensor<4x1x8x4x4xi1>
  return
}

// -----

// spk.add, spk.repeat, spk.mean

func.func @add_shape(%x: tensor<4x1x8xi1>, %y: tensor<4x1x9xi1>) {
  // expected-error @below {{operands and result must have one shape, got 'tensor<4x1x8xi1>', 'tensor<4x1x9xi1>' and 'tensor<4x1x8xi8>'}}
  %z = spk.add %x, %y : (tensor<4x1x8xi1>, tensor<4x1x9xi1>) -> tensor<4x1x8xi8>
  return
}

// -----

func.func @add_width(%x: tensor<4x1x8xi1>, %y: tensor<4x1x8xi16>) {
  // expected-error @below {{result must be as wide as the operands, 'i8' against 'i16'}}
  %z = spk.add %x, %y : (tensor<4x1x8xi1>, tensor<4x1x8xi16>) -> tensor<4x1x8xi8>
  return
}

// -----

func.func @repeat_of_steps(%x: tensor<2x1x8xi1>) {
  // expected-error @below {{input must have one time step, got 'tensor<2x1x8xi1>'}}
  %z = spk.repeat %x : tensor<2x1x8xi1> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @repeat_shape(%x: tensor<1x1x8xi1>) {
  // expected-error @below {{result must be the input with more time steps, got 'tensor<4x2x8xi1>'}}
  %z = spk.repeat %x : tensor<1x1x8xi1> -> tensor<4x2x8xi1>
  return
}

// -----

func.func @repeat_elements(%x: tensor<1x1x8xi1>) {
  // expected-error @below {{result must be the input with more time steps, got 'tensor<4x1x8xi8>'}}
  %z = spk.repeat %x : tensor<1x1x8xi1> -> tensor<4x1x8xi8>
  return
}

// -----

func.func @mean_axes_order(%x: tensor<4x1x6x8xi8>) {
  // expected-error @below {{'spk.mean' op axes must be ascending axes of the input, got 2}}
  %z = spk.mean %x {axes = array<i64: 3, 2>} : tensor<4x1x6x8xi8> -> tensor<4x1x1x1xf32>
  return
}

// -----

func.func @mean_axis_too_large(%x: tensor<4x1x6x8xi8>) {
  // expected-error @below {{'spk.mean' op axes must be ascending axes of the input, got 4}}
  %z = spk.mean %x {axes = array<i64: 4>} : tensor<4x1x6x8xi8> -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @mean_no_axes(%x: tensor<4x1x6x8xi8>) {
  // expected-error @below {{'spk.mean' op axes must not be empty}}
  %z = spk.mean %x {axes = array<i64>} : tensor<4x1x6x8xi8> -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @mean_time_and_more(%x: tensor<4x1x6x8xi8>) {
  // expected-error @below {{'spk.mean' op a mean over time must reduce no other axis}}
  %z = spk.mean %x {axes = array<i64: 0, 2>} : tensor<4x1x6x8xi8> -> tensor<1x1x1x8xf32>
  return
}

// -----

func.func @mean_shape(%x: tensor<4x1x6x8xi8>) {
  // expected-error @below {{'spk.mean' op result must have shape [4, 1, 1, 8], got 'tensor<4x1x8xf32>'}}
  %z = spk.mean %x {axes = array<i64: 2>} : tensor<4x1x6x8xi8> -> tensor<4x1x8xf32>
  return
}

// -----

// spk.sps

func.func @sps_ranks(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op input, weight and result must have ranks 5, 4 and 5, got 5, 2 and 5}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32} : (tensor<4x1x3x8x8xi1>, tensor<16x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_channels(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x2x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op weight must have input channels / groups channels, 2 against 3}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32} : (tensor<4x1x3x8x8xi1>, tensor<16x2x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_parameters(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<3xf32>) {
  // expected-error @below {{'spk.sps' op parameters must be one number per channel, 'tensor<3xf32>' against 16 channels}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_tau(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op tau must be positive and finite}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, tau = -2.0 : f32} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_threshold(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op v_threshold must be finite}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 0x7F800000 : f32} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_pair(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op strides, padding and pool sizes must be two numbers each}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, pool_kernel = array<i64: 3>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_stride_zero(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op strides and pool kernel must be positive}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, strides = array<i64: 0, 1>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_padding(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op padding must not be negative, and a pool's at most half its kernel}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, pool_padding = array<i64: 2, 1>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_factor(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op charge retain needs a factor}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, charge = #spk.charge<retain>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_reset(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op v_reset must be finite}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, v_reset = 0x7F800000 : f32} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_eps(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op eps must be finite and not negative}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, eps = -1.0 : f64} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

func.func @sps_groups(%x: tensor<4x1x4x8x8xi1>, %w: tensor<15x2x3x3xf32>, %g: tensor<15xf32>) {
  // expected-error @below {{'spk.sps' op groups must divide the output channels, 2 against 15}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, groups = 2 : i64} : (tensor<4x1x4x8x8xi1>, tensor<15x2x3x3xf32>, tensor<15xf32>, tensor<15xf32>, tensor<15xf32>, tensor<15xf32>) -> tensor<4x1x15x6x6xi1>
  return
}

// -----

func.func @sps_shape(%x: tensor<4x1x3x8x8xi1>, %w: tensor<16x3x3x3xf32>, %g: tensor<16xf32>) {
  // expected-error @below {{'spk.sps' op result must have shape [4, 1, 16, 3, 3], got 'tensor<4x1x16x6x6xi1>'}}
  %y = spk.sps %x, %w, %g, %g, %g, %g {v_threshold = 1.0 : f32, pool = #spk.pool<after>} : (tensor<4x1x3x8x8xi1>, tensor<16x3x3x3xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x6x6xi1>
  return
}

// -----

// spk.repeat, spk.mean

func.func @repeat_never(%x: tensor<1x1x8xi1>) {
  // expected-error @below {{'spk.repeat' op result must have at least one time step, got 'tensor<0x1x8xi1>'}}
  %y = spk.repeat %x : tensor<1x1x8xi1> -> tensor<0x1x8xi1>
  return
}

// -----

func.func @mean_of_nothing(%x: tensor<4x1x0x8xf32>) {
  // expected-error @below {{'spk.mean' op reduced axes must not be empty, got 'tensor<4x1x0x8xf32>'}}
  %y = spk.mean %x {axes = array<i64: 2>} : tensor<4x1x0x8xf32> -> tensor<4x1x1x8xf32>
  return
}

// -----

// spk.ssa, spk.attention_map

func.func @ssa_rank(%q: tensor<4x1x6x2x8xi1>, %k: tensor<4x1x6x2x8xi1>) {
  // expected-error @below {{'spk.ssa' op operands must have rank 4, got 5}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x6x2x8xi1>, tensor<4x1x6x2x8xi1>, tensor<4x1x6x2x8xi1>) -> tensor<4x1x6x2x8xf32>
  return
}

// -----

func.func @ssa_operands(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x8x8xi1>) {
  // expected-error @below {{'spk.ssa' op operands must have one shape, 'tensor<4x1x8x8xi1>' against 'tensor<4x1x6x8xi1>'}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x8x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @ssa_heads(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op num_heads must divide the channels, 3 against 8}}
  %y = spk.ssa %q, %k, %q {num_heads = 3 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @ssa_heads_token_last(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op num_heads must divide the channels, 4 against 6}}
  %y = spk.ssa %q, %k, %q {num_heads = 4 : i64, token_layout = #spk.token_layout<token_last>, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @ssa_result(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op result must have the shape of the query, got 'tensor<4x1x8x6xf32>'}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x8x6xf32>
  return
}

// -----

func.func @ssa_scale(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op scale must be finite}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, scale = 0x7FC00000 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @ssa_source_order(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op source_order must be qk_first or kv_first}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, source_order = #spk.association<auto>, scale = 1.250000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @ssa_inexact_association(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op association must be the source order where the orders may differ in rounding}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, association = #spk.association<kv_first>, scale = 3.000000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @ssa_inexact_sum(%q: tensor<4x1x6x8xi1>, %k: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.ssa' op sum must not be exact where products round}}
  %y = spk.ssa %q, %k, %q {num_heads = 2 : i64, sum = #spk.sum<exact>, scale = 3.000000e-01 : f32} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @attention_map_result(%q: tensor<4x1x6x8xi1>) {
  // expected-error @below {{'spk.attention_map' op result must have shape [4, 1, 2, 8, 8], got 'tensor<4x1x2x6x6xf32>'}}
  %y = spk.attention_map %q, %q {num_heads = 2 : i64, scale = 1.0 : f32, token_layout = #spk.token_layout<token_last>} : (tensor<4x1x6x8xi1>, tensor<4x1x6x8xi1>) -> tensor<4x1x2x6x6xf32>
  return
}

// -----

// spk.fused, spk.dispatch

func.func @fused_arguments(%x: tensor<4x1x8xi1>) {
  // expected-error @below {{'spk.fused' op block arguments must have the types of the inputs}}
  %y = spk.fused(%x) : (tensor<4x1x8xi1>) -> tensor<4x1x8xi1> {
  ^bb0(%a: tensor<4x1x9xi1>):
    %0 = tensor.empty() : tensor<4x1x8xi1>
    spk.yield %0 : tensor<4x1x8xi1>
  }
  return
}

// -----

func.func @fused_yield(%x: tensor<4x1x8xi1>) {
  // expected-error @below {{'spk.fused' op yielded values must have the types of the results}}
  %y = spk.fused(%x) : (tensor<4x1x8xi1>) -> tensor<4x1x8xi8> {
  ^bb0(%a: tensor<4x1x8xi1>):
    spk.yield %a : tensor<4x1x8xi1>
  }
  return
}

// -----

func.func @fused_two_neurons(%x: tensor<4x1x8xf32>) {
  // expected-error @below {{'spk.fused' op a fused layer must have at most one neuron}}
  %y, %z = spk.fused(%x) : (tensor<4x1x8xf32>) -> (tensor<4x1x8xi1>, tensor<4x1x8xi1>) {
  ^bb0(%a: tensor<4x1x8xf32>):
    %0 = spk.lif %a {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
    %1 = spk.if %a {v_threshold = 1.0 : f32} : tensor<4x1x8xf32> -> tensor<4x1x8xi1>
    spk.yield %0, %1 : tensor<4x1x8xi1>, tensor<4x1x8xi1>
  }
  return
}

// -----

func.func @fused_two_synapses(%x: tensor<4x1x8xi1>, %w: tensor<8x8xf32>) {
  // expected-error @below {{'spk.fused' op a fused layer must have at most one synapse}}
  %y, %z = spk.fused(%x, %w) : (tensor<4x1x8xi1>, tensor<8x8xf32>) -> (tensor<4x1x8xf32>, tensor<4x1x8xf32>) {
  ^bb0(%a: tensor<4x1x8xi1>, %b: tensor<8x8xf32>):
    %0 = spk.linear %a, %b : (tensor<4x1x8xi1>, tensor<8x8xf32>) -> tensor<4x1x8xf32>
    %1 = spk.linear %a, %b : (tensor<4x1x8xi1>, tensor<8x8xf32>) -> tensor<4x1x8xf32>
    spk.yield %0, %1 : tensor<4x1x8xf32>, tensor<4x1x8xf32>
  }
  return
}

// -----

func.func @dispatch_kernel(%x: tensor<4xi64>) {
  // expected-error @below {{kernel must be a function of the module, got @nothing}}
  %y = spk.dispatch @nothing ins(%x : tensor<4xi64>) outs(%x : tensor<4xi64>) -> tensor<4xi64>
  return
}

// -----

// spk.pack, spk.unpack, spk.pack_weights, spk.pad_channels

func.func @pack_plain(%x: tensor<4x1x8xi1>) {
  // expected-error @below {{must go from a plain to a packed tensor}}
  %y = spk.pack %x : tensor<4x1x8xi1> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @pack_shape(%x: tensor<4x1x8xi1>) {
  // expected-error @below {{must keep shape and elements, 'tensor<4x1x8xi1>' against 'tensor<4x1x9xi1, #spk.packed<axis = 2>>'}}
  %y = spk.pack %x : tensor<4x1x8xi1> -> tensor<4x1x9xi1, #spk.packed<axis = 2>>
  return
}

// -----

func.func @pack_elements(%x: tensor<4x1x8xi16>) {
  // expected-error @below {{'spk.pack' op must keep shape and elements}}
  %y = spk.pack %x : tensor<4x1x8xi16> -> tensor<4x1x8xi8, #spk.packed<axis = 2>>
  return
}

// -----

func.func @unpack_plain(%x: tensor<4x1x8xi1>) {
  // expected-error @below {{must go from a packed to a plain tensor}}
  %y = spk.unpack %x : tensor<4x1x8xi1> -> tensor<4x1x8xi1>
  return
}

// -----

func.func @unpack_elements(%x: tensor<4x1x8xi1, #spk.packed<axis = 2>>) {
  // expected-error @below {{'spk.unpack' op must keep shape and elements}}
  %y = spk.unpack %x : tensor<4x1x8xi1, #spk.packed<axis = 2>> -> tensor<4x1x8xi16>
  return
}

// -----

func.func @pack_weights_rank(%w: tensor<8x3x3xf32>) {
  // expected-error @below {{weight must have rank 2 or 4, got 3}}
  %y = spk.pack_weights %w : tensor<8x3x3xf32> -> tensor<1x9x64xf32>
  return
}

// -----

func.func @pack_weights_groups(%w: tensor<8x4x3x3xf32>) {
  // expected-error @below {{'spk.pack_weights' op groups must divide the output channels, 3 against 8}}
  %y = spk.pack_weights %w {groups = 3 : i64} : tensor<8x4x3x3xf32> -> tensor<1x108x64xf32>
  return
}

// -----

func.func @pack_weights_block(%w: tensor<8x4x3x3xf32>) {
  // expected-error @below {{'spk.pack_weights' op result must have rank 3 and a block of at least one channel, got 'tensor<1x36x0xf32>'}}
  %y = spk.pack_weights %w : tensor<8x4x3x3xf32> -> tensor<1x36x0xf32>
  return
}

// -----

func.func @pack_weights_shape(%w: tensor<80x4x3x3xf32>) {
  // expected-error @below {{result must be [ceil(O / block), K, block] with K = 72, got 'tensor<1x72x64xf32>'}}
  %y = spk.pack_weights %w {groups = 2 : i64} : tensor<80x4x3x3xf32> -> tensor<1x72x64xf32>
  return
}

// -----

func.func @pack_weights_both(%w: tensor<16x4x3x3xf32>) {
  // expected-error @below {{'spk.pack_weights' op cannot have both first_inputs and own_inputs}}
  %y = spk.pack_weights %w {first_inputs = array<i64: 0>, groups = 2 : i64, own_inputs} : tensor<16x4x3x3xf32> -> tensor<1x36x64xf32>
  return
}

// -----

func.func @pack_weights_own(%w: tensor<16x4x3x3xf32>) {
  // expected-error @below {{result must be [ceil(O / block), K, block] with K = 36, got 'tensor<1x72x64xf32>'}}
  %y = spk.pack_weights %w {groups = 2 : i64, own_inputs} : tensor<16x4x3x3xf32> -> tensor<1x72x64xf32>
  return
}

// -----

func.func @pack_weights_first_inputs(%w: tensor<16x4x3x3xf32>) {
  // expected-error @below {{first_inputs must have one input for each of the 2 blocks, and K be a multiple of 9}}
  %y = spk.pack_weights %w {first_inputs = array<i64: 0>, groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<2x36x8xf32>
  return
}

// -----

func.func @pack_weights_rows(%w: tensor<16x4x3x3xf32>) {
  // expected-error @below {{first_inputs must have one input for each of the 2 blocks, and K be a multiple of 9}}
  %y = spk.pack_weights %w {first_inputs = array<i64: 0, 4>, groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<2x40x8xf32>
  return
}

// -----

func.func @pack_weights_reach(%w: tensor<16x4x3x3xf32>) {
  // expected-error @below {{block 1 needs inputs 4 to 7, and has 3 to 6}}
  %y = spk.pack_weights %w {first_inputs = array<i64: 0, 3>, groups = 2 : i64} : tensor<16x4x3x3xf32> -> tensor<2x36x8xf32>
  return
}

// -----

func.func @pad_channels_shorter(%s: tensor<48xf32>) {
  // expected-error @below {{result must be a vector no shorter than the input, 'tensor<32xf32>' against 'tensor<48xf32>'}}
  %y = spk.pad_channels %s : tensor<48xf32> -> tensor<32xf32>
  return
}

// -----

// #spk.sum, #spk.packed

// expected-error @below {{group of a grouped sum must be in [1, 64], got 0}}
func.func private @sum_group_zero() attributes {a = #spk.sum<grouped>}

// -----

// expected-error @below {{group of a grouped sum must be in [1, 64], got 65}}
func.func private @sum_group_large() attributes {a = #spk.sum<grouped, group = 65>}

// -----

// expected-error @below {{only a grouped sum has a group}}
func.func private @sum_sequential_group() attributes {a = #spk.sum<sequential, group = 4>}

// -----

// expected-error @below {{only sequential and grouped sums have planes}}
func.func private @sum_fma_planes() attributes {a = #spk.sum<fma, planes = true>}

// -----

// expected-error @below {{only a grouped sum with planes has grouped_planes}}
func.func private @sum_sequential_grouped_planes() attributes {a = #spk.sum<sequential, planes = true, grouped_planes = 1>}

// -----

// expected-error @below {{only a grouped sum with planes has grouped_planes}}
func.func private @sum_grouped_planes_without_planes() attributes {a = #spk.sum<grouped, group = 5, grouped_planes = 1>}

// -----

// expected-error @below {{grouped_planes must be positive, got -1}}
func.func private @sum_grouped_planes_negative() attributes {a = #spk.sum<grouped, group = 5, planes = true, grouped_planes = -1>}

// -----

// expected-error @below {{packed words must have 64 bits, got 32}}
func.func private @packed_word(tensor<4x1x8xi1, #spk.packed<axis = 2, word = 32>>)

// -----

// expected-error @below {{packed planes must be in [1, 31], got 0}}
func.func private @packed_no_planes(tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 0>>)

// -----

// expected-error @below {{packed axis must not be negative}}
func.func private @packed_axis_negative(tensor<4x1x8xi8, #spk.packed<axis = -1>>)

// -----

// expected-error @below {{packed axis must be the innermost one, 2 != 1}}
func.func private @packed_axis_outer(tensor<4x1x8xi1, #spk.packed<axis = 1>>)

// -----

// expected-error @below {{packed elements must be integers, got 'f32'}}
func.func private @packed_floats(tensor<4x1x8xf32, #spk.packed<axis = 2>>)

// -----

// expected-error @below {{packed spikes have one plane, got 2}}
func.func private @packed_spike_planes(tensor<4x1x8xi1, #spk.packed<axis = 2, planes = 2>>)

// -----

// expected-error @below {{packed planes must leave the sign bit of 'i8' free, got 8}}
func.func private @packed_sign_bit(tensor<4x1x8xi8, #spk.packed<axis = 2, planes = 8>>)

// -----

func.func @density_f32(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.density must be an f64, got 1.500000e-01 : f32}}
  %y = spk.linear %x, %w {spk.density = 0.15 : f32} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @density_share(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.density must be in [0, 1], got -1.0}}
  %y = spk.linear %x, %w {spk.density = -0.1 : f64} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @plane_densities_of_spikes(%x: tensor<4x1x8x48xi1>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.plane_densities must stand on a synapse that reads integers}}
  %y = spk.linear %x, %w {spk.plane_densities = array<f64: 0.1>} : (tensor<4x1x8x48xi1>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

// expected-error @below {{spk.plane_densities must stand on a synapse that reads integers}}
func.func private @plane_densities_elsewhere() attributes {spk.plane_densities = array<f64: 0.1>}

// -----

func.func @plane_densities_kind(%x: tensor<4x1x8x48xi8>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.plane_densities must be an array<f64>, got [1.000000e-01, 2.000000e-01]}}
  %y = spk.linear %x, %w {spk.plane_densities = [0.1, 0.2]} : (tensor<4x1x8x48xi8>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @plane_densities_none(%x: tensor<4x1x8x48xi8>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.plane_densities must be 1 to 7 numbers, got 0}}
  %y = spk.linear %x, %w {spk.plane_densities = array<f64>} : (tensor<4x1x8x48xi8>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @plane_densities_sign_bit(%x: tensor<4x1x8x48xi8>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.plane_densities must be 1 to 7 numbers, got 8}}
  %y = spk.linear %x, %w {spk.plane_densities = array<f64: 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1>} : (tensor<4x1x8x48xi8>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @plane_densities_share(%x: tensor<4x1x8x48xi8>, %w: tensor<96x48xf32>) -> tensor<4x1x8x96xf32> {
  // expected-error @below {{spk.plane_densities must be in [0, 1], got nan}}
  %y = spk.linear %x, %w {spk.plane_densities = array<f64: 0.1, 0x7FF8000000000000>} : (tensor<4x1x8x48xi8>, tensor<96x48xf32>) -> tensor<4x1x8x96xf32>
  return %y : tensor<4x1x8x96xf32>
}

// -----

func.func @count_over_batch(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{axes must be ascending axes behind the batch, got 1}}
  %0 = spk.count %x {axes = array<i64: 1>} : tensor<4x2x6x8xi1> -> tensor<4x1x6x8xf32>
  return
}

// -----

func.func @count_over_missing_axis(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{axes must be ascending axes behind the batch, got 4}}
  %0 = spk.count %x {axes = array<i64: 2, 4>} : tensor<4x2x6x8xi1> -> tensor<4x2x1x8xf32>
  return
}

// -----

func.func @count_over_nothing(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{must count along an axis}}
  %0 = spk.count %x {axes = array<i64>} : tensor<4x2x6x8xi1> -> tensor<4x2x6x8xf32>
  return
}

// -----

func.func @count_rounds(%x: tensor<4x2x4096x4096x8xi1>) {
  // expected-error @below {{must count fewer than 2^24 elements, got 'tensor<4x2x4096x4096x8xi1>'}}
  %0 = spk.count %x {axes = array<i64: 2, 3>} : tensor<4x2x4096x4096x8xi1> -> tensor<4x2x1x1x8xf32>
  return
}

// -----

func.func @count_overflows(%x: tensor<1x1x4x9223372036854775807x8xi1>) {
  // expected-error @below {{must count fewer than 2^24 elements}}
  %0 = spk.count %x {axes = array<i64: 2, 3>} : tensor<1x1x4x9223372036854775807x8xi1> -> tensor<1x1x1x1x8xf32>
  return
}

// -----

func.func @count_shape(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{result must have shape [4, 2, 1, 8], got 'tensor<4x2x6x8xf32>'}}
  %0 = spk.count %x {axes = array<i64: 2>} : tensor<4x2x6x8xi1> -> tensor<4x2x6x8xf32>
  return
}

// -----

func.func @count_groups(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{groups must divide the axis, 3 against 8}}
  %0 = spk.count %x {axes = array<i64: 3>, groups = 3 : i64} : tensor<4x2x6x8xi1> -> tensor<4x2x6x3xf32>
  return
}

// -----

func.func @count_groups_of_two_axes(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{must have one axis to count in groups, got 2}}
  %0 = spk.count %x {axes = array<i64: 2, 3>, groups = 2 : i64} : tensor<4x2x6x8xi1> -> tensor<4x2x2x2xf32>
  return
}

// -----

func.func @count_no_groups(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{attribute 'groups' failed to satisfy constraint}}
  %0 = spk.count %x {axes = array<i64: 3>, groups = 0 : i64} : tensor<4x2x6x8xi1> -> tensor<4x2x6x1xf32>
  return
}

// -----

func.func @gate_nothing(%x: tensor<4x2x6x8xi1>, %m: tensor<4x2x0x8xi1>) {
  // expected-error @below {{mask must have sizes that divide the input's, got 'tensor<4x2x0x8xi1>'}}
  %0 = spk.gate %x, %m : (tensor<4x2x6x8xi1>, tensor<4x2x0x8xi1>) -> tensor<4x2x6x8xi1>
  return
}

// -----

func.func @gate_shape(%x: tensor<4x2x6x8xi1>) {
  // expected-error @below {{result must have the shape of the input, got 'tensor<4x2x8x6xi1>'}}
  %0 = spk.gate %x, %x : (tensor<4x2x6x8xi1>, tensor<4x2x6x8xi1>) -> tensor<4x2x8x6xi1>
  return
}

// -----

func.func @gate_rank(%x: tensor<4x2x6x8xi1>, %m: tensor<4x2x8xi1>) {
  // expected-error @below {{mask must have the rank, time steps and batch of the input, got 'tensor<4x2x8xi1>'}}
  %0 = spk.gate %x, %m : (tensor<4x2x6x8xi1>, tensor<4x2x8xi1>) -> tensor<4x2x6x8xi1>
  return
}

// -----

func.func @gate_time(%x: tensor<4x2x6x8xi1>, %m: tensor<1x2x6x8xi1>) {
  // expected-error @below {{mask must have the rank, time steps and batch of the input, got 'tensor<1x2x6x8xi1>'}}
  %0 = spk.gate %x, %m : (tensor<4x2x6x8xi1>, tensor<1x2x6x8xi1>) -> tensor<4x2x6x8xi1>
  return
}

// -----

func.func @gate_mask(%x: tensor<4x2x6x8xi1>, %m: tensor<4x2x4x8xi1>) {
  // expected-error @below {{mask must have sizes that divide the input's, got 'tensor<4x2x4x8xi1>' against 'tensor<4x2x6x8xi1>'}}
  %0 = spk.gate %x, %m : (tensor<4x2x6x8xi1>, tensor<4x2x4x8xi1>) -> tensor<4x2x6x8xi1>
  return
}

// -----

func.func @matmul_rank(%x: tensor<4x2x8xf32>, %y: tensor<4x2x4x10xf32>) {
  // expected-error @below {{operands must have rank 4, got 'tensor<4x2x8xf32>' and 'tensor<4x2x4x10xf32>'}}
  %0 = spk.matmul %x, %y {num_heads = 2 : i64} : (tensor<4x2x8xf32>, tensor<4x2x4x10xf32>) -> tensor<4x2x6x10xf32>
  return
}

// -----

func.func @matmul_steps(%x: tensor<4x2x6x8xf32>, %y: tensor<1x2x4x10xf32>) {
  // expected-error @below {{operands must have the same time steps and batch, got 'tensor<4x2x6x8xf32>' and 'tensor<1x2x4x10xf32>'}}
  %0 = spk.matmul %x, %y {num_heads = 2 : i64} : (tensor<4x2x6x8xf32>, tensor<1x2x4x10xf32>) -> tensor<4x2x6x10xf32>
  return
}

// -----

func.func @matmul_terms(%x: tensor<4x2x6x8xf32>, %y: tensor<4x2x8x10xf32>) {
  // expected-error @below {{rows must have as many channels per head as columns have rows, 8 in 2 heads against 8}}
  %0 = spk.matmul %x, %y {num_heads = 2 : i64} : (tensor<4x2x6x8xf32>, tensor<4x2x8x10xf32>) -> tensor<4x2x6x10xf32>
  return
}

// -----

func.func @matmul_heads(%x: tensor<4x2x6x12xf32>, %y: tensor<4x2x4x10xf32>) {
  // expected-error @below {{num_heads must divide the channels of the columns, 3 against 10}}
  %0 = spk.matmul %x, %y {num_heads = 3 : i64} : (tensor<4x2x6x12xf32>, tensor<4x2x4x10xf32>) -> tensor<4x2x6x10xf32>
  return
}

// -----

func.func @matmul_result(%x: tensor<4x2x6x8xf32>, %y: tensor<4x2x4x10xf32>) {
  // expected-error @below {{result must have shape [4, 2, 6, 10], got 'tensor<4x2x6x8xf32>'}}
  %0 = spk.matmul %x, %y {num_heads = 2 : i64} : (tensor<4x2x6x8xf32>, tensor<4x2x4x10xf32>) -> tensor<4x2x6x8xf32>
  return
}

// -----

func.func @matmul_sum(%x: tensor<4x2x6x8xf32>, %y: tensor<4x2x4x10xi1>) {
  // expected-error @below {{sum must be what the operands decide, #spk.sum<sequential>, got #spk.sum<fma>}}
  %0 = spk.matmul %x, %y {num_heads = 2 : i64, sum = #spk.sum<fma>} : (tensor<4x2x6x8xf32>, tensor<4x2x4x10xi1>) -> tensor<4x2x6x10xf32>
  return
}

// -----

func.func @softmax_rank(%x: tensor<4x2x8xf32>) {
  // expected-error @below {{input must have rank 4, got 'tensor<4x2x8xf32>'}}
  %0 = spk.softmax %x {num_heads = 2 : i64} : tensor<4x2x8xf32>
  return
}

// -----

func.func @softmax_heads(%x: tensor<4x2x6x10xf32>) {
  // expected-error @below {{num_heads must divide the channels, 3 against 10}}
  %0 = spk.softmax %x {num_heads = 3 : i64} : tensor<4x2x6x10xf32>
  return
}

// -----

func.func @sub_steps_result(%x: tensor<2x1x8xi8>) {
  // expected-error @below {{result must be the input with 3 times as many time steps, got 'tensor<2x1x8xi8>' and 'tensor<3x1x8xi1>'}}
  %0 = spk.sub_steps %x {levels = 3 : i64} : tensor<2x1x8xi8> -> tensor<3x1x8xi1>
  return
}

// -----

func.func @sub_steps_levels(%x: tensor<2x1x8xi8>) {
  // expected-error @below {{attribute 'levels' failed to satisfy constraint}}
  %0 = spk.sub_steps %x {levels = 0 : i64} : tensor<2x1x8xi8> -> tensor<2x1x8xi1>
  return
}

// -----

func.func @accumulate_input(%x: tensor<6x1x8xf32>) {
  // expected-error @below {{input must be the result with 3 times as many time steps, got 'tensor<6x1x8xf32>' and 'tensor<2x1x9xf32>'}}
  %0 = spk.accumulate %x {levels = 3 : i64} : tensor<6x1x8xf32> -> tensor<2x1x9xf32>
  return
}
