// RUN: spk-opt %s --pass-pipeline='builtin.module(spk-fold-batch-norm)' -split-input-file | FileCheck %s --implicit-check-not=spk.batch_norm

// CHECK-LABEL: @parameters
// CHECK-SAME: %[[X:[^:]+]]: tensor<4x1x48x8x8xf32>, %[[G:[^:]+]]: tensor<48xf32>, %[[B:[^:]+]]: tensor<48xf32>, %[[M:[^:]+]]: tensor<48xf32>, %[[V:[^:]+]]: tensor<48xf32>
// CHECK: %[[S:.+]], %[[H:.+]] = spk.fold_batch_norm %[[G]], %[[B]], %[[M]], %[[V]] {eps = 1.000000e-03 : f64}
// CHECK: spk.scale_shift %[[X]], %[[S]], %[[H]] :
func.func @parameters(%x: tensor<4x1x48x8x8xf32>, %g: tensor<48xf32>, %b: tensor<48xf32>, %m: tensor<48xf32>, %v: tensor<48xf32>) -> tensor<4x1x48x8x8xf32> {
  %y = spk.batch_norm %x, %g, %b, %m, %v {eps = 1.0e-3 : f64}
     : (tensor<4x1x48x8x8xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<4x1x48x8x8xf32>
  return %y : tensor<4x1x48x8x8xf32>
}

// -----

// The bias of the convolution goes into the shift.
// CHECK-LABEL: @bias
// CHECK-SAME: %[[C:[^:]+]]: tensor<16xf32>
// CHECK: %[[Y:.+]] = spk.conv %{{[^ ]+}}, %{{[^ ]+}} {layout
// CHECK: %[[S:.+]], %[[H:.+]] = spk.fold_batch_norm {{.*}} bias %[[C]] :
// CHECK: spk.scale_shift %[[Y]], %[[S]], %[[H]] {layout = #spk.layout<channels_last>}
func.func @bias(%c: tensor<16xf32>, %x: tensor<4x1x8x8x3xi1>, %w: tensor<16x3x1x1xf32>, %g: tensor<16xf32>) -> tensor<4x1x8x8x16xf32> {
  %0 = spk.conv %x, %w bias %c {layout = #spk.layout<channels_last>}
     : (tensor<4x1x8x8x3xi1>, tensor<16x3x1x1xf32>, tensor<16xf32>) -> tensor<4x1x8x8x16xf32>
  %y = spk.batch_norm %0, %g, %g, %g, %g {layout = #spk.layout<channels_last>}
     : (tensor<4x1x8x8x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x8x8x16xf32>
  return %y : tensor<4x1x8x8x16xf32>
}

// -----

// A second user still needs the bias.
// CHECK-LABEL: @bias_used_elsewhere
// CHECK: spk.linear {{.*}} bias
// CHECK: spk.fold_batch_norm
// CHECK-NOT: bias
func.func @bias_used_elsewhere(%x: tensor<4x1x8x3xi1>, %w: tensor<16x3xf32>, %c: tensor<16xf32>, %g: tensor<16xf32>) -> (tensor<4x1x8x16xf32>, tensor<4x1x8x16xf32>) {
  %0 = spk.linear %x, %w bias %c : (tensor<4x1x8x3xi1>, tensor<16x3xf32>, tensor<16xf32>) -> tensor<4x1x8x16xf32>
  %y = spk.batch_norm %0, %g, %g, %g, %g {layout = #spk.layout<channels_last>}
     : (tensor<4x1x8x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x8x16xf32>
  return %0, %y : tensor<4x1x8x16xf32>, tensor<4x1x8x16xf32>
}

// -----

// Transposes and reshapes that keep the channels do not hide the bias.
// CHECK-LABEL: @bias_behind_views
// CHECK-SAME: %[[C:[^:]+]]: tensor<16xf32>
// CHECK: spk.linear %{{[^ ]+}}, %{{[^ ]+}} :
// CHECK: linalg.transpose
// CHECK: tensor.expand_shape
// CHECK: tensor.collapse_shape
// CHECK: spk.fold_batch_norm {{.*}} bias %[[C]] :
func.func @bias_behind_views(%c: tensor<16xf32>, %x: tensor<4x1x8x3xi1>, %w: tensor<16x3xf32>, %g: tensor<16xf32>) -> tensor<4x1x16x8xf32> {
  %0 = spk.linear %x, %w bias %c : (tensor<4x1x8x3xi1>, tensor<16x3xf32>, tensor<16xf32>) -> tensor<4x1x8x16xf32>
  %e = tensor.empty() : tensor<4x1x16x8xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x1x8x16xf32>) outs(%e : tensor<4x1x16x8xf32>) permutation = [0, 1, 3, 2]
  %2 = tensor.expand_shape %1 [[0], [1], [2], [3, 4]] output_shape [4, 1, 16, 2, 4] : tensor<4x1x16x8xf32> into tensor<4x1x16x2x4xf32>
  %3 = tensor.collapse_shape %2 [[0], [1], [2], [3, 4]] : tensor<4x1x16x2x4xf32> into tensor<4x1x16x8xf32>
  %y = spk.batch_norm %3, %g, %g, %g, %g
     : (tensor<4x1x16x8xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x8xf32>
  return %y : tensor<4x1x16x8xf32>
}

// -----

// The norm's channels are not the synapse's: as many, but on another axis.
// CHECK-LABEL: @bias_on_another_axis
// CHECK: spk.linear {{.*}} bias
// CHECK: spk.fold_batch_norm
// CHECK-NOT: bias
func.func @bias_on_another_axis(%x: tensor<4x1x16x3xi1>, %w: tensor<16x3xf32>, %c: tensor<16xf32>, %g: tensor<16xf32>) -> tensor<4x1x16x16xf32> {
  %0 = spk.linear %x, %w bias %c : (tensor<4x1x16x3xi1>, tensor<16x3xf32>, tensor<16xf32>) -> tensor<4x1x16x16xf32>
  %y = spk.batch_norm %0, %g, %g, %g, %g
     : (tensor<4x1x16x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x1x16x16xf32>
  return %y : tensor<4x1x16x16xf32>
}

// -----

// Heads split the channels: one number per channel of the norm is not one per
// output channel.
// CHECK-LABEL: @bias_behind_split_channels
// CHECK: spk.linear {{.*}} bias
// CHECK: spk.fold_batch_norm
// CHECK-NOT: bias
func.func @bias_behind_split_channels(%x: tensor<4x1x8x3xi1>, %w: tensor<16x3xf32>, %c: tensor<16xf32>, %g: tensor<4xf32>) -> tensor<4x1x8x4x4xf32> {
  %0 = spk.linear %x, %w bias %c : (tensor<4x1x8x3xi1>, tensor<16x3xf32>, tensor<16xf32>) -> tensor<4x1x8x16xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2], [3, 4]] output_shape [4, 1, 8, 4, 4] : tensor<4x1x8x16xf32> into tensor<4x1x8x4x4xf32>
  %y = spk.batch_norm %1, %g, %g, %g, %g {layout = #spk.layout<channels_last>}
     : (tensor<4x1x8x4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x1x8x4x4xf32>
  return %y : tensor<4x1x8x4x4xf32>
}

// -----

// CHECK-LABEL: @bias_behind_split_channels_first
// CHECK: spk.linear {{.*}} bias
// CHECK: spk.fold_batch_norm
// CHECK-NOT: bias
func.func @bias_behind_split_channels_first(%x: tensor<4x1x3x8xi1>, %w: tensor<16x3xf32>, %c: tensor<16xf32>, %g: tensor<4xf32>) -> tensor<4x1x4x4x8xf32> {
  %0 = spk.linear %x, %w bias %c {layout = #spk.layout<channels_first>} : (tensor<4x1x3x8xi1>, tensor<16x3xf32>, tensor<16xf32>) -> tensor<4x1x16x8xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2, 3], [4]] output_shape [4, 1, 4, 4, 8] : tensor<4x1x16x8xf32> into tensor<4x1x4x4x8xf32>
  %y = spk.batch_norm %1, %g, %g, %g, %g
     : (tensor<4x1x4x4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x1x4x4x8xf32>
  return %y : tensor<4x1x4x4x8xf32>
}
