/** Paths that stand for the layers of a stack, `encoder.block[0..12].norm`, and the paths they stand for. */

const range = /\[0\.\.(\d+)\]/

/** Every layer's own path, the last stack's layers fastest: the order of the parts of a stacked tensor. */
export function eachPath(path: string): readonly string[] {
  const found = range.exec(path)
  if (!found) return [path]
  const [text, count] = [found[0], Number(found[1])]
  const [before, after] = [path.slice(0, found.index), path.slice(found.index + text.length)]
  const rest = eachPath(after)
  return Array.from({ length: count }, (_, i) => rest.map((end) => `${before}[${i}]${end}`)).flat()
}

/** For how many of the layers that `path` stands for does `layer` hold them: itself and all below it. */
export function countWithin(path: string, layer: string): number {
  const [parts, wanted] = [path.split(/(?=[.[])/), layer.split(/(?=[.[])/)]
  if (layer !== '' && parts.length < wanted.length) return 0
  let count = 1
  for (const [i, part] of parts.entries()) {
    const layers = range.exec(part)
    const want = layer === '' ? undefined : wanted[i]
    if (want === undefined) count *= layers ? Number(layers[1]) : 1
    else if (layers ? !/^\[\d+\]$/.test(want) || Number(want.slice(1, -1)) >= Number(layers[1]) : part !== want)
      return 0
  }
  return count
}
