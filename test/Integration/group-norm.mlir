// RUN: rm -rf %t
// RUN: %python %S/Inputs/make_weights.py %s %t
// RUN: bash %S/Inputs/equivalence.sh %t

// Group norms as the importer writes them, of 1 group of 70 channels and of 4 of
// 6: means over pixels, then over channels, square roots, and what is the same at
// every pixel. 3 steps, batch 2.

module attributes {spk.weights = "net.safetensors"} {
  ml_program.global private @"a.w"(#ml_program.extern : tensor<70x3x3x3xf32>) : tensor<70x3x3x3xf32>
  ml_program.global private @"a.b"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.norm.gamma"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.norm.zero"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.norm.factor"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"a.norm.shift"(#ml_program.extern : tensor<70xf32>) : tensor<70xf32>
  ml_program.global private @"b.w"(#ml_program.extern : tensor<24x70x1x1xf32>) : tensor<24x70x1x1xf32>
  ml_program.global private @"b.b"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.norm.gamma"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.norm.zero"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.norm.factor"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  ml_program.global private @"b.norm.shift"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
  func.func @main(%arg0: tensor<3x2x3x6x5xf32> {spk.name = "x0"}) -> (tensor<3x2x24x6x5xf32> {spk.name = "output"}) {
    %w0 = ml_program.global_load_const @"a.w" : tensor<70x3x3x3xf32>
    %w1 = ml_program.global_load_const @"a.b" : tensor<70xf32>
    %w2 = ml_program.global_load_const @"a.norm.gamma" : tensor<70xf32>
    %w3 = ml_program.global_load_const @"a.norm.zero" : tensor<70xf32>
    %w4 = ml_program.global_load_const @"a.norm.factor" : tensor<70xf32>
    %w5 = ml_program.global_load_const @"a.norm.shift" : tensor<70xf32>
    %w6 = ml_program.global_load_const @"b.w" : tensor<24x70x1x1xf32>
    %w7 = ml_program.global_load_const @"b.b" : tensor<24xf32>
    %w8 = ml_program.global_load_const @"b.norm.gamma" : tensor<24xf32>
    %w9 = ml_program.global_load_const @"b.norm.zero" : tensor<24xf32>
    %w10 = ml_program.global_load_const @"b.norm.factor" : tensor<24xf32>
    %w11 = ml_program.global_load_const @"b.norm.shift" : tensor<24xf32>
    %0 = spk.conv %arg0, %w0 bias %w1 {padding = array<i64: 1, 1>} : (tensor<3x2x3x6x5xf32>, tensor<70x3x3x3xf32>, tensor<70xf32>) -> tensor<3x2x70x6x5xf32> loc("a.linear")
    %1 = tensor.collapse_shape %0 [[0], [1], [2], [3, 4]] : tensor<3x2x70x6x5xf32> into tensor<3x2x70x30xf32> loc("a.norm")
    %2 = tensor.empty() : tensor<3x2x30x70xf32> loc("a.norm")
    %3 = linalg.transpose ins(%1 : tensor<3x2x70x30xf32>) outs(%2 : tensor<3x2x30x70xf32>) permutation = [0, 1, 3, 2] loc("a.norm")
    %4 = spk.mean %3 {axes = array<i64: 2>} : tensor<3x2x30x70xf32> -> tensor<3x2x1x70xf32> loc("a.norm")
    %5 = spk.mean %4 {axes = array<i64: 3>} : tensor<3x2x1x70xf32> -> tensor<3x2x1x1xf32> loc("a.norm")
    %6 = tensor.collapse_shape %5 [[0], [1], [2, 3]] : tensor<3x2x1x1xf32> into tensor<3x2x1xf32> loc("a.norm")
    %7 = tensor.empty() : tensor<3x2x1x70xf32> loc("a.norm")
    %8 = linalg.broadcast ins(%6 : tensor<3x2x1xf32>) outs(%7 : tensor<3x2x1x70xf32>) dimensions = [3] loc("a.norm")
    %9 = tensor.collapse_shape %8 [[0], [1], [2, 3]] : tensor<3x2x1x70xf32> into tensor<3x2x70xf32> loc("a.norm")
    %10 = tensor.empty() : tensor<3x2x30x70xf32> loc("a.norm")
    %11 = linalg.broadcast ins(%9 : tensor<3x2x70xf32>) outs(%10 : tensor<3x2x30x70xf32>) dimensions = [2] loc("a.norm")
    %12 = arith.subf %3, %11 : tensor<3x2x30x70xf32> loc("a.norm")
    %13 = arith.mulf %12, %12 : tensor<3x2x30x70xf32> loc("a.norm")
    %14 = spk.mean %13 {axes = array<i64: 2>} : tensor<3x2x30x70xf32> -> tensor<3x2x1x70xf32> loc("a.norm")
    %15 = spk.mean %14 {axes = array<i64: 3>} : tensor<3x2x1x70xf32> -> tensor<3x2x1x1xf32> loc("a.norm")
    %16 = tensor.collapse_shape %15 [[0], [1], [2, 3]] : tensor<3x2x1x1xf32> into tensor<3x2x1xf32> loc("a.norm")
    %17 = tensor.empty() : tensor<3x2x1x70xf32> loc("a.norm")
    %18 = linalg.broadcast ins(%16 : tensor<3x2x1xf32>) outs(%17 : tensor<3x2x1x70xf32>) dimensions = [3] loc("a.norm")
    %19 = arith.constant dense<1.0e-05> : tensor<3x2x1x70xf32> loc("a.norm")
    %20 = arith.addf %18, %19 : tensor<3x2x1x70xf32> loc("a.norm")
    %21 = math.sqrt %20 : tensor<3x2x1x70xf32> loc("a.norm")
    %22 = arith.constant dense<1.0e+00> : tensor<3x2x1x70xf32> loc("a.norm")
    %23 = arith.divf %22, %21 : tensor<3x2x1x70xf32> loc("a.norm")
    %24 = spk.scale_shift %23, %w2, %w3 {layout = #spk.layout<channels_last>} : (tensor<3x2x1x70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x1x70xf32> loc("a.norm")
    %25 = arith.mulf %8, %24 : tensor<3x2x1x70xf32> loc("a.norm")
    %26 = spk.scale_shift %25, %w4, %w5 {layout = #spk.layout<channels_last>} : (tensor<3x2x1x70xf32>, tensor<70xf32>, tensor<70xf32>) -> tensor<3x2x1x70xf32> loc("a.norm")
    %27 = tensor.collapse_shape %24 [[0], [1], [2, 3]] : tensor<3x2x1x70xf32> into tensor<3x2x70xf32> loc("a.norm")
    %28 = tensor.empty() : tensor<3x2x30x70xf32> loc("a.norm")
    %29 = linalg.broadcast ins(%27 : tensor<3x2x70xf32>) outs(%28 : tensor<3x2x30x70xf32>) dimensions = [2] loc("a.norm")
    %30 = arith.mulf %3, %29 : tensor<3x2x30x70xf32> loc("a.norm")
    %31 = tensor.collapse_shape %26 [[0], [1], [2, 3]] : tensor<3x2x1x70xf32> into tensor<3x2x70xf32> loc("a.norm")
    %32 = tensor.empty() : tensor<3x2x30x70xf32> loc("a.norm")
    %33 = linalg.broadcast ins(%31 : tensor<3x2x70xf32>) outs(%32 : tensor<3x2x30x70xf32>) dimensions = [2] loc("a.norm")
    %34 = arith.addf %30, %33 : tensor<3x2x30x70xf32> loc("a.norm")
    %35 = tensor.empty() : tensor<3x2x70x30xf32> loc("a.lif")
    %36 = linalg.transpose ins(%34 : tensor<3x2x30x70xf32>) outs(%35 : tensor<3x2x70x30xf32>) permutation = [0, 1, 3, 2] loc("a.lif")
    %37 = tensor.expand_shape %36 [[0], [1], [2], [3, 4]] output_shape [3, 2, 70, 6, 5] : tensor<3x2x70x30xf32> into tensor<3x2x70x6x5xf32> loc("a.lif")
    %38 = spk.lif %37 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<3x2x70x6x5xf32> -> tensor<3x2x70x6x5xi1> loc("a.lif")
    %39 = spk.conv %38, %w6 bias %w7 : (tensor<3x2x70x6x5xi1>, tensor<24x70x1x1xf32>, tensor<24xf32>) -> tensor<3x2x24x6x5xf32> loc("b.linear")
    %40 = tensor.collapse_shape %39 [[0], [1], [2], [3, 4]] : tensor<3x2x24x6x5xf32> into tensor<3x2x24x30xf32> loc("b.norm")
    %41 = tensor.empty() : tensor<3x2x30x24xf32> loc("b.norm")
    %42 = linalg.transpose ins(%40 : tensor<3x2x24x30xf32>) outs(%41 : tensor<3x2x30x24xf32>) permutation = [0, 1, 3, 2] loc("b.norm")
    %43 = spk.mean %42 {axes = array<i64: 2>} : tensor<3x2x30x24xf32> -> tensor<3x2x1x24xf32> loc("b.norm")
    %44 = tensor.collapse_shape %43 [[0], [1], [2, 3]] : tensor<3x2x1x24xf32> into tensor<3x2x24xf32> loc("b.norm")
    %45 = tensor.expand_shape %44 [[0], [1], [2, 3]] output_shape [3, 2, 4, 6] : tensor<3x2x24xf32> into tensor<3x2x4x6xf32> loc("b.norm")
    %46 = spk.mean %45 {axes = array<i64: 3>} : tensor<3x2x4x6xf32> -> tensor<3x2x4x1xf32> loc("b.norm")
    %47 = tensor.collapse_shape %46 [[0], [1], [2, 3]] : tensor<3x2x4x1xf32> into tensor<3x2x4xf32> loc("b.norm")
    %48 = tensor.empty() : tensor<3x2x4x6xf32> loc("b.norm")
    %49 = linalg.broadcast ins(%47 : tensor<3x2x4xf32>) outs(%48 : tensor<3x2x4x6xf32>) dimensions = [3] loc("b.norm")
    %50 = tensor.collapse_shape %49 [[0], [1], [2, 3]] : tensor<3x2x4x6xf32> into tensor<3x2x24xf32> loc("b.norm")
    %51 = tensor.expand_shape %50 [[0], [1], [2, 3]] output_shape [3, 2, 1, 24] : tensor<3x2x24xf32> into tensor<3x2x1x24xf32> loc("b.norm")
    %52 = tensor.collapse_shape %51 [[0], [1], [2, 3]] : tensor<3x2x1x24xf32> into tensor<3x2x24xf32> loc("b.norm")
    %53 = tensor.empty() : tensor<3x2x30x24xf32> loc("b.norm")
    %54 = linalg.broadcast ins(%52 : tensor<3x2x24xf32>) outs(%53 : tensor<3x2x30x24xf32>) dimensions = [2] loc("b.norm")
    %55 = arith.subf %42, %54 : tensor<3x2x30x24xf32> loc("b.norm")
    %56 = arith.mulf %55, %55 : tensor<3x2x30x24xf32> loc("b.norm")
    %57 = spk.mean %56 {axes = array<i64: 2>} : tensor<3x2x30x24xf32> -> tensor<3x2x1x24xf32> loc("b.norm")
    %58 = tensor.collapse_shape %57 [[0], [1], [2, 3]] : tensor<3x2x1x24xf32> into tensor<3x2x24xf32> loc("b.norm")
    %59 = tensor.expand_shape %58 [[0], [1], [2, 3]] output_shape [3, 2, 4, 6] : tensor<3x2x24xf32> into tensor<3x2x4x6xf32> loc("b.norm")
    %60 = spk.mean %59 {axes = array<i64: 3>} : tensor<3x2x4x6xf32> -> tensor<3x2x4x1xf32> loc("b.norm")
    %61 = tensor.collapse_shape %60 [[0], [1], [2, 3]] : tensor<3x2x4x1xf32> into tensor<3x2x4xf32> loc("b.norm")
    %62 = tensor.empty() : tensor<3x2x4x6xf32> loc("b.norm")
    %63 = linalg.broadcast ins(%61 : tensor<3x2x4xf32>) outs(%62 : tensor<3x2x4x6xf32>) dimensions = [3] loc("b.norm")
    %64 = tensor.collapse_shape %63 [[0], [1], [2, 3]] : tensor<3x2x4x6xf32> into tensor<3x2x24xf32> loc("b.norm")
    %65 = tensor.expand_shape %64 [[0], [1], [2, 3]] output_shape [3, 2, 1, 24] : tensor<3x2x24xf32> into tensor<3x2x1x24xf32> loc("b.norm")
    %66 = arith.constant dense<1.0e-05> : tensor<3x2x1x24xf32> loc("b.norm")
    %67 = arith.addf %65, %66 : tensor<3x2x1x24xf32> loc("b.norm")
    %68 = math.sqrt %67 : tensor<3x2x1x24xf32> loc("b.norm")
    %69 = arith.constant dense<1.0e+00> : tensor<3x2x1x24xf32> loc("b.norm")
    %70 = arith.divf %69, %68 : tensor<3x2x1x24xf32> loc("b.norm")
    %71 = spk.scale_shift %70, %w8, %w9 {layout = #spk.layout<channels_last>} : (tensor<3x2x1x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x1x24xf32> loc("b.norm")
    %72 = arith.mulf %51, %71 : tensor<3x2x1x24xf32> loc("b.norm")
    %73 = spk.scale_shift %72, %w10, %w11 {layout = #spk.layout<channels_last>} : (tensor<3x2x1x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x2x1x24xf32> loc("b.norm")
    %74 = tensor.collapse_shape %71 [[0], [1], [2, 3]] : tensor<3x2x1x24xf32> into tensor<3x2x24xf32> loc("b.norm")
    %75 = tensor.empty() : tensor<3x2x30x24xf32> loc("b.norm")
    %76 = linalg.broadcast ins(%74 : tensor<3x2x24xf32>) outs(%75 : tensor<3x2x30x24xf32>) dimensions = [2] loc("b.norm")
    %77 = arith.mulf %42, %76 : tensor<3x2x30x24xf32> loc("b.norm")
    %78 = tensor.collapse_shape %73 [[0], [1], [2, 3]] : tensor<3x2x1x24xf32> into tensor<3x2x24xf32> loc("b.norm")
    %79 = tensor.empty() : tensor<3x2x30x24xf32> loc("b.norm")
    %80 = linalg.broadcast ins(%78 : tensor<3x2x24xf32>) outs(%79 : tensor<3x2x30x24xf32>) dimensions = [2] loc("b.norm")
    %81 = arith.addf %77, %80 : tensor<3x2x30x24xf32> loc("b.norm")
    %82 = tensor.empty() : tensor<3x2x24x30xf32> loc("b.lif")
    %83 = linalg.transpose ins(%81 : tensor<3x2x30x24xf32>) outs(%82 : tensor<3x2x24x30xf32>) permutation = [0, 1, 3, 2] loc("b.lif")
    %84 = tensor.expand_shape %83 [[0], [1], [2], [3, 4]] output_shape [3, 2, 24, 6, 5] : tensor<3x2x24x30xf32> into tensor<3x2x24x6x5xf32> loc("b.lif")
    %85 = spk.lif %84 {v_reset = 0.0 : f32, v_threshold = 0.5 : f32} : tensor<3x2x24x6x5xf32> -> tensor<3x2x24x6x5xi1> loc("b.lif")
    %86 = arith.uitofp %85 : tensor<3x2x24x6x5xi1> to tensor<3x2x24x6x5xf32> loc("model")
    return %86 : tensor<3x2x24x6x5xf32>
  }
}
