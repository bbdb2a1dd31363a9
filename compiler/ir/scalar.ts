/**
 * The scalar functions of kernels: what one lane computes. Each is declared once with its arity, its float64 meaning
 * and its cost class; the WGSL (and later WebAssembly) printers have one line for each, closed by `satisfies`.
 */

export type ScalarFunction =
  // arithmetic
  | 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'min' | 'max' | 'floor_div' | 'modulo'
  // one argument
  | 'neg' | 'abs' | 'sign' | 'floor' | 'ceil' | 'round'
  | 'exp' | 'log' | 'sqrt' | 'rsqrt' | 'sin' | 'cos' | 'tanh' | 'erf'
  // truth
  | 'eq' | 'ne' | 'lt' | 'le' | 'and' | 'or' | 'not'
  | 'select'
  // conversion
  | 'to_float' | 'to_int' | 'to_uint' | 'to_bool'
  // bits
  | 'threefry' | 'unit_float'
