/** The service: opens the model, answers `POST /classify` and `GET /health`, and ends cleanly. */
import { createServer } from 'node:http'
import 'dlm/node'
import { makeBatcher } from './batcher.js'
import { Convnet } from './generated/convnet.js'
import { InputError, pixels, readPicture } from './input.js'

const batch = 32
const model = await Convnet.open({ batch })
const weights = process.env.WEIGHTS
if (weights) await model.load(weights)
else {
  console.error('WEIGHTS names no file: the answers are those of an untrained network')
  model.initialize(0)
}
const batcher = makeBatcher(model, { batch, pixels, classes: 10 })

const server = createServer(async (request, response) => {
  const answer = (status, value, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(`${JSON.stringify(value)}\n`)
  }
  try {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/health' && request.method === 'GET')
      return answer(200, { device: model.device.name, classified: batcher.classified })
    if (pathname !== '/classify') return answer(404, { error: 'there are POST /classify and GET /health' })
    if (request.method !== 'POST') return answer(405, { error: 'POST is expected' }, { allow: 'POST' })
    const probabilities = await batcher.classify(await readPicture(request))
    const digit = probabilities.reduce((best, p, i) => (p > probabilities[best] ? i : best), 0)
    answer(200, { digit, probabilities })
  } catch (error) {
    if (error instanceof InputError) return answer(error.status, { error: error.message })
    console.error(error)
    answer(500, { error: 'the picture could not be classified' })
  }
})

server.listen(Number(process.env.PORT ?? 8080), () => {
  console.log(`listening on port ${server.address().port}, ${model.device.name}`)
})

let ending = false
async function end(code) {
  if (ending) return
  ending = true
  // Connections that only wait are closed; those with a request are answered first.
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  await batcher.idle()
  model.dispose()
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end(0))
// Nothing can be answered any more: whoever runs the service starts it anew.
model.lost.then((reason) => {
  console.error(`the device was lost: ${reason}`)
  return end(1)
})
