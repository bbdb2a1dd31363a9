/** The drawing area → 28×28 greys as MNIST has them: the stroke scaled into 20×20 pixels and centred by its mass. */
export function makePad(canvas, onChange) {
  const context = canvas.getContext('2d', { willReadFrequently: true })
  const clear = () => {
    context.fillStyle = '#000'
    context.fillRect(0, 0, canvas.width, canvas.height)
    onChange(undefined)
  }
  let last
  const place = (event) => {
    const box = canvas.getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ]
  }
  const draw = (event) => {
    const [x, y] = place(event)
    context.strokeStyle = '#fff'
    context.lineWidth = 22
    context.lineCap = 'round'
    context.lineJoin = 'round'
    context.beginPath()
    context.moveTo(...(last ?? [x, y]))
    context.lineTo(x, y)
    context.stroke()
    last = [x, y]
    onChange(digitOf(context, canvas))
  }
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId)
    last = undefined
    draw(event)
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons & 1) draw(event)
  })
  clear()
  return { clear, digit: () => digitOf(context, canvas) }
}

function digitOf(context, { width, height }) {
  const { data } = context.getImageData(0, 0, width, height)
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (data[4 * (y * width + x)] > 20) {
        left = Math.min(left, x)
        right = Math.max(right, x)
        top = Math.min(top, y)
        bottom = Math.max(bottom, y)
      }
  if (right < left) return undefined
  const scale = 20 / Math.max(right - left + 1, bottom - top + 1)
  const small = new OffscreenCanvas(28, 28).getContext('2d')
  small.imageSmoothingQuality = 'high'
  const paint = (dx, dy) => {
    small.fillStyle = '#000'
    small.fillRect(0, 0, 28, 28)
    small.drawImage(
      context.canvas,
      left,
      top,
      right - left + 1,
      bottom - top + 1,
      dx,
      dy,
      (right - left + 1) * scale,
      (bottom - top + 1) * scale,
    )
    return Float32Array.from(
      { length: 784 },
      (
        (pixels) => (_, i) =>
          pixels[4 * i] / 255
      )(small.getImageData(0, 0, 28, 28).data),
    )
  }
  const [dx, dy] = [14 - ((right - left + 1) * scale) / 2, 14 - ((bottom - top + 1) * scale) / 2]
  const first = paint(dx, dy)
  let [mass, mx, my] = [0, 0, 0]
  first.forEach((v, i) => {
    mass += v
    mx += v * (i % 28)
    my += v * Math.floor(i / 28)
  })
  return paint(dx + 13.5 - mx / mass, dy + 13.5 - my / mass)
}
