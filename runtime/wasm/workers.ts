/**
 * Worker threads for a session: Web Workers, or what Node's platform provides. Their program is the text of `wasmThread`,
 * which every bundler carries along as it is.
 */
import { platform } from '../platform.ts'
import { type ThreadSetup, wasmThread } from './thread.ts'

/** A thread as Node and browsers have it in common. */
export interface ThreadWorker {
  post(message: unknown): void
  terminate(): void
  /** Whether it keeps the process alive. */
  hold(held: boolean): void
}
export type StartWorker = (
  program: string,
  onMessage: (message: unknown) => void,
  onError: (error: unknown) => void,
) => ThreadWorker

/** What a thread says: that it is ready or that something moved (`undefined`), or what ended it. */
type Told = { readonly fault: string } | undefined

/** `receive` takes the message with which a thread begins, `post` sends one to the host. */
const program = `(receive, post) => receive((setup) => {
  try {
    const thread = (${wasmThread.toString()})(setup, () => post())
    post()
    thread.serve()
  } catch (error) {
    Atomics.store(new Int32Array(setup.memory.buffer), setup.failed, 1)
    post({ fault: String(error) })
  }
})`

const browserWorker: StartWorker = (text, onMessage, onError) => {
  const url = URL.createObjectURL(
    new Blob([`(${text})((begin) => { onmessage = ({ data }) => begin(data) }, (message) => postMessage(message))`]),
  )
  const worker = new Worker(url)
  worker.onmessage = ({ data }) => onMessage(data)
  worker.onerror = (event) => onError(event.message)
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => {
      worker.terminate()
      URL.revokeObjectURL(url)
    },
    hold: () => undefined,
  }
}

export interface Threads {
  /** While the host waits for them, they keep the process alive. */
  hold(held: boolean): void
  terminate(): void
}

/** Starts threads and waits until each has its kernels. `told` is called when something moved, `failed` when one ended. */
export async function startThreads(
  setups: readonly ThreadSetup[],
  told: () => void,
  failed: (reason: string) => void,
): Promise<Threads> {
  const start = platform().startWorker ?? browserWorker
  const workers: ThreadWorker[] = []
  const threads: Threads = {
    hold: (held) => workers[0]!.hold(held),
    terminate: () => {
      for (const worker of workers.splice(1)) worker.terminate()
      workers[0]!.terminate()
    },
  }
  try {
    await Promise.all(
      setups.map(
        (setup) =>
          new Promise<void>((resolve, reject) => {
            let ready = false
            const fault = (reason: string) => (ready ? failed(reason) : reject(new Error(reason)))
            const worker = start(
              program,
              (message) => {
                const fell = (message as Told)?.fault
                if (fell !== undefined) fault(fell)
                else if (ready) told()
                else {
                  ready = true
                  worker.hold(false)
                  resolve()
                }
              },
              (error) => fault(String(error)),
            )
            workers.push(worker)
            worker.post(setup)
          }),
      ),
    )
  } catch (error) {
    if (workers.length > 0) threads.terminate()
    throw error
  }
  return threads
}
