// RUN: spk-run --interpret %s --function=shapes | FileCheck %s --check-prefix=SHAPE
// RUN: spk-run --interpret %s --function=floats | FileCheck %s --check-prefix=FLOAT
// RUN: spk-run --interpret %s --function=integers | FileCheck %s --check-prefix=INT
// RUN: not spk-run --interpret %s --function=unknown 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not spk-run --interpret %s --function=type 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not spk-run --interpret %s --function=huge 2>&1 | FileCheck %s --check-prefix=HUGE

// x is 0 1 2 3 / 4 5 6 7 / 8 9 10 11.
// SHAPE: transpose: int8[4,3] = 0 4 8 1 5 9 2 6 10 3 7 11
// SHAPE: broadcast: int8[2,3,2] = 1 1 5 5 9 9 1 1 5 5 9 9
// SHAPE: slice: int8[2,2] = 1 3 9 11
// SHAPE: column: int8[3] = 1 5 9
// SHAPE: insert: int8[3,4] = 0 1 2 3 1 5 9 7 8 9 10 11
// SHAPE: concat: int8[3,5] = 0 1 2 3 1 4 5 6 7 5 8 9 10 11 9
// SHAPE: expand: int8[3,2,2] = 0 1 2 3 4 5 6 7 8 9 10 11
// SHAPE: cast: int8[12] = 0 1 2 3 4 5 6 7 8 9 10 11
func.func @shapes() -> (tensor<4x3xi8> {spk.name = "transpose"}, tensor<2x3x2xi8> {spk.name = "broadcast"},
    tensor<2x2xi8> {spk.name = "slice"}, tensor<3xi8> {spk.name = "column"},
    tensor<3x4xi8> {spk.name = "insert"}, tensor<3x5xi8> {spk.name = "concat"},
    tensor<3x2x2xi8> {spk.name = "expand"}, tensor<12xi8> {spk.name = "cast"}) {
  %x = arith.constant dense<[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]> : tensor<3x4xi8>
  %e0 = tensor.empty() : tensor<4x3xi8>
  %0 = linalg.transpose ins(%x : tensor<3x4xi8>) outs(%e0 : tensor<4x3xi8>) permutation = [1, 0]
  %c = tensor.extract_slice %x[0, 1] [3, 1] [1, 1] : tensor<3x4xi8> to tensor<3xi8>
  %e1 = tensor.empty() : tensor<2x3x2xi8>
  %1 = linalg.broadcast ins(%c : tensor<3xi8>) outs(%e1 : tensor<2x3x2xi8>) dimensions = [0, 2]
  %2 = tensor.extract_slice %x[0, 1] [2, 2] [2, 2] : tensor<3x4xi8> to tensor<2x2xi8>
  %3 = tensor.insert_slice %c into %x[1, 0] [1, 3] [1, 1] : tensor<3xi8> into tensor<3x4xi8>
  %c2 = tensor.expand_shape %c [[0, 1]] output_shape [3, 1] : tensor<3xi8> into tensor<3x1xi8>
  %4 = tensor.concat dim(1) %x, %c2 : (tensor<3x4xi8>, tensor<3x1xi8>) -> tensor<3x5xi8>
  %5 = tensor.expand_shape %x [[0], [1, 2]] output_shape [3, 2, 2] : tensor<3x4xi8> into tensor<3x2x2xi8>
  %6 = tensor.collapse_shape %5 [[0, 1, 2]] : tensor<3x2x2xi8> into tensor<12xi8>
  %7 = tensor.cast %6 : tensor<12xi8> to tensor<12xi8>
  return %0, %1, %2, %c, %3, %4, %5, %7 : tensor<4x3xi8>, tensor<2x3x2xi8>, tensor<2x2xi8>, tensor<3xi8>, tensor<3x4xi8>, tensor<3x5xi8>, tensor<3x2x2xi8>, tensor<12xi8>
}

// FLOAT: add: float32[2] = 4 -1
// FLOAT: sub: float32[2] = -2 5
// FLOAT: mul: float32[2] = 3 -6
// FLOAT: div: float32[2] = 0.333333343 -0.666666687
// FLOAT: neg: float32[2] = -1 -2
// FLOAT: max: float32[2] = 3 2
// FLOAT: min: float32[2] = 1 -3
// A NaN wins in both, and +0 is above -0.
// FLOAT: edges.max: float32[2] = {{-?}}nan 0
// FLOAT: edges.min: float32[2] = {{-?}}nan -0
// FLOAT: less: bool[2] = 1 0
// FLOAT: select: float32[2] = 1 -3
func.func @floats() -> (tensor<2xf32> {spk.name = "add"}, tensor<2xf32> {spk.name = "sub"},
    tensor<2xf32> {spk.name = "mul"}, tensor<2xf32> {spk.name = "div"}, tensor<2xf32> {spk.name = "neg"},
    tensor<2xf32> {spk.name = "max"}, tensor<2xf32> {spk.name = "min"}, tensor<2xf32> {spk.name = "edges.max"},
    tensor<2xf32> {spk.name = "edges.min"}, tensor<2xi1> {spk.name = "less"}, tensor<2xf32> {spk.name = "select"}) {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = arith.constant dense<[3.0, -3.0]> : tensor<2xf32>
  %u = arith.constant dense<[0x7FC00000, -0.0]> : tensor<2xf32>
  %v = arith.constant dense<0.0> : tensor<2xf32>
  %0 = arith.addf %x, %y : tensor<2xf32>
  %1 = arith.subf %x, %y : tensor<2xf32>
  %2 = arith.mulf %x, %y : tensor<2xf32>
  %3 = arith.divf %x, %y : tensor<2xf32>
  %4 = arith.negf %x : tensor<2xf32>
  %5 = arith.maximumf %x, %y : tensor<2xf32>
  %6 = arith.minimumf %x, %y : tensor<2xf32>
  %7 = arith.maximumf %u, %v : tensor<2xf32>
  %8 = arith.minimumf %v, %u : tensor<2xf32>
  %9 = arith.cmpf olt, %x, %y : tensor<2xf32>
  %10 = arith.select %9, %x, %y : tensor<2xi1>, tensor<2xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi1>, tensor<2xf32>
}

