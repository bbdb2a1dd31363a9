/**
 * An async sequence → the same sequence, each item asked for while the one before is being used. Memory: one item more.
 * For sources that wait (files, the network, a worker); numbers that lie in memory need none, for the device computes on
 * its own while the next batch is filled.
 */
export async function* prefetch<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  const ask = (): Promise<IteratorResult<T>> => {
    const next = iterator.next()
    // Its failure is reported when the item is used; until then it must not count as unhandled.
    next.catch(() => {})
    return next
  }
  let next = ask()
  try {
    while (true) {
      const item = await next
      if (item.done === true) return
      next = ask()
      yield item.value
    }
  } finally {
    await next.catch(() => {})
    await iterator.return?.()
  }
}
