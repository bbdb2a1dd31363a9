/** Losses by step → a line in an SVG. A long run is thinned to the width of the picture. */
const [width, height, left, bottom, top] = [600, 180, 44, 24, 12]
const element = (name, attributes, text) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  if (text !== undefined) made.textContent = text
  return made
}

export function drawCurve(svg, losses, total) {
  const tick = Math.max(...losses) > 2.5 ? 1 : 0.5
  const ticks = Math.max(1, Math.ceil(Math.max(...losses, 0) / tick))
  const most = tick * ticks
  const x = (step) => left + ((width - left - 8) * step) / Math.max(1, total)
  const y = (loss) => height - bottom - ((height - bottom - top) * loss) / most
  const every = Math.max(1, Math.floor(losses.length / 300))
  const points = losses.flatMap((loss, i) =>
    i % every === 0 || i === losses.length - 1 ? [`${x(i + 1).toFixed(1)} ${y(loss).toFixed(1)}`] : [],
  )
  svg.replaceChildren(
    ...Array.from({ length: ticks + 1 }, (_, i) => i * tick).flatMap((value) => [
      element('line', { x1: left, x2: width - 8, y1: y(value), y2: y(value) }),
      element('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, value.toFixed(1)),
    ]),
    ...(total > 0 ? [element('text', { x: width - 8, y: height - 6, 'text-anchor': 'end' }, `step ${total}`)] : []),
    element('text', { x: left, y: height - 6 }, 'loss'),
    ...(points.length > 1 ? [element('path', { d: `M${points.join('L')}` })] : []),
  )
}
