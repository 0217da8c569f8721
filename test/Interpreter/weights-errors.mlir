// Weights come from files that nobody vouches for: whatever does not describe its
// file exactly is refused, and the message names the file, the tensor and what is
// wrong with it.

// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/Inputs/bad_safetensors.py %t spk-run --interpret %s | FileCheck %s

// CHECK: good: exit 0
// CHECK-NEXT: output0: float32[2] = 1 2
// CHECK-NEXT: output1: float32[2] = 3 4
// CHECK-NEXT: padded: exit 0
// CHECK-NEXT: output0: float32[2] = 1 2
// CHECK-NEXT: output1: float32[2] = 3 4
// CHECK-NEXT: escaped: exit 0
// CHECK-NEXT: output0: float32[2] = 1 2
// CHECK-NEXT: output1: float32[2] = 3 4
// CHECK-NEXT: empty: exit 2
// CHECK-NEXT: w.safetensors: file has 0 bytes, too few for a header
// CHECK-NEXT: short: exit 2
// CHECK-NEXT: w.safetensors: file has 7 bytes, too few for a header
// CHECK-NEXT: truncated: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' ends at byte 16 of 15; is the file truncated?
// CHECK-NEXT: header-truncated: exit 2
// CHECK-NEXT: w.safetensors: header of 123 bytes does not fit the file of 20; is the file truncated?
// CHECK-NEXT: header-huge: exit 2
// CHECK-NEXT: w.safetensors: header must have at most 100000000 bytes, got 1099511627776; is this a safetensors file?
// CHECK-NEXT: header-over-limit: exit 2
// CHECK-NEXT: w.safetensors: header must have at most 100000000 bytes, got 100000001; is this a safetensors file?
// CHECK-NEXT: not-an-object: exit 2
// CHECK-NEXT: w.safetensors: header must start with '{'; is this a safetensors file?
// CHECK-NEXT: not-json: exit 2
// CHECK-NEXT: w.safetensors: header is not JSON: [1:5, byte=5]: Unexpected EOF
// CHECK-NEXT: not-utf8: exit 2
// CHECK-NEXT: w.safetensors: header is not JSON: [1:2, byte=2]: Invalid UTF-8 sequence
// CHECK-NEXT: nested: exit 2
// CHECK-NEXT: w.safetensors: header is nested too deeply; is this a safetensors file?
// CHECK-NEXT: duplicate: exit 2
// CHECK-NEXT: w.safetensors: key 'a' appears twice; export the file again
// CHECK-NEXT: duplicate-inside: exit 2
// CHECK-NEXT: w.safetensors: key 'shape' appears twice; export the file again
// CHECK-NEXT: no-dtype: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must have dtype, shape and data_offsets
// CHECK-NEXT: unknown-dtype: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' has the unknown dtype 'F33'
// CHECK-NEXT: number: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must be described by an object
// CHECK-NEXT: negative-size: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must have sizes that are not negative
// CHECK-NEXT: negative-offset: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must have ascending data_offsets
// CHECK-NEXT: fractional-size: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must have sizes that are not negative
// CHECK-NEXT: overflow: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' is too large: its size in bytes overflows
// CHECK-NEXT: size-mismatch: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' needs 12 bytes by its shape and dtype but has 16
// CHECK-NEXT: reversed: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must have ascending data_offsets
// CHECK-NEXT: overlapping: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' overlaps the tensor before it
// CHECK-NEXT: same-place: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' overlaps the tensor before it
// CHECK-NEXT: gap: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' leaves a gap behind the tensor before it
// CHECK-NEXT: out-of-bounds: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' ends at byte 24 of 16; is the file truncated?
// CHECK-NEXT: rest: exit 2
// CHECK-NEXT: w.safetensors: tensors cover 8 of 16 bytes
// CHECK-NEXT: missing: exit 2
// CHECK-NEXT: weight 'b' is missing in w.safetensors
// CHECK-NEXT: wrong-shape: exit 2
// CHECK-NEXT: weight 'a' must have shape [2], got [1, 2] in w.safetensors
// CHECK-NEXT: wrong-dtype: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' must have dtype F32, got BF16; convert it to float32
// CHECK-NEXT: nan: exit 2
// CHECK-NEXT: w.safetensors: tensor 'b' must be finite, element 1 is NaN; check the training run that it came from
// CHECK-NEXT: infinite: exit 2
// CHECK-NEXT: w.safetensors: tensor 'a' must be finite, element 0 is infinite; check the training run that it came from
// CHECK-NEXT: absent: exit 2
// CHECK-NEXT: w.safetensors: cannot be read: No such file or directory
// CHECK-NEXT: folder: exit 2
// CHECK-NEXT: w.safetensors: cannot be read: not a regular file

module attributes {spk.weights = "w.safetensors"} {
  ml_program.global private @"a"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
  ml_program.global private @"b"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
  func.func @main() -> (tensor<2xf32>, tensor<2xf32>) {
    %a = ml_program.global_load_const @a : tensor<2xf32>
    %b = ml_program.global_load_const @b : tensor<2xf32>
    return %a, %b : tensor<2xf32>, tensor<2xf32>
  }
}
