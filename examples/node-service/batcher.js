/** Single requests → runs of the model: what waits when a run begins goes into it, up to the batch; the rest into the next. */
export function makeBatcher(model, { batch, pixels, classes }) {
  const waiting = []
  const image = new Float32Array(batch * pixels)
  let running
  let classified = 0

  async function drain() {
    while (waiting.length > 0) {
      const taken = waiting.splice(0, batch)
      image.fill(0)
      for (const [i, { picture }] of taken.entries()) image.set(picture, i * pixels)
      try {
        const { logits } = await model.run({ image })
        for (const [i, { resolve }] of taken.entries())
          resolve(softmax(logits.subarray(i * classes, (i + 1) * classes)))
        classified += taken.length
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
    }
  }

  return {
    get classified() {
      return classified
    },
    classify(picture) {
      return new Promise((resolve, reject) => {
        waiting.push({ picture, resolve, reject })
        // A turn of the event loop later, so that requests which arrived together run together.
        running ??= new Promise((next) => setImmediate(next)).then(drain).finally(() => {
          running = undefined
        })
      })
    },
    idle: async () => {
      while (running) await running
    },
  }
}

function softmax(logits) {
  const most = Math.max(...logits)
  const powers = Array.from(logits, (v) => Math.exp(v - most))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((p) => p / sum)
}