// INT: and: bool[4] = 0 0 0 1
// INT: or: bool[4] = 0 1 1 1
// INT: xor: bool[4] = 0 1 1 0
// i1 has no carry, i8 wraps.
// INT: add1: bool[4] = 0 1 1 0
// INT: add8: int8[2] = -56 -2
// INT: sub8: int8[2] = 0 0
// INT: mul8: int8[2] = 16 1
// INT: extu: int16[4] = 0 0 1 1
// INT: exts: int16[2] = 100 -1
// INT: trunc: int8[2] = 0 -1
// A spike is 1, or -1 where i1 is read as signed.
// INT: unsigned: float32[4] = 0 0 1 1
// INT: signed: float32[4] = 0 0 -1 -1
// INT: unsigned8: float32[2] = 100 255
// 2^24 + 1 rounds to even.
// INT: rounded: float32[2] = 16777216 -1
func.func @integers() -> (tensor<4xi1> {spk.name = "and"}, tensor<4xi1> {spk.name = "or"}, tensor<4xi1> {spk.name = "xor"},
    tensor<4xi1> {spk.name = "add1"}, tensor<2xi8> {spk.name = "add8"}, tensor<2xi8> {spk.name = "sub8"},
    tensor<2xi8> {spk.name = "mul8"}, tensor<4xi16> {spk.name = "extu"}, tensor<2xi16> {spk.name = "exts"},
    tensor<2xi8> {spk.name = "trunc"}, tensor<4xf32> {spk.name = "unsigned"}, tensor<4xf32> {spk.name = "signed"},
    tensor<2xf32> {spk.name = "unsigned8"}, tensor<2xf32> {spk.name = "rounded"}) {
  %x = arith.constant dense<[false, false, true, true]> : tensor<4xi1>
  %y = arith.constant dense<[false, true, false, true]> : tensor<4xi1>
  %a = arith.constant dense<[100, -1]> : tensor<2xi8>
  %w = arith.constant dense<[256, -1]> : tensor<2xi16>
  %i = arith.constant dense<[16777217, -1]> : tensor<2xi32>
  %0 = arith.andi %x, %y : tensor<4xi1>
  %1 = arith.ori %x, %y : tensor<4xi1>
  %2 = arith.xori %x, %y : tensor<4xi1>
  %3 = arith.addi %x, %y : tensor<4xi1>
  %4 = arith.addi %a, %a : tensor<2xi8>
  %5 = arith.subi %a, %a : tensor<2xi8>
  %6 = arith.muli %a, %a : tensor<2xi8>
  %7 = arith.extui %x : tensor<4xi1> to tensor<4xi16>
  %8 = arith.extsi %a : tensor<2xi8> to tensor<2xi16>
  %9 = arith.trunci %w : tensor<2xi16> to tensor<2xi8>
  %10 = arith.uitofp %x : tensor<4xi1> to tensor<4xf32>
  %11 = arith.sitofp %x : tensor<4xi1> to tensor<4xf32>
  %12 = arith.uitofp %a : tensor<2xi8> to tensor<2xf32>
  %13 = arith.sitofp %i : tensor<2xi32> to tensor<2xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<4xi16>, tensor<2xi16>, tensor<2xi8>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<2xf32>
}

// UNKNOWN: error: 'arith.remf' op has no interpreter
func.func @unknown() -> tensor<2xf32> {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %0 = arith.remf %x, %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// TYPE: error: 'arith.constant' op result type 'tensor<2xf64>' has no interpreter
func.func @type() -> tensor<2xi1> {
  %x = arith.constant dense<1.0> : tensor<2xf64>
  %0 = arith.cmpf olt, %x, %x : tensor<2xf64>
  return %0 : tensor<2xi1>
}

// HUGE: error: 'tensor.empty' op result of type 'tensor<4000000000x4000000000xf32>' does not fit into memory
func.func @huge() -> tensor<1xf32> {
  %x = tensor.empty() : tensor<4000000000x4000000000xf32>
  %0 = arith.constant dense<1.0> : tensor<1xf32>
  return %0 : tensor<1xf32>
}
