/**
 * Scalars are made here and nowhere else: equal ones are one object, so that a kernel's body is a DAG in which each
 * value appears once, and indices into data can be compared.
 */

import type { Combine } from '../ops/op.ts'
import type { Dim } from './dim.ts'
import type { DType } from './graph.ts'
import { keyOfIndex } from './index.ts'
import type { Axis, Guard, Index, Scalar } from './kernel.ts'
import type { ScalarFunction } from './scalar.ts'

export class Scalars {
  private readonly made = new Map<string, Scalar>()
  private readonly numbers = new Map<Scalar, number>()

  private intern<S extends Scalar>(key: string, scalar: S): S {
    const known = this.made.get(key)
    if (known) return known as S
    this.made.set(key, scalar)
    this.numbers.set(scalar, this.numbers.size)
    return scalar
  }
  private key(scalar: Scalar): string {
    return String(this.numbers.get(scalar))
  }

  number(value: number, dtype: DType): Scalar {
    return this.intern(`number ${Object.is(value, -0) ? '-0' : value} ${dtype}`, { kind: 'number', value, dtype })
  }
  load(slot: number, index: Index, dtype: DType): Scalar {
    return this.intern(`load ${slot} ${keyOfIndex(index)}`, { kind: 'load', slot, index, dtype })
  }
  apply(fn: ScalarFunction, args: readonly Scalar[], dtype: DType): Scalar {
    // A conversion to what a value already is says nothing (the stop of a gradient is one).
    if (args.length === 1 && fn === `to_${dtype}` && args[0]!.dtype === dtype) return args[0]!
    const key = `apply ${fn} ${dtype} ${args.map((a) => this.key(a)).join(' ')}`
    return this.intern(key, { kind: 'apply', fn, arguments: args, dtype })
  }
  position(index: Index, dtype: 'int' | 'uint'): Scalar {
    if (index.kind === 'dim' && index.dim.constant !== undefined) return this.number(index.dim.constant, dtype)
    return this.intern(`position ${dtype} ${keyOfIndex(index)}`, { kind: 'position', index, dtype })
  }
  /** The value of a dim, as a float. */
  size(d: Dim): Scalar {
    if (d.constant !== undefined) return this.number(d.constant, 'float')
    return this.apply('to_float', [this.position({ kind: 'dim', dim: d }, 'int')], 'float')
  }
  /** Guards under which nothing is asked twice; guards around guards with one alternative become one list. */
  guarded(guards: readonly (Guard | undefined)[], value: Scalar, otherwise: Scalar): Scalar {
    const distinct = new Map<string, Guard>()
    for (const guard of guards) if (guard) distinct.set(keyOfGuard(guard), guard)
    let inner = value
    if (distinct.size === 0 || value === otherwise) return value
    if (value.kind === 'guarded' && value.otherwise === otherwise) {
      for (const guard of value.guards) distinct.set(keyOfGuard(guard), guard)
      inner = value.value
    }
    const list = [...distinct.values()]
    const key = `guarded ${[...distinct.keys()].join(' ')} ? ${this.key(inner)} : ${this.key(otherwise)}`
    return this.intern(key, { kind: 'guarded', guards: list, value: inner, otherwise, dtype: value.dtype })
  }
  reduce(combine: Combine, axes: readonly Axis[], value: Scalar, dtype: DType): Scalar {
    const key = `reduce ${combine} ${axes.map((axis) => keyOfIndex({ kind: 'axis', axis })).join(' ')} ${this.key(value)}`
    return this.intern(key, { kind: 'reduce', combine, axes, value, dtype })
  }
  stage(stage: number, dtype: DType): Scalar {
    return this.intern(`stage ${stage}`, { kind: 'stage', stage, dtype })
  }
  accumulator(dtype: DType): Scalar {
    return this.intern('accumulator', { kind: 'accumulator', dtype })
  }
}

const keyOfGuard = (guard: Guard): string =>
  `${guard.kind} ${keyOfIndex(guard.index)} ${guard.kind === 'inside' ? guard.size.key : guard.by.key}`
