/** `map`, `filter` and others on iterators, which jax-js uses and Node has from version 22 on. */
interface Helpers {
  [name: string]: unknown
}

export function addIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as Helpers
  if (prototype['map']) return
  type Each = Iterable<unknown>
  Object.assign(prototype, {
    *map(this: Each, f: (value: unknown, index: number) => unknown) {
      let index = 0
      for (const value of this) yield f(value, index++)
    },
    *filter(this: Each, f: (value: unknown) => unknown) {
      for (const value of this) if (f(value)) yield value
    },
    toArray(this: Each) {
      return [...this]
    },
    some(this: Each, f: (value: unknown) => unknown) {
      for (const value of this) if (f(value)) return true
      return false
    },
    every(this: Each, f: (value: unknown) => unknown) {
      for (const value of this) if (!f(value)) return false
      return true
    },
    find(this: Each, f: (value: unknown) => unknown) {
      for (const value of this) if (f(value)) return value
      return undefined
    },
    reduce(this: Each, f: (sum: unknown, value: unknown) => unknown, first: unknown) {
      let sum = first
      for (const value of this) sum = f(sum, value)
      return sum
    },
  })
}
